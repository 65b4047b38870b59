//! Owns the life of the app-server: adopt or start, connect, notice its death, restart with growing pauses, give up when that is senseless, stop or
//! let go. It knows no threads: whoever takes the events resumes them after `Incoming::Connected`.

use std::{
    collections::VecDeque,
    future::pending,
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use chrono::Utc;
use tokio::{
    sync::{self, mpsc, oneshot, watch},
    time::Instant,
};

use super::{
    calls::{Capabilities, Initialize, Initialized},
    incoming::{Incoming, Outbox, Status},
    overheard::Ear,
    peer::{Peer, jittered},
    server::{Server, StartError, bound_log, obituary, remove_files},
    settings::Settings,
    transport::{self, TransportError},
};
use crate::process::{Identity, ProcessError};

/// How often a starting app-server is tried: it listens 40 to 80 ms after its start.
const CONNECT_EVERY: Duration = Duration::from_millis(4);
/// How long after the end of the connection the end of the process may show.
const DEATH_NOTICE: Duration = Duration::from_millis(300);
/// How often the size of the log is looked at.
const LOG_CHECK_EVERY: Duration = Duration::from_secs(30);

/// The connection in use.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) peer: Peer,
    pub(super) server: Identity,
}

/// What the owner of the handle asks for.
pub(super) enum Command {
    Begin,
    Retry,
    /// Ends the app-server and starts another.
    Restart {
        reply: oneshot::Sender<()>,
    },
    Stop {
        grace: Duration,
        reply: oneshot::Sender<Result<(), ProcessError>>,
    },
    Detach {
        reply: oneshot::Sender<()>,
    },
}

pub(super) struct Supervisor {
    pub(super) settings: Arc<Settings>,
    pub(super) link: Arc<Mutex<Option<Link>>>,
    pub(super) status: watch::Sender<Status>,
    pub(super) events: mpsc::Sender<Incoming>,
    pub(super) ear: Arc<OnceLock<Ear>>,
    pub(super) deaths: VecDeque<Instant>,
    pub(super) generation: u64,
    pub(super) server: Option<Server>,
    /// Whether it may do anything by itself; until then nothing runs.
    pub(super) begun: bool,
}

/// The life of the app-server, for whoever keeps tasks alive. Clones share it: one that is run after another broke goes on where that was.
#[derive(Clone)]
pub struct Supervision(Arc<sync::Mutex<(Supervisor, mpsc::Receiver<Command>)>>);

impl Supervision {
    pub(super) fn new(supervisor: Supervisor, commands: mpsc::Receiver<Command>) -> Self {
        Self(Arc::new(sync::Mutex::new((supervisor, commands))))
    }

    /// Supervises until it is told to stop or to let go. When every handle is dropped it lets go: the app-server outlives the launcher.
    pub async fn run(self) {
        let mut held = self.0.lock().await;
        let (supervisor, commands) = &mut *held;
        supervisor.run(commands).await;
    }
}

impl Supervisor {
    async fn run(&mut self, commands: &mut mpsc::Receiver<Command>) {
        loop {
            // `live` keeps all it knows in `self`, so it can be left at any point and entered again.
            let command = tokio::select! {
                command = commands.recv() => command,
                () = self.live() => None,
            };
            match command {
                Some(Command::Begin) => self.begun = true,
                Some(Command::Retry) => self.deaths.clear(),
                // There is nothing to end, and nobody to tell.
                Some(Command::Restart { .. }) if !self.begun => {}
                Some(Command::Restart { reply }) => {
                    self.disconnect("the app-server is started again", true);
                    self.status.send_replace(Status::Starting);
                    if let Err(StartError::Failed(reason) | StartError::Unusable(reason)) =
                        self.end_server().await
                    {
                        tracing::error!(%reason, "the app-server could not be ended");
                    }
                    self.deaths.clear();
                    // An error means that nobody waits any more.
                    let _ = reply.send(());
                }
                Some(Command::Stop { grace, reply }) => {
                    let outcome = self.stop(grace).await;
                    // An error means that nobody waits for the outcome any more.
                    let _ = reply.send(outcome);
                    return;
                }
                Some(Command::Detach { reply }) => {
                    self.disconnect("the launcher let go", false);
                    self.status.send_replace(Status::Stopped);
                    let _ = reply.send(());
                    return;
                }
                None => {
                    self.disconnect("the launcher let go", false);
                    return;
                }
            }
        }
    }

