//! Owns the typed calls: for every method that we use, what goes out and what comes back. Unknown fields are ignored, fields that a version may lack have
//! defaults, unknown variants are kept raw, so that another Codex version degrades instead of failing.

use std::path::PathBuf;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

pub use super::catalog::{
    AccountRateLimitsRead, AccountRead, AccountStatus, ConfigFound, ConfigRead, McpServerStatus,
    McpServerStatusList, Model, ModelList,
};
pub use super::listing::ThreadList;
pub use super::policies::{ApprovalPolicy, SandboxMode, SandboxPolicy};
pub use super::steering::{
    ReviewStart, ReviewStarted, ReviewTarget, ThreadBackgroundTerminalsClean, ThreadCompactStart,
    ThreadDelete, ThreadFork, ThreadRevert, ThreadReverted, ThreadSettingsUpdate, ThreadUnarchive,
};
use super::{
    items::{Item, Thread, Turn, UserInput},
    usage::RateLimitsTold,
    wire::{ThreadId, TurnId, thread_call},
};

/// A method of the app-server.
pub trait Call: Serialize + Send + Sync {
    /// Its name on the wire.
    const METHOD: &'static str;
    /// What it answers.
    type Reply: DeserializeOwned;
}

macro_rules! calls {
    ($($name:ident = $method:literal -> $reply:ty;)*) => {
        $(impl Call for $name {
            const METHOD: &'static str = $method;
            type Reply = $reply;
        })*
    };
}

calls! {
    Initialize = "initialize" -> Initialized;
    ThreadStart = "thread/start" -> ThreadOpened;
    ThreadResume = "thread/resume" -> ThreadOpened;
    ThreadNameSet = "thread/name/set" -> Empty;
    ThreadRead = "thread/read" -> ThreadFound;
    ThreadArchive = "thread/archive" -> Empty;
    ThreadUnsubscribe = "thread/unsubscribe" -> Unsubscribed;
    ThreadLoadedList = "thread/loaded/list" -> Page<ThreadId>;
    ThreadList = "thread/list" -> Page<Thread>;
    ThreadTurnsList = "thread/turns/list" -> Page<Turn>;
    ThreadItemsList = "thread/items/list" -> Page<ItemEntry>;
    TurnStart = "turn/start" -> TurnStarted;
    TurnSteer = "turn/steer" -> TurnSteered;
    TurnInterrupt = "turn/interrupt" -> Empty;
    ThreadFork = "thread/fork" -> ThreadOpened;
    ThreadCompactStart = "thread/compact/start" -> Empty;
    ThreadRevert = "thread/revert" -> ThreadReverted;
    ThreadUnarchive = "thread/unarchive" -> ThreadFound;
    ThreadDelete = "thread/delete" -> Empty;
    ThreadSettingsUpdate = "thread/settings/update" -> Empty;
    ThreadBackgroundTerminalsClean = "thread/backgroundTerminals/clean" -> Empty;
    ReviewStart = "review/start" -> ReviewStarted;
    ModelList = "model/list" -> Page<Model>;
    AccountRead = "account/read" -> AccountStatus;
    AccountRateLimitsRead = "account/rateLimits/read" -> RateLimitsTold;
    ConfigRead = "config/read" -> ConfigFound;
    McpServerStatusList = "mcpServerStatus/list" -> Page<McpServerStatus>;
}

/// A reply that carries nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Empty {}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The entries.
    pub data: Vec<T>,
    /// Where the next page starts; `None` on the last one.
    #[serde(default = "Option::default")]
    pub next_cursor: Option<String>,
}

/// Who we are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientInfo {
    /// Becomes the `originator` of the server's threads.
    pub name: String,
    /// For people.
    pub title: String,
    /// Our version.
    pub version: String,
}

/// What this connection wants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// Methods and fields marked experimental.
    pub experimental_api: bool,
    /// Notifications that we do not want.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub opt_out_notification_methods: Vec<String>,
}

/// The first call of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Initialize {
    /// Who we are.
    pub client_info: ClientInfo,
    /// What we want.
    pub capabilities: Capabilities,
}

/// What the app-server says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Initialized {
    /// Name, version and system.
    pub user_agent: String,
    /// The CODEX_HOME it uses.
    pub codex_home: PathBuf,
}

/// Starts a thread; the caller is subscribed to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadStart {
    /// Its working directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cwd: Option<PathBuf>,
    /// `None`: the configuration's model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `None`: the configuration's policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_policy: Option<ApprovalPolicy>,
    /// `None`: the configuration's sandbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxMode>,
    /// Configuration of this thread alone. Not stored with the thread.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
    /// Text for the model's developer message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub developer_instructions: Option<String>,
    /// A label that thread lists carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_source: Option<String>,
    /// A thread that is never written to disk.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ephemeral: bool,
}

