//! An app-server without a launcher: is it still working, and how it is ended when nobody comes back.
//!
//! Used by the watchdog alone, a process that outlives the launcher. It looks and ends; it never starts or adopts.

use super::calls::{
    Call, Capabilities, ClientInfo, Initialize, Page, ThreadFound, ThreadLoadedList, ThreadRead,
};
use super::events::{Notification, ServerRequest};
use super::peer::{CallError, Peer, Sink, from_value, to_value};
use super::server::Descriptor;
use super::transport;
use super::wire::{RequestId, ThreadId};
use crate::process::{self, Identity, ProcessError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An app-server that does not answer a simple question for so long does no work that anybody could want.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// For running commands of threads that nobody reads any more.
const END_GRACE: Duration = Duration::from_secs(5);

/// The app-server that a descriptor names.
#[derive(Debug, Clone)]
pub struct Orphan {
    identity: Identity,
    socket: PathBuf,
    descriptor: PathBuf,
}

impl Orphan {
    /// The living app-server that this descriptor names.
    pub fn find(descriptor: &Path) -> Option<Self> {
        let named = Descriptor::read(descriptor)?;
        let alive = named.identity.is_alive();
        alive.then(|| Self {
            identity: named.identity,
            socket: named.socket,
            descriptor: descriptor.to_owned(),
        })
    }

    /// Returns when it has ended, however.
    pub async fn ended(&self) {
        self.identity.exited().await;
    }

    /// Whether no thread of it works or waits for a person. One that cannot be asked does neither.
    pub async fn is_idle(&self) -> bool {
        match tokio::time::timeout(ANSWER_LIMIT, self.any_active()).await {
            Ok(Ok(active)) => !active,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the app-server could not be asked whether it works");
                true
            }
            Err(_) => true,
        }
    }

    async fn any_active(&self) -> Result<bool, CallError> {
        let closed = |error: transport::TransportError| CallError::Closed {
            reason: error.to_string(),
        };
        let connection = transport::connect(&self.socket).await.map_err(closed)?;
        let peer = Peer::start(connection, Deaf, ANSWER_LIMIT);
        let introduction = Initialize {
            client_info: ClientInfo {
                name: "zhongshu-watchdog".to_owned(),
                title: "zhongshu watchdog".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            capabilities: Capabilities::default(),
        };
        peer.initialize(&introduction, ANSWER_LIMIT).await?;
        let loaded: Page<ThreadId> = ask(&peer, &ThreadLoadedList { cursor: None }).await?;
        for thread_id in loaded.data {
            let found: ThreadFound = ask(
                &peer,
                &ThreadRead {
                    thread_id,
                    include_turns: false,
                },
            )
            .await?;
            if found.thread.status.is_active() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Ends it with everything that it started.
    ///
    /// # Errors
    /// When something survives.
    pub async fn end(&self) -> Result<(), ProcessError> {
        process::terminate_tree(self.identity, END_GRACE).await?;
        // Gone already when it ended in good order.
        std::fs::remove_file(&self.socket).ok();
        std::fs::remove_file(&self.descriptor).ok();
        Ok(())
    }
}

async fn ask<C: Call>(peer: &Peer, params: &C) -> Result<C::Reply, CallError> {
    let reply = peer
        .call(C::METHOD, &to_value(C::METHOD, params)?, ANSWER_LIMIT)
        .await?;
    from_value(C::METHOD, reply)
}

/// Hears nothing: the watchdog only asks.
struct Deaf;

impl Sink for Deaf {
    fn notification(&self, _: Notification) -> Result<(), String> {
        Ok(())
    }

    fn request(&self, _: RequestId, _: ServerRequest) -> Result<(), String> {
        Ok(())
    }
}
