//! The demo.
pub mod agent;
pub mod script;
