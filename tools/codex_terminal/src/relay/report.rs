//! What the relay tells the launcher. Types only.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One thing that the program in the terminal said to its server, or that happened to its connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Counts the reports of this terminal, from 1.
    pub number: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// Counts the connections of this terminal, from 1. One program may have several, one after the other or beside each other.
    pub connection: u64,
    /// Which process listened at the other end, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Server>,
    /// How many reports were thrown away until now, because nobody took them for too long.
    #[serde(default)]
    pub lost: u64,
    /// What.
    pub said: Said,
}

/// A process, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its id.
    pub pid: u32,
    /// When it started, as [`local_os::platform::process_start_ticks`] gives it.
    pub started_at_ticks: u64,
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Said {
    /// It answered a request of the server.
    Answered {
        /// The request's id as it stands in the protocol: `0`, or `"a text"` with its quotes.
        request: String,
        /// What it answered.
        outcome: Outcome,
    },
    /// It began a thread, or a fork of one, that is there to stay.
    Started {},
    /// It turned to a thread.
    Resumed {
        /// Which.
        thread_id: String,
    },
    /// It turned away from a thread.
    Unsubscribed {
        /// Which.
        thread_id: String,
    },
    /// Somebody wrote in a thread: that is the one that they see.
    Spoke {
        /// Which.
        thread_id: String,
    },
    /// From here on nothing of this connection can be read. It goes on.
    Unreadable {
        /// Why, as a sentence.
        reason: String,
    },
    /// The connection has ended.
    Ended {},
}

/// What a request was answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With this, as JSON.
    Result(Secret),
    /// With this refusal, as JSON.
    Error(Secret),
    /// With more than is kept.
    TooLong {
        /// Length of the whole reply.
        bytes: u64,
    },
}

/// A text that may hold what a person told Codex in confidence: it goes to the launcher and nowhere else, and no debug output shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Shows it, to whoever knows what may become of it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Secret({} bytes)", self.0.len())
    }
}

impl Said {
    /// How much memory its texts take.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Answered { request, outcome } => request.len() + outcome.bytes(),
            Self::Resumed { thread_id: text }
            | Self::Unsubscribed { thread_id: text }
            | Self::Spoke { thread_id: text }
            | Self::Unreadable { reason: text } => text.len(),
            Self::Started {} | Self::Ended {} => 0,
        }
    }
}

impl Outcome {
    fn bytes(&self) -> usize {
        match self {
            Self::Result(text) | Self::Error(text) => text.0.len(),
            Self::TooLong { .. } => 0,
        }
    }
}
