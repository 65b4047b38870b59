//! The supervised client of `codex app-server`, tried with the real Codex and a model that lives in this file.
#![allow(clippy::unwrap_used)]

#[path = "codex_client/causes.rs"]
mod causes;
#[path = "support/codex.rs"]
mod codex_program;
#[path = "codex_client/life.rs"]
mod life;
#[path = "codex_client/protocol.rs"]
mod protocol;
#[path = "codex_client/rig.rs"]
mod rig;
#[path = "codex_client/schema.rs"]
mod schema;
#[path = "codex_client/transcript.rs"]
mod transcript;
