//! Where what sessions need is kept: one function per path, so that no two modules disagree.

use super::{PathError, Places};
use crate::domain::ids::{SessionId, TerminalId};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

impl Places {
    /// The first prompt of a session.
    pub fn prompt(&self, id: &SessionId) -> PathBuf {
        self.prompts().join(format!("{id}.md"))
    }

    /// The transcript of a session.
    pub fn log(&self, id: &SessionId) -> PathBuf {
        self.logs().join(format!("{id}.log"))
    }

    /// The folder that a planner's departments drop their results into.
    pub fn incoming(&self, planner: &SessionId) -> PathBuf {
        self.mailboxes().join(planner.as_str()).join("incoming")
    }

    /// What runs a terminal, and how to find it again.
    pub fn terminal(&self, id: &TerminalId) -> TerminalFiles {
        let file = |suffix: &str| self.terminals().join(format!("{id}.{suffix}"));
        TerminalFiles {
            spec: file("spec.json"),
            descriptor: file("json"),
            output: file("out"),
            transcript: file("log"),
            // The id's random end is enough here, and keeps the path below the limit for sockets.
            socket: self
                .runtime
                .join(format!("t-{}.sock", tail(id.as_str(), 12))),
            relay: self
                .runtime
                .join(format!("r-{}.sock", tail(id.as_str(), 12))),
        }
    }

    /// The working tree as it was when a session began.
    pub fn tree_of(&self, id: &SessionId) -> PathBuf {
        self.state.join("trees").join(format!("{id}.json"))
    }

    /// What was put away.
    pub fn history(&self) -> PathBuf {
        self.state.join("history.sqlite")
    }

    /// The journal of the harness.
    pub fn harness_journal(&self) -> PathBuf {
        self.state.join("harness.jsonl")
    }

    /// The CODEX_HOME of the terminals' TUIs: empty, so that they write nothing into the user's.
    pub fn tui_home(&self) -> PathBuf {
        self.state.join("tui-home")
    }

    /// How the next launcher finds the app-server.
    pub fn app_server_descriptor(&self) -> PathBuf {
        self.state.join("app-server.json")
    }

    /// Where the app-server runs; nothing lies there.
    pub fn app_server_folder(&self) -> PathBuf {
        self.state.join("app-server")
    }

    /// Where the app-server listens.
    pub fn app_server_socket(&self) -> PathBuf {
        self.runtime.join("codex.sock")
    }
}

/// Ids of terminals that only show a Codex thread begin with this.
pub const TUI_PREFIX: &str = "tui";

/// The files of one terminal.
#[derive(Debug, Clone)]
pub struct TerminalFiles {
    /// What it was asked to run.
    pub spec: PathBuf,
    /// How to find it.
    pub descriptor: PathBuf,
    /// What it said when it could not start.
    pub output: PathBuf,
    /// What its program printed, where no session keeps that.
    pub transcript: PathBuf,
    /// Where it takes orders.
    pub socket: PathBuf,
    /// Where its program finds the app-server, if it is a TUI: beside the app-server's own socket, in the folder that is the user's alone.
    pub relay: PathBuf,
}

fn tail(text: &str, chars: usize) -> &str {
    &text[text.len().saturating_sub(chars)..]
}

/// Makes a folder, with what leads to it, that only the user can open, whatever the umask. What is there stays as it is.
///
/// # Errors
/// What the system says.
pub fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// Writes a file that only the user can read, so that a reader sees the old or the new one, never a part. It is on disk
/// when this returns.
///
/// # Errors
/// What the system says.
pub fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let folder = path.parent().unwrap_or(Path::new("."));
    make_private(folder)?;
    // A temporary file of this crate has mode 0600; its name is that of a draft (see `drafts`).
    let mut file = tempfile::Builder::new()
        .prefix(".")
        .suffix(".tmp")
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    std::fs::File::open(folder)?.sync_all()
}

impl Places {
    /// Checks that the state folder, if there is one, is this repository's; makes and changes nothing.
    ///
    /// # Errors
    /// When it is another repository's.
    pub fn check_claim(&self) -> Result<(), PathError> {
        match std::fs::read(self.state.join("repository")) {
            Ok(written) if written != self.repo.as_os_str().as_bytes() => {
                Err(PathError::OtherRepository {
                    state: self.state.clone(),
                    other: String::from_utf8_lossy(&written).into_owned(),
                })
            }
            _ => Ok(()),
        }
    }
}
