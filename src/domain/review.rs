//! Reviews of what is staged: which trees a person approved or rejected, which commits went by, and how strict the commit
//! gate is. Owns that vocabulary, what is remembered of it, and the rule by which the gate lets a tree pass.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fmt;

mod index;
mod seen;

pub use index::Index;
pub use seen::{Asked, CommitSeen, Older};

/// Decisions that are kept in memory. An older one is forgotten, and its tree would have to be reviewed again; nobody
/// commits what was approved five thousand decisions ago.
pub const MAX_DECISIONS: usize = 5_000;

/// Unreviewed commits that wait for a person, each by itself. Of more, the oldest one stands for those before it.
pub const MAX_UNREVIEWED: usize = 200;

/// Commits that are remembered as recorded, so that none is recorded twice. An older one lies below what HEAD stands on.
pub const MAX_RECORDED: usize = 10_000;

/// Id of a Git object: 40 (or 64) lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GitId(String);

/// A text that is no id of a Git object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id of a Git object has 40 lower-case hexadecimal digits")]
pub struct InvalidGitId;

impl GitId {
    /// Accepts an id from outside.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, InvalidGitId> {
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if matches!(text.len(), 40 | 64) && text.bytes().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidGitId)
        }
    }

    /// All digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As many digits as a person compares.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

impl fmt::Display for GitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for GitId {
    type Error = InvalidGitId;
    fn try_from(text: String) -> Result<Self, InvalidGitId> {
        Self::parse(&text)
    }
}

impl From<GitId> for String {
    fn from(id: GitId) -> Self {
        id.0
    }
}

/// What the gate does with a commit that nobody approved. Ordered by strictness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GateMode {
    /// Nothing.
    Off,
    /// It says so and lets the commit pass.
    Warn,
    /// It refuses the commit.
    Enforce,
}

impl GateMode {
    /// The word used in `governance.yaml` and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }
}

/// Where a staged tree stands: what it is compared with, and on which branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// The tree that a commit would take.
    pub tree: GitId,
    /// The tree of HEAD; `None` before the first commit.
    #[serde(default)]
    pub base_tree: Option<GitId>,
    /// The commit of HEAD.
    #[serde(default)]
    pub head: Option<GitId>,
    /// The branch, unless HEAD is detached.
    #[serde(default)]
    pub branch: Option<String>,
}

/// Findings of a report, by level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskCounts {
    /// High.
    pub high: usize,
    /// Medium.
    pub medium: usize,
    /// Low.
    pub low: usize,
}

/// A person's yes to exactly one tree on top of exactly one other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// What was approved.
    #[serde(flatten)]
    pub staged: Staged,
    /// The report that the person saw.
    pub report_id: String,
    /// Its digest.
    pub report_digest: String,
    /// Changed files.
    #[serde(default)]
    pub files: usize,
    /// Its findings.
    #[serde(default)]
    pub risks: RiskCounts,
    /// The confirmed plans that the change belongs to, as `<planner>/<version>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<String>,
    /// What the person wrote beside it; left out when that is nothing.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::domain::blank"
    )]
    pub note: Option<String>,
    /// Who it was.
    pub by: String,
}

/// A person's no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// What was rejected.
    #[serde(flatten)]
    pub staged: Staged,
    /// The confirmed plans that the change belongs to, as `<planner>/<version>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who it was.
    pub by: String,
}

/// What a person said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// Yes.
    Approved(Approval),
    /// No.
    Rejected(Rejection),
}

/// What a person said, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub said: Said,
}

impl Decision {
    /// What it is about.
    pub fn staged(&self) -> &Staged {
        match &self.said {
            Said::Approved(approval) => &approval.staged,
            Said::Rejected(rejection) => &rejection.staged,
        }
    }

    /// The approval, if it is one.
    pub fn approval(&self) -> Option<&Approval> {
        match &self.said {
            Said::Approved(approval) => Some(approval),
            Said::Rejected(_) => None,
        }
    }

    fn is_about(&self, tree: &GitId, base: Option<&GitId>) -> bool {
        self.staged().tree == *tree && self.staged().base_tree.as_ref() == base
    }
}

/// Everything that reviews left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviews {
    /// Oldest first.
    decisions: Vec<Decision>,
    /// Commits that nobody approved and nobody has taken notice of, oldest first.
    unreviewed: Vec<(DateTime<Utc>, CommitSeen)>,
    /// The mode that holds whatever `governance.yaml` says below it.
    pub pinned: Option<GateMode>,
    /// The commit that HEAD was last seen on, and when; `Some((_, None))` is a branch without a commit.
    pub head: Option<(DateTime<Utc>, Option<GitId>)>,
    /// The newest commits that are on record, oldest first.
    recorded: VecDeque<GitId>,
}

