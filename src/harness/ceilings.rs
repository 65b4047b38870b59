//! What a person lets clients have at most, held against what one asks for. What is above is refused, and goes on record.

use super::Harness;
use super::refused::Refused;
use crate::domain::harness::ceilings::{Above, Act, Ceilings};
use crate::domain::harness::controls::Controls;
use crate::domain::harness::event::Event;
use crate::domain::sentence::say;
use std::path::{Path, PathBuf};

/// Who asks for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// What the journal names.
    pub actor: String,
    /// Whether it is the person, who is bound by little.
    pub is_person: bool,
}

impl Harness {
    /// Lets these controls through, for this thread.
    ///
    /// # Errors
    /// When they are above what a person allows.
    pub async fn allows(
        &self,
        by: &By,
        session_id: Option<&str>,
        controls: &Controls,
    ) -> Result<(), Refused> {
        self.within(by, session_id, |most, bound| most.check(bound, controls))
            .await
    }

    /// Lets something be done that is no thread's.
    ///
    /// # Errors
    /// When a person does not allow it.
    pub async fn allows_act(&self, by: &By, act: Act) -> Result<(), Refused> {
        self.within(by, None, |most, bound| most.check_act(bound, act))
            .await
    }

    /// Lets a thread begin in this folder, which a client named `cwd`, and answers where that is, links followed.
    ///
    /// # Errors
    /// When there is no such folder, or it is neither in the repository nor in a folder that a person named.
    pub async fn allows_folder(
        &self,
        by: &By,
        cwd: &str,
        wanted: &Path,
    ) -> Result<PathBuf, Refused> {
        let repo = &self.core.place.repo;
        // What is outside is not even looked at.
        self.within(by, None, |most, _| most.check_folder(repo, wanted))
            .await?;
        let found = tokio::fs::canonicalize(wanted).await;
        let Some(found) = found.ok().filter(|found| found.is_dir()) else {
            let message = say!("refusal.harness.no_folder", cwd);
            return Err(Refused::invalid("cwd", message));
        };
        self.within(by, None, |most, _| most.check_folder(repo, &found))
            .await?;
        Ok(found)
    }

    /// Lets a yes give this, in this thread.
    ///
    /// # Errors
    /// When that is more than a person allows.
    pub async fn allows_gift(&self, by: &By, session_id: &str, gift: Above) -> Result<(), Refused> {
        self.within(by, Some(session_id), |most, bound| {
            most.check_gift(bound, gift)
        })
        .await
    }

    async fn within(
        &self,
        by: &By,
        session_id: Option<&str>,
        check: impl FnOnce(&Ceilings, bool) -> Result<(), Above>,
    ) -> Result<(), Refused> {
        let policy = self.core.policy();
        let Err(above) = check(&policy.ceilings, !by.is_person) else {
            return Ok(());
        };
        let (key, asked) = (above.key(), above.words());
        let met = Event::CeilingMet {
            session_id: session_id.map(str::to_owned),
            asked: format!("{key}: {asked}"),
        };
        // What cannot be put on record is refused all the same.
        self.decide(by.actor.clone(), move |_| Ok((vec![met], ())))
            .await?;
        let refused = Refused::above_ceiling(say!("refusal.harness.above_ceiling", key, asked));
        let refused = refused.with("ceiling", key);
        Err(match session_id {
            Some(id) => refused.of_session(id),
            None => refused,
        })
    }
}
