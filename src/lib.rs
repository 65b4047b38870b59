//! zhongshu

pub mod domain;
mod fold;
pub mod hub;
pub mod journal;
pub mod ledger;
pub mod mailbox;
pub mod mcp;
