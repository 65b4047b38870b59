//! The stream: everything that Codex says by itself and everything that happens here, as numbered events in one bounded backlog. A reader is
//! a place in it and a filter, nothing else.
//!
//! - `backlog`: the events and the places; `cursor`: a place as readers name it
//! - `reach`: who is told what; `names`: what things are called; `frames`: an event as readers are told of it
//! - `heard`: what Codex says; `own`: what happens here; `asks`: what is asked; `jobs`: jobs; `telling`: the task that hears of those
//! - `reader`: one reader; `followed`: the threads that readers follow
//!
//! Knows nothing of sockets.

mod asks;
pub mod backlog;
pub mod cursor;
mod followed;
pub mod frames;
mod heard;
mod jobs;
pub mod names;
mod own;
pub mod reach;
pub mod reader;
mod telling;

use self::backlog::{Backlog, Bounds};
use self::cursor::Cursor;
use self::frames::{Event, Own, What};
use super::ears::Ears;
use crate::domain::ask::Ask;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How much is kept. Some seconds of a busy turn of many pieces, and minutes of others; a tenth would send readers that were cut off for a
/// moment to read everything again, ten times as much would be most of what the server takes.
const BOUNDS: Bounds = Bounds {
    events: 4096,
    bytes: 8 << 20,
};

/// Readers at once. Half of the connections of a door, so that requests always find a place.
pub const MAX_READERS: usize = 128;

/// What all readers share.
pub struct Streams {
    /// Of this start of the server.
    epoch: String,
    backlog: Arc<Backlog<Event>>,
    running: heard::Running,
    followed: followed::Followed,
    places: Arc<Semaphore>,
    /// Of the journal of the harness.
    told: telling::Told,
    /// Of the server's.
    asks_told: telling::Told,
    open_asks: asks::Open,
    /// They hear what Codex says before anybody reads it.
    ears: [Arc<Ears>; 2],
}

impl Streams {
    /// Nothing has happened, and nobody reads. What happened here up to this record of the journal of the harness, and of the server's, is
    /// no news; this was asked before, and waits.
    pub fn new(harness_seq: u64, server_seq: u64, waiting: Vec<Ask>, ears: [Arc<Ears>; 2]) -> Self {
        Self {
            epoch: uuid::Uuid::new_v4().simple().to_string(),
            backlog: Arc::new(Backlog::new(BOUNDS)),
            running: heard::Running::default(),
            followed: followed::Followed::default(),
            places: Arc::new(Semaphore::new(MAX_READERS)),
            told: telling::Told::new(harness_seq),
            asks_told: telling::Told::new(server_seq),
            open_asks: asks::Open::of(waiting),
            ears,
        }
    }

    /// A place for one more reader, unless all are taken.
    pub fn seat(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    fn cursor(&self, seq: u64) -> Cursor {
        Cursor {
            epoch: self.epoch.clone(),
            seq,
        }
    }

    fn push(&self, what: What) {
        self.backlog
            .push(what.weight(), |seq| Event::new(seq, what));
    }

    /// Tells of something of ours; it is made only when somebody may ever read it.
    fn tell(&self, own: impl FnOnce() -> Own) {
        if self.backlog.is_awake() {
            self.push(What::Own(Box::new(own())));
        }
    }
}
