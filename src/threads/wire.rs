//! What those who drive a thread hear of it and answer, in Codex's words. They take the protocol from here and never from `codex`: this
//! list is all that another version of it, or another program with threads, would have to offer.

pub use crate::codex::events::{Notification, RequestKind, ServerRequest};
pub use crate::codex::items::{Item, ThreadStatus, Turn, TurnError, TurnStatus, UserInput};
pub use crate::codex::orphan::Orphan;
pub use crate::codex::usage::TokenUsageUpdated;
pub use crate::codex::wire::{METHOD_NOT_FOUND, RequestId, ThreadId, TurnId};
pub use crate::codex::{CallError, Codex, Incoming, RequestKey};
