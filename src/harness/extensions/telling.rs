//! The task that keeps the set as the person allows it, and tells it of what happens: it reads the stream like everybody else, beginning
//! with the first extension that hears of anything.

use super::events::Known;
use crate::harness::Harness;
use crate::harness::stream::reader::{Names, Reader, Told};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long the end of all processes is waited for; they are killed, which takes milliseconds.
const END_LIMIT: Duration = Duration::from_secs(3);

impl Harness {
    /// Runs extensions until the end of the server.
    pub async fn run_extensions(self: Arc<Self>, end: CancellationToken) {
        tokio::select! {
            () = self.tell_extensions() => {}
            () = end.cancelled() => {}
        }
        let extensions = &self.extensions;
        extensions.stopping.cancel();
        extensions.tasks.close();
        if tokio::time::timeout(END_LIMIT, extensions.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("not every extension ended in time");
        }
    }

    async fn tell_extensions(self: &Arc<Self>) {
        let mut policies = self.core.policies.subscribe();
        let mut changes = self.extensions.changes.subscribe();
        let allowed = || {
            let policy = self.core.policy();
            let ceilings = &policy.ceilings;
            (ceilings.extensions, ceilings.extension_folders.clone())
        };
        let mut before = allowed();
        policies.mark_unchanged();
        self.load_first().await;
        let mut known = Known::default();
        let mut reader: Option<Reader> = None;
        loop {
            let is_deaf = self.extensions.current().is_deaf();
            if is_deaf {
                reader = None;
            } else if reader.is_none() {
                reader = Some(self.reader(None, Names::One));
            }
            let told = async {
                match &mut reader {
                    Some(reader) => reader.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = policies.changed() => {
                    let now = allowed();
                    if now != before {
                        before = now;
                        self.load_otherwise().await;
                    }
                }
                _ = changes.changed() => self.reconcile(&mut known).await,
                told = told => match told {
                    Told::Frames(frames) => {
                        for frame in frames {
                            self.tell_frame(&frame, &mut known).await;
                        }
                    }
                    // Signals are lost; what waits for somebody is looked up.
                    Told::Reset(_) => self.reconcile(&mut known).await,
                },
            }
        }
    }
}
