//! A plan in a file that nobody is known to have written: it stands beside the planner's own until a person takes it as the
//! plan, or takes it away.

use super::plan::{PlanFinding, Proposal};
use super::sentence::{Sentence, say};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// So many stand beside a planner's plan; a newer one takes the place of the oldest. Anybody who can write into the mailbox
/// can write thousands: a tenth would let one forger push out what a person wants to read, ten times as many nobody reads.
pub const MAX_BESIDE: usize = 5;

/// So many are taken in for one planner, beside its plan or as it, until a person acts: takes one, takes one away, decides about a plan,
/// or has one reviewed. Each is an event
/// that holds the whole plan, of up to 1 MiB; further ones are set aside and counted. A tenth would let one forger keep everybody else
/// out at once, ten times as many would fill a journal with what nobody reads.
pub const MAX_FOUND: u32 = 20;

/// Why a file is not the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The planner has a tool for its plans; a file could be anybody's.
    PlannerHasTool,
    /// What stands and waits for a decision is known to come from the planner or from a person.
    VerifiedPlanWaits,
}

impl Why {
    /// The word that the API shows.
    pub fn word(self) -> &'static str {
        match self {
            Self::PlannerHasTool => "planner_has_tool",
            Self::VerifiedPlanWaits => "verified_plan_waits",
        }
    }

    /// The same as a sentence.
    pub fn sentence(self) -> Sentence {
        match self {
            Self::PlannerHasTool => say!("reason.plan_file.planner_has_tool"),
            Self::VerifiedPlanWaits => say!("reason.plan_file.verified_plan_waits"),
        }
    }
}

/// What such a file says, and why it is not the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanFile {
    /// Digest of what it proposes; it names the file from now on.
    pub plan_sha256: String,
    /// What it proposes.
    #[serde(flatten)]
    pub proposal: Arc<Proposal>,
    /// What the plan checks found in that.
    pub findings: Vec<PlanFinding>,
    /// The name that it has in the archive.
    pub file: String,
    /// Digest of its bytes; the same bytes count once.
    pub sha256: String,
    /// When it was written, by the clock of the file system.
    pub written_at: DateTime<Utc>,
    /// Why it is not the plan.
    pub why: Why,
}

/// One that stands beside a planner's plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Beside {
    /// When it was found.
    pub found_at: DateTime<Utc>,
    /// What it is.
    #[serde(flatten)]
    pub file: PlanFile,
}

/// Those that stand beside one planner's plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanFiles {
    /// Oldest first; at most [`MAX_BESIDE`].
    pub beside: Vec<Beside>,
    /// How many gave way to newer ones.
    pub gave_way: u32,
    /// How many came since a person last acted, with those that became the plan.
    #[serde(default)]
    pub unanswered: u32,
}

impl PlanFiles {
    /// The one that proposes this.
    pub fn find(&self, plan_sha256: &str) -> Option<&Beside> {
        let mut all = self.beside.iter();
        all.find(|one| one.file.plan_sha256 == plan_sha256)
    }

    /// Whether no further one is taken in until a person acts.
    pub fn are_enough(&self) -> bool {
        self.unanswered >= MAX_FOUND
    }

    /// One came that is the plan of a planner that can only write files.
    pub fn came_as_plan(&mut self) {
        self.unanswered = self.unanswered.saturating_add(1);
    }

    /// A person took one, took one away, decided about a plan, or has it reviewed.
    pub fn person_acted(&mut self) {
        self.unanswered = 0;
    }

    /// The digest of the one that gives way to the next, when there is no room left.
    pub fn next_to_go(&self) -> Option<&str> {
        let is_full = self.beside.len() >= MAX_BESIDE;
        let oldest = self.beside.first().filter(|_| is_full);
        oldest.map(|one| one.file.plan_sha256.as_str())
    }

    /// Another one came; `gone` is the digest of the one that gave way to it.
    pub fn add(&mut self, found_at: DateTime<Utc>, file: PlanFile, gone: Option<&str>) {
        if let Some(gone) = gone {
            self.remove(gone);
            self.gave_way += 1;
        }
        self.unanswered = self.unanswered.saturating_add(1);
        self.beside.push(Beside { found_at, file });
    }

    /// One was taken as the plan, or taken away.
    pub fn remove(&mut self, plan_sha256: &str) {
        self.beside
            .retain(|one| one.file.plan_sha256 != plan_sha256);
    }
}
