//! Where things are: the repository, the state folder outside of it, the short folder for sockets. Owns finding and
//! making them, with the right owner and mode; `inside` opens what agents can tamper with; `lock` keeps a second server away, `server_file` says where one listens.
//! It never reads what is in the files it names.

mod drafts;
mod files;
pub mod inside;
mod lock;
mod server_file;
mod state_folder;

pub use files::{TUI_PREFIX, TerminalFiles, make_private, write_private};
pub use lock::{Holder, Lock, LockError, running};
pub use server_file::ServerFile;

use crate::domain::hex::hex;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

/// Longest path of the socket folder, so that a name of ours fits into `sun_path` (104 bytes on the shortest system).
const MAX_RUNTIME_BYTES: usize = 70;

/// The process's environment, taken once, so that nothing below `config` reads it.
#[derive(Debug, Clone, Default)]
pub struct Environment(HashMap<OsString, OsString>);

impl Environment {
    /// The real one.
    pub fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// The same with one variable set.
    pub fn with(&self, name: &str, value: impl Into<OsString>) -> Self {
        let mut variables = self.0.clone();
        variables.insert(name.into(), value.into());
        Self(variables)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &OsStr> {
        self.0.keys().map(OsString::as_os_str)
    }

    /// An absolute path in a variable; anything else counts as not set, as the XDG specification demands.
    fn absolute(&self, name: &str) -> Option<PathBuf> {
        self.get(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let pairs = variables.into_iter();
        Self(pairs.map(|(n, v)| (n.into(), v.into())).collect())
    }
}

/// Why a place cannot be used. Display is a whole sentence for the person.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// `--repo` names nothing.
    #[error("{0} does not exist; name a Git repository with `--repo PATH`")]
    NoSuchFolder(PathBuf),
    /// Not in a repository.
    #[error(
        "{0} is not in a Git repository; go to one, name one with `--repo PATH`, or make one with `git init`"
    )]
    NoRepository(PathBuf),
    /// `--repo` names a folder inside of one.
    #[error(
        "{given} is not a Git repository but lies in the one at {root}; name that with `--repo`"
    )]
    InsideRepository {
        /// What was named.
        given: PathBuf,
        /// The repository.
        root: PathBuf,
    },
    /// No home.
    #[error(
        "there is no place for zhongshu's state: set HOME, or name a folder with `--state-dir`"
    )]
    NoHome,
    /// Agents could write it.
    #[error(
        "the state folder {state} lies inside the repository {repo}, where agents can write; name another one with `--state-dir`"
    )]
    StateInRepository {
        /// The state folder.
        state: PathBuf,
        /// The repository.
        repo: PathBuf,
    },
    /// Agents could write it from inside of their sandbox.
    #[error(
        "the state folder {state} lies below {open}, where the commands of a sandboxed agent may write, so an agent could change the journal; name another folder with `--state-dir`, or allow this one with `--allow-writable-state`"
    )]
    StateWithinReach {
        /// The state folder.
        state: PathBuf,
        /// The folder that is open to agents.
        open: PathBuf,
    },
    /// Another user's, or open to others.
    #[error("{path} cannot be used for zhongshu's private files: {reason}")]
    NotPrivate {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The state of another repository.
    #[error(
        "the state folder {state} belongs to the repository {other}; name another one with `--state-dir`"
    )]
    OtherRepository {
        /// The state folder.
        state: PathBuf,
        /// The repository that it belongs to.
        other: String,
    },
    /// The system refused.
    #[error("{path}: {source}")]
    Io {
        /// What was touched.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> PathError {
    let path = path.to_owned();
    move |source| PathError::Io { path, source }
}

/// The root of the repository to work on, with every link resolved: `given`, or the one around `cwd`.
///
/// # Errors
/// When there is none.
pub fn find_repository(given: Option<&Path>, cwd: &Path) -> Result<PathBuf, PathError> {
    let start = given.unwrap_or(cwd);
    let start = cwd.join(start);
    let real = start
        .canonicalize()
        .ok()
        .filter(|real| real.is_dir())
        .ok_or_else(|| PathError::NoSuchFolder(start.clone()))?;
    let root = real
        .ancestors()
        .find(|folder| is_repository(folder))
        .ok_or_else(|| PathError::NoRepository(real.clone()))?;
    if given.is_some() && root != real {
        return Err(PathError::InsideRepository {
            given: real.clone(),
            root: root.to_owned(),
        });
    }
    Ok(root.to_owned())
}

