//! The writer thread: takes what is queued, decides, appends, syncs, publishes, answers.
//!
//! Owns the journal's end, the state that is one batch ahead of the published one, and the audit copy.
//! Nothing else in the program writes them. Ends when the ledger is closed or its last handle is gone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, Utc};
use tokio::sync::{mpsc, watch};

use super::snapshots::Snapshots;
use super::{Health, Published, Status, TransactError};
use crate::hub::Hub;
use crate::journal::{
    AppendError, Appender, AuditCopy, ChainHash, Clock, CopyOutcome, Entry, Fold, Resume, Tip, seal,
};

/// A batch is closed at this many bytes. A tenth would split bursts of large results over several syncs,
/// ten times as much would make the first caller of a burst wait for a long write.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// A batch is closed at this many changes, so that even of cheap ones each waits only so long.
const BATCH_JOBS: usize = 1024;

/// How often a full disk is asked whether it has room again, when nobody tries to write.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// What callers send.
pub(super) enum Message<S: Fold> {
    /// A change.
    Job(Job<S>),
    /// The end.
    Close,
}

/// Works a change out (or, read-only, does not) and returns how to answer it.
pub(super) type Job<S> = Box<dyn FnOnce(Option<&mut Stage<S>>) -> Reply + Send>;

/// Answers one caller: all of a batch share its fate.
pub(super) type Reply = Box<dyn FnOnce(Result<(), String>) + Send>;

/// State and lines of the batch that is being put together.
pub(super) struct Stage<S: Fold> {
    /// The published state and this batch.
    next: S,
    tip: Tip,
    bytes: Vec<u8>,
    entries: Vec<Arc<Entry<S::Event>>>,
    clock: Clock,
    /// An event's application panicked half-way through `next`.
    spoiled: bool,
}

/// An event that cannot be recorded; the log says why.
struct Unfit;

impl<S: Fold> Stage<S> {
    pub(super) fn new(next: S, tip: Tip, clock: Clock) -> Self {
        Self {
            next,
            tip,
            bytes: Vec::new(),
            entries: Vec::new(),
            clock,
            spoiled: false,
        }
    }

    /// Decides one change and adds its events to the batch. On an error nothing is added.
    pub(super) fn run<T, R>(
        &mut self,
        actor: String,
        decide: impl FnOnce(&S) -> Result<(Vec<S::Event>, T), R>,
    ) -> Result<(T, u64), TransactError<R>> {
        let next = &self.next;
        let decided = catch_unwind(AssertUnwindSafe(|| decide(next)));
        let (events, value) = decided
            .map_err(|_| TransactError::Panicked)?
            .map_err(TransactError::Refused)?;
        self.add(&actor, &events)
            .map_err(|Unfit| TransactError::Panicked)?;
        Ok((value, self.tip.last_seq()))
    }

    fn add(&mut self, actor: &str, events: &[S::Event]) -> Result<(), Unfit> {
        let (bytes, tip, entries) = (self.bytes.len(), self.tip, self.entries.len());
        let mut added = events.iter().try_for_each(|event| self.line(actor, event));
        if added.is_ok() {
            let (next, new) = (&mut self.next, &self.entries[entries..]);
            let apply = || new.iter().for_each(|entry| next.apply(&entry.record));
            if catch_unwind(AssertUnwindSafe(apply)).is_err() {
                tracing::error!(
                    actor,
                    "applying an event to the state panicked; it was not recorded"
                );
                self.spoiled = true;
                added = Err(Unfit);
            }
        }
        if added.is_err() {
            self.bytes.truncate(bytes);
            self.tip = tip;
            self.entries.truncate(entries);
        }
        added
    }

    fn line(&mut self, actor: &str, event: &S::Event) -> Result<(), Unfit> {
        let start = self.bytes.len();
        let seq = self.tip.next_seq;
        let unfit = |error: &dyn std::fmt::Display| {
            tracing::error!(actor, seq, %error, "an event cannot be recorded");
            Unfit
        };
        let ts = self.now();
        let hash: ChainHash = seal(seq, ts, actor, event, &self.tip.hash, &mut self.bytes)
            .map_err(|error| unfit(&error))?;
        let line = &self.bytes[start..self.bytes.len() - 1];
        // Read back from its line, so that a live state is what a replay will make of it, and an event
        // that could not be replayed is found before it is written.
        let text = std::str::from_utf8(line).map_err(|error| unfit(&error))?;
        let entry = Entry::parse(text).map_err(|error| unfit(&error))?;
        self.entries.push(Arc::new(entry));
        self.tip = Tip {
            offset: self.tip.offset + (self.bytes.len() - start) as u64,
            next_seq: seq + 1,
            hash,
            ts,
        };
        Ok(())
    }