/// Subscribes to an existing thread, loads it when needed and replays its pending requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadResume {
    /// The thread.
    pub thread_id: ThreadId,
    /// Leaves the turns out; with them the reply grows without bound.
    pub exclude_turns: bool,
    /// Which of its turns the reply brings along; of the one that runs it has what no other call tells: the items that are not complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_turns_page: Option<TurnsWanted>,
    /// `None` keeps the thread's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_policy: Option<ApprovalPolicy>,
    /// `None` keeps the thread's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxMode>,
    /// Configuration of this thread alone.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub config: Map<String, Value>,
}

/// The newest turns of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnsWanted {
    /// How many.
    pub limit: u32,
    /// `notLoaded`, `summary` or `full`.
    pub items_view: &'static str,
}

impl ThreadResume {
    /// Resumes with the thread's own settings and without its turns.
    pub fn new(thread_id: ThreadId) -> Self {
        Self {
            thread_id,
            exclude_turns: true,
            initial_turns_page: None,
            approval_policy: None,
            sandbox: None,
            config: Map::new(),
        }
    }
}

/// A thread as it was started or resumed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadOpened {
    /// The thread.
    pub thread: Thread,
    /// Its newest turns, where they were asked for.
    #[serde(default)]
    pub initial_turns_page: Option<Page<Turn>>,
    /// The model in force.
    #[serde(default)]
    pub model: String,
    /// Its provider.
    #[serde(default)]
    pub model_provider: String,
    /// The policy in force.
    #[serde(default)]
    pub approval_policy: Option<ApprovalPolicy>,
    /// The sandbox in force, as the app-server describes it.
    #[serde(default)]
    pub sandbox: Value,
    /// How long the model thinks; `None` leaves that to the model.
    #[serde(default)]
    pub reasoning_effort: Option<String>,
}

/// Names a thread. Without a name no TUI can attach before the first turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadNameSet {
    /// The thread.
    pub thread_id: ThreadId,
    /// Its name.
    pub name: String,
}

thread_call! {
    /// Moves a thread to the archive.
    ThreadArchive;
    /// Ends our subscription; an idle thread without subscribers is unloaded after 60 s.
    ThreadUnsubscribe;
}

/// Reads a thread, loaded or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadRead {
    /// The thread.
    pub thread_id: ThreadId,
    /// Whether its turns come along.
    pub include_turns: bool,
}

/// A thread that was read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ThreadFound {
    /// The thread.
    pub thread: Thread,
}

/// What became of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Unsubscribed {
    /// `unsubscribed` or `notSubscribed`.
    #[serde(default)]
    pub status: String,
}

/// The threads in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ThreadLoadedList {
    /// Where to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The turns of a thread, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadTurnsList {
    /// The thread.
    pub thread_id: ThreadId,
    /// Where to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `notLoaded`, `summary` or `full`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items_view: Option<String>,
    /// `asc`, or `desc`, the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort_direction: Option<String>,
}

/// The items of a thread or of one of its turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadItemsList {
    /// The thread.
    pub thread_id: ThreadId,
    /// One turn only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<TurnId>,
    /// Where to go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `asc`, the default, or `desc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort_direction: Option<String>,
}

/// An item and its turn.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemEntry {
    /// The item.
    pub item: Item,
    /// Its turn.
    pub turn_id: TurnId,
    /// When it began, in milliseconds since 1970.
    #[serde(default)]
    pub started_at_ms: Option<i64>,
    /// When it was complete.
    #[serde(default)]
    pub completed_at_ms: Option<i64>,
}

/// Sends a message. On a busy thread it steers the running turn instead of queueing, and that turn's id comes back.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnStart {
    /// The thread.
    pub thread_id: ThreadId,
    /// The message.
    pub input: Vec<UserInput>,
    /// Comes back as the `clientId` of the user message, so that a sender recognises its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_user_message_id: Option<String>,
    /// From this turn on another model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// From this turn on another policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_policy: Option<ApprovalPolicy>,
}

impl TurnStart {
    /// A plain text message.
    pub fn text(thread_id: ThreadId, text: impl Into<String>) -> Self {
        Self {
            thread_id,
            input: vec![UserInput::text(text)],
            ..Self::default()
        }
    }
}

/// The turn that a message started or steered.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TurnStarted {
    /// The turn.
    pub turn: Turn,
}

/// Adds a message to the running turn; fails when another or none runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnSteer {
    /// The thread.
    pub thread_id: ThreadId,
    /// The turn that must be running.
    pub expected_turn_id: TurnId,
    /// The message.
    pub input: Vec<UserInput>,
    /// Comes back as the `clientId` of the user message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_user_message_id: Option<String>,
}

/// The turn that was steered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnSteered {
    /// The turn.
    pub turn_id: TurnId,
}

/// Stops a turn. A running command of it goes on as a background terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnInterrupt {
    /// The thread.
    pub thread_id: ThreadId,
    /// The turn.
    pub turn_id: TurnId,
}
