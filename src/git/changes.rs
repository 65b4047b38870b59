//! Changed paths: what differs between two states of the repository. Owns the meaning of the three modes;
//! `rows` joins the staged and the unstaged half of a change, `counts` measures the result.
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

use git2::{Delta, Diff, DiffFindOptions, DiffOptions};

use super::counts::{MAX_COUNTED_BYTES, Measured, Meter};
use super::rows::{Row, combine, half_of, old_path_of, path_of};
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

impl Repo {
    /// Compares the two states of `scope`.
    pub fn changes(&self, scope: &Scope, deadline: &Deadline) -> Result<Changes, GitError> {
        match scope {
            Scope::Worktree => self.worktree_changes(deadline),
            Scope::Staged => {
                let tree = self.head_tree()?;
                let mut diff = self.staged_diff(tree.as_ref())?;
                find_renames(&mut diff)?;
                let intents = self.index_marks()?.intents;
                Ok(Changes {
                    rows: self.one_diff(&diff, true, |path| !intents.contains(path), deadline)?,
                    base_commit: None,
                    left_tree: tree.map(|tree| tree.id().to_string()),
                })
            }
            Scope::Base(name) => self.base_changes(name, deadline),
        }
    }

    fn base_changes(&self, name: &str, deadline: &Deadline) -> Result<Changes, GitError> {
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
        let skipped = self.index_marks()?.skipped;
        let mut rows = self.one_diff(&diff, false, |path| !skipped.contains(path), deadline)?;
        if !skipped.is_empty() {
            let diff = self.staged_diff(Some(&tree))?;
            rows.extend(self.one_diff(&diff, true, |path| skipped.contains(path), deadline)?);
            rows.sort_by(|left, right| left.path.cmp(&right.path));
        }
        Ok(Changes {
            rows,
            base_commit: Some(commit.id().to_string()),
            left_tree: Some(tree.id().to_string()),
        })
    }

    /// HEAD with index and files. Both halves are read once; libgit2's own merge of the two serves for the line counts
    /// only, because it drops what is staged and then undone on disk, which a commit would still take.
    fn worktree_changes(&self, deadline: &Deadline) -> Result<Changes, GitError> {
        let tree = self.head_tree()?;
        let mut merged = self.staged_diff(tree.as_ref())?;
        let marks = self.index_marks()?;
        let mut rows: BTreeMap<Vec<u8>, Row> = BTreeMap::new();
        for delta in merged.deltas() {
            if let Some(half) = half_of(&delta)
                && !marks.intents.contains(path_of(&delta))
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
            if marks.skipped.contains(path) {
                continue;
            }
            if half.status == ChangeStatus::Modified && marks.intents.contains(path) {
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
            // libgit2 takes a file left out of a sparse checkout for a deleted one.
            let position = positions
                .get(path.as_slice())
                .copied()
                .filter(|_| !marks.skipped.contains(&path));
            let measured = meter.measure_on_disk(&path, &row, position)?;
            list.push(combine(path, row, measured));
        }
        Ok(Changes {
            rows: list,
            base_commit: None,
            left_tree: tree.map(|tree| tree.id().to_string()),
        })
    }

    /// Rows of a comparison that libgit2 made in one go, of the paths that `wanted` takes.
    fn one_diff(
        &self,
        diff: &Diff<'_>,
        is_staged: bool,
        wanted: impl Fn(&[u8]) -> bool,
        deadline: &Deadline,
    ) -> Result<Vec<Change>, GitError> {
        let mut rows = BTreeMap::new();
        for (position, delta) in diff.deltas().enumerate() {
            let path = path_of(&delta);
            if let Some(half) = half_of(&delta)
                && wanted(path)
            {
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
        Ok(list)
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

    pub(super) fn index_marks(&self) -> Result<IndexMarks, GitError> {
        let index = self
            .inner
            .index()
            .map_err(|error| GitError::from_library("reading the index", &error))?;
        let intent = git2::IndexEntryExtendedFlag::INTENT_TO_ADD.bits();
        let skip = git2::IndexEntryExtendedFlag::SKIP_WORKTREE.bits();
        let mut marks = IndexMarks::default();
        for entry in index.iter().filter(|entry| entry.flags_extended != 0) {
            if entry.flags_extended & intent != 0 {
                marks.intents.insert(entry.path);
            } else if entry.flags_extended & skip != 0 {
                marks.skipped.insert(entry.path);
            }
        }
        Ok(marks)
    }
}

/// Entries of the index that need another reading than libgit2's.
#[derive(Debug, Default)]
pub(super) struct IndexMarks {
    /// `git add -N`: there by name only. A commit leaves them out, so they are not staged.
    pub(super) intents: BTreeSet<Vec<u8>>,
    /// Left out of a sparse checkout: not on disk on purpose. What the index says stands for the file.
    skipped: BTreeSet<Vec<u8>>,
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

pub(super) fn find_renames(diff: &mut Diff<'_>) -> Result<(), GitError> {
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
