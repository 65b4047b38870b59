//! How many rejected files the journal hears of by name: enough for a person, not as many as a program can drop. The rest
//! is counted, and so are those that were deleted again. The newest lie in `rejected/`, each with its reason, all the same.

use super::rejected::what_is_kept;
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::session::FilesCounted;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Files of one mailbox that are told by name in one span. A tenth would hide what a careless agent got wrong; ten times as
/// many nobody reads.
pub(super) const TOLD_BY_NAME: u32 = 20;

/// Shared by the mailbox task, whoever starts that again when it broke off, and the decisions it hands to the journal's thread.
#[derive(Clone)]
pub(super) struct Tally {
    span: Duration,
    counts: Arc<Mutex<HashMap<SessionId, Count>>>,
}

struct Count {
    since: Instant,
    told: u32,
    untold: u64,
    /// Why the newest of them was not taken.
    reason: String,
    /// Older ones that were deleted.
    removed: u64,
}

impl Count {
    fn new(since: Instant) -> Self {
        Self {
            since,
            told: 0,
            untold: 0,
            reason: String::new(),
            removed: 0,
        }
    }
}

impl Tally {
    /// Counts anew after each `span`.
    pub(super) fn new(span: Duration) -> Self {
        Self {
            span,
            counts: Arc::default(),
        }
    }

    /// What the journal is to hear of these events: rejections beyond the measure are counted instead.
    pub(super) fn measured(&self, mut events: Vec<Event>, now: Instant) -> Vec<Event> {
        events.retain(|event| match event {
            Event::MailboxFileRejected {
                session_id, reason, ..
            } => self.is_told(session_id, reason, now),
            _ => true,
        });
        events
    }

    fn is_told(&self, mailbox: &SessionId, reason: &str, now: Instant) -> bool {
        let mut counts = self.lock();
        let count = counts
            .entry(mailbox.clone())
            .or_insert_with(|| Count::new(now));
        if count.told < TOLD_BY_NAME {
            count.told += 1;
            return true;
        }
        count.untold += 1;
        reason.clone_into(&mut count.reason);
        false
    }

    /// So many older rejected files of a mailbox were deleted.
    pub(super) fn removed(&self, mailbox: &SessionId, number: u64, now: Instant) {
        if number > 0 {
            let mut counts = self.lock();
            let count = counts.entry(mailbox.clone());
            count.or_insert_with(|| Count::new(now)).removed += number;
        }
    }

    /// What was counted in the spans that are over; to be told, or given back.
    pub(super) fn over(&self, now: Instant) -> Vec<Event> {
        self.take(|count| now.saturating_duration_since(count.since) >= self.span)
    }

    /// All that was counted: nothing follows.
    pub(super) fn rest(&self) -> Vec<Event> {
        self.take(|_| true)
    }

    /// These could not be told: they are counted on.
    pub(super) fn give_back(&self, events: Vec<Event>, now: Instant) {
        let mut counts = self.lock();
        for event in events {
            match event {
                Event::MailboxRejectionsCounted { counted } => {
                    let count = counts.entry(counted.session_id);
                    let count = count.or_insert_with(|| Count::new(now));
                    count.untold += counted.count;
                    count.reason = counted.reason;
                }
                Event::MailboxFilesRemoved { counted } => {
                    let count = counts.entry(counted.session_id);
                    count.or_insert_with(|| Count::new(now)).removed += counted.count;
                }
                _ => {}
            }
        }
    }

    fn take(&self, is_due: impl Fn(&Count) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        self.lock().retain(|mailbox, count| {
            if !is_due(count) {
                return true;
            }
            let counted = |count, reason| FilesCounted {
                session_id: mailbox.clone(),
                count,
                reason,
            };
            if count.untold > 0 {
                let counted = counted(count.untold, std::mem::take(&mut count.reason));
                events.push(Event::MailboxRejectionsCounted { counted });
            }
            if count.removed > 0 {
                let counted = counted(count.removed, what_is_kept());
                events.push(Event::MailboxFilesRemoved { counted });
            }
            false
        });
        events
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
