//! A scriptable model on loopback that speaks the Responses API over SSE, so that tests and the demo run the real
//! Codex CLI with no account and no network. Development only: the launcher knows nothing of it.
//!
//! # The map
//!
//! - [`Script`] and its parts (`script.rs`): what the model answers, as plain data (serde JSON).
//! - `conversation.rs`: what one request says: its thread, its kind, its user messages, its tool outputs.
//! - `template.rs`: `{{…}}` in a script, filled in from the conversation.
//! - `engine.rs`: which rule answers a request, and with which of its steps.
//! - `answer.rs`: a step as Responses API items and server-sent events.
//! - [`Usage`] and [`Limits`] (`limits.rs`): tokens at an answer's end, and the account's limits in its headers, on errors too.
//! - [`RecordedRequest`] (`record.rs`): what came, for assertions.
//! - [`Server`] (`server.rs`): the listener, its HTTP side for other processes (`GET /__mock/requests`,
//!   `POST /__mock/release`, `PUT /__mock/script`), waiting, release, shutdown.
//! - [`config_toml`], [`write_codex_home`] (`codex_home.rs`): an offline configuration for a `CODEX_HOME`.
//!
//! # Scripts
//!
//! ```json
//! {
//!   "rules": [
//!     { "name": "result arrived",
//!       "when": { "last_user_contains": "reported a result" },
//!       "count": "message",
//!       "steps": [
//!         { "calls": [ { "mcp": { "server": "zhongshu", "tool": "read_inbox", "arguments": { "peek": true } } } ] },
//!         { "say": "Noted." } ] },
//!     { "name": "department",
//!       "when": { "first_user_contains": ["You are a department", "gongchengbu"] },
//!       "steps": [
//!         { "calls": [ { "shell": { "cmd": "echo {{after:\"session_id: \"}} > out.txt" } } ] },
//!         { "say": "Done.", "chunk_delay_ms": 20 } ] }
//!   ],
//!   "otherwise": { "say": "ok" }
//! }
//! ```
//!
//! Rules are tried in order; the first whose `when` fits and that has a step left answers. A rule counts, for each
//! thread on its own, the requests that it answered: the n-th plays the n-th step. A call's output comes back as the
//! next request of the same thread, so `[call, say]` is one turn. See [`Rule`], [`When`], [`Step`] and [`Call`] for every
//! field, and [`TemplateError`] for the `{{…}}` forms. Requests that are no turn of the agent (a TUI's title request,
//! a compaction) are answered by default without touching any rule's counter; a rule meets them only by naming their `kind`.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod answer;
mod codex_home;
mod conversation;
mod engine;
mod limits;
mod record;
mod script;
mod server;
mod template;

pub use codex_home::{MODEL, catalog_json, config_toml, write_codex_home};
pub use conversation::{Kind, ToolOutput};
pub use limits::{Limits, Usage, Window};
pub use record::{Outcome, RecordedRequest, RequestSummary, WaitError};
pub use script::{Call, Count, Fail, Rule, Script, ScriptError, Step, Texts, Then, When};
pub use server::Server;
pub use template::TemplateError;
