//! When a snapshot of the published state is written, and on which thread.
//!
//! Never holds up the writer: the state is copied under the read lock, everything else happens on a thread of its own, one at a time.
//! A snapshot that cannot be written is logged and missed by nobody but the next start, which reads more of the journal.

use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{self, JoinHandle};

use super::Published;
use crate::journal::{Behind, Codec, Fold, Pace, Shelf};

/// What writes snapshots.
pub(super) struct Snapshots<S: Fold> {
    codec: Arc<Codec<S>>,
    pace: Pace,
    published: Arc<RwLock<Published<S>>>,
    behind: Behind,
    shelf: Shelf,
    /// The one that is being written: never two at once.
    running: Option<JoinHandle<Option<(Shelf, u64)>>>,
}

impl<S: Fold> Snapshots<S> {
    /// `None` where the state cannot be read back.
    pub(super) fn new(
        published: Arc<RwLock<Published<S>>>,
        shelf: Shelf,
        behind: Behind,
        pace: Pace,
    ) -> Option<Self> {
        Some(Self {
            codec: Arc::new(S::SNAPSHOTS?),
            pace,
            published,
            behind,
            shelf,
            running: None,
        })
    }

    /// So much more is in the published state.
    pub(super) fn grown(&mut self, records: u64, bytes: u64) {
        self.behind.records += records;
        self.behind.bytes += bytes;
        if !self.is_due() {
            return;
        }
        if self.running.as_ref().is_none_or(JoinHandle::is_finished) {
            self.collect();
            self.begin();
        }
    }

    /// Nothing comes any more: waits for the one that is being written, and writes the last.
    pub(super) fn finish(mut self) {
        self.collect();
        if self.behind.records >= self.pace.at_stop {
            self.begin();
            self.collect();
        }
    }

    /// Often enough for a start, and never so often that more is written here than into the journal.
    fn is_due(&self) -> bool {
        let it = &self.behind;
        let is_far = it.records >= self.pace.records || it.bytes >= self.pace.bytes;
        is_far && it.bytes >= it.size
    }

    /// Waits for the one that is being written.
    fn collect(&mut self) {
        match self.running.take().map(JoinHandle::join) {
            Some(Ok(Some((shelf, size)))) => {
                self.shelf = shelf;
                self.behind.size = size;
            }
            // It was logged.
            Some(Ok(None)) | None => {}
            Some(Err(_)) => tracing::error!("writing a snapshot of the journal panicked"),
        }
    }

    fn begin(&mut self) {
        // Also where it fails: the next is due when there is as much again.
        self.behind = Behind {
            size: self.behind.size,
            ..Behind::default()
        };
        let (shelf, codec) = (self.shelf.clone(), Arc::clone(&self.codec));
        let published = Arc::clone(&self.published);
        let spawned = thread::Builder::new()
            .name("snapshot".to_owned())
            .spawn(move || write(shelf, &published, &codec));
        match spawned {
            Ok(thread) => self.running = Some(thread),
            Err(error) => tracing::warn!(%error, "a snapshot of the journal gets no thread"),
        }
    }
}

fn write<S: Fold>(
    mut shelf: Shelf,
    published: &RwLock<Published<S>>,
    codec: &Codec<S>,
) -> Option<(Shelf, u64)> {
    let (state, tip) = {
        let published = published.read().unwrap_or_else(PoisonError::into_inner);
        (published.state.clone(), published.tip)
    };
    let seq = tip.last_seq();
    match shelf.write(codec, &state, &tip) {
        Ok(size) => {
            tracing::debug!(seq, size, "a snapshot of the journal was written");
            Some((shelf, size))
        }
        Err(error) => {
            tracing::warn!(seq, %error, "a snapshot of the journal cannot be written; a start reads more of the journal until one can");
            None
        }
    }
}
