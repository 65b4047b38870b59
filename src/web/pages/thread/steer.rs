//! What of a session's page is for steering it.

use super::Page;
use crate::domain::steering::Fate;
use crate::domain::transcript::Turn;
use crate::web::views::{SessionView, SettingsView};

impl Page<'_> {
    /// What the page is called: what somebody called the thread, or the session's title.
    pub(super) fn title(&self) -> &str {
        let name = self
            .v
            .session
            .and_then(|it| it.thread.thread_name.as_deref());
        name.unwrap_or(self.v.title)
    }

    /// What a person would change when they rename it.
    pub(super) fn name<'s>(&self, session: &'s SessionView) -> &'s str {
        let name = session.thread.thread_name.as_deref();
        name.unwrap_or(&session.title)
    }

    pub(super) fn is_deleted(&self) -> bool {
        let fate = self.v.session.and_then(|it| it.thread.thread_fate);
        fate == Some(Fate::Deleted)
    }

    /// In what more is allowed than was confirmed, in words.
    pub(super) fn wider(&self, in_force: &SettingsView) -> String {
        let words = in_force.wider.iter();
        let words = words.map(|it| self.t.word("steer.wider", it.name()).into_owned());
        words.collect::<Vec<_>>().join(self.t.get("list.comma"))
    }

    /// The efforts that any model takes.
    pub(super) fn efforts(&self) -> Vec<&str> {
        let mut efforts: Vec<&str> = Vec::new();
        for choice in self.v.models.iter().flat_map(|model| &model.efforts) {
            if !efforts.contains(&choice.effort.as_str()) {
                efforts.push(&choice.effort);
            }
        }
        efforts
    }

    /// The session, where this turn can be taken back.
    pub(super) fn can_revert(&self, turn: &Turn) -> Option<&SessionView> {
        let session = self.v.session?;
        let runs = session.ended_at.is_none() && turn.status != "in_progress";
        let has_thread = session.thread_id.is_some();
        (runs && has_thread && session.status == "running").then_some(session)
    }
}
