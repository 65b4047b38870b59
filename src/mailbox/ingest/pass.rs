//! One look at the mailboxes, from listing them to putting their files away, in one piece on one thread.
//!
//! Takes files chunk by chunk, all planners in turn, so that neither a burst nor a bad file in one mailbox delays another. What a
//! chunk says goes to the ledger together, so that it is synced together.

use super::Ingest;
use crate::domain::event::Event;
use crate::domain::flow::Catalog;
use crate::domain::ids::SessionId;
use crate::domain::session::NotTaken;
use crate::domain::state::State;
use crate::ledger::{Health, Pending, TransactError};
use crate::mailbox::settle::{Chunk, Examined, Fate, Round, Settler};
use crate::mailbox::take::{self, Verdict};
use crate::mailbox::watch::{Heard, Hints, Watch};
use crate::mailbox::{Paths, receipts, strays};
use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Nothing can be written now, or ever again.
pub(super) enum Stop {
    ReadOnly,
    Closed,
}

/// Everything that a look needs. Waits for disks and for the ledger: never on a thread of the runtime.
pub(super) struct Pass {
    ingest: Ingest,
    desk: Settler,
    watch: Watch,
    /// When mailboxes that are not in use are looked at again.
    strays_at: Instant,
    last_stray: Option<SessionId>,
    /// Whether receipts that nobody needs are still to be removed.
    to_sweep: bool,
}

impl Pass {
    pub(super) fn new(ingest: Ingest) -> Self {
        let desk = Settler::new(ingest.repo.clone(), ingest.state_dir.clone(), ingest.timing);
        Self {
            ingest,
            desk,
            watch: Watch::new(),
            strays_at: Instant::now(),
            last_stray: None,
            to_sweep: true,
        }
    }

    /// What the kernel says meanwhile.
    pub(super) fn heard(&self) -> Heard {
        self.watch.heard()
    }

    /// Finds packets that a crash lost.
    pub(super) fn check_handoffs(&mut self) {
        self.ingest.handoffs.check(&self.ingest.ledger);
    }

    /// Looks at all mailboxes, or at those that were hinted at; answers when a file that waits is worth another look.
    pub(super) fn look(&mut self, hints: Hints, whole: bool) -> Result<Option<Instant>, Stop> {
        if whole && self.ingest.handoffs.is_behind() {
            // The ledger's thread writes the packets that are owed, from the newest state; what fails now is tried again.
            let _ = self.commit(Vec::new());
        }
        let again_at = self.scan(hints, whole)?;
        if std::mem::take(&mut self.to_sweep) && !self.desk.incomplete {
            // A file that could not be read yet may still need its receipt.
            if let Err(error) = receipts::sweep(&self.ingest.state_dir, SystemTime::now()) {
                tracing::warn!(%error, "old receipts could not be removed");
            }
        }
        Ok(again_at)
    }

    /// Tells what was only counted: nothing follows.
    pub(super) fn tell_rest(&mut self) {
        let rest = self.ingest.tally.rest();
        if self.tell(rest).is_err() {
            tracing::warn!("how many more mailbox files were rejected could not be recorded");
        }
    }

    /// Records what was counted; keeps it when that cannot be done now.
    fn tell(&self, counted: Vec<Event>) -> Result<(), Stop> {
        if counted.is_empty() {
            return Ok(());
        }
        let told = self.commit(counted.clone());
        if told.is_err() {
            self.ingest.tally.give_back(counted, Instant::now());
        }
        told
    }

    fn commit(&self, events: Vec<Event>) -> Result<(), Stop> {
        let decide = move |_: &State| Ok::<_, Infallible>((events, ()));
        match self.ingest.ledger.transact_blocking("mailbox", decide) {
            Ok(()) | Err(TransactError::Panicked) => Ok(()),
            Err(TransactError::Refused(never)) => match never {},
            Err(TransactError::ReadOnly { .. }) => Err(Stop::ReadOnly),
            Err(TransactError::Closed) => Err(Stop::Closed),
        }
    }

