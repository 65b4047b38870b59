//! Programs of others that take part: what their manifests say, whether they fit to this server, what they want to hear of and may do, and
//! which of their contents a person trusts. Pure; who finds, starts and asks them is `harness::extensions`.
//!
//! - `manifest`: what one says of itself; `compatibility`: whether it fits
//! - `mode`: how strictly its word is held against what it does; `content`: its files as one name
//! - `program`: what runs it, and which Node can
//! - `registration`: what it wants to hear of; `order`: who hears first
//! - `reply`: what it answers; `fault`: why one is not loaded

pub mod compatibility;
pub mod content;
pub mod fault;
pub mod manifest;
pub mod mode;
pub mod order;
pub mod program;
pub mod registration;
pub mod reply;
