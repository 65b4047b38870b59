//! The composition root: puts the parts together, runs them, and takes them apart again in order.
//!
//! Order of the start: places and lock, journal, sockets, then everything that acts. Answers are possible before
//! Codex is ready. Order of the end: no new wishes, sessions end (or are left running), the journal is sealed.

mod start;
mod stop;
mod watchers;

pub use start::{StartError, start};

use crate::access::Access;
use crate::codex::Codex;
use crate::config::Config;
use crate::paths::Lock;
use crate::sessions::office::Office;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A launcher that answers.
pub struct Server {
    config: Arc<Config>,
    office: Arc<Office>,
    access: Arc<Access>,
    codex: Option<Codex>,
    /// Ends the front door.
    closing: CancellationToken,
    /// Ends what acts by itself.
    acting: CancellationToken,
    front: JoinHandle<()>,
    actors: Vec<JoinHandle<()>>,
    shutdown: mpsc::Receiver<bool>,
    signals: Signals,
    lock: Lock,
    login_url: String,
}

impl Server {
    /// The dashboard's address.
    pub fn url(&self) -> String {
        self.access.url()
    }

    /// The dashboard's address with a key that logs one browser in.
    pub fn login_url(&self) -> &str {
        &self.login_url
    }

    /// The configuration it runs with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its sessions, for the demo and for tests inside this crate.
    pub fn office(&self) -> &Arc<Office> {
        &self.office
    }

    /// Runs until SIGINT, SIGTERM or a person's wish, then ends in good order.
    pub async fn run(mut self) {
        let keep = self.asked_to_end().await || self.config.keep_sessions;
        self.stop(keep).await;
    }

    /// Waits for SIGINT, SIGTERM or a person's wish to end; true when the person wants to keep the sessions.
    pub async fn asked_to_end(&mut self) -> bool {
        tokio::select! {
            _ = self.signals.interrupt.recv() => false,
            _ = self.signals.terminate.recv() => false,
            wish = self.shutdown.recv() => wish.unwrap_or(false),
        }
    }
}

/// Received from the first moment of the start: one that came before somebody waits for it would end the process on
/// the spot, and leave behind what it had started.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn receive() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }
}
