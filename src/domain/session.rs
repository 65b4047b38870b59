//! A planner or department session, as the journal knows it.
//!
//! What changes by the second (is a turn running, the last lines on its screen) is not here: it is observed, never
//! recorded, and lives in `core::live`.

use super::conformance::Baseline;
use super::department::{Approval, Sandbox};
use super::driver::Driver;
use super::ids::{AssignmentId, ReportId, SessionId, TerminalId};
pub use super::outcome::{Outcome, Signal};
use super::plan::Plan;
use super::plan_file::PlanFiles;
use super::plan_review::ReviewedPlan;
use super::steering::{OwnReviews, ThreadState};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Which of the two jobs a session has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 中书省: plans, and reads what the departments report.
    Zhongshu,
    /// Does one assignment and reports once.
    Department,
}

/// Everything that is fixed when a session is registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brief {
    /// Its id; the prefix tells planner and departments apart.
    pub id: SessionId,
    /// Planner or department.
    pub session_kind: Kind,
    /// Key of the department; `zhongshu` for a planner.
    pub department: String,
    /// Name shown to people, in the language of the moment it was made.
    pub title: String,
    /// What it was asked to do.
    pub task: String,
    /// Paths it may change; empty means that the task names none.
    #[serde(default)]
    pub files: Vec<String>,
    /// Commands that it should run before it reports.
    #[serde(default)]
    pub verify: Vec<String>,
    /// Model override; `None` leaves the choice to the agent's own configuration.
    #[serde(default)]
    pub model: Option<String>,
    /// What runs its agent.
    pub driver: Driver,
    /// Sandbox for Codex sessions.
    pub sandbox: Sandbox,
    /// Approval policy for Codex sessions.
    pub approval: Approval,
    /// The planner that a department reports to.
    #[serde(default)]
    pub parent_session_id: Option<SessionId>,
    /// The assignment that a department does.
    #[serde(default)]
    pub assignment_id: Option<AssignmentId>,
    /// The plan that it reviews, when that is its job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewedPlan>,
    /// The planner that this one took over from.
    #[serde(default)]
    pub resumed_from_session_id: Option<SessionId>,
    /// The file that holds its first prompt, one per session.
    pub prompt_path: PathBuf,
    /// Its transcript.
    pub log_path: PathBuf,
}

/// Where a session stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// Registered; its driver has not accepted the prompt yet.
    Starting,
    /// The prompt was accepted.
    Running,
    /// Somebody decided that it ends; its processes may still be there.
    Closing {
        /// What the end will be recorded as.
        outcome: Outcome,
    },
    /// It is over.
    Closed {
        /// How it ended.
        outcome: Outcome,
        /// When.
        at: DateTime<Utc>,
    },
}

/// A session with everything that happened to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// What was fixed at the start.
    #[serde(flatten)]
    pub brief: Brief,
    /// Where it stands.
    pub status: Status,
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
    /// When its prompt was accepted (again, after a resume).
    pub started_at: Option<DateTime<Utc>>,
    /// Process id of what runs it, when it has a process of its own.
    pub pid: Option<u32>,
    /// Codex thread.
    pub thread_id: Option<String>,
    /// Whether Codex has shown the first prompt in this thread. Until then a start looks for it, and gives it again.
    pub prompted: bool,
    /// Its terminal, when one is open.
    pub terminal_id: Option<TerminalId>,
    /// Whether its terminal shows another thread than its own: somebody went there, by `/new` for example.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub terminal_elsewhere: bool,
    /// What is known of its thread besides what is said in it.
    #[serde(default, skip_serializing_if = "ThreadState::is_plain")]
    pub thread_state: ThreadState,
    /// Reviews by Codex that it asked for itself.
    #[serde(default, skip_serializing_if = "OwnReviews::are_none")]
    pub own_reviews: OwnReviews,
    /// Reminders sent since its last sign of a report.
    pub reminders: u32,
    /// When the last reminder was sent.
    pub reminded_at: Option<DateTime<Utc>>,
    /// Its report, once there is one.
    pub report_id: Option<ReportId>,
    /// Plans it reported, oldest first (planners).
    pub plans: Vec<Plan>,
    /// Files beside its plans that nobody is known to have written (planners).
    #[serde(default)]
    pub plan_files: PlanFiles,
    /// The planner that took over from this one.
    pub replaced_by: Option<SessionId>,
    /// The working tree before it began (departments).
    #[serde(default)]
    pub baseline: Option<Baseline>,
    /// The newest files in its mailbox that were not taken, oldest first (planners).
    #[serde(default)]
    pub rejected_files: Vec<RejectedFile>,
    /// How many more were not taken than the journal names (planners).
    #[serde(default)]
    pub rejected_unnamed: u64,
    /// How many that were not taken were deleted again, the oldest first (planners).
    #[serde(default)]
    pub rejected_removed: u64,
}

