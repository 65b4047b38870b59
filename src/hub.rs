//! The hub: the newest records in memory, numbered, and whoever wants to hear of the next.
//!
//! Owns the backlog. Never reads state and never waits for a subscriber. The ledger's writer publishes,
//! after a batch is durable and in the published state; everything else only listens.
//!
//! # No queue per subscriber
//!
//! A subscriber is a cursor into the one backlog and a wake-up. So checking the cursor and subscribing are
//! one step under one lock and nothing can fall in between, publishing costs the same for one subscriber
//! as for a hundred, a burst cannot overrun a healthy subscriber's small queue, and a stalled one holds no
//! memory: when its place has left the backlog it is told [`SubscribeError::Lagged`] and comes back.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::stream::{self, Stream};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::journal::{self, Entry, LineFault, TailError};

/// How many records the backlog holds. A tenth would send pages that reload to the file all the time, ten
/// times as much would cost tens of MiB.
pub const BACKLOG_RECORDS: usize = 4096;

/// How many bytes of lines the backlog holds, whichever limit is met first; records with whole plans in
/// them are large.
pub const BACKLOG_BYTES: usize = 2 * 1024 * 1024;

/// How many records a subscriber or catch-up takes at a time, so that no lock is held for long.
const TAKE: usize = 256;

/// Why a subscription cannot begin or go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The place asked for is not in memory any more; read on from the journal with `after`.
    #[error("fell behind: records after {after} have left the backlog, which begins at {first}")]
    Lagged {
        /// The last seq the subscriber has.
        after: u64,
        /// The oldest seq in memory.
        first: u64,
    },
    /// The place asked for does not exist yet: the caller followed another journal.
    #[error("seq {after} is beyond the last one, {last}")]
    Ahead {
        /// What the caller named.
        after: u64,
        /// The last seq there is.
        last: u64,
    },
    /// The ledger has been closed; nothing will come any more.
    #[error("the ledger is closed")]
    Closed,
}

/// Handle to the hub; clones share it.
pub struct Hub<E> {
    backlog: Arc<Mutex<Backlog<E>>>,
    /// Only a wake-up; what is true stands in the backlog.
    changed: Arc<watch::Sender<()>>,
}

impl<E> Clone for Hub<E> {
    fn clone(&self) -> Self {
        Self {
            backlog: Arc::clone(&self.backlog),
            changed: Arc::clone(&self.changed),
        }
    }
}

struct Backlog<E> {
    entries: VecDeque<Arc<Entry<E>>>,
    bytes: usize,
    last_seq: u64,
    max_records: usize,
    closed: bool,
}

impl<E> Backlog<E> {
    fn first(&self) -> u64 {
        self.entries
            .front()
            .map_or(self.last_seq + 1, |entry| entry.seq())
    }

    /// Up to [`TAKE`] entries after `after`.
    fn take(&self, after: u64) -> Result<VecDeque<Arc<Entry<E>>>, SubscribeError> {
        self.check(after)?;
        // Seqs have no gaps, so the distance is the index.
        let skip = usize::try_from(after + 1 - self.first()).unwrap_or(usize::MAX);
        let rest = self.entries.iter().skip(skip);
        Ok(rest.take(TAKE).map(Arc::clone).collect())
    }

    fn check(&self, after: u64) -> Result<(), SubscribeError> {
        let (first, last) = (self.first(), self.last_seq);
        if after > last {
            Err(SubscribeError::Ahead { after, last })
        } else if after + 1 < first {
            Err(SubscribeError::Lagged { after, first })
        } else {
            Ok(())
        }
    }
}

impl<E> Hub<E> {
    /// An empty hub that goes on after `last_seq`.
    pub(crate) fn new(last_seq: u64, max_records: usize) -> Self {
        Self {
            backlog: Arc::new(Mutex::new(Backlog {
                entries: VecDeque::new(),
                bytes: 0,
                last_seq,
                max_records,
                closed: false,
            })),
            changed: Arc::new(watch::Sender::new(())),
        }
    }

    /// Announces durable records.
    pub(crate) fn publish(&self, entries: &[Arc<Entry<E>>]) {
        let mut backlog = self.lock();
        for entry in entries {
            debug_assert_eq!(entry.seq(), backlog.last_seq + 1);
            backlog.last_seq = entry.seq();
            backlog.bytes += entry.line.len();
            backlog.entries.push_back(Arc::clone(entry));
        }
        while backlog.entries.len() > backlog.max_records || backlog.bytes > BACKLOG_BYTES {
            let Some(oldest) = backlog.entries.pop_front() else {
                break;
            };
            backlog.bytes -= oldest.line.len();
        }
        drop(backlog);
        self.changed.send_replace(());
    }

