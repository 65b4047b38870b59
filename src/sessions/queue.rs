//! The queue of work: what bounds it, what holds it back, and its pause.

use super::agents::Agents;
use crate::core::{LAUNCHER, Refused};
use crate::domain::fault::Shared;
use crate::domain::flow::holds::Limits;
use crate::domain::flow::{self, queue};
use crate::domain::session::Session;

/// What may be asked of the queue.
pub struct Queue<'a>(&'a Agents);

impl Agents {
    /// The queue of work.
    pub fn queue(&self) -> Queue<'_> {
        Queue(self)
    }
}

impl Queue<'_> {
    /// What bounds dispatch at this moment.
    pub fn limits(&self) -> Limits {
        let policy = self.0.core.policy();
        Limits {
            codex_down: self.0.threads.down(),
            bounds: self.0.core.bounds(&policy),
            ..policy.limits()
        }
    }

    /// What a department could not be started with, or its model that fails, is seldom broken for it alone: what needs the
    /// same waits, with the reason, and is not spent on the same failure.
    pub async fn hold_back(&self, shared: Shared, session: &Session, reason: &str) {
        let (id, reason) = (session.id().clone(), reason.to_owned());
        let held = self.0.core.decide(LAUNCHER, move |state| {
            flow::queue::hold(state, shared, &id, &reason)
        });
        if let Err(error) = held.await {
            tracing::warn!(?error, "work could not be held back");
        }
    }

    /// Pauses or resumes dispatch.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn pause(&self, actor: &str, paused: bool) -> Result<(), Refused> {
        if !paused && self.0.threads.logged_in() == Some(false) {
            // The next session looks again.
            self.0.threads.set_logged_in(None);
        }
        self.0
            .core
            .decide(actor, move |state| queue::pause(state, paused))
            .await
    }
}