/// A file in a mailbox that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedFile {
    /// When.
    pub at: DateTime<Utc>,
    /// Its name.
    pub file: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What of a mailbox was not taken. The journal and the API have it as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum NotTaken {
    /// The folder that files come into: it cannot be used.
    Folder,
    /// A file, by the name that it has among the rejected ones.
    File(String),
}

/// What stands for the folder; no file is called so, since each ends in `.json`.
const FOLDER: &str = "incoming";

impl NotTaken {
    /// The name, if it is a file.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Folder => None,
            Self::File(name) => Some(name),
        }
    }
}

impl From<String> for NotTaken {
    fn from(text: String) -> Self {
        match text == FOLDER {
            true => Self::Folder,
            false => Self::File(text),
        }
    }
}

impl From<NotTaken> for String {
    fn from(what: NotTaken) -> Self {
        match what {
            NotTaken::Folder => FOLDER.to_owned(),
            NotTaken::File(name) => name,
        }
    }
}

/// So many files of a mailbox, told by their number alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesCounted {
    /// The planner whose mailbox it is.
    pub session_id: SessionId,
    /// How many.
    pub count: u64,
    /// Why, as a sentence.
    pub reason: String,
}

/// More rejected files than this nobody reads; the journal has more, and so has the mailbox's `rejected/`.
const MAX_REJECTED_FILES: usize = 20;

impl Session {
    /// A session that was just registered.
    pub fn new(brief: Brief, registered_at: DateTime<Utc>) -> Self {
        Self {
            brief,
            status: Status::Starting,
            registered_at,
            started_at: None,
            pid: None,
            thread_id: None,
            prompted: false,
            terminal_id: None,
            terminal_elsewhere: false,
            thread_state: ThreadState::default(),
            own_reviews: OwnReviews::default(),
            reminders: 0,
            reminded_at: None,
            report_id: None,
            plans: Vec::new(),
            plan_files: PlanFiles::default(),
            replaced_by: None,
            baseline: None,
            rejected_files: Vec::new(),
            rejected_unnamed: 0,
            rejected_removed: 0,
        }
    }

    /// Keeps a file of its mailbox that was not taken.
    pub fn note_rejected(&mut self, file: RejectedFile) {
        if self.rejected_files.len() == MAX_REJECTED_FILES {
            self.rejected_files.remove(0);
        }
        self.rejected_files.push(file);
    }

    /// Its id.
    pub fn id(&self) -> &SessionId {
        &self.brief.id
    }

    /// Whether it is a planner.
    pub fn is_planner(&self) -> bool {
        self.brief.session_kind == Kind::Zhongshu
    }

    /// Whether it reviews a plan. Such a session is a department's, but does no assignment and reports no result.
    pub fn is_review(&self) -> bool {
        self.brief.review.is_some()
    }

    /// Whether it has the tools of the MCP server, and so a way to speak that nobody else has.
    pub fn has_tools(&self) -> bool {
        self.brief.driver.has_tools() || self.thread_id.is_some()
    }

    /// Whether it has not ended yet.
    pub fn is_live(&self) -> bool {
        !matches!(self.status, Status::Closed { .. })
    }

    /// How it ended, if it did.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.status {
            Status::Closed { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    /// When it ended, if it did.
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        match self.status {
            Status::Closed { at, .. } => Some(at),
            _ => None,
        }
    }

    /// The newest plan.
    pub fn plan(&self) -> Option<&Plan> {
        self.plans.last()
    }

    /// The word that `/api/status` shows.
    pub fn status_word(&self) -> &'static str {
        match &self.status {
            Status::Starting => "starting",
            Status::Running => "running",
            Status::Closing { .. } => "closing",
            Status::Closed { outcome, .. } => outcome.word(),
        }
    }
}
