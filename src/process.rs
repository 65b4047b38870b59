//! Owns the start and the end of every process the launcher starts: identity (pid plus start time), detached start in an own session,
//! and the end of a whole tree (TERM, grace, KILL, checked empty). It knows nothing of Codex, sessions or terminals, never signals a
//! process whose start time differs from the one it was told, and never signals the launcher itself.

mod bounded;
pub mod confined;
pub mod kept;
mod marked;
mod platform;
mod tree;

use crate::domain::sentence::say;
use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    io,
    os::unix::{
        fs::OpenOptionsExt,
        process::{CommandExt, ExitStatusExt},
    },
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub use bounded::{Job, JobEnd, JobOutcome, run};
pub use marked::terminate_marked;
pub use platform::ignores_hang_up;
pub use tree::{Tree, terminate_tree};

/// A process that cannot be mistaken for another one: pids are reused, a pid together with its start time is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Process id.
    pub pid: u32,
    /// Start time: clock ticks since boot on Linux, seconds since 1970 elsewhere.
    pub start_ticks: u64,
}

/// The signals this module sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ask to end.
    Term,
    /// End, unconditionally.
    Kill,
    /// Freeze, so that a tree stops growing while it is killed.
    Stop,
    /// Thaw, so that a frozen process can act on `Term`.
    Continue,
}

/// What can go wrong with processes.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program could not be started.
    #[error("{}", say!("reason.process.start", program, source))]
    Spawn {
        /// The program's path.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file that takes the program's output could not be opened.
    #[error("{}", say!("reason.process.log", path, source))]
    Log {
        /// The log's path.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Processes were left after KILL (in uninterruptible sleep, or of another user).
    #[error("{}", say!("reason.process.survivors", pids = format_args!("{pids:?}")))]
    Survivors {
        /// What is left.
        pids: Vec<u32>,
    },
    /// The worker thread that looks at processes ended early.
    #[error("look at processes: {0}")]
    Worker(String),
}

impl Identity {
    /// The identity of a pid that exists now (a zombie has one too).
    pub fn of(pid: u32) -> Option<Self> {
        platform::process(pid).as_ref().map(Self::from)
    }

    /// Whether this very process still runs. A zombie does not.
    pub fn is_alive(&self) -> bool {
        platform::process(self.pid)
            .is_some_and(|process| Self::from(&process) == *self && !process.zombie)
    }

    /// Sends a signal to this very process; `false` when it is gone.
    pub fn signal(&self, signal: Signal) -> bool {
        platform::signal(self.pid, self.start_ticks, signal.into())
    }

    /// Returns when the process has ended.
    pub async fn exited(&self) {
        platform::exited(*self).await;
    }

    /// The process that started this very one, or took it over when that one ended.
    pub fn parent(&self) -> Option<Self> {
        let own = platform::process(self.pid).filter(|own| Self::from(own) == *self)?;
        // One that began later only has the pid of the parent that is gone.
        Self::of(own.parent).filter(|parent| parent.start_ticks <= self.start_ticks)
    }

    /// The arguments of the process, where the platform shows them.
    pub fn arguments(&self) -> Option<Vec<OsString>> {
        self.is_alive()
            .then(|| platform::arguments(self.pid))
            .flatten()
    }
}

/// Where the output of a detached program goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Nowhere.
    Null,
    /// Appended to a file that only the user can read.
    Append(PathBuf),
}

impl Output {
    fn open(&self) -> Result<Stdio, ProcessError> {
        match self {
            Self::Null => Ok(Stdio::null()),
            Self::Append(path) => {
                append(path)
                    .map(Stdio::from)
                    .map_err(|source| ProcessError::Log {
                        path: path.display().to_string(),
                        source,
                    })
            }
        }
    }
}

fn append(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

/// What to start.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its working directory.
    pub cwd: PathBuf,
    /// Variables that are set over the inherited environment.
    pub env_set: Vec<(OsString, OsString)>,
    /// Variables that are taken out of the inherited environment.
    pub env_remove: Vec<OsString>,
    /// Standard output.
    pub stdout: Output,
    /// Standard error.
    pub stderr: Output,
}

/// A started program that outlives the launcher.
#[derive(Debug, Clone)]
pub struct Detached {
    /// Who it is.
    pub identity: Identity,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Detached {
    /// The exit status, as soon as there is one.
    pub async fn wait(&mut self) -> Option<ExitStatus> {
        match self.exit.wait_for(Option::is_some).await {
            Ok(status) => *status,
            // The reaper ended without a status: the runtime is going down.
            Err(_) => None,
        }
    }
}

/// Starts a program in a session of its own, with no terminal and standard input closed, so that it outlives the launcher and takes no signal
/// meant for it. While the launcher lives, a task reaps the program, so it never stays a zombie. Needs a tokio runtime.
pub fn spawn_detached(spec: &Spec) -> Result<Detached, ProcessError> {
    let failed = |source| ProcessError::Spawn {
        program: spec.program.display().to_string(),
        source,
    };
    let mut command = std::process::Command::new(&spec.program);
    command
        .args(&spec.args)
        .current_dir(&spec.cwd)
        .stdin(Stdio::null())
        .stdout(spec.stdout.open()?)
        .stderr(spec.stderr.open()?);
    for name in &spec.env_remove {
        command.env_remove(name);
    }
    for (name, value) in &spec.env_set {
        command.env(name, value);
    }
    in_own_session(&mut command);
    let mut child = tokio::process::Command::from(command)
        .spawn()
        .map_err(failed)?;
    // Read before anything waits for the child: until then even one that has already ended keeps its pid.
    let identity = child
        .id()
        .and_then(Identity::of)
        .ok_or_else(|| failed(io::Error::other("it left no trace")))?;
    let (exit_sender, exit) = watch::channel(None);
    tokio::spawn(async move {
        let status = child.wait().await.unwrap_or_else(|error| {
            tracing::warn!(pid = identity.pid, %error, "could not wait for a child");
            ExitStatus::from_raw(0)
        });
        exit_sender.send_replace(Some(status));
    });
    Ok(Detached { identity, exit })
}

/// A session, not only a process group: a group would keep the launcher's terminal as its controlling terminal, so a command started by an agent
/// could open `/dev/tty` and read the person's passwords or type into their shell. The session id also finds members that were
/// orphaned. std has no stable `setsid`, hence the one exception from `unsafe_code = "deny"` in this package.
#[allow(unsafe_code)]
fn in_own_session(command: &mut std::process::Command) {
    let enter = || rustix::process::setsid().map(drop).map_err(io::Error::from);
    // SAFETY: the closure runs between fork and exec, makes one async-signal-safe system call and touches no memory of the parent.
    unsafe { command.pre_exec(enter) };
}

/// How a process ended, for people.
pub fn describe_exit(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("it exited with code {code}"),
        (None, Some(signal)) => format!("it was ended by signal {signal}"),
        (None, None) => "it ended".to_owned(),
    }
}

/// The pause between two looks at processes that are expected to end: short enough that a stop feels immediate, long enough that scanning `/proc` costs
/// little.
const POLL: Duration = Duration::from_millis(15);
