//! What the launcher owes a session: text that must reach it once, over restarts.

use super::ids::{MessageId, ReportId, SessionId};
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
    /// A limit that it stood still at is over; no reminder.
    GoOn,
    /// A person typed something for after the turn that runs.
    Later,
}

impl Purpose {
    /// Whether the session's current turn may be steered by it.
    pub fn interrupts(self) -> bool {
        self == Self::Input
    }

    /// Whether it is delivered although the provider refuses, or a budget is used up: a person said it, or it says that this is over.
    pub fn passes_limits(self) -> bool {
        matches!(self, Self::Input | Self::Later | Self::GoOn)
    }
}

/// A message that was not delivered yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id; Codex carries it along, so that what arrived is known by it and by nothing else.
    pub message_id: MessageId,
    /// Who shall get it.
    pub session_id: SessionId,
    /// Why.
    pub purpose: Purpose,
    /// The text.
    pub text: String,
    /// The result it tells of, if it does: who has read that result needs no message about it.
    pub report_id: Option<ReportId>,
    /// When it was queued.
    pub queued_at: DateTime<Utc>,
    /// Sequence number of the event that queued it. Messages reach a session in this order; clocks may be set back.
    pub seq: u64,
    /// Whether somebody has begun to hand it over. From then on only the session's thread tells whether it arrived.
    pub attempted: bool,
}

/// What broke into a department's last turn; a reminder says it, so that the model does not have to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setback {
    /// An approval that it asked for was declined.
    Declined,
    /// Somebody interrupted its turn.
    Interrupted,
    /// Codex ended in the middle of its turn; an approval that it waited for is gone with it.
    CodexEnded,
    /// The provider refused: its limit was reached.
    RateLimited,
    /// A budget was used up.
    BudgetReached,
}
