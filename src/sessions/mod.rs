//! Sessions: what keeps the running processes in step with the journal.
//!
//! - `service`, `screens`: what a person or a tool may ask for
//! - `steps`, `reconciler`: what is due next, and doing it
//! - `codex_driver`, `command_driver`: the two ways to run an agent; `codex_threads`, `codex_messages`, `codex_tui`: parts of the first
//! - `conformance`, `evidence`: what the launcher finds out itself about a department's work
//! - `listeners`, `live`: what the drivers say, and what is known from it
//! - `briefs`, `texts`: what agents are told, what people read
//! - `office`, `policy`, `duties`: what all of these share

pub mod briefs;
pub mod codex_driver;
pub mod codex_messages;
pub mod codex_threads;
pub mod codex_tui;
pub mod command_driver;
pub mod conformance;
pub mod duties;
pub mod evidence;
pub mod listeners;
pub mod live;
pub mod office;
pub mod policy;
pub mod powers;
pub mod reconciler;
pub mod screens;
pub mod service;
pub mod steps;
pub mod texts;
