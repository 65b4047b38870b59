//! The state of the house: what remains when every event is applied in order.
//!
//! `apply` never fails and never decides: decisions are made in `domain::flow` before an event exists. An event that
//! speaks of something unknown (a journal of a newer version, say) changes nothing.

use super::ask::asked::Asks;
use super::assignment::Assignment;
use super::fault::{Fault, Shared};
use super::ids::{AssignmentId, MessageId, ReportId, SessionId, TerminalId};
use super::message::Message;
use super::outcome::Outcome;
use super::pairs;
use super::powers::Powers;
use super::request::Requests;
use super::result::TaskResult;
use super::review::Reviews;
use super::session::Session;
use super::usage::Usage;
use chrono::{DateTime, Utc};
use index::Index;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

mod apply;
mod checks;
mod index;
pub mod past;
mod plan_files;
mod plans;
mod queue;
pub mod recent;
mod results;
mod sessions;
mod threads;
mod usage;

/// A terminal that was opened and not closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminal {
    /// Its id.
    pub terminal_id: TerminalId,
    /// The session it shows; `None` for an interactive one.
    pub session_id: Option<SessionId>,
    /// Its title.
    pub title: String,
    /// Whether it only shows a transcript.
    pub preview: bool,
    /// When it was opened.
    pub started_at: DateTime<Utc>,
}

/// Everything the launcher knows for sure.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct State {
    /// Every session, by id, and so by age.
    pub sessions: BTreeMap<SessionId, Session>,
    /// Every assignment that was ever confirmed.
    pub assignments: BTreeMap<AssignmentId, Assignment>,
    /// Those that wait, in their order.
    pub queue: Vec<AssignmentId>,
    /// Whether dispatch is paused.
    pub queue_paused: bool,
    /// What does not work, and holds back what needs it.
    #[serde(with = "pairs")]
    pub faults: BTreeMap<Shared, Fault>,
    /// Every report.
    pub reports: BTreeMap<ReportId, TaskResult>,
    /// Messages that are still owed; [`State::owed_to`] has their order.
    pub messages: BTreeMap<MessageId, Message>,
    /// Open terminals.
    pub terminals: BTreeMap<TerminalId, Terminal>,
    /// What the person was told when Codex was allowed to work here.
    pub trusted: Option<String>,
    /// What the person approved of what `governance.yaml` asks for, as far as it asks for it still.
    pub powers: Powers,
    /// Digests of mailbox files that are already in, by the session that they speak for.
    pub taken_files: BTreeMap<SessionId, BTreeSet<String>>,
    /// Reports whose newest revision has not been held against the repository yet.
    pub unjudged: BTreeSet<ReportId>,
    /// Reports that are to be held against it once more, because their session has ended meanwhile.
    pub unsettled: BTreeSet<ReportId>,
    /// Reports whose verify commands the launcher has to run.
    pub unverified: BTreeSet<ReportId>,
    /// What was approved and rejected for the next commit.
    pub reviews: Reviews,
    /// Requests that may be repeated.
    pub requests: Requests,
    /// What Codex asks.
    #[serde(default)]
    pub asks: Asks,
    /// What was used, and what is allowed.
    #[serde(default)]
    pub usage: Usage,
    /// What is not here any more.
    #[serde(default)]
    pub put_away: past::PutAway,
    /// Sequence number of the newest event.
    pub seq: u64,
    #[serde(skip)]
    index: Index,
}

impl State {
    /// The session, if there is one with this id.
    pub fn session(&self, id: &SessionId) -> Option<&Session> {
        self.sessions.get(id)
    }

    /// The planner that now stands for this one, which may have been replaced (several times).
    pub fn current_planner<'a>(&'a self, id: &'a SessionId) -> &'a SessionId {
        let mut current = id;
        while let Some(next) = self
            .session(current)
            .and_then(|session| session.replaced_by.as_ref())
        {
            current = next;
        }
        current
    }

    /// What a session is owed, in the order in which it was queued.
    pub fn owed_to(&self, id: &SessionId) -> Vec<&Message> {
        let mine = self.index.owed.get(id).into_iter().flatten();
        mine.filter_map(|(_, id)| self.messages.get(id)).collect()
    }

