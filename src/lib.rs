//! zhongshu

pub mod codex;
pub mod domain;
pub mod git;
pub mod governance;
pub mod hub;
pub mod journal;
pub mod ledger;
pub mod process;
pub mod sessions;
pub mod web;
