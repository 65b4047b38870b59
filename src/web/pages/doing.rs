//! What a session is doing, in words.

use super::Words;
use crate::web::views::{DoingView, SessionView};

impl Words {
    /// What something is doing, in a word or two. `sessions.js` says the same.
    pub fn doing(&self, doing: &DoingView) -> String {
        let word = self.word("doing", doing.state);
        match (&doing.tool, doing.times) {
            (Some(tool), Some(times)) => self.two("doing.loop", tool, times),
            (Some(tool), None) => self.one("doing.tool", tool),
            (None, _) => word.into_owned(),
        }
    }
}

impl SessionView {
    /// Whether there is something to say of what it does: a program that never tells, but prints, is none that gave no sign.
    pub fn tells_doing(&self) -> bool {
        let is_known = self.doing.state != "unknown" || self.doing.reason.is_some();
        self.ended_at.is_none() && (is_known || self.last_activity_at.is_none())
    }

    /// Why it does what it does, where nothing else of it says so.
    pub fn doing_reason(&self) -> Option<&String> {
        let reason = self.doing.reason.as_ref();
        reason.filter(|_| self.ended_at.is_none() && self.doing.reason != self.status_reason)
    }
}
