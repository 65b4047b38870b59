//! The newest events in memory, numbered, and places in them. A reader is a place: one that is slow, or was cut off and comes back, holds
//! no memory, and is told when its place has left.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// How much is kept, whichever bound is met first. The newest event is kept whatever its size.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Events.
    pub events: usize,
    /// Their weights together.
    pub bytes: usize,
}

/// The events. Nothing is kept before there has been a reader: nobody can ask for what came before.
pub struct Backlog<T> {
    kept: Mutex<Kept<T>>,
    /// Only a wake-up; what is true stands in `kept`.
    changed: watch::Sender<()>,
    bounds: Bounds,
    is_awake: AtomicBool,
}

struct Kept<T> {
    events: VecDeque<(Arc<T>, usize)>,
    bytes: usize,
    last: u64,
}

impl<T> Kept<T> {
    fn first(&self) -> u64 {
        self.last + 1 - self.events.len() as u64
    }
}

/// What stands behind a place.
#[derive(Debug, PartialEq)]
pub enum Next<T> {
    /// The next event.
    Event(Arc<T>),
    /// The place is not in memory; the reader stands behind the newest event now.
    Gone,
}

impl<T> Backlog<T> {
    /// An empty one.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            kept: Mutex::new(Kept {
                events: VecDeque::new(),
                bytes: 0,
                last: 0,
            }),
            changed: watch::Sender::new(()),
            bounds,
            is_awake: AtomicBool::new(false),
        }
    }

    /// Whether anything is kept.
    pub fn is_awake(&self) -> bool {
        self.is_awake.load(Ordering::Acquire)
    }

    /// Adds an event that weighs so much; it is made with its number. Costs nothing before there has been a reader.
    pub fn push(&self, weight: usize, make: impl FnOnce(u64) -> T) {
        if !self.is_awake() {
            return;
        }
        let mut kept = self.kept();
        let event = Arc::new(make(kept.last + 1));
        kept.last += 1;
        kept.bytes += weight;
        kept.events.push_back((event, weight));
        while kept.events.len() > self.bounds.events
            || kept.bytes > self.bounds.bytes && kept.events.len() > 1
        {
            let Some((_, weight)) = kept.events.pop_front() else {
                break;
            };
            kept.bytes -= weight;
        }
        drop(kept);
        self.changed.send_replace(());
    }

    /// A reader behind this event, or behind the newest one.
    pub fn reader(self: &Arc<Self>, after: Option<u64>) -> Place<T> {
        self.is_awake.store(true, Ordering::Release);
        Place {
            changed: self.changed.subscribe(),
            after: after.unwrap_or_else(|| self.kept().last),
            backlog: Arc::clone(self),
        }
    }

    fn look(&self, after: &mut u64) -> Option<Next<T>> {
        let kept = self.kept();
        let (first, last) = (kept.first(), kept.last);
        if *after == last {
            return None;
        }
        if *after > last || *after + 1 < first {
            *after = last;
            return Some(Next::Gone);
        }
        // Numbers have no gaps, so the distance is the index.
        let index = usize::try_from(*after + 1 - first).unwrap_or(usize::MAX);
        let (event, _) = kept.events.get(index)?;
        *after += 1;
        Some(Next::Event(Arc::clone(event)))
    }

    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        // A panic while an event is made leaves the others as they were.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the backlog.
pub struct Place<T> {
    backlog: Arc<Backlog<T>>,
    changed: watch::Receiver<()>,
    after: u64,
}

impl<T> Place<T> {
    /// The number of the event that this stands behind.
    pub fn after(&self) -> u64 {
        self.after
    }

    /// What comes next; waits for it. Cancel-safe.
    pub async fn next(&mut self) -> Next<T> {
        loop {
            // Marked as seen before looking, so that what is added after the look wakes us.
            self.changed.mark_unchanged();
            if let Some(next) = self.backlog.look(&mut self.after) {
                return next;
            }
            if self.changed.changed().await.is_err() {
                // The backlog that we hold keeps the sender alive.
                std::future::pending::<()>().await;
            }
        }
    }

    /// What comes next, if it is there.
    #[cfg(test)]
    fn now(&mut self) -> Option<Next<T>> {
        self.backlog.look(&mut self.after)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn backlog(events: usize, bytes: usize) -> Arc<Backlog<u64>> {
        Arc::new(Backlog::new(Bounds { events, bytes }))
    }

    #[test]
    fn nothing_is_kept_before_there_is_a_reader() {
        let backlog = backlog(8, 800);
        backlog.push(1, |_| panic!("it was made"));
        let mut reader = backlog.reader(None);
        assert_eq!((reader.after(), reader.now()), (0, None));
        backlog.push(1, |number| number);
        assert_eq!(reader.now(), Some(Next::Event(Arc::new(1))));
    }

    #[test]
    fn what_is_too_heavy_is_kept_alone() {
        let backlog = backlog(8, 100);
        let mut reader = backlog.reader(None);
        for weight in [10, 1000, 1000] {
            backlog.push(weight, |number| number);
        }
        assert_eq!(reader.now(), Some(Next::Gone));
        assert_eq!(
            backlog.reader(Some(2)).now(),
            Some(Next::Event(Arc::new(3)))
        );
        assert_eq!(backlog.kept().events.len(), 1);
        backlog.push(1, |number| number);
        assert_eq!(backlog.kept().bytes, 1);
    }

    #[test]
    fn a_place_that_is_not_there_yet_is_none() {
        let backlog = backlog(8, 100);
        let mut ahead = backlog.reader(Some(1));
        assert_eq!(ahead.now(), Some(Next::Gone));
        assert_eq!((ahead.after(), ahead.now()), (0, None));
    }

    #[tokio::test]
    async fn a_reader_that_waits_is_woken() {
        let backlog = backlog(8, 100);
        let mut reader = backlog.reader(None);
        let waits = tokio::spawn(async move { reader.next().await });
        tokio::task::yield_now().await;
        backlog.push(1, |number| number);
        assert_eq!(waits.await.unwrap(), Next::Event(Arc::new(1)));
    }

    proptest! {
        /// However events come, and however often a reader is cut off: it has each once and in order, or is told that some are gone.
        #[test]
        fn a_reader_has_everything_once_or_is_told(
            steps in prop::collection::vec((0..4_usize, 1..40_usize, any::<bool>()), 1..200),
            bounds in (1..12_usize, 1..200_usize),
        ) {
            let backlog = backlog(bounds.0, bounds.1);
            let mut reader = backlog.reader(None);
            let (mut pushed, mut seen) = (0_u64, 0_u64);
            for (reads, weight, comes_back) in steps {
                backlog.push(weight, |number| number);
                pushed += 1;
                {
                    let kept = backlog.kept();
                    prop_assert!(kept.events.len() <= bounds.0);
                    prop_assert!(kept.bytes <= bounds.1 || kept.events.len() == 1);
                    prop_assert_eq!(kept.bytes, kept.events.iter().map(|it| it.1).sum::<usize>());
                }
                if comes_back {
                    reader = backlog.reader(Some(reader.after()));
                }
                for _ in 0..reads {
                    match reader.now() {
                        None => prop_assert_eq!(seen, pushed),
                        Some(Next::Event(number)) => {
                            prop_assert_eq!(*number, seen + 1);
                            seen = *number;
                        }
                        Some(Next::Gone) => {
                            prop_assert!(backlog.kept().first() > seen + 1);
                            seen = reader.after();
                            prop_assert_eq!(seen, pushed);
                        }
                    }
                }
            }
        }
    }
}
