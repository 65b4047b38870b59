//! Why a queued assignment is passed over, slots aside. One look at the state answers for the whole queue.

use crate::domain::assignment::{Assignment, AssignmentState, Hold, Order};
use crate::domain::fault::{Route, Shared};
use crate::domain::ids::{AssignmentId, SessionId};
use crate::domain::result::TaskResult;
use crate::domain::session::{Session, Status};
use crate::domain::state::State;
use crate::domain::usage::budgets::Bounds;
use std::collections::{BTreeMap, HashSet};

/// What bounds dispatch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Departments that may work at the same time.
    pub slots: usize,
    /// Results that may wait for a person's eyes before nothing more starts; `None` is no bound.
    pub review: Option<usize>,
    /// What runs the work of each department, by its key.
    pub routes: BTreeMap<String, Route>,
    /// What runs the work of a department that is not configured.
    pub other: Route,
    /// Why nothing can be started with Codex at the moment, as a sentence; `None` when it can, or nobody has looked.
    pub codex_down: Option<String>,
    /// What a person allows, in tokens.
    pub bounds: Bounds,
}

impl Limits {
    /// What would run this.
    fn route(&self, order: &Order) -> Route {
        let route = self.routes.get(&order.department).unwrap_or(&self.other);
        Route {
            driver: route.driver.clone(),
            unapproved: route.unapproved,
            model: order.model.clone().or_else(|| route.model.clone()),
        }
    }
}

/// One look at everything that holds.
#[derive(Debug)]
pub struct Holds<'a> {
    state: &'a State,
    /// Planners with a result that asks for a person's decision.
    asking: HashSet<&'a SessionId>,
    over_review_limit: Option<Hold>,
    limits: &'a Limits,
}

/// How an assignment stands for those that come after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Open,
    Done,
    Failed,
}

impl<'a> Holds<'a> {
    /// Looks at the state.
    pub fn of(state: &'a State, limits: &'a Limits) -> Self {
        let asking = state.open_reports().filter(|it| it.holds_queue());
        Self {
            state,
            limits,
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
        let route = self.limits.route(&assignment.order);
        if route.unapproved {
            return Some(Hold::PowersRequired {
                driver: route.driver.into(),
            });
        }
        if let Some(reason) = &self.limits.codex_down
            && route.driver.needs_codex()
        {
            let driver = route.driver;
            return Some(Hold::Broken {
                shared: Shared::Driver { driver },
                reason: reason.clone(),
            });
        }
        if let Some(hold) = self.limited(assignment, &route) {
            return Some(hold);
        }
        if assignment.forced {
            return None;
        }
        if let Some(hold) = self.broken(assignment) {
            return Some(hold);
        }
        let those = |wanted: Progress| -> Vec<AssignmentId> {
            let after = assignment.order.after.iter();
            after
                .filter(|id| self.standing(id) == wanted)
                .cloned()
                .collect()
        };
        let failed = those(Progress::Failed);
        if !failed.is_empty() {
            return Some(Hold::DependencyFailed { on: failed });
        }
        let open = those(Progress::Open);
        if !open.is_empty() {
            return Some(Hold::WaitsFor { on: open });
        }
        let beside = self
            .state
            .apart(&assignment.order.assignment_id)
            .iter()
            .filter(|id| self.is_at_work(id));
        let beside: Vec<AssignmentId> = beside.cloned().collect();
        if !beside.is_empty() {
            return Some(Hold::FilesInUse { by: beside });
        }
        self.over_review_limit.clone()
    }

    /// A limit of the provider, or of a person. Both are lifted by themselves, not for one assignment.
    fn limited(&self, assignment: &Assignment, route: &Route) -> Option<Hold> {
        let usage = &self.state.usage;
        if let Some(held) = usage.stops.held.as_ref()
            && route.driver.needs_codex()
        {
            let (until, retry_at) = (held.until, held.retry_at);
            return Some(Hold::RateLimited { until, retry_at });
        }
        let bounds = &self.limits.bounds;
        if usage.budgets.are_none(&bounds.defaults) {
            return None;
        }
        let plan = self.state.plan_of_work(assignment);
        let standing = self.state.budget(&plan, bounds)?;
        standing.reached.then_some(Hold::BudgetReached {
            used: standing.used,
            limit: standing.budget.tokens,
        })
    }

    fn broken(&self, assignment: &Assignment) -> Option<Hold> {
        if self.state.faults.is_empty() {
            return None;
        }
        let route = self.limits.route(&assignment.order);
        let mut faults = self.state.faults.iter();
        let (shared, fault) = faults.find(|(shared, _)| route.uses(shared))?;
        Some(Hold::Broken {
            shared: shared.clone(),
            reason: fault.reason.clone(),
        })
    }

    fn standing(&self, id: &AssignmentId) -> Progress {
        let Some(assignment) = self.state.assignments.get(id) else {
            return Progress::Failed;
        };
        let session = match &assignment.state {
            AssignmentState::Queued => return Progress::Open,
            AssignmentState::Cancelled => return Progress::Failed,
            AssignmentState::Dispatched { session_id } => self.state.session(session_id),
        };
        let Some(session) = session else {
            return Progress::Failed;
        };
        match self.state.report_of(session) {
            Some(report) if !report.is_fallback() => match counts(report, session) {
                true => Progress::Done,
                false => Progress::Open,
            },
            // A session that a person resumed may still have something to say.
            _ if session.is_live() => Progress::Open,
            _ => Progress::Failed,
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
fn counts(report: &TaskResult, session: &Session) -> bool {
    report.acknowledged
        || (!report.current().findings.needs_user_confirmation
            && (report.is_from_its_session() || !session.is_live()))
}

fn is_there(planner: &Session) -> bool {
    matches!(planner.status, Status::Starting | Status::Running)
}

/// Results that nobody took notice of by name, in the inboxes of planners that are there.
pub fn unreviewed(state: &State) -> usize {
    let there = state.live_sessions().filter(|session| is_there(session));
    there
        .map(|planner| state.unreviewed_count(planner.id()))
        .sum()
}
