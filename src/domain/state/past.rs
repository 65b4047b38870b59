//! What leaves the state when newer work has come, and how it comes back.
//!
//! A session is put away with everything that is its own, when nothing will happen to it by itself any more. The event that says so names
//! it alone; what it was stands in the journal before. Whoever keeps the copies (`history`) has made one by then. One that somebody does
//! something to is taken out by an event that carries it, so that the state stays what its events say and nothing else.

use super::State;
use super::index::{Keys, ReportKeys};
use crate::domain::assignment::{Assignment, AssignmentState};
use crate::domain::ids::{AssignmentId, ReportId, SessionId};
use crate::domain::pairs;
use crate::domain::plan::PlanState;
use crate::domain::result::TaskResult;
use crate::domain::session::Session;
use crate::domain::usage::budgets::Budget;
use crate::domain::usage::{Spent, Used};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// So many sessions stay in any case, the newest. A tenth would send people to disk for what they did this morning, ten times as many
/// would be most of what the launcher holds in memory.
pub const KEPT: usize = 200;
/// Nothing is put away before so many more have come: each time costs a transaction.
pub const SLACK: usize = 50;
/// So many leave at once, so that nobody waits for the journal meanwhile.
pub const BATCH: usize = 100;
/// What was taken out stays for so long: whoever did something to it may do something else.
const STAYS: TimeDelta = TimeDelta::minutes(10);

/// A session with everything that is its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// The session.
    pub session: Session,
    /// What it was told to do; of a planner what was cancelled before a session did it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assignments: Vec<Assignment>,
    /// What it reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<TaskResult>,
    /// Digests of files that were taken from it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub taken_files: BTreeSet<String>,
    /// What it used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Used>,
    /// What it may use, where a person said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// What its plans used, by version (planners).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "pairs")]
    pub spent: BTreeMap<u32, Spent>,
    /// What they may use (planners).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "pairs")]
    pub plan_budgets: BTreeMap<u32, Budget>,
    /// How much of its work had been put away before it (planners).
    #[serde(default, skip_serializing_if = "Gone::is_nothing")]
    pub gone: Gone,
}

/// How much of a planner's work was put away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gone {
    /// Departments.
    pub departments: usize,
    /// Results that were for it.
    pub reports: usize,
}

impl Gone {
    const fn is_nothing(&self) -> bool {
        self.departments == 0 && self.reports == 0
    }
}

/// What the state knows of all that was put away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PutAway {
    /// How many sessions.
    pub sessions: usize,
    /// How many of them are planners.
    pub planners: usize,
    /// What is gone of the work of planners that are still there.
    of: BTreeMap<SessionId, Gone>,
    /// What was taken out again, and when.
    taken_out: BTreeMap<SessionId, DateTime<Utc>>,
}

impl PutAway {
    /// What is gone of a planner's work.
    pub fn of(&self, planner: &SessionId) -> Gone {
        self.of.get(planner).copied().unwrap_or_default()
    }

    /// Sessions that were taken out, and are there still.
    pub fn taken_out(&self) -> impl Iterator<Item = &SessionId> {
        self.taken_out.keys()
    }
}

impl Past {
    /// Its id.
    pub fn id(&self) -> &SessionId {
        self.session.id()
    }

    /// The planner that its report goes to.
    pub fn report_planner(&self) -> Option<&SessionId> {
        let report = self.report.as_ref()?;
        Some(&report.current().parent_session_id)
    }
}

impl State {
    /// Sessions that nobody needs here, oldest first, at most [`BATCH`]; none until more than [`KEPT`] and [`SLACK`] are
    /// there. `may` can hold one back.
    pub fn to_put_away(
        &self,
        now: DateTime<Utc>,
        may: impl Fn(&SessionId) -> bool,
    ) -> Vec<SessionId> {
        if self.sessions.len() <= KEPT + SLACK {
            return Vec::new();
        }
        let leave = self.settled(KEPT, now).filter(|id| may(id));
        leave.take(BATCH).cloned().collect()
    }

    /// Sessions that nobody needs here, oldest first; not the newest `kept`, and not what was taken out a short while ago.
    pub fn settled(
        &self,
        kept: usize,
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = &SessionId> + use<'_> {
        let awaited = self.awaited();
        let older = self
            .sessions
            .values()
            .take(self.sessions.len().saturating_sub(kept));
        let leave = older.filter(move |session| {
            let taken_out = self.put_away.taken_out.get(session.id());
            taken_out.is_none_or(|at| now - at > STAYS) && self.is_settled(session, &awaited)
        });
        leave.map(Session::id)
    }

