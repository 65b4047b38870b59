//! Runs a planner and several department coding agents on one Git repository, under a person's control.
//!
//! The map of the house; imports point one way, from later to earlier lines:
//!
//! - `domain`: the vocabulary and every decision, pure
//! - `journal`, `ledger`, `hub`, `fold`: the one door through which state changes
//! - `process`, `paths`: processes and folders
//! - `access`, `codex`, `git`, `mailbox`, `terminal`: one thing of the outside world each
//! - `sessions`, `governance`: what keeps the running agents in step, and what the report says
//! - `web`, `mcp`: the API and the dashboard; the tools that Codex offers to its agents

pub mod access;
pub mod codex;
pub mod config;
pub mod domain;
pub mod demo;
mod fold;
pub mod git;
pub mod governance;
pub mod hub;
pub mod journal;
pub mod ledger;
pub mod mailbox;
pub mod mcp;
pub mod paths;
pub mod process;
pub mod server;
pub mod sessions;
pub mod terminal;
pub mod web;
