//! Runs a planner and several department coding agents on one Git repository, under a person's control.
//!
//! The map of the house; imports point one way, from later to earlier lines:
//!
//! - `domain`: the vocabulary and every decision, pure
//! - `journal`, `ledger`, `hub`, `fold`: the one door through which state changes
//! - `process`, `paths`, `history`: processes and folders; what the state holds no longer
//! - `access`, `codex`, `git`, `mailbox`, `terminal`: one thing of the outside world each
//! - `governance`, `config`: what the report says; what holds here
//! - `gate`: what a commit takes, held against what was approved
//! - `reader`: asks all of this in a child process with limits
//! - `core`: the journal, what holds and what is observed, for everybody who acts
//! - `threads`, `checks`: Codex's threads; what the launcher finds out itself about the work of departments
//! - `sessions`: what keeps the running agents in step with the journal
//! - `harness`: every thread of Codex, for other clients
//! - `web`, `mcp`, `client`: the API and the dashboard; the tools for agents; the way to a running launcher
//! - `server`, `watchdog`: puts the parts together; ends what a launcher left for good
//! - `doctor`: what is wrong with this machine, and how to mend it
//! - `cli`, `commands`: what a person types

#![warn(clippy::print_stderr, clippy::print_stdout)]

pub mod access;
pub mod checks;
pub mod cli;
pub mod client;
pub mod codex;
pub mod commands;
pub mod config;
pub mod core;
pub mod doctor;
pub mod domain;
mod fold;
pub mod gate;
pub mod git;
pub mod governance;
pub mod harness;
pub mod history;
pub mod hub;
pub mod journal;
pub mod ledger;
pub mod mailbox;
pub mod mcp;
pub mod paths;
pub mod process;
pub mod reader;
pub mod server;
pub mod sessions;
pub mod terminal;
pub mod threads;
pub mod watchdog;
pub mod web;
