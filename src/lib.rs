//! zhongshu

pub mod codex;
pub mod domain;
pub mod hub;
pub mod journal;
pub mod ledger;
pub mod process;
pub mod sessions;
pub mod web;
