//! What the commit that is about to be made would take: the tree of the very index that Git names to its hooks, and what
//! HEAD has. Reads files and objects only; it looks at one index once, and never at what is on disk beside it.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::content::Content;
use super::deadline::Deadline;
use super::index::{IndexFault, MAX_INDEX_BYTES, StrictIndex};
use super::tree::{Folder, Folders};
use super::{GitError, Repo};

/// Mode of a symbolic link, as trees have it.
const LINK_MODE: i32 = 0o120_000;

/// The tree of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexTree {
    /// What a commit would take.
    Tree(String),
    /// A merge is unresolved; Git refuses to commit by itself.
    Unmerged,
    /// Git remembers another tree than the entries have, and would commit that one.
    Contradicted {
        /// The folder, empty for the root.
        folder: Vec<u8>,
    },
    /// The index cannot be judged.
    Unreadable(IndexFault),
}

/// Which index a commit uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitIndex {
    /// The file.
    pub path: PathBuf,
    /// Whether it was made for this commit alone (`git commit -a`, `git commit PATH`), so that it is not what is staged.
    pub temporary: bool,
}

/// Tells one state of an index file from another, as far as its file system does; none when there is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexMark(Option<[i64; 7]>);

impl IndexMark {
    /// Of what lies at this path now.
    pub fn of(index: &Path) -> Self {
        let data = std::fs::symlink_metadata(index).ok();
        Self(data.map(|data| {
            [
                data.dev().cast_signed(),
                data.ino().cast_signed(),
                data.size().cast_signed(),
                data.mtime(),
                data.mtime_nsec(),
                data.ctime(),
                data.ctime_nsec(),
            ]
        }))
    }
}

impl Repo {
    /// The index of the next commit: the one that Git named to its hook in `GIT_INDEX_FILE`, else the ordinary one.
    pub fn commit_index(&self, named: Option<&OsStr>) -> CommitIndex {
        let ordinary = self.inner.path().join("index");
        // Git names it relative to the folder in which hooks run: the top one.
        let path = match named.filter(|named| !named.is_empty()) {
            Some(named) => self.root().join(named),
            None => ordinary.clone(),
        };
        let same = |left: &Path, right: &Path| {
            let real = |path: &Path| {
                let folder = path.parent()?.canonicalize().ok()?;
                Some(folder.join(path.file_name()?))
            };
            left == right || (real(left).is_some() && real(left) == real(right))
        };
        CommitIndex {
            temporary: !same(&path, &ordinary),
            path,
        }
    }

    /// The tree of an index file, judged as `git commit` would read it.
    ///
    /// # Errors
    /// When the file cannot be read at all.
    pub fn tree_of_index(&self, index: &Path) -> Result<IndexTree, GitError> {
        let read = |error: std::io::Error| GitError::Library {
            action: "reading the index",
            message: error.to_string(),
        };
        let flags = OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = File::options()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(index);
        let index = match opened {
            // Before the first `git add` there is none.
            Err(error) if error.kind() == ErrorKind::NotFound => StrictIndex::default(),
            Err(error) => return Err(read(error)),
            Ok(file) => match read_index(file).map_err(read)? {
                Ok(index) => index,
                Err(fault) => return Ok(IndexTree::Unreadable(fault)),
            },
        };
        tree_of(&index).map_err(|error| GitError::from_library("computing the tree", &error))
    }

    /// The tree of HEAD; none before the first commit.
    ///
    /// # Errors
    /// When HEAD cannot be read.
    pub fn head_tree_id(&self) -> Result<Option<String>, GitError> {
        Ok(self.head_tree()?.map(|tree| tree.id().to_string()))
    }

    /// What the commit `base` names has at `path`, its bytes up to `limit`, and the commit's id; HEAD's without a name. No id
    /// before the first commit.
    ///
    /// # Errors
    /// When the repository does not know the name, or the commit cannot be read.
    pub fn committed(
        &self,
        base: Option<&str>,
        path: &Path,
        limit: u64,
    ) -> Result<(Option<String>, Content), GitError> {
        let commit = match base {
            Some(name) => Some(self.commit_of(name)?),
            None => self.head_commit()?,
        };
        let Some(commit) = commit else {
            return Ok((None, Content::None));
        };
        let tree = commit
            .tree()
            .map_err(|error| GitError::from_library("reading the tree of a commit", &error))?;
        let content = match tree.get_path(path) {
            Ok(entry) => self.recorded(entry.id(), entry.filemode() == LINK_MODE, limit),
            Err(_) => Content::None,
        };
        Ok((Some(commit.id().to_string()), content))
    }
}

impl Repo {
    /// The staged content of a file, of at most `limit` bytes; none when there is no such file, or it is larger.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn staged_file(
        &self,
        path: &Path,
        limit: u64,
        deadline: &Deadline,
    ) -> Result<Option<Vec<u8>>, GitError> {
        let index = self.index(deadline)?;
        let entry = index.find(path.as_os_str().as_bytes());
        Ok(entry.and_then(|entry| self.blob(entry.id, limit)))
    }

    /// Whether the next commit is a merge.
    pub fn is_merging(&self) -> bool {
        self.inner.state() == git2::RepositoryState::Merge
    }
}

fn read_index(file: File) -> std::io::Result<Result<StrictIndex, IndexFault>> {
    let data = file.metadata()?;
    if !data.is_file() {
        return Ok(Err(IndexFault::Damaged("it is not a regular file")));
    }
    let too_large = || IndexFault::Unsupported("more than 256 MiB".to_owned());
    if data.len() > MAX_INDEX_BYTES {
        return Ok(Err(too_large()));
    }
    // All at once: memory that grows by doubling would need three times as much.
    let mut bytes = Vec::with_capacity(usize::try_from(data.len()).unwrap_or_default() + 1);
    file.take(MAX_INDEX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_INDEX_BYTES {
        return Ok(Err(too_large()));
    }
    Ok(StrictIndex::parse(&bytes))
}

fn tree_of(index: &StrictIndex) -> Result<IndexTree, git2::Error> {
    let mut folders = Folders::new();
    for entry in index.entries() {
        if entry.stage != 0 {
            return Ok(IndexTree::Unmerged);
        }
        if !entry.intent {
            folders.add(entry.path, entry.mode, entry.id)?;
        }
    }
    let folders = folders.finish_all()?;
    let tree = folders.last().expect("the root is a folder").id.to_string();
    let by_path: HashMap<&[u8], &Folder> = folders
        .iter()
        .map(|folder| (folder.path.as_slice(), folder))
        .collect();
    let contradiction = index.remembered().iter().find(|remembered| {
        by_path
            .get(remembered.path.as_slice())
            .is_none_or(|folder| folder.id != remembered.id || folder.entries != remembered.entries)
    });
    Ok(match contradiction {
        Some(remembered) => IndexTree::Contradicted {
            folder: remembered.path.clone(),
        },
        None => IndexTree::Tree(tree),
    })
}
