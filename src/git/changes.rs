//! Changed paths: what differs between two states of the repository. Owns the meaning of the three modes and how the
//! staged and the unstaged half of a change become one row; `counts` measures the rows.
//!
//! | mode | left | right | like |
//! |---|---|---|---|
//! | worktree | HEAD | index and files, untracked ones too | `git status --porcelain=v2 -uall` |
//! | staged | HEAD | index | `git diff --cached -M` |
//! | base | the commit itself (not the merge base) | tracked files on disk | `git diff -M <ref>` |
//!
//! Untracked files below `.tmp/` are the launcher's own and are left out; what is tracked there is shown, because a
//! commit would carry it. Renames are found as Git finds them: by content, among tracked files, half of it alike.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use git2::{Delta, Diff, DiffDelta, DiffFindOptions, DiffOptions, FileMode};

use super::counts::{MAX_COUNTED_BYTES, Measured, Meter};
use super::{GitError, Repo};
use crate::domain::report::{ChangeStatus, FileKind};

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
    /// Path from the root, as bytes; a `/` at the end means a repository inside this one.
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

/// All changed paths of one comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The rows, ordered by path.
    pub rows: Vec<Change>,
    /// The commit that a base name stood for.
    pub base_commit: Option<String>,
    /// Id of the tree on the left; none before the first commit.
    pub left_tree: Option<String>,
}

/// A point in time after which a report gives up. libgit2 cannot be stopped in the middle of a comparison, so this is
/// looked at between its steps and between files.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    started: Instant,
    limit: Duration,
}

impl Deadline {
    /// Starts counting now.
    pub fn after(limit: Duration) -> Self {
        Self {
            started: Instant::now(),
            limit,
        }
    }

    /// Fails when the time is over.
    pub fn check(&self) -> Result<(), GitError> {
        if self.started.elapsed() > self.limit {
            Err(GitError::TooSlow(self.limit.as_millis()))
        } else {
            Ok(())
        }
    }
}

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

impl Repo {
    /// Compares the two states of `scope`.
    pub fn changes(&self, scope: &Scope, deadline: &Deadline) -> Result<Changes, GitError> {
        match scope {
            Scope::Worktree => self.worktree_changes(deadline),
            Scope::Staged => {
                let tree = self.head_tree()?;
                let mut diff = self.staged_diff(tree.as_ref())?;
                find_renames(&mut diff)?;
                let mut changes = self.one_diff(&diff, true, deadline)?;
                changes.left_tree = tree.map(|tree| tree.id().to_string());
                Ok(changes)
            }
            Scope::Base(name) => {
                let commit = self.commit_of(name)?;
                let tree = commit
                    .tree()
                    .map_err(|error| GitError::from_library("reading the base tree", &error))?;
                let mut diff = self
                    .inner
                    .diff_tree_to_workdir_with_index(Some(&tree), Some(&mut options()))
                    .map_err(|error| GitError::from_library("comparing with the base", &error))?;
                deadline.check()?;
                find_renames(&mut diff)?;
                let mut changes = self.one_diff(&diff, false, deadline)?;
                changes.base_commit = Some(commit.id().to_string());
                changes.left_tree = Some(tree.id().to_string());
                Ok(changes)
            }
        }
    }

    /// HEAD with index and files. Both halves are read once; libgit2's own merge of the two serves for the line counts
    /// only, because it drops what is staged and then undone on disk, which a commit would still take.
    fn worktree_changes(&self, deadline: &Deadline) -> Result<Changes, GitError> {
        let tree = self.head_tree()?;
        let mut merged = self.staged_diff(tree.as_ref())?;
        let intents = self.intents_to_add()?;
        let mut rows: BTreeMap<Vec<u8>, Row> = BTreeMap::new();
        for delta in merged.deltas() {
            if let Some(half) = half_of(&delta)
                && !intents.contains(path_of(&delta))
            {
                rows.entry(path_of(&delta).to_vec()).or_default().index = Some(half);
            }
        }
        let has_renames = self.join_staged_renames(tree.as_ref(), &mut rows)?;
        deadline.check()?;
        let mut with_untracked = options();
        with_untracked
            .include_untracked(true)
            .recurse_untracked_dirs(true);
        let unstaged = self
            .inner
            .diff_index_to_workdir(None, Some(&mut with_untracked))
            .map_err(|error| {
                GitError::from_library("comparing the files with the index", &error)
            })?;
        for delta in unstaged.deltas() {
            let path = path_of(&delta);
            let Some(mut half) = half_of(&delta) else {
                continue;
            };
            if half.status == ChangeStatus::Untracked && path.starts_with(b".tmp/") {
                continue;
            }
            if half.status == ChangeStatus::Modified && intents.contains(path) {
                half.status = ChangeStatus::Added;
            }
            rows.entry(path.to_vec()).or_default().worktree = Some(half);
        }
        deadline.check()?;
        merged
            .merge(&unstaged)
            .map_err(|error| GitError::from_library("joining both halves", &error))?;
        if has_renames {
            find_renames(&mut merged)?;
        }
        let positions = positions(&merged);
        let mut meter = Meter::new(self, &merged, deadline);
        let mut list = Vec::with_capacity(rows.len());
        for (path, row) in rows {
            let position = positions.get(path.as_slice()).copied();
            let measured = meter.measure_on_disk(&path, &row, position)?;
            list.push(combine(path, row, measured));
        }
        Ok(Changes {
            rows: list,
            base_commit: None,
            left_tree: tree.map(|tree| tree.id().to_string()),
        })
    }

