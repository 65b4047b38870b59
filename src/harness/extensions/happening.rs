//! Something that extensions hear of, on its way to each of them.

use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

/// Where an event happened. What comes of it stays inside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The project; `session:<id>` for a session that is in none.
    pub project_id: Option<String>,
    /// The session.
    pub session_id: Option<String>,
    /// The turn.
    pub turn_id: Option<String>,
}

/// An event.
#[derive(Debug)]
pub struct Happening {
    /// Its name.
    pub name: String,
    /// What it says.
    pub payload: Value,
    /// Where it happened.
    pub place: Place,
    /// Set by the first extension whose decision was carried out.
    is_decided: AtomicBool,
}

impl Happening {
    /// An event that nobody has heard of.
    pub fn new(name: impl Into<String>, payload: Value, place: Place) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            payload,
            place,
            is_decided: AtomicBool::new(false),
        })
    }

    /// Whether another extension has decided what there was to decide.
    pub fn is_decided(&self) -> bool {
        self.is_decided.load(Ordering::Acquire)
    }

    /// It is decided.
    pub fn decided(&self) {
        self.is_decided.store(true, Ordering::Release);
    }
}

/// An event on its way to one extension.
#[derive(Debug)]
pub struct Delivery {
    /// The event.
    pub event: Arc<Happening>,
    /// How long the handler may take.
    pub limit: Duration,
    /// Which of its handlers is meant, where it told them apart.
    pub handler: Option<String>,
    /// Those that hear of it earlier are done once this is dropped.
    pub before: Option<oneshot::Receiver<()>>,
    /// Those that hear of it later may begin once this is dropped.
    pub after: Option<oneshot::Sender<()>>,
}

impl Delivery {
    /// Waits for those that hear of it earlier. Where nobody waits for anybody but along one order of events and of handlers, nobody waits
    /// for ever.
    pub async fn turn(&mut self) {
        if let Some(before) = self.before.take() {
            // Dropping is the sign.
            before.await.ok();
        }
    }
}
