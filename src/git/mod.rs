//! Facts about one Git repository, read with libgit2 and plain file reads. It opens exactly the folder that it is given,
//! never starts a program (no Git command line, no filters, hooks or monitors), never writes, and never follows a
//! symbolic link. Everything here blocks; callers in async code use a blocking thread.

pub mod candidate;
pub mod changes;
pub mod content;
pub mod counts;
pub mod diff;
pub mod files;
pub mod heads;
pub mod hooks;
pub mod raw_index;
mod revision;
mod rows;
pub mod snapshot;
pub mod tree;

use std::path::{Path, PathBuf};

use git2::{ErrorCode, RepositoryOpenFlags};

/// Why a fact could not be had.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// No repository at this folder.
    #[error("{} is not the top folder of a Git repository (there is no .git in it)", .0.display())]
    NotARepository(PathBuf),
    /// A repository without files.
    #[error("{} is a bare Git repository: it has no files to report on; use a clone or a linked worktree of it", .0.display())]
    Bare(PathBuf),
    /// `.git` leads to some other folder's repository.
    #[error("{} does not stand on its own: {reason}", root.display())]
    Elsewhere {
        /// The folder that was asked for.
        root: PathBuf,
        /// What leads elsewhere.
        reason: &'static str,
    },
    /// Somebody else's repository.
    #[error("{} belongs to another user; change its owner, or add it to safe.directory in your own Git configuration", .0.display())]
    ForeignOwner(PathBuf),
    /// No such revision.
    #[error("unknown revision {0:?}: it is no branch, tag or commit of this repository")]
    UnknownRevision(String),
    /// A format that libgit2 cannot read.
    #[error("this repository uses a Git feature that zhongshu cannot read: {0}")]
    Unsupported(String),
    /// The time given has passed.
    #[error("reading the repository took longer than {0} ms")]
    TooSlow(u128),
    /// More differs from the commit than a snapshot keeps.
    #[error("{0} paths differ from the commit; that is more than can be compared")]
    TooMany(usize),
    /// Somebody changes the index all the time.
    #[error("the index changed while it was read; try again")]
    Unsteady,
    /// Anything else that libgit2 reports.
    #[error("cannot read the Git repository ({action}): {message}")]
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
    root: PathBuf,
}

/// Where HEAD stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Branch, unless detached.
    pub branch: Option<String>,
    /// Commit, unless there is none yet.
    pub commit: Option<String>,
    /// The branch's upstream.
    pub upstream: Option<String>,
    /// Commits that the upstream lacks.
    pub ahead: Option<usize>,
    /// Commits that the branch lacks.
    pub behind: Option<usize>,
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
        let inner = git2::Repository::open_ext(
            &root,
            RepositoryOpenFlags::NO_SEARCH,
            std::iter::empty::<&std::ffi::OsStr>(),
        )
        .map_err(|error| match error.code() {
            ErrorCode::NotFound => GitError::NotARepository(root.clone()),
            ErrorCode::Owner => GitError::ForeignOwner(root.clone()),
            _ => GitError::from_library("opening it", &error),
        })?;
        if inner.is_bare() {
            return Err(GitError::Bare(root));
        }
        let same = |left: &Path, right: &Path| matches!((left.canonicalize(), right.canonicalize()), (Ok(left), Ok(right)) if left == right);
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
        Ok(Self { inner, root })
    }

    /// The repository's top folder, with every link resolved.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where HEAD stands, and how far its branch is from its upstream.
    pub fn head(&self) -> Result<Head, GitError> {
        let mut head = Head::default();
        if let Ok(reference) = self.inner.find_reference("HEAD")
            && let Some(target) = reference.symbolic_target_bytes()
        {
            let target = String::from_utf8_lossy(target);
            head.branch = Some(
                target
                    .strip_prefix("refs/heads/")
                    .unwrap_or(&target)
                    .to_owned(),
            );
        }
        let Some(commit) = self.head_commit()? else {
            return Ok(head);
        };
        head.commit = Some(commit.id().to_string());
        if let Some(branch) = head.branch.as_deref()
            && let Ok(branch) = self.inner.find_branch(branch, git2::BranchType::Local)
            && let Ok(upstream) = branch.upstream()
            && let Some(target) = upstream.get().target()
        {
            head.upstream = upstream
                .name_bytes()
                .ok()
                .map(|name| String::from_utf8_lossy(name).into_owned());
            // A shallow clone may lack the commits in between; then there is no honest number.
            if let Ok((ahead, behind)) = self.inner.graph_ahead_behind(commit.id(), target) {
                head.ahead = Some(ahead);
                head.behind = Some(behind);
            }
        }
        Ok(head)
    }

    /// HEAD's commit; none before the first one.
    fn head_commit(&self) -> Result<Option<git2::Commit<'_>>, GitError> {
        match self.inner.head() {
            Ok(reference) => reference
                .peel_to_commit()
                .map(Some)
                .map_err(|error| GitError::from_library("reading HEAD", &error)),
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
                Ok(None)
            }
            Err(error) => Err(GitError::from_library("reading HEAD", &error)),
        }
    }

    /// HEAD's tree; none before the first commit.
    fn head_tree(&self) -> Result<Option<git2::Tree<'_>>, GitError> {
        self.head_commit()?
            .map(|commit| commit.tree())
            .transpose()
            .map_err(|error| GitError::from_library("reading the tree of HEAD", &error))
    }

    /// Paths in the index (conflicting ones once per side), in its order.
    pub fn tracked_paths(&self) -> Result<Vec<TrackedPath>, GitError> {
        let index = self
            .inner
            .index()
            .map_err(|error| GitError::from_library("reading the index", &error))?;
        Ok(index
            .iter()
            .map(|entry| TrackedPath {
                is_file: matches!(entry.mode, 0o100_644 | 0o100_755),
                blob: entry.id,
                size: u64::from(entry.file_size),
                path: entry.path,
            })
            .collect())
    }

    /// Whether the object store holds this object.
    fn has_blob(&self, id: git2::Oid) -> bool {
        !id.is_zero() && self.inner.odb().is_ok_and(|odb| odb.exists(id))
    }

    /// Content of a blob of at most `limit` bytes; none when it is larger or not here.
    pub fn blob(&self, id: git2::Oid, limit: u64) -> Option<Vec<u8>> {
        let odb = self.inner.odb().ok()?;
        let (size, _) = odb.read_header(id).ok()?;
        if size as u64 > limit {
            return None;
        }
        Some(odb.read(id).ok()?.data().to_vec())
    }
}

/// An entry of the index.
#[derive(Clone, Debug)]
pub struct TrackedPath {
    /// Path from the root.
    pub path: Vec<u8>,
    /// An ordinary file (no link, no submodule).
    pub is_file: bool,
    /// Its staged content.
    pub blob: git2::Oid,
    /// Size on disk when it was last looked at.
    pub size: u64,
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
