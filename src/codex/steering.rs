//! Owns the typed calls that change a thread that is there: shorter, taken back, copied, put away, with other settings, reviewed.

use serde::{Deserialize, Serialize};

use super::items::{Thread, Turn};
use super::policies::{ApprovalPolicy, SandboxPolicy};
use super::wire::{ThreadId, TurnId, thread_call};

thread_call! {
    /// Has the model sum the thread up, and goes on from that. A turn that runs is interrupted.
    ThreadCompactStart;
    /// Takes a thread out of the archive.
    ThreadUnarchive;
    /// Deletes a thread for good; refused while a fork needs its history.
    ThreadDelete;
    /// Ends every command that a thread left running.
    ThreadBackgroundTerminalsClean;
}

/// Copies a thread with its history; the caller is subscribed to the copy. Its sandbox and its approvals are the thread's own, its model is
/// not.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadFork {
    /// The thread.
    pub thread_id: ThreadId,
    /// `None`: the configuration's model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Leaves the turns out of the reply.
    pub exclude_turns: bool,
}

/// Takes back a turn and all after it. Files stay as they are. A turn that runs is interrupted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadRevert {
    /// The thread.
    pub thread_id: ThreadId,
    /// The first turn that goes.
    pub before_turn_id: TurnId,
}

/// The thread as it is without those turns.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ThreadReverted {
    /// The thread.
    pub thread: Thread,
}

/// Changes what is in force in a thread; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadSettingsUpdate {
    /// The thread.
    pub thread_id: ThreadId,
    /// The model. Codex takes any name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How long it thinks. Codex takes any name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// When it asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_policy: Option<ApprovalPolicy>,
    /// What its commands may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox_policy: Option<SandboxPolicy>,
}

/// What is reviewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum ReviewTarget {
    /// What is staged, not staged and new.
    UncommittedChanges,
    /// What differs from where this branch left another one.
    BaseBranch {
        /// The other one.
        branch: String,
    },
    /// One commit.
    Commit {
        /// Its id. Codex takes any text.
        sha: String,
    },
    /// Whatever this says.
    Custom {
        /// What to do, not empty.
        instructions: String,
    },
}

/// Starts a turn that reviews. A turn that runs is interrupted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewStart {
    /// The thread.
    pub thread_id: ThreadId,
    /// What is reviewed.
    pub target: ReviewTarget,
}

/// A review that was started.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewStarted {
    /// Its turn.
    pub turn: Turn,
    /// Its thread.
    pub review_thread_id: ThreadId,
}