/// A `.git` file, or a `.git` folder with a HEAD in it: Codex's sandbox leaves empty `.git` folders behind, in `/tmp`
/// for example, and those are no repositories.
fn is_repository(folder: &Path) -> bool {
    let git = folder.join(".git");
    git.is_file() || git.join("HEAD").exists()
}

/// Every place of one repository's zhongshu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The repository's root, real path.
    pub repo: PathBuf,
    /// The state folder, real path as far as it exists.
    pub state: PathBuf,
    /// The folder for sockets.
    pub runtime: PathBuf,
}

impl Places {
    /// Works out the places; makes nothing.
    ///
    /// # Errors
    /// When the state folder would lie inside the repository, or there is no home.
    pub fn of(
        repo: &Path,
        state_dir: Option<&Path>,
        cwd: &Path,
        environment: &Environment,
    ) -> Result<Self, PathError> {
        let state = match state_dir {
            Some(given) => cwd.join(given),
            None => Self::all_states(environment)?.join(state_name(repo)),
        };
        let state = real_as_far_as_it_exists(&state);
        if state.starts_with(repo) {
            return Err(PathError::StateInRepository {
                state,
                repo: repo.to_owned(),
            });
        }
        let runtime = runtime_folder(&state, environment);
        Ok(Self {
            repo: repo.to_owned(),
            state,
            runtime,
        })
    }

    /// Makes the folders, for us alone, and writes down whose they are.
    ///
    /// # Errors
    /// When one of them is another user's, open to others, or the state of another repository.
    pub fn create(&self) -> Result<(), PathError> {
        self.create_state()?;
        make_runtime_folder(&self.runtime)
    }

    /// Makes the state folder alone, for what needs no socket.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_state(&self) -> Result<(), PathError> {
        make_state_folder(&self.state)?;
        claim(&self.state, &self.repo)
    }

    /// `.tmp` in the repository, made if need be and hidden from Git.
    ///
    /// # Errors
    /// When something else is there, a link for example: it could lead anywhere.
    pub fn create_scratch(&self) -> Result<PathBuf, PathError> {
        let scratch = self.scratch();
        match std::fs::create_dir(&scratch) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(io_error(&scratch)(error));
            }
            _ => {}
        }
        let found = std::fs::symlink_metadata(&scratch).map_err(io_error(&scratch))?;
        if !found.is_dir() {
            return Err(PathError::NotPrivate {
                path: scratch,
                reason: "it must be a folder, not a link or a file; move it away".to_owned(),
            });
        }
        let ignore = scratch.join(".gitignore");
        match std::fs::File::create_new(&ignore) {
            Ok(mut file) => io::Write::write_all(&mut file, b"*\n").map_err(io_error(&ignore))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io_error(&ignore)(error)),
        }
        Ok(scratch)
    }

    /// `.tmp` in the repository.
    pub fn scratch(&self) -> PathBuf {
        self.repo.join(".tmp")
    }

    /// The journal.
    pub fn journal(&self) -> PathBuf {
        self.state.join("journal.jsonl")
    }

    /// The journal's copy in the repository.
    pub fn audit_copy(&self) -> PathBuf {
        self.scratch().join("codex_governance_audit.jsonl")
    }

    /// The mailboxes of all planners.
    pub fn mailboxes(&self) -> PathBuf {
        self.scratch().join("codex_governance_mailbox")
    }

    /// First prompts, one file per session.
    pub fn prompts(&self) -> PathBuf {
        self.scratch().join("codex_governance_prompts")
    }

    /// Transcripts.
    pub fn logs(&self) -> PathBuf {
        self.scratch().join("codex_governance_logs")
    }

    /// The launcher's own socket.
    pub fn socket(&self) -> PathBuf {
        self.runtime.join("launcher.sock")
    }

    /// Descriptors of terminals.
    pub fn terminals(&self) -> PathBuf {
        self.state.join("terminals")
    }

    /// How the person's pages look.
    pub fn preferences(&self) -> PathBuf {
        self.state.join("preferences.json")
    }

    /// Where a running server says how to reach it.
    pub fn server_file(&self) -> PathBuf {
        self.state.join("server.json")
    }
}

