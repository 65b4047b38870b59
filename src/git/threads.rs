//! The same work for many things, by as many threads as there are processors.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// More threads than this have nothing to do for a report of ordinary size.
pub(super) const MAX_THREADS: usize = 4;

/// Things that one thread does one after the other. With fewer, a second one would begin when the first is done.
const PER_TURN: usize = 16;

/// What `work` makes of each thing, in their order.
pub(super) fn map<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let turns = things.chunks(PER_TURN).len();
    let threads = std::thread::available_parallelism()
        .map_or(1, |count| count.get().min(MAX_THREADS))
        .min(turns);
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Vec<R>)>> = Mutex::default();
    let take_turns = || {
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let Some(things) = things.chunks(PER_TURN).nth(turn) else {
                return;
            };
            let made = things.iter().map(&work).collect();
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((turn, made));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(take_turns);
        }
        take_turns();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(turn, _)| *turn);
    done.into_iter().flat_map(|(_, made)| made).collect()
}
