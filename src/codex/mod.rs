//! A typed, supervised client of `codex app-server`: one process that holds every Codex thread, started detached, adopted by the next
//! launcher, restarted when it dies. It knows nothing of sessions, plans or the mailbox: who uses it takes [`Incoming`] events and makes calls.
//!
//! - `wire`, `calls` (with `catalog`, `listing`, `policies` and `steering`), `events`, `items`, `asks`: the protocol, in types
//! - `transport`, `peer`: one connection
//! - `server`, `supervisor`, `settings`: one process and its life; `incoming`, `overheard`: what is told about it
//! - `find`: which program; `schema`, `features`: what it can do

pub mod asks;
pub mod calls;
mod catalog;
pub mod events;
pub mod features;
pub mod find;
mod incoming;
pub mod items;
mod kin;
mod listing;
pub mod orphan;
mod overheard;
mod peer;
mod policies;
pub mod schema;
mod server;
mod settings;
mod steering;
mod supervisor;
mod transport;
pub mod usage;
pub mod wire;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};

use self::{
    calls::{
        AccountRead, AccountStatus, Call, ConfigFound, ConfigRead, McpServerStatus,
        McpServerStatusList, Model, ModelList, Page, ThreadArchive, ThreadList, ThreadLoadedList,
        ThreadNameSet, ThreadOpened, ThreadRead, ThreadResume, ThreadStart, ThreadTurnsList,
        ThreadUnsubscribe, TurnInterrupt, TurnStart, TurnSteer,
    },
    items::{Thread, Turn, UserInput},
    overheard::Ear,
    supervisor::{Command, Link, Supervisor},
    wire::{Frame, RpcError, ThreadId, TurnId},
};
pub use self::{
    incoming::{EVENT_CAPACITY, Incoming, RequestKey, Status},
    overheard::Overheard,
    peer::CallError,
    settings::{Settings, Timing},
    supervisor::Supervision,
    transport::{MAX_MESSAGE_BYTES, MAX_SOCKET_PATH_BYTES, TransportError, check_socket_path},
};
use crate::process::ProcessError;
pub use kin::is_tool_server;

/// A thread that was just started elsewhere can be resumed only when its first turn has begun to write (0.18 s were measured).
const RESUME_PATIENCE: Duration = Duration::from_secs(3);
/// Pages of one list that are read; a list without end is cut here.
const MAX_PAGES: usize = 50;

/// The handle of the app-server. Clones share it. When all are dropped without [`Codex::stop`], the app-server goes on.
#[derive(Clone)]
pub struct Codex {
    link: Arc<Mutex<Option<Link>>>,
    status: watch::Receiver<Status>,
    commands: mpsc::Sender<Command>,
    call_limit: Duration,
    ear: Arc<OnceLock<Ear>>,
}

impl Codex {
    /// [`Codex::idle`] that begins at once, in a task that nobody watches. Needs a tokio runtime.
    pub fn start(settings: Settings) -> (Self, mpsc::Receiver<Incoming>) {
        let (handle, incoming, supervision) = Self::idle(settings);
        tokio::spawn(supervision.run());
        handle
            .commands
            .try_send(Command::Begin)
            .expect("the queue of commands is new, and so empty");
        (handle, incoming)
    }

    /// The handle of an app-server that waits for [`Codex::begin`]; until then nothing runs, and nothing is adopted. Whoever keeps tasks alive
    /// runs the supervision: without it nothing happens.
    pub fn idle(settings: Settings) -> (Self, mpsc::Receiver<Incoming>, Supervision) {
        let (events, incoming) = mpsc::channel(EVENT_CAPACITY);
        // Commands are a person's; more than a few waiting mean that nobody handles them.
        let (commands, queue) = mpsc::channel(8);
        let (status_sender, status) = watch::channel(Status::Idle);
        let link = Arc::new(Mutex::new(None));
        let ear = Arc::default();
        let handle = Self {
            link: Arc::clone(&link),
            status,
            commands,
            call_limit: settings.timing.call_limit,
            ear: Arc::clone(&ear),
        };
        let supervisor = Supervisor {
            settings: Arc::new(settings),
            link,
            status: status_sender,
            events,
            ear,
            deaths: VecDeque::new(),
            generation: 0,
            server: None,
            begun: false,
        };
        (handle, incoming, Supervision::new(supervisor, queue))
    }

    /// Begins to supervise: adopts the app-server that the descriptor names, or starts one. Returns at once; `status` and the events tell how
    /// it goes. Saying it twice is fine.
    pub async fn begin(&self) {
        // An error means that the supervisor has ended: it was stopped or detached.
        let _ = self.commands.send(Command::Begin).await;
    }

