//! Owns what the app-server sends by itself: notifications and requests. Anything unknown is kept with its method and raw parameters, never
//! dropped.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    items::{Item, Thread, ThreadStatus, Turn, TurnError},
    policies::ApprovalPolicy,
    usage::{RateLimitsTold, TokenUsageUpdated},
    wire::{ItemId, RequestId, ThreadId, TurnId},
};

/// A notification.
#[derive(Debug, Clone, PartialEq)]
pub enum Notification {
    /// A thread was started; goes to every connection.
    ThreadStarted(ThreadStarted),
    /// A thread's state changed; goes to every connection.
    ThreadStatusChanged(ThreadStatusChanged),
    /// A thread was renamed.
    ThreadNameUpdated(ThreadNameUpdated),
    /// A thread was archived.
    ThreadArchived(ThreadMentioned),
    /// A thread was taken out of the archive.
    ThreadUnarchived(ThreadMentioned),
    /// A thread's settings changed, whoever changed them.
    ThreadSettingsUpdated(ThreadSettingsUpdated),
    /// A thread was unloaded.
    ThreadClosed(ThreadMentioned),
    /// A thread is gone for good.
    ThreadDeleted(ThreadMentioned),
    /// A thread's last turns were taken back; it does not say which.
    ThreadReverted(ThreadMentioned),
    /// A thread was made shorter.
    ThreadCompacted(ThreadMentioned),
    /// A turn began.
    TurnStarted(TurnChanged),
    /// A turn ended, in whatever way.
    TurnCompleted(TurnChanged),
    /// An item began.
    ItemStarted(ItemChanged),
    /// An item is complete.
    ItemCompleted(ItemChanged),
    /// A piece of the model's message.
    AgentMessageDelta(Delta),
    /// A piece of a command's output.
    CommandOutputDelta(Delta),
    /// A piece of the model's thoughts.
    ReasoningDelta(Delta),
    /// A piece of the model's plan.
    PlanDelta(Delta),
    /// A turn met an error.
    Error(TurnFailure),
    /// A request was answered, here or elsewhere, or has become void.
    ServerRequestResolved(ServerRequestResolved),
    /// An MCP server starts, is ready, or failed.
    McpStartup(McpStartup),
    /// What a thread has taken.
    TokenUsage(TokenUsageUpdated),
    /// Limits of the account.
    RateLimits(RateLimitsTold),
    /// Something that we do not read.
    Other {
        /// Its method.
        method: String,
        /// Its parameters.
        params: Value,
    },
}

macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $($(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        })*
    };
}

payloads! {
    /// A thread that was started.
    ThreadStarted {
        /// The thread.
        thread: Box<Thread>,
    }
    /// A thread's new state.
    ThreadStatusChanged {
        /// The thread.
        thread_id: ThreadId,
        /// Its state.
        status: ThreadStatus,
    }
    /// A thread's new name.
    ThreadNameUpdated {
        /// The thread.
        thread_id: ThreadId,
        /// Its name.
        #[serde(default)]
        thread_name: Option<String>,
    }
    /// A thread's settings, all of them.
    ThreadSettingsUpdated {
        /// The thread.
        thread_id: ThreadId,
        /// What is in force from now on.
        thread_settings: ThreadSettings,
    }
    /// What is in force in a thread.
    ThreadSettings {
        /// The model.
        model: String,
        /// How long it thinks; `None` leaves that to the model.
        #[serde(default)]
        effort: Option<String>,
        /// When it asks.
        approval_policy: ApprovalPolicy,
        /// What its commands may do, as the app-server describes it.
        sandbox_policy: Value,
    }
    /// A thread, without more.
    ThreadMentioned {
        /// The thread.
        thread_id: ThreadId,
    }
    /// A turn that began or ended.
    TurnChanged {
        /// The thread.
        thread_id: ThreadId,
        /// The turn.
        turn: Turn,
    }
    /// An item that began or is complete.
    ItemChanged {
        /// The thread.
        thread_id: ThreadId,
        /// The turn.
        turn_id: TurnId,
        /// The item.
        item: Item,
        /// When it began, in milliseconds since 1970; only where it begins.
        #[serde(default)]
        started_at_ms: Option<i64>,
        /// When it was complete; only where it is.
        #[serde(default)]
        completed_at_ms: Option<i64>,
    }
    /// A piece of text.
    Delta {
        /// The thread.
        thread_id: ThreadId,
        /// The turn.
        turn_id: TurnId,
        /// The item.
        item_id: ItemId,
        /// The piece.
        delta: String,
        /// Which part of the thoughts it belongs to.
        #[serde(default)]
        summary_index: u32,
    }
    /// An error in a turn.
    TurnFailure {
        /// The thread.
        thread_id: ThreadId,
        /// The turn.
        turn_id: TurnId,
        /// What happened.
        error: TurnError,
        /// Whether Codex tries again by itself.
        will_retry: bool,
    }
    /// A request that needs no answer any more.
    ServerRequestResolved {
        /// The thread.
        thread_id: ThreadId,
        /// The request.
        request_id: RequestId,
    }
    /// The start of an MCP server.
    McpStartup {
        /// Its name in the configuration.
        name: String,
        /// `starting`, `ready`, `failed` or `cancelled`.
        status: String,
        /// Why it failed.
        #[serde(default)]
        error: Option<String>,
        /// The thread it was started for.
        #[serde(default)]
        thread_id: Option<ThreadId>,
    }
}

