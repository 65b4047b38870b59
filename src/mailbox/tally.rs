//! How many rejected files the journal hears of by name: enough for a person, not as many as a program can drop. The rest
//! is counted. Every file lies in `rejected/` with its reason all the same.

use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Files of one mailbox that are told by name in one span. A tenth would hide what a careless agent got wrong; ten times as
/// many nobody reads.
pub(super) const TOLD_BY_NAME: u32 = 20;

/// Shared by the mailbox task and the decisions it hands to the journal's thread.
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
        let count = counts.entry(mailbox.clone()).or_insert_with(|| Count {
            since: now,
            told: 0,
            untold: 0,
            reason: String::new(),
        });
        if count.told < TOLD_BY_NAME {
            count.told += 1;
            return true;
        }
        count.untold += 1;
        reason.clone_into(&mut count.reason);
        false
    }

    /// What was counted in the spans that are over.
    pub(super) fn over(&self, now: Instant) -> Vec<Event> {
        let mut events = Vec::new();
        self.lock().retain(|mailbox, count| {
            if now.saturating_duration_since(count.since) < self.span {
                return true;
            }
            if count.untold > 0 {
                events.push(Event::MailboxRejectionsCounted {
                    session_id: mailbox.clone(),
                    count: count.untold,
                    reason: std::mem::take(&mut count.reason),
                });
            }
            false
        });
        events
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