    fn scan(&mut self, hints: Hints, whole: bool) -> Result<Option<Instant>, Stop> {
        if self.ingest.ledger.status().borrow().health != Health::Writable {
            return Err(Stop::ReadOnly);
        }
        let counted = self.ingest.tally.over(Instant::now());
        self.tell(counted)?;
        let planners = self.planners(&hints, whole);
        self.desk.begin(hints);
        let mut rounds = VecDeque::new();
        let mut newly_watched = false;
        for planner in planners {
            let opened = self.desk.open(&planner);
            let incoming = Paths::new(&self.ingest.repo, &planner).incoming;
            newly_watched |= self.watch.follow(&incoming);
            match opened {
                Ok(round) => rounds.extend(round),
                Err(error) => {
                    let reason = error.to_string();
                    tracing::warn!(%planner, reason, "a mailbox cannot be used");
                    let is_known = self.ingest.ledger.read(|it| it.session(&planner).is_some());
                    if !is_known {
                        // Anybody can make such a folder: nobody is told of it.
                        continue;
                    }
                    self.commit(vec![Event::MailboxFileRejected {
                        session_id: planner,
                        file: NotTaken::Folder,
                        reason,
                    }])?;
                }
            }
        }
        // What came between the look and the watch was hinted at by nobody.
        let mut again_at = newly_watched.then(Instant::now);
        while let Some(mut round) = rounds.pop_front() {
            if self.ingest.cancel.is_cancelled() {
                break;
            }
            let Some(Chunk {
                files,
                again_at: at,
            }) = self.desk.examine(&mut round)
            else {
                continue;
            };
            again_at = [again_at, at].into_iter().flatten().min();
            if self.take(&round, files)? {
                again_at = Some(Instant::now());
            }
            rounds.push_back(round);
        }
        Ok(again_at)
    }

    /// Whose mailboxes are to be looked at: those that were hinted at or are in use, and now and then all in which something lies.
    fn planners(&mut self, hints: &Hints, whole: bool) -> BTreeSet<SessionId> {
        let mut planners = hints.planners.clone();
        if !whole {
            return planners;
        }
        let in_use = self.ingest.ledger.read(in_use);
        planners.extend(in_use.iter().cloned());
        let now = Instant::now();
        if hints.everything || now >= self.strays_at {
            self.strays_at = now + self.ingest.timing.strays;
            let after = self.last_stray.as_ref();
            match strays::with_files(&self.ingest.repo, &planners, after) {
                Ok(others) => {
                    self.last_stray = others.last().cloned();
                    planners.extend(others);
                }
                Err(error) => {
                    self.desk.incomplete = true;
                    tracing::warn!(%error, "mailboxes of planners that are over could not be looked at");
                }
            }
            let repo = &self.ingest.repo;
            let folders = in_use.iter().map(|id| Paths::new(repo, id).incoming);
            self.watch.keep(&folders.collect());
        }
        planners
    }

    /// Commits a chunk, which writes its packets, then puts its files away. True when something new is there already.
    fn take(&mut self, round: &Round, files: Vec<(Examined, Fate)>) -> Result<bool, Stop> {
        let catalog = (self.ingest.catalog)();
        let asked = files
            .into_iter()
            .map(|(file, fate)| (file, self.ask(&catalog, fate)));
        let asked = Vec::from_iter(asked);
        let mut stop = None;
        let mut settled = Vec::with_capacity(asked.len());
        for (file, asked) in asked {
            match asked.and_then(Asked::answer) {
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
        let settled = self.desk.settle(round, settled);
        let tally = &self.ingest.tally;
        tally.removed(&round.planner, settled.removed, Instant::now());
        stop.map_or(Ok(settled.more), Err)
    }

    /// Sends what a file says to the ledger; it is not there any more when this returns.
    fn ask(&self, catalog: &Arc<Catalog>, fate: Fate) -> Result<Asked, TransactError<Infallible>> {
        let mut candidate = match fate {
            Fate::Known(verdict) => return Ok(Asked::Known(verdict)),
            Fate::Ask(candidate) => candidate,
        };
        candidate.look_at(catalog);
        let catalog = Arc::clone(catalog);
        let (actor, tally) = (candidate.actor(), self.ingest.tally.clone());
        let decide = move |state: &State| {
            let (events, verdict) = take::decide(state, &catalog, *candidate);
            Ok((tally.measured(events, Instant::now()), verdict))
        };
        let ledger = &self.ingest.ledger;
        ledger.send_blocking(actor, decide).map(Asked::Pending)
    }
}

/// Mailboxes into which somebody writes: those of planners that live, and of departments that do.
fn in_use(state: &State) -> BTreeSet<SessionId> {
    let live = state.live_sessions();
    let of = live.map(|session| {
        session
            .brief
            .parent_session_id
            .as_ref()
            .unwrap_or(session.id())
    });
    of.cloned().collect()
}

/// What the ledger was asked about a file, or need not be.
enum Asked {
    Known(Verdict),
    Pending(Pending<Verdict, Infallible>),
}

impl Asked {
    fn answer(self) -> Result<Verdict, TransactError<Infallible>> {
        match self {
            Self::Known(verdict) => Ok(verdict),
            Self::Pending(pending) => pending.wait(),
        }
    }
}
