//! The task that tells of what happens here.

use super::own;
use crate::harness::Harness;
use crate::journal::Fold;
use crate::ledger::Ledger;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A pause before a journal is read again that could not be.
const AGAIN: Duration = Duration::from_secs(1);

/// The newest record of a journal that was told of.
#[derive(Debug)]
pub struct Told(AtomicU64);

impl Told {
    pub(super) fn new(seq: u64) -> Self {
        Self(AtomicU64::new(seq))
    }

    /// Tells of each record once it is durable, in their order. Whoever does it again goes on where this ended.
    async fn follow<S>(&self, ledger: &Ledger<S>, tell: impl Fn(DateTime<Utc>, &S::Event))
    where
        S: Fold,
        S::Event: DeserializeOwned + Send + Sync + 'static,
    {
        loop {
            let mut records = match ledger.catch_up(self.0.load(Ordering::Relaxed)) {
                Ok(records) => records,
                Err(error) => {
                    tracing::error!(%error, "a journal cannot be followed");
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            };
            loop {
                match records.next().await {
                    Ok(Some(entry)) => {
                        tell(entry.record.ts, &entry.record.event);
                        self.0.store(entry.seq(), Ordering::Relaxed);
                    }
                    // It is closed: nothing will be recorded any more.
                    Ok(None) => return std::future::pending().await,
                    Err(error) => {
                        tracing::error!(%error, "a journal cannot be followed");
                        tokio::time::sleep(AGAIN).await;
                        break;
                    }
                }
            }
        }
    }
}

impl Harness {
    /// Tells the stream of what is recorded, and of how Codex stands, until the end.
    pub async fn tell_stream(self: Arc<Self>, end: CancellationToken) {
        let streams = &self.streams;
        let own = streams.told.follow(&self.ledger, |at, event| {
            // Only then is it worth to be put into words.
            if streams.backlog.is_awake() {
                for own in own::of_record(at, event, |id| self.job(id).ok()) {
                    streams.tell(|| own);
                }
            }
        });
        let asks = streams
            .asks_told
            .follow(&self.core.ledger, |_, event| self.tell_of_ask(event));
        tokio::select! {
            () = own => {}
            () = asks => {}
            () = self.tell_runtime() => {}
            () = end.cancelled() => {}
        }
    }

    async fn tell_runtime(&self) {
        let Ok(codex) = &self.threads.codex else {
            return std::future::pending().await;
        };
        let mut status = codex.status();
        // How it stands now is no news.
        status.mark_unchanged();
        while status.changed().await.is_ok() {
            let now = status.borrow_and_update().clone();
            self.streams.tell(|| own::of_runtime(&now));
        }
        std::future::pending().await
    }
}
