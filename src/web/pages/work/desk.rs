//! What the page shows of sessions and results: what goes on, what somebody has to look at, and the newest of the rest. It costs the same
//! however much there has been.

use crate::domain::attention::Item;
use crate::domain::ids::SessionId;
use crate::domain::result::TaskResult;
use crate::domain::session::Session;
use crate::domain::state::State;
use crate::domain::state::recent::Page;
use std::collections::BTreeMap;

/// Departments of the planner that are over. Ten times as many would make every refresh slow.
const DEPARTMENTS: usize = 20;
/// Its results that nobody has read.
const UNREAD: usize = 100;
/// Its results that somebody has read.
const READ: usize = 30;
/// Things that wait whose sessions are named.
const WAITING: usize = 200;

/// What lies on the desk.
#[derive(Debug, Clone)]
pub struct Desk<'a> {
    /// Sessions, newest first.
    pub sessions: Vec<&'a Session>,
    /// Results of the planner that nobody has read.
    pub unread: Vec<&'a TaskResult>,
    /// Those that somebody has read, or that ask a person something.
    pub read: Vec<&'a TaskResult>,
    /// What does not lie there.
    pub more: More,
}

/// How much there is that is not shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct More {
    /// Planners that are over.
    pub planners: usize,
    /// Departments of the planner.
    pub departments: usize,
    /// Its results that nobody has read.
    pub unread: usize,
    /// Its results that somebody has read.
    pub read: usize,
}

/// The planner that the page shows: the one it asks for or that one's successor, else the newest live one, else the newest.
pub fn chosen_planner<'a>(state: &'a State, wanted: Option<&'a str>) -> Option<&'a SessionId> {
    let wanted = wanted.and_then(|id| SessionId::parse(id).ok());
    let wanted = wanted.and_then(|id| state.session(&id));
    let wanted = wanted.filter(|session| session.is_planner());
    let live = || state.live_sessions().filter(|it| it.is_planner()).last();
    match wanted {
        Some(session) => Some(state.current_planner(session.id())),
        None => live().or_else(|| state.newest_planner()).map(Session::id),
    }
}

impl<'a> Desk<'a> {
    /// With this planner in the middle of it, and so many planners that are over.
    pub fn of(
        state: &'a State,
        planner: Option<&SessionId>,
        planners: usize,
        waiting: &[Item],
    ) -> Self {
        let mut sessions: BTreeMap<&SessionId, &Session> = BTreeMap::new();
        let mut more = More::default();
        let mut add = |session: &'a Session| {
            sessions.insert(session.id(), session);
        };
        state.live_sessions().for_each(&mut add);
        let past = state.page_of_past_planners(&Page::newest(planners));
        let all_planners = past.shown.len() + past.older;
        let mut all_departments = 0;
        past.shown.into_iter().for_each(&mut add);
        for item in waiting.iter().take(WAITING) {
            let ids = [&item.session_id, &item.planner_id];
            let named = ids.into_iter().flatten();
            named.filter_map(|id| state.session(id)).for_each(&mut add);
        }
        let (mut unread, mut read) = (Vec::new(), Vec::new());
        if let Some(id) = planner {
            state.session(id).into_iter().for_each(&mut add);
            let children = state.recent_children(id, DEPARTMENTS, |_| true);
            all_departments = children.shown.len() + children.older;
            children.shown.into_iter().for_each(&mut add);
            unread.extend(state.unread(id).take(UNREAD));
            more.unread = state.unread_count(id) - unread.len();
            let is_open = |it: &TaskResult| it.read && it.asks_a_person();
            let newest = Page::newest(READ);
            let newest = state.page_of_reports(id, &newest, |it| it.read && !is_open(it));
            let open = state.open_reports();
            let open = open.filter(|it| is_open(it) && it.current().parent_session_id == *id);
            read.extend(open.chain(newest.shown));
            let all = state.page_of_reports(id, &Page::newest(0), |_| true).older;
            let all_read = all - state.unread_count(id);
            more.read = all_read.saturating_sub(read.len());
            let authors = unread.iter().chain(&read);
            let authors = authors.map(|it| &it.current().department_session_id);
            let authors = authors.filter_map(|id| state.session(id));
            authors.for_each(&mut add);
        }
        // Whoever lies there for another reason than being new is not missing.
        let count = |is_one: &dyn Fn(&Session) -> bool| {
            sessions.values().filter(|session| is_one(session)).count()
        };
        let planners = count(&|it| it.is_planner() && !it.is_live());
        more.planners = all_planners.saturating_sub(planners);
        let departments =
            count(&|it| planner.is_some() && it.brief.parent_session_id.as_ref() == planner);
        more.departments = all_departments.saturating_sub(departments);
        Self {
            sessions: sessions.into_values().rev().collect(),
            unread,
            read,
            more,
        }
    }
}