    /// The clock's time as it is written, and never before the last record's.
    fn now(&self) -> DateTime<Utc> {
        (self.clock)().trunc_subsecs(6).max(self.tip.ts)
    }

    /// Runs one job. If applying its events panicked, `next` is made anew.
    fn take(&mut self, job: Job<S>, published: &RwLock<Published<S>>) -> Reply {
        let reply = job(Some(self));
        if std::mem::take(&mut self.spoiled) {
            self.next = durable_state(published);
            for entry in &self.entries {
                self.next.apply(&entry.record);
            }
        }
        reply
    }

    /// Forgets the batch; `durable` is the state to go on from, if the staged one is wrong.
    fn reset(&mut self, tip: Tip, durable: Option<S>) {
        self.bytes.clear();
        self.entries.clear();
        self.tip = tip;
        if let Some(durable) = durable {
            self.next = durable;
        }
    }
}

/// Writes what must stand on disk before anybody hears of a batch. Called on the writer's thread with the state behind a
/// batch that is durable and not yet published, and with the batch: empty when somebody only asked. What fails is the
/// follower's own business.
pub type Follower<S> = Box<dyn FnMut(&S, &[Arc<Entry<<S as Fold>::Event>>]) + Send>;

/// What the thread owns besides the stage.
pub(super) struct Writer<S: Fold> {
    /// `None` when the journal is corrupt.
    pub(super) appender: Option<Appender>,
    pub(super) audit_copy: Option<AuditCopy>,
    pub(super) published: Arc<RwLock<Published<S>>>,
    pub(super) hub: Hub<S::Event>,
    pub(super) status: watch::Sender<Status>,
    pub(super) follower: Follower<S>,
    /// `None` where none are written.
    pub(super) snapshots: Option<Snapshots<S>>,
}

