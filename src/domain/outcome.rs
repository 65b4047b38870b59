//! How a session ended.

use super::ids::SessionId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Outcome {
    /// Its program ended by itself.
    Exited {
        /// Exit code, when it was not a signal.
        code: Option<i32>,
        /// The signal that ended it.
        signal: Option<Signal>,
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
    /// Whether it came by itself, and not because the work was done or somebody wanted it.
    pub fn is_unexpected(&self) -> bool {
        match self {
            Self::Failed { .. } | Self::Lost { .. } => true,
            Self::Exited { code, signal } => signal.is_some() || code.is_some_and(|code| code != 0),
            Self::Stopped
            | Self::Reported
            | Self::Silent
            | Self::NotNeeded
            | Self::Replaced { .. } => false,
        }
    }

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

/// A signal. The journal and the API have it as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Signal {
    /// By its number, as the system tells it.
    Number(i32),
    /// By something else; only a journal that we did not write has that.
    Named(String),
}

impl Signal {
    /// Its number, where it is known.
    pub fn number(&self) -> Option<i32> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Named(_) => None,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Named(name) => f.write_str(name),
        }
    }
}

impl From<String> for Signal {
    fn from(text: String) -> Self {
        match text.parse() {
            Ok(number) => Self::Number(number),
            Err(_) => Self::Named(text),
        }
    }
}

impl From<Signal> for String {
    fn from(signal: Signal) -> Self {
        signal.to_string()
    }
}