    async fn live(&mut self) {
        if !self.begun {
            // Only a command leads out of here.
            return pending().await;
        }
        loop {
            if self.current().is_none() {
                match self.bring_up().await {
                    Ok(()) => {}
                    Err(StartError::Unusable(reason)) => return self.give_up(reason).await,
                    Err(StartError::Failed(reason)) => {
                        self.after_death(reason).await;
                        continue;
                    }
                }
            }
            let since = Instant::now();
            let reason = self.connection_end().await;
            let status = match &mut self.server {
                Some(server) => tokio::time::timeout(DEATH_NOTICE, server.exited()).await,
                None => Ok(None),
            };
            match status {
                Ok(status) => {
                    let reason = obituary(status, &self.settings);
                    self.disconnect(&format!("codex's app-server {reason}"), true);
                    if let Some(server) = self.server.take() {
                        server.sweep().await;
                    }
                    self.after_death(reason).await;
                }
                Err(_) => {
                    tracing::warn!(%reason, "lost the connection to the app-server, which still runs");
                    self.disconnect(&reason, false);
                    // A connection that ends as soon as it begins must not become a busy loop.
                    if since.elapsed() < Duration::from_secs(5) {
                        tokio::time::sleep(jittered(self.settings.timing.backoff_first)).await;
                    }
                }
            }
        }
    }

