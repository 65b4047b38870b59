//! What the launcher owes a session: text that must reach it once, over restarts.

use super::ids::{MessageId, SessionId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Why a message is sent; decides when it may be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A department reported; the planner hears it when it is idle.
    Result,
    /// A person rejected the plan.
    Rejection,
    /// Menxia vetoed the plan.
    Veto,
    /// The session stopped without a report.
    Reminder,
    /// A person typed something; it goes in at once, even into a running turn.
    Input,
}

impl Purpose {
    /// Whether the session's current turn may be steered by it.
    pub fn interrupts(self) -> bool {
        self == Self::Input
    }
}

/// A message that was not delivered yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id; sent along, so that a delivery that was interrupted by a crash is recognised.
    pub message_id: MessageId,
    /// Who shall get it.
    pub session_id: SessionId,
    /// Why.
    pub purpose: Purpose,
    /// The text.
    pub text: String,
    /// When it was queued.
    pub queued_at: DateTime<Utc>,
}
