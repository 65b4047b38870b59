//! zhongshu

pub mod domain;
pub mod hub;
pub mod journal;
pub mod ledger;