    fn current(&self) -> Option<Link> {
        self.link
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits for the end of the connection, or of the process.
    async fn connection_end(&mut self) -> String {
        let Some(link) = self.current() else {
            return "there is no connection".to_owned();
        };
        let settings = Arc::clone(&self.settings);
        let watch_log = async {
            loop {
                tokio::time::sleep(LOG_CHECK_EVERY).await;
                bound_log(&settings);
            }
        };
        let exited = async {
            match &mut self.server {
                Some(server) => server.exited().await,
                None => pending().await,
            }
        };
        tokio::select! {
            reason = link.peer.closed() => reason,
            _ = exited => "the app-server ended".to_owned(),
            () = watch_log => String::new(),
        }
    }

    /// Adopts or starts an app-server and connects to it.
    async fn bring_up(&mut self) -> Result<(), StartError> {
        self.status.send_replace(Status::Starting);
        Server::check(&self.settings)?;
        let deadline = Instant::now() + self.settings.timing.ready_limit;
        let mut adopted = true;
        if self.server.as_ref().is_none_or(|server| !server.is_alive()) {
            self.server = Server::adopt(&self.settings).await;
        }
        if self.server.is_some() {
            match self.connect(deadline, adopted).await {
                Err(StartError::Failed(reason)) => {
                    tracing::warn!(%reason, "the running app-server cannot be used; starting a new one");
                    self.end_server().await?;
                }
                outcome => return outcome,
            }
        }
        adopted = false;
        let deadline = Instant::now() + self.settings.timing.ready_limit;
        self.server = Some(Server::start(&self.settings).await?);
        let outcome = self.connect(deadline, adopted).await;
        if outcome.is_err() {
            self.end_server().await?;
        }
        outcome
    }

    async fn end_server(&mut self) -> Result<(), StartError> {
        match self.server.take() {
            Some(server) => server
                .end(Duration::ZERO)
                .await
                .map_err(|error| StartError::Failed(format!("does not end: {error}"))),
            None => Ok(()),
        }
    }

    async fn connect(&mut self, deadline: Instant, adopted: bool) -> Result<(), StartError> {
        let Some(server) = &mut self.server else {
            return Err(StartError::Failed("is not there".to_owned()));
        };
        let settings = Arc::clone(&self.settings);
        let path = settings.socket.clone();
        let connection = tokio::select! {
            biased;
            connection = reach(&path, deadline) => connection?,
            status = server.exited() => return Err(StartError::Failed(obituary(status, &settings))),
        };
        if let Some(pid) = connection.peer_pid.filter(|pid| !server.includes(*pid)) {
            let path = path.display();
            return Err(StartError::Unusable(format!(
                "Another program (pid {pid}) listens on {path}: stop it, then try again."
            )));
        }
        let identity = server.identity;
        let outbox = Arc::new(Outbox::new(
            identity,
            self.events.clone(),
            Arc::clone(&self.ear),
        ));
        let peer = Peer::start(
            connection,
            Arc::clone(&outbox),
            settings.timing.silence_limit,
        );
        let hello = Initialize {
            client_info: settings.client.clone(),
            capabilities: Capabilities {
                experimental_api: true,
                opt_out_notification_methods: settings.opt_out.clone(),
            },
        };
        let limit = deadline.saturating_duration_since(Instant::now());
        let Initialized {
            user_agent,
            codex_home,
        } = peer.initialize(&hello, limit).await.map_err(|error| {
            peer.close("it did not introduce itself");
            StartError::Failed(format!("did not answer the first call ({error})"))
        })?;
        self.generation += 1;
        let generation = self.generation;
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(Link {
            peer: peer.clone(),
            server: identity,
        });
        tracing::info!(
            pid = identity.pid,
            generation,
            adopted,
            "the app-server is ready"
        );
        self.status.send_replace(Status::Ready {
            pid: identity.pid,
            user_agent,
            codex_home,
            generation,
        });
        if let Err(reason) = outbox.open(Incoming::Connected {
            generation,
            server: identity,
            adopted,
        }) {
            peer.close(&reason);
        }
        Ok(())
    }

    fn disconnect(&mut self, reason: &str, server_ended: bool) {
        let link = self
            .link
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(link) = link {
            link.peer.close(reason);
            let event = Incoming::Disconnected {
                generation: self.generation,
                reason: reason.to_owned(),
                server_ended,
            };
            // The reserved places hold it; a reader that has gone away does not want it.
            let _ = self.events.try_send(event);
        }
    }

    async fn after_death(&mut self, reason: String) {
        let timing = self.settings.timing.clone();
        let now = Instant::now();
        self.deaths.push_back(now);
        self.deaths
            .retain(|death| now.duration_since(*death) < timing.death_window);
        let count = self.deaths.len();
        if count >= timing.deaths_allowed {
            let seconds = timing.death_window.as_secs();
            self.give_up(format!(
                "Codex's app-server failed {count} times within {seconds} s and is not started again by itself. The last time it {reason}. \
                 Mend the cause (`zhongshu doctor` helps), then press Retry."
            ))
            .await;
        }
        let doubled = timing
            .backoff_first
            .saturating_mul(1 << (count - 1).min(16));
        let pause = jittered(doubled.min(timing.backoff_longest));
        tracing::warn!(%reason, pause_ms = pause.as_millis(), "the app-server failed");
        let retry_at = Utc::now() + pause;
        self.status.send_replace(Status::Down {
            reason: format!("Codex's app-server {reason}."),
            retry_at,
        });
        tokio::time::sleep(pause).await;
    }

    /// Waits for a command: only a person's retry leads out of here.
    async fn give_up(&mut self, reason: String) {
        tracing::error!(%reason, "the app-server is unavailable");
        self.status.send_replace(Status::Unavailable { reason });
        pending().await
    }

    async fn stop(&mut self, grace: Duration) -> Result<(), ProcessError> {
        self.disconnect("the app-server is being stopped", true);
        if self.server.is_none() {
            // Nothing was brought up in this run, but an earlier launcher may have left one.
            self.server = Server::adopt(&self.settings).await;
        }
        let outcome = match self.server.take() {
            Some(server) => server.end(grace).await,
            None => Ok(()),
        };
        if outcome.is_ok() {
            remove_files(&self.settings);
        }
        self.status.send_replace(Status::Stopped);
        outcome
    }
}

/// Tries until somebody listens.
async fn reach(path: &Path, deadline: Instant) -> Result<transport::Connection, StartError> {
    let mut last = "nobody listens".to_owned();
    let tries = async {
        loop {
            match transport::connect(path).await {
                Ok(connection) => return Ok(connection),
                Err(error @ TransportError::PathTooLong { .. }) => {
                    return Err(StartError::Unusable(error.to_string()));
                }
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(CONNECT_EVERY).await;
        }
    };
    match tokio::time::timeout_at(deadline, tries).await {
        Ok(outcome) => outcome,
        Err(_) => Err(StartError::Failed(format!(
            "was not ready in time ({last})"
        ))),
    }
}
