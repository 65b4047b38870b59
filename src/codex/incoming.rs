//! Owns what the supervisor tells its owner: the status, the events in their order, and the bound on those that wait.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{
    events::{Notification, ServerRequest},
    overheard::{Ear, Overheard},
    peer::Sink,
    wire::RequestId,
};
use crate::process::Identity;

/// Events that wait for their reader. Past three quarters the pieces of messages are left out, and when it is full the connection is dropped
/// and opened again, which is how the reader learns that it must look at its threads afresh.
pub const EVENT_CAPACITY: usize = 2048;
/// Places that only `Connected` and `Disconnected` may take, so that they always fit.
const RESERVED: usize = 16;

/// How the app-server stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Status {
    /// Nobody has said that it may begin.
    Idle,
    /// It is being started or adopted.
    Starting,
    /// Calls work.
    Ready {
        /// The process.
        pid: u32,
        /// What it says it is.
        user_agent: String,
        /// The CODEX_HOME it uses.
        codex_home: PathBuf,
        /// Counts the connections of this supervisor.
        generation: u64,
    },
    /// It died and will be started again.
    Down {
        /// A sentence.
        reason: String,
        /// When.
        retry_at: DateTime<Utc>,
    },
    /// It will not be started before a person has done something and asked for a retry.
    Unavailable {
        /// Sentences: what is wrong and what to do.
        reason: String,
    },
    /// This supervisor has ended, by `stop` or `detach`.
    Stopped,
}

/// A request together with the app-server that made it: after a restart the ids begin again, and an answer to the old one must not become
/// the answer to a new one. The same after a reconnect or an adoption, so it may be stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RequestKey {
    /// Who asked.
    pub server: Identity,
    /// Its number.
    pub id: RequestId,
}

/// What comes by itself, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// Calls work; now resume the threads. Everything known from an older generation is void, except that with the same `server` the requests keep
    /// their keys.
    Connected {
        /// Counts the connections of this supervisor, from 1.
        generation: u64,
        /// The process.
        server: Identity,
        /// Whether the process ran before: its threads are loaded and their turns go on. Otherwise every running turn was interrupted and every
        /// open request is void.
        adopted: bool,
    },
    /// The connection is gone; calls fail until the next `Connected`.
    Disconnected {
        /// The generation that ended.
        generation: u64,
        /// Why.
        reason: String,
        /// Whether the app-server itself ended. Then its open requests have expired.
        server_ended: bool,
    },
    /// A notification.
    Notification(Notification),
    /// A request. It stays open as long as its turn; nobody is kept waiting.
    Request {
        /// What to answer to.
        key: RequestKey,
        /// The request.
        request: ServerRequest,
    },
}

/// Takes the events of one connection. They wait until `Connected` has been put before them.
pub(super) struct Outbox {
    server: Identity,
    events: mpsc::Sender<Incoming>,
    early: Mutex<Option<Vec<Incoming>>>,
    ear: Arc<OnceLock<Ear>>,
}

impl Outbox {
    pub(super) fn new(
        server: Identity,
        events: mpsc::Sender<Incoming>,
        ear: Arc<OnceLock<Ear>>,
    ) -> Self {
        Self {
            server,
            events,
            ear,
            early: Mutex::new(Some(Vec::new())),
        }
    }

    fn put(&self, event: Incoming) -> Result<(), String> {
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *early {
            Some(waiting) if waiting.len() < EVENT_CAPACITY / 4 => waiting.push(event),
            Some(_) => {}
            None => return self.pass(event),
        }
        Ok(())
    }

    fn pass(&self, event: Incoming) -> Result<(), String> {
        let room = self.events.capacity();
        if matches!(&event, Incoming::Notification(one) if one.is_delta())
            && room < EVENT_CAPACITY / 4
        {
            return Ok(());
        }
        if room <= RESERVED {
            return Err(format!("the launcher was {EVENT_CAPACITY} events behind"));
        }
        // A reader that has gone away wants no events; calls go on.
        let _ = self.events.try_send(event);
        Ok(())
    }

    /// Announces the connection, then lets through what came meanwhile.
    pub(super) fn open(&self, connected: Incoming) -> Result<(), String> {
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        self.pass(connected)?;
        early
            .take()
            .into_iter()
            .flatten()
            .try_for_each(|event| self.pass(event))
    }
}

impl Sink for Arc<Outbox> {
    fn notification(&self, notification: Notification) -> Result<(), String> {
        self.put(Incoming::Notification(notification))
    }

    fn request(&self, id: RequestId, request: ServerRequest) -> Result<(), String> {
        self.put(Incoming::Request {
            key: RequestKey {
                server: self.server,
                id,
            },
            request,
        })
    }

    fn overheard(&self, told: &Overheard<'_>) {
        if let Some(ear) = self.ear.get() {
            ear(told);
        }
    }
}
