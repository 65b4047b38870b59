//! zhongshu

pub mod access;
pub mod cli;
pub mod client;
pub mod commands;
pub mod config;
pub mod domain;
pub mod git;
pub mod governance;
pub mod hub;
pub mod journal;
pub mod ledger;
pub mod paths;
pub mod web;
