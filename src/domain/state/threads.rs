//! What events do to what is known of sessions' threads.

use super::State;
use crate::domain::ids::SessionId;
use crate::domain::session::Session;
use crate::domain::steering::{Fate, ThreadState};

impl State {
    /// The session whose thread was copied into this one.
    pub fn session_of_fork(&self, thread_id: &str) -> Option<&Session> {
        self.session(self.index.forks.get(thread_id)?.first()?)
    }

    pub(super) fn thread_opened(&mut self, id: &SessionId, thread_id: &str) {
        self.with_session(id, |session| {
            session.thread_id = Some(thread_id.to_owned());
            session.prompted = false;
            // Copies of the thread before are there still.
            let forks = std::mem::take(&mut session.thread_state.forks);
            session.thread_state = ThreadState {
                forks,
                ..ThreadState::default()
            };
        });
    }

    pub(super) fn thread_changed(&mut self, id: &SessionId, change: impl FnOnce(&mut ThreadState)) {
        self.with_session(id, |session| change(&mut session.thread_state));
    }

    pub(super) fn thread_became(&mut self, id: &SessionId, thread_id: &str, fate: Fate) {
        self.with_session(id, |session| {
            if session.thread_id.as_deref() == Some(thread_id) {
                session.thread_state.fate = fate;
            } else if fate == Fate::Deleted {
                session.thread_state.forks.retain(|it| it != thread_id);
            }
        });
    }
}
