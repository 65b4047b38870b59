//! Facts about one Git repository, read with libgit2 and plain file reads. It opens exactly the folder that it is given,
//! never starts a program (no Git command line, no filters, hooks or monitors), never writes, and never follows a
//! symbolic link. Everything here blocks; callers in async code use a blocking thread.

mod attributes;
pub mod candidate;
mod change;
pub mod changes;
pub mod content;
mod convert;
pub mod counts;
mod deadline;
mod deltas;
pub mod diff;
mod disk;
pub mod files;
mod glob;
mod head;
pub mod head_log;
pub mod heads;
pub mod history;
pub mod hooks;
mod ignores;
pub mod index;
pub mod logs;
mod nested;
mod objects;
mod ordinary;
mod renames;
mod revision;
mod root;
mod rows;
mod settings;
mod similarity;
pub mod snapshot;
mod staged;
mod submodules;
pub mod surroundings;
mod threads;
pub mod tree;
mod walk;
pub mod watch;

use crate::domain::sentence::say;
use std::cell::OnceCell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::{ErrorClass, ErrorCode, Oid, RepositoryOpenFlags};

use deadline::Deadline;
use files::Entry;
pub use head::Head;
use ignores::Ignores;
use index::Index;
use objects::Objects;
use root::Root;
use settings::Settings;
use watch::Watch;

/// Why a fact could not be had.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// No repository at this folder.
    #[error("{}", say!("reason.git.no_repository", path = .0.display()))]
    NotARepository(PathBuf),
    /// A repository without files.
    #[error("{}", say!("reason.git.bare", path = .0.display()))]
    Bare(PathBuf),
    /// `.git` leads to some other folder's repository.
    #[error("{}", say!("reason.git.elsewhere", root = root.display(), reason))]
    Elsewhere {
        /// The folder that was asked for.
        root: PathBuf,
        /// What leads elsewhere.
        reason: &'static str,
    },
    /// Where Git has a file there is something that cannot be read as one.
    #[error("{}", say!("reason.git.no_file", path = path.display(), problem))]
    NoFile {
        /// What was to be read.
        path: PathBuf,
        /// What is there instead.
        problem: &'static str,
    },
    /// Somebody else's repository.
    #[error("{}", say!("reason.git.foreign_owner", path = .0.display()))]
    ForeignOwner(PathBuf),
    /// No such revision.
    #[error("{}", say!("reason.git.unknown_revision", name = format_args!("{name:?}"), told = revision::told(branches)))]
    UnknownRevision {
        /// What was asked for, or its beginning.
        name: String,
        /// Some of the branches that there are.
        branches: Vec<String>,
    },
    /// A format that libgit2 cannot read.
    #[error("{}", say!("reason.git.unsupported", feature = .0))]
    Unsupported(String),
    /// The index is not what it should be.
    #[error("{}", say!("reason.git.damaged_index", why = .0))]
    DamagedIndex(&'static str),
    /// More changed paths than anybody reads.
    #[error("{}", say!("reason.git.too_many", count = .0))]
    TooMany(usize),
    /// The time given has passed.
    #[error("{}", say!("reason.git.too_slow", ms = .0))]
    TooSlow(u128),
    /// Somebody changes the index all the time.
    #[error("{}", say!("reason.git.unsteady"))]
    Unsteady,
    /// An object, or what it is made from, is larger than the memory of this process.
    #[error("{}", say!("reason.git.too_large", what = .0))]
    TooLarge(&'static str),
    /// Anything else that libgit2 reports.
    #[error("{}", say!("reason.git.library", action, message))]
    Library {
        /// What was being read.
        action: &'static str,
        /// libgit2's own words.
        message: String,
    },
}

impl GitError {
    /// Wraps libgit2's error with what was being done.
    fn from_library(action: &'static str, error: &git2::Error) -> Self {
        if error.class() == ErrorClass::NoMemory {
            return Self::TooLarge(action);
        }
        let message = error.message();
        // libgit2 has no code for these; its texts are the only sign.
        let is_unsupported = [
            "unsupported",
            "extension",
            "unknown object format",
            "invalid version",
        ]
        .iter()
        .any(|sign| message.contains(sign));
        if is_unsupported {
            Self::Unsupported(message.to_owned())
        } else {
            Self::Library {
                action,
                message: message.to_owned(),
            }
        }
    }
}

/// An opened repository.
pub struct Repo {
    inner: git2::Repository,
    root: Root,
    objects: Objects,
    /// Read once, so that one report is about one state.
    index: OnceCell<Index>,
    settings: OnceCell<Settings>,
    watch: Option<Arc<Watch>>,
}

impl Repo {
    /// Opens the repository whose top folder is `root`, and no other one.
    ///
    /// Refused, because they would make this folder's report tell about other files: a bare repository, a `.git`
    /// that is a symbolic link, a `.git` file whose target does not name this folder in turn (a linked worktree and a
    /// submodule do), and a `core.worktree` or `commondir` that leads elsewhere.
    pub fn open(root: &Path) -> Result<Self, GitError> {
        let root = root
            .canonicalize()
            .map_err(|_| GitError::NotARepository(root.to_owned()))?;
        let dot_git = root.join(".git");
        let kind = match std::fs::symlink_metadata(&dot_git) {
            Ok(metadata) => metadata.file_type(),
            Err(_) if root.join("HEAD").is_file() && root.join("objects").is_dir() => {
                return Err(GitError::Bare(root));
            }
            Err(_) => return Err(GitError::NotARepository(root)),
        };
        let elsewhere = |reason| GitError::Elsewhere {
            root: root.clone(),
            reason,
        };
        if kind.is_symlink() {
            return Err(elsewhere("its .git is a symbolic link"));
        }
        ordinary::check(&dot_git)?;
        let inner = open_library(&root).map_err(|error| match error.code() {
            ErrorCode::NotFound => GitError::NotARepository(root.clone()),
            ErrorCode::Owner => GitError::ForeignOwner(root.clone()),
            _ => GitError::from_library("opening it", &error),
        })?;
        if inner.is_bare() {
            return Err(GitError::Bare(root));
        }
        let same = |left: &Path, right: &Path| {
            left == right
                || matches!((left.canonicalize(), right.canonicalize()), (Ok(left), Ok(right)) if left == right)
        };
        if !inner.workdir().is_some_and(|workdir| same(workdir, &root)) {
            return Err(elsewhere("its core.worktree names another folder"));
        }
        if kind.is_dir() {
            if !same(inner.path(), &dot_git) || !same(inner.commondir(), &dot_git) {
                return Err(elsewhere("its .git folder leads to another repository"));
            }
        } else if !names_back(&inner, &dot_git, &root) {
            return Err(elsewhere(
                "its .git file leads to a repository that does not name this folder; if that is meant, set core.worktree there to this folder",
            ));
        }
        Ok(Self {
            inner,
            objects: Objects::new(root.clone()),
            root: Root::open(root).map_err(|error| GitError::Library {
                action: "opening its folder",
                message: error.to_string(),
            })?,
            index: OnceCell::new(),
            settings: OnceCell::new(),
            watch: None,
        })
    }

    /// Watches the folders of the working tree when they are read (worktree mode).
    #[must_use]
    pub fn watched_by(self, watch: &Arc<Watch>) -> Self {
        Self {
            watch: Some(Arc::clone(watch)),
            ..self
        }
    }

    /// The repository's top folder, with every link resolved.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The index, read when it is needed first.
    fn index(&self, deadline: &Deadline) -> Result<&Index, GitError> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        let mut index = Index::read(self.inner.path())?;
        if index.has_folders() {
            // A folder that was left out and lies there all the same is looked at file by file.
            let written = index.written();
            let is_there =
                |path: &[u8]| !matches!(files::look(self.root.path(), path), Ok(Entry::Missing));
            index.expand(is_there, |path, id| {
                let files = staged::files_below(&self.inner, id, path, deadline)?;
                Index::of_folder(files, written)
            })?;
        }
        Ok(self.index.get_or_init(|| index))
    }

    fn settings(&self) -> Result<&Settings, GitError> {
        if let Some(settings) = self.settings.get() {
            return Ok(settings);
        }
        let settings = Settings::read(&self.configuration()?, self.inner.commondir());
        Ok(self.settings.get_or_init(|| settings))
    }

    /// The system's, the person's and the repository's configuration as they are now.
    fn configuration(&self) -> Result<git2::Config, GitError> {
        let config = self.inner.config();
        let snapshot = config.and_then(|mut config| config.snapshot());
        snapshot.map_err(|error| GitError::from_library("reading the configuration", &error))
    }

    /// One setting as it is written.
    fn setting(&self, key: &str) -> Option<String> {
        let mut config = self.inner.config().ok()?;
        config.snapshot().ok()?.get_string(key).ok()
    }

    fn objects(&self) -> &Objects {
        &self.objects
    }

    fn ignores(&self) -> Result<Ignores<'_>, GitError> {
        Ok(Ignores::new(&self.root, self.settings()?, &self.objects))
    }

    /// The commit of the repository inside this one at `path`.
    fn inner_head(&self, path: &[u8]) -> Option<Oid> {
        let folder = self.root().join(OsStr::from_bytes(path));
        Self::open(&folder).ok()?.head_id().ok()?
    }

    /// The ordinary files in the index and what is staged of them, in its order.
    pub fn tracked_files(
        &self,
        deadline: &Deadline,
    ) -> Result<impl Iterator<Item = TrackedFile<'_>>, GitError> {
        let index = self.index(deadline)?;
        let items = index.items().iter().filter(|item| item.is_file());
        Ok(items.map(|item| TrackedFile {
            path: index.path(item),
            blob: item.id,
        }))
    }

    /// Content of a blob of at most `limit` bytes; none when it is larger or not here.
    pub fn blob(&self, id: Oid, limit: u64) -> Option<Vec<u8>> {
        objects::small_blob(&self.inner, id, limit)
    }
}