impl<S: Fold> Writer<S> {
    /// The thread's main.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Message<S>>, mut stage: Stage<S>) {
        let mut open = true;
        while let Some(message) = self.wait(&mut queue) {
            let mut replies = Vec::new();
            let writable = self.try_resume();
            let mut next = Some(message);
            while let Some(message) = next.take() {
                match message {
                    Message::Job(job) if writable => replies.push(stage.take(job, &self.published)),
                    Message::Job(job) => replies.push(job(None)),
                    Message::Close if open => {
                        // What was sent before this is still received and done.
                        open = false;
                        queue.close();
                    }
                    Message::Close => {}
                }
                if replies.len() < BATCH_JOBS && stage.bytes.len() < BATCH_BYTES {
                    next = queue.try_recv().ok();
                }
            }
            // All of a batch share its fate, and nobody hears of it before it is decided.
            let fate = if writable {
                self.make_durable(&mut stage)
            } else {
                Err(self.read_only_reason())
            };
            for reply in replies {
                reply(fate.clone());
            }
        }
        if let Some(appender) = &mut self.appender
            && let Err(error) = appender.seal()
        {
            tracing::error!(%error, "the journal's last sync failed");
        }
        if let Some(snapshots) = self.snapshots.take() {
            snapshots.finish();
        }
    }

    /// Write, sync, copy, follower, state, hub, and at times a snapshot: the order that the whole design rests on.
    fn make_durable(&mut self, stage: &mut Stage<S>) -> Result<(), String> {
        let Some(appender) = self.appender.as_mut() else {
            return Ok(());
        };
        if stage.bytes.is_empty() {
            self.follow(stage);
            return Ok(());
        }
        if let Err(error) = appender.append(&stage.bytes, stage.tip) {
            let tip = *appender.tip();
            let reason = self.degrade(&error);
            stage.reset(tip, Some(durable_state(&self.published)));
            return Err(reason);
        }
        let tip = *appender.tip();
        self.set_health(Health::Writable);
        self.copy(&stage.bytes, tip.offset);
        self.follow(stage);
        let mut published = self
            .published
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let state = &mut published.state;
        let apply = || {
            stage
                .entries
                .iter()
                .for_each(|entry| state.apply(&entry.record))
        };
        if catch_unwind(AssertUnwindSafe(apply)).is_err() {
            // The staged state has taken the same records already.
            tracing::error!(
                "applying a record panicked the second time only; it is not deterministic"
            );
            published.state = stage.next.clone();
        }
        published.seq = tip.last_seq();
        published.tip = tip;
        drop(published);
        self.hub.publish(&stage.entries);
        if let Some(snapshots) = &mut self.snapshots {
            let (records, bytes) = (stage.entries.len() as u64, stage.bytes.len() as u64);
            snapshots.grown(records, bytes);
        }
        stage.reset(tip, None);
        Ok(())
    }

    fn follow(&mut self, stage: &Stage<S>) {
        let follow = || (self.follower)(&stage.next, &stage.entries);
        if catch_unwind(AssertUnwindSafe(follow)).is_err() {
            tracing::error!("what follows the journal panicked; the records stand");
        }
    }

    fn copy(&mut self, batch: &[u8], journal_len: u64) {
        let Some(copy) = &mut self.audit_copy else {
            return;
        };
        if let Some(outcome) = copy.append(batch, journal_len) {
            match &outcome {
                CopyOutcome::Failed { reason } => tracing::warn!(reason, "the audit copy failed"),
                outcome => tracing::warn!(?outcome, "the audit copy was mended"),
            }
            self.status.send_modify(|status| status.copy = outcome);
        }
    }

    fn degrade(&mut self, error: &AppendError) -> String {
        let reason = error.to_string();
        tracing::error!(reason, "the journal is read-only");
        self.set_health(Health::ReadOnly {
            reason: reason.clone(),
            may_resume: error.resume() == Resume::WhenFreed,
        });
        reason
    }

    fn set_health(&self, health: Health) {
        self.status.send_if_modified(|status| {
            let changed = status.health != health;
            status.health = health;
            changed
        });
    }

    fn read_only_reason(&self) -> String {
        match &self.status.borrow().health {
            Health::Writable => String::new(),
            Health::ReadOnly { reason, .. } => reason.clone(),
        }
    }

    fn may_resume(&self) -> bool {
        let status = self.status.borrow();
        matches!(
            status.health,
            Health::ReadOnly {
                may_resume: true,
                ..
            }
        )
    }

    /// Whether this batch may be tried. After a full disk that takes a proof that the journal's end is
    /// intact; whether there is room, the write itself then shows.
    fn try_resume(&mut self) -> bool {
        if !self.may_resume() {
            return self.status.borrow().health == Health::Writable;
        }
        match self.appender.as_mut().map(Appender::prove_intact) {
            Some(Ok(())) => true,
            Some(Err(error)) => {
                self.degrade(&error);
                false
            }
            None => false,
        }
    }

    /// The next message; `None` when there will be none. While the disk is full also looks, now and then,
    /// whether it still is, so that the status gets well without anybody trying.
    fn wait(&mut self, queue: &mut mpsc::Receiver<Message<S>>) -> Option<Message<S>> {
        while self.may_resume() {
            if let Poll::Ready(message) = recv_timeout(queue, PROBE_EVERY) {
                return message;
            }
            if self.appender.as_ref().is_some_and(Appender::has_room) && self.try_resume() {
                tracing::info!("the journal is writable again");
                self.set_health(Health::Writable);
            }
        }
        queue.blocking_recv()
    }
}

impl<S: Fold> Drop for Writer<S> {
    fn drop(&mut self) {
        // Also when the thread panics: nobody must wait for records that cannot come.
        self.hub.close();
    }
}

fn durable_state<S: Fold>(published: &RwLock<Published<S>>) -> S {
    let published = published.read().unwrap_or_else(PoisonError::into_inner);
    published.state.clone()
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Receives outside of a runtime, but not for ever: tokio's channel has no such call.
fn recv_timeout<T>(queue: &mut mpsc::Receiver<T>, timeout: Duration) -> Poll<Option<T>> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let deadline = Instant::now() + timeout;
    let mut receive = pin!(queue.recv());
    loop {
        if let Poll::Ready(message) = receive.as_mut().poll(&mut context) {
            return Poll::Ready(message);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Poll::Pending;
        }
        thread::park_timeout(left);
    }
}
