//! Browser sessions end when their time is up, also when nobody asks any more: what they opened must not stay open.

use super::{Access, AccessEvent, SESSION_IDLE, SESSION_LIFE};
use std::time::Duration;

/// The clock that wakes us stands still while the machine sleeps, the one that counts does not. A tenth would wake an
/// idle machine for nothing, ten times as much would leave a session open for ten minutes after a night's sleep.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

impl Access {
    /// Ends sessions at their time, until the server stops.
    pub async fn keep_time(&self) {
        loop {
            let next = self
                .end_expired()
                .map_or(LOOK_AGAIN, |next| next.min(LOOK_AGAIN));
            tokio::select! {
                () = self.closing().cancelled() => return,
                () = tokio::time::sleep(next) => {}
            }
        }
    }

    /// Ends those whose time is up; tells how long the next one has.
    pub(super) fn end_expired(&self) -> Option<Duration> {
        let now = (self.clock)();
        let left = |used_at: Duration, created_at: Duration| {
            let idle = (used_at + SESSION_IDLE).saturating_sub(now);
            idle.min((created_at + SESSION_LIFE).saturating_sub(now))
        };
        let (ended, next) = {
            let mut inner = self.lock();
            let ended =
                inner.end_sessions(|one| left(one.used_at, one.created_at) == Duration::ZERO);
            let sessions = inner.sessions.iter();
            (
                ended,
                sessions.map(|one| left(one.used_at, one.created_at)).min(),
            )
        };
        self.tell_ended(ended, None);
        next
    }

    /// Tells of a browser session that ended, if one did, and who ended it.
    pub(super) fn tell_ended(&self, ended: bool, by: Option<String>) {
        if ended {
            let to = "browser".to_owned();
            self.tell(AccessEvent::Revoked { to, by });
        }
    }
}
