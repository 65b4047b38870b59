//! Changed paths: what differs between two states of the repository. Owns the meaning of the three modes; `staged` and
//! `walk` find the two halves of a change, `renames` pairs them, `counts` measures the result.
//!
//! | mode | left | right | like |
//! |---|---|---|---|
//! | worktree | HEAD | index and files, untracked ones too | `git status --porcelain=v2 -uall` |
//! | staged | HEAD | index | `git diff --cached -M -C` |
//! | base | the commit itself (not the merge base) | tracked files on disk | `git diff -M -C <ref>` |
//!
//! Untracked files below `.tmp/` are the launcher's own and are left out; what is tracked there is shown, because a
//! commit would carry it. Renames are found as Git finds them: by content, among tracked files, half of it alike.

use std::collections::BTreeMap;

use git2::Oid;

pub use super::change::{Change, Scope};
use super::change::{MAX_COUNTED_BYTES, Measured};
use super::counts;
pub use super::deadline::Deadline;
use super::disk::{Disk, id_of};
use super::index::{GITLINK, Item};
pub use super::renames::Extent;
use super::renames::{self, Contents, Pair};
use super::rows::{Half, Halves, Row, Side, combine};
use super::submodules::{Ignore, Submodules};
use super::walk::{PathChange, Walk};
use super::watch::{Doubt, Watch};
use super::{GitError, Repo, nested, staged};
use crate::domain::report::ChangeStatus;

/// All changed paths of one comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The rows, ordered by path.
    pub rows: Vec<Change>,
    /// The commit that a base name stood for.
    pub base_commit: Option<String>,
    /// Id of the tree on the left; none before the first commit.
    pub left_tree: Option<String>,
    /// How far renames and copies were looked for.
    pub extent: Extent,
}

/// Rows by path.
type Rows = BTreeMap<Vec<u8>, Row>;

impl Repo {
    /// Compares the two states of `scope`, with the lines and the content of each change.
    ///
    /// # Errors
    /// When the repository cannot be read in time.
    pub fn changes(&self, scope: &Scope, deadline: &Deadline) -> Result<Changes, GitError> {
        self.compare(scope, deadline, |disk, rows| {
            counts::measure(disk, &self.inner, rows)
        })
    }

    /// Compares the two states of `scope` and reads no more of the files than that takes: no lines are counted, and only
    /// what is staged, and repositories, have a content.
    ///
    /// # Errors
    /// When the repository cannot be read in time.
    pub fn changed_paths(&self, scope: &Scope, deadline: &Deadline) -> Result<Changes, GitError> {
        self.compare(scope, deadline, |_, rows| {
            let rows = rows.iter();
            Ok(rows.map(|(path, row)| counts::unread(path, row)).collect())
        })
    }

    fn compare(
        &self,
        scope: &Scope,
        deadline: &Deadline,
        measure: impl FnOnce(&Disk<'_>, &[(&[u8], &Row)]) -> Result<Vec<Measured>, GitError>,
    ) -> Result<Changes, GitError> {
        deadline.check()?;
        let commit = match scope {
            Scope::Base(name) => Some(self.commit_of(name)?),
            _ => self.head_commit()?,
        };
        let tree = commit.as_ref().map(git2::Commit::tree_id);
        let index = self.index(deadline)?;
        let objects = self.objects();
        let disk = Disk::new(&self.root, self.settings()?, index, objects, deadline);
        let scan = Scan {
            repo: self,
            disk: &disk,
            watch: self.watch.as_deref(),
        };
        let halves = staged::compare(&self.inner, tree, index, deadline)?;
        let (rows, extent) = match scope {
            Scope::Staged => scan.staged(halves)?,
            Scope::Worktree => scan.worktree(halves)?,
            Scope::Base(_) => scan.base(halves)?,
        };
        let list: Vec<(&[u8], &Row)> = rows
            .iter()
            .map(|(path, row)| (path.as_slice(), row))
            .collect();
        let measured = measure(&disk, &list)?;
        let mut rows: Vec<Change> = rows
            .into_iter()
            .zip(measured)
            .map(|((path, row), measured)| combine(path, row, measured))
            .collect();
        if *scope != Scope::Worktree {
            for row in &mut rows {
                row.index_status = None;
                row.worktree_status = None;
            }
        }
        Ok(Changes {
            rows,
            base_commit: commit
                .filter(|_| matches!(scope, Scope::Base(_)))
                .map(|commit| commit.id().to_string()),
            left_tree: tree.map(|tree| tree.to_string()),
            extent,
        })
    }

    /// Whether anything is changed at all: what a repository around this one says of it.
    pub(super) fn is_changed(
        &self,
        with_untracked: bool,
        depth: usize,
        deadline: &Deadline,
    ) -> Result<bool, GitError> {
        let tree = self.head_commit()?.map(|commit| commit.tree_id());
        let index = self.index(deadline)?;
        let disk = Disk::new(
            &self.root,
            self.settings()?,
            index,
            self.objects(),
            deadline,
        );
        let halves = staged::compare(&self.inner, tree, index, deadline)?;
        let scan = Scan {
            repo: self,
            disk: &disk,
            watch: None,
        };
        Ok(!halves.is_empty()
            || !scan
                .unstaged(with_untracked, Ignore::Nothing, depth)?
                .is_empty())
    }
}

/// One comparison.
struct Scan<'a> {
    repo: &'a Repo,
    disk: &'a Disk<'a>,
    watch: Option<&'a Watch>,
}

