//! The file by which the next launcher finds a running sidecar again. Written whole (temporary name, sync,
//! rename) with mode 0600. It holds no secret: sandboxed programs may be able to read it.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use crate::token::Mode;

/// A terminal as it stands on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// The launcher's name for it.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The sidecar's process.
    pub pid: u32,
    /// When that process started, as [`local_os::platform::process_start_ticks`] gives it: pid and this together are its identity.
    pub started_at_ticks: u64,
    /// The program's process; none when a file is shown.
    pub child_pid: Option<u32>,
    /// The loopback port of page and WebSocket.
    pub port: u16,
    /// The control socket.
    pub control_socket: Option<PathBuf>,
    /// The transcript.
    pub log_path: Option<PathBuf>,
    /// Whether the program runs.
    pub state: State,
    /// When the sidecar was ready.
    pub started_at: DateTime<Utc>,
    /// When the program ended.
    pub exited_at: Option<DateTime<Utc>>,
}

/// Whether the program runs, and how it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It runs (or a file is shown whose program may).
    #[default]
    Running,
    /// It ended by itself (`code`) or by a signal, or nobody knows how.
    Exited {
        /// Exit code.
        code: Option<i32>,
        /// Signal number.
        signal: Option<i32>,
    },
}

/// Why a descriptor could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused.
    #[error("{action} the terminal descriptor {path}")]
    Io {
        /// read or write.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file does not hold a descriptor.
    #[error("parse the terminal descriptor {path}: {source}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
}

impl Descriptor {
    /// Reads a descriptor.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|source| Error::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        serde_json::from_slice(&bytes).map_err(|source| Error::Parse {
            path: path.to_owned(),
            source,
        })
    }

    /// Writes it so that a reader sees the old or the new one, never a part.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let bytes = serde_json::to_vec_pretty(self).map_err(|source| Error::Parse {
            path: path.to_owned(),
            source,
        })?;
        write_private(path, &bytes).map_err(|source| Error::Io {
            action: "write",
            path: path.to_owned(),
            source,
        })
    }

    /// The page's address with a token in its fragment.
    pub fn url(&self, token: &str) -> String {
        format!("{}#token={token}", self.address())
    }

    /// The page's address without a token.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Whether the sidecar that wrote this still lives (pid and start time both match).
    pub fn is_alive(&self) -> bool {
        local_os::platform::process_start_ticks(self.pid) == Some(self.started_at_ticks)
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_comes_back_as_written_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.json");
        let descriptor = Descriptor {
            id: "a".into(),
            title: "A".into(),
            pid: std::process::id(),
            started_at_ticks: local_os::platform::process_start_ticks(std::process::id()).unwrap(),
            child_pid: None,
            port: 1,
            control_socket: None,
            log_path: None,
            state: State::Exited {
                code: Some(3),
                signal: None,
            },
            started_at: Utc::now(),
            exited_at: None,
        };
        descriptor.write(&path).unwrap();
        descriptor.write(&path).unwrap();
        assert_eq!(Descriptor::read(&path).unwrap(), descriptor);
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(descriptor.url("r"), "http://127.0.0.1:1/#token=r");
        assert!(descriptor.is_alive());
        let other = Descriptor {
            started_at_ticks: 1,
            ..descriptor
        };
        assert!(!other.is_alive());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
