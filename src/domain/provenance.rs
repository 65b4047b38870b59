//! Whose a change is: which confirmed work lies in the next commit, and what of it. Questions to the state, no decisions.

use super::assignment::{Assignment, AssignmentState};
use super::conformance::{Conformance, JudgedFile};
use super::result::TaskResult;
use super::scope::Scope;
use super::session::Session;
use super::state::State;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// One assignment that was given to a session, with what is known of its changes.
pub struct Work<'a> {
    /// What was confirmed.
    pub assignment: &'a Assignment,
    /// Who does it.
    pub session: &'a Session,
    /// What it reported, or the launcher in its place.
    pub report: Option<&'a TaskResult>,
    known: Known<'a>,
}

/// What there is to tell its changes by.
enum Known<'a> {
    /// The report was held against the repository.
    Judged(BTreeMap<&'a str, &'a JudgedFile>),
    /// Only its report speaks.
    Claimed(BTreeSet<&'a str>),
    /// It has not reported yet.
    Scope(Scope),
    /// Nothing at all.
    Nothing,
}

/// How a path belongs to somebody's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touch<'a> {
    /// It was seen to change in that work.
    Seen(&'a JudgedFile),
    /// Its report says so; nobody could compare.
    Said,
    /// Its session still works, and the path is one of its assignment's files.
    AtWork,
}

/// All work that may lie in the next commit. What was reported before the last commit counts only while its planner goes
/// on.
pub fn work(state: &State) -> Vec<Work<'_>> {
    let since = state.reviews.head.as_ref().map(|(at, _)| *at);
    let all = state.assignments.values();
    all.filter_map(|assignment| Work::of(state, assignment))
        .filter(|work| {
            let is_newer = || match (work.reported_at(), since) {
                (Some(at), Some(since)) => at > since,
                (Some(_), None) => true,
                (None, _) => work.session.is_live(),
            };
            work.planner_goes_on(state) || is_newer()
        })
        .collect()
}

/// The confirmed plans that a change of these paths belongs to, as `<planner>/<version>`: for each path, that of the
/// department that reported it last.
pub fn plans_of(works: &[Work<'_>], paths: &[String]) -> Vec<String> {
    let plans: BTreeSet<String> = paths
        .iter()
        .filter_map(|path| {
            let reported = works
                .iter()
                .filter(|work| matches!(work.touch(path), Some(Touch::Seen(_) | Touch::Said)));
            reported
                .filter_map(|work| Some((work.reported_at()?, work.plan()?)))
                .max()
                .map(|(_, plan)| plan)
        })
        .collect();
    plans.into_iter().collect()
}

impl<'a> Work<'a> {
    fn of(state: &'a State, assignment: &'a Assignment) -> Option<Self> {
        let AssignmentState::Dispatched { session_id } = &assignment.state else {
            return None;
        };
        let session = state.session(session_id)?;
        let report = state.report_of(session);
        let known = match report {
            Some(report) => Known::of(report),
            None if session.is_live() => Known::Scope(Scope::of(&assignment.order.files)),
            None => Known::Nothing,
        };
        Some(Self {
            assignment,
            session,
            report,
            known,
        })
    }

    /// How a path of the repository belongs to this work, if it does.
    pub fn touch(&self, path: &str) -> Option<Touch<'a>> {
        match &self.known {
            Known::Judged(files) => files.get(path).map(|file| Touch::Seen(file)),
            Known::Claimed(files) => files.contains(path).then_some(Touch::Said),
            Known::Scope(scope) => {
                (scope.is_named() && scope.covers(path)).then_some(Touch::AtWork)
            }
            Known::Nothing => None,
        }
    }

    /// Every path that was seen to change, with what stood there then.
    pub fn seen(&self) -> impl Iterator<Item = &'a JudgedFile> {
        let files = match &self.known {
            Known::Judged(files) => Some(files.values().copied()),
            _ => None,
        };
        files.into_iter().flatten()
    }

    fn reported_at(&self) -> Option<DateTime<Utc>> {
        self.report.map(TaskResult::reported_at)
    }

    /// The plan that it belongs to; none when a person started it by hand.
    fn plan(&self) -> Option<String> {
        let order = &self.assignment.order;
        let version = order.plan_version?;
        Some(format!("{}/{version}", order.parent_session_id))
    }

    fn planner_goes_on(&self, state: &State) -> bool {
        let planner = state.current_planner(&self.assignment.order.parent_session_id);
        state.session(planner).is_some_and(Session::is_live)
    }
}

impl<'a> Known<'a> {
    fn of(report: &'a TaskResult) -> Self {
        let claims = || {
            let named = report.current().findings.changed_files.iter();
            named
                .map(|file| file.strip_prefix("./").unwrap_or(file))
                .collect()
        };
        match &report.conformance {
            // A flood of files is cut; then the report is the better source for what is missing.
            Some(found @ Conformance::Judged { omitted: 0, .. }) => {
                Self::Judged(found.changed().map(|it| (it.path.as_str(), it)).collect())
            }
            _ => Self::Claimed(claims()),
        }
    }
}