    /// The session of this name: its id, or that of its thread, of a copy of that, of its report or its assignment.
    pub fn named(&self, name: &str) -> Option<&Session> {
        let report = || {
            let report = self.reports.get(&ReportId::parse(name).ok()?)?;
            self.session(&report.current().department_session_id)
        };
        let assignment = || {
            let assignment = self.assignments.get(&AssignmentId::parse(name).ok()?)?;
            match &assignment.state {
                AssignmentState::Dispatched { session_id } => self.session(session_id),
                _ => self.session(&assignment.order.parent_session_id),
            }
        };
        let found = self.session_or_thread(name);
        found.or_else(report).or_else(assignment)
    }

    /// The session of this id, or whose thread, or a copy of it, has it.
    pub fn session_or_thread(&self, id: &str) -> Option<&Session> {
        let by_id = SessionId::parse(id).ok().and_then(|id| self.session(&id));
        let by_thread = by_id.or_else(|| self.session_of_thread(id));
        by_thread.or_else(|| self.session_of_fork(id))
    }

    /// This state, with some in it that were put away. It is for looking only: no event has made it.
    pub fn with(&self, all: &[Past]) -> Self {
        let mut state = self.clone();
        for past in all {
            state.come_back(DateTime::UNIX_EPOCH, past);
        }
        state.index.all_apart(&state.assignments);
        state
    }

    /// What queued assignments come after.
    fn awaited(&self) -> BTreeSet<&AssignmentId> {
        let queued = self.queue.iter().filter_map(|id| self.assignments.get(id));
        queued.flat_map(|it| &it.order.after).collect()
    }

    /// Whether nothing happens to it unless somebody does something to it.
    fn is_settled(&self, session: &Session, awaited: &BTreeSet<&AssignmentId>) -> bool {
        let id = session.id();
        let is_shown = |it: &super::Terminal| it.session_id.as_ref() == Some(id);
        let is_quiet = !session.is_live()
            && session.terminal_id.is_none()
            && !self.terminals.values().any(is_shown)
            && !self.index.owed.contains_key(id)
            && !self.usage.stops.sessions.contains_key(id)
            && !self
                .asks
                .unsettled()
                .any(|it| it.ask.session_id.as_ref() == Some(id));
        is_quiet
            && match session.is_planner() {
                true => self.planner_is_settled(session),
                false => self.department_is_settled(session, awaited),
            }
    }

    /// A planner goes after its departments, and not before a person has said what becomes of it.
    fn planner_is_settled(&self, planner: &Session) -> bool {
        let id = planner.id();
        let waits = |it: &Assignment| it.order.parent_session_id == *id;
        let mut queued = self.queue.iter().filter_map(|id| self.assignments.get(id));
        let plan_waits = planner.replaced_by.is_none()
            && planner
                .plan()
                .is_some_and(|it| it.state == PlanState::Pending);
        !self.index.stranded.contains(id)
            && !self.index.children.contains_key(id)
            && !self.index.reports.contains_key(id)
            && !queued.any(waits)
            && !plan_waits
    }

    fn department_is_settled(&self, session: &Session, awaited: &BTreeSet<&AssignmentId>) -> bool {
        let assigned = session.brief.assignment_id.as_ref();
        let parent = session.brief.parent_session_id.as_ref();
        let planner = parent.map(|it| self.current_planner(it));
        let is_stranded = planner.is_some_and(|it| self.index.stranded.contains(it));
        let is_over = |report: &TaskResult| {
            let id = &report.report_id;
            let reader = self.current_planner(&report.current().parent_session_id);
            let waits = !report.acknowledged;
            !(report.asks_a_person()
                || self.unjudged.contains(id)
                || self.unsettled.contains(id)
                || self.unverified.contains(id)
                || waits && self.index.live.contains(reader))
        };
        !is_stranded
            && assigned.is_none_or(|id| !awaited.contains(id))
            && self.report_of(session).is_none_or(is_over)
    }

    /// A session with everything that is its own.
    pub fn past_of(&self, id: &SessionId) -> Option<Past> {
        let session = self.session(id)?;
        let plans = |of: Option<&BTreeMap<u32, Spent>>| of.cloned().unwrap_or_default();
        Some(Past {
            assignments: self.assignments_of(session),
            report: self.report_of(session).cloned(),
            taken_files: self.taken_files.get(id).cloned().unwrap_or_default(),
            used: self.usage.sessions.get(id).cloned(),
            budget: self.usage.budgets.of_session(id),
            spent: plans(self.usage.plans.get(id)),
            plan_budgets: self.usage.budgets.of_plans(id),
            gone: self.put_away.of(id),
            session: session.clone(),
        })
    }

