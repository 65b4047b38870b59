//! Owns the data that calls and notifications share: threads, turns and items.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::{ItemId, ThreadId, TurnId};

/// A thread.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Thread {
    /// Its id.
    pub id: ThreadId,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its working directory.
    #[serde(default)]
    pub cwd: PathBuf,
    /// What it does now.
    #[serde(default)]
    pub status: ThreadStatus,
    /// The first lines of its first message.
    #[serde(default)]
    pub preview: String,
    /// Its rollout file.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// Whether it is never written to disk, as the TUI's hidden title threads are.
    #[serde(default)]
    pub ephemeral: bool,
    /// What started it: `user`, `thread_title`, or our own label.
    #[serde(default)]
    pub thread_source: Option<Value>,
    /// The client that started the server's first connection.
    #[serde(default)]
    pub originator: Option<String>,
    /// The thread it was forked from.
    #[serde(default)]
    pub forked_from_id: Option<ThreadId>,
    /// The thread whose agent began it as a helper.
    #[serde(default)]
    pub parent_thread_id: Option<ThreadId>,
    /// What a helper is there for.
    #[serde(default)]
    pub agent_role: Option<String>,
    /// What a helper is called.
    #[serde(default)]
    pub agent_nickname: Option<String>,
    /// What kind of client began it: a name, or an object that says more.
    #[serde(default)]
    pub source: Value,
    /// Who answers.
    #[serde(default)]
    pub model_provider: String,
    /// When it was begun, in seconds since 1970.
    #[serde(default)]
    pub created_at: i64,
    /// When something last happened in it, in seconds since 1970.
    #[serde(default)]
    pub updated_at: i64,
    /// Its turns, where they were asked for.
    #[serde(default)]
    pub turns: Vec<Turn>,
}

/// What a thread does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum ThreadStatus {
    /// It is not in memory.
    NotLoaded,
    /// It waits for a message.
    Idle,
    /// Its last turn failed.
    SystemError,
    /// It works.
    Active {
        /// What it waits for: `waitingOnApproval`, `waitingOnUserInput`.
        #[serde(default)]
        active_flags: Vec<String>,
    },
    /// A state of another version.
    #[serde(untagged)]
    Other(Value),
}

impl Default for ThreadStatus {
    fn default() -> Self {
        Self::Other(Value::Null)
    }
}

impl ThreadStatus {
    /// Whether a turn runs.
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Active { .. })
    }

    /// Whether a person is needed.
    pub fn waits_for_person(&self) -> bool {
        matches!(self, Self::Active { active_flags } if !active_flags.is_empty())
    }
}

/// A turn.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    /// Its id.
    pub id: TurnId,
    /// How it stands.
    #[serde(default)]
    pub status: TurnStatus,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<TurnError>,
    /// Its items, as far as they were asked for.
    #[serde(default)]
    pub items: Vec<Item>,
    /// When it began, in seconds since 1970.
    #[serde(default)]
    pub started_at: Option<i64>,
    /// When it ended, in seconds since 1970.
    #[serde(default)]
    pub completed_at: Option<i64>,
    /// How long it took.
    #[serde(default)]
    pub duration_ms: Option<u64>,
}

/// How a turn stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TurnStatus {
    /// It runs.
    InProgress,
    /// It ended well.
    Completed,
    /// It was interrupted, or the app-server ended.
    Interrupted,
    /// It failed.
    Failed,
    /// A state of another version.
    #[serde(untagged)]
    Other(Value),
}

impl Default for TurnStatus {
    fn default() -> Self {
        Self::Other(Value::Null)
    }
}

/// Why a turn failed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnError {
    /// For people.
    pub message: String,
    /// The kind: a name such as `usageLimitExceeded`, or an object.
    #[serde(default)]
    pub codex_error_info: Value,
    /// More, for people.
    #[serde(default)]
    pub additional_details: Option<String>,
}

/// Part of a message to the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum UserInput {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// Something else, kept raw.
    #[serde(untagged)]
    Other(Value),
}

impl UserInput {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }
}

