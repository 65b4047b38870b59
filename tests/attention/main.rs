//! What Codex asks, answered from the API and the command line: the life of an ask in any order, then the real `zhongshu` binary, the real Codex CLI, and a scripted model that makes
//! it ask.
#![allow(clippy::unwrap_used)]

mod asking;
mod decisions;
mod kills;
mod kinds;
mod life;
mod races;
mod refusals;
mod rules;
#[path = "../e2e/support/mod.rs"]
#[allow(dead_code, unused_imports)]
mod support;
mod terminal;
