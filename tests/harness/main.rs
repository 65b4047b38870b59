//! The harness API as its clients use it: the real `zhongshu` binary, the real Codex CLI, and a scripted model.
#![allow(clippy::unwrap_used)]

mod cli;
mod cli_stream;
mod controls;
mod deletion;
mod document;
mod lists;
mod projects;
mod rig;
mod sessions;
mod subscriptions;
#[path = "../e2e/support/mod.rs"]
#[allow(dead_code, unused_imports)]
mod support;
mod system;
mod turns;
