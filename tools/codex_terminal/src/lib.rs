//! The browser-terminal sidecar: one process per terminal. It runs one program in a PTY, or shows one log file, and
//! serves it on 127.0.0.1 to many browsers. It outlives the launcher that started it and can be found again.
//!
//! The house:
//!
//! - [`spec`] what to run · [`descriptor`] how to find it again · [`control`], [`client`] how the launcher talks to it
//! - `pty` with its `reader` (and its `pace`), `file_source` bytes in → [`feed`] (over [`ring`]) → `recorder` (transcript, [`model`] over [`screen`]) and `viewer`s
//! - [`relay`] between a Codex TUI and its app-server
//! - `input` bytes to the program · `server`, `page`, [`wire`] HTTP, page and WebSocket
//! - [`token`] and `doorkeeper` who may look · `proof` who is the launcher · `seats` who gives way
//! - [`signals`] what the program says of itself · [`colours`] what it is told of the page's look
//! - [`terminal`], `viewers` what the servers share · `lifecycle` start, end and everything between
//! - [`cli`] arguments of both binaries

#![warn(clippy::print_stderr, clippy::print_stdout)]

pub mod cli;
pub mod client;
pub mod colours;
pub mod control;
mod control_server;
pub mod descriptor;
mod doorkeeper;
pub mod feed;
mod file_source;
#[cfg(test)]
mod hostile_files;
mod input;
mod lifecycle;
pub mod model;
mod pace;
mod page;
mod proof;
mod pty;
mod reader;
mod recorder;
pub mod relay;
pub mod ring;
pub mod screen;
mod seats;
mod server;
pub mod signals;
pub mod spec;
pub mod terminal;
pub mod token;
mod transcript;
mod viewer;
mod viewer_output;
mod viewers;
pub mod wire;

pub use lifecycle::run;
pub use transcript::files as transcript_files;