/// Opens exactly this folder with libgit2.
fn open_library(root: &Path) -> Result<git2::Repository, git2::Error> {
    let flags = RepositoryOpenFlags::NO_SEARCH;
    git2::Repository::open_ext(root, flags, std::iter::empty::<&OsStr>())
}

/// An ordinary file in the index (one in conflict comes once per side).
#[derive(Clone, Copy, Debug)]
pub struct TrackedFile<'a> {
    /// Path from the root.
    pub path: &'a [u8],
    /// Its staged content.
    pub blob: Oid,
}

/// Whether the repository behind a `.git` file names the folder of that file as its own.
fn names_back(repo: &git2::Repository, dot_git: &Path, root: &Path) -> bool {
    let canonical = |path: PathBuf| path.canonicalize().ok();
    if repo.is_worktree() {
        let Ok(back) = std::fs::read_to_string(repo.path().join("gitdir")) else {
            return false;
        };
        let back = canonical(repo.path().join(back.trim_end()));
        return back.is_some() && back == canonical(dot_git.to_owned());
    }
    let Ok(worktree) = repo
        .config()
        .and_then(|config| config.open_level(git2::ConfigLevel::Local))
        .and_then(|config| config.get_path("core.worktree"))
    else {
        return false;
    };
    canonical(repo.path().join(worktree)).is_some_and(|path| path == root)
}
