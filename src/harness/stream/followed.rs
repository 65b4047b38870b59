//! The threads that readers follow: the server listens to those, whether they run or not.

use super::Streams;
use crate::harness::Harness;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long a reader waits until what it follows is listened to. A thread that has to be loaded takes a tenth of it; one that cannot be must
/// not keep the reader from the others.
const PATIENCE: Duration = Duration::from_secs(2);

/// What each reader follows.
#[derive(Debug, Default)]
pub struct Followed {
    readers: Mutex<Readers>,
    /// Counts the changes.
    changed: watch::Sender<u64>,
    /// The newest change that has had its effect.
    done: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Readers {
    next: u64,
    threads: HashMap<u64, HashSet<String>>,
}

impl Followed {
    fn readers(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Together.
    fn all(&self) -> HashSet<String> {
        let readers = self.readers();
        readers.threads.values().flatten().cloned().collect()
    }

    fn change(&self, change: impl FnOnce(&mut Readers) -> bool) -> u64 {
        let mut readers = self.readers();
        let mut number = 0;
        let is_other = change(&mut readers);
        self.changed.send_if_modified(|count| {
            *count += u64::from(is_other);
            number = *count;
            is_other
        });
        number
    }
}

/// What one reader follows, as long as it is there.
pub struct Following {
    streams: Arc<Streams>,
    reader: u64,
}

impl Following {
    /// Nothing in particular yet.
    pub fn new(streams: Arc<Streams>) -> Self {
        let reader = {
            let mut readers = streams.followed.readers();
            readers.next += 1;
            readers.next
        };
        Self { streams, reader }
    }

    /// From now on these threads and no others; returns when they are listened to, or after a while.
    pub async fn follow(&self, threads: HashSet<String>) {
        let followed = &self.streams.followed;
        let number = followed.change(|readers| {
            let before = match threads.is_empty() {
                true => readers.threads.remove(&self.reader),
                false => readers.threads.insert(self.reader, threads.clone()),
            };
            before.unwrap_or_default() != threads
        });
        let mut done = followed.done.subscribe();
        let is_done = done.wait_for(|done| *done >= number);
        // Late, or the server ends.
        let _ = tokio::time::timeout(PATIENCE, is_done).await;
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.streams
            .followed
            .change(|readers| readers.threads.remove(&self.reader).is_some());
    }
}

impl Harness {
    /// Listens to what readers follow, until the end.
    pub async fn listen_for_streams(self: Arc<Self>, end: CancellationToken) {
        let followed = &self.streams.followed;
        let mut changed = followed.changed.subscribe();
        changed.mark_changed();
        loop {
            tokio::select! {
                () = end.cancelled() => return,
                more = changed.changed() => if more.is_err() { return },
            }
            let number = *changed.borrow_and_update();
            self.follow(followed.all()).await;
            followed.done.send_replace(number);
        }
    }
}
