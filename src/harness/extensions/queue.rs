//! What waits for one extension. Signals that it does not keep up with are left out, the oldest first, and counted; what somebody may have
//! to decide is not.

use super::happening::Delivery;
use crate::domain::harness::extension::registration::is_signal;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Signals that wait. Seconds of a busy turn.
const MAX_SIGNALS: usize = 1000;
/// Other events that wait. They come once for each turn or question: whoever is so far behind is no help any more.
const MAX_OTHERS: usize = 4000;

/// The queue.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    all: VecDeque<Delivery>,
    signals: usize,
    dropped: u64,
}

impl Waiting {
    fn put(&mut self, delivery: Delivery) {
        if is_signal(&delivery.event.name) {
            self.signals += 1;
        } else if self.all.len() - self.signals >= MAX_OTHERS {
            self.dropped += 1;
            return;
        }
        self.all.push_back(delivery);
        if self.signals > MAX_SIGNALS {
            let mut all = self.all.iter();
            let oldest = all.position(|it| is_signal(&it.event.name));
            if let Some(oldest) = oldest {
                self.all.remove(oldest);
                self.signals -= 1;
                self.dropped += 1;
            }
        }
    }

    fn take(&mut self) -> Option<Delivery> {
        let next = self.all.pop_front()?;
        self.signals -= usize::from(is_signal(&next.event.name));
        Some(next)
    }
}

impl Queue {
    /// Puts an event behind all others.
    pub fn put(&self, delivery: Delivery) {
        self.lock().put(delivery);
        self.bell.notify_one();
    }

    /// The oldest event; waits for it. For one reader. Cancel-safe.
    pub async fn next(&self) -> Delivery {
        loop {
            // One that is put after the look has rung the bell.
            let rung = self.bell.notified();
            if let Some(next) = self.lock().take() {
                return next;
            }
            rung.await;
        }
    }

    /// Takes everything out.
    pub fn drain(&self) -> Vec<Delivery> {
        let mut waiting = self.lock();
        waiting.signals = 0;
        waiting.all.drain(..).collect()
    }

    /// How much was left out so far.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// How much waits.
    pub fn len(&self) -> usize {
        self.lock().all.len()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics between two changes that belong together.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::happening::{Happening, Place};
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    fn delivery(name: &str, number: usize) -> Delivery {
        Delivery {
            handler: None,
            event: Happening::new(name, json!(number), Place::default()),
            limit: Duration::ZERO,
            before: None,
            after: None,
        }
    }

    #[tokio::test]
    async fn the_oldest_signals_give_way_and_nothing_else_does() {
        let queue = Queue::default();
        queue.put(delivery("file_change.approval_requested", 0));
        for number in 0..MAX_SIGNALS + 5 {
            queue.put(delivery("app_server.warning", number));
        }
        assert_eq!((queue.len(), queue.dropped()), (MAX_SIGNALS + 1, 5));
        let first = queue.next().await;
        assert_eq!(first.event.name, "file_change.approval_requested");
        assert_eq!(queue.next().await.event.payload, json!(5));
        for number in 0..MAX_OTHERS + 1 {
            queue.put(delivery("turn.completed", number));
        }
        assert_eq!(queue.dropped(), 6);
        assert_eq!(queue.drain().len(), MAX_SIGNALS - 1 + MAX_OTHERS);
        assert_eq!(queue.len(), 0);
    }
}