    /// Rows of a comparison that libgit2 made in one go.
    fn one_diff(
        &self,
        diff: &Diff<'_>,
        is_staged: bool,
        deadline: &Deadline,
    ) -> Result<Changes, GitError> {
        let intents = if is_staged {
            self.intents_to_add()?
        } else {
            BTreeSet::new()
        };
        let mut rows = BTreeMap::new();
        for (position, delta) in diff.deltas().enumerate() {
            let path = path_of(&delta);
            if intents.contains(path) {
                continue;
            }
            if let Some(half) = half_of(&delta) {
                let row = Row {
                    old_path: old_path_of(&delta),
                    index: is_staged.then_some(half),
                    worktree: (!is_staged).then_some(half),
                };
                rows.insert(path.to_vec(), (row, position));
            }
        }
        let mut meter = Meter::new(self, diff, deadline);
        let mut list = Vec::with_capacity(rows.len());
        for (path, (row, position)) in rows {
            let measured = if is_staged {
                meter.measure_in_index(&row, position)?
            } else {
                meter.measure_on_disk(&path, &row, Some(position))?
            };
            let mut change = combine(path, row, measured);
            // Touched or changed back since it was staged: `git diff <ref>` looks at the content, too.
            let is_same = change.status == ChangeStatus::Modified
                && change.measured.same_content
                && change.old_mode == change.new_mode;
            if is_staged || !is_same {
                change.index_status = None;
                change.worktree_status = None;
                list.push(change);
            }
        }
        Ok(Changes {
            rows: list,
            ..Changes::default()
        })
    }

    fn staged_diff(&self, tree: Option<&git2::Tree<'_>>) -> Result<Diff<'_>, GitError> {
        self.inner
            .diff_tree_to_index(tree, None, Some(&mut options()))
            .map_err(|error| GitError::from_library("comparing the index with HEAD", &error))
    }

    /// Turns pairs of a deleted and an added row into renamed ones. Answers whether there were any. This takes a second
    /// diff because finding renames rewrites the first one, and only runs when there is something to pair.
    fn join_staged_renames(
        &self,
        tree: Option<&git2::Tree<'_>>,
        rows: &mut BTreeMap<Vec<u8>, Row>,
    ) -> Result<bool, GitError> {
        let has = |wanted: &[ChangeStatus]| {
            rows.values()
                .filter_map(|row| row.index)
                .any(|half| wanted.contains(&half.status))
        };
        let sources = [
            ChangeStatus::Deleted,
            ChangeStatus::Modified,
            ChangeStatus::TypeChanged,
        ];
        if !has(&[ChangeStatus::Added]) || !has(&sources) {
            return Ok(false);
        }
        let mut diff = self.staged_diff(tree)?;
        find_renames(&mut diff)?;
        let mut found = false;
        for delta in diff.deltas() {
            let Some(half) = half_of(&delta) else {
                continue;
            };
            let is_rename = half.status == ChangeStatus::Renamed;
            if !is_rename && half.status != ChangeStatus::Copied {
                continue;
            }
            let (Some(row), Some(old)) = (rows.get_mut(path_of(&delta)), old_path_of(&delta))
            else {
                continue;
            };
            row.index = Some(half);
            row.old_path = Some(old.clone());
            found = true;
            if is_rename {
                rows.remove(&old);
            }
        }
        Ok(found)
    }

    /// Paths of `git add -N`: in the index by name only. A commit leaves them out, so they are not staged.
    fn intents_to_add(&self) -> Result<BTreeSet<Vec<u8>>, GitError> {
        let index = self
            .inner
            .index()
            .map_err(|error| GitError::from_library("reading the index", &error))?;
        let flag = git2::IndexEntryExtendedFlag::INTENT_TO_ADD.bits();
        Ok(index
            .iter()
            .filter(|entry| entry.flags_extended & flag != 0)
            .map(|entry| entry.path)
            .collect())
    }
}

/// Options that every comparison shares.
fn options() -> DiffOptions {
    let mut options = DiffOptions::new();
    options
        .include_typechange(true)
        .context_lines(0)
        .max_size(MAX_COUNTED_BYTES as i64);
    options
}

fn find_renames(diff: &mut Diff<'_>) -> Result<(), GitError> {
    let mut options = DiffFindOptions::new();
    options.renames(true).copies(true);
    diff.find_similar(Some(&mut options))
        .map_err(|error| GitError::from_library("looking for renames", &error))
}

/// Where each path's row is in `diff`.
fn positions(diff: &Diff<'_>) -> HashMap<Vec<u8>, usize> {
    diff.deltas()
        .enumerate()
        .filter(|(_, delta)| delta.status() != Delta::Untracked)
        .map(|(position, delta)| (path_of(&delta).to_vec(), position))
        .collect()
}

fn path_of<'a>(delta: &DiffDelta<'a>) -> &'a [u8] {
    let (old, new) = (delta.old_file(), delta.new_file());
    new.path_bytes().or(old.path_bytes()).unwrap_or_default()
}

fn old_path_of(delta: &DiffDelta<'_>) -> Option<Vec<u8>> {
    if !matches!(delta.status(), Delta::Renamed | Delta::Copied) {
        return None;
    }
    delta.old_file().path_bytes().map(<[u8]>::to_vec)
}

fn half_of(delta: &DiffDelta<'_>) -> Option<Half> {
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

fn mode_bits(mode: FileMode) -> u32 {
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
fn combine(path: Vec<u8>, row: Row, measured: Measured) -> Change {
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
