//! The one place where output lies: the ring, and the marks (size changes, the program's end) that belong at a
//! byte of it. Writers append; the recorder and every viewer pull from a cursor of their own. Never waits for a viewer.
//!
//! # Backpressure
//! Only the recorder (transcript and screen model) may hold the PTY reader back, and only when it is half a
//! ring behind (a snapshot then still has half a ring of stream after it): it runs at disk and memory speed. A viewer that falls behind gets [`Pull::Gap`].

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};

use crate::descriptor::State;
use crate::model::Snapshot;
use crate::ring::Ring;

/// One read of the PTY, and one frame to a viewer: large enough that the cost per call vanishes, small enough
/// that an echo never waits behind more than about a millisecond of flood.
pub const CHUNK_BYTES: usize = 64 << 10;

/// In a flood the recorder is woken for so much at once, so that most of it has scrolled away when it is looked at (see `unseen` in
/// [`crate::screen`]); more gained nothing.
pub const RECORD_BYTES: usize = 6 * CHUNK_BYTES;
/// The most that the recorder takes at once, having fallen behind.
const RECORD_MOST: usize = 16 * CHUNK_BYTES;

/// Marks lie between bytes and repeated sizes at one byte are merged, so this is reached only by a program that
/// prints a little between thousands of resizes; then the oldest sizes are forgotten.
const MAX_MARKS: usize = 4096;

/// Something that happened between two bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The terminal has this size from here on.
    Size {
        /// Columns.
        cols: u16,
        /// Rows.
        rows: u16,
    },
    /// The program has ended; what follows was written by what it left behind.
    Exit(State),
}

/// Where a puller stands: a byte offset, and the number of the next mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Cursor {
    /// The next byte.
    pub offset: u64,
    mark: u64,
}

/// What a pull gives.
#[derive(Debug, PartialEq, Eq)]
pub enum Pull {
    /// Bytes were appended to the caller's buffer; they began at this offset.
    Data(u64),
    /// A mark was passed.
    Mark(Mark),
    /// Bytes were lost; the oldest one left is at this offset. The cursor did not move.
    Gap(u64),
    /// Nothing new.
    Idle,
}

struct Placed {
    seq: u64,
    offset: u64,
    mark: Mark,
}

struct Inner {
    ring: Ring,
    marks: VecDeque<Placed>,
    next_mark: u64,
    /// The size before the oldest mark that is still known.
    base_size: (u16, u16),
    size: (u16, u16),
    recorded: u64,
    requests: Vec<oneshot::Sender<Snapshot>>,
    closed: bool,
}

/// The output of one terminal.
pub struct Feed {
    inner: Mutex<Inner>,
    appended: Condvar,
    space: Condvar,
    version: watch::Sender<u64>,
}

/// What woke the recorder.
pub(crate) struct Turn {
    pub pull: Pull,
    pub requests: Vec<oneshot::Sender<Snapshot>>,
}

impl Feed {
    /// An empty feed.
    pub fn new(ring_bytes: usize, cols: u16, rows: u16) -> Self {
        Self {
            inner: Mutex::new(Inner {
                ring: Ring::new(ring_bytes),
                marks: VecDeque::new(),
                next_mark: 0,
                base_size: (cols, rows),
                size: (cols, rows),
                recorded: 0,
                requests: Vec::new(),
                closed: false,
            }),
            appended: Condvar::new(),
            space: Condvar::new(),
            version: watch::Sender::new(0),
        }
    }

    /// The data stays valid when a holder panicked: every change is complete before the lock is let go.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds output and tells viewers; waits while the recorder is half a ring behind. Called by the one reader thread,
    /// which also decides when to [`Feed::wake_recorder`]. Gives by how many bytes the recorder is behind now.
    pub fn append(&self, data: &[u8]) -> u64 {
        let mut inner = self.lock();
        let allowed = (inner.ring.capacity() / 2) as u64;
        while !inner.closed && inner.ring.end() + data.len() as u64 - inner.recorded > allowed {
            self.wake_recorder();
            inner = self
                .space
                .wait(inner)
                .unwrap_or_else(PoisonError::into_inner);
        }
        inner.ring.append(data);
        inner.prune();
        let behind = inner.ring.end() - inner.recorded;
        drop(inner);
        self.tell_viewers();
        behind
    }

