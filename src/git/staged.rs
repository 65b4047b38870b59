//! A tree beside the index: what a commit would change. Folders whose id the index knows are compared by it alone, so an
//! unchanged repository of any size takes one comparison.

use std::cmp::Ordering;
use std::ops::Range;

use git2::{ObjectType, Oid, Repository};

use super::GitError;
use super::change::MAX_CHANGES;
use super::deadline::Deadline;
use super::index::{CacheTree, Cursor, FOLDER, Index, Item, plain_mode};
use super::rows::{Half, Halves, Side};

/// Largest tree that is read. A folder with 100,000 files has 4 MiB.
const MAX_TREE_BYTES: usize = 64 << 20;

/// One line of a tree.
pub(super) struct TreeLine {
    pub name: Vec<u8>,
    pub side: Side,
}

/// Reads the tree `id`, in its order.
pub(super) fn read_tree(repository: &Repository, id: Oid) -> Result<Vec<TreeLine>, GitError> {
    let failed = |error| GitError::from_library("reading a tree", &error);
    let store = repository.odb().map_err(failed)?;
    let (size, _) = store.read_header(id).map_err(failed)?;
    if size > MAX_TREE_BYTES {
        return Err(GitError::Unsupported(
            "a folder of more than 64 MiB of names".to_owned(),
        ));
    }
    let object = store.read(id).map_err(failed)?;
    let damaged = || GitError::Library {
        action: "reading a tree",
        message: format!("{id} is no tree"),
    };
    if object.kind() != ObjectType::Tree {
        return Err(damaged());
    }
    let mut reader = Cursor(object.data());
    let mut lines = Vec::new();
    while !reader.0.is_empty() {
        let mut line = || {
            let mode = std::str::from_utf8(reader.until(b' ')?).ok()?;
            let mode = plain_mode(u32::from_str_radix(mode, 8).ok()?)?;
            let name = reader.until(0)?.to_vec();
            let id = reader.id()?;
            let is_name =
                !name.is_empty() && !name.contains(&b'/') && name != b"." && name != b"..";
            is_name.then_some(TreeLine {
                name,
                side: Side { mode, id },
            })
        };
        lines.push(line().ok_or_else(damaged)?);
    }
    Ok(lines)
}

/// All files below the tree `id`, by their paths from the root.
pub(super) fn files_below(
    repository: &Repository,
    id: Oid,
    folder: &[u8],
    deadline: &Deadline,
) -> Result<Vec<(Vec<u8>, u32, Oid)>, GitError> {
    let mut files = Vec::new();
    let mut pending = vec![(folder.to_vec(), id)];
    while let Some((folder, id)) = pending.pop() {
        deadline.check()?;
        for line in read_tree(repository, id)? {
            let mut path = [folder.as_slice(), &line.name].concat();
            if line.side.mode == FOLDER {
                path.push(b'/');
                pending.push((path, line.side.id));
            } else {
                files.push((path, line.side.mode, line.side.id));
            }
        }
        if files.len() > MAX_CHANGES {
            return Err(GitError::TooMany(MAX_CHANGES));
        }
    }
    files.sort();
    Ok(files)
}

/// A folder that is still to be compared.
struct Folder<'a> {
    /// From the root, with a `/` at the end.
    path: Vec<u8>,
    tree: Option<Oid>,
    items: Range<usize>,
    cached: Option<&'a CacheTree>,
}

/// Compares `tree` with `index`. What is in the index by name only counts as not there.
pub(super) fn compare(
    repository: &Repository,
    tree: Option<Oid>,
    index: &Index,
    deadline: &Deadline,
) -> Result<Halves, GitError> {
    compare_folder(repository, Vec::new(), tree, index, deadline)
}

struct Comparison<'a> {
    repository: &'a Repository,
    deadline: &'a Deadline,
    index: &'a Index,
    pending: Vec<Folder<'a>>,
    found: Halves,
}

/// What comes next in a folder of the index.
struct Next<'a> {
    name: &'a [u8],
    is_folder: bool,
    /// The entries below it; for a file its sides, of which there is one unless it is in conflict.
    items: Range<usize>,
}

impl<'a> Comparison<'a> {
    /// Puts a folder aside unless both sides are known to be the same.
    fn push(&mut self, folder: Folder<'a>) {
        let known = folder.cached.and_then(CacheTree::tree);
        if let (Some((id, count)), Some(tree)) = (known, folder.tree)
            && id == tree
            && count == folder.items.len()
        {
            return;
        }
        self.pending.push(folder);
    }

