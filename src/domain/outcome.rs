//! How a session ended.

use super::ids::SessionId;
use serde::{Deserialize, Serialize};

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Outcome {
    /// Its program ended by itself.
    Exited {
        /// Exit code, when it was not a signal.
        code: Option<i32>,
        /// Number of the signal that ended it.
        signal: Option<String>,
    },
    /// A person ended it.
    Stopped,
    /// It reported and its round was closed by the launcher.
    Reported,
    /// It did not report although it was reminded; the launcher ended it.
    Silent,
    /// It could not be started, or failed for good.
    Failed {
        /// A sentence for the person.
        reason: String,
    },
    /// The launcher came back and could not find it again.
    Lost {
        /// A sentence for the person.
        reason: String,
    },
    /// What it was for is not wanted any more.
    NotNeeded,
    /// Another planner took over.
    Replaced {
        /// The one that took over.
        by: SessionId,
    },
}

impl Outcome {
    /// The word that `/api/status` shows.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Exited { .. } => "exited",
            Self::Stopped => "stopped",
            Self::Reported => "reported",
            Self::Silent => "silent",
            Self::Failed { .. } => "failed",
            Self::Lost { .. } => "lost",
            Self::NotNeeded => "not_needed",
            Self::Replaced { .. } => "replaced",
        }
    }
}
