//! The vocabulary of what waits: one variant for each cause, with what a person has to know to decide.

use crate::domain::ask::{Cut, What};
use crate::domain::ids::{AssignmentId, ReportId, SessionId, TerminalId};
use crate::domain::powers::Line;
use crate::domain::review::GateMode;
use crate::domain::usage::budgets::Standing;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// What waits, with what a person has to know to decide.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", content = "what", rename_all = "snake_case")]
pub enum Waiting {
    /// Codex asks.
    Ask {
        /// What.
        #[serde(flatten)]
        what: What,
        /// What of it was too long to keep.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        cut: Vec<Cut>,
    },
    /// The journal cannot be written.
    ReadOnly {
        /// Why.
        reason: String,
    },
    /// Codex does not run.
    CodexDown {
        /// `down` or `unavailable`.
        state: &'static str,
        /// Why.
        reason: String,
    },
    /// The installed Codex cannot do something, or does not say what it can.
    CodexLacks {
        /// What that means.
        sentence: String,
    },
    /// Codex has no login.
    Login {
        /// What to do.
        sentence: String,
    },
    /// Codex may not work here yet.
    Trust {
        /// What a yes means.
        statement: String,
    },
    /// `governance.yaml` asks for more than the safe defaults.
    Powers {
        /// Names what is asked for.
        sha256: String,
        /// What a yes means.
        statement: String,
        /// What is asked for, entry by entry.
        lines: Vec<Line>,
    },
    /// The journal is damaged where no start reads it, for now.
    JournalDamaged {
        /// Where.
        sentence: String,
    },
    /// Something about the settings is wrong.
    Settings {
        /// What.
        sentence: String,
    },
    /// A part of zhongshu ended, or cannot do its work.
    DutyFailed {
        /// Its name.
        duty: String,
        /// What happened.
        sentence: String,
    },
    /// The commit gate that should stand does not.
    GateMissing {
        /// How strict it should be.
        mode: GateMode,
    },
    /// A session asks something in its own terminal.
    Blocked {
        /// What is known of it.
        notice: Option<String>,
    },
    /// A session's last turn failed.
    TurnFailed {
        /// Why.
        cause: String,
    },
    /// Nothing runs for a session and nothing is heard of it.
    Silent {
        /// Its last sign.
        last_activity_at: Option<DateTime<Utc>>,
    },
    /// A session does the same over and over.
    Looping {
        /// The command.
        command: String,
        /// How often it came to the same end, in a row.
        times: usize,
    },
    /// A planner could not be started.
    StartFailed {
        /// Why.
        reason: String,
    },
    /// A planner ended, and nobody asked it to.
    SessionLost {
        /// How it ended: `failed`, `lost` or `exited`.
        how: &'static str,
        /// Why.
        reason: String,
    },
    /// A plan waits for a yes or a no.
    PlanToConfirm(PlanSeen),
    /// Menxia said no, and the planner was told.
    PlanVetoed(PlanSeen),
    /// A plan should have been reviewed and was not, or was often enough.
    VerdictMissing(PlanSeen),
    /// A file with a plan that nobody is known to have written.
    PlanFile {
        /// Names it.
        plan_sha256: String,
        /// What it says, in a few sentences.
        summary: String,
        /// Its lines.
        lines: Vec<PlanLine>,
        /// Why it is not the plan.
        why: &'static str,
    },
    /// A department wants a person to decide.
    ResultNeedsPerson {
        /// Its report.
        report_id: ReportId,
        /// The revision.
        revision: u32,
        /// What it says.
        summary: String,
        /// What it proposes; an empty text in the API when that is nothing.
        #[serde(serialize_with = "crate::domain::blank::serialize")]
        next_action: Option<String>,
    },
    /// A department changed files that were not its own.
    OutsideScope {
        /// Its report.
        report_id: ReportId,
        /// The revision.
        revision: u32,
        /// The files; at most [`MAX_FILES`].
        files: Vec<String>,
        /// How many more there are.
        omitted: usize,
    },
    /// A department ended without a report.
    Fallback {
        /// What was written in its place.
        report_id: ReportId,
        /// The revision.
        revision: u32,
        /// How it ended, in one word.
        how: &'static str,
        /// What was written.
        summary: String,
        /// What it was to do.
        task: String,
    },
    /// A file in a mailbox was not taken.
    FileRejected {
        /// Its name.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A commit went around the gate.
    CommitUnapproved {
        /// Its id.
        commit: String,
        /// The first line of its message.
        subject: String,
        /// The branch.
        branch: Option<String>,
        /// How many commits it stands for.
        count: u64,
    },
    /// What work needs does not work.
    Fault {
        /// `driver_failed` or `model_failed`.
        what: &'static str,
        /// Its name.
        name: String,
        /// Why.
        reason: String,
        /// The session that found it out.
        found_by: SessionId,
    },
    /// Work comes after work that failed.
    DependencyFailed {
        /// The work that waits.
        assignment_id: AssignmentId,
        /// What it was to do.
        task: String,
        /// What failed.
        on: Vec<AssignmentId>,
    },
    /// Work waits for a planner that ended.
    PlannerEnded {
        /// How much.
        waiting: usize,
    },
    /// So many results wait that nothing more starts.
    ReviewLimit {
        /// How many wait.
        waiting: usize,
        /// How many may.
        limit: usize,
    },
    /// The provider refuses: what stood still goes on by itself.
    RateLimited {
        /// Until when, as the provider says; null where it does not.
        until: Option<DateTime<Utc>>,
        /// When it is tried again.
        retry_at: DateTime<Utc>,
        /// How many sessions stand still.
        sessions: usize,
        /// How many assignments wait in the queue.
        waiting: usize,
    },
    /// A budget is used up.
    BudgetReached {
        /// Of what, how much was used, and what is allowed.
        #[serde(flatten)]
        standing: Standing,
        /// How many assignments wait for it.
        waiting: usize,
        /// How many sessions stand still at it.
        sessions: usize,
    },
    /// A person paused the queue, and work waits in it.
    QueuePaused {
        /// How much.
        waiting: usize,
    },
    /// A session's terminal shows another thread.
    TerminalLeft {
        /// The terminal.
        terminal_id: TerminalId,
    },
}

/// Files that an item lists.
pub const MAX_FILES: usize = 20;
/// Lines of a plan that an item lists; the plan has them all.
pub const MAX_PLAN_LINES: usize = 20;
/// Longest text of an item that others wrote, in characters.
pub const MAX_CHARS: usize = 2_000;

/// A plan, as far as a person has to see it to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanSeen {
    /// Its version.
    pub version: u32,
    /// Names exactly what is confirmed.
    pub plan_sha256: String,
    /// What it says, in a few sentences.
    pub summary: String,
    /// Its lines; at most [`MAX_PLAN_LINES`].
    pub lines: Vec<PlanLine>,
    /// How many more there are.
    pub omitted: usize,
    /// Whether something of what is shown is shorter than in the plan.
    pub is_shortened: bool,
    /// How its review stands.
    pub review: &'static str,
    /// What menxia gave as reasons.
    pub reasons: Vec<String>,
}