/// An item of a turn.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Item {
    /// A message of a person or of a client.
    UserMessage {
        /// Its id.
        id: ItemId,
        /// The `clientUserMessageId` of whoever sent it.
        #[serde(default)]
        client_id: Option<String>,
        /// The message.
        #[serde(default)]
        content: Vec<UserInput>,
    },
    /// A message of the model.
    AgentMessage {
        /// Its id.
        id: ItemId,
        /// The message.
        text: String,
        /// `commentary` or `final_answer`.
        #[serde(default)]
        phase: Option<String>,
    },
    /// The model's thoughts, summarised.
    Reasoning {
        /// Its id.
        id: ItemId,
        /// The summary.
        #[serde(default)]
        summary: Vec<String>,
    },
    /// A command.
    CommandExecution {
        /// Its id.
        id: ItemId,
        /// The command line.
        command: String,
        /// Where it runs.
        #[serde(default)]
        cwd: PathBuf,
        /// `inProgress`, `completed`, `failed` or `declined`.
        #[serde(default)]
        status: String,
        /// Its output.
        #[serde(default)]
        aggregated_output: Option<String>,
        /// Its exit code.
        #[serde(default)]
        exit_code: Option<i64>,
        /// How long it ran.
        #[serde(default)]
        duration_ms: Option<u64>,
    },
    /// Changes to files.
    FileChange {
        /// Its id.
        id: ItemId,
        /// The changes.
        #[serde(default)]
        changes: Vec<FileChange>,
        /// How it stands.
        #[serde(default)]
        status: String,
    },
    /// A call of an MCP tool.
    McpToolCall {
        /// Its id.
        id: ItemId,
        /// The server.
        server: String,
        /// The tool.
        tool: String,
        /// How it stands.
        #[serde(default)]
        status: String,
        /// What was passed.
        #[serde(default)]
        arguments: Value,
        /// What it answered.
        #[serde(default)]
        result: Value,
        /// Why it failed.
        #[serde(default)]
        error: Value,
        /// How long it took.
        #[serde(default)]
        duration_ms: Option<u64>,
    },
    /// A call of a tool that a client registered.
    DynamicToolCall {
        /// Its id.
        id: ItemId,
        /// The tool.
        tool: String,
        /// How it stands.
        #[serde(default)]
        status: String,
        /// What was passed.
        #[serde(default)]
        arguments: Value,
        /// What it answered.
        #[serde(default)]
        content_items: Value,
        /// How long it took.
        #[serde(default)]
        duration_ms: Option<u64>,
    },
    /// A plan of the model.
    Plan {
        /// Its id.
        id: ItemId,
        /// The plan.
        text: String,
    },
    /// A look into the web.
    WebSearch {
        /// Its id.
        id: ItemId,
        /// What was looked for.
        #[serde(default)]
        query: String,
    },
    /// A picture that was looked at.
    ImageView {
        /// Its id.
        id: ItemId,
        /// Its file.
        path: PathBuf,
    },
    /// A review begins.
    EnteredReviewMode {
        /// Its id.
        id: ItemId,
        /// What is reviewed.
        #[serde(default)]
        review: String,
    },
    /// A review ends.
    ExitedReviewMode {
        /// Its id.
        id: ItemId,
        /// What was found.
        #[serde(default)]
        review: String,
    },
    /// The thread was made shorter.
    ContextCompaction {
        /// Its id.
        id: ItemId,
    },
    /// Everything else, kept raw.
    #[serde(untagged)]
    Other(Value),
}

impl Item {
    /// Its id, where it has one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::UserMessage { id, .. }
            | Self::AgentMessage { id, .. }
            | Self::Reasoning { id, .. }
            | Self::CommandExecution { id, .. }
            | Self::FileChange { id, .. }
            | Self::McpToolCall { id, .. }
            | Self::DynamicToolCall { id, .. }
            | Self::Plan { id, .. }
            | Self::WebSearch { id, .. }
            | Self::ImageView { id, .. }
            | Self::EnteredReviewMode { id, .. }
            | Self::ExitedReviewMode { id, .. }
            | Self::ContextCompaction { id } => Some(&id.0),
            Self::Other(value) => value.get("id")?.as_str(),
        }
    }

    /// What the client that sent this message called it; `None` for what is no message, or has no such name.
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::UserMessage { client_id, .. } => client_id.as_deref(),
            _ => None,
        }
    }

    /// Whether it needed an approval and did not get it.
    pub fn was_declined(&self) -> bool {
        match self {
            Self::CommandExecution { status, .. }
            | Self::FileChange { status, .. }
            | Self::McpToolCall { status, .. } => status == "declined",
            _ => false,
        }
    }
}

/// A change to one file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FileChange {
    /// The file.
    pub path: PathBuf,
    /// `{type: add|update|delete}`.
    #[serde(default)]
    pub kind: Value,
    /// The difference.
    #[serde(default)]
    pub diff: String,
}
