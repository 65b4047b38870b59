//! A planner's plan: versions, what they ask for, and what a person said about them.

use super::department::Localized;
use super::hex::hex;
use super::plan_review::Review;
pub use super::source::Source;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// One line of a plan: work for one department.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedAssignment {
    /// What the plan's other lines call it; only those that something waits for need one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Ids of the lines of the same plan whose results must be in before it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Key of the department.
    pub department: String,
    /// What it shall do.
    pub task: String,
    /// Model that the planner proposes.
    #[serde(default)]
    pub model: Option<String>,
    /// Paths it may change.
    #[serde(default)]
    pub files: Vec<String>,
    /// Commands that prove the work.
    #[serde(default)]
    pub verify: Vec<String>,
    /// Why this work is needed.
    #[serde(default)]
    pub reason: String,
    /// Why this model.
    #[serde(default)]
    pub model_reason: String,
    /// Whether the planner proposes to start it. A person decides; this is only the initial tick.
    #[serde(default = "yes")]
    pub selected: bool,
}

fn yes() -> bool {
    true
}

impl PlannedAssignment {
    /// A line that says no more than who shall do what.
    pub fn new(department: impl Into<String>, task: impl Into<String>) -> Self {
        Self {
            id: None,
            after: Vec::new(),
            department: department.into(),
            task: task.into(),
            model: None,
            files: Vec::new(),
            verify: Vec::new(),
            reason: String::new(),
            model_reason: String::new(),
            selected: true,
        }
    }
}

/// What a planner reported, before it is numbered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The plan in a few sentences.
    pub summary: String,
    /// What it asks for.
    pub assignments: Vec<PlannedAssignment>,
}

impl Proposal {
    /// Digest of exactly what a person sees: a confirmation names it, so that nothing else can be confirmed.
    pub fn sha256(&self) -> String {
        let bytes = serde_json::to_vec(self).expect("a plan is plain data");
        hex(&Sha256::digest(bytes))
    }
}

/// Which check a finding comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanCheck {
    /// No department has this key.
    UnknownDepartment,
    /// Nobody offers this model.
    UnknownModel,
    /// Nothing to do.
    EmptyTask,
    /// It waits for a line that does not exist or is not selected.
    UnknownDependency,
    /// Lines that wait for each other.
    DependencyCycle,
    /// Two assignments may change the same file.
    OverlappingFiles,
    /// High-risk files, and menxia is not part of the plan.
    HighRiskWithoutMenxia,
    /// A path that leaves the repository, or lies in Git's own folder.
    OutsideRepository,
    /// Nothing shows that the work holds.
    MissingVerify,
    /// Characters that show nothing, or change how others are read.
    HiddenCharacters,
    /// `governance.yaml` on disk loosens rules of before, and was not followed in that.
    LooserRules,
    /// Rules that should have judged the plan cannot be used.
    UnusableRules,
    /// There was more than could be checked or told.
    Incomplete,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlanLevel {
    /// Worth knowing.
    Info,
    /// A person should look.
    Warning,
    /// It cannot be carried out as it stands.
    Error,
}

/// One thing that a check of a plan found. Stored with the plan; it decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanFinding {
    /// The check.
    pub check: PlanCheck,
    /// How bad it is.
    pub level: PlanLevel,
    /// Positions of the assignments concerned, from 0.
    pub assignments: Vec<usize>,
    /// The path concerned, where there is one.
    #[serde(default)]
    pub path: Option<String>,
    /// What is wrong, as a sentence.
    pub message: Localized,
}

/// Looks at a plan before anybody decides about it; how is for `governance` to know.
pub trait PlanChecker: std::fmt::Debug + Send + Sync {
    /// Checks the selected lines. `models` are those that may be asked for, where that is known. Takes up to some hundred
    /// milliseconds for a plan that is made to be slow.
    fn check(&self, lines: &[PlannedAssignment], models: Option<&[String]>) -> Vec<PlanFinding>;
}

/// A proposal together with what the checks found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What was proposed.
    pub proposal: Proposal,
    /// What the checks found.
    pub findings: Vec<PlanFinding>,
}

/// What a person confirmed of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it differs from what was proposed.
    pub edited: bool,
    /// Exactly what was confirmed.
    pub assignments: Vec<PlannedAssignment>,
    /// What the checks found in that; `None` when the launcher of that day stored nothing.
    pub findings: Option<Vec<PlanFinding>>,
    /// Whether those that may change the same files may run side by side.
    pub overlap_allowed: bool,
}

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PlanState {
    /// A person has not said anything yet.
    Pending,
    /// A person confirmed it, perhaps with changes.
    Confirmed(Confirmed),
    /// A person said no.
    Rejected {
        /// When.
        at: DateTime<Utc>,
        /// Why; it goes back to the planner.
        reason: String,
    },
    /// The planner reported a newer one first.
    Superseded,
}

impl PlanState {
    /// The word that the API shows.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed(_) => "confirmed",
            Self::Rejected { .. } => "rejected",
            Self::Superseded => "superseded",
        }
    }
}

/// One version of a planner's plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// 1 for the planner's first plan.
    pub version: u32,
    /// Digest of the proposal.
    pub sha256: String,
    /// What was proposed.
    #[serde(flatten)]
    pub proposal: Arc<Proposal>,
    /// What the checks found in it; `None` when the launcher of that day stored nothing.
    pub findings: Option<Vec<PlanFinding>>,
    /// Through which door it came.
    pub source: Source,
    /// Whether it is a file that stood beside until a person took it as the plan.
    #[serde(default)]
    pub taken: bool,
    /// When it was registered.
    pub reported_at: DateTime<Utc>,
    /// When it was written, if it was a file.
    pub written_at: Option<DateTime<Utc>>,
    /// What became of it.
    pub state: PlanState,
    /// How its review by menxia stands.
    pub review: Review,
    /// Why a person went on without menxia's approval.
    pub overruled: Option<String>,
}
