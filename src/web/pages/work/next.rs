//! What the person can do next: one sentence at the head of the page of work.

use super::Page;
use crate::domain::attention::{Item, Waiting};

impl Page<'_> {
    /// What the person can do now, in one sentence.
    pub(super) fn next_step(&self) -> &str {
        self.t.get(self.next_key())
    }

    /// The part of the page that the next step is about, where it may be out of sight.
    pub(super) fn next_place(&self) -> Option<&str> {
        match self.next_key() {
            "next.unread" | "next.outside" | "next.decide" => Some("inbox"),
            "next.plan" => Some("plan"),
            "next.paused" => Some("queue"),
            _ => None,
        }
    }

    /// What the list of what waits says about this planner first. Nothing else decides what waits for the person.
    fn first_of_list(&self) -> Option<&'static str> {
        let own = |item: &&Item| item.planner_id.as_ref() == self.w.chosen;
        let mut keys = self.w.waiting.iter().filter(own);
        keys.find_map(|item| match &item.waiting {
            Waiting::Ask { .. } if item.department.is_some() => Some("next.department_asks"),
            Waiting::Ask { .. } => Some("next.asks"),
            Waiting::Blocked { .. } => Some("next.blocked"),
            Waiting::ResultNeedsPerson { .. } => Some("next.decide"),
            Waiting::OutsideScope { .. } => Some("next.outside"),
            Waiting::PlanToConfirm(_) | Waiting::VerdictMissing(_) | Waiting::PlanVetoed(_) => {
                Some("next.plan")
            }
            Waiting::StartFailed { .. }
            | Waiting::SessionLost { .. }
            | Waiting::PlannerEnded { .. } => Some("next.ended"),
            _ => None,
        })
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
        } else if let Some(key) = self.first_of_list() {
            key
        } else if !live && session.can_resume {
            "next.ended"
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
