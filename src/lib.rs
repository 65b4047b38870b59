//! zhongshu
pub mod hub;
pub mod journal;
pub mod ledger;
