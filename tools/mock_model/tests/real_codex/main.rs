//! The mock with the real Codex CLI: every kind of step, through `codex exec` and below `codex app-server`.
#![allow(clippy::unwrap_used)]

mod app_server;
mod common;
mod exec;
