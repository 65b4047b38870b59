//! The nouns of the harness API that are ours and not Codex's: projects, controls, settings, rows of transcripts, jobs, and which threads
//! were begun or deleted here. They have a journal of their own; its events are in `event`, what they fold into is `state`.
//!
//! Names in JSON are those of the API, also in the journal: one spelling for one thing.

pub mod action;
pub mod actions;
pub mod asked;
pub mod automatic;
pub mod ceilings;
pub mod change;
pub mod controls;
pub mod event;
pub mod extension;
pub mod gifts;
pub mod job;
pub mod jobs;
pub mod merge;
pub mod project;
pub mod queue;
pub mod row;
pub mod state;
pub mod suggestion;
pub mod switch;
pub mod worker;