impl Notification {
    /// Reads a notification; what does not fit is kept raw.
    pub fn read(method: String, params: Value) -> Self {
        match method.as_str() {
            "thread/started" => typed(method, params, Self::ThreadStarted),
            "thread/status/changed" => typed(method, params, Self::ThreadStatusChanged),
            "thread/name/updated" => typed(method, params, Self::ThreadNameUpdated),
            "thread/archived" => typed(method, params, Self::ThreadArchived),
            "thread/unarchived" => typed(method, params, Self::ThreadUnarchived),
            "thread/settings/updated" => typed(method, params, Self::ThreadSettingsUpdated),
            "thread/closed" => typed(method, params, Self::ThreadClosed),
            "thread/deleted" => typed(method, params, Self::ThreadDeleted),
            "thread/reverted" => typed(method, params, Self::ThreadReverted),
            "thread/compacted" => typed(method, params, Self::ThreadCompacted),
            "turn/started" => typed(method, params, Self::TurnStarted),
            "turn/completed" => typed(method, params, Self::TurnCompleted),
            "item/started" => typed(method, params, Self::ItemStarted),
            "item/completed" => typed(method, params, Self::ItemCompleted),
            "item/agentMessage/delta" => typed(method, params, Self::AgentMessageDelta),
            "item/commandExecution/outputDelta" => typed(method, params, Self::CommandOutputDelta),
            "item/reasoning/summaryTextDelta" => typed(method, params, Self::ReasoningDelta),
            "item/plan/delta" => typed(method, params, Self::PlanDelta),
            "error" => typed(method, params, Self::Error),
            "serverRequest/resolved" => typed(method, params, Self::ServerRequestResolved),
            "mcpServer/startupStatus/updated" => typed(method, params, Self::McpStartup),
            "thread/tokenUsage/updated" => typed(method, params, Self::TokenUsage),
            "account/rateLimits/updated" => typed(method, params, Self::RateLimits),
            _ => Self::Other { method, params },
        }
    }

    /// The thread that it is about.
    pub fn thread_id(&self) -> Option<&str> {
        let id = match self {
            Self::ThreadStarted(it) => &it.thread.id,
            Self::ThreadStatusChanged(it) => &it.thread_id,
            Self::ThreadNameUpdated(it) => &it.thread_id,
            Self::ThreadSettingsUpdated(it) => &it.thread_id,
            Self::ThreadArchived(it)
            | Self::ThreadUnarchived(it)
            | Self::ThreadClosed(it)
            | Self::ThreadDeleted(it)
            | Self::ThreadReverted(it)
            | Self::ThreadCompacted(it) => &it.thread_id,
            Self::TurnStarted(it) | Self::TurnCompleted(it) => &it.thread_id,
            Self::ItemStarted(it) | Self::ItemCompleted(it) => &it.thread_id,
            Self::AgentMessageDelta(it)
            | Self::CommandOutputDelta(it)
            | Self::ReasoningDelta(it)
            | Self::PlanDelta(it) => &it.thread_id,
            Self::Error(it) => &it.thread_id,
            Self::ServerRequestResolved(it) => &it.thread_id,
            Self::TokenUsage(it) => &it.thread_id,
            Self::McpStartup(it) => it.thread_id.as_ref()?,
            Self::RateLimits(_) => return None,
            Self::Other { params, .. } => return params.get("threadId")?.as_str(),
        };
        Some(&id.0)
    }

