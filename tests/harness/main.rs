//! The harness API as its clients use it: the real `zhongshu` binary, the real Codex CLI, and a scripted model.
#![allow(clippy::unwrap_used)]

mod bot;
mod calls;
mod ceilings;
mod cli;
mod cli_stream;
mod cli_waits;
mod commands;
mod controls;
mod crowd;
mod deletion;
mod described;
mod document;
mod extensions;
mod faults;
mod forms;
mod frames;
mod frozen;
mod generated;
mod generator;
mod job_kills;
mod jobs;
mod listener;
mod lists;
mod page;
mod projects;
mod python;
mod queue_full;
mod rig;
mod sessions;
mod stream;
mod stream_life;
mod subscriptions;
mod suggestions;
#[path = "../e2e/support/mod.rs"]
#[allow(dead_code, unused_imports)]
mod support;
mod system;
mod transcript;
mod turns;
mod waits;
mod workers;
mod wrong;