    /// Has somebody overhear everything that comes by itself, as it comes; the first one stays. They must not wait.
    pub fn overhear(&self, ear: impl Fn(&Overheard<'_>) + Send + Sync + 'static) {
        // An error means that somebody does.
        let _ = self.ear.set(Box::new(ear));
    }

    /// How it stands, now and later.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Waits until calls work; the error is a sentence for people.
    pub async fn ready(&self, limit: Duration) -> Result<(), String> {
        let mut status = self.status.clone();
        let settled = status.wait_for(|now| {
            matches!(
                now,
                Status::Ready { .. } | Status::Unavailable { .. } | Status::Stopped
            )
        });
        match tokio::time::timeout(limit, settled).await {
            Ok(Ok(now)) => match &*now {
                Status::Ready { .. } => Ok(()),
                Status::Unavailable { reason } => Err(reason.clone()),
                _ => Err("Codex's app-server has been stopped.".to_owned()),
            },
            Ok(Err(_)) => Err("Codex's app-server is no longer supervised.".to_owned()),
            Err(_) => Err(self.why_not()),
        }
    }

    fn why_not(&self) -> String {
        match &*self.status.borrow() {
            Status::Down { reason, .. } | Status::Unavailable { reason } => reason.clone(),
            Status::Stopped => "Codex's app-server has been stopped.".to_owned(),
            Status::Idle => "Codex's app-server has not been allowed to start.".to_owned(),
            Status::Starting | Status::Ready { .. } => "Codex's app-server is starting.".to_owned(),
        }
    }

    /// Tries again at once, also after the supervisor has given up. Does nothing while calls work.
    pub async fn retry(&self) {
        // An error means that the supervisor has ended, so there is nothing to retry.
        let _ = self.commands.send(Command::Retry).await;
    }

    /// Ends the app-server and starts another: it reads a login that was made outside of it only when it starts. Threads are not lost, running
    /// turns are broken off.
    pub async fn restart(&self) {
        let (reply, done) = oneshot::channel();
        if self.commands.send(Command::Restart { reply }).await.is_ok() {
            // An error means that the supervisor has ended, and with it the app-server.
            let _ = done.await;
        }
    }

    /// Ends the app-server with everything that it started. Running turns get `grace` to come to their end.
    pub async fn stop(&self, grace: Duration) -> Result<(), ProcessError> {
        let (reply, outcome) = oneshot::channel();
        // Both errors mean that the supervisor has ended before: it was stopped or detached.
        if self
            .commands
            .send(Command::Stop { grace, reply })
            .await
            .is_err()
        {
            return Ok(());
        }
        outcome.await.unwrap_or(Ok(()))
    }

    /// Lets the app-server run on without us.
    pub async fn detach(&self) {
        let (reply, done) = oneshot::channel();
        if self.commands.send(Command::Detach { reply }).await.is_ok() {
            // An error means that the supervisor has ended already.
            let _ = done.await;
        }
    }

    fn link(&self) -> Result<Link, CallError> {
        let link = self
            .link
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        link.ok_or_else(|| CallError::Closed {
            reason: self.why_not(),
        })
    }

    /// The same app-server, asked with another limit for each answer.
    #[must_use]
    pub fn within(&self, call_limit: Duration) -> Self {
        Self {
            call_limit,
            ..self.clone()
        }
    }

    /// Calls a method by name. Fails at once when there is no connection, and as soon as the connection ends.
    pub async fn call_raw(&self, method: &str, params: &Value) -> Result<Value, CallError> {
        self.link()?
            .peer
            .call(method, params, self.call_limit)
            .await
    }

    /// Calls a method.
    pub async fn call<C: Call>(&self, params: &C) -> Result<C::Reply, CallError> {
        let reply = self
            .call_raw(C::METHOD, &peer::to_value(C::METHOD, params)?)
            .await?;
        peer::from_value(C::METHOD, reply)
    }

    /// Answers a request. A second answer, or one after somebody else's, is ignored by the app-server.
    pub async fn answer(
        &self,
        key: &RequestKey,
        result: &(impl Serialize + Sync),
    ) -> Result<(), CallError> {
        let result = peer::to_value("an answer", result)?;
        self.reply(key, Ok(result)).await
    }

    async fn reply(
        &self,
        key: &RequestKey,
        outcome: Result<Value, RpcError>,
    ) -> Result<(), CallError> {
        let link = self.link()?;
        if link.server != key.server {
            return Err(CallError::Outdated);
        }
        link.peer
            .send(
                Frame::Reply {
                    id: key.id.clone(),
                    outcome,
                },
                self.call_limit,
            )
            .await
    }

    /// Starts a thread.
    pub async fn start_thread(&self, params: &ThreadStart) -> Result<ThreadOpened, CallError> {
        self.call(params).await
    }

    /// Names a thread. From then on it can be resumed and a TUI can attach, also before its first turn.
    pub async fn name_thread(&self, thread_id: &ThreadId, name: &str) -> Result<(), CallError> {
        let params = ThreadNameSet {
            thread_id: thread_id.clone(),
            name: name.to_owned(),
        };
        self.call(&params).await.map(drop)
    }

    /// Subscribes to a thread, with patience for one that has only just been started elsewhere.
    pub async fn resume_thread(&self, params: &ThreadResume) -> Result<ThreadOpened, CallError> {
        let deadline = tokio::time::Instant::now() + RESUME_PATIENCE;
        loop {
            match self.call(params).await {
                Err(error)
                    if error.is_refusal("no rollout found")
                        && tokio::time::Instant::now() < deadline =>
                {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Sends a message; see [`TurnStart`] for what a busy thread does with it.
    pub async fn start_turn(&self, params: &TurnStart) -> Result<Turn, CallError> {
        self.call(params).await.map(|reply| reply.turn)
    }

    /// Adds a message to the running turn.
    pub async fn steer(&self, params: &TurnSteer) -> Result<TurnId, CallError> {
        self.call(params).await.map(|reply| reply.turn_id)
    }

    /// Adds a text to the running turn.
    pub async fn steer_text(
        &self,
        thread_id: &ThreadId,
        turn_id: &TurnId,
        text: &str,
    ) -> Result<TurnId, CallError> {
        let params = TurnSteer {
            thread_id: thread_id.clone(),
            expected_turn_id: turn_id.clone(),
            input: vec![UserInput::text(text)],
            client_user_message_id: None,
        };
        self.steer(&params).await
    }

    /// Stops a turn.
    pub async fn interrupt(&self, thread_id: &ThreadId, turn_id: &TurnId) -> Result<(), CallError> {
        let params = TurnInterrupt {
            thread_id: thread_id.clone(),
            turn_id: turn_id.clone(),
        };
        self.call(&params).await.map(drop)
    }

    /// Reads a thread, loaded or not.
    pub async fn read_thread(&self, thread_id: &ThreadId) -> Result<Thread, CallError> {
        let params = ThreadRead {
            thread_id: thread_id.clone(),
            include_turns: false,
        };
        self.call(&params).await.map(|reply| reply.thread)
    }

    /// The newest turns of a thread, newest first, with their summaries.
    pub async fn turns(&self, thread_id: &ThreadId, limit: u32) -> Result<Page<Turn>, CallError> {
        let params = ThreadTurnsList {
            thread_id: thread_id.clone(),
            cursor: None,
            limit: Some(limit),
            items_view: Some("summary".to_owned()),
            sort_direction: None,
        };
        self.call(&params).await
    }

    /// Moves a thread to the archive.
    pub async fn archive(&self, thread_id: &ThreadId) -> Result<(), CallError> {
        self.call(&ThreadArchive {
            thread_id: thread_id.clone(),
        })
        .await
        .map(drop)
    }

    /// Ends our subscription to a thread.
    pub async fn unsubscribe(&self, thread_id: &ThreadId) -> Result<(), CallError> {
        self.call(&ThreadUnsubscribe {
            thread_id: thread_id.clone(),
        })
        .await
        .map(drop)
    }

    /// The threads in the app-server's memory.
    pub async fn loaded_threads(&self) -> Result<Vec<ThreadId>, CallError> {
        self.all(|cursor| ThreadLoadedList { cursor }).await
    }

    /// Every thread that has had a turn; those that are put away, or those that are not.
    pub async fn threads(&self, archived: bool) -> Result<Vec<Thread>, CallError> {
        self.all(|cursor| ThreadList::new(archived, cursor)).await
    }

    /// Every model that Codex offers.
    pub async fn models(&self) -> Result<Vec<Model>, CallError> {
        self.all(|cursor| ModelList { cursor }).await
    }

    /// Who is logged in.
    pub async fn account(&self) -> Result<AccountStatus, CallError> {
        self.call(&AccountRead {}).await
    }

    /// The configuration in force in a directory.
    pub async fn config(&self, cwd: Option<std::path::PathBuf>) -> Result<ConfigFound, CallError> {
        self.call(&ConfigRead {
            cwd,
            include_layers: false,
        })
        .await
    }

    /// The MCP servers, as a thread sees them.
    pub async fn mcp_servers(
        &self,
        thread_id: Option<ThreadId>,
    ) -> Result<Vec<McpServerStatus>, CallError> {
        self.call(&McpServerStatusList { thread_id })
            .await
            .map(|page| page.data)
    }

    async fn all<C, T>(&self, ask: impl Fn(Option<String>) -> C) -> Result<Vec<T>, CallError>
    where
        C: Call<Reply = Page<T>>,
    {
        let mut all = Vec::new();
        let mut cursor = None;
        for _ in 0..MAX_PAGES {
            let page = self.call(&ask(cursor)).await?;
            all.extend(page.data);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(all)
    }
}