    fn assignments_of(&self, session: &Session) -> Vec<Assignment> {
        if let Some(id) = &session.brief.assignment_id {
            return self.assignments.get(id).cloned().into_iter().collect();
        }
        if !session.is_planner() {
            return Vec::new();
        }
        let of_it = |it: &&Assignment| {
            it.state == AssignmentState::Cancelled && it.order.parent_session_id == *session.id()
        };
        self.assignments.values().filter(of_it).cloned().collect()
    }

    pub(super) fn put_away(&mut self, ids: &[SessionId]) {
        for id in ids {
            self.let_go(id);
        }
        self.index.all_apart(&self.assignments);
    }

    fn let_go(&mut self, id: &SessionId) {
        let Some(past) = self.past_of(id) else { return };
        let session = &past.session;
        self.sessions.remove(id);
        self.index
            .change_session(id, Keys::of(session), Keys::default());
        for assignment in &past.assignments {
            self.assignments.remove(&assignment.order.assignment_id);
        }
        if let Some(report) = &past.report {
            let id = &report.report_id;
            self.reports.remove(id);
            self.index
                .change_report(id, ReportKeys::of(report), ReportKeys::default());
            for set in [
                &mut self.unjudged,
                &mut self.unsettled,
                &mut self.unverified,
            ] {
                set.remove(id);
            }
        }
        self.taken_files.remove(id);
        self.usage.sessions.remove(id);
        self.usage.plans.remove(id);
        self.usage.budgets.forget(id);
        let away = &mut self.put_away;
        away.taken_out.remove(id);
        away.of.remove(id);
        away.sessions += 1;
        away.planners += usize::from(session.is_planner());
        if let Some(planner) = session
            .brief
            .parent_session_id
            .clone()
            .filter(|it| self.sessions.contains_key(it))
        {
            away.of.entry(planner).or_default().departments += 1;
        }
        if let Some(planner) = past
            .report_planner()
            .filter(|it| self.sessions.contains_key(it))
        {
            away.of.entry(planner.clone()).or_default().reports += 1;
        }
    }

    /// Somebody does something to a session that was put away. One that is there stays as it is.
    pub(super) fn take_out(&mut self, at: DateTime<Utc>, past: &Past) {
        self.come_back(at, past);
        self.index.all_apart(&self.assignments);
    }

    fn come_back(&mut self, at: DateTime<Utc>, past: &Past) {
        let id = past.id();
        if self.sessions.contains_key(id) {
            return;
        }
        let away = &mut self.put_away;
        away.sessions = away.sessions.saturating_sub(1);
        if past.session.is_planner() {
            away.planners = away.planners.saturating_sub(1);
        }
        away.taken_out.insert(id.clone(), at);
        let parent = past.session.brief.parent_session_id.as_ref();
        if let Some(gone) = parent.and_then(|it| away.of.get_mut(it)) {
            gone.departments = gone.departments.saturating_sub(1);
        }
        if let Some(gone) = past.report_planner().and_then(|it| away.of.get_mut(it)) {
            gone.reports = gone.reports.saturating_sub(1);
        }
        away.of.retain(|_, gone| !gone.is_nothing());
        self.hold(past.clone());
    }

    fn hold(&mut self, past: Past) {
        let id = past.id().clone();
        self.index
            .change_session(&id, Keys::default(), Keys::of(&past.session));
        self.sessions.insert(id.clone(), past.session);
        for assignment in past.assignments {
            let id = assignment.order.assignment_id.clone();
            self.assignments.insert(id, assignment);
        }
        if let Some(report) = past.report {
            let id = report.report_id.clone();
            self.index
                .change_report(&id, ReportKeys::default(), ReportKeys::of(&report));
            self.reports.insert(id, report);
        }
        if !past.taken_files.is_empty() {
            self.taken_files.insert(id.clone(), past.taken_files);
        }
        if let Some(used) = past.used {
            self.usage.sessions.insert(id.clone(), used);
        }
        if !past.spent.is_empty() {
            self.usage.plans.insert(id.clone(), past.spent);
        }
        self.usage
            .budgets
            .put_back(&id, past.budget, past.plan_budgets);
        if !past.gone.is_nothing() {
            self.put_away.of.insert(id, past.gone);
        }
    }
}