impl PlanSeen {
    /// Whether this is all that a yes would confirm.
    pub fn is_whole(&self) -> bool {
        self.omitted == 0 && !self.is_shortened
    }
}

/// One line of a plan, with everything that a yes would set in motion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanLine {
    /// What `after` of other lines calls it.
    pub id: Option<String>,
    /// The department.
    pub department: String,
    /// What it shall do.
    pub task: String,
    /// The model, where the planner names one.
    pub model: Option<String>,
    /// Paths it may change; at most [`MAX_FILES`].
    pub files: Vec<String>,
    /// Commands that are run to prove the work; at most [`MAX_FILES`].
    pub verify: Vec<String>,
    /// Lines whose results must be in before it starts; at most [`MAX_FILES`].
    pub after: Vec<String>,
    /// Whether it starts when the plan is confirmed as it is.
    pub selected: bool,
}

impl Waiting {
    /// Its kind, as the API spells it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ask { .. } => "ask",
            Self::ReadOnly { .. } => "read_only",
            Self::CodexDown { .. } => "codex_down",
            Self::CodexLacks { .. } => "codex_lacks",
            Self::Login { .. } => "login",
            Self::Trust { .. } => "trust",
            Self::Powers { .. } => "powers",
            Self::JournalDamaged { .. } => "journal_damaged",
            Self::Settings { .. } => "settings",
            Self::DutyFailed { .. } => "duty_failed",
            Self::GateMissing { .. } => "gate_missing",
            Self::Blocked { .. } => "blocked",
            Self::TurnFailed { .. } => "turn_failed",
            Self::Silent { .. } => "silent",
            Self::Looping { .. } => "looping",
            Self::StartFailed { .. } => "start_failed",
            Self::SessionLost { .. } => "session_lost",
            Self::PlanToConfirm(_) => "plan_to_confirm",
            Self::PlanVetoed(_) => "plan_vetoed",
            Self::VerdictMissing(_) => "verdict_missing",
            Self::PlanFile { .. } => "plan_file",
            Self::ResultNeedsPerson { .. } => "result_needs_person",
            Self::OutsideScope { .. } => "outside_scope",
            Self::Fallback { .. } => "fallback",
            Self::FileRejected { .. } => "file_rejected",
            Self::CommitUnapproved { .. } => "commit_unapproved",
            Self::Fault { .. } => "fault",
            Self::DependencyFailed { .. } => "dependency_failed",
            Self::PlannerEnded { .. } => "planner_ended",
            Self::ReviewLimit { .. } => "review_limit",
            Self::RateLimited { .. } => "rate_limited",
            Self::BudgetReached { .. } => "budget_reached",
            Self::QueuePaused { .. } => "queue_paused",
            Self::TerminalLeft { .. } => "terminal_left",
        }
    }

    /// The part of the page of work that says more.
    pub(super) fn place(&self) -> Option<&'static str> {
        match self {
            Self::PlanToConfirm(_)
            | Self::PlanVetoed(_)
            | Self::VerdictMissing(_)
            | Self::PlanFile { .. } => Some("plan"),
            Self::ResultNeedsPerson { .. }
            | Self::OutsideScope { .. }
            | Self::Fallback { .. }
            | Self::ReviewLimit { .. } => Some("inbox"),
            Self::DependencyFailed { .. }
            | Self::RateLimited { .. }
            | Self::BudgetReached { .. }
            | Self::Fault { .. }
            | Self::QueuePaused { .. }
            | Self::PlannerEnded { .. } => Some("queue"),
            Self::TurnFailed { .. }
            | Self::Silent { .. }
            | Self::Looping { .. }
            | Self::StartFailed { .. }
            | Self::SessionLost { .. }
            | Self::TerminalLeft { .. }
            | Self::FileRejected { .. } => Some("planner"),
            Self::Ask { .. }
            | Self::ReadOnly { .. }
            | Self::CodexDown { .. }
            | Self::CodexLacks { .. }
            | Self::Login { .. }
            | Self::Trust { .. }
            | Self::Powers { .. }
            | Self::JournalDamaged { .. }
            | Self::Settings { .. }
            | Self::DutyFailed { .. }
            | Self::GateMissing { .. }
            | Self::Blocked { .. }
            | Self::CommitUnapproved { .. } => None,
        }
    }
}
