//! The state of the house: what remains when every event is applied in order.
//!
//! `apply` never fails and never decides: decisions are made in `domain::flow` before an event exists. An event that
//! speaks of something unknown (a journal of a newer version, say) changes nothing.

use super::assignment::Assignment;
use super::event::Event;
use super::fault::{Fault, Shared};
use super::ids::{AssignmentId, MessageId, ReportId, SessionId, TerminalId};
use super::message::Message;
use super::plan::{Confirmed, Plan, PlanState};
use super::plan_review::Review;
use super::powers::Powers;
use super::request::{Made, Requests};
use super::result::{Report, Revision};
use super::review::Reviews;
use super::session::{Outcome, RejectedFile, Session};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashSet};

mod checks;
mod plan_files;
mod plan_review;
mod queue;
mod sessions;

/// A terminal that was opened and not closed.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, Default)]
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
    pub faults: BTreeMap<Shared, Fault>,
    /// Every report.
    pub reports: BTreeMap<ReportId, Report>,
    /// Messages that are still owed; [`State::owed_to`] has their order.
    pub messages: BTreeMap<MessageId, Message>,
    /// Open terminals.
    pub terminals: BTreeMap<TerminalId, Terminal>,
    /// What the person was told when Codex was allowed to work here.
    pub trusted: Option<String>,
    /// What the person approved of what `governance.yaml` asks for, as far as it asks for it still.
    pub powers: Powers,
    /// Digests of mailbox files that are already in, with the planner whose mailbox they were in.
    pub taken_files: HashSet<String>,
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
    /// Sequence number of the newest event.
    pub seq: u64,
}

impl State {
    /// Applies one event.
    pub fn apply(&mut self, seq: u64, at: DateTime<Utc>, event: &Event) {
        self.seq = seq;
        self.reviews.apply(at, event);
        self.clear_faults(event);
        if let Event::PlanConfirmed {
            assignment_ids,
            request,
            ..
        } = event
        {
            let made = || Made::Assignments(assignment_ids.clone());
            self.requests.note(request.as_ref(), made);
        }
        match event {
            Event::RepositoryTrusted { statement } => self.trusted = Some(statement.clone()),
            Event::PowersApproved { powers, .. } | Event::PowersNarrowed { powers } => {
                self.powers = powers.clone();
            }
            Event::SessionRegistered { brief, request } => {
                let made = || Made::Session(brief.id.clone());
                self.requests.note(request.as_ref(), made);
                self.sessions
                    .insert(brief.id.clone(), Session::new(brief.clone(), at));
                self.review_goes_on(&brief.id);
            }
            Event::ZhongshuPlanRegistered {
                session_id,
                version,
                plan_sha256,
                proposal,
                findings,
                source,
                written_at,
            } => {
                self.with_session(session_id, |session| {
                    session.plan_files.remove(plan_sha256);
                    if let Some(last) = session.plans.last_mut()
                        && last.state == PlanState::Pending
                    {
                        last.state = PlanState::Superseded;
                    }
                    session.plans.push(Plan {
                        version: *version,
                        sha256: plan_sha256.clone(),
                        proposal: proposal.clone(),
                        findings: findings.clone(),
                        source: *source,
                        taken: false,
                        reported_at: at,
                        written_at: *written_at,
                        state: PlanState::Pending,
                        review: Review::NotRequired,
                        overruled: None,
                    });
                });
            }
            Event::PlanConfirmed {
                session_id,
                version: Some(version),
                edited,
                assignments,
                findings,
                overlap_allowed,
                ..
            } => {
                let confirmed = Confirmed {
                    at,
                    edited: *edited,
                    assignments: assignments.clone(),
                    findings: findings.clone(),
                    overlap_allowed: *overlap_allowed,
                };
                self.decide_plan(session_id, *version, PlanState::Confirmed(confirmed));
            }
            Event::PlanRejected {
                session_id,
                version,
                reason,
            } => {
                self.decide_plan(
                    session_id,
                    *version,
                    PlanState::Rejected {
                        at,
                        reason: reason.clone(),
                    },
                );
            }
            Event::PlanFileFound { .. }
            | Event::PlanFileTaken { .. }
            | Event::PlanFileDiscarded { .. } => self.apply_to_plan_files(at, event),
            Event::PlanReviewRequested { .. }
            | Event::PlanReviewWithheld { .. }
            | Event::PlanLeftToPerson { .. }
            | Event::PlanApproved { .. }
            | Event::PlanVetoed { .. }
            | Event::PlanReviewEnded { .. }
            | Event::PlanReviewOverruled { .. } => self.apply_to_review(event),
            Event::ZhongshuReplaced { session_id, by } => self.replace_planner(session_id, by),
            Event::ResultRegistered {
                report_id,
                revision,
            }
            | Event::ResultUpdated {
                report_id,
                revision,
            } => {
                self.add_revision(at, report_id, revision);
            }
            Event::ResultsRead { report_ids, .. } => {
                for id in report_ids {
                    if let Some(report) = self.reports.get_mut(id) {
                        report.read = true;
                    }
                }
            }
            Event::ResultAcknowledged { report_id } => {
                if let Some(report) = self.reports.get_mut(report_id) {
                    report.read = true;
                    report.acknowledged = true;
                }
            }
            Event::MessageQueued {
                message_id,
                session_id,
                purpose,
                text,
                report_id,
                request,
            } => {
                let made = || Made::Message(message_id.clone());
                self.requests.note(request.as_ref(), made);
                let message = Message {
                    message_id: message_id.clone(),
                    session_id: session_id.clone(),
                    purpose: *purpose,
                    text: text.clone(),
                    report_id: report_id.clone(),
                    queued_at: at,
                    seq,
                    attempted: false,
                };
                self.messages.insert(message_id.clone(), message);
            }
            Event::MessageAttempted { message_id, .. } => {
                if let Some(message) = self.messages.get_mut(message_id) {
                    message.attempted = true;
                }
            }
            Event::MessageDelivered { message_id, .. }
            | Event::MessageDropped { message_id, .. } => {
                self.messages.remove(message_id);
            }
            Event::TerminalStarted {
                terminal_id,
                session_id,
                title,
                preview,
            } => {
                if let (Some(session_id), false) = (session_id, preview) {
                    self.with_session(session_id, |session| {
                        session.terminal_id = Some(terminal_id.clone())
                    });
                }
                let terminal = Terminal {
                    terminal_id: terminal_id.clone(),
                    session_id: session_id.clone(),
                    title: title.clone(),
                    preview: *preview,
                    started_at: at,
                };
                self.terminals.insert(terminal_id.clone(), terminal);
            }
            Event::TerminalClosed { terminal_id, .. } => {
                if let Some(Terminal {
                    session_id: Some(id),
                    ..
                }) = self.terminals.remove(terminal_id)
                {
                    self.with_session(&id, |session| {
                        if session.terminal_id.as_ref() == Some(terminal_id) {
                            session.terminal_id = None;
                        }
                    });
                }
            }
            Event::MailboxFileRejected {
                session_id,
                file,
                reason,
            } => {
                let (file, reason) = (file.clone(), reason.clone());
                self.with_session(session_id, |session| {
                    session.note_rejected(RejectedFile { at, file, reason });
                });
            }
            Event::MailboxRejectionsCounted { counted } => {
                self.with_session(&counted.session_id, |session| {
                    session.rejected_unnamed += counted.count;
                });
            }
            Event::MailboxFilesRemoved { counted } => {
                self.with_session(&counted.session_id, |session| {
                    session.rejected_removed += counted.count;
                });
            }
            Event::ServerStarted { .. }
            | Event::ServerStopped { .. }
            | Event::AccessGranted { .. }
            | Event::AccessRevoked { .. }
            | Event::AccessRefused { .. }
            | Event::PlanConfirmed { version: None, .. } => {}
            _ => self.apply_to_session(at, event),
        }
    }

