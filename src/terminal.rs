//! The launcher's side of the sidecars: start one, find it again after a restart, type into it, end it.
//!
//! A sidecar outlives the launcher. Its descriptor in the state dir says where it is, and holds no secret: whose address
//! is good for what is known here alone (`addresses`), and a sidecar asks (`link`). What it says by itself otherwise goes
//! to one bounded channel, in order.

mod addresses;
mod births;
mod link;
mod ports;
mod typing;

use crate::access::Lease;
use crate::domain::ids::TerminalId;
use crate::domain::sentence::say;
use crate::paths::{Places, TerminalFiles, write_private};
use crate::process::{self, Identity, Output, ProcessError};
use births::{announced, last_words};
use codex_terminal::client::{self, Client};
use codex_terminal::colours::Theme;
use codex_terminal::control::{Event, Request};
use codex_terminal::descriptor::{Descriptor, Mode, State};
use codex_terminal::spec::{Source, Spec};
use ports::Ports;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use addresses::Addresses;
pub use link::{Begin, Keep};

/// A sidecar is ready within some 15 ms; a loaded machine may need seconds, and more means that it hangs.
const READY_LIMIT: Duration = Duration::from_secs(15);
/// Fine enough not to be noticed when a terminal opens, coarse enough to cost nothing.
const READY_POLL: Duration = Duration::from_millis(2);
/// What TERM is given before KILL. With what comes after, everything is gone within five seconds.
pub const CLOSE_GRACE: Duration = Duration::from_millis(4500);
/// Every process of a terminal inherits its id under this name. A sidecar ends all it started; what one that was killed
/// leaves behind is found by this.
const MARK: &str = "ZHONGSHU_TERMINAL_ID";
/// A few events per second and terminal; when the reader hangs, the sidecar's own channel fills next and nothing is lost here.
const EVENT_QUEUE: usize = 256;

