//! What a session is doing, and why it does not go on: the real `zhongshu` binary, the real Codex CLI, and a scripted model that thinks, writes,
//! works, asks, hangs, fails and repeats itself.
#![allow(clippy::unwrap_used)]

mod page;
mod restart;
mod states;
#[path = "../e2e/support/mod.rs"]
#[allow(dead_code, unused_imports)]
mod support;
mod told;
