//! Rows of a comparison: what libgit2 reports of one path, and how its staged and its unstaged half become one change.

use git2::{Delta, DiffDelta, FileMode};

use super::changes::Change;
use super::counts::Measured;
use crate::domain::report::{ChangeStatus, FileKind};

/// One half of a change as libgit2 reports it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Half {
    pub status: ChangeStatus,
    pub old_mode: u32,
    pub new_mode: u32,
    pub new_id: git2::Oid,
}

/// Both halves of one path's change.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub old_path: Option<Vec<u8>>,
    pub index: Option<Half>,
    pub worktree: Option<Half>,
}

pub(super) fn path_of<'a>(delta: &DiffDelta<'a>) -> &'a [u8] {
    let (old, new) = (delta.old_file(), delta.new_file());
    new.path_bytes().or(old.path_bytes()).unwrap_or_default()
}

pub(super) fn old_path_of(delta: &DiffDelta<'_>) -> Option<Vec<u8>> {
    if !matches!(delta.status(), Delta::Renamed | Delta::Copied) {
        return None;
    }
    delta.old_file().path_bytes().map(<[u8]>::to_vec)
}

pub(super) fn half_of(delta: &DiffDelta<'_>) -> Option<Half> {
    let status = match delta.status() {
        Delta::Added => ChangeStatus::Added,
        Delta::Deleted => ChangeStatus::Deleted,
        Delta::Modified => ChangeStatus::Modified,
        Delta::Renamed => ChangeStatus::Renamed,
        Delta::Copied => ChangeStatus::Copied,
        // An unreadable file is there and not known: better shown than hidden.
        Delta::Untracked | Delta::Unreadable => ChangeStatus::Untracked,
        Delta::Typechange => ChangeStatus::TypeChanged,
        Delta::Conflicted => ChangeStatus::Conflicted,
        Delta::Unmodified | Delta::Ignored => return None,
    };
    Some(Half {
        status,
        old_mode: mode_bits(delta.old_file().mode()),
        new_mode: mode_bits(delta.new_file().mode()),
        new_id: delta.new_file().id(),
    })
}

pub(super) fn mode_bits(mode: FileMode) -> u32 {
    match mode {
        FileMode::Unreadable => 0,
        FileMode::Tree => 0o040_000,
        FileMode::Blob => 0o100_644,
        FileMode::BlobGroupWritable => 0o100_664,
        FileMode::BlobExecutable => 0o100_755,
        FileMode::Link => 0o120_000,
        FileMode::Commit => 0o160_000,
    }
}

/// Makes one change out of both halves.
pub(super) fn combine(path: Vec<u8>, row: Row, measured: Measured) -> Change {
    use ChangeStatus as S;
    let index = row.index.map(|half| half.status);
    let worktree = row.worktree.map(|half| half.status);
    let mut status = match (index, worktree) {
        (Some(S::Conflicted), _) | (_, Some(S::Conflicted)) => S::Conflicted,
        (None, Some(status)) | (Some(status), None) => status,
        // Unlisted in the index: a commit deletes it, even though the file still lies there.
        (Some(S::Deleted), Some(_)) => S::Deleted,
        (Some(status @ (S::Added | S::Renamed | S::Copied)), Some(_)) => status,
        (Some(_), Some(status @ (S::Deleted | S::TypeChanged))) => status,
        (Some(status), Some(_)) => status,
        (None, None) => S::Modified,
    };
    let first = row.index.or(row.worktree);
    let last = row
        .worktree
        .filter(|half| half.status != S::Untracked || row.index.is_none())
        .or(row.index);
    let old_mode = first.map_or(0, |half| half.old_mode);
    let new_mode = last.map_or(0, |half| half.new_mode);
    if status == S::Modified && measured.same_content && old_mode != new_mode {
        status = S::ModeChanged;
    }
    let kind = match if new_mode == 0 { old_mode } else { new_mode } {
        0o120_000 => FileKind::Symlink,
        0o160_000 if status != S::Untracked => FileKind::Submodule,
        _ if path.ends_with(b"/") => FileKind::Repository,
        _ => FileKind::File,
    };
    Change {
        path,
        old_path: row.old_path,
        status,
        index_status: index,
        worktree_status: worktree,
        kind,
        old_mode,
        new_mode,
        measured,
    }
}
