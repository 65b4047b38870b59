//! Sessions: what keeps the running processes in step with the journal.
//!
//! - `service`, `screens`: what a person or a tool may ask for
//! - `steps`, `reconciler`: what is due next, and doing it
//! - `drivers`: the ways to run an agent
//! - `listeners`: what terminals say
//! - `briefs`, `texts`: what agents are told, what people read
//! - `office`: what all of these share beside the core

pub mod briefs;
pub mod drivers;
pub mod listeners;
pub mod office;
pub mod reconciler;
pub mod screens;
pub mod service;
pub mod steps;
pub mod texts;

pub use crate::core::{live, policy};
