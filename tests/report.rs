//! The report beside Git itself: each situation is built in a real repository and compared with what the `git` on PATH says.
//! Git is only the yardstick here; the code under test never runs it.
#![allow(clippy::unwrap_used)]

#[path = "report/changes.rs"]
mod changes;
#[path = "report/content.rs"]
mod content;
#[path = "report/findings.rs"]
mod findings;
#[path = "report/git.rs"]
mod git;
#[path = "report/judging.rs"]
mod judging;
#[path = "report/portability.rs"]
mod portability;
#[path = "report/reader.rs"]
mod reader;
#[path = "report/rendering.rs"]
mod rendering;
#[path = "report/report_cache.rs"]
mod report_cache;
#[path = "report/repositories.rs"]
mod repositories;
#[path = "report/sandbox.rs"]
mod sandbox;
#[path = "report/situations.rs"]
mod situations;
#[path = "report/trees.rs"]
mod trees;
