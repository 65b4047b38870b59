//! Everything that can happen, one variant each: the vocabulary of the journal and the audit log.
//!
//! An event says what happened, never what should. Names that the API specification fixes keep their spelling: `session_started`,
//! `session_closed`, `assignment_queued`, `zhongshu_plan_registered`, `result_registered`, `result_updated`. Variants are only ever
//! added: a journal written by an older version must still replay.

use super::ask::Ask;
use super::ask::asked::How;
use super::ask::given::Reply;
use super::ask::rule::Rule;
use super::assignment::Order;
use super::conformance::{Baseline, Conformance, late::SecondLook};
use super::evidence::Run;
use super::fault::Shared;
use super::ids::{AskId, AssignmentId, MessageId, ReportId, RuleId, SessionId, TerminalId};
use super::message::{Purpose, Setback};
use super::plan::{PlanFinding, PlannedAssignment, Proposal, Source};
use super::powers::Powers;
use super::request::Request;
use super::result::Revision;
use super::review::{Approval, Asked, CommitSeen, GateMode, GitId, Rejection};
use super::session::{Brief, FilesCounted, NotTaken, Outcome};
use super::state::past::Past;
use super::steering::{Act, Settings, Target, Wider};
use super::usage::{TurnUsage, budgets::Budget, budgets::Subject, stops::Limit};
use super::{plan_file::PlanFile, plan_review::Verdict};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The launcher opened this journal.
    ServerStarted {
        /// Version of the launcher.
        version: String,
        /// Its process id.
        pid: u32,
        /// What it found that a person should know (a torn tail, a changed audit copy).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        findings: Vec<String>,
    },
    /// The launcher ended in good order.
    ServerStopped {
        /// Whether sessions were left running.
        sessions_kept: bool,
    },
    /// A task of the launcher ended unexpectedly, and is started again. Of many failures of one task not each is recorded.
    TaskFailed {
        /// What it does: `mailbox`, `reconciler`, `step`, `codex`, `terminals`, `commits`, `governance` or `access`.
        task: String,
        /// What it said at its end.
        reason: String,
    },
    /// A person allowed Codex to work in this repository, knowing what Codex writes into its own configuration.
    RepositoryTrusted {
        /// What the person was told.
        statement: String,
    },
    /// A person approved what `governance.yaml` asks for beyond the safe defaults: this, in place of what was approved before.
    PowersApproved {
        /// Digest of it, which the answer named.
        sha256: String,
        /// All of it.
        powers: Powers,
    },
    /// `governance.yaml` asks for less than was approved, or for more oversight: what is gone from it needs a new yes.
    PowersNarrowed {
        /// What is left of the yes.
        powers: Powers,
    },
    /// A person or tool got access.
    AccessGranted {
        /// `browser`, or the name of a token.
        to: String,
        /// `human` or `read`.
        scope: String,
    },
    /// A credential was taken away.
    AccessRevoked {
        /// `browser`, or the name of a token.
        to: String,
    },
    /// Somebody knocked with a wrong credential, Host or Origin.
    AccessRefused {
        /// What was wrong.
        reason: String,
        /// Which route.
        path: String,
    },

    /// A session was decided on; nothing runs yet.
    SessionRegistered {
        /// What it is.
        #[serde(flatten)]
        brief: Brief,
        /// The request that wanted it, if that had a key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<Request>,
    },
    /// Codex opened a thread for it.
    SessionThreadOpened {
        /// The session.
        session_id: SessionId,
        /// The thread.
        thread_id: String,
    },
    /// Its driver accepted the prompt: it works.
    SessionStarted {
        /// The session.
        session_id: SessionId,
        /// Department key, or `zhongshu`.
        department: String,
        /// Its planner.
        #[serde(default)]
        parent_session_id: Option<SessionId>,
        /// Process id of what runs it, when it has a process of its own.
        #[serde(default)]
        pid: Option<u32>,
    },
    /// Codex shows its first prompt: what it has is not lost any more.
    SessionPrompted {
        /// The session.
        session_id: SessionId,
    },
    /// Codex has nothing left of what was said in it: it gets its first prompt once more.
    SessionBegunAnew {
        /// The session.
        session_id: SessionId,
        /// A sentence for people.
        reason: String,
    },
    /// A person asked for an ended session to go on.
    SessionResumed {
        /// The session.
        session_id: SessionId,
    },
    /// Nothing will happen to these by itself, and many newer ones have come: they are kept on disk alone, as what stands before says.
    SessionsPutAway {
        /// The sessions.
        session_ids: Vec<SessionId>,
    },
    /// One that was put away is there again, because somebody does something to it.
    SessionTakenOut {
        /// It, as it was.
        past: Box<Past>,
    },
    /// It was decided that a session ends.
    SessionCloseRequested {
        /// The session.
        session_id: SessionId,
        /// What the end will be recorded as.
        outcome: Outcome,
    },
    /// A session ended.
    SessionClosed {
        /// The session.
        session_id: SessionId,
        /// How.
        outcome: Outcome,
    },
    /// Another planner took over; children, queue and unread results moved to it.
    ZhongshuReplaced {
        /// The one that ends.
        session_id: SessionId,
        /// The one that goes on.
        by: SessionId,
    },

    /// A planner reported a plan.
    ZhongshuPlanRegistered {
        /// The planner.
        session_id: SessionId,
        /// 1 for its first plan.
        version: u32,
        /// Digest that a confirmation must name.
        plan_sha256: String,
        /// What it proposes.
        #[serde(flatten)]
        proposal: Arc<Proposal>,
        /// What the plan checks found in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        findings: Option<Vec<PlanFinding>>,
        /// Through which door.
        source: Source,
        /// When it was written, if it was a file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        written_at: Option<DateTime<Utc>>,
    },
    /// A file proposes a plan, and cannot be one by itself: nobody is known to have written it. It stands beside the plan.
    PlanFileFound {
        /// The planner in whose mailbox it was.
        session_id: SessionId,
        /// What it says.
        #[serde(flatten)]
        found: PlanFile,
        /// Why it is not the plan, as a sentence.
        reason: String,
        /// The digest of the oldest one that stood there, when that had to give way.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gave_way: Option<String>,
    },
    /// A person took such a file as the plan.
    PlanFileTaken {
        /// The planner.
        session_id: SessionId,
        /// The plan's version.
        version: u32,
        /// Its digest.
        plan_sha256: String,
        /// The file, by its name in the archive.
        file: String,
    },
    /// A person took such a file away.
    PlanFileDiscarded {
        /// The planner.
        session_id: SessionId,
        /// Its digest.
        plan_sha256: String,
        /// The file, by its name in the archive.
        file: String,
    },
    /// A person confirmed work: a plan, a changed plan, or assignments written by hand.
    PlanConfirmed {
        /// The planner.
        session_id: SessionId,
        /// The plan's version, if there was a plan.
        version: Option<u32>,
        /// The plan's digest, if there was a plan.
        plan_sha256: Option<String>,
        /// Whether what was confirmed differs from what was proposed.
        edited: bool,
        /// Exactly what was confirmed.
        assignments: Vec<PlannedAssignment>,
        /// What the plan checks found in that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        findings: Option<Vec<PlanFinding>>,
        /// Whether those that may change the same files may run side by side.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        overlap_allowed: bool,
        /// What each of them is called from now on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        assignment_ids: Vec<AssignmentId>,
        /// The request that wanted it, if that had a key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<Request>,
    },
    /// A person rejected a plan.
    PlanRejected {
        /// The planner.
        session_id: SessionId,
        /// The plan's version.
        version: u32,
        /// Why.
        reason: String,
    },
    /// A plan goes to menxia before a person decides.
    PlanReviewRequested {
        /// The planner.
        session_id: SessionId,
        /// The plan's version.
        version: u32,
        /// Its digest.
        plan_sha256: String,
    },
    /// Plans are reviewed, but nobody is known to have written this one: a person says whether it is.
    PlanReviewWithheld {
        /// The planner.
        session_id: SessionId,
        /// The plan's version.
        version: u32,
        /// Its digest.
        plan_sha256: String,
        /// Why, as a sentence.
        reason: String,
    },
    /// There were vetoes, or reviews, enough: this version goes to the person without one.
    PlanLeftToPerson {
        /// The planner.
        session_id: SessionId,
        /// The plan's version.
        version: u32,
        /// How many vetoes there were since a person last decided.
        vetoes: usize,
    },
    /// Menxia approved a plan. That confirms nothing.
    PlanApproved {
        /// The planner.
        session_id: SessionId,
        /// The plan's version.
        version: u32,
        /// Its digest.
        plan_sha256: String,
        /// What menxia said.
        #[serde(flatten)]
        verdict: Verdict,
    },
    /// Menxia vetoed a plan; the reasons go back to the planner.
    PlanVetoed {
        /// The planner.
        session_id: SessionId,
        /// The plan's version.
        version: u32,
        /// Its digest.
        plan_sha256: String,
        /// What menxia said.
        #[serde(flatten)]
        verdict: Verdict,
    },
    /// The reviewing session ended without a verdict.
    PlanReviewEnded {
        /// The planner.
        session_id: SessionId,
        /// The plan's version.
        version: u32,
        /// The session that ended.
        department_session_id: SessionId,
        /// How it ended.
        outcome: Outcome,
    },
    /// A person goes on against a veto, or without a verdict; the confirmation follows.
    PlanReviewOverruled {
        /// The planner.
        session_id: SessionId,
        /// The plan's version.
        version: u32,
        /// Its digest.
        plan_sha256: String,
        /// Why.
        reason: String,
    },

    /// Confirmed work entered the queue.
    AssignmentQueued {
        /// What was confirmed.
        #[serde(flatten)]
        order: Order,
    },
    /// A slot was free and a session was registered for it.
    AssignmentDispatched {
        /// The assignment.
        assignment_id: AssignmentId,
        /// The session.
        session_id: SessionId,
    },
    /// A person took it out of the queue.
    AssignmentCancelled {
        /// The assignment.
        assignment_id: AssignmentId,
    },
    /// A person lets it start in spite of what it should wait for.
    AssignmentForced {
        /// The assignment.
        assignment_id: AssignmentId,
    },
    /// A person changed the order.
    AssignmentMoved {
        /// The assignment.
        assignment_id: AssignmentId,
        /// The one it now stands before; `None` is the end.
        before: Option<AssignmentId>,
    },
    /// Nothing is dispatched until it is resumed.
    QueuePaused {},
    /// Dispatch goes on.
    QueueResumed {},
    /// Something did not work for a department, and would not for others: what needs it waits. Ends with `dispatch_released`,
    /// with a session that it starts or a result by it, and with the server's next start.
    DispatchHeld {
        /// What.
        shared: Shared,
        /// Who found it out.
        session_id: SessionId,
        /// A sentence for people.
        reason: String,
    },
    /// A person wants it to be tried again.
    DispatchReleased {
        /// What.
        shared: Shared,
    },

    /// A department's first report.
    ResultRegistered {
        /// Its id.
        report_id: ReportId,
        /// What it said.
        #[serde(flatten)]
        revision: Arc<Revision>,
    },
    /// A later report of the same session.
    ResultUpdated {
        /// Its id.
        report_id: ReportId,
        /// What it said.
        #[serde(flatten)]
        revision: Arc<Revision>,
    },
    /// A planner's inbox was read.
    ResultsRead {
        /// The planner.
        session_id: SessionId,
        /// What was unread until now.
        report_ids: Vec<ReportId>,
    },
    /// Somebody took notice of one result.
    ResultAcknowledged {
        /// The result.
        report_id: ReportId,
    },
    /// The working tree was looked at before a department began.
    TreeRecorded {
        /// The department's session.
        session_id: SessionId,
        /// What was found.
        baseline: Baseline,
    },
    /// A report was held against what really changed.
    ResultJudged {
        /// The result.
        report_id: ReportId,
        /// Which revision of it.
        revision: u32,
        /// What came of it.
        conformance: Conformance,
    },
    /// A report was held against the repository once more, when its session had ended.
    ResultRejudged {
        /// The result.
        report_id: ReportId,
        /// Which revision of it.
        revision: u32,
        /// What came of it.
        look: SecondLook,
    },
    /// Somebody took it on themselves that a department changed files outside of its assignment.
    ChangesAccepted {
        /// The result.
        report_id: ReportId,
        /// Which revision of it.
        revision: u32,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// A person wants the verify commands of a result to be run (again) by the launcher.
    VerificationRequested {
        /// The result.
        report_id: ReportId,
    },
    /// The launcher ran one verify command of a result.
    VerificationRun {
        /// The result.
        report_id: ReportId,
        /// Which revision of it.
        revision: u32,
        /// What was seen.
        run: Run,
    },
    /// A file in the mailbox was not taken.
    MailboxFileRejected {
        /// The planner whose mailbox it was.
        session_id: SessionId,
        /// Which, or the folder itself.
        file: NotTaken,
        /// What is wrong with it.
        reason: String,
    },
    /// More files of a mailbox were not taken than are told by name.
    MailboxRejectionsCounted {
        /// How many, beside those that were told by name, and what is wrong with the newest of them.
        #[serde(flatten)]
        counted: FilesCounted,
    },
    /// Of the rejected files of a mailbox the oldest were deleted.
    MailboxFilesRemoved {
        /// How many, and what is kept.
        #[serde(flatten)]
        counted: FilesCounted,
    },

    /// The launcher owes a session a text.
    MessageQueued {
        /// Its id.
        message_id: MessageId,
        /// Who shall get it.
        session_id: SessionId,
        /// Why.
        purpose: Purpose,
        /// The text.
        text: String,
        /// The result it tells of, if it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        report_id: Option<ReportId>,
        /// The request that wanted it, if that had a key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<Request>,
    },
    /// It is about to be handed over. Recorded first: after a crash in between only the session tells whether it arrived.
    MessageAttempted {
        /// Its id.
        message_id: MessageId,
        /// Who shall get it.
        session_id: SessionId,
    },
    /// It is in the session's history (Codex), or was typed into its terminal (a program of one's own).
    MessageDelivered {
        /// Its id.
        message_id: MessageId,
        /// Who got it.
        session_id: SessionId,
    },
    /// It can no longer be delivered.
    MessageDropped {
        /// Its id.
        message_id: MessageId,
        /// Who should have got it.
        session_id: SessionId,
        /// Why not.
        reason: String,
    },
    /// A department stopped without a report and was asked again.
    ReminderSent {
        /// The session.
        session_id: SessionId,
        /// 1 for the first.
        number: u32,
        /// What broke into its turn, if something did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        setback: Option<Setback>,
    },

    /// A person approved exactly what is staged.
    TreeApproved {
        /// What, on top of what, and who said so.
        #[serde(flatten)]
        approval: Approval,
    },
    /// A person rejected what is staged.
    TreeRejected {
        /// What, why, and who said so.
        #[serde(flatten)]
        rejection: Rejection,
    },
    /// The gate let a commit go on; it may still end for another reason.
    CommitPassed {
        /// Which one.
        #[serde(flatten)]
        asked: Asked,
    },
    /// The gate refused a commit.
    CommitRefused {
        /// Which one, and why.
        #[serde(flatten)]
        asked: Asked,
    },
    /// A commit appeared whose tree was approved, or while the gate was off.
    CommitRecorded {
        /// Which one.
        #[serde(flatten)]
        seen: CommitSeen,
    },
    /// A commit appeared whose tree nobody had approved: it went around the gate.
    CommitUnapproved {
        /// Which one.
        #[serde(flatten)]
        seen: CommitSeen,
        /// How strict the gate was.
        mode: GateMode,
    },
    /// A person took notice of a commit that had gone around the gate.
    CommitAccepted {
        /// Which one.
        commit: GitId,
        /// Why it is fine, or what will be done about it; an empty text in the journal when nobody said.
        #[serde(default, with = "super::blank")]
        reason: Option<String>,
    },
    /// HEAD stands somewhere else without a new commit: another branch, a reset, what came from elsewhere.
    HeadMoved {
        /// Where; `None` is a branch without a commit.
        commit: Option<GitId>,
        /// The branch, unless HEAD is detached.
        branch: Option<String>,
    },
    /// From now on the commit gate is at least this strict, whatever `governance.yaml` says.
    GateModeSet {
        /// How strict.
        mode: GateMode,
        /// Why.
        reason: String,
    },

    /// A terminal was opened.
    TerminalStarted {
        /// Its id.
        terminal_id: TerminalId,
        /// The session it shows; `None` for an interactive one.
        #[serde(default)]
        session_id: Option<SessionId>,
        /// Its title.
        title: String,
        /// Whether it only shows a transcript.
        #[serde(default)]
        preview: bool,
    },
    /// A session's terminal shows another thread now: somebody went there.
    ThreadLeft {
        /// The session.
        session_id: SessionId,
        /// Its terminal.
        terminal_id: TerminalId,
        /// The thread that was left.
        thread_id: String,
    },
    /// It shows the session's thread again.
    ThreadRejoined {
        /// The session.
        session_id: SessionId,
        /// Its terminal.
        terminal_id: TerminalId,
        /// The thread.
        thread_id: String,
    },
    /// A terminal ended.
    TerminalClosed {
        /// Its id.
        terminal_id: TerminalId,
        /// Why.
        reason: String,
    },

    /// Codex asks something and waits.
    AskRaised {
        /// All of it.
        #[serde(flatten)]
        ask: Ask,
    },
    /// Somebody decided it here. Codex is told next.
    AskAnswered {
        /// Which ask.
        ask_id: AskId,
        /// Whose it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session_id: Option<SessionId>,
        /// Who decided; `rule` when a rule did.
        by: String,
        /// The rule, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule_id: Option<RuleId>,
        /// What.
        #[serde(flatten)]
        reply: Reply,
    },
    /// An answer could not be sent any more, and must be given again.
    AskReopened {
        /// Which ask.
        ask_id: AskId,
        /// Why, as a sentence.
        reason: String,
    },
    /// It waits for nobody any more; said once more when it turns out who decided what.
    AskSettled {
        /// Which ask.
        ask_id: AskId,
        /// Whose it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session_id: Option<SessionId>,
        /// By which way.
        how: How,
        /// What was decided, if that was not here and is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply: Option<Reply>,
    },
    /// A person made a rule that answers for them.
    AskRuleAdded {
        /// All of it.
        #[serde(flatten)]
        rule: Rule,
    },
    /// A person took it away.
    AskRuleRemoved {
        /// Which.
        rule_id: RuleId,
        /// What it had allowed.
        #[serde(default)]
        title: String,
    },

    /// A turn is over, and this is what it took.
    TurnUsed {
        /// The session.
        session_id: SessionId,
        /// The turn, by Codex's name.
        turn_id: String,
        /// What it took.
        #[serde(flatten)]
        used: TurnUsage,
    },
    /// A session stands still at a limit.
    SessionLimited {
        /// The session.
        session_id: SessionId,
        /// Which limit.
        limit: Limit,
        /// Until when, as the provider says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<DateTime<Utc>>,
    },
    /// It may go on.
    SessionReleased {
        /// The session.
        session_id: SessionId,
    },
    /// The provider refuses: nothing new starts before it is tried again.
    QueueHeld {
        /// Why.
        reason: Limit,
        /// Until when, as the provider says; `None` where it does not.
        #[serde(default)]
        until: Option<DateTime<Utc>>,
        /// When it is tried again.
        retry_at: DateTime<Utc>,
        /// How often it was refused, one try after the other.
        tries: u32,
    },
    /// A person wants it to be tried now.
    QueueRetried {},
    /// Nobody stands still any more: dispatch goes on.
    QueueReleased {},
    /// A person set a budget, or took it away.
    BudgetSet {
        /// For what.
        #[serde(flatten)]
        subject: Subject,
        /// What is allowed; `None` is what `governance.yaml` says.
        budget: Option<Budget>,
    },
    /// A person did something to a session without its terminal. Codex is told next; what came of it stands in the events below.
    SessionSteered {
        /// The session.
        session_id: SessionId,
        /// What.
        #[serde(flatten)]
        act: Act,
    },
    /// A session asked for a review by Codex, for after its turn.
    CodexReviewAsked {
        /// The session.
        session_id: SessionId,
        /// What is reviewed.
        #[serde(flatten)]
        target: Target,
    },
    /// Codex is told to begin the review.
    CodexReviewBegun {
        /// The session.
        session_id: SessionId,
    },
    /// The review is over, or could not run. The session is told to go on.
    CodexReviewEnded {
        /// The session.
        session_id: SessionId,
        /// Why it could not run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A session's thread has another name.
    ThreadRenamed {
        /// The session.
        session_id: SessionId,
        /// The thread.
        thread_id: String,
        /// The name.
        name: String,
    },
    /// Other settings are in force in a session's thread, whoever wanted them.
    ThreadSettingsChanged {
        /// The session.
        session_id: SessionId,
        /// The thread.
        thread_id: String,
        /// All of them.
        #[serde(flatten)]
        settings: Settings,
        /// In what they allow more than the session was confirmed with.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        wider: Vec<Wider>,
    },
    /// Turns of a session's thread were taken back; Codex does not say which.
    ThreadReverted {
        /// The session.
        session_id: SessionId,
        /// The thread.
        thread_id: String,
    },
    /// A session's thread was summed up, and goes on from that.
    ThreadCompacted {
        /// The session.
        session_id: SessionId,
        /// The thread.
        thread_id: String,
    },
    /// A session's thread was copied.
    ThreadForked {
        /// The session.
        session_id: SessionId,
        /// The thread.
        thread_id: String,
        /// The copy.
        fork_id: String,
    },
    /// A session's thread was put away.
    ThreadArchived {
        /// The session.
        session_id: SessionId,
        /// The thread.
        thread_id: String,
    },
    /// It was fetched back.
    ThreadUnarchived {
        /// The session.
        session_id: SessionId,
        /// The thread.
        thread_id: String,
    },
    /// A session's thread, or a copy of it, was deleted for good.
    ThreadDeleted {
        /// The session.
        session_id: SessionId,
        /// The thread, or the copy.
        thread_id: String,
    },
}
