//! Why a queued assignment is passed over, slots aside. One look at the state answers for the whole queue.

use crate::domain::assignment::{Assignment, AssignmentState, Hold};
use crate::domain::ids::{AssignmentId, SessionId};
use crate::domain::result::Report;
use crate::domain::session::{Session, Status};
use crate::domain::state::State;
use std::collections::HashSet;

/// What bounds dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Departments that may work at the same time.
    pub slots: usize,
    /// Results that may wait for a person's eyes before nothing more starts; `None` is no bound.
    pub review: Option<usize>,
}

/// One look at everything that holds.
#[derive(Debug)]
pub struct Holds<'a> {
    state: &'a State,
    /// Planners with a result that asks for a person's decision.
    asking: HashSet<&'a SessionId>,
    over_review_limit: Option<Hold>,
}

/// How an assignment stands for those that come after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Open,
    Done,
    Failed,
}

impl<'a> Holds<'a> {
    /// Looks at the state.
    pub fn of(state: &'a State, limits: Limits) -> Self {
        let asking = state.reports.values().filter(|it| it.holds_queue());
        Self {
            state,
            asking: asking.map(|it| &it.current().parent_session_id).collect(),
            over_review_limit: limits.review.and_then(|limit| {
                let waiting = unreviewed(state);
                (waiting >= limit).then_some(Hold::ReviewLimit { waiting, limit })
            }),
        }
    }

    /// Why this one cannot be dispatched now, slots aside.
    pub fn on(&self, assignment: &Assignment) -> Option<Hold> {
        let parent = &assignment.order.parent_session_id;
        let planner_live = self.state.session(parent).is_some_and(is_there);
        if !planner_live {
            return Some(Hold::PlannerEnded);
        }
        if self.asking.contains(parent) {
            return Some(Hold::WaitsForPerson);
        }
        if assignment.forced {
            return None;
        }
        let those = |wanted: Standing| -> Vec<AssignmentId> {
            let after = assignment.order.after.iter();
            after
                .filter(|id| self.standing(id) == wanted)
                .cloned()
                .collect()
        };
        let failed = those(Standing::Failed);
        if !failed.is_empty() {
            return Some(Hold::DependencyFailed { on: failed });
        }
        let open = those(Standing::Open);
        if !open.is_empty() {
            return Some(Hold::WaitsFor { on: open });
        }
        let beside = assignment.apart.iter().filter(|id| self.is_at_work(id));
        let beside: Vec<AssignmentId> = beside.cloned().collect();
        if !beside.is_empty() {
            return Some(Hold::FilesInUse { by: beside });
        }
        self.over_review_limit.clone()
    }

    fn standing(&self, id: &AssignmentId) -> Standing {
        let Some(assignment) = self.state.assignments.get(id) else {
            return Standing::Failed;
        };
        let session = match &assignment.state {
            AssignmentState::Queued => return Standing::Open,
            AssignmentState::Cancelled => return Standing::Failed,
            AssignmentState::Dispatched { session_id } => self.state.session(session_id),
        };
        let Some(session) = session else {
            return Standing::Failed;
        };
        match self.state.report_of(session) {
            Some(report) if !report.is_fallback() => match counts(report, session) {
                true => Standing::Done,
                false => Standing::Open,
            },
            // A session that a person resumed may still have something to say.
            _ if session.is_live() => Standing::Open,
            _ => Standing::Failed,
        }
    }

    /// Until its session is over: who has reported may still be writing.
    fn is_at_work(&self, id: &AssignmentId) -> bool {
        let Some(assignment) = self.state.assignments.get(id) else {
            return false;
        };
        match &assignment.state {
            AssignmentState::Dispatched { session_id } => {
                self.state.session(session_id).is_some_and(Session::is_live)
            }
            AssignmentState::Queued | AssignmentState::Cancelled => false,
        }
    }
}

/// Whether others may build on a report. One that only a file claims may be forged: it counts when its session is over,
/// or when somebody took notice of it. One that asks a person counts when the person has answered.
fn counts(report: &Report, session: &Session) -> bool {
    report.acknowledged
        || (!report.current().findings.needs_user_confirmation
            && (report.is_from_its_session() || !session.is_live()))
}

fn is_there(planner: &Session) -> bool {
    matches!(planner.status, Status::Starting | Status::Running)
}

/// Results that nobody took notice of by name, in the inboxes of planners that are there.
pub fn unreviewed(state: &State) -> usize {
    let waits = |report: &&Report| {
        let planner = state.session(&report.current().parent_session_id);
        !report.acknowledged && planner.is_some_and(is_there)
    };
    state.reports.values().filter(waits).count()
}
