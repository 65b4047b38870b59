//! What one sidecar is asked to run: the file the launcher hands over. Owns validation of that file;
//! never starts anything.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::colours::Theme;
use crate::descriptor::State;

/// Everything a sidecar needs to know, written by the launcher as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The launcher's name for this terminal.
    pub id: String,
    /// The title shown in the page; the program cannot change it.
    #[serde(default)]
    pub title: String,
    /// The program or file to show.
    pub source: Source,
    /// Width until a viewer sizes it.
    #[serde(default = "default_cols")]
    pub cols: u16,
    /// Height until a viewer sizes it.
    #[serde(default = "default_rows")]
    pub rows: u16,
    /// Where the raw output is kept; rotated once to `<log_path>.1`.
    #[serde(default)]
    pub log_path: Option<PathBuf>,
    /// Size at which the transcript is rotated.
    #[serde(default = "default_log_bytes")]
    pub log_bytes: u64,
    /// Where the descriptor is written once the terminal is ready, and again at its end.
    #[serde(default)]
    pub descriptor_path: Option<PathBuf>,
    /// The unix socket that the launcher controls this terminal through.
    #[serde(default)]
    pub control_socket: Option<PathBuf>,
    /// Stands between the program and its server, if it is to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay: Option<Relay>,
    /// The ports that it may have, best first; none: any free one.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// The lock that the launcher holds: who says to be it, over the control socket, is believed by this. Absent: any
    /// process of the user is.
    #[serde(default)]
    pub launcher_lock: Option<PathBuf>,
    /// How the person's pages look, if that is known: what a program is told that asks for its colours while no page
    /// that may write is there to answer.
    #[serde(default)]
    pub theme: Option<Theme>,
    /// How much output is kept in memory for viewers that reconnect.
    #[serde(default = "default_ring_bytes")]
    pub ring_bytes: usize,
    /// Ends by itself when nothing runs here, nobody looks and no control connection came for this long.
    #[serde(default = "default_orphan_exit_seconds")]
    pub orphan_exit_seconds: u64,
    /// How long the last screen is served after the program's end; absent: until closed.
    #[serde(default)]
    pub linger_after_exit_seconds: Option<u64>,
    /// A viewer that gives no sign of life for this long is gone. It is pinged three times as often.
    #[serde(default = "default_silent_after_seconds")]
    pub silent_after_seconds: u64,
}

/// Two sockets between which bytes are passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    /// Where the terminal listens, for its program: in a folder that is closed to other users.
    pub socket: PathBuf,
    /// Where it passes on to: the app-server's.
    pub upstream: PathBuf,
}

/// What a terminal shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// A program in a PTY of its own session.
    Program {
        /// The program and its arguments; never passed through a shell.
        argv: Vec<String>,
        /// The folder it starts in.
        cwd: PathBuf,
        /// Variables added to the sidecar's own environment.
        #[serde(default)]
        env_set: BTreeMap<String, String>,
        /// Variables taken out of the sidecar's own environment.
        #[serde(default)]
        env_remove: Vec<String>,
    },
    /// A log file, followed as it grows; nobody can type into it.
    File {
        /// The file to show.
        path: PathBuf,
        /// How the program that wrote it fares, as far as the launcher knows.
        #[serde(default)]
        state: State,
    },
}

/// Why a spec cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read.
    #[error("read the terminal spec {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a spec.
    #[error("parse the terminal spec {path}: {source}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// A field has a value that cannot work.
    #[error("use the terminal spec: {0}")]
    Invalid(String),
}

fn default_cols() -> u16 {
    120
}

fn default_rows() -> u16 {
    32
}

/// A Codex session of a working day writes a few MiB; 16 MiB twice keeps the whole of nearly all of them.
fn default_log_bytes() -> u64 {
    16 << 20
}

/// Two MiB hold minutes of a busy TUI; a tenth would turn short network pauses into gaps, ten times would
/// make twenty terminals cost 400 MiB.
fn default_ring_bytes() -> usize {
    2 << 20
}

fn default_orphan_exit_seconds() -> u64 {
    24 * 3600
}

/// A tenth would cut off a browser whose machine stalls for a moment; ten times as much would keep the places of
/// viewers that are gone for ten minutes.
fn default_silent_after_seconds() -> u64 {
    60
}

/// The ring must hold several reads of 64 KiB, or the PTY would wait for the recorder after each.
pub const MIN_RING_BYTES: usize = 256 << 10;
const MAX_RING_BYTES: usize = 256 << 20;

impl Spec {
    /// A spec for a program with every setting at its default.
    pub fn program(id: impl Into<String>, argv: Vec<String>, cwd: PathBuf) -> Self {
        Self::with_source(
            id.into(),
            Source::Program {
                argv,
                cwd,
                env_set: BTreeMap::new(),
                env_remove: Vec::new(),
            },
        )
    }

    /// A spec that shows one file read-only, with how its program fares and with every setting at its default.
    pub fn file(id: impl Into<String>, path: PathBuf, state: State) -> Self {
        Self::with_source(id.into(), Source::File { path, state })
    }

