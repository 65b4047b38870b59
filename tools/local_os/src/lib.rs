//! What the launcher and its terminals both ask of the machine that they run on, so that they mean the same by it. Lies below both; knows
//! neither.
//!
//! - [`platform`] processes, on Linux and macOS: how they are listed, identified, signalled and timed
//! - [`own_file`] opens what a hostile program may have put in place of a file
//! - [`log`] what a process says on stderr

#![warn(clippy::print_stderr, clippy::print_stdout)]

pub mod log;
pub mod own_file;
pub mod platform;