/// Why a terminal could not be had.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// Its files could not be written.
    #[error("{}", say!("reason.terminal.files", error = .0))]
    Files(#[from] std::io::Error),
    /// The sidecar could not be started.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It ended at once.
    #[error("{}", say!("reason.terminal.died", why = .0))]
    Died(String),
    /// It did not become ready.
    #[error("{}", say!("reason.terminal.late", seconds = READY_LIMIT.as_secs()))]
    Late,
    /// Its descriptor cannot be used.
    #[error("{}", say!("reason.terminal.not_found", error = .0))]
    Descriptor(#[from] codex_terminal::descriptor::Error),
    /// It is not there any more.
    #[error("{}", say!("reason.terminal.not_running"))]
    Gone,
    /// It refused, or the connection failed.
    #[error("{0}")]
    Control(#[from] client::Error),
}

/// What a terminal said by itself.
#[derive(Debug)]
pub struct TerminalEvent {
    /// Which one.
    pub terminal_id: TerminalId,
    /// What; `None` when its sidecar is gone.
    pub event: Option<Event>,
}

/// The launcher's front door, as far as terminals depend on it.
#[derive(Clone, Default)]
pub struct Front {
    /// Origins whose pages may show terminals.
    pub origins: Vec<String>,
    /// Which credentials an earlier launcher's terminals may go on with.
    pub standing: Option<Arc<dyn Fn() -> Vec<Lease> + Send + Sync>>,
    /// Cancelled when the launcher ends: what outlives it is not over then.
    pub closing: CancellationToken,
    /// Who keeps the tasks of terminals alive; without anybody they just run.
    pub keep: Option<Keep>,
}

struct Open {
    descriptor: Descriptor,
    client: Client,
    /// We are ending it: its end is no news, and whoever ends it says why.
    closing: bool,
}

/// Every open terminal. Clones share it.
#[derive(Clone)]
pub struct Terminals {
    inner: Arc<Inner>,
}

struct Inner {
    place: Places,
    /// Our own program, resolved once: an upgrade replaces the file.
    program: PathBuf,
    /// How long a terminal in which nothing runs waits for a launcher to come back.
    orphan_limit: Duration,
    front: RwLock<Front>,
    addresses: Addresses,
    ports: Ports,
    theme: Mutex<Option<Theme>>,
    open: Mutex<HashMap<TerminalId, Open>>,
    /// Those whose start is under way, each held until it is through.
    starting: Mutex<HashMap<TerminalId, Arc<tokio::sync::Mutex<()>>>>,
    events: mpsc::Sender<TerminalEvent>,
}

impl Terminals {
    /// No terminal is open yet; none gets `own_port`, the dashboard's. The receiver gets what the terminals say.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn new(
        place: Places,
        program: PathBuf,
        orphan_limit: Duration,
        own_port: u16,
    ) -> std::io::Result<(Self, mpsc::Receiver<TerminalEvent>)> {
        let ports = Ports::draw(&place, own_port)?;
        let (events, receiver) = mpsc::channel(EVENT_QUEUE);
        let inner = Inner {
            place,
            program,
            orphan_limit,
            front: RwLock::default(),
            addresses: Addresses::default(),
            ports,
            theme: Mutex::default(),
            open: Mutex::default(),
            starting: Mutex::default(),
            events,
        };
        let inner = Arc::new(inner);
        Ok((Self { inner }, receiver))
    }

    /// Every port that a terminal has or may get.
    pub fn ports(&self) -> &[u16] {
        self.inner.ports.all()
    }

    /// Who may show and open terminals; known once the launcher listens.
    pub fn set_front(&self, front: Front) {
        *self
            .inner
            .front
            .write()
            .unwrap_or_else(PoisonError::into_inner) = front;
    }

    /// How the person's pages look; terminals that are started from now on tell their programs.
    pub fn set_theme(&self, theme: Theme) {
        let mut known = self
            .inner
            .theme
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *known = Some(theme);
    }

    /// Starts a sidecar for what `spec` asks; paths and theme are filled in here.
    ///
    /// # Errors
    /// When it cannot be started or does not become ready.
    pub async fn start(&self, id: &TerminalId, spec: Spec) -> Result<Descriptor, TerminalError> {
        let files = self.inner.place.terminal(id);
        let turn = Arc::new(tokio::sync::Mutex::new(()));
        let held = Arc::clone(&turn).lock_owned().await;
        self.starting().insert(id.clone(), turn);
        let started = self.start_sidecar(id, &files, spec).await;
        if started.is_err() {
            remove(&files);
        }
        self.starting().remove(id);
        drop(held);
        started
    }

    async fn start_sidecar(
        &self,
        id: &TerminalId,
        files: &TerminalFiles,
        mut spec: Spec,
    ) -> Result<Descriptor, TerminalError> {
        if let Source::Program { env_set, .. } = &mut spec.source {
            env_set.insert(MARK.to_owned(), id.to_string());
            // A command session keeps its transcript in the repository, if it can; any other goes with its terminal.
            spec.log_path
                .get_or_insert_with(|| files.transcript.clone());
        }
        spec.descriptor_path = Some(files.descriptor.clone());
        spec.control_socket = Some(files.socket.clone());
        spec.launcher_lock = Some(self.inner.place.lock());
        spec.ports = self.free_ports();
        spec.theme = *self
            .inner
            .theme
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        spec.orphan_exit_seconds = self.inner.orphan_limit.as_secs();
        let bytes = serde_json::to_vec(&spec).expect("a spec is plain data");
        write_private(&files.spec, &bytes)?;
        let mut child = process::spawn_detached(&process::Spec {
            program: self.inner.program.clone(),
            args: vec![
                "terminal".into(),
                "--spec".into(),
                files.spec.clone().into(),
            ],
            cwd: self.inner.place.repo.clone(),
            env_set: Vec::new(),
            env_remove: Vec::new(),
            stdout: Output::Null,
            stderr: Output::Append(files.output.clone()),
        })?;
        let identity = child.identity;
        let ready = async {
            loop {
                if let Ok(descriptor) = Descriptor::read(&files.descriptor) {
                    break Some(descriptor);
                }
                if !files.spec.exists() {
                    // Whoever closed it meanwhile took its files away.
                    break None;
                }
                tokio::time::sleep(READY_POLL).await;
            }
        };
        let descriptor = tokio::select! {
            biased;
            descriptor = ready => descriptor,
            status = child.wait() => {
                let how = || status.map_or_else(|| "it ended".to_owned(), process::describe_exit);
                return Err(TerminalError::Died(last_words(files).unwrap_or_else(how)));
            }
            () = tokio::time::sleep(READY_LIMIT) => {
                process::terminate_tree(identity, Duration::ZERO).await?;
                return Err(TerminalError::Late);
            }
        };
        let connected = match descriptor {
            Some(descriptor) => self
                .connect(id, descriptor.clone())
                .await
                .map(|_| descriptor),
            None => Err(TerminalError::Gone),
        };
        if connected.is_err() {
            // Nobody could find it again to end it.
            process::terminate_tree(identity, Duration::ZERO).await?;
        }
        connected
    }

    /// Finds a terminal of an earlier launcher again.
    ///
    /// # Errors
    /// When it is gone.
    pub async fn adopt(&self, id: &TerminalId) -> Result<Descriptor, TerminalError> {
        let files = self.inner.place.terminal(id);
        let descriptor = announced(&files).await?;
        if !descriptor.is_alive() {
            return Err(TerminalError::Gone);
        }
        self.connect(id, descriptor.clone()).await?;
        Ok(descriptor)
    }

    /// Those that are open here.
    pub fn open_ids(&self) -> Vec<TerminalId> {
        self.lock().keys().cloned().collect()
    }

    /// Whether it is open here.
    pub fn is_open(&self, id: &TerminalId) -> bool {
        self.lock().contains_key(id)
    }

    /// Its address for whoever has this credential; it is good for nothing when that ends.
    pub fn url(&self, id: &TerminalId, mode: Mode, opener: &Lease) -> Option<String> {
        let descriptor = self.lock().get(id).map(|open| open.descriptor.clone())?;
        let made = self.inner.addresses.token(id, mode, opener)?;
        if made.first {
            self.end_with(opener.clone());
        }
        Some(descriptor.url(&made.token))
    }

    /// Whether its program runs, and how it ended.
    pub fn program(&self, id: &TerminalId) -> Option<State> {
        self.lock().get(id).map(|open| open.descriptor.state)
    }

    /// The process it runs.
    pub fn child_pid(&self, id: &TerminalId) -> Option<u32> {
        self.lock()
            .get(id)
            .and_then(|open| open.descriptor.child_pid)
    }

    /// Tells a terminal that what it reported was dealt with: it need not keep it for the next launcher.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub async fn heard(&self, id: &TerminalId, number: u64) -> Result<(), TerminalError> {
        let client = self.client(id)?;
        client.request(Request::Heard { number }).await?;
        Ok(())
    }

    /// Whether it has reports that [`heard`](Self::heard) does not know of yet.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub async fn has_reports(&self, id: &TerminalId) -> Result<bool, TerminalError> {
        let client = self.client(id)?;
        Ok(client.state().await?.untold > 0)
    }

    /// Ends it with everything that it started. Ending what is gone is fine.
    ///
    /// # Errors
    /// When something survives.
    pub async fn close(&self, id: &TerminalId, grace: Duration) -> Result<(), TerminalError> {
        let files = self.inner.place.terminal(id);
        let turn = self.starting().get(id).cloned();
        if let Some(turn) = turn {
            // Without its spec the start gives up. Until it is through nobody else knows the process, which would be left behind.
            std::fs::remove_file(&files.spec).ok();
            drop(turn.lock().await);
        }
        let descriptor = Descriptor::read(&files.descriptor);
        if let Some(open) = self.lock().get_mut(id) {
            open.closing = true;
        }
        let mut in_order = false;
        if let Ok(client) = self.client(id) {
            // An error means that it is going already; what is left is ended below.
            if client.close(grace).await.is_ok() {
                let closed = tokio::time::timeout(grace + CLOSE_GRACE, client.closed());
                in_order = closed.await.is_ok();
            }
        }
        if let Ok(descriptor) = descriptor
            && descriptor.is_alive()
        {
            let root = Identity {
                pid: descriptor.pid,
                start_ticks: descriptor.started_at_ticks,
            };
            process::terminate_tree(root, CLOSE_GRACE).await?;
        }
        if !in_order {
            process::terminate_marked(MARK, HashSet::from([id.to_string()])).await?;
        }
        self.lock().remove(id);
        self.inner.addresses.forget(id);
        remove(&files);
        Ok(())
    }

    fn client(&self, id: &TerminalId) -> Result<Client, TerminalError> {
        self.lock()
            .get(id)
            .map(|open| open.client.clone())
            .ok_or(TerminalError::Gone)
    }

    fn free_ports(&self) -> Vec<u16> {
        let taken = self
            .lock()
            .values()
            .map(|open| open.descriptor.port)
            .collect();
        self.inner.ports.without(&taken)
    }

    fn front(&self) -> Front {
        self.inner
            .front
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn starting(&self) -> MutexGuard<'_, HashMap<TerminalId, Arc<tokio::sync::Mutex<()>>>> {
        self.inner
            .starting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TerminalId, Open>> {
        self.inner
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes away all that there is of a terminal that has ended.
fn remove(files: &TerminalFiles) {
    let sockets = [&files.socket, &files.relay];
    let own = [&files.spec, &files.descriptor, &files.output];
    let transcript = codex_terminal::transcript_files(&files.transcript);
    for file in own.into_iter().chain(sockets).chain(&transcript) {
        // Most are gone already, or never were.
        std::fs::remove_file(file).ok();
    }
    // A descriptor that was just being written when its sidecar was ended.
    let folder = files.descriptor.parent().map(std::fs::read_dir);
    for entry in folder.into_iter().flatten().flatten().flatten() {
        let path = entry.path();
        let name = path.to_string_lossy();
        if name.starts_with(&*files.descriptor.to_string_lossy()) && name.ends_with(".tmp") {
            std::fs::remove_file(&path).ok();
        }
    }
}
