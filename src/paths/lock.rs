//! One server per repository and per state folder: a lock on a file in each. The system drops both when the process
//! ends in any way; the files stay, and a number in them says who holds the lock.

use super::{PathError, Places};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// [`running`] holds the lock for a moment; a server that starts just then must not take it for another server.
const ATTEMPTS: usize = 5;

/// Between two attempts. All of them together stay far below what a person notices.
const PAUSE: Duration = Duration::from_millis(20);

/// Held as long as the server runs.
#[derive(Debug)]
pub struct Lock {
    _state: File,
    _repo: File,
}

/// Who holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Process id, if it could be read.
    pub pid: Option<u32>,
}

/// Why the lock was not taken. Display is a whole sentence for the person.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another server runs.
    #[error("zhongshu runs already for {repo}{}; `zhongshu open` gives a login link, `zhongshu stop` ends it", process(.holder))]
    Held {
        /// For which repository.
        repo: PathBuf,
        /// Who it is.
        holder: Holder,
    },
    /// Something that is no file stands where the lock belongs.
    #[error("{0} is no ordinary file, so zhongshu cannot use it; move it away, then start again")]
    NoFile(PathBuf),
    /// The folders cannot be used.
    #[error(transparent)]
    Path(#[from] PathError),
}

fn process(holder: &Holder) -> String {
    holder
        .pid
        .map(|pid| format!(" (process {pid})"))
        .unwrap_or_default()
}

enum Taken {
    Ours(File),
    Theirs(Holder),
}

impl Lock {
    /// Takes both locks. The folders must exist.
    ///
    /// # Errors
    /// When another server holds one of them.
    pub fn take(places: &Places) -> Result<Self, LockError> {
        let take = |path: PathBuf| {
            let mut attempts = 1..=ATTEMPTS;
            loop {
                match try_take(&path)? {
                    Taken::Ours(file) => return Ok(file),
                    Taken::Theirs(_) if attempts.next().is_some() => std::thread::sleep(PAUSE),
                    Taken::Theirs(holder) => {
                        let repo = places.repo.clone();
                        return Err(LockError::Held { repo, holder });
                    }
                }
            }
        };
        Ok(Self {
            _state: take(places.lock())?,
            _repo: take(repo_lock(places))?,
        })
    }
}

/// The server that runs on this state folder, if one does. It changes nothing.
///
/// # Errors
/// When the lock file cannot be read.
pub fn running(places: &Places) -> Result<Option<Holder>, PathError> {
    let path = places.lock();
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(PathError::Io { path, source }),
    };
    // Shared, so that two who look at once do not take each other for a server.
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(holder(&mut file))),
        Err(TryLockError::Error(source)) => Err(PathError::Io { path, source }),
    }
}

impl Places {
    /// The lock that the server of this state folder holds; by it others know which process is the server.
    pub fn lock(&self) -> PathBuf {
        self.state.join("lock")
    }
}

fn repo_lock(places: &Places) -> PathBuf {
    places.scratch().join("codex_governance.lock")
}

fn try_take(path: &Path) -> Result<Taken, LockError> {
    let failed = |source| {
        let path = path.to_owned();
        LockError::Path(PathError::Io { path, source })
    };
    // Agents can write in the repository: a link there must not make us write somewhere else, nor a pipe make us wait.
    if std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(LockError::NoFile(path.to_owned()));
    }
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Taken::Theirs(holder(&mut file))),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(Taken::Ours(file))
}

fn holder(file: &mut File) -> Holder {
    let mut text = String::new();
    // Without a readable number the sentence simply does not name one.
    let read = file.take(32).read_to_string(&mut text);
    Holder {
        pid: read.ok().and_then(|_| text.trim().parse().ok()),
    }
}