impl Scan<'_> {
    fn staged(&self, mut halves: Halves) -> Result<(Rows, Extent), GitError> {
        let (pairs, extent) = self.pairs(&halves)?;
        let mut rows = Rows::new();
        for pair in pairs {
            take_along(&mut halves, &pair);
            let row = Row {
                index_old: Some(pair.from),
                index: Some(pair.half),
                ..Row::default()
            };
            halves.remove(&pair.path);
            rows.insert(pair.path, row);
        }
        for (path, half) in halves {
            let index = Some(half);
            rows.entry(path).or_default().index = index;
        }
        Ok((rows, extent))
    }

    fn worktree(&self, halves: Halves) -> Result<(Rows, Extent), GitError> {
        let conflicts = conflicts(&halves);
        let (mut rows, staged) = self.staged(halves)?;
        let mut halves = self.unstaged(true, Ignore::Nothing, 0)?;
        let (pairs, unstaged) = self.pairs(&halves)?;
        for pair in pairs {
            take_along(&mut halves, &pair);
            halves.insert(pair.path.clone(), pair.half);
            rows.entry(pair.path).or_default().worktree_old = Some(pair.from);
        }
        halves.extend(conflicts);
        for (path, half) in halves {
            rows.entry(path).or_default().worktree = Some(half);
        }
        Ok((rows, staged.max(unstaged)))
    }

    fn pairs(&self, halves: &Halves) -> Result<(Vec<Pair>, Extent), GitError> {
        renames::find(halves, self.disk, self.disk.deadline)
    }

    /// What is on disk beside a commit, whatever is staged: both halves become one.
    fn base(&self, halves: Halves) -> Result<(Rows, Extent), GitError> {
        let mut joined = halves.clone();
        for (path, half) in self.unstaged(false, Ignore::Untracked, 0)? {
            let Some(first) = halves.get(&path) else {
                let is_intent = || self.disk.index.find(&path).is_some_and(Item::is_intent);
                // There by name only, and not on disk either.
                if half.new.mode != 0 || !is_intent() {
                    joined.insert(path, half);
                }
                continue;
            };
            let left = first.old;
            let is_same = match (left.mode, half.new.mode) {
                (0, 0) => true,
                (GITLINK, GITLINK) => left.id == half.new.id && half.old.id != half.new.id,
                (old, new) if old == new => self.disk.is_same(&path, left, first.new.id, None)?,
                _ => false,
            };
            if is_same {
                joined.remove(&path);
            } else {
                joined.insert(path, Half::between(left, half.new));
            }
        }
        let on_disk: BTreeMap<Vec<u8>, Half> = conflicts(&halves);
        joined.extend(on_disk);
        let (pairs, extent) = self.pairs(&joined)?;
        let mut rows = Rows::new();
        for pair in pairs {
            take_along(&mut joined, &pair);
            joined.insert(pair.path.clone(), pair.half);
            rows.entry(pair.path).or_default().index_old = Some(pair.from);
        }
        for (path, half) in joined {
            let row = rows.entry(path).or_default();
            // Where the id is known, the index has it; else it lies on disk.
            match half.new.mode != 0 && half.new.id.is_zero() {
                true => row.worktree = Some(half),
                false => row.index = Some(half),
            }
        }
        Ok((rows, extent))
    }

    /// The index beside the disk.
    fn unstaged(
        &self,
        with_untracked: bool,
        ignore: Ignore,
        depth: usize,
    ) -> Result<Halves, GitError> {
        let ignores = match with_untracked {
            true => Some(self.repo.ignores()?),
            false => None,
        };
        let found = Walk {
            root: self.disk.root,
            index: self.disk.index,
            settings: self.disk.settings,
            disk: self.disk,
            ignores: ignores.as_ref(),
            watch: self.watch,
            deadline: self.disk.deadline,
        }
        .run()?;
        let mut submodules = Submodules::new(self.repo, self.disk, ignore, depth);
        let mut halves = Halves::new();
        for found in found {
            if let PathChange::Gitlink(_) | PathChange::Folder(_) = found {
                self.doubt_what_lies_inside();
            }
            let (path, half) = match found {
                PathChange::Untracked(path, mode) => (path, Some(Half::untracked(mode))),
                PathChange::Missing(at) => {
                    self.listed(at, |_, side| Half::between(side, Side::NOTHING))
                }
                PathChange::Changed(at, mode) => self.listed(at, |item, side| {
                    let left = if item.is_intent() {
                        Side::NOTHING
                    } else {
                        side
                    };
                    Half::between(left, Side::on_disk(mode))
                }),
                PathChange::Unreadable(at) => self.listed(at, |item, side| {
                    Half::between(side, Side::on_disk(item.mode))
                }),
                PathChange::Folder(at) => self.folder_in_place(at),
                PathChange::Gitlink(at) => {
                    let item = &self.disk.index.items()[at];
                    let path = self.disk.index.path(item);
                    (path.to_vec(), submodules.half(path, item)?)
                }
            };
            if let Some(half) = half {
                halves.insert(path, half);
            }
        }
        Ok(halves)
    }

    fn listed(&self, at: usize, half: impl FnOnce(&Item, Side) -> Half) -> (Vec<u8>, Option<Half>) {
        let item = &self.disk.index.items()[at];
        let side = Side {
            mode: item.mode,
            id: item.id,
        };
        (self.disk.index.path(item).to_vec(), Some(half(item, side)))
    }

    /// The state of a repository in this one is read without being watched.
    fn doubt_what_lies_inside(&self) {
        if let Some(watch) = self.watch {
            watch.doubt(Doubt::Nested);
        }
    }

    /// A folder where a file should be: the file is gone, unless the folder is a repository, which Git takes for a file
    /// of another kind.
    fn folder_in_place(&self, at: usize) -> (Vec<u8>, Option<Half>) {
        self.listed(at, |item, side| {
            let path = self.disk.index.path(item);
            let head = nested::is_repository(self.disk.root.path(), path)
                .then(|| self.repo.inner_head(path))
                .flatten();
            let new = head.map_or(Side::NOTHING, |id| Side { mode: GITLINK, id });
            Half::between(side, new)
        })
    }
}