    fn folder(&mut self, folder: Folder<'a>) -> Result<(), GitError> {
        let lines = match folder.tree {
            Some(id) => read_tree(self.repository, id)?,
            None => Vec::new(),
        };
        let mut lines = lines.into_iter().peekable();
        let mut at = folder.items.start;
        loop {
            let next = (at < folder.items.end).then(|| self.next(&folder, at));
            let order = match (lines.peek(), &next) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(line), Some(next)) => by_name(
                    (&line.name, line.side.mode == FOLDER),
                    (next.name, next.is_folder),
                ),
            };
            let line = match order {
                Ordering::Greater => None,
                _ => lines.next(),
            };
            let next = next.filter(|_| order != Ordering::Less);
            if let Some(next) = &next {
                at = next.items.end;
            }
            self.pair(&folder, line, next)?;
        }
    }

    fn next(&self, folder: &Folder<'a>, at: usize) -> Next<'a> {
        let index = self.index;
        let path = index.path(&index.items()[at]);
        let rest = &path[folder.path.len()..];
        let (name, is_folder) = match rest.iter().position(|byte| *byte == b'/') {
            Some(end) => (&rest[..end], true),
            None => (rest, false),
        };
        let start = &path[..folder.path.len() + name.len()];
        let belongs = |item: &Item| {
            let path = index.path(item);
            path.strip_prefix(start)
                .is_some_and(|rest| match is_folder {
                    true => rest.first() == Some(&b'/'),
                    false => rest.is_empty(),
                })
        };
        let rest = &index.items()[at..folder.items.end];
        let ends_behind = |count: usize| {
            let (last, next) = (rest.get(count.wrapping_sub(1)), rest.get(count));
            last.is_some_and(belongs) && !next.is_some_and(belongs)
        };
        let length = match is_folder {
            // Git remembers how many there are; that is a hint until the last one is seen.
            true => (folder.cached)
                .and_then(|cached| cached.folder(name)?.tree())
                .map(|(_, count)| count)
                .filter(|count| ends_behind(*count))
                .unwrap_or_else(|| rest.partition_point(belongs)),
            false => rest.iter().take_while(|item| belongs(item)).count(),
        };
        Next {
            name,
            is_folder,
            items: at..at + length,
        }
    }

    fn pair(
        &mut self,
        folder: &Folder<'a>,
        line: Option<TreeLine>,
        next: Option<Next<'a>>,
    ) -> Result<(), GitError> {
        let name = match (&line, &next) {
            (Some(line), _) => line.name.as_slice(),
            (None, Some(next)) => next.name,
            (None, None) => return Ok(()),
        };
        let mut path = [folder.path.as_slice(), name].concat();
        let left = line.as_ref().map(|line| line.side);
        let is_folder = left.is_some_and(|side| side.mode == FOLDER)
            || next.as_ref().is_some_and(|next| next.is_folder);
        if is_folder {
            path.push(b'/');
            let cached = folder.cached.and_then(|cached| cached.folder(name));
            let items = next.map_or(0..0, |next| next.items);
            return self.descend(path, left.map(|side| side.id), items, cached);
        }
        let items = next.map_or(&[][..], |next| &self.index.items()[next.items]);
        if let Some(side) = items.iter().rfind(|item| item.stage() != 0) {
            let side = Side {
                mode: side.mode,
                id: side.id,
            };
            self.found.insert(path, Half::conflicted(side));
            return Ok(());
        }
        let right = items
            .iter()
            .find(|item| !item.is_intent())
            .map(|item| Side {
                mode: item.mode,
                id: item.id,
            });
        if left != right {
            let nothing = Side::NOTHING;
            let half = Half::between(left.unwrap_or(nothing), right.unwrap_or(nothing));
            self.found.insert(path, half);
        }
        Ok(())
    }

    fn descend(
        &mut self,
        path: Vec<u8>,
        tree: Option<Oid>,
        items: Range<usize>,
        cached: Option<&'a CacheTree>,
    ) -> Result<(), GitError> {
        // A folder of a sparse index is one entry.
        if let [item] = &self.index.items()[items.clone()]
            && item.is_folder()
            && self.index.path(item) == path
        {
            if tree == Some(item.id) {
                return Ok(());
            }
            let files = files_below(self.repository, item.id, &path, self.deadline)?;
            let inner = Index::of_folder(files, self.index.written())?;
            let found = compare_folder(self.repository, path, tree, &inner, self.deadline)?;
            self.found.extend(found);
            return Ok(());
        }
        self.push(Folder {
            path,
            tree,
            items,
            cached,
        });
        Ok(())
    }
}

/// Compares a folder with the files that stand for it.
fn compare_folder(
    repository: &Repository,
    path: Vec<u8>,
    tree: Option<Oid>,
    index: &Index,
    deadline: &Deadline,
) -> Result<Halves, GitError> {
    let mut comparison = Comparison {
        repository,
        deadline,
        index,
        pending: Vec::new(),
        found: Halves::new(),
    };
    comparison.push(Folder {
        path,
        tree,
        items: 0..index.items().len(),
        cached: index.tree(),
    });
    while let Some(folder) = comparison.pending.pop() {
        deadline.check()?;
        comparison.folder(folder)?;
        if comparison.found.len() > MAX_CHANGES {
            return Err(GitError::TooMany(MAX_CHANGES));
        }
    }
    Ok(comparison.found)
}

/// The order of trees and of the index: a folder counts as its name with a `/` behind it.
fn by_name(left: (&[u8], bool), right: (&[u8], bool)) -> Ordering {
    let common = left.0.len().min(right.0.len());
    let after = |(name, is_folder): (&[u8], bool)| match name.get(common) {
        Some(byte) => *byte,
        None if is_folder => b'/',
        None => 0,
    };
    let names = left.0[..common].cmp(&right.0[..common]);
    let rest = || left.0.len().cmp(&right.0.len());
    names
        .then_with(|| after(left).cmp(&after(right)))
        .then_with(rest)
}
