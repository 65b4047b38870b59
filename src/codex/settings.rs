//! Owns what the supervisor is told: which program, which folders, which options and which patience. It reads nothing by itself.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::PathBuf,
    time::Duration,
};

use sha2::{Digest, Sha256};

use super::calls::ClientInfo;
use crate::domain::hex::hex;

/// How the app-server is run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The program, already resolved (see [`super::find::resolve`]).
    pub codex_bin: PathBuf,
    /// Its CODEX_HOME; `None` leaves the environment's.
    pub codex_home: Option<PathBuf>,
    /// Where it listens. At most 107 bytes (103 on macOS), in a folder that only the user can enter.
    pub socket: PathBuf,
    /// Where its identity is written, so that the next launcher adopts it.
    pub descriptor: PathBuf,
    /// Where its output goes.
    pub log: PathBuf,
    /// Where it runs: an empty folder of its own. Each thread names its directory; but a command without a thread may write wherever the
    /// app-server itself runs, whatever directory it names.
    pub folder: PathBuf,
    /// Each becomes `-c …`; the MCP server comes this way, since it must be known to every thread of the process.
    pub config_overrides: Vec<String>,
    /// Variables set over the inherited environment. Like every option they are part of what adoption compares, so nothing that changes from
    /// start to start belongs here.
    pub env_set: Vec<(OsString, OsString)>,
    /// Variables taken out of it.
    pub env_remove: Vec<OsString>,
    /// Who we say we are.
    pub client: ClientInfo,
    /// Notifications that we do not want.
    pub opt_out: Vec<String>,
    /// How patient to be.
    pub timing: Timing,
}

/// How patient the supervisor is. The defaults are the product's; tests shorten them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// From start to the answer of `initialize`. Measured 0.1 to 0.5 s; a tenth of this would fail on a busy disk.
    pub ready_limit: Duration,
    /// The longest wait for the reply to a call.
    pub call_limit: Duration,
    /// Silence, pings included, after which a connection counts as dead, so that a frozen app-server is noticed. Two fifths of it lie between
    /// pings; a tenth would drop busy connections, ten times would hide a frozen app-server for minutes.
    pub silence_limit: Duration,
    /// The pause after the first death.
    pub backoff_first: Duration,
    /// The longest pause.
    pub backoff_longest: Duration,
    /// So many deaths inside `death_window` open the circuit.
    pub deaths_allowed: usize,
    /// See `deaths_allowed`.
    pub death_window: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            ready_limit: Duration::from_secs(20),
            call_limit: Duration::from_secs(60),
            silence_limit: Duration::from_secs(50),
            backoff_first: Duration::from_secs(1),
            backoff_longest: Duration::from_secs(30),
            deaths_allowed: 5,
            death_window: Duration::from_secs(60),
        }
    }
}

impl Settings {
    /// The arguments of the program.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let mut listen = OsString::from("unix://");
        listen.push(&self.socket);
        self.config_overrides
            .iter()
            .flat_map(|value| [OsString::from("-c"), OsString::from(value)])
            .chain(["app-server".into(), "--listen".into(), listen])
            .collect()
    }

    /// The variables set for the program.
    pub(super) fn environment(&self) -> Vec<(OsString, OsString)> {
        let home = self
            .codex_home
            .iter()
            .map(|home| ("CODEX_HOME".into(), home.clone().into_os_string()));
        self.env_set.iter().cloned().chain(home).collect()
    }

    /// Tells whether a running app-server was started as this launcher would start it. A hash, since the environment may hold secrets.
    pub(super) fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |part: &OsStr| {
            hash.update(part.len().to_le_bytes());
            hash.update(part.as_bytes());
        };
        add(self.codex_bin.as_os_str());
        add(self.folder.as_os_str());
        self.arguments().iter().for_each(|part| add(part));
        for (name, value) in self.environment() {
            add(&name);
            add(&value);
        }
        add(OsStr::new("without"));
        self.env_remove.iter().for_each(|part| add(part));
        hex(&hash.finalize())
    }
}