    /// Places a mark after the newest byte.
    pub fn mark(&self, mark: Mark) {
        let mut inner = self.lock();
        let (offset, seq) = (inner.ring.end(), inner.next_mark);
        if let Mark::Size { cols, rows } = mark {
            inner.size = (cols, rows);
        }
        // The replaced mark's number is not used again, so that a puller past it still sees the new one.
        if let Some(last) = inner.marks.back()
            && last.offset == offset
            && matches!((last.mark, mark), (Mark::Size { .. }, Mark::Size { .. }))
        {
            inner.marks.pop_back();
        }
        inner.marks.push_back(Placed { seq, offset, mark });
        inner.next_mark = seq + 1;
        if inner.marks.len() > MAX_MARKS {
            inner.forget_oldest_mark();
        }
        drop(inner);
        self.announce();
    }

    fn announce(&self) {
        self.tell_viewers();
        self.wake_recorder();
    }

    fn tell_viewers(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    /// Lets the recorder take what was appended.
    pub fn wake_recorder(&self) {
        self.appended.notify_one();
    }

    /// Changes whenever something was added.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// The offset of the next byte to come.
    pub fn end(&self) -> u64 {
        self.lock().ring.end()
    }

    /// How far the recorder (and so everything known from the screen model) has come.
    pub fn recorded(&self) -> u64 {
        self.lock().recorded
    }

    /// The newest size.
    pub fn size(&self) -> (u16, u16) {
        self.lock().size
    }

    /// A cursor at `offset` and the size in force there, if everything from there on is still known.
    pub fn resume(&self, offset: u64) -> Option<(Cursor, (u16, u16))> {
        let inner = self.lock();
        if offset < inner.ring.start() || offset > inner.ring.end() {
            return None;
        }
        let mut size = inner.base_size;
        let mut mark = inner.next_mark;
        for placed in &inner.marks {
            if placed.offset >= offset {
                mark = placed.seq;
                break;
            }
            if let Mark::Size { cols, rows } = placed.mark {
                size = (cols, rows);
            }
        }
        Some((Cursor { offset, mark }, size))
    }

    /// Takes the next thing at `cursor`: up to `max` bytes, never past a mark. The offset comes back in
    /// [`Pull::Data`], the bytes in `into`.
    pub fn pull(&self, cursor: &mut Cursor, max: usize, into: &mut Vec<u8>) -> Pull {
        self.lock().pull(cursor, max, into)
    }

    /// Asks the recorder for a rendered screen.
    pub fn request_snapshot(&self) -> oneshot::Receiver<Snapshot> {
        let (tx, rx) = oneshot::channel();
        let mut inner = self.lock();
        if !inner.closed {
            inner.requests.push(tx);
        }
        drop(inner);
        self.appended.notify_one();
        rx
    }

    /// No more output comes; the recorder ends when it has read everything.
    pub fn close(&self) {
        self.lock().closed = true;
        self.announce();
        self.space.notify_all();
    }

    /// Waits for the recorder's next turn; `None` when the feed is closed and read to its end.
    pub(crate) fn record(&self, cursor: &mut Cursor, into: &mut Vec<u8>) -> Option<Turn> {
        let mut inner = self.lock();
        if inner.recorded != cursor.offset {
            inner.recorded = cursor.offset;
            self.space.notify_one();
        }
        loop {
            let pull = inner.pull(cursor, RECORD_MOST, into);
            let requests = std::mem::take(&mut inner.requests);
            if pull != Pull::Idle || !requests.is_empty() {
                return Some(Turn { pull, requests });
            }
            if inner.closed {
                return None;
            }
            inner = self
                .appended
                .wait(inner)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Inner {
    fn pull(&self, cursor: &mut Cursor, max: usize, into: &mut Vec<u8>) -> Pull {
        let start = self.ring.start();
        if cursor.offset < start {
            return Pull::Gap(start);
        }
        let next = self.marks.iter().find(|placed| placed.seq >= cursor.mark);
        let mut max = max;
        if let Some(placed) = next {
            if placed.offset <= cursor.offset {
                cursor.mark = placed.seq + 1;
                return Pull::Mark(placed.mark);
            }
            max = max.min(usize::try_from(placed.offset - cursor.offset).unwrap_or(max));
        }
        let offset = cursor.offset;
        match self.ring.read(offset, max, into) {
            Ok(0) => Pull::Idle,
            Ok(count) => {
                cursor.offset += count as u64;
                Pull::Data(offset)
            }
            Err(lost) => Pull::Gap(lost.start),
        }
    }

    fn prune(&mut self) {
        while self
            .marks
            .front()
            .is_some_and(|placed| placed.offset < self.ring.start())
        {
            self.forget_oldest_mark();
        }
    }

    fn forget_oldest_mark(&mut self) {
        if let Some(placed) = self.marks.pop_front()
            && let Mark::Size { cols, rows } = placed.mark
        {
            self.base_size = (cols, rows);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn drain(feed: &Feed, cursor: &mut Cursor) -> (Vec<u8>, Vec<(u64, Mark)>) {
        let (mut bytes, mut marks) = (Vec::new(), Vec::new());
        loop {
            match feed.pull(cursor, 7, &mut bytes) {
                Pull::Data(_) => {}
                Pull::Mark(mark) => marks.push((cursor.offset, mark)),
                Pull::Gap(start) => panic!("a gap to {start}"),
                Pull::Idle => return (bytes, marks),
            }
        }
    }

    proptest! {
        #[test]
        fn a_resumed_cursor_sees_exactly_the_rest(
            pieces in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..40), proptest::option::of(1u16..9)), 1..20),
            at in 0usize..400,
        ) {
            let feed = Feed::new(1 << 17, 80, 24);
            let mut whole = Vec::new();
            let mut sizes: Vec<(u64, u16)> = Vec::new();
            for (data, size) in &pieces {
                feed.append(data);
                whole.extend_from_slice(data);
                if let Some(cols) = size {
                    feed.mark(Mark::Size { cols: *cols, rows: 1 });
                    let offset = whole.len() as u64;
                    sizes.retain(|(o, _)| *o != offset);
                    sizes.push((offset, *cols));
                }
            }
            let at = at.min(whole.len());
            let (mut cursor, (cols, _)) = feed.resume(at as u64).unwrap();
            let before = sizes.iter().rev().find(|(o, _)| *o < at as u64).map_or(80, |(_, c)| *c);
            prop_assert_eq!(cols, before);
            let (bytes, marks) = drain(&feed, &mut cursor);
            prop_assert_eq!(&bytes[..], &whole[at..]);
            let expected: Vec<_> = sizes.iter().filter(|(o, _)| *o >= at as u64)
                .map(|(o, c)| (*o, Mark::Size { cols: *c, rows: 1 })).collect();
            prop_assert_eq!(marks, expected);
            prop_assert!(feed.resume(whole.len() as u64 + 1).is_none());
        }
    }

    #[test]
    fn a_reader_that_is_a_ring_behind_gets_a_gap_and_the_writer_waits_only_for_the_recorder() {
        let feed = std::sync::Arc::new(Feed::new(1 << 18, 80, 24));
        let recorder = std::thread::spawn({
            let feed = feed.clone();
            move || {
                let (mut cursor, mut bytes, mut seen) = (Cursor::default(), Vec::new(), 0);
                while let Some(_turn) = feed.record(&mut cursor, &mut bytes) {
                    seen += bytes.len();
                    bytes.clear();
                }
                seen
            }
        });
        for _ in 0..100 {
            feed.append(&[b'x'; 16 << 10]);
        }
        let total = 100 * (16 << 10) as u64;
        let mut cursor = Cursor::default();
        assert_eq!(
            feed.pull(&mut cursor, 10, &mut Vec::new()),
            Pull::Gap(total - (1 << 18))
        );
        feed.close();
        assert_eq!(recorder.join().unwrap() as u64, total);
    }
}
