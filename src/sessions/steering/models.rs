//! Whether somebody offers the model and the effort that a session's thread shall have.

use super::Steering;
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use crate::domain::session::Session;
use crate::domain::shown::short;
use crate::domain::steering::Wish;

impl Steering<'_> {
    /// Codex takes any model and any effort, and fails later.
    pub(super) fn check_model(&self, session: &Session, wish: &Wish) -> Result<(), Refusal> {
        let seen = self.0.core.live.observed(session.id()).settings;
        let in_force = session.thread_state.settings.clone().or(seen);
        let model_in_force = in_force.as_ref().map(|settings| &settings.model);
        let mut catalog = self.0.core.policy().catalog.clone();
        let offered = self.0.threads.models();
        if catalog.models.is_none() && !offered.is_empty() {
            let offered = offered.into_iter().map(|choice| choice.model);
            catalog.models = Some(model_in_force.cloned().into_iter().chain(offered).collect());
        }
        catalog.check_model(wish.model.as_deref(), "model")?;
        let model = wish.model.as_ref().or(model_in_force);
        // An effort that nobody mentions stays, and another model may not take it.
        let stays = in_force.as_ref().and_then(|it| it.effort.as_ref());
        let stays = stays.filter(|_| model != model_in_force);
        let Some(effort) = wish.effort.as_ref().or(stays) else {
            return Ok(());
        };
        match self.0.threads.efforts(model.map(String::as_str)) {
            Some(efforts) if !efforts.contains(effort) => {
                let message = say!(
                    "refusal.steer.effort",
                    effort = short(effort),
                    known = efforts.join(", ")
                );
                Err(Refusal::invalid("unknown_effort", message))
            }
            _ => Ok(()),
        }
    }
}
