//! What each event changes, every one of them named: an event that is forgotten here does not compile.

use super::State;
use crate::domain::event::Event;
use crate::domain::message::Message;
use crate::domain::plan::{Confirmed, Plan, PlanState};
use crate::domain::plan_review::Review;
use crate::domain::request::Made;
use crate::domain::session::{RejectedFile, Status};
use crate::domain::steering::Fate;
use chrono::{DateTime, Utc};

impl State {
    /// Applies one event.
    pub fn apply(&mut self, seq: u64, at: DateTime<Utc>, event: &Event) {
        self.seq = seq;
        match event {
            Event::ServerStarted { .. } => self.faults.clear(),
            // Of the launcher itself: for the log and for whoever looks back.
            Event::ServerStopped { .. }
            | Event::TaskFailed { .. }
            | Event::AccessGranted { .. }
            | Event::AccessRevoked { .. }
            | Event::AccessRefused { .. }
            | Event::CommitPassed { .. }
            | Event::CommitRefused { .. } => {}
            Event::RepositoryTrusted { statement } => self.trusted = Some(statement.clone()),
            Event::PowersApproved { powers, .. } | Event::PowersNarrowed { powers } => {
                self.powers = powers.clone();
            }

            Event::SessionRegistered { brief, request } => {
                let made = || Made::Session(brief.id.clone());
                self.requests.note(request.as_ref(), made);
                self.register(at, brief);
            }
            Event::SessionThreadOpened {
                session_id,
                thread_id,
            } => {
                self.usage.thread_opened(session_id);
                self.thread_opened(session_id, thread_id);
            }
            Event::SessionStarted {
                session_id, pid, ..
            } => self.session_started(at, session_id, *pid),
            Event::SessionPrompted { session_id } => {
                self.with_session(session_id, |session| session.prompted = true);
            }
            Event::SessionBegunAnew { session_id, .. } => {
                self.with_session(session_id, |session| {
                    if session.status == Status::Running {
                        session.status = Status::Starting;
                    }
                })
            }
            Event::SessionResumed { session_id } => self.session_resumed(session_id),
            Event::SessionCloseRequested {
                session_id,
                outcome,
            } => self.with_session(session_id, |session| {
                if session.is_live() {
                    let outcome = outcome.clone();
                    session.status = Status::Closing { outcome };
                }
            }),
            Event::SessionClosed {
                session_id,
                outcome,
            } => self.session_closed(at, session_id, outcome),
            Event::SessionsPutAway { session_ids } => self.put_away(session_ids),
            Event::SessionTakenOut { past } => self.take_out(at, past),
            Event::ZhongshuReplaced { session_id, by } => self.replace_planner(session_id, by),
            Event::ReminderSent {
                session_id, number, ..
            } => self.with_session(session_id, |session| {
                session.reminders = *number;
                session.reminded_at = Some(at);
            }),
            Event::TreeRecorded {
                session_id,
                baseline,
            } => self.with_session(session_id, |session| {
                session.baseline.get_or_insert_with(|| baseline.clone());
            }),

            Event::ZhongshuPlanRegistered {
                session_id,
                version,
                plan_sha256,
                proposal,
                findings,
                source,
                written_at,
            } => {
                let plan = Plan {
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
                };
                self.register_plan(session_id, plan);
            }
            Event::PlanFileFound {
                session_id,
                found,
                gave_way,
                ..
            } => self.plan_file_found(at, session_id, found, gave_way.as_deref()),
            Event::PlanFileTaken {
                session_id,
                version,
                plan_sha256,
                ..
            } => {
                self.answer_file(session_id, plan_sha256);
                self.with_plan(session_id, *version, |plan| plan.taken = true);
            }
            Event::PlanFileDiscarded {
                session_id,
                plan_sha256,
                ..
            } => self.answer_file(session_id, plan_sha256),
            Event::PlanConfirmed {
                session_id,
                version,
                plan_sha256: _,
                edited,
                assignments,
                findings,
                overlap_allowed,
                assignment_ids,
                request,
            } => {
                let made = || Made::Assignments(assignment_ids.clone());
                self.requests.note(request.as_ref(), made);
                if let Some(version) = version {
                    let confirmed = Confirmed {
                        at,
                        edited: *edited,
                        assignments: assignments.clone(),
                        findings: findings.clone(),
                        overlap_allowed: *overlap_allowed,
                    };
                    self.decide_plan(session_id, *version, PlanState::Confirmed(confirmed));
                }
            }
            Event::PlanRejected {
                session_id,
                version,
                reason,
            } => {
                let reason = reason.clone();
                self.decide_plan(session_id, *version, PlanState::Rejected { at, reason });
            }
            Event::PlanReviewRequested {
                session_id,
                version,
                ..
            } => self.review_requested(session_id, *version),
            Event::PlanReviewWithheld {
                session_id,
                version,
                ..
            } => self.set_review(session_id, *version, Review::AuthorUnknown),
            Event::PlanLeftToPerson {
                session_id,
                version,
                vetoes,
            } => {
                let vetoes = *vetoes;
                self.set_review(session_id, *version, Review::LeftToPerson { vetoes });
            }
            Event::PlanApproved {
                session_id,
                version,
                verdict,
                ..
            } => {
                self.note_verdict_file(verdict);
                let verdict = verdict.clone();
                self.set_review(session_id, *version, Review::Approved { verdict });
            }
            Event::PlanVetoed {
                session_id,
                version,
                verdict,
                ..
            } => {
                self.note_verdict_file(verdict);
                let verdict = verdict.clone();
                self.set_review(session_id, *version, Review::Vetoed { verdict });
            }
            Event::PlanReviewEnded {
                session_id,
                version,
                department_session_id,
                outcome,
            } => {
                let ended = Review::Ended {
                    session_id: department_session_id.clone(),
                    outcome: outcome.clone(),
                };
                self.set_review(session_id, *version, ended);
            }
            Event::PlanReviewOverruled {
                session_id,
                version,
                reason,
                ..
            } => self.with_plan(session_id, *version, |plan| {
                plan.overruled = Some(reason.clone());
            }),

            Event::AssignmentQueued { order } => self.enqueue(at, order),
            Event::AssignmentDispatched {
                assignment_id,
                session_id,
            } => self.dispatched(assignment_id, session_id),
            Event::AssignmentCancelled { assignment_id } => self.cancelled(assignment_id),
            Event::AssignmentForced { assignment_id } => {
                if let Some(assignment) = self.assignments.get_mut(assignment_id) {
                    assignment.forced = true;
                }
            }
            Event::AssignmentMoved {
                assignment_id,
                before,
            } => self.move_in_queue(assignment_id, before.as_ref()),
            Event::QueuePaused {} => self.queue_paused = true,
            Event::QueueResumed {} => self.queue_paused = false,
            Event::DispatchHeld {
                shared,
                session_id,
                reason,
            } => self.hold_dispatch(at, shared, session_id, reason),
            Event::DispatchReleased { shared } => {
                self.faults.remove(shared);
            }

            Event::ResultRegistered {
                report_id,
                revision,
            }
            | Event::ResultUpdated {
                report_id,
                revision,
            } => {
                self.works_again(revision);
                self.add_revision(at, report_id, revision);
            }
            Event::ResultsRead { report_ids, .. } => {
                for id in report_ids {
                    self.with_report(id, |report| report.read = true);
                }
            }
            Event::ResultAcknowledged { report_id } => self.with_report(report_id, |report| {
                report.bare = 0;
                report.read = true;
                report.acknowledged = true;
            }),
            Event::ResultJudged {
                report_id,
                revision,
                conformance,
            } => self.judged(report_id, *revision, conformance),
            Event::ResultRejudged {
                report_id,
                revision,
                look,
            } => self.rejudged(report_id, *revision, look),
            Event::ChangesAccepted {
                report_id,
                revision,
                by,
                reason,
            } => self.accepted(at, (report_id, *revision), by, reason),
            Event::VerificationRequested { report_id } => self.verify_again(report_id),
            Event::VerificationRun {
                report_id,
                revision,
                run,
            } => self.ran(report_id, *revision, run),

            Event::MailboxFileRejected {
                session_id,
                file,
                reason,
            } => {
                // A folder that cannot be used is no file of anybody's.
                if let Some(file) = file.name() {
                    let (file, reason) = (file.to_owned(), reason.clone());
                    self.with_session(session_id, |session| {
                        session.note_rejected(RejectedFile { at, file, reason });
                    });
                }
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
                self.owe(Message {
                    message_id: message_id.clone(),
                    session_id: session_id.clone(),
                    purpose: *purpose,
                    text: text.clone(),
                    report_id: report_id.clone(),
                    queued_at: at,
                    seq,
                    attempted: false,
                });
            }
            Event::MessageAttempted { message_id, .. } => {
                if let Some(message) = self.messages.get_mut(message_id) {
                    message.attempted = true;
                }
            }
            Event::MessageDelivered { message_id, .. }
            | Event::MessageDropped { message_id, .. } => self.owe_no_more(message_id),

            Event::TreeApproved { approval } => self.reviews.approved(at, approval),
            Event::TreeRejected { rejection } => self.reviews.rejected(at, rejection),
            Event::CommitRecorded { seen } => self.reviews.stands_on(at, Some(&seen.commit)),
            Event::CommitUnapproved { seen, .. } => self.reviews.went_around(at, seen),
            Event::CommitAccepted { commit, .. } => self.reviews.taken_notice(commit),
            Event::HeadMoved { commit, .. } => self.reviews.stands_on(at, commit.as_ref()),
            Event::GateModeSet { mode, .. } => self.reviews.pinned = Some(*mode),

            Event::TerminalStarted {
                terminal_id,
                session_id,
                title,
                preview,
            } => self.terminal_started(super::Terminal {
                terminal_id: terminal_id.clone(),
                session_id: session_id.clone(),
                title: title.clone(),
                preview: *preview,
                started_at: at,
            }),
            Event::ThreadLeft {
                session_id,
                terminal_id,
                ..
            } => self.terminal_turned(session_id, terminal_id, true),
            Event::ThreadRejoined {
                session_id,
                terminal_id,
                ..
            } => self.terminal_turned(session_id, terminal_id, false),
            Event::TerminalClosed { terminal_id, .. } => self.terminal_closed(terminal_id),

            Event::AskRaised { ask } => self.asks.raised(ask),
            Event::AskAnswered {
                ask_id,
                by,
                rule_id,
                reply,
                ..
            } => {
                self.asks.answered(at, ask_id, by, reply);
                if let Some(rule_id) = rule_id {
                    self.asks.rule_used(at, rule_id);
                }
            }
            Event::AskRuleAdded { rule } => self.asks.rule_added(at, rule),
            Event::AskRuleRemoved { rule_id, .. } => self.asks.rule_removed(rule_id),
            Event::AskReopened { ask_id, .. } => self.asks.reopened(ask_id),
            Event::AskSettled {
                ask_id, how, reply, ..
            } => self.asks.settle(at, ask_id, *how, reply.as_ref()),

            Event::TurnUsed {
                session_id,
                turn_id,
                used,
            } => self.turn_used(session_id, turn_id, used),
            Event::SessionLimited {
                session_id, limit, ..
            } => self.usage.stops.stopped(at, session_id, *limit),
            Event::SessionReleased { session_id } => self.usage.stops.told(at, session_id),
            Event::QueueHeld {
                until,
                retry_at,
                tries,
                ..
            } => self.usage.stops.held(at, *until, *retry_at, *tries),
            Event::QueueRetried {} => self.usage.stops.retried(at),
            Event::QueueReleased {} => self.usage.stops.held = None,
            Event::BudgetSet { subject, budget } => self.usage.budgets.set(subject, *budget),
            // What comes of it is told by what follows, or by the thread's history.
            Event::SessionSteered { session_id, .. } => self.person_acted(session_id),
            Event::CodexReviewAsked { .. }
            | Event::CodexReviewBegun { .. }
            | Event::CodexReviewEnded { .. } => self.own_review(event),
            Event::ThreadReverted { .. } | Event::ThreadCompacted { .. } => {}
            Event::ThreadRenamed {
                session_id, name, ..
            } => self.thread_changed(session_id, |thread| thread.name = Some(name.clone())),
            Event::ThreadSettingsChanged {
                session_id,
                settings,
                ..
            } => self.thread_changed(session_id, |thread| {
                thread.settings = Some(settings.clone());
            }),
            Event::ThreadForked {
                session_id,
                fork_id,
                ..
            } => self.thread_changed(session_id, |thread| thread.forks.push(fork_id.clone())),
            Event::ThreadArchived {
                session_id,
                thread_id,
            } => self.thread_became(session_id, thread_id, Fate::Archived),
            Event::ThreadUnarchived {
                session_id,
                thread_id,
            } => self.thread_became(session_id, thread_id, Fate::Kept),
            Event::ThreadDeleted {
                session_id,
                thread_id,
            } => self.thread_became(session_id, thread_id, Fate::Deleted),
        }
    }
}
