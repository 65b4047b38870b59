//! The ledger: the one door through which state changes.
//!
//! Owns the handle that everyone holds, the published state and the writer thread's life. A change is
//! decided against the newest state, appended, synced, shown to the follower that keeps files beside the
//! journal, applied to the published state, announced by the hub, and only then acknowledged, always in
//! this order (`writer`). Never knows what an event means.
//!
//! # Locks
//!
//! The published state sits behind one `RwLock`. Closures given to [`Ledger::read`] hold up the writer
//! and must be short, must not block and must not call the ledger. Nothing holds the lock over an await.

mod snapshots;
mod writer;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::{fmt, io};

use tokio::sync::{mpsc, oneshot, watch};
use tracing::{Instrument as _, debug_span};

use crate::hub::{BACKLOG_RECORDS, CatchUp, CatchUpError, Hub, SubscribeError, Subscription};
use crate::journal::{self, Clock, CopyOutcome, Fold, Opened, Tail, TailError, Tip};
use snapshots::Snapshots;
pub use writer::Follower;
use writer::{Message, Reply, Stage, Writer};

/// How many changes may wait for the writer. Callers wait when it is full. A tenth would cut the batches
/// of a burst short, ten times as much would let it hold that many more requests in memory.
pub const QUEUE: usize = 1024;

/// Why a change was not made. In every case nothing of it is in the journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransactError<R> {
    /// `decide` said no.
    #[error("refused")]
    Refused(R),
    /// Nothing can be written now; `reason` is a sentence for people.
    #[error("{reason}")]
    ReadOnly {
        /// Why, and what to do.
        reason: String,
    },
    /// The ledger has been closed.
    #[error("the ledger is closed")]
    Closed,
    /// `decide` panicked, or an event does not survive being written and read back: a defect of the
    /// caller, which the log describes.
    #[error("the change could not be worked out")]
    Panicked,
}

/// Whether changes are possible.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Health {
    /// They are.
    #[default]
    Writable,
    /// They are not.
    ReadOnly {
        /// Why, and what to do; a sentence for people.
        reason: String,
        /// Whether writing goes on by itself when the reason is gone.
        may_resume: bool,
    },
}

/// How the ledger fares; watch it with [`Ledger::status`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether changes are possible.
    pub health: Health,
    /// The last thing that happened to the audit copy.
    pub copy: CopyOutcome,
}

struct Published<S> {
    state: S,
    seq: u64,
    /// The record that the state stands at, in the journal.
    tip: Tip,
}

/// Handle to the ledger; clones share it. When the last one is gone the writer finishes what is queued,
/// seals the journal and ends; [`Ledger::close`] also waits for that.
pub struct Ledger<S: Fold> {
    shared: Arc<Shared<S>>,
}

struct Shared<S: Fold> {
    queue: mpsc::Sender<Message<S>>,
    published: Arc<RwLock<Published<S>>>,
    hub: Hub<S::Event>,
    status: watch::Receiver<Status>,
    journal: PathBuf,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl<S: Fold> Clone for Ledger<S> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S: Fold> fmt::Debug for Ledger<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("journal", &self.shared.journal)
            .field("seq", &self.snapshot_seq())
            .finish_non_exhaustive()
    }
}

impl<S: Fold> Ledger<S> {
    /// Starts the writer on an opened journal. Read-only when that is corrupt.
    pub fn start(opened: Opened<S>, clock: Clock) -> io::Result<Self> {
        Self::start_with(opened, clock, QUEUE, BACKLOG_RECORDS)
    }

    /// [`start`](Self::start) with somebody who writes files that follow from the journal.
    pub fn start_followed(
        opened: Opened<S>,
        clock: Clock,
        follower: Follower<S>,
    ) -> io::Result<Self> {
        Self::launch(opened, clock, QUEUE, BACKLOG_RECORDS, follower)
    }

    /// [`start`](Self::start) with other bounds.
    pub fn start_with(
        opened: Opened<S>,
        clock: Clock,
        queue: usize,
        backlog: usize,
    ) -> io::Result<Self> {
        Self::launch(opened, clock, queue, backlog, Box::new(|_, _| ()))
    }

