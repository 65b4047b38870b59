//! Rows of a comparison: what the index and the disk say of one path, and how both halves become one change.

use std::collections::BTreeMap;

use git2::Oid;

use super::change::Change;
use super::change::Measured;
use super::index::{GITLINK, LINK};
use crate::domain::report::{ChangeStatus, FileKind};

/// One half of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Half {
    pub status: ChangeStatus,
    pub old: Side,
    pub new: Side,
}

/// What stands on one side. The id is zero for what lies on disk and was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Side {
    /// 0 when there is nothing.
    pub mode: u32,
    pub id: Oid,
}

impl Side {
    pub(super) const NOTHING: Self = Self {
        mode: 0,
        id: Oid::ZERO_SHA1,
    };

    /// A file on disk.
    pub(super) fn on_disk(mode: u32) -> Self {
        Self {
            mode,
            id: Oid::ZERO_SHA1,
        }
    }

    /// Ordinary files are of one kind, whether executable or not.
    fn kind(self) -> u32 {
        self.mode & 0o170_000
    }
}

impl Half {
    /// What happened between two sides that are not the same.
    pub(super) fn between(old: Side, new: Side) -> Self {
        let status = match (old.mode, new.mode) {
            (0, _) => ChangeStatus::Added,
            (_, 0) => ChangeStatus::Deleted,
            _ if old.kind() != new.kind() => ChangeStatus::TypeChanged,
            _ => ChangeStatus::Modified,
        };
        Self { status, old, new }
    }

    pub(super) fn untracked(mode: u32) -> Self {
        Self {
            status: ChangeStatus::Untracked,
            old: Side::NOTHING,
            new: Side::on_disk(mode),
        }
    }

    /// One side of a conflict stands for all of it.
    pub(super) fn conflicted(side: Side) -> Self {
        Self {
            status: ChangeStatus::Conflicted,
            old: side,
            new: side,
        }
    }
}

/// Halves by path.
pub(super) type Halves = BTreeMap<Vec<u8>, Half>;

/// Both halves of one path's change.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// Former name of a renamed, or source of a copied file, in the staged half.
    pub index_old: Option<Vec<u8>>,
    /// The same in the half that is not staged.
    pub worktree_old: Option<Vec<u8>>,
    pub index: Option<Half>,
    pub worktree: Option<Half>,
}

impl Row {
    /// What stood there before all of it, under whichever name.
    pub(super) fn left(&self) -> Side {
        self.index
            .or(self.worktree)
            .map_or(Side::NOTHING, |half| half.old)
    }

    /// What stands there after all of it, and whether it lies on disk.
    pub(super) fn right(&self) -> (Side, bool) {
        match (self.index, self.worktree) {
            // Deleted for a commit, and there again as a file that Git does not know.
            (Some(index), Some(half)) if half.status == ChangeStatus::Untracked => {
                (index.new, false)
            }
            (_, Some(half)) => (half.new, true),
            (Some(half), None) => (half.new, false),
            (None, None) => (Side::NOTHING, false),
        }
    }

    /// All in all.
    fn status(&self, same_content: bool) -> ChangeStatus {
        use ChangeStatus as S;
        let index = self.index.map(|half| half.status);
        let worktree = self.worktree.map(|half| half.status);
        let status = match (index, worktree) {
            (Some(S::Conflicted), _) | (_, Some(S::Conflicted)) => S::Conflicted,
            (None, Some(status)) | (Some(status), None) => status,
            // Unlisted in the index: a commit deletes it, even though the file still lies there.
            (Some(S::Deleted), Some(_)) => S::Deleted,
            (Some(_), Some(status @ (S::Renamed | S::Copied))) => status,
            (Some(status @ (S::Added | S::Renamed | S::Copied)), Some(_)) => status,
            (Some(_), Some(status @ (S::Deleted | S::TypeChanged))) => status,
            (Some(status), Some(_)) => status,
            (None, None) => S::Modified,
        };
        let (left, right) = (self.left(), self.right().0);
        match status {
            S::Modified if same_content && left.mode != right.mode => S::ModeChanged,
            status => status,
        }
    }
}

/// Makes one change out of both halves.
pub(super) fn combine(path: Vec<u8>, row: Row, measured: Measured) -> Change {
    let status = row.status(measured.same_content);
    let (old_mode, new_mode) = (row.left().mode, row.right().0.mode);
    let kind = match if new_mode == 0 { old_mode } else { new_mode } {
        LINK => FileKind::Symlink,
        GITLINK if status != ChangeStatus::Untracked => FileKind::Submodule,
        _ if path.ends_with(b"/") => FileKind::Repository,
        _ => FileKind::File,
    };
    Change {
        path,
        old_path: row.index_old.or(row.worktree_old),
        status,
        index_status: row.index.map(|half| half.status),
        worktree_status: row.worktree.map(|half| half.status),
        kind,
        old_mode,
        new_mode,
        measured,
    }
}
