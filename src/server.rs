//! The composition root: puts the parts together, runs them, and takes them apart again in order.
//!
//! Order of the start: places and lock, journal, sockets, then everything that acts. Answers are possible before
//! Codex is ready. Order of the end: no new wishes, sessions end (or are left running), the journal is sealed.

mod commits;
mod findings;
mod harness_tasks;
mod notify;
mod start;
mod stop;
mod supervisor;
mod watchers;

pub use start::{StartError, start};

use crate::access::Access;
use crate::codex::Codex;
use crate::config::Config;
use crate::paths::Lock;
use crate::process;
use crate::sessions::agents::Agents;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// SIGINT, SIGTERM and SIGHUP. Caught before the start: from then on there are processes that only an orderly end takes along.
/// SIGHUP stays ignored where `nohup` had it ignored.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Option<Signal>,
}

impl Signals {
    /// From now on they no longer kill us; one that comes before [`Signals::heard`] is kept for it.
    ///
    /// # Errors
    /// When signals cannot be received.
    pub fn catch() -> std::io::Result<Self> {
        // A file that may grow no further is an error like a full disk, and no reason to end.
        drop(signal(SignalKind::from_raw(
            rustix::process::Signal::XFSZ.as_raw(),
        ))?);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: match process::ignores_hang_up() {
                true => None,
                false => Some(signal(SignalKind::hangup())?),
            },
        })
    }

    /// Waits for any of them.
    pub async fn heard(&mut self) {
        let window_closed = async {
            match &mut self.hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = window_closed => {}
        }
    }
}

/// What ended a launcher that nobody asked to end. Display is a whole sentence for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The thread that writes the journal.
    #[error(
        "the part of zhongshu that writes the journal ended unexpectedly; its log says why. Sessions go on: start zhongshu again"
    )]
    Journal,
    /// What answers requests.
    #[error(
        "the part of zhongshu that answers requests ended unexpectedly; its log says why. Sessions go on: start zhongshu again"
    )]
    Front,
}

/// A launcher that answers.
pub struct Server {
    config: Arc<Config>,
    agents: Arc<Agents>,
    access: Arc<Access>,
    codex: Option<Codex>,
    /// Ends the front door.
    closing: CancellationToken,
    /// Ends what acts by itself.
    acting: CancellationToken,
    /// None once its end was seen.
    front: Option<JoinHandle<()>>,
    actors: Vec<JoinHandle<()>>,
    shutdown: mpsc::Receiver<bool>,
    lock: Lock,
    login_url: String,
}

impl Server {
    /// The dashboard's address.
    pub fn url(&self) -> String {
        self.access.address().url()
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
    pub fn agents(&self) -> &Arc<Agents> {
        &self.agents
    }

    /// Runs until SIGINT, SIGTERM or a person's wish, then ends in good order.
    ///
    /// # Errors
    /// When a part without which nothing works ended by itself. The sessions go on for the next start.
    pub async fn run(mut self, signals: &mut Signals) -> Result<(), Broken> {
        let mut journal = self.agents.core.ledger.status();
        let journal_ended = async { while journal.changed().await.is_ok() {} };
        let front_ended = async {
            match &mut self.front {
                Some(front) => drop(front.await),
                None => std::future::pending().await,
            }
        };
        let why = tokio::select! {
            () = signals.heard() => Ok(self.config.keep_sessions),
            wish = self.shutdown.recv() => Ok(wish.unwrap_or(false) || self.config.keep_sessions),
            () = journal_ended => Err(Broken::Journal),
            () = front_ended => Err(Broken::Front),
        };
        if why == Err(Broken::Front) {
            self.front = None;
        }
        self.stop(why.unwrap_or(true)).await;
        why.map(drop)
    }
}