impl Contents for Disk<'_> {
    fn identity(&self, path: &[u8], side: Side) -> Option<(Oid, Option<u64>)> {
        if side.mode != GITLINK && side.id.is_zero() {
            let bytes = self.read(path, side)?;
            return Some((id_of(&bytes)?, Some(bytes.len() as u64)));
        }
        Some((side.id, None))
    }

    fn size(&self, id: Oid) -> u64 {
        // A content that was not fetched still has an id.
        self.objects.size(id).unwrap_or_default()
    }

    fn read(&self, path: &[u8], side: Side) -> Option<Vec<u8>> {
        if side.id.is_zero() {
            return self.text(path, side.mode);
        }
        self.objects.small_blob(side.id, MAX_COUNTED_BYTES)
    }
}

/// A renamed file is gone from where it was.
fn take_along(halves: &mut Halves, pair: &renames::Pair) {
    let is_gone = |half: &Half| half.status == ChangeStatus::Deleted;
    if halves.get(&pair.from).is_some_and(is_gone) {
        halves.remove(&pair.from);
    }
}

/// The conflicts among `halves`, as they lie on disk.
fn conflicts(halves: &Halves) -> Halves {
    halves
        .iter()
        .filter(|(_, half)| half.status == ChangeStatus::Conflicted)
        .map(|(path, half)| (path.clone(), Half::conflicted(Side::on_disk(half.new.mode))))
        .collect()
}
