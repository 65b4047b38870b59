//! The folders that are still to be read, on one stack for all threads of a pass.

use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::git::GitError;
use crate::git::change::MAX_CHANGES;
use crate::git::ignores::Level;

/// A folder that is still to be read.
pub(super) struct Task {
    pub above: Arc<OwnedFd>,
    /// From the root, with a `/` at the end.
    pub path: Vec<u8>,
    /// The entries below it.
    pub items: Range<usize>,
    pub level: Option<Arc<Level>>,
}

/// The stack that the threads share.
#[derive(Default)]
struct Pool {
    tasks: Vec<Task>,
    /// Threads that may still bring new tasks.
    busy: usize,
    failure: Option<GitError>,
    found: usize,
}

#[derive(Default)]
pub(super) struct Shared {
    pool: Mutex<Pool>,
    wake: Condvar,
}

impl Shared {
    pub(super) fn starting_with(task: Task) -> Self {
        let shared = Self::default();
        shared.lock().tasks.push(task);
        shared
    }

    /// Fails when any of the folders did.
    pub(super) fn finish(self) -> Result<(), GitError> {
        self.lock().failure.take().map_or(Ok(()), Err)
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next task; none when all is done or something failed.
    pub(super) fn next(&self) -> Option<Task> {
        let mut pool = self.lock();
        loop {
            if pool.failure.is_some() {
                return None;
            }
            if let Some(task) = pool.tasks.pop() {
                pool.busy += 1;
                return Some(task);
            }
            if pool.busy == 0 {
                return None;
            }
            pool = self.wake.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A task is done: it brought further ones, and found so many rows.
    pub(super) fn done(&self, tasks: Vec<Task>, found: usize, outcome: Result<(), GitError>) {
        let mut pool = self.lock();
        pool.busy -= 1;
        pool.found += found;
        pool.tasks.extend(tasks);
        let too_many = (pool.found > MAX_CHANGES).then_some(GitError::TooMany(MAX_CHANGES));
        if let Some(error) = outcome.err().or(too_many) {
            pool.failure.get_or_insert(error);
        }
        if pool.tasks.len() > 1
            || (pool.tasks.is_empty() && pool.busy == 0)
            || pool.failure.is_some()
        {
            self.wake.notify_all();
        } else if !pool.tasks.is_empty() {
            self.wake.notify_one();
        }
    }
}
