//! What lists show of what grows for ever: what goes on, and the newest of what has been. Everything else is a page away.

use super::State;
use crate::domain::ids::{ReportId, SessionId};
use crate::domain::result::TaskResult;
use crate::domain::session::Session;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// How many sessions that are over are shown beside what goes on: enough to see what came of the last piece of work. Whoever wants
/// more asks for pages.
pub const OVER: usize = 8;
/// The most of a kind that an answer lists because it belongs to something else: departments and results of one planner.
pub const NEWEST: usize = 200;

/// Some of many, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recent<'a, T> {
    /// These.
    pub shown: Vec<&'a T>,
    /// How many there are besides.
    pub older: usize,
}

/// Of a list that is read in pages: what is older than this, at most so many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<Id> {
    /// The last one of the page before; `None` begins with the newest.
    pub before: Option<Id>,
    /// How many.
    pub limit: usize,
}

impl<Id> Page<Id> {
    /// The newest so many.
    pub const fn newest(limit: usize) -> Self {
        Self {
            before: None,
            limit,
        }
    }

    /// Where it lies, of ids in their order.
    fn range(&self) -> (Bound<&Id>, Bound<&Id>) {
        let before = self.before.as_ref();
        let end = before.map_or(Bound::Unbounded, Bound::Excluded);
        (Bound::Unbounded, end)
    }
}

impl State {
    /// What goes on: every session that lives, what belongs to a planner that does (of each the newest [`NEWEST`]), and the newest
    /// [`OVER`] of the others.
    pub fn recent_sessions(&self) -> Recent<'_, Session> {
        let mut shown: BTreeMap<&SessionId, &Session> = BTreeMap::new();
        for session in self.live_sessions() {
            shown.insert(session.id(), session);
            let children = self.recent_children(session.id(), NEWEST, |_| true).shown;
            shown.extend(children.into_iter().map(|child| (child.id(), child)));
        }
        let others = self.sessions.iter().rev();
        let others = others.filter(|(id, _)| !shown.contains_key(id));
        let others = Vec::from_iter(others.take(OVER));
        shown.extend(others);
        Recent {
            older: self.sessions.len() + self.put_away.sessions - shown.len(),
            shown: shown.into_values().rev().collect(),
        }
    }

    /// A page of all sessions.
    pub fn page_of_sessions(&self, page: &Page<SessionId>) -> Recent<'_, Session> {
        let mut all = self.sessions.range(page.range()).rev();
        let shown = Vec::from_iter(all.by_ref().take(page.limit).map(|(_, it)| it));
        let older = match page.before {
            None => self.sessions.len() + self.put_away.sessions - shown.len(),
            Some(_) => all.count(),
        };
        Recent { shown, older }
    }

    /// A page of the planners that are over; those that live stand on no page.
    pub fn page_of_past_planners(&self, page: &Page<SessionId>) -> Recent<'_, Session> {
        let all = self.index.planners.range(page.range()).rev();
        let mut all = all.filter(|id| !self.index.live.contains(id));
        let shown = all.by_ref().take(page.limit);
        let shown = Vec::from_iter(shown.filter_map(|id| self.session(id)));
        let older = match page.before {
            None => {
                let live = self.live_sessions().filter(|it| it.is_planner()).count();
                self.index.planners.len() + self.put_away.planners - live - shown.len()
            }
            Some(_) => all.count(),
        };
        Recent { shown, older }
    }

    /// Departments of a planner: those that live, and the newest `most` of the others, as far as they are wanted.
    pub fn recent_children<'a>(
        &'a self,
        planner: &SessionId,
        most: usize,
        is_wanted: impl Fn(&Session) -> bool,
    ) -> Recent<'a, Session> {
        let none = BTreeSet::new();
        let children = self.index.children.get(planner).unwrap_or(&none);
        let live = self.index.live.iter().filter(|id| children.contains(id));
        let mut ids: BTreeSet<&SessionId> = live.collect();
        let (mut looked_at, mut left) = (ids.len(), most);
        for id in children.iter().rev() {
            if left == 0 {
                break;
            }
            if ids.contains(id) {
                continue;
            }
            looked_at += 1;
            if self.session(id).is_some_and(&is_wanted) {
                ids.insert(id);
                left -= 1;
            }
        }
        let shown = ids.into_iter().rev().filter_map(|id| self.session(id));
        Recent {
            shown: shown.filter(|it| is_wanted(it)).collect(),
            older: children.len() + self.put_away.of(planner).departments - looked_at,
        }
    }

    /// A page of the reports to a planner, as far as they are wanted.
    pub fn page_of_reports(
        &self,
        planner: &SessionId,
        page: &Page<ReportId>,
        is_wanted: impl Fn(&TaskResult) -> bool,
    ) -> Recent<'_, TaskResult> {
        let none = BTreeSet::new();
        let reports = self.index.reports.get(planner).unwrap_or(&none);
        let all = reports.range(page.range()).rev();
        let mut looked_at = 0;
        let all = all.filter_map(|id| self.reports.get(id));
        let all = all.inspect(|_| looked_at += 1).filter(|it| is_wanted(it));
        let shown = Vec::from_iter(all.take(page.limit));
        let all = match &page.before {
            None => reports.len() + self.put_away.of(planner).reports,
            Some(before) => reports.range(..before).count(),
        };
        Recent {
            shown,
            older: all - looked_at,
        }
    }

    /// How many reports to a planner nobody has read.
    pub fn unread_count(&self, planner: &SessionId) -> usize {
        self.index.unread.get(planner).map_or(0, BTreeSet::len)
    }

    /// How many reports to a planner nobody took notice of by name.
    pub fn unreviewed_count(&self, planner: &SessionId) -> usize {
        self.index.unreviewed.get(planner).map_or(0, BTreeSet::len)
    }

    /// Reports to a planner that nobody has read, newest first.
    pub fn unread(&self, planner: &SessionId) -> impl Iterator<Item = &TaskResult> + use<'_> {
        let unread = self.index.unread.get(planner).into_iter().flatten().rev();
        unread.filter_map(|id| self.reports.get(id))
    }
}
