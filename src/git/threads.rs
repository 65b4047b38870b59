//! The same work for many things, by as many threads as there are processors. Which thread takes what differs from one time to the
//! next; what comes of it does not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// More threads than this have nothing to do for a report of ordinary size.
const MAX_THREADS: usize = 4;

/// Things of one turn where each is little work: with fewer, a second thread would begin when the first is done.
const PER_TURN: usize = 16;

/// Turns that threads take as they come to them.
pub(super) struct Turns<'a, T, R> {
    things: &'a [T],
    per_turn: usize,
    next: AtomicUsize,
    done: Mutex<Vec<(usize, R)>>,
}

impl<T, R> Turns<'_, T, R> {
    /// Takes turns until none is left.
    pub(super) fn take(&self, mut work: impl FnMut(&[T]) -> R) {
        loop {
            let turn = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(things) = self.things.chunks(self.per_turn).nth(turn) else {
                return;
            };
            let made = work(things);
            let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((turn, made));
        }
    }
}

/// What was made of each turn, in their order. The calling thread does `own`, the others do `other`; one of these that takes no
/// turn leaves its work to the rest.
pub(super) fn share<T: Sync, R: Send>(
    things: &[T],
    per_turn: usize,
    own: impl FnOnce(&Turns<'_, T, R>),
    other: impl Fn(&Turns<'_, T, R>) + Sync,
) -> Vec<R> {
    let turns = Turns {
        things,
        per_turn,
        next: AtomicUsize::new(0),
        done: Mutex::default(),
    };
    let threads = std::thread::available_parallelism()
        .map_or(1, |count| count.get().min(MAX_THREADS))
        .min(things.len().div_ceil(per_turn));
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| other(&turns));
        }
        own(&turns);
    });
    let done = turns.done.into_inner();
    let mut done = done.unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(turn, _)| *turn);
    done.into_iter().map(|(_, made)| made).collect()
}

/// What `work` makes of each thing, in their order.
pub(super) fn map<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let all = |turns: &Turns<'_, T, Vec<R>>| {
        turns.take(|things| things.iter().map(&work).collect());
    };
    let made = share(things, PER_TURN, all, all);
    made.into_iter().flatten().collect()
}
