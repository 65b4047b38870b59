//! Work that a person confirmed: waiting in the queue, given to a session, or cancelled.

use super::ids::{AssignmentId, SessionId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a person confirmed for one department. It never changes after that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub assignment_id: AssignmentId,
    /// The planner that the result goes to.
    pub parent_session_id: SessionId,
    /// Key of the department.
    pub department: String,
    /// What it shall do.
    pub task: String,
    /// Model override.
    #[serde(default)]
    pub model: Option<String>,
    /// Paths it may change.
    #[serde(default)]
    pub files: Vec<String>,
    /// Commands that prove the work.
    #[serde(default)]
    pub verify: Vec<String>,
    /// Why it is needed.
    #[serde(default)]
    pub reason: String,
    /// Version of the plan it came from; `None` when a person started it by hand.
    #[serde(default)]
    pub plan_version: Option<u32>,
    /// Whether the person wants the launcher to run `verify` itself after the report.
    #[serde(default)]
    pub run_verify: bool,
}

/// Where an assignment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AssignmentState {
    /// Waits for a slot.
    Queued,
    /// A session does it.
    Dispatched {
        /// That session.
        session_id: SessionId,
    },
    /// A person took it out of the queue.
    Cancelled,
}

/// An assignment with what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// What was confirmed.
    #[serde(flatten)]
    pub order: Order,
    /// When it was queued.
    pub queued_at: DateTime<Utc>,
    /// Where it stands.
    pub state: AssignmentState,
}

/// Why a queued assignment is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Its planner ended; a restart of the planner takes it along.
    PlannerEnded,
    /// A result of the same planner asks for the person's decision first.
    WaitsForPerson,
}
