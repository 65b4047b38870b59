//! One changed path, and which two states of the repository are compared. Finds nothing: see `changes`.

use crate::domain::report::{ChangeStatus, FileKind};

/// Most changed paths of one report. Nobody reads more; what makes more is a folder that should be ignored.
pub const MAX_CHANGES: usize = 100_000;

/// Largest file whose lines are counted. Counting takes the file and its former content into memory; source files are a
/// hundredth of this, and ten times as much would cost seconds and most of a small machine's memory.
pub const MAX_COUNTED_BYTES: u64 = 8 << 20;

/// Which two states to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// HEAD with index and files.
    Worktree,
    /// HEAD with the index.
    Staged,
    /// A commit, by name, with the tracked files.
    Base(String),
}

/// One changed path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Path from the root, as bytes; a `/` at the end means a repository inside this one, or a folder that cannot be read.
    pub path: Vec<u8>,
    /// Former name, or source of a copy.
    pub old_path: Option<Vec<u8>>,
    /// What happened, all in all.
    pub status: ChangeStatus,
    /// The staged half (worktree mode).
    pub index_status: Option<ChangeStatus>,
    /// The unstaged half (worktree mode).
    pub worktree_status: Option<ChangeStatus>,
    /// What stands there, or stood there before it was deleted.
    pub kind: FileKind,
    /// Git's file mode before; 0 when there was nothing.
    pub old_mode: u32,
    /// Git's file mode now; 0 when there is nothing.
    pub new_mode: u32,
    /// Lines and content.
    pub measured: Measured,
}

/// What was found out about one changed file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Lines added.
    pub additions: Option<u64>,
    /// Lines deleted.
    pub deletions: Option<u64>,
    /// Not a text file.
    pub binary: bool,
    /// Too large to be counted, or not readable.
    pub uncounted: bool,
    /// The content is the same on both sides.
    pub same_content: bool,
    /// Names the content on the right side, for the digest.
    pub content: String,
}

impl Measured {
    pub(super) fn uncounted(content: String) -> Self {
        Self {
            uncounted: true,
            content,
            ..Self::default()
        }
    }
}