    fn with_source(id: String, source: Source) -> Self {
        Self {
            title: id.clone(),
            id,
            source,
            cols: default_cols(),
            rows: default_rows(),
            log_path: None,
            log_bytes: default_log_bytes(),
            descriptor_path: None,
            control_socket: None,
            relay: None,
            ports: Vec::new(),
            launcher_lock: None,
            theme: None,
            ring_bytes: default_ring_bytes(),
            orphan_exit_seconds: default_orphan_exit_seconds(),
            linger_after_exit_seconds: None,
            silent_after_seconds: default_silent_after_seconds(),
        }
    }

    /// Reads and checks a spec file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        let spec: Self = serde_json::from_slice(&bytes).map_err(|source| Error::Parse {
            path: path.to_owned(),
            source,
        })?;
        spec.checked()
    }

    /// Writes it as a file that only the user can read (its environment may hold secrets).
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)
    }

    /// Refuses what cannot work and clamps what can be clamped.
    pub fn checked(mut self) -> Result<Self, Error> {
        if let Source::Program { argv, cwd, .. } = &self.source {
            if argv.first().is_none_or(String::is_empty) {
                return Err(Error::Invalid("argv names no program".into()));
            }
            if argv.iter().any(|arg| arg.contains('\0')) {
                return Err(Error::Invalid("argv holds a NUL byte".into()));
            }
            // portable-pty would silently fall back to the home folder.
            if !cwd.is_dir() {
                return Err(Error::Invalid(format!(
                    "the folder {} does not exist",
                    cwd.display()
                )));
            }
        }
        if let Some(relay) = &self.relay {
            for path in [&relay.socket, &relay.upstream] {
                check_socket_path(path)?;
            }
        }
        let (cols, rows) = clamp_size(self.cols, self.rows);
        (self.cols, self.rows) = (cols, rows);
        self.ring_bytes = self.ring_bytes.clamp(MIN_RING_BYTES, MAX_RING_BYTES);
        self.log_bytes = self.log_bytes.max(64 << 10);
        self.silent_after_seconds = self.silent_after_seconds.clamp(1, 3600);
        Ok(self)
    }
}

/// `sun_path` holds 104 bytes on the shortest system, one of which is the closing zero.
const MAX_SOCKET_PATH_BYTES: usize = 103;

fn check_socket_path(path: &Path) -> Result<(), Error> {
    let length = path.as_os_str().as_bytes().len();
    if length <= MAX_SOCKET_PATH_BYTES {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "the socket path {} has {length} bytes, and {MAX_SOCKET_PATH_BYTES} are allowed",
        path.display()
    )))
}

/// No terminal has a side of zero or of more than 1,000 cells.
pub fn clamp_size(cols: u16, rows: u16) -> (u16, u16) {
    (cols.clamp(1, 1000), rows.clamp(1, 1000))
}

/// Accepts `http(s)://host[:port]` only, because the text ends up in a response header.
pub fn check_origin(origin: &str) -> Result<(), Error> {
    let rest = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    let fine = rest.is_some_and(|rest| {
        !rest.is_empty()
            && rest
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b))
    });
    if fine {
        Ok(())
    } else {
        Err(Error::Invalid(format!(
            "the frame origin {origin:?} is not of the form http://host:port"
        )))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_minimal_spec_gets_defaults_and_unknown_fields_are_refused() {
        let spec: Spec =
            serde_json::from_str(r#"{"id":"a","source":{"kind":"file","path":"/x"}}"#).unwrap();
        assert_eq!((spec.cols, spec.rows, spec.ring_bytes), (120, 32, 2 << 20));
        assert_eq!(spec.orphan_exit_seconds, 86_400);
        let wrong = r#"{"id":"a","source":{"kind":"file","path":"/x"},"colour":1}"#;
        assert!(serde_json::from_str::<Spec>(wrong).is_err());
    }

    #[test]
    fn bad_specs_are_refused_with_a_sentence() {
        let dir = std::env::temp_dir();
        let empty = Spec::program("a", vec![], dir.clone()).checked();
        assert!(empty.unwrap_err().to_string().contains("no program"));
        let gone = Spec::program("a", vec!["true".into()], dir.join("not/there")).checked();
        assert!(gone.unwrap_err().to_string().contains("does not exist"));
        for origin in [
            "http://a b",
            "javascript:x",
            "http://a;script-src *",
            "http://",
        ] {
            assert!(check_origin(origin).is_err(), "{origin}");
        }
        let mut long = Spec::program("a", vec!["true".into()], dir.clone());
        long.relay = Some(Relay {
            socket: PathBuf::from(format!("/{}", "二".repeat(35))),
            upstream: PathBuf::from("/x"),
        });
        let sentence = long.checked().unwrap_err().to_string();
        assert!(sentence.contains("has 106 bytes"), "{sentence}");
        let mut spec = Spec::program("a", vec!["true".into()], dir);
        (spec.cols, spec.rows) = (0, 65_535);
        let spec = spec.checked().unwrap();
        assert_eq!((spec.cols, spec.rows), (1, 1000));
    }
}
