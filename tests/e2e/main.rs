//! The main job, end to end: the real `zhongshu` binary, the real Codex CLI, and a scripted model on loopback.
#![allow(clippy::unwrap_used)]

mod codex;
mod foreign;
mod support;
