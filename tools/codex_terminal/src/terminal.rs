//! One terminal as its servers see it: the feed, the way in, who looks and who owns the size. All state
//! shared between the WebSocket and the control socket lies here; it does no network or thread work itself.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::sync::{broadcast, watch};

use crate::colours::{Colour, Theme};
use crate::control::{Event, StateView, ViewerView};
use crate::descriptor::{Descriptor, State};
use crate::doorkeeper::Doorkeeper;
use crate::feed::{Feed, Mark};
use crate::input::{Input, Refused};
use crate::pty::Pty;
use crate::recorder::{Observer, Recorded};
use crate::relay::reports::Reports;
use crate::seats::Seats;
use crate::signals::AgentState;
use crate::spec::clamp_size;
use crate::viewers::{MAX_STRANGERS, Viewers};

/// Pages whose inputs are numbered; the longest silent one of those that do not look is forgotten.
const MAX_INPUT_CLIENTS: usize = 32;
/// Announcements and exits a control connection may leave unread before it is told the whole state anew.
const EVENT_QUEUE: usize = 256;
/// Names of pastes that are remembered. A client asks again for the last few at most.
const MAX_PASTE_NAMES: usize = 256;

/// The way in and the size of a program; files have neither.
pub struct Program {
    /// Size and end.
    pub pty: Pty,
    /// Keys.
    pub input: Input,
}

/// What begins the end of the sidecar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// Time between TERM and KILL.
    pub grace: Duration,
}

/// See the module.
pub struct Terminal {
    /// The output.
    pub feed: Arc<Feed>,
    /// What the recorder knows.
    pub recorded: Arc<Recorded>,
    /// None: a file is shown.
    pub program: Option<Program>,
    /// The port of page and WebSocket.
    pub port: u16,
    /// The transcript or the shown file.
    pub transcript: Option<PathBuf>,
    /// How long a viewer may give no sign of life.
    pub silent_after: Duration,
    /// For control connections.
    pub events: broadcast::Sender<Event>,
    /// Changes when all viewers are to be cut off.
    pub cut: watch::Sender<u64>,
    /// Set once, when the sidecar is to end.
    pub close: watch::Sender<Option<Close>>,
    /// The viewer that owns the size.
    pub owner: watch::Sender<Option<u64>>,
    /// The size last asked for.
    pub wanted_size: watch::Sender<(u16, u16)>,
    /// How the program ended.
    pub exit: watch::Sender<Option<State>>,
    /// Who may look.
    pub(crate) doorkeeper: Arc<Doorkeeper>,
    /// What the program said to its server.
    pub(crate) reports: Arc<Reports>,
    /// Who is the launcher.
    pub(crate) launcher_lock: Option<PathBuf>,
    pub(crate) theme: Option<Theme>,
    descriptor: Mutex<Descriptor>,
    descriptor_path: Option<PathBuf>,
    descriptor_writing: Mutex<()>,
    agent_state: Mutex<Option<AgentState>>,
    pub(crate) viewers: Mutex<Viewers>,
    input_clients: Mutex<VecDeque<(String, u32)>>,
    /// Sockets that have shown no token yet.
    pub(crate) strangers: Arc<Seats>,
    control_connections: AtomicUsize,
    pub(crate) last_presence: Mutex<Instant>,
    pastes_waiting: AtomicUsize,
    pasted: tokio::sync::Mutex<VecDeque<String>>,
}

/// What a terminal is made of.
pub struct Parts {
    /// The output.
    pub feed: Arc<Feed>,
    /// What the recorder knows.
    pub recorded: Arc<Recorded>,
    /// None: a file is shown.
    pub program: Option<Program>,
    /// The transcript or the shown file.
    pub transcript: Option<PathBuf>,
    /// The only token, of a terminal without a launcher.
    pub own_token: Option<String>,
    /// What the program says to its server.
    pub(crate) reports: Arc<Reports>,
    /// What proves the launcher.
    pub launcher_lock: Option<PathBuf>,
    /// How the person's pages look.
    pub theme: Option<Theme>,
    /// As it will be written.
    pub descriptor: Descriptor,
    /// Where it will be written.
    pub descriptor_path: Option<PathBuf>,
    /// How long a viewer may give no sign of life.
    pub silent_after: Duration,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Terminal {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let size = parts.feed.size();
        Self {
            port: parts.descriptor.port,
            feed: parts.feed,
            recorded: parts.recorded,
            program: parts.program,
            transcript: parts.transcript,
            silent_after: parts.silent_after,
            events: broadcast::Sender::new(EVENT_QUEUE),
            cut: watch::Sender::new(0),
            close: watch::Sender::new(None),
            owner: watch::Sender::new(None),
            wanted_size: watch::Sender::new(size),
            exit: watch::Sender::new(None),
            doorkeeper: Arc::new(match parts.own_token {
                Some(token) => Doorkeeper::alone(&token),
                None => Doorkeeper::attended(),
            }),
            reports: parts.reports,
            launcher_lock: parts.launcher_lock,
            theme: parts.theme,
            descriptor: Mutex::new(parts.descriptor),
            descriptor_path: parts.descriptor_path,
            descriptor_writing: Mutex::default(),
            agent_state: Mutex::default(),
            viewers: Mutex::default(),
            input_clients: Mutex::default(),
            strangers: Seats::new(MAX_STRANGERS),
            control_connections: AtomicUsize::new(0),
            last_presence: Mutex::new(Instant::now()),
            pastes_waiting: AtomicUsize::new(0),
            pasted: tokio::sync::Mutex::default(),
        }
    }

