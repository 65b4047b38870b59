//! The task that owns the mailboxes: it alone moves their files.
//!
//! Sleeps until there is a reason to look: the kernel's hint, somebody's nudge, a new planner, a file whose time has
//! come, or simply [`Timing::rescan`]. Then one pass looks, on a thread of its own (`pass`).

mod pass;

use super::handoffs::Handoffs;
use super::records::{is_new_mailbox, next, subscribe};
use super::tally::Tally;
use super::timing::Timing;
use super::watch::Heard;
use crate::domain::event::Event;
use crate::domain::flow::Catalog;
use crate::domain::state::State;
use crate::hub::{SubscribeError, Subscription};
use crate::ledger::{Health, Ledger};
use pass::{Pass, Stop};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Gives the configuration of the moment.
pub type CatalogSource = Arc<dyn Fn() -> Arc<Catalog> + Send + Sync>;

/// Asks the mailbox task to look at once.
#[derive(Debug, Clone)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    /// Asks; several times before it looks are as good as once.
    pub fn scan_now(&self) {
        self.0.notify_one();
    }
}

/// The mailbox task before it runs. A clone is the same task, for whoever has to start it again.
#[derive(Clone)]
pub struct Ingest {
    repo: PathBuf,
    state_dir: PathBuf,
    ledger: Ledger<State>,
    handoffs: Handoffs,
    catalog: CatalogSource,
    cancel: CancellationToken,
    timing: Timing,
    tally: Tally,
    nudge: Nudge,
    /// Held while a pass looks: who starts the task again may be faster than the end of the pass that broke off.
    turn: Arc<Mutex<()>>,
}

impl Ingest {
    /// Prepares the task for a repository (its real path) and the launcher's state directory; `handoffs` follow this
    /// ledger.
    pub fn new(
        repo: PathBuf,
        state_dir: PathBuf,
        ledger: Ledger<State>,
        handoffs: Handoffs,
        catalog: CatalogSource,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            repo,
            state_dir,
            ledger,
            handoffs,
            catalog,
            cancel,
            timing: Timing::default(),
            tally: Tally::new(Timing::default().span),
            nudge: Nudge(Arc::new(Notify::new())),
            turn: Arc::default(),
        }
    }

    /// Waits differently; for tests.
    #[must_use]
    pub fn with_timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self.tally = Tally::new(timing.span);
        self
    }

    /// A handle that asks this task to look at once.
    pub fn nudge(&self) -> Nudge {
        self.nudge.clone()
    }

    /// Runs until it is cancelled or the ledger is closed, then tells what was only counted. One of them at a time.
    pub async fn run(self) {
        let (records, seq) = subscribe(&self.ledger);
        let pass = Pass::new(self.clone());
        let heard = pass.heard();
        let mut waiting = Waiting {
            pass: Some(pass),
            heard,
            ingest: self,
        };
        waiting.take_files(records, seq).await;
        waiting.in_turn(Pass::tell_rest).await;
    }
}

struct Waiting {
    ingest: Ingest,
    /// Out only while its thread has it.
    pass: Option<Pass>,
    heard: Heard,
}

impl Waiting {
    async fn take_files(&mut self, mut records: Option<Subscription<Event>>, mut seq: u64) {
        let cancel = self.ingest.cancel.clone();
        let nudge = Arc::clone(&self.ingest.nudge.0);
        let mut status = self.ingest.ledger.status();
        self.in_turn(Pass::check_handoffs).await;
        let mut everything = true;
        let mut again_at: Option<Instant> = None;
        let mut rescan_at = Instant::now();
        loop {
            let hints = self.heard.take();
            everything |= hints.everything || Instant::now() >= rescan_at;
            let due = again_at.is_some_and(|at| at <= Instant::now());
            if everything || due || !hints.planners.is_empty() {
                let whole = everything || due;
                if whole {
                    rescan_at = Instant::now() + self.ingest.timing.rescan;
                    again_at = None;
                }
                match self.in_turn(move |pass| pass.look(hints, whole)).await {
                    Ok(next) => again_at = [again_at, next].into_iter().flatten().min(),
                    Err(Stop::ReadOnly) => {}
                    Err(Stop::Closed) => return,
                }
                everything = false;
            }
            let wake_at = again_at.map_or(rescan_at, |at| at.min(rescan_at));
            tokio::select! {
                () = cancel.cancelled() => return,
                record = next(&mut records) => match record {
                    Ok(event) => {
                        everything |= is_new_mailbox(&event);
                        // More may be waiting; they are cheap, and a scan in between would not be.
                        while let Some(Ok(Some(entry))) = records.as_mut().map(Subscription::try_recv) {
                            everything |= is_new_mailbox(&entry.record.event);
                        }
                        seq = records.as_ref().map_or(seq, Subscription::after);
                    }
                    Err(SubscribeError::Closed) => return,
                    Err(_) => {
                        tracing::debug!(seq, "the mailbox task fell behind; it looks at everything again");
                        (records, seq) = subscribe(&self.ingest.ledger);
                        everything = true;
                    }
                },
                () = self.heard.hint() => {}
                () = nudge.notified() => everything = true,
                changed = status.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    everything |= status.borrow_and_update().health == Health::Writable;
                }
                () = tokio::time::sleep_until(wake_at.into()) => {}
            }
        }
    }

    /// Does this with the pass on a thread where it may wait.
    async fn in_turn<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Pass) -> T + Send + 'static,
    ) -> T {
        let mut pass = self
            .pass
            .take()
            .expect("the pass is here between two calls");
        let turn = Arc::clone(&self.ingest.turn);
        let done = tokio::task::spawn_blocking(move || {
            let turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            let value = work(&mut pass);
            drop(turn);
            (pass, value)
        });
        match done.await {
            Ok((pass, value)) => {
                self.pass = Some(pass);
                value
            }
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is going away; nothing of this task is needed any more.
                Err(_) => std::future::pending().await,
            },
        }
    }
}