    fn launch(
        opened: Opened<S>,
        clock: Clock,
        queue: usize,
        backlog: usize,
        follower: Follower<S>,
    ) -> io::Result<Self> {
        let hub = Hub::new(opened.last_seq, backlog);
        let (sender, receiver) = mpsc::channel(queue);
        let health = match &opened.corrupt {
            None => Health::Writable,
            Some(corrupt) => Health::ReadOnly {
                reason: corrupt.to_string(),
                may_resume: false,
            },
        };
        let (status_sender, status) = watch::channel(Status {
            health,
            copy: opened.copy,
        });
        let next = opened.state.clone();
        let tip = opened.appender.as_ref().map_or(Tip::EMPTY, |it| *it.tip());
        let published = Arc::new(RwLock::new(Published {
            state: opened.state,
            seq: opened.last_seq,
            tip,
        }));
        // A damaged journal is somebody's to mend first.
        let snapshots = opened.appender.is_some().then(|| {
            let published = Arc::clone(&published);
            Snapshots::new(published, opened.shelf, opened.behind, opened.pace)
        });
        let writer = Writer {
            appender: opened.appender,
            audit_copy: opened.audit_copy,
            published: Arc::clone(&published),
            hub: hub.clone(),
            status: status_sender,
            follower,
            snapshots: snapshots.flatten(),
        };
        let stage = Stage::new(next, tip, clock);
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run(receiver, stage))?;
        Ok(Self {
            shared: Arc::new(Shared {
                queue: sender,
                published,
                hub,
                status,
                journal: opened.path,
                thread: Mutex::new(Some(thread)),
            }),
        })
    }

    /// Makes a change. `decide` sees the newest state, including changes that are being synced at this
    /// moment, and nothing else can change in between, so its check and its events are one step. It runs
    /// on the writer's thread: it must be quick and must not call the ledger.
    ///
    /// Returns when the events are durable, in the published state and announced. A refusal also waits
    /// until what it was based on is durable. Dropping the future does not take the change back.
    pub async fn transact<T, R>(
        &self,
        actor: impl Into<String>,
        decide: impl FnOnce(&S) -> Result<(Vec<S::Event>, T), R> + Send + 'static,
    ) -> Result<T, TransactError<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        let actor = actor.into();
        let span = debug_span!("transaction", actor);
        let (message, reply) = message(actor, decide);
        let done = async {
            let sent = self.shared.queue.send(message).await;
            sent.map_err(|_| TransactError::Closed)?;
            let (value, _) = reply.await.map_err(|_| TransactError::Closed)??;
            Ok(value)
        };
        done.instrument(span).await
    }

    /// [`transact`](Self::transact) for threads outside of the runtime; panics inside of it.
    pub fn transact_blocking<T, R>(
        &self,
        actor: impl Into<String>,
        decide: impl FnOnce(&S) -> Result<(Vec<S::Event>, T), R> + Send + 'static,
    ) -> Result<T, TransactError<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        self.send_blocking(actor, decide)?.wait()
    }

    /// Sends a change and does not wait for it: many that are sent one after the other keep their order and are synced together. For
    /// threads outside of the runtime.
    pub fn send_blocking<T, R>(
        &self,
        actor: impl Into<String>,
        decide: impl FnOnce(&S) -> Result<(Vec<S::Event>, T), R> + Send + 'static,
    ) -> Result<Pending<T, R>, TransactError<R>>
    where
        T: Send + 'static,
        R: Send + 'static,
    {
        let (message, reply) = message(actor.into(), decide);
        let sent = self.shared.queue.blocking_send(message);
        sent.map_err(|_| TransactError::Closed)?;
        Ok(Pending { reply })
    }

    /// Appends events that need no check. Returns the seq of the last one.
    pub async fn commit(
        &self,
        actor: impl Into<String>,
        events: Vec<S::Event>,
    ) -> Result<u64, TransactError<Infallible>> {
        let (message, reply) = message(actor.into(), move |_: &S| Ok((events, ())));
        let sent = self.shared.queue.send(message).await;
        sent.map_err(|_| TransactError::Closed)?;
        let ((), seq) = reply.await.map_err(|_| TransactError::Closed)??;
        Ok(seq)
    }

    /// Looks at the published state. Everything in it is durable.
    pub fn read<T>(&self, look: impl FnOnce(&S) -> T) -> T {
        self.read_at(|state, _| look(state))
    }

    /// [`read`](Self::read) with the seq that the state stands at: what is rendered from it can be kept up
    /// to date by subscribing after that seq, without a gap.
    pub fn read_at<T>(&self, look: impl FnOnce(&S, u64) -> T) -> T {
        let published = self
            .shared
            .published
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        look(&published.state, published.seq)
    }

    /// Seq of the last record in the published state.
    pub fn snapshot_seq(&self) -> u64 {
        self.read_at(|_, seq| seq)
    }

    /// Whether changes are possible, and how the audit copy fares; changes wake its watchers.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.shared.status.clone()
    }

    /// Listens to records behind `after`, or from now on.
    pub fn subscribe(&self, after: Option<u64>) -> Result<Subscription<S::Event>, SubscribeError> {
        self.shared.hub.subscribe(after)
    }

    /// Every record after `after`: from the file, from memory, then live.
    pub fn catch_up(&self, after: u64) -> Result<CatchUp<S::Event>, CatchUpError> {
        CatchUp::new(self.shared.hub.clone(), self.shared.journal.clone(), after)
    }

    /// A page of durable lines after `after`. Reads the file: call it on a blocking thread.
    pub fn tail(&self, after: u64, limit: usize) -> Result<Tail, TailError> {
        let last = self.snapshot_seq();
        if after > last {
            return Err(TailError::Ahead { after, last });
        }
        journal::tail_until(&self.shared.journal, after, limit, last)
    }

    /// The journal's path.
    pub fn journal_path(&self) -> &Path {
        &self.shared.journal
    }

    /// Takes no more changes, finishes those that are queued, seals the journal and waits until it is
    /// unlocked. Later calls return when the first one's work is done.
    pub async fn close(&self) {
        // Fails only when the writer has ended already, which is what we want.
        let _ = self.shared.queue.send(Message::Close).await;
        self.shared.queue.closed().await;
        let mut status = self.shared.status.clone();
        // The writer drops its end of the status as the last thing it does.
        while status.changed().await.is_ok() {}
        self.join();
    }

    /// [`close`](Self::close) for threads outside of the runtime.
    pub fn close_blocking(&self) {
        // As above.
        let _ = self.shared.queue.blocking_send(Message::Close);
        self.join();
    }

    fn join(&self) {
        let mut thread = self
            .shared
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(_)) = thread.take().map(JoinHandle::join) {
            tracing::error!("the journal's writer thread panicked");
        }
    }
}

