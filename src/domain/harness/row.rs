//! One row of a transcript, and how two accounts of the same row become one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest text of a row of ours, in bytes.
pub const MAX_CONTENT_BYTES: usize = 64 * 1024;
/// Rows of ours that one thread may have.
pub const MAX_ROWS: usize = 5_000;
/// Bytes of all rows of ours together, as JSON.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A person or a client.
    User,
    /// The model, or what it did.
    Assistant,
    /// Codex, this server, or an extension.
    System,
}

/// How far it is. Of two accounts the greater holds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum RowStatus {
    /// More may come.
    Streaming,
    /// It is whole.
    Complete,
    /// It was broken off.
    Canceled,
    /// It failed.
    Error,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptEntry {
    /// What tells it from others of its thread: the item's id, or whatever the writer chose.
    pub message_id: String,
    /// The turn that it belongs to.
    pub turn_id: String,
    /// Who speaks.
    pub role: Role,
    /// What it is: the name of an item as Codex has it, or of a row of ours.
    #[serde(rename = "type")]
    pub kind: String,
    /// The text to read.
    pub content: String,
    /// More, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// When it began, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<i64>,
    /// When it ended, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<i64>,
    /// How far it is.
    pub status: RowStatus,
}

impl TranscriptEntry {
    /// How much of the bound it takes, in bytes.
    pub fn bytes(&self) -> usize {
        // The names of the fields, and what identifies it.
        const FRAME: usize = 256;
        FRAME + self.content.len() + self.details.as_ref().map_or(0, String::len)
    }

    /// Takes in another account of the same row that came later: its end is never taken back, its times only grow apart.
    pub fn take(&mut self, later: Self) {
        let started_at = earliest(self.started_at, later.started_at);
        let completed_at = self.completed_at.max(later.completed_at);
        let status = match later.status {
            RowStatus::Streaming => self.status,
            ended => ended,
        };
        *self = Self {
            started_at,
            completed_at,
            status,
            ..later
        };
    }

    /// Which of two accounts from different sources holds: the farther one, then the one that says more.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let length = |row: &Self| row.details.as_ref().map_or(0, String::len);
        let rank = |row: &Self| (row.status, length(row), row.content.len());
        match rank(&other) > rank(&self) {
            true => other,
            false => self,
        }
    }
}

fn earliest(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
