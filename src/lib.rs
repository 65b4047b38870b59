//! zhongshu

pub mod access;
pub mod domain;
pub mod hub;
pub mod journal;
pub mod ledger;
pub mod web;