    fn with_session(&mut self, id: &SessionId, change: impl FnOnce(&mut Session)) {
        if let Some(session) = self.sessions.get_mut(id) {
            change(session);
        }
    }

    fn decide_plan(&mut self, id: &SessionId, version: u32, state: PlanState) {
        self.with_plan(id, version, |plan| plan.state = state);
        self.with_session(id, |session| session.plan_files.person_acted());
    }

    fn with_plan(&mut self, id: &SessionId, version: u32, change: impl FnOnce(&mut Plan)) {
        self.with_session(id, |session| {
            let mut plans = session.plans.iter_mut();
            if let Some(plan) = plans.find(|plan| plan.version == version) {
                change(plan);
            }
        });
    }

    fn add_revision(&mut self, at: DateTime<Utc>, id: &ReportId, revision: &Revision) {
        if let Some(digest) = &revision.sha256 {
            self.taken_files
                .insert(file_key(&revision.department_session_id, digest));
        }
        self.with_session(&revision.department_session_id, |session| {
            session.report_id = Some(id.clone())
        });
        let report = self.reports.entry(id.clone()).or_insert_with(|| Report {
            report_id: id.clone(),
            revisions: Vec::new(),
            read: false,
            acknowledged: false,
            conformance: None,
            late: Vec::new(),
            acceptance: None,
            evidence: Vec::new(),
        });
        report.revisions.push((at, revision.clone()));
        report.read = false;
        report.acknowledged = false;
        self.begin_checks(id, revision);
    }

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
        let mine = self.messages.values();
        let mut mine: Vec<&Message> = mine.filter(|it| it.session_id == *id).collect();
        mine.sort_by_key(|message| message.seq);
        mine
    }

    /// The session that owns a Codex thread.
    pub fn session_of_thread(&self, thread_id: &str) -> Option<&Session> {
        self.sessions
            .values()
            .rev()
            .find(|session| session.thread_id.as_deref() == Some(thread_id))
    }

    /// Department sessions of a planner, oldest first.
    pub fn children<'a>(
        &'a self,
        planner: &'a SessionId,
    ) -> impl Iterator<Item = &'a Session> + 'a {
        self.sessions
            .values()
            .filter(move |s| s.brief.parent_session_id.as_ref() == Some(planner))
    }

    /// Reports to a planner, oldest first.
    pub fn reports_to<'a>(
        &'a self,
        planner: &'a SessionId,
    ) -> impl Iterator<Item = &'a Report> + 'a {
        self.reports
            .values()
            .filter(move |report| report.current().parent_session_id == *planner)
    }

    /// The report of a session.
    pub fn report_of(&self, session: &Session) -> Option<&Report> {
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
            .is_some_and(Report::is_from_its_session);
        session.is_live() && !session.is_planner() && !session.is_review() && !reported
    }

    /// How many department slots are taken.
    pub fn slots_taken(&self) -> usize {
        self.sessions
            .values()
            .filter(|session| self.holds_slot(session))
            .count()
    }

    /// Whether these bytes from this session are already in.
    pub fn has_taken(&self, session: &SessionId, digest: &str) -> bool {
        self.taken_files.contains(&file_key(session, digest))
    }

    /// Whether a session was replaced by another planner.
    pub fn was_replaced(session: &Session) -> bool {
        matches!(session.outcome(), Some(Outcome::Replaced { .. })) || session.replaced_by.is_some()
    }
}

fn file_key(session: &SessionId, digest: &str) -> String {
    format!("{session}/{digest}")
}
