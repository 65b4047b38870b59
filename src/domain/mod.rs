//! The vocabulary of zhongshu: plain values and pure functions. It uses no async runtime, no HTTP, no
//! Git library and no file system, so that everything in it can be tested with values alone.

pub mod department;
pub mod report;
pub mod rules;
