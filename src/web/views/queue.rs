//! The queue as lists show it: what waits, and why it is passed over, in words.

use super::{DoingView, ViewContext};
use crate::domain::assignment::{Assignment, Hold};
use crate::domain::fault::Shared;
use crate::domain::flow::holds::{Holds, Limits};
use crate::domain::ids::AssignmentId;
use crate::domain::language::Language;
use crate::domain::words;
use crate::web::pages::Words;
use serde::Serialize;

/// A waiting assignment.
#[derive(Debug, Clone, Serialize)]
pub struct QueueItemView {
    /// What was confirmed.
    #[serde(flatten)]
    pub assignment: Assignment,
    /// 1 for the one that runs next.
    pub position: usize,
    /// Why it is passed over, if it is, in one word.
    pub hold: Option<&'static str>,
    /// The same as a sentence.
    pub hold_reason: Option<String>,
    /// That it waits, since when and why, in the words that sessions have.
    pub doing: DoingView,
    /// The assignments that it waits for.
    pub hold_for: Vec<AssignmentId>,
    /// Whether `POST /api/queue/force` lifts it.
    pub can_be_forced: bool,
    /// Name of the department, for people.
    pub title: String,
}

impl ViewContext<'_> {
    /// The queue, next first, as these `limits` bound it; `title` names a department in `language`.
    pub fn queue(
        &self,
        limits: &Limits,
        language: Language,
        title: impl Fn(&str) -> String,
    ) -> Vec<QueueItemView> {
        let holds = Holds::of(self.state, limits);
        let waiting = self.state.queue.iter();
        let waiting = waiting.filter_map(|id| self.state.assignments.get(id));
        let item = |(index, assignment): (usize, &Assignment)| {
            let hold = holds.on(assignment);
            let hold_reason = hold.as_ref().map(|it| self.reason(language, it, &title));
            let t = Words::of(language);
            let nothing_holds = match self.state.queue_paused {
                true => t.get("queue.hold.paused"),
                false => t.get("queue.hold.slot"),
            };
            let why = hold_reason.clone();
            let why = why.unwrap_or_else(|| nothing_holds.to_owned());
            QueueItemView {
                position: index + 1,
                hold: hold.as_ref().map(Hold::word),
                doing: DoingView::queued(assignment.queued_at, Some(why)),
                hold_reason,
                hold_for: hold
                    .as_ref()
                    .map_or_else(Vec::new, |it| it.assignments().to_vec()),
                can_be_forced: hold.is_some_and(|it| it.can_be_forced()),
                title: title(&assignment.order.department),
                assignment: assignment.clone(),
            }
        };
        waiting.enumerate().map(item).collect()
    }

    fn reason(&self, language: Language, hold: &Hold, title: impl Fn(&str) -> String) -> String {
        let t = Words::of(language);
        // A plan's own name for a line says more than its department, of which there may be several.
        let name = |id: &AssignmentId| match self.state.assignments.get(id) {
            None => id.to_string(),
            Some(it) => match &it.order.plan_line {
                Some(line) => format!("{} ({line})", title(&it.order.department)),
                None => title(&it.order.department),
            },
        };
        let names = hold.assignments().iter().map(name);
        let names = names
            .collect::<Vec<_>>()
            .join(words::text(language, "list.comma"));
        match hold {
            Hold::PlannerEnded => t.get("queue.hold.planner_ended").to_owned(),
            Hold::WaitsForPerson => t.get("queue.hold.waits_for_person").to_owned(),
            Hold::DependencyFailed { .. } => t.one("queue.hold.dependency_failed", names),
            Hold::WaitsFor { .. } => t.one("queue.hold.waits_for", names),
            Hold::FilesInUse { .. } => t.one("queue.hold.files_in_use", names),
            Hold::PowersRequired { driver } => t.one("queue.hold.powers_required", driver),
            Hold::Broken { shared, reason } => {
                let key = match shared {
                    Shared::Driver { .. } => "queue.hold.driver_failed",
                    Shared::Model { .. } => "queue.hold.model_failed",
                };
                t.two(key, shared.name(), t.said(reason))
            }
            Hold::RateLimited { retry_at, .. } => {
                t.one("queue.hold.rate_limited", super::usage::clock(retry_at))
            }
            Hold::BudgetReached { used, limit } => {
                let short = super::usage::short;
                t.two("queue.hold.budget_reached", short(*used), short(*limit))
            }
            Hold::ReviewLimit { waiting, limit } => {
                t.two("queue.hold.review_limit", waiting, limit)
            }
        }
    }
}
