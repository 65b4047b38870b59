//! The mailbox: folders in the repository through which sessions report.
//!
//! Owns `<repo>/.tmp/codex_governance_mailbox/<planner>/{incoming,archive,rejected}/` and, in the state directory, the
//! receipts and the list of threads that the tool server (`mcp`) reads. It takes files, asks `domain::flow` what they
//! mean, and puts them away. It never decides what a report changes, and it never starts anything.
//!
//! A file is in exactly one folder at any time. One task, [`Ingest`], moves files; there is no claim step. It reads a
//! file, commits what it says to the journal under the digest of its bytes, which brings the handoff packet with it
//! ([`handoffs`]), and only then moves it to `archive/`. Whatever a crash leaves undone is done again at the next start, and the digest keeps a file
//! from counting twice. What cannot be taken goes to `rejected/`, with the reason in a text file beside it.
//!
//! # Nothing in these folders is trusted
//!
//! Agents can write, replace and remove everything below `.tmp`. So every step goes through folder descriptors that
//! were opened without following links, names from a listing are only ever used relative to such a descriptor, and
//! identity comes from the folder and from receipts, never from what a file claims.

mod folders;
pub mod handoffs;
mod ingest;
mod moves;
mod parse;
mod private;
mod read;
pub mod receipts;
mod records;
mod rejected;
mod settle;
mod strays;
mod take;
mod tally;
pub mod threads;
mod timing;
mod waits;
mod watch;

pub(crate) use folders::write_new;
pub use folders::{FolderError, Folders, Paths};
pub use ingest::{CatalogSource, Ingest, Nudge};
pub use parse::{ParseError, Parsed, parse};
pub use read::MAX_FILE_BYTES;
pub use timing::Timing;
