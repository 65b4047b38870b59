//! The gate before every commit: what it takes is held against what a person approved. `observe` reads the repository,
//! `judge` decides and `words` says it; `commits` finds the commits that were made all the same. `hook` puts the gate where
//! Git asks it, `notes` is what the hooks tell the server. Everything here blocks and needs no server.

pub mod commits;
pub mod hook;
pub mod judge;
pub mod notes;
pub mod observe;
pub mod review;
pub mod strictness;
pub mod trailers;
pub mod words;
