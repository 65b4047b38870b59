//! Which threads are listened to: those that run, wait for a person, or are followed by a stream. The others are let go, so that Codex can
//! take them out of its memory.
//!
//! # One thread at a time
//!
//! Each thread has a lock that is held over the call that subscribes or lets go: who subscribes while it is being let go waits for that, and
//! is subscribed when it goes on.

use super::Harness;
use crate::codex::CallError;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Time for what somebody is about to do with a thread, as the message that follows its start; a second less or more changes nothing.
const LINGER: Duration = Duration::from_secs(5);
/// Between two looks at which threads are quiet.
const LOOK: Duration = Duration::from_secs(2);

/// When a thread was last needed; `None`: it is not listened to.
type Held = Arc<tokio::sync::Mutex<Option<Instant>>>;

/// What is listened to over this connection.
#[derive(Default)]
pub struct Subscriptions {
    held: Mutex<HashMap<String, Held>>,
    followed: Mutex<HashSet<String>>,
}

impl Subscriptions {
    /// The connection is gone, and with it every subscription.
    pub fn lost(&self) {
        self.held().clear();
    }

    fn of(&self, id: &str) -> Held {
        Arc::clone(self.held().entry(id.to_owned()).or_default())
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn followed(&self) -> MutexGuard<'_, HashSet<String>> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Harness {
    /// Listens to a thread, which loads it where it must be.
    ///
    /// # Errors
    /// When Codex cannot be asked, or refuses.
    pub async fn hold(&self, id: &str) -> Result<(), CallError> {
        let Some(thread) = self.threads.thread(id) else {
            return Ok(());
        };
        let held = self.subscriptions.of(id);
        let mut held = held.lock().await;
        if held.is_none() {
            thread.resume().await?;
        }
        *held = Some(Instant::now());
        Ok(())
    }

    /// The same where nobody waits for it.
    pub(super) async fn hold_quietly(&self, id: &str) {
        if let Err(error) = self.hold(id).await {
            tracing::info!(thread.id = %id, %error, "a thread that works is not listened to");
        }
    }

    /// A call of ours has subscribed to this thread.
    pub async fn holds(&self, id: &str) {
        *self.subscriptions.of(id).lock().await = Some(Instant::now());
    }

    /// From now on streams follow these threads and no others.
    pub async fn follow(&self, threads: HashSet<String>) {
        let before = std::mem::replace(&mut *self.subscriptions.followed(), threads.clone());
        self.hold_all(threads.difference(&before)).await;
    }

    /// Listens again to what streams follow: the connection is another one.
    pub(super) async fn hold_followed(&self) {
        let followed = self.subscriptions.followed().clone();
        self.hold_all(followed.iter()).await;
    }

    async fn hold_all(&self, threads: impl Iterator<Item = &String>) {
        for id in threads {
            if self.index.get(id).is_some() && !self.is_system_owned(id) {
                self.hold_quietly(id).await;
            }
        }
    }

    /// Lets go what is quiet, until the end.
    pub async fn let_go(self: Arc<Self>, end: CancellationToken) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = look.tick() => {}
                () = end.cancelled() => return,
            }
            let all: Vec<_> = self.subscriptions.held().keys().cloned().collect();
            for id in all {
                self.let_go_if_quiet(&id).await;
            }
        }
    }

    async fn let_go_if_quiet(&self, id: &str) {
        let held = self.subscriptions.of(id);
        // Whoever holds the lock has just needed it.
        let Ok(mut since) = held.try_lock() else {
            return;
        };
        let has_lingered = since.is_some_and(|since| since.elapsed() > LINGER);
        if !has_lingered || !self.is_quiet(id) {
            return;
        }
        let Ok(codex) = &self.threads.codex else {
            return;
        };
        match codex.unsubscribe(&id.into()).await {
            Ok(()) | Err(CallError::Refused { .. }) => *since = None,
            // The connection ends, and this with it; or the next look does it.
            Err(error) => tracing::info!(thread.id = %id, %error, "a thread was not let go"),
        }
    }

    fn is_quiet(&self, id: &str) -> bool {
        let is_active = self.index.get(id).is_some_and(|known| known.is_active());
        let is_followed = self.subscriptions.followed().contains(id);
        // What the launcher drives it listens to itself, over the same connection.
        !is_active && !is_followed && self.waiting(id) == 0 && !self.is_system_owned(id)
    }

    /// How much waits for a person in a thread.
    pub(super) fn waiting(&self, id: &str) -> usize {
        let of_thread = |state: &crate::domain::state::State| {
            let open = state.asks.open().filter(|ask| ask.thread_id == id);
            open.filter(|ask| !ask.what.is_for_clients()).count()
        };
        self.core.ledger.read(of_thread)
    }
}
