//! Ways into the state that would be scans otherwise. It says nothing that the state does not say: `apply` alone keeps it, and a
//! state that is read back makes it anew.

use super::State;
use crate::domain::assignment::{Assignment, Order};
use crate::domain::ids::{AssignmentId, MessageId, ReportId, SessionId};
use crate::domain::message::Message;
use crate::domain::outcome::Outcome;
use crate::domain::result::TaskResult;
use crate::domain::session::Session;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Ids by what they are looked up by; no entry is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// Sessions of a Codex thread.
    pub threads: BTreeMap<String, BTreeSet<SessionId>>,
    /// Sessions whose thread was copied into this one.
    pub forks: BTreeMap<String, BTreeSet<SessionId>>,
    /// Departments of a planner.
    pub children: BTreeMap<SessionId, BTreeSet<SessionId>>,
    pub planners: BTreeSet<SessionId>,
    /// Sessions that have not ended.
    pub live: BTreeSet<SessionId>,
    /// Planners that ended although nobody ended them, and that nobody went on with.
    pub stranded: BTreeSet<SessionId>,
    /// Reports by the planner that the newest revision goes to.
    pub reports: BTreeMap<SessionId, BTreeSet<ReportId>>,
    /// Those of them that nobody has read.
    pub unread: BTreeMap<SessionId, BTreeSet<ReportId>>,
    /// Those of them that nobody took notice of by name.
    pub unreviewed: BTreeMap<SessionId, BTreeSet<ReportId>>,
    /// Reports that ask a person something.
    pub open_reports: BTreeSet<ReportId>,
    /// What was written in the place of departments that ended without a word, until somebody takes notice, by planner.
    pub fallbacks: BTreeMap<SessionId, BTreeSet<ReportId>>,
    /// What a session is owed, by the sequence number that queued it.
    pub owed: BTreeMap<SessionId, BTreeMap<u64, MessageId>>,
    /// Assignments that may change the same files, whichever of the two was confirmed first.
    pub apart: BTreeMap<AssignmentId, Vec<AssignmentId>>,
}

/// What a session is found by.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    thread: Option<String>,
    forks: Vec<String>,
    parent: Option<SessionId>,
    is_planner: bool,
    is_live: bool,
    is_stranded: bool,
}

/// What a report is found by.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ReportKeys {
    planner: Option<SessionId>,
    is_unread: bool,
    is_unreviewed: bool,
    is_open: bool,
    is_fallback: bool,
}

impl ReportKeys {
    pub fn of(report: &TaskResult) -> Self {
        Self {
            planner: Some(report.current().parent_session_id.clone()),
            is_unread: !report.read,
            is_unreviewed: !report.acknowledged,
            is_open: report.asks_a_person(),
            is_fallback: report.is_fallback() && !report.acknowledged,
        }
    }
}

impl Keys {
    pub fn of(session: &Session) -> Self {
        Self {
            thread: session.thread_id.clone(),
            forks: session.thread_state.forks.clone(),
            parent: session.brief.parent_session_id.clone(),
            is_planner: session.is_planner(),
            is_live: session.is_live(),
            is_stranded: session.is_planner()
                && session.replaced_by.is_none()
                && session.outcome().is_some_and(Outcome::is_unexpected),
        }
    }
}

impl Index {
    /// By a scan of everything.
    pub fn of(state: &State) -> Self {
        let mut index = Self::default();
        for session in state.sessions.values() {
            index.session(session, Keys::default());
        }
        for report in state.reports.values() {
            index.report(report, ReportKeys::default());
        }
        for message in state.messages.values() {
            index.owed(message);
        }
        index.all_apart(&state.assignments);
        index
    }

    /// Which assignments are apart, by a scan of all.
    pub fn all_apart(&mut self, assignments: &BTreeMap<AssignmentId, Assignment>) {
        self.apart.clear();
        let mut all = Vec::from_iter(assignments.values());
        all.sort_by_key(|assignment| assignment.queued_at);
        for assignment in all {
            let is_known = |id: &_| assignments.contains_key(id);
            self.keep_apart(&assignment.order, is_known);
        }
    }

    /// A session came, or changed what it is found by.
    pub fn session(&mut self, session: &Session, before: Keys) {
        self.change_session(session.id(), before, Keys::of(session));
    }

    /// What a session is found by changed; by nothing means that it is not there.
    pub fn change_session(&mut self, id: &SessionId, before: Keys, now: Keys) {
        if now == before {
            return;
        }
        replace(&mut self.threads, id, before.thread, now.thread);
        for gone in before.forks.iter().filter(|it| !now.forks.contains(it)) {
            replace(&mut self.forks, id, Some(gone.clone()), None);
        }
        for fork in now.forks {
            replace(&mut self.forks, id, None, Some(fork));
        }
        replace(&mut self.children, id, before.parent, now.parent);
        for (set, is_in) in [
            (&mut self.planners, now.is_planner),
            (&mut self.live, now.is_live),
            (&mut self.stranded, now.is_stranded),
        ] {
            match is_in {
                true => set.insert(id.clone()),
                false => set.remove(id),
            };
        }
    }

    /// A report came, or changed what it is found by.
    pub fn report(&mut self, report: &TaskResult, before: ReportKeys) {
        self.change_report(&report.report_id, before, ReportKeys::of(report));
    }

    /// What a report is found by changed; by nothing means that it is not there.
    pub fn change_report(&mut self, id: &ReportId, before: ReportKeys, now: ReportKeys) {
        if now == before {
            return;
        }
        match now.is_open {
            true => self.open_reports.insert(id.clone()),
            false => self.open_reports.remove(id),
        };
        let of = |keys: &ReportKeys, is_in: bool| keys.planner.clone().filter(|_| is_in);
        for (sets, was_in, is_in) in [
            (&mut self.unread, before.is_unread, now.is_unread),
            (
                &mut self.unreviewed,
                before.is_unreviewed,
                now.is_unreviewed,
            ),
            (&mut self.fallbacks, before.is_fallback, now.is_fallback),
        ] {
            replace(sets, id, of(&before, was_in), of(&now, is_in));
        }
        replace(&mut self.reports, id, before.planner, now.planner);
    }

    pub fn owed(&mut self, message: &Message) {
        let owed = self.owed.entry(message.session_id.clone()).or_default();
        owed.insert(message.seq, message.message_id.clone());
    }

    pub fn owed_no_more(&mut self, message: &Message) {
        if let Entry::Occupied(mut owed) = self.owed.entry(message.session_id.clone()) {
            owed.get_mut().remove(&message.seq);
            if owed.get().is_empty() {
                owed.remove();
            }
        }
    }

    pub fn keep_apart(&mut self, order: &Order, is_known: impl Fn(&AssignmentId) -> bool) {
        let id = &order.assignment_id;
        for other in order.apart_from.iter().filter(|other| is_known(other)) {
            let apart = self.apart.entry(other.clone()).or_default();
            apart.push(id.clone());
        }
        if !order.apart_from.is_empty() {
            let apart = self.apart.entry(id.clone()).or_default();
            apart.extend_from_slice(&order.apart_from);
        }
    }
}

fn replace<K: Ord, I: Ord + Clone>(
    sets: &mut BTreeMap<K, BTreeSet<I>>,
    id: &I,
    before: Option<K>,
    now: Option<K>,
) {
    if before == now {
        return;
    }
    if let Some(before) = before
        && let Entry::Occupied(mut set) = sets.entry(before)
    {
        set.get_mut().remove(id);
        if set.get().is_empty() {
            set.remove();
        }
    }
    if let Some(now) = now {
        sets.entry(now).or_default().insert(id.clone());
    }
}
