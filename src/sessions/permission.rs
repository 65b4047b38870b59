//! Whether Codex may work in this repository, and whether a session may be started as things stand.

use super::agents::Agents;
use crate::core::Refused;
use crate::core::policy::Policy;
use crate::domain::driver::Driver;
use crate::domain::event::Event;
use crate::domain::language::Language;
use crate::domain::powers::Held;
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use crate::domain::session::Brief;
use crate::domain::state::State;

/// A person's permission for Codex to work here.
pub struct Permission<'a>(&'a Agents);

impl Agents {
    /// A person's permission for Codex to work here.
    pub fn permission(&self) -> Permission<'_> {
        Permission(self)
    }
}

impl Permission<'_> {
    /// What Codex will do to the user's own configuration, in `language`, and whether a person still has to allow it.
    pub fn question(&self, language: Language) -> Trust {
        let repo = self.0.core.place.repo.display();
        let statement = say!("trust.codex_sessions_will_write", repo).text(language);
        let needed = self.0.threads.codex.is_ok() && !self.is_given();
        Trust { needed, statement }
    }

    /// Whether a person allowed Codex to work here.
    pub fn is_given(&self) -> bool {
        self.0.core.ledger.read(|state| state.trusted.is_some())
    }

    /// A person who read the statement in `language` allows Codex to work here.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn give(&self, actor: &str, language: Language) -> Result<(), Refused> {
        let statement = self.question(language).statement;
        self.0
            .core
            .decide(actor, move |state| {
                let events = match state.trusted {
                    Some(_) => Vec::new(),
                    None => vec![Event::RepositoryTrusted { statement }],
                };
                Ok((events, ()))
            })
            .await
    }

    /// Whether a session of this driver may be started at all; `waits` says that its program waits for the person's yes.
    ///
    /// # Errors
    /// What has to happen first.
    pub fn check_driver(
        &self,
        state: &State,
        policy: &Policy,
        driver: &Driver,
        waits: bool,
    ) -> Result<(), Refusal> {
        if waits && let Some(program) = driver.program() {
            let driver = program.to_owned();
            return Err(policy.required(&Held::Nothing { driver }));
        }
        if !driver.needs_codex() {
            return Ok(());
        }
        if let Err(reason) = &self.0.threads.codex {
            return Err(Refusal::unavailable(
                "codex_unavailable",
                reason.clone().into(),
            ));
        }
        if state.trusted.is_none() {
            let message = say!("refusal.trust_required");
            return Err(Refusal::conflict("trust_required", message));
        }
        Ok(())
    }

    /// Whether a session may be started like this.
    ///
    /// # Errors
    /// What has to happen first.
    pub fn check_brief(
        &self,
        state: &State,
        policy: &Policy,
        brief: &Brief,
    ) -> Result<(), Refusal> {
        if let Some(refusal) = policy.withheld(brief) {
            return Err(refusal);
        }
        self.check_driver(state, policy, &brief.driver, false)
    }
}

/// Whether Codex may work here.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Trust {
    /// Whether a person must be asked before the first Codex session.
    pub needed: bool,
    /// What the person is told.
    pub statement: String,
}