/// What the gate has to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// The tree that the commit would take.
    pub tree: &'a GitId,
    /// The tree of HEAD.
    pub base: Option<&'a GitId>,
}

/// Where a candidate stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReviewStatus<'a> {
    /// It is HEAD's own tree: there is nothing to review.
    Unchanged,
    /// A person approved it, in one step or in several that follow each other.
    Approved(&'a Decision),
    /// A person rejected it.
    Rejected(&'a Decision, &'a Rejection),
    /// A person approved this tree, but on top of another one: what HEAD has now was not part of what they saw.
    OtherBase(&'a Decision),
    /// A person approved something else on top of this HEAD: it changed since.
    Changed(&'a Decision),
    /// Nobody looked at it.
    Unseen,
}

impl ReviewStatus<'_> {
    /// Whether the gate lets it pass.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Unchanged | Self::Approved(_))
    }
}

impl Reviews {
    /// A person said yes.
    pub fn approved(&mut self, at: DateTime<Utc>, approval: &Approval) {
        self.decide(at, Said::Approved(approval.clone()));
    }

    /// A person said no.
    pub fn rejected(&mut self, at: DateTime<Utc>, rejection: &Rejection) {
        self.decide(at, Said::Rejected(rejection.clone()));
    }

    /// A commit appeared that nobody had approved.
    pub fn went_around(&mut self, at: DateTime<Utc>, seen: &CommitSeen) {
        self.stands_on(at, Some(&seen.commit));
        self.unreviewed.push((at, seen.clone()));
        if self.unreviewed.len() > MAX_UNREVIEWED {
            let (_, before) = self.unreviewed.remove(0);
            self.unreviewed[0].1.stand_for(&before);
        }
    }

    /// A person took notice of such a commit.
    pub fn taken_notice(&mut self, commit: &GitId) {
        self.unreviewed.retain(|(_, seen)| seen.commit != *commit);
    }

    /// HEAD stands on this commit; `None` is a branch without one.
    pub fn stands_on(&mut self, at: DateTime<Utc>, commit: Option<&GitId>) {
        self.head = Some((at, commit.cloned()));
        self.recorded.extend(commit.cloned());
        if self.recorded.len() > MAX_RECORDED {
            self.recorded.pop_front();
        }
    }

    /// Names of the events that change this, as the journal spells them.
    pub const EVENTS: [&'static str; 7] = [
        "tree_approved",
        "tree_rejected",
        "commit_recorded",
        "commit_unapproved",
        "commit_accepted",
        "head_moved",
        "gate_mode_set",
    ];

    /// The newest commits that are on record, oldest first; some of them more than once.
    pub fn recorded(&self) -> impl Iterator<Item = &GitId> {
        self.recorded.iter()
    }

    fn decide(&mut self, at: DateTime<Utc>, said: Said) {
        self.decisions.push(Decision { at, said });
        if self.decisions.len() > MAX_DECISIONS {
            self.decisions.remove(0);
        }
    }

    /// The newest decision about exactly this.
    pub fn decision(&self, candidate: Candidate<'_>) -> Option<&Decision> {
        self.decisions
            .iter()
            .rev()
            .find(|decision| decision.is_about(candidate.tree, candidate.base))
    }

    /// The newest approval of this tree, whatever it was on top of.
    pub fn approval_of_tree(&self, tree: &GitId) -> Option<&Decision> {
        self.decisions
            .iter()
            .rev()
            .find(|decision| decision.approval().is_some() && decision.staged().tree == *tree)
    }

    /// The newest approval under this report.
    pub fn approval_of_report(&self, report_id: &str) -> Option<&Decision> {
        self.decisions.iter().rev().find(|decision| {
            decision
                .approval()
                .is_some_and(|approval| approval.report_id == report_id)
        })
    }

    /// Commits that nobody approved and nobody has taken notice of, oldest first, with the time they were seen.
    pub fn unreviewed(&self) -> &[(DateTime<Utc>, CommitSeen)] {
        &self.unreviewed
    }

    /// How many commits wait for a person: those of [`unreviewed`](Self::unreviewed), and what they stand for.
    pub fn unreviewed_count(&self) -> u64 {
        self.unreviewed.iter().map(|(_, seen)| seen.count()).sum()
    }

    /// Where a candidate stands, as [`Index::standing`] says.
    pub fn standing(&self, candidate: Candidate<'_>) -> ReviewStatus<'_> {
        self.index().standing(candidate)
    }
}

#[cfg(test)]
mod tests;