/// A name that a person recognises and that two repositories of the same name do not share.
fn state_name(repo: &Path) -> String {
    let name = repo.file_name().unwrap_or(OsStr::new("repository"));
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name: String = name
        .to_string_lossy()
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .take(40)
        .collect();
    format!("{name}-{}", short_hash(repo))
}

fn short_hash(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_bytes());
    hex(&digest[..6])
}

fn real_as_far_as_it_exists(path: &Path) -> PathBuf {
    for existing in path.ancestors() {
        if let Ok(real) = existing.canonicalize() {
            let rest = path
                .strip_prefix(existing)
                .expect("it is one of the path's ancestors");
            let mut whole = real;
            for part in rest.components() {
                match part {
                    // What does not exist has no links, so `..` means what it says.
                    std::path::Component::ParentDir => {
                        whole.pop();
                    }
                    part => whole.push(part),
                }
            }
            // Having gone up it may be among links again.
            return if whole == path {
                whole
            } else {
                real_as_far_as_it_exists(&whole)
            };
        }
    }
    path.to_owned()
}

fn runtime_folder(state: &Path, environment: &Environment) -> PathBuf {
    let hash = short_hash(state);
    let own = rustix::process::geteuid().as_raw();
    environment
        .absolute("XDG_RUNTIME_DIR")
        .filter(|base| std::fs::metadata(base).is_ok_and(|it| it.is_dir() && it.uid() == own))
        .map(|base| base.join(format!("zhongshu-{hash}")))
        .filter(|folder| folder.as_os_str().len() <= MAX_RUNTIME_BYTES)
        .unwrap_or_else(|| PathBuf::from(format!("/tmp/zhongshu-{own}-{hash}")))
}

fn check_owner(path: &Path, found: &Metadata) -> Result<(), PathError> {
    let refuse = |reason: &str| {
        Err(PathError::NotPrivate {
            path: path.to_owned(),
            reason: reason.to_owned(),
        })
    };
    if !found.is_dir() {
        return refuse("it is not a folder");
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return refuse("it belongs to another user");
    }
    Ok(())
}

fn is_open_to_others(found: &Metadata) -> bool {
    found.permissions().mode() & 0o077 != 0
}

fn make_state_folder(path: &Path) -> Result<(), PathError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(io_error(path))?;
    let found = std::fs::metadata(path).map_err(io_error(path))?;
    check_owner(path, &found)?;
    if !is_open_to_others(&found) {
        return Ok(());
    }
    // A folder of ours or an empty one may be closed; somebody's home must not be.
    let ours = path.join("lock").exists();
    let empty = || std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    if ours || empty() {
        let private = std::fs::Permissions::from_mode(0o700);
        return std::fs::set_permissions(path, private).map_err(io_error(path));
    }
    Err(PathError::NotPrivate {
        path: path.to_owned(),
        reason: "other users can open it and it holds other things; name a folder of its own with `--state-dir`, or close it with `chmod 700`".to_owned(),
    })
}

/// The journal of one repository must never be replayed for another one.
fn claim(state: &Path, repo: &Path) -> Result<(), PathError> {
    let path = state.join("repository");
    let own = repo.as_os_str().as_bytes();
    match std::fs::read(&path) {
        Ok(written) if written == own => Ok(()),
        Ok(written) => Err(PathError::OtherRepository {
            state: state.to_owned(),
            other: String::from_utf8_lossy(&written).into_owned(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let write = || {
                let mut file = std::fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&path)?;
                io::Write::write_all(&mut file, own)
            };
            write().map_err(io_error(&path))
        }
        Err(error) => Err(io_error(&path)(error)),
    }
}

/// In `/tmp` anybody could have been there first: what is there must be a real folder of ours.
fn make_runtime_folder(path: &Path) -> Result<(), PathError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(io_error(path)(error));
        }
        _ => {}
    }
    let found = std::fs::symlink_metadata(path).map_err(io_error(path))?;
    check_owner(path, &found)?;
    if is_open_to_others(&found) {
        return Err(PathError::NotPrivate {
            path: path.to_owned(),
            reason: "other users can open it; remove it and start again".to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