    /// Whether it is a piece of something that comes complete later, so that a reader who is behind can do without it.
    pub fn is_delta(&self) -> bool {
        match self {
            Self::AgentMessageDelta(_)
            | Self::CommandOutputDelta(_)
            | Self::ReasoningDelta(_)
            | Self::PlanDelta(_) => true,
            Self::Other { method, .. } => method.ends_with("elta"),
            _ => false,
        }
    }
}

fn typed<T: DeserializeOwned>(
    method: String,
    params: Value,
    wrap: fn(T) -> Notification,
) -> Notification {
    match T::deserialize(&params) {
        Ok(payload) => wrap(payload),
        Err(error) => {
            tracing::warn!(%method, %error, "a notification of Codex has an unknown form");
            Notification::Other { method, params }
        }
    }
}

/// A request of the app-server. It stays open until somebody answers it, here or in a TUI, or until its turn ends.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerRequest {
    /// Its method.
    pub method: String,
    /// Its parameters.
    pub params: Value,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// May this command run?
    CommandApproval,
    /// May these files change?
    FileApproval,
    /// May the sandbox be widened?
    PermissionApproval,
    /// A question of the model.
    UserInput,
    /// A question of an MCP server, or the approval of one of its tools.
    Elicitation,
    /// A call of a tool that a client registered; a call of another client's is left to that.
    ToolCall,
    /// Something that we do not know.
    Unknown,
}

impl RequestKind {
    /// What a request of this method asks for.
    pub fn of(method: &str) -> Self {
        match method {
            "item/commandExecution/requestApproval" => Self::CommandApproval,
            "item/fileChange/requestApproval" => Self::FileApproval,
            "item/permissions/requestApproval" => Self::PermissionApproval,
            "item/tool/requestUserInput" => Self::UserInput,
            "mcpServer/elicitation/request" => Self::Elicitation,
            "item/tool/call" => Self::ToolCall,
            _ => Self::Unknown,
        }
    }
}

impl ServerRequest {
    /// What it asks for.
    pub fn kind(&self) -> RequestKind {
        RequestKind::of(&self.method)
    }

    /// Its thread.
    pub fn thread_id(&self) -> Option<ThreadId> {
        self.text("threadId").map(ThreadId::from)
    }

    /// Its turn.
    pub fn turn_id(&self) -> Option<TurnId> {
        self.text("turnId").map(TurnId::from)
    }

    /// Its item.
    pub fn item_id(&self) -> Option<ItemId> {
        self.text("itemId").map(ItemId::from)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name)?.as_str()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::super::items::TurnStatus;
    use super::*;

    #[test]
    fn known_notifications_are_typed_and_others_kept_whole() {
        let read = |method: &str, params: Value| Notification::read(method.to_owned(), params);
        let Notification::ThreadStatusChanged(changed) = read(
            "thread/status/changed",
            json!({"threadId": "t", "status": {"type": "active", "activeFlags": ["waitingOnApproval"]}}),
        ) else {
            panic!("not typed");
        };
        assert!(changed.status.is_active() && changed.status.waits_for_person());
        let params = json!({"threadId": "t", "status": {"type": "dreaming", "depth": 3}});
        let Notification::ThreadStatusChanged(changed) = read("thread/status/changed", params)
        else {
            panic!("not typed");
        };
        assert_eq!(
            changed.status,
            ThreadStatus::Other(json!({"type": "dreaming", "depth": 3}))
        );
        let broken = json!({"threadId": 5});
        let kept = Notification::Other {
            method: "turn/started".into(),
            params: broken.clone(),
        };
        assert_eq!(read("turn/started", broken), kept);
        assert!(read("item/reasoning/summaryTextDelta", json!({})).is_delta());
        assert!(!read("item/started", json!({})).is_delta());
    }

    #[test]
    fn items_are_typed_by_their_type_and_unknown_ones_keep_their_id() {
        let params = json!({"threadId": "t", "turn": {"id": "u", "status": "completed", "items": [
            {"type": "agentMessage", "id": "m", "text": "hi", "phase": "final_answer", "new": 1},
            {"type": "hologram", "id": "h"},
        ]}});
        let Notification::TurnCompleted(done) = Notification::read("turn/completed".into(), params)
        else {
            panic!("not typed");
        };
        assert_eq!(done.turn.status, TurnStatus::Completed);
        assert!(matches!(&done.turn.items[0], Item::AgentMessage { text, .. } if text == "hi"));
        assert_eq!(done.turn.items[1].id(), Some("h"));
    }
}
