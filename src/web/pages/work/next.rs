//! What the person can do next: one sentence at the head of the page of work.

use super::Page;
use crate::core::live::Activity;

impl Page<'_> {
    /// What the person can do now, in one sentence.
    pub(super) fn next_step(&self) -> &str {
        self.t.get(self.next_key())
    }

    /// The part of the page that the next step is about, where it may be out of sight.
    pub(super) fn next_place(&self) -> Option<&str> {
        match self.next_key() {
            "next.unread" => Some("inbox"),
            "next.plan" => Some("plan"),
            "next.paused" => Some("queue"),
            _ => None,
        }
    }

    pub(super) fn next_key(&self) -> &'static str {
        let Some(session) = self.planner else {
            return "none";
        };
        let Some(planner) = session.planner.as_ref() else {
            return "none";
        };
        let live = session.ended_at.is_none();
        let working = self.children.iter().any(|s| s.ended_at.is_none());
        let waiting = self.w.queue.iter().any(|q| !self.is_foreign(q));
        if planner.replaced_by_session_id.is_some() {
            "next.replaced"
        } else if self.holds_work() {
            "next.decide"
        } else if !self.decide.is_empty() {
            "next.outside"
        } else if !live && session.can_resume {
            "next.ended"
        } else if planner.plan_status == "pending" && live {
            "next.plan"
        } else if session.activity == Activity::Blocked && live {
            "next.blocked"
        } else if !self.unread.is_empty() {
            "next.unread"
        } else if waiting && self.w.queue_paused {
            "next.paused"
        } else if working || waiting {
            "next.departments"
        } else if planner.plan_status == "rejected" {
            "next.rejected"
        } else if session.status == "starting" {
            "next.starting"
        } else if planner.plan_status == "none" {
            "next.planning"
        } else {
            "next.done"
        }
    }
}
