//! The review of a plan by menxia before a person decides: whether it is wanted, what was checked and what came of it.

use super::ids::SessionId;
use super::outcome::Outcome;
use super::sentence::{Sentence, say};
use super::source::Source;
use serde::{Deserialize, Serialize};

/// Whether plans are reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ReviewRule {
    /// Whether every plan goes to menxia first.
    pub required: bool,
    /// After so many vetoes in a row the person decides alone.
    pub veto_limit: usize,
}

impl ReviewRule {
    /// Vetoes in a row after which the person decides, unless somebody says otherwise. Fewer would leave a planner one
    /// try; many more would let two agents argue while a person waits.
    pub const VETO_LIMIT: usize = 3;

    /// Nothing is reviewed.
    pub const OFF: Self = Self {
        required: false,
        veto_limit: Self::VETO_LIMIT,
    };
}

/// The version of a plan that a session reviews; part of its brief.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewedPlan {
    /// Its version.
    pub plan_version: u32,
    /// Its digest.
    pub plan_sha256: String,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// The plan may go to the person.
    Approve,
    /// It must be changed first.
    Veto,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedPoint {
    /// Number of the plan's line that it is about, from 1.
    pub line: usize,
    /// What was looked at, and what was seen.
    pub point: String,
}

/// What menxia said. Its words are data everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The session that said it.
    pub department_session_id: SessionId,
    /// Yes or no.
    pub verdict: Judgement,
    /// What was looked at; at least one point for each line.
    pub checked: Vec<CheckedPoint>,
    /// Why not; at least one reason for a veto.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Through which door it came.
    pub source: Source,
    /// Whether the launcher knows that the session itself said it.
    pub verified: bool,
    /// The file it came in, by the name it has in the archive.
    #[serde(default)]
    pub mailbox_file: Option<String>,
    /// Digest of that file; the same bytes count once.
    #[serde(default)]
    pub sha256: Option<String>,
}

/// How the review of one version stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Review {
    /// Nobody asked for one.
    #[default]
    NotRequired,
    /// Nobody is known to have written the plan: a person says whether it is reviewed.
    AuthorUnknown,
    /// The verdict is not there yet.
    Waiting {
        /// The session that reviews, once there is one.
        session_id: Option<SessionId>,
    },
    /// Menxia said yes.
    Approved {
        /// What it said.
        verdict: Verdict,
    },
    /// Menxia said no.
    Vetoed {
        /// What it said.
        verdict: Verdict,
    },
    /// The session ended without a verdict: the person decides.
    Ended {
        /// That session.
        session_id: SessionId,
        /// How it ended.
        outcome: Outcome,
    },
    /// There were vetoes, or tries, enough: the person decides.
    LeftToPerson {
        /// How many vetoes.
        vetoes: usize,
    },
}

impl Review {
    /// The word that the API shows.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotRequired => "not_required",
            Self::AuthorUnknown => "author_unknown",
            Self::Waiting { .. } => "waiting",
            Self::Approved { .. } => "approved",
            Self::Vetoed { .. } => "vetoed",
            Self::Ended { .. } => "ended",
            Self::LeftToPerson { .. } => "left_to_person",
        }
    }

    /// Why the launcher left it so, as a sentence, where it did something by itself.
    pub fn reason(&self) -> Option<Sentence> {
        matches!(self, Self::AuthorUnknown).then(|| say!("reason.author_unknown"))
    }

    /// What menxia said, if it did.
    pub fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::Approved { verdict } | Self::Vetoed { verdict } => Some(verdict),
            _ => None,
        }
    }

    /// The session that reviews or reviewed.
    pub fn session_id(&self) -> Option<&SessionId> {
        match self {
            Self::Waiting { session_id } => session_id.as_ref(),
            Self::Ended { session_id, .. } => Some(session_id),
            Self::Approved { verdict } | Self::Vetoed { verdict } => {
                Some(&verdict.department_session_id)
            }
            Self::NotRequired | Self::AuthorUnknown | Self::LeftToPerson { .. } => None,
        }
    }

    /// Whether a confirmation needs no more than itself; `required` is whether plans are reviewed now. Where they are not any more,
    /// nothing is waited for, but a veto that was given stands.
    pub fn lets_pass(&self, required: bool) -> bool {
        match self {
            Self::NotRequired | Self::Approved { .. } => true,
            Self::Vetoed { .. } => false,
            Self::AuthorUnknown
            | Self::Waiting { .. }
            | Self::Ended { .. }
            | Self::LeftToPerson { .. } => !required,
        }
    }

    /// Whether nobody but the person can move this plan on.
    pub fn needs_person(&self) -> bool {
        matches!(
            self,
            Self::AuthorUnknown | Self::Ended { .. } | Self::LeftToPerson { .. }
        )
    }
}
