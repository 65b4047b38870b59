//! zhongshu

pub mod access;
pub mod domain;
pub mod git;
pub mod governance;
pub mod hub;
pub mod journal;
pub mod ledger;
pub mod web;
