//! Work that a person confirmed: waiting in the queue, given to a session, or cancelled.

use super::fault::Shared;
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
    /// What that plan calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_line: Option<String>,
    /// Those whose results must be in before it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<AssignmentId>,
    /// Those that may change the same files: it never runs beside them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apart_from: Vec<AssignmentId>,
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
    /// Whether a person lets it start in spite of what it should wait for.
    #[serde(default)]
    pub forced: bool,
}

/// Why a queued assignment is passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// Its planner ended; a restart of the planner takes it along.
    PlannerEnded,
    /// A result of the same planner asks for the person's decision first.
    WaitsForPerson,
    /// What it should come after was cancelled, or ended without a result of its own.
    DependencyFailed {
        /// Which.
        on: Vec<AssignmentId>,
    },
    /// What it comes after has no result yet.
    WaitsFor {
        /// Which.
        on: Vec<AssignmentId>,
    },
    /// Somebody works on files that it may change.
    FilesInUse {
        /// Who.
        by: Vec<AssignmentId>,
    },
    /// The program that would run it waits for a person's yes.
    PowersRequired {
        /// The driver that `governance.yaml` calls so.
        driver: String,
    },
    /// What would run it does not work.
    Broken {
        /// What.
        shared: Shared,
        /// Why not, as a sentence.
        reason: String,
    },
    /// The provider refuses.
    RateLimited {
        /// Until when, as it says.
        until: Option<DateTime<Utc>>,
        /// When it is tried again.
        retry_at: DateTime<Utc>,
    },
    /// The plan's budget is used up.
    BudgetReached {
        /// Tokens that were used.
        used: u64,
        /// Tokens that are allowed.
        limit: u64,
    },
    /// Too many results wait for a person's eyes.
    ReviewLimit {
        /// How many wait.
        waiting: usize,
        /// How many may.
        limit: usize,
    },
}

impl Hold {
    /// The word that the API shows.
    pub fn word(&self) -> &'static str {
        match self {
            Self::PlannerEnded => "planner_ended",
            Self::WaitsForPerson => "waits_for_person",
            Self::DependencyFailed { .. } => "dependency_failed",
            Self::WaitsFor { .. } => "waits_for",
            Self::FilesInUse { .. } => "files_in_use",
            Self::PowersRequired { .. } => "powers_required",
            Self::Broken { shared, .. } => shared.word(),
            Self::RateLimited { .. } => "rate_limited",
            Self::BudgetReached { .. } => "budget_reached",
            Self::ReviewLimit { .. } => "review_limit",
        }
    }

    /// The assignments that it is about.
    pub fn assignments(&self) -> &[AssignmentId] {
        match self {
            Self::DependencyFailed { on } | Self::WaitsFor { on } => on,
            Self::FilesInUse { by } => by,
            Self::PlannerEnded
            | Self::WaitsForPerson
            | Self::PowersRequired { .. }
            | Self::Broken { .. }
            | Self::RateLimited { .. }
            | Self::BudgetReached { .. }
            | Self::ReviewLimit { .. } => &[],
        }
    }

    /// Whether a person can lift it by forcing the assignment. The others go away by what they ask for.
    pub fn can_be_forced(&self) -> bool {
        !matches!(
            self,
            Self::PlannerEnded
                | Self::WaitsForPerson
                | Self::PowersRequired { .. }
                | Self::RateLimited { .. }
                | Self::BudgetReached { .. }
        )
    }
}
