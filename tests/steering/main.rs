//! What a person does to a session without its terminal: the real `zhongshu` binary, the real Codex CLI, and a scripted model.
#![allow(clippy::unwrap_used)]

mod acts;
mod budgets;
mod commands;
mod noticed;
mod own_reviews;
mod page;
mod programs;
mod refusals;
mod rig;
#[path = "../e2e/support/mod.rs"]
#[allow(dead_code, unused_imports)]
mod support;
