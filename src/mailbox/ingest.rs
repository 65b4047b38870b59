//! The task that owns the mailboxes: it alone moves their files.
//!
//! Sleeps until there is a reason to look: the kernel's hint, somebody's nudge, a new planner, a file whose time has
//! come, or simply [`Timing::rescan`]. It takes files chunk by chunk, all planners in turn, so that neither a burst nor
//! a bad file in one mailbox delays another.

use super::handoffs::Handoffs;
use super::in_order::all_in_order;
use super::receipts;
use super::records::{is_new_mailbox, next, subscribe};
use super::settle::{Chunk, Desk, Examined, Fate, Round};
use super::take::{self, Verdict};
use super::tally::Tally;
use super::timing::Timing;
use super::watch::{Hints, Watch};
use crate::domain::event::Event;
use crate::domain::flow::Catalog;
use crate::domain::ids::SessionId;
use crate::domain::session::NotTaken;
use crate::domain::state::State;
use crate::hub::{SubscribeError, Subscription};
use crate::ledger::{Health, Ledger, TransactError};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};
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
        let (subscription, seq) = subscribe(&self.ledger);
        let desk = Desk::new(self.repo.clone(), self.state_dir.clone(), self.timing);
        let running = Running {
            desk: Some(desk),
            watch: Watch::new(),
            ingest: self,
        };
        running.run(subscription, seq).await;
    }
}

/// Nothing can be written now, or ever again.
enum Stop {
    ReadOnly,
    Closed,
}

struct Running {
    ingest: Ingest,
    /// Out only while a blocking call has it.
    desk: Option<Desk>,
    watch: Watch,
}

impl Running {
    async fn run(mut self, records: Option<Subscription<Event>>, seq: u64) {
        self.take_files(records, seq).await;
        let rest = self.ingest.tally.rest();
        if self.tell(rest).await.is_err() {
            tracing::warn!("how many more mailbox files were rejected could not be recorded");
        }
    }

    /// Records what was counted; keeps it when that cannot be done now.
    async fn tell(&self, counted: Vec<Event>) -> Result<(), Stop> {
        if counted.is_empty() {
            return Ok(());
        }
        let committed = self.ingest.ledger.commit("mailbox", counted.clone()).await;
        let told = stop_of(committed.map(|_| ()));
        if told.is_err() {
            self.ingest.tally.give_back(counted, Instant::now());
        }
        told
    }

