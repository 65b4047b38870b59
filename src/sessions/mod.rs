//! Sessions: what keeps the running processes in step with the journal.
//!
//! - `service`, `screens`: what a person or a tool may ask for
//! - `steps`, `reconciler`: what is due next, and doing it
//! - `codex_driver`, `command_driver`: the two ways to run an agent; `codex_threads`, `codex_messages`, `codex_tui`: parts of the first
//! - `listeners`: what the drivers say
//! - `briefs`, `texts`: what agents are told, what people read
//! - `office`: what all of these share beside the core

pub mod briefs;
pub mod codex_driver;
pub mod codex_messages;
pub mod codex_threads;
pub mod codex_tui;
pub mod command_driver;
pub mod listeners;
pub mod office;
pub mod reconciler;
pub mod screens;
pub mod service;
pub mod steps;
pub mod texts;

pub use crate::core::{live, policy};
