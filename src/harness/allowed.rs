//! What a person has not allowed whoever asks: commands outside of the repository, and whatever leaves the machine.

use super::{Harness, Refused};
use crate::domain::harness::event::Event;
use crate::domain::harness::state::State;
use crate::domain::sentence::{Sentence, say};
use std::path::PathBuf;

impl Harness {
    /// The folder that a request names, from the repository on; without a name it is the repository.
    ///
    /// # Errors
    /// When it is no folder, or lies outside of the repository.
    pub async fn folder(&self, actor: &str, named: Option<&str>) -> Result<PathBuf, Refused> {
        let repo = &self.core.place.repo;
        let Some(path) = named else {
            return Ok(repo.clone());
        };
        let found = tokio::fs::canonicalize(repo.join(path)).await;
        let Some(found) = found.ok().filter(|it| it.is_dir()) else {
            let message = say!("refusal.harness.no_folder", path);
            return Err(Refused::invalid("cwd", message));
        };
        if found.starts_with(repo) {
            return Ok(found);
        }
        let asked = format!("cwd {}", found.display());
        let message = say!("refusal.harness.exec_folder", path);
        Err(self.met_ceiling(actor, asked, message).await)
    }

    /// Whether what is said here may be sent to a host outside. It may not.
    ///
    /// # Errors
    /// Always, and the attempt is on record.
    pub async fn allows_feedback(&self, actor: &str) -> Result<(), Refused> {
        let message = say!("refusal.harness.feedback_off");
        Err(self
            .met_ceiling(actor, "feedback".to_owned(), message)
            .await)
    }

    /// Notes that somebody asked for more than a person allows; the no for it, or why it cannot be noted.
    async fn met_ceiling(&self, actor: &str, asked: String, message: Sentence) -> Refused {
        let event = Event::CeilingMet {
            session_id: None,
            asked,
        };
        let noted = self.decide(actor, move |_: &State| Ok((vec![event], ())));
        match noted.await {
            Ok(()) => Refused::above_ceiling(message),
            Err(refused) => refused,
        }
    }
}