    /// Tells subscribers that nothing will come any more.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.send_replace(());
    }

    /// The last seq that was announced.
    pub fn last_seq(&self) -> u64 {
        self.lock().last_seq
    }

    /// Listens from behind `after`, or from now on.
    pub fn subscribe(&self, after: Option<u64>) -> Result<Subscription<E>, SubscribeError> {
        let changed = self.changed.subscribe();
        let backlog = self.lock();
        let after = after.unwrap_or(backlog.last_seq);
        backlog.check(after)?;
        drop(backlog);
        Ok(Subscription {
            hub: self.clone(),
            changed,
            after,
            ready: VecDeque::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Backlog<E>> {
        // No code that can panic runs between two changes that belong together.
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One listener.
pub struct Subscription<E> {
    hub: Hub<E>,
    changed: watch::Receiver<()>,
    after: u64,
    ready: VecDeque<Arc<Entry<E>>>,
}

impl<E> Subscription<E> {
    /// The next record. Cancel-safe. After an error, `after()` is where to begin again.
    pub async fn recv(&mut self) -> Result<Arc<Entry<E>>, SubscribeError> {
        loop {
            // Marked as seen before looking, so that what is published after the look wakes us.
            self.changed.mark_unchanged();
            if let Some(entry) = self.try_recv()? {
                return Ok(entry);
            }
            if self.hub.lock().closed {
                return Err(SubscribeError::Closed);
            }
            // The hub that we hold keeps the sender alive, so this cannot fail.
            self.changed
                .changed()
                .await
                .map_err(|_| SubscribeError::Closed)?;
        }
    }

    /// The next record if there is one already.
    pub fn try_recv(&mut self) -> Result<Option<Arc<Entry<E>>>, SubscribeError> {
        if self.ready.is_empty() {
            self.ready = self.hub.lock().take(self.after)?;
        }
        let next = self.ready.pop_front();
        if let Some(entry) = &next {
            self.after = entry.seq();
        }
        Ok(next)
    }

    /// Seq of the last record received, or where the subscription began.
    pub fn after(&self) -> u64 {
        self.after
    }
}

/// Why catching up failed.
#[derive(Debug, thiserror::Error)]
pub enum CatchUpError {
    /// The journal cannot be read there.
    #[error(transparent)]
    Tail(#[from] TailError),
    /// A line in the journal cannot be read back.
    #[error("journal record {fault}")]
    Line {
        /// What is wrong with it.
        fault: LineFault,
    },
    /// The caller followed another journal.
    #[error("seq {after} is beyond the last one, {last}")]
    Ahead {
        /// What the caller named.
        after: u64,
        /// The last seq there is.
        last: u64,
    },
}

/// Every record after some seq: from the file, then from memory, then as they come; each exactly once and
/// in order, and only durable ones.
///
/// One that reads slowly is not dropped: when its place leaves the backlog it goes on from the file at its
/// own pace, and costs no memory meanwhile.
pub struct CatchUp<E> {
    hub: Hub<E>,
    journal: PathBuf,
    subscription: Option<Subscription<E>>,
    after: u64,
    from_file: VecDeque<Arc<Entry<E>>>,
    follower: journal::Follower,
}

impl<E: DeserializeOwned + Send + Sync + 'static> CatchUp<E> {
    pub(crate) fn new(hub: Hub<E>, journal: PathBuf, after: u64) -> Result<Self, CatchUpError> {
        let last = hub.last_seq();
        if after > last {
            return Err(CatchUpError::Ahead { after, last });
        }
        Ok(Self {
            follower: journal::follow(&journal, after),
            subscription: None,
            from_file: VecDeque::new(),
            hub,
            journal,
            after,
        })
    }

    /// The next record; `None` once the ledger is closed and everything has been given. Cancel-safe.
    pub async fn next(&mut self) -> Result<Option<Arc<Entry<E>>>, CatchUpError> {
        loop {
            if let Some(entry) = self.from_file.pop_front() {
                self.after = entry.seq();
                return Ok(Some(entry));
            }
            let subscription = match &mut self.subscription {
                Some(subscription) => subscription,
                None => match self.hub.subscribe(Some(self.after)) {
                    Ok(subscription) => self.subscription.insert(subscription),
                    Err(reason) => {
                        self.fall_back(reason).await?;
                        continue;
                    }
                },
            };
            match subscription.recv().await {
                Ok(entry) => {
                    self.after = entry.seq();
                    return Ok(Some(entry));
                }
                Err(SubscribeError::Closed) => return Ok(None),
                Err(reason) => {
                    self.subscription = None;
                    self.follower = journal::follow(&self.journal, self.after);
                    self.fall_back(reason).await?;
                }
            }
        }
    }

    /// The same as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Arc<Entry<E>>, CatchUpError>> + Send {
        stream::try_unfold(self, |mut records| async move {
            let next = records.next().await?;
            Ok(next.map(|entry| (entry, records)))
        })
    }

    async fn fall_back(&mut self, reason: SubscribeError) -> Result<(), CatchUpError> {
        if let SubscribeError::Ahead { after, last } = reason {
            return Err(CatchUpError::Ahead { after, last });
        }
        // The clone moves, so a cancelled call leaves our place as it was.
        let mut follower = self.follower.clone();
        let last_seq = self.hub.last_seq();
        let read = move || -> Result<_, CatchUpError> {
            let page = follower.page(TAKE, last_seq)?;
            let entries: Result<VecDeque<_>, _> = page
                .lines
                .iter()
                .map(|line| line.entry().map(Arc::new))
                .collect();
            let entries = entries.map_err(|fault| CatchUpError::Line { fault })?;
            Ok((entries, follower))
        };
        let (entries, follower) = match tokio::task::spawn_blocking(read).await {
            Ok(read) => read?,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => return Err(self.unreadable(io::ErrorKind::Interrupted)),
            },
        };
        if entries.is_empty() {
            // Announced records are durable, so the file was cut or replaced by someone else.
            return Err(self.unreadable(io::ErrorKind::UnexpectedEof));
        }
        self.follower = follower;
        self.from_file = entries;
        Ok(())
    }

    fn unreadable(&self, kind: io::ErrorKind) -> CatchUpError {
        CatchUpError::Tail(TailError::Io {
            path: self.journal.clone(),
            source: kind.into(),
        })
    }
}