    // Descriptor.

    /// The descriptor as it is now.
    pub fn descriptor(&self) -> Descriptor {
        lock(&self.descriptor).clone()
    }

    /// Writes the descriptor; a failure is logged, because the terminal is worth more than its file.
    pub fn write_descriptor(&self) {
        // One at a time, and each with what is true then: an older state must not land on a newer one.
        let _writing = lock(&self.descriptor_writing);
        if let Some(path) = &self.descriptor_path
            && let Err(error) = self.descriptor().write(path)
        {
            tracing::error!(%error, "the descriptor is out of date");
        }
    }

    /// The first event of a control connection.
    pub fn hello(&self) -> Event {
        Event::Hello {
            descriptor: self.descriptor(),
            offset: self.feed.end(),
            agent_state: lock(&self.agent_state).clone(),
        }
    }

    /// The terminal at this moment.
    pub fn state_view(&self, id: Option<u64>) -> StateView {
        let (cols, rows) = self.feed.size();
        let owner = *self.owner.borrow();
        StateView {
            id,
            offset: self.feed.end(),
            cols,
            rows,
            state: lock(&self.descriptor).state,
            agent_state: lock(&self.agent_state).clone(),
            transcript_failed: self.recorded.transcript_failed.load(Ordering::Relaxed),
            viewers: lock(&self.viewers)
                .attached
                .iter()
                .map(|viewer| ViewerView {
                    number: viewer.number,
                    mode: viewer.mode,
                    owner: owner == Some(viewer.number),
                    dropped: viewer.dropped.load(Ordering::Relaxed),
                    gaps: viewer.gaps.load(Ordering::Relaxed),
                })
                .collect(),
            untold: self.reports.untold(),
        }
    }

    // Size.

    /// Asks for a size; the sizer applies the newest one.
    pub fn want_size(&self, cols: u16, rows: u16) {
        self.wanted_size.send_replace(clamp_size(cols, rows));
    }

    /// Applies a size if it is another one.
    pub fn apply_size(&self, cols: u16, rows: u16) {
        let Some(program) = &self.program else {
            return;
        };
        if self.feed.size() == (cols, rows) {
            return;
        }
        // Marked first: what the program draws for the new size comes after the mark.
        self.feed.mark(Mark::Size { cols, rows });
        if let Err(error) = program.pty.resize(cols, rows) {
            tracing::warn!(%error, "the program was not told its size");
        }
    }

    // Input.

    /// The number of the next input of a page.
    pub fn next_input(&self, client: &str) -> u32 {
        let clients = lock(&self.input_clients);
        let known = clients.iter().find(|(name, _)| name == client);
        known.map_or(0, |(_, next)| *next)
    }

    /// Takes input number `number` of a page: `Ok` gives the number of the next one expected, which tells a repetition
    /// (already taken) from one that is too early (an earlier one was refused).
    pub fn numbered_input(&self, client: &str, number: u32, data: &[u8]) -> Result<u32, Refused> {
        // Whatever its number: nothing comes of waiting.
        self.running()?;
        let mut clients = lock(&self.input_clients);
        let at = clients.iter().position(|(name, _)| name == client);
        let (name, next) = at
            .and_then(|at| clients.remove(at))
            .unwrap_or_else(|| (client.to_owned(), 0));
        let mut result = Ok(next);
        let mut following = next;
        if number == next {
            result = self.input(data);
            if result.is_ok() {
                following = next.wrapping_add(1);
            }
        } else if number.wrapping_sub(next) < u32::MAX / 2 {
            result = Err(Refused::Busy);
        }
        clients.push_back((name, following));
        if clients.len() > MAX_INPUT_CLIENTS {
            // One that looks goes on with the numbers it was given.
            let looks = |name: &str| {
                let viewers = lock(&self.viewers);
                viewers.attached.iter().any(|viewer| viewer.client == name)
            };
            let forgotten = clients.iter().position(|(name, _)| !looks(name));
            clients.remove(forgotten.unwrap_or(0));
        }
        result.map(|_| following)
    }