    async fn take_files(&mut self, mut records: Option<Subscription<Event>>, mut seq: u64) {
        let cancel = self.ingest.cancel.clone();
        let nudge = Arc::clone(&self.ingest.nudge.0);
        let mut status = self.ingest.ledger.status();
        self.check_handoffs().await;
        let mut everything = true;
        let mut first = true;
        let mut again_at: Option<Instant> = None;
        let mut rescan_at = Instant::now();
        loop {
            let hints = self.watch.take();
            everything |= hints.everything || Instant::now() >= rescan_at;
            let due = again_at.is_some_and(|at| at <= Instant::now());
            if everything || due || !hints.planners.is_empty() {
                let whole = everything || due;
                if whole {
                    self.write_owed_handoffs().await;
                    rescan_at = Instant::now() + self.ingest.timing.rescan;
                    again_at = None;
                }
                match self.scan(hints, whole).await {
                    Ok(next) => {
                        again_at = [again_at, next].into_iter().flatten().min();
                        if std::mem::take(&mut first) {
                            self.sweep_receipts().await;
                        }
                    }
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
                () = self.watch.hint() => {}
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

    /// Looks at all mailboxes, or at those that were hinted at.
    async fn scan(&mut self, hints: Hints, whole: bool) -> Result<Option<Instant>, Stop> {
        if self.ingest.ledger.status().borrow().health != Health::Writable {
            return Err(Stop::ReadOnly);
        }
        let counted = self.ingest.tally.over(Instant::now());
        self.tell(counted).await?;
        let planners: Vec<SessionId> = self.ingest.ledger.read(|state| {
            let wanted = state
                .planners()
                .filter(|planner| whole || hints.planners.contains(planner.id()));
            wanted.map(|planner| planner.id().clone()).collect()
        });
        let paths = planners
            .iter()
            .map(|planner| super::Paths::new(&self.ingest.repo, planner).incoming);
        let paths: Vec<PathBuf> = paths.collect();
        let (mut rounds, troubles) = self
            .blocking(move |desk| {
                desk.begin(hints);
                let mut troubles = Vec::new();
                let mut rounds = VecDeque::new();
                for planner in planners {
                    match desk.open(&planner) {
                        Ok(round) => rounds.extend(round),
                        Err(error) => troubles.push((planner, error.to_string())),
                    }
                }
                (rounds, troubles)
            })
            .await;
        let mut newly_watched = false;
        for path in paths {
            newly_watched |= self.watch.follow(&path);
        }
        for (planner, reason) in troubles {
            tracing::warn!(%planner, reason, "a mailbox cannot be used");
            let event = Event::MailboxFileRejected {
                session_id: planner,
                file: NotTaken::Folder,
                reason,
            };
            let committed = self.ingest.ledger.commit("mailbox", vec![event]).await;
            stop_of(committed.map(|_| ()))?;
        }
        // What came between the look and the watch was hinted at by nobody.
        let mut again_at = newly_watched.then(Instant::now);
        while let Some(mut round) = rounds.pop_front() {
            if self.ingest.cancel.is_cancelled() {
                break;
            }
            let (round, chunk) = self
                .blocking(move |desk| {
                    let chunk = desk.examine(&mut round);
                    (round, chunk)
                })
                .await;
            let Some(Chunk {
                files,
                again_at: at,
            }) = chunk
            else {
                continue;
            };
            again_at = [again_at, at].into_iter().flatten().min();
            let (round, more) = self.take(round, files).await?;
            if more {
                again_at = Some(Instant::now());
            }
            rounds.push_back(round);
        }
        Ok(again_at)
    }

    /// Commits a chunk, which writes its packets, then puts its files away. True when something new is there already.
    async fn take(&mut self, round: Round, files: Vec<Examined>) -> Result<(Round, bool), Stop> {
        let catalog = (self.ingest.catalog)();
        let files = self.look_at_plans(files, &catalog).await;
        let decisions: Vec<_> = files
            .iter()
            .map(|file| {
                let ledger = self.ingest.ledger.clone();
                let catalog = Arc::clone(&catalog);
                let tally = self.ingest.tally.clone();
                let fate = match &file.fate {
                    Fate::Ask(candidate) => Ok(Box::clone(candidate)),
                    Fate::Known(verdict) => Err(verdict.clone()),
                };
                async move {
                    match fate {
                        Err(verdict) => Ok(verdict),
                        Ok(candidate) => {
                            let decide = move |state: &State| {
                                let (events, verdict) = take::decide(state, &catalog, *candidate);
                                let events = tally.measured(events, Instant::now());
                                Ok::<_, Infallible>((events, verdict))
                            };
                            ledger.transact(actor_of(file), decide).await
                        }
                    }
                }
            })
            .collect();
        let verdicts = all_in_order(decisions).await;
        let mut stop = None;
        let mut settled = Vec::with_capacity(files.len());
        for (file, verdict) in files.into_iter().zip(verdicts) {
            match verdict {
                Ok(verdict) => settled.push((file, verdict)),
                Err(TransactError::Refused(never)) => match never {},
                Err(TransactError::Panicked) => {
                    let reason =
                        "zhongshu could not record what this file says; its log tells more";
                    settled.push((file, Verdict::Reject(reason.into())));
                }
                Err(TransactError::ReadOnly { .. }) => stop = Some(Stop::ReadOnly),
                Err(TransactError::Closed) => stop = Some(Stop::Closed),
            }
        }
        let (round, settled) = self
            .blocking(move |desk| {
                let settled = desk.settle(&round, settled);
                (round, settled)
            })
            .await;
        let tally = &self.ingest.tally;
        tally.removed(&round.planner, settled.removed, Instant::now());
        stop.map_or(Ok((round, settled.more)), Err)
    }

    /// Has the plans among the files checked, off the runtime's threads.
    async fn look_at_plans(
        &mut self,
        mut files: Vec<Examined>,
        catalog: &Arc<Catalog>,
    ) -> Vec<Examined> {
        if !files.iter().any(Examined::is_plan) {
            return files;
        }
        let catalog = Arc::clone(catalog);
        self.blocking(move |_| {
            for file in &mut files {
                if let Fate::Ask(candidate) = &mut file.fate {
                    candidate.look_at(&catalog);
                }
            }
            files
        })
        .await
    }

    /// Finds packets that a crash lost.
    async fn check_handoffs(&mut self) {
        let (handoffs, ledger) = (self.ingest.handoffs.clone(), self.ingest.ledger.clone());
        self.blocking(move |_| handoffs.check(&ledger)).await;
    }

    /// Has the packets written that are lost or could not be written: the ledger's thread does it, from the newest state.
    async fn write_owed_handoffs(&self) {
        if self.ingest.handoffs.is_behind() {
            // What cannot be written now is told by the ledger, and tried again.
            let _ = self.ingest.ledger.commit("mailbox", Vec::new()).await;
        }
    }

    async fn sweep_receipts(&mut self) {
        let state_dir = self.ingest.state_dir.clone();
        let swept = self
            .blocking(move |desk| match desk.incomplete {
                // A file that could not be read yet may still need its receipt.
                true => Ok(0),
                false => receipts::sweep(&state_dir, SystemTime::now()),
            })
            .await;
        if let Err(error) = swept {
            tracing::warn!(%error, "old receipts could not be removed");
        }
    }

    async fn blocking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Desk) -> T + Send + 'static,
    ) -> T {
        let mut desk = self
            .desk
            .take()
            .expect("the desk is here between two calls");
        let done = tokio::task::spawn_blocking(move || {
            let value = work(&mut desk);
            (desk, value)
        });
        match done.await {
            Ok((desk, value)) => {
                self.desk = Some(desk);
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

impl Examined {
    fn is_plan(&self) -> bool {
        matches!(&self.fate, Fate::Ask(candidate) if candidate.is_plan())
    }
}

fn actor_of(file: &Examined) -> String {
    match &file.fate {
        Fate::Ask(candidate) => candidate.actor(),
        Fate::Known(_) => "mailbox".to_owned(),
    }
}

fn stop_of(committed: Result<(), TransactError<Infallible>>) -> Result<(), Stop> {
    match committed {
        Ok(()) | Err(TransactError::Panicked) => Ok(()),
        Err(TransactError::Refused(never)) => match never {},
        Err(TransactError::ReadOnly { .. }) => Err(Stop::ReadOnly),
        Err(TransactError::Closed) => Err(Stop::Closed),
    }
}