/// A change that was sent; dropping this does not take it back.
#[derive(Debug)]
pub struct Pending<T, R> {
    reply: oneshot::Receiver<Outcome<T, R>>,
}

impl<T, R> Pending<T, R> {
    /// What came of it, once that is durable; panics inside of the runtime.
    pub fn wait(self) -> Result<T, TransactError<R>> {
        let (value, _) = self
            .reply
            .blocking_recv()
            .map_err(|_| TransactError::Closed)??;
        Ok(value)
    }
}

type Outcome<T, R> = Result<(T, u64), TransactError<R>>;

/// Wraps a decision so that the writer can run it without knowing its types.
fn message<S: Fold, T: Send + 'static, R: Send + 'static>(
    actor: String,
    decide: impl FnOnce(&S) -> Result<(Vec<S::Event>, T), R> + Send + 'static,
) -> (Message<S>, oneshot::Receiver<Outcome<T, R>>) {
    let (sender, receiver) = oneshot::channel();
    let job = move |stage: Option<&mut Stage<S>>| -> Reply {
        let outcome = stage.map(|stage| stage.run(actor, decide));
        Box::new(move |fate| {
            let answer = match (fate, outcome) {
                (Ok(()), Some(outcome)) => outcome,
                (Ok(()), None) => Err(TransactError::Closed),
                (Err(reason), _) => Err(TransactError::ReadOnly { reason }),
            };
            // A caller that has gone away needs no answer.
            drop(sender.send(answer));
        })
    };
    (Message::Job(Box::new(job)), receiver)
}

#[cfg(test)]
mod tests;