    /// Gives bytes to the program.
    pub fn input(&self, data: &[u8]) -> Result<u32, Refused> {
        let program = self.running()?;
        if self.pastes_waiting.load(Ordering::Acquire) > 0 {
            return Err(Refused::Busy);
        }
        program.input.push(data).map(|()| 0)
    }

    /// The program, until it has ended. Asked of its terminal: viewers hear of the end before the recorder comes to it, and
    /// what they type from then on reaches nobody.
    fn running(&self) -> Result<&Program, Refused> {
        let program = self.program.as_ref().ok_or(Refused::Closed)?;
        match program.pty.has_ended() {
            true => Err(Refused::Closed),
            false => Ok(program),
        }
    }

    /// Pastes unless that was done under this name before. One after the other: a second try waits for what becomes of the first.
    pub async fn paste_once(&self, name: &str, text: &str, submit: bool) -> Result<(), Refused> {
        let mut pasted = self.pasted.lock().await;
        if pasted.iter().any(|earlier| earlier == name) {
            return Ok(());
        }
        self.paste(text, submit).await?;
        if pasted.len() == MAX_PASTE_NAMES {
            pasted.pop_front();
        }
        pasted.push_back(name.to_owned());
        Ok(())
    }

    /// Pastes from the control socket; waits up to 5 s for a program that does not read. Nothing is typed meanwhile by
    /// others, so that a paste stays in one piece.
    pub async fn paste(&self, text: &str, submit: bool) -> Result<(), Refused> {
        self.until_recorded(self.feed.end()).await;
        let bracketed = self.recorded.bracketed_paste.load(Ordering::Relaxed);
        let data = crate::input::paste(text, bracketed, submit);
        let deadline = Instant::now() + Duration::from_secs(5);
        let mut reserved = None;
        loop {
            match self.running()?.input.push(&data) {
                Err(Refused::Busy) if Instant::now() < deadline => {
                    if reserved.is_none() {
                        reserved = Some(Reservation::new(&self.pastes_waiting));
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                result => return result,
            }
        }
    }

    /// Viewers see output before it is recorded. Who pastes at a prompt, or takes the transcript, wants the model and the
    /// transcript to have what was seen; under a flood their newest state has to do.
    pub(crate) async fn until_recorded(&self, offset: u64) {
        self.feed.wake_recorder();
        let deadline = Instant::now() + Duration::from_millis(500);
        while self.feed.recorded() < offset && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    // Presence.

    /// Counts a control connection for as long as the guard lives.
    pub fn control_connected(self: &Arc<Self>) -> ControlPresence {
        self.control_connections.fetch_add(1, Ordering::AcqRel);
        ControlPresence(self.clone())
    }

    /// How long nobody has been here and nothing has run.
    pub fn deserted_for(&self) -> Option<Duration> {
        let running = self.program.is_some() && self.exit.borrow().is_none();
        let present = self.control_connections.load(Ordering::Acquire) > 0
            || !lock(&self.viewers).attached.is_empty();
        if running || present {
            return None;
        }
        Some(lock(&self.last_presence).elapsed())
    }
}

/// While a paste waits for room nothing else may take that room.
struct Reservation<'a>(&'a AtomicUsize);

impl<'a> Reservation<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::AcqRel);
        Self(waiting)
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A control connection that is counted as presence.
pub struct ControlPresence(Arc<Terminal>);

impl Drop for ControlPresence {
    fn drop(&mut self) {
        *lock(&self.0.last_presence) = Instant::now();
        self.0.control_connections.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Takes over what the recorder sees.
pub struct Announcer(pub Arc<Terminal>);

impl Observer for Announcer {
    fn colour_asked(&mut self, colour: Colour, offset: u64) {
        let Some(theme) = self.0.theme else { return };
        if !self.0.writer_read(offset) {
            // A program that does not read its answers gets none.
            self.0.input(theme.answer(colour).as_bytes()).ok();
        }
    }

    fn agent_state(&mut self, state: AgentState) {
        *lock(&self.0.agent_state) = Some(state.clone());
        // Nobody may be listening.
        self.0.events.send(Event::AgentState(state)).ok();
    }

    fn exited(&mut self, state: State) {
        {
            let mut descriptor = lock(&self.0.descriptor);
            descriptor.state = state;
            descriptor.exited_at = Some(Utc::now());
        }
        *lock(&self.0.last_presence) = Instant::now();
        self.0.write_descriptor();
        if let State::Exited { code, signal } = state {
            self.0.events.send(Event::Exited { code, signal }).ok();
        }
        self.0.exit.send_replace(Some(state));
    }
}
