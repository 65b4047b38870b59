//! Sessions: what keeps the running processes in step with the journal.
//!
//! - `beginnings`, `plans`, `queue`, `open_terminals`, `permission`, `steering`: what a person or a tool may ask for, where that is more than one
//!   decision
//! - `steps`, `reconciler`: what is due next, and doing it
//! - `drivers`: the ways to run an agent
//! - `listeners`: what terminals say
//! - `briefs`, `texts`: what agents are told, what people read
//! - `agents`: what all of these share beside the core

pub mod agents;
pub mod beginnings;
pub mod briefs;
pub mod drivers;
pub mod listeners;
pub mod open_terminals;
pub mod permission;
pub mod plans;
pub mod queue;
pub mod reconciler;
pub mod steering;
pub mod steps;
pub mod texts;