    /// The session that owns a Codex thread.
    pub fn session_of_thread(&self, thread_id: &str) -> Option<&Session> {
        self.session(self.index.threads.get(thread_id)?.last()?)
    }

    /// Planners, oldest first.
    pub fn planners(&self) -> impl Iterator<Item = &Session> {
        let planners = self.index.planners.iter();
        planners.filter_map(|id| self.session(id))
    }

    /// The planner that was registered last.
    pub fn newest_planner(&self) -> Option<&Session> {
        self.session(self.index.planners.last()?)
    }

    /// Sessions that have not ended, oldest first.
    pub fn live_sessions(&self) -> impl Iterator<Item = &Session> {
        let live = self.index.live.iter();
        live.filter_map(|id| self.session(id))
    }

    /// Department sessions of a planner, oldest first.
    pub fn children(&self, planner: &SessionId) -> impl Iterator<Item = &Session> + use<'_> {
        let children = self.index.children.get(planner).into_iter().flatten();
        children.filter_map(|id| self.session(id))
    }

    /// Reports to a planner, oldest first.
    pub fn reports_to(&self, planner: &SessionId) -> impl Iterator<Item = &TaskResult> + use<'_> {
        let reports = self.index.reports.get(planner).into_iter().flatten();
        reports.filter_map(|id| self.reports.get(id))
    }

    /// Planners that ended although nobody ended them, oldest first, until somebody goes on with them.
    pub fn stranded(&self) -> impl Iterator<Item = &Session> {
        let stranded = self.index.stranded.iter();
        stranded.filter_map(|id| self.session(id))
    }

    /// Reports that ask a person something, oldest first.
    pub fn open_reports(&self) -> impl Iterator<Item = &TaskResult> {
        let open = self.index.open_reports.iter();
        open.filter_map(|id| self.reports.get(id))
    }

    /// What was written to a planner in the place of departments that ended without a word, until somebody takes notice.
    pub fn fallbacks_to(&self, planner: &SessionId) -> impl Iterator<Item = &TaskResult> + use<'_> {
        let fallbacks = self.index.fallbacks.get(planner).into_iter().flatten();
        fallbacks.filter_map(|id| self.reports.get(id))
    }

    /// Assignments that may change the same files as this one, whichever of the two was confirmed first.
    pub fn apart(&self, id: &AssignmentId) -> &[AssignmentId] {
        self.index.apart.get(id).map_or(&[], Vec::as_slice)
    }

    /// Whether what the lookups above answer is what a scan of everything finds.
    pub fn is_indexed(&self) -> bool {
        self.index == Index::of(self)
    }

    /// The report of a session.
    pub fn report_of(&self, session: &Session) -> Option<&TaskResult> {
        session
            .report_id
            .as_ref()
            .and_then(|id| self.reports.get(id))
    }

    /// Whether a session holds one of the department slots: it is live and has not reported for sure. A planner holds none,
    /// and neither does who reviews a plan: what is confirmed does not wait for what is not, nor the other way round.
    ///
    /// A report that a file claims to be from the session frees nothing: it may be forged, and the session may still work.
    pub fn holds_slot(&self, session: &Session) -> bool {
        let reported = self
            .report_of(session)
            .is_some_and(TaskResult::is_from_its_session);
        session.is_live() && !session.is_planner() && !session.is_review() && !reported
    }

    /// How many department slots are taken.
    pub fn slots_taken(&self) -> usize {
        let live = self.live_sessions();
        live.filter(|session| self.holds_slot(session)).count()
    }

    /// Whether these bytes from this session are already in.
    pub fn has_taken(&self, session: &SessionId, digest: &str) -> bool {
        let taken = self.taken_files.get(session);
        taken.is_some_and(|digests| digests.contains(digest))
    }

    fn take_file(&mut self, session: &SessionId, digest: &str) {
        let taken = self.taken_files.entry(session.clone()).or_default();
        taken.insert(digest.to_owned());
    }

    /// Whether a session was replaced by another planner.
    pub fn was_replaced(session: &Session) -> bool {
        matches!(session.outcome(), Some(Outcome::Replaced { .. })) || session.replaced_by.is_some()
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // By the derive below, which `remote` makes a function of this name.
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut state = Self::deserialize(deserializer)?;
        state.index = Index::of(&state);
        Ok(state)
    }
}
