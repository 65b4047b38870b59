//! The index as it lies on disk: what is staged, and what the files looked like when Git last looked at them. Reads the
//! versions 2 to 4 with the extensions that matter here, as gitformat-index(5) describes them. It never writes. `strict` reads
//! the same format for the gate, which takes nothing that Git might read otherwise.

mod cache_tree;
mod checks;
mod cursor;
mod ewah;
mod fault;
mod format;
mod strict;

use std::io::Read;
use std::path::Path;

use git2::Oid;

use super::{GitError, files};
pub(super) use cache_tree::CacheTree;
pub use cache_tree::Remembered;
pub(super) use cursor::Cursor;
pub use fault::IndexFault;
pub(super) use format::plain_mode;
pub use strict::{StrictEntry, StrictIndex};

/// Largest index that is read. One with a million files has 100 MiB; the entries take as much again.
pub(super) const MAX_INDEX_BYTES: u64 = 256 << 20;

/// The system does not give it out.
const UNREADABLE: GitError = GitError::DamagedIndex("it cannot be read");

/// Mode of an entry that stands for a whole folder (of a sparse index).
pub(super) const FOLDER: u32 = 0o040_000;

/// Mode of a recorded repository.
pub(super) const GITLINK: u32 = 0o160_000;

/// Mode of a symbolic link.
pub(super) const LINK: u32 = 0o120_000;

/// What a file looked like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stat {
    pub ctime: (u32, u32),
    pub mtime: (u32, u32),
    pub inode: u32,
    pub owner: (u32, u32),
    pub size: u32,
}

/// One line of the index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    start: u32,
    length: u32,
    pub stat: Stat,
    pub mode: u32,
    pub id: Oid,
    flags: u16,
    more_flags: u16,
}

impl Item {
    /// Which side of a conflict; 0 without one.
    pub(super) fn stage(&self) -> u16 {
        (self.flags >> 12) & 3
    }

    /// Somebody promised that the file does not change.
    pub(super) fn is_assumed_unchanged(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// Left out of a sparse checkout: what is recorded stands for the file.
    pub(super) fn is_skipped(&self) -> bool {
        self.more_flags & 0x4000 != 0
    }

    /// `git add -N`: there by name only. A commit leaves it out.
    pub(super) fn is_intent(&self) -> bool {
        self.more_flags & 0x2000 != 0
    }

    /// An ordinary file.
    pub(super) fn is_file(&self) -> bool {
        matches!(self.mode, 0o100_644 | 0o100_755)
    }

    pub(super) fn is_folder(&self) -> bool {
        self.mode == FOLDER
    }
}

/// The whole index, ordered by path and stage.
#[derive(Debug, Default)]
pub(super) struct Index {
    paths: Vec<u8>,
    items: Vec<Item>,
    tree: Option<CacheTree>,
    /// When the file was written; files that changed in the same second or later may have done so unseen.
    written: u32,
    has_attributes: bool,
    has_folders: bool,
}

impl Index {
    /// Reads the index of the repository at `git_dir`; empty when there is none yet.
    pub(super) fn read(git_dir: &Path) -> Result<Self, GitError> {
        let Some((raw, written)) = load(&git_dir.join("index"))? else {
            return Ok(Self::default());
        };
        let mut index = Self {
            paths: raw.paths,
            items: raw.items,
            tree: raw.tree,
            written,
            ..Self::default()
        };
        if let Some(link) = raw.link {
            let name = format!("sharedindex.{}", link.base);
            match load(&git_dir.join(name))? {
                Some((base, _)) => index.join(base, &link)?,
                None if link.base.is_zero() => {}
                None => return Err(GitError::DamagedIndex("its shared part is missing")),
            }
        }
        index.check()?;
        Ok(index)
    }

    /// An index of other entries than those on disk: what a folder of a sparse index stands for.
    pub(super) fn of_folder(
        entries: impl IntoIterator<Item = (Vec<u8>, u32, Oid)>,
        written: u32,
    ) -> Result<Self, GitError> {
        let mut index = Self {
            written,
            ..Self::default()
        };
        for (path, mode, id) in entries {
            let (start, length) = (index.paths.len() as u32, path.len() as u32);
            index.paths.extend_from_slice(&path);
            index.items.push(Item {
                start,
                length,
                stat: Stat::default(),
                mode,
                id,
                flags: 0,
                more_flags: 0x4000,
            });
        }
        index.check()?;
        Ok(index)
    }

    pub(super) fn items(&self) -> &[Item] {
        &self.items
    }

    pub(super) fn path(&self, item: &Item) -> &[u8] {
        &self.paths[item.range()]
    }

    pub(super) fn tree(&self) -> Option<&CacheTree> {
        self.tree.as_ref()
    }

    pub(super) fn written(&self) -> u32 {
        self.written
    }

    /// Whether a `.gitattributes` is recorded anywhere.
    pub(super) fn has_attributes(&self) -> bool {
        self.has_attributes
    }

    /// Whether entries stand for whole folders.
    pub(super) fn has_folders(&self) -> bool {
        self.has_folders
    }

    /// The entry of `path`, unless it is in conflict.
    pub(super) fn find(&self, path: &[u8]) -> Option<&Item> {
        let item = &self.items[self.position(path)?];
        (item.stage() == 0).then_some(item)
    }

    /// Where the first entry of `path` is.
    pub(super) fn position(&self, path: &[u8]) -> Option<usize> {
        let at = self.items.partition_point(|item| self.path(item) < path);
        let item = self.items.get(at)?;
        (self.path(item) == path).then_some(at)
    }

    /// Replaces each folder that `wanted` takes by what `expand` finds in it.
    pub(super) fn expand(
        &mut self,
        mut wanted: impl FnMut(&[u8]) -> bool,
        mut expand: impl FnMut(&[u8], Oid) -> Result<Self, GitError>,
    ) -> Result<(), GitError> {
        let mut items = Vec::with_capacity(self.items.len());
        let mut is_changed = false;
        for item in std::mem::take(&mut self.items) {
            let range = item.range();
            if !item.is_folder() || !wanted(&self.paths[range.clone()]) {
                items.push(item);
                continue;
            }
            let folder = self.paths[range].to_vec();
            let inner = expand(&folder, item.id)?;
            let offset = self.paths.len() as u32;
            self.paths.extend_from_slice(&inner.paths);
            items.extend(inner.items.iter().map(|item| Item {
                start: item.start + offset,
                ..*item
            }));
            is_changed = true;
        }
        self.items = items;
        if is_changed {
            // It counts the folders as one entry each.
            self.tree = None;
        }
        self.check()
    }

    /// Joins the entries of a split index with those of its shared part.
    fn join(&mut self, mut base: RawIndex, link: &Link) -> Result<(), GitError> {
        let damaged = || GitError::DamagedIndex("its parts do not fit together");
        let mut own = std::mem::take(&mut self.items).into_iter().peekable();
        for position in &link.replaced {
            let old = base.items.get_mut(*position).ok_or_else(damaged)?;
            let new = own
                .next()
                .filter(|new| new.length == 0)
                .ok_or_else(damaged)?;
            *old = Item {
                start: old.start,
                length: old.length,
                ..new
            };
        }
        let mut is_deleted = vec![false; base.items.len()];
        for position in &link.deleted {
            *is_deleted.get_mut(*position).ok_or_else(damaged)? = true;
        }
        let offset = base.paths.len() as u32;
        base.paths.append(&mut self.paths);
        self.paths = base.paths;
        let kept = base
            .items
            .iter()
            .zip(is_deleted)
            .filter(|(_, gone)| !gone)
            .map(|(item, _)| *item);
        self.items = kept
            .chain(own.map(|item| Item {
                start: item.start + offset,
                ..item
            }))
            .collect();
        let paths = &self.paths;
        let key = |item: &Item| (&paths[item.range()], item.stage());
        self.items.sort_by(|left, right| key(left).cmp(&key(right)));
        Ok(())
    }

    /// That the entries are in order, and that no path leads out of the working tree or into `.git`.
    fn check(&mut self) -> Result<(), GitError> {
        let (mut has_attributes, mut has_folders) = (false, false);
        let mut before: (&[u8], u16) = (b"", 0);
        for item in &self.items {
            let path = &self.paths[item.range()];
            // What is in common with the path before has been looked at.
            let common = common_start(path, before.0);
            if (&path[common..], item.stage()) <= (&before.0[common..], before.1) {
                return Err(GitError::DamagedIndex("its entries are not in order"));
            }
            before = (path, item.stage());
            let from = path[..common]
                .iter()
                .rposition(|byte| *byte == b'/')
                .map_or(0, |at| at + 1);
            let rest = match item.is_folder() {
                true => path[from..].strip_suffix(b"/").unwrap_or_default(),
                false => &path[from..],
            };
            let is_bad = |name: &[u8]| {
                name.is_empty()
                    || name == b"."
                    || name == b".."
                    || name.eq_ignore_ascii_case(b".git")
            };
            // A further side of a conflict has the name of the first.
            let is_known = common == path.len() && !item.is_folder();
            if !is_known && (rest.split(|byte| *byte == b'/').any(is_bad) || rest.contains(&0)) {
                return Err(GitError::DamagedIndex(
                    "it has a name that no file may have",
                ));
            }
            has_attributes |= rest.ends_with(b".gitattributes");
            has_folders |= item.is_folder();
        }
        (self.has_attributes, self.has_folders) = (has_attributes, has_folders);
        if has_folders {
            self.tree = None;
        }
        Ok(())
    }
}

/// How many bytes two paths begin with alike.
fn common_start(left: &[u8], right: &[u8]) -> usize {
    const STEP: usize = 16;
    let steps = left.chunks_exact(STEP).zip(right.chunks_exact(STEP));
    let start = steps.take_while(|(left, right)| left == right).count() * STEP;
    let rest = left[start..].iter().zip(&right[start..]);
    start + rest.take_while(|(left, right)| left == right).count()
}

/// What an index file says, and the second in which it was written.
fn load(path: &Path) -> Result<Option<(RawIndex, u32)>, GitError> {
    let open = || -> std::io::Result<_> {
        let Some(file) = files::open_trusted(path)? else {
            return Ok(None);
        };
        let metadata = file.metadata()?;
        Ok(Some((file, metadata)))
    };
    let Some((file, metadata)) = open().map_err(|_| UNREADABLE)? else {
        return Ok(None);
    };
    if metadata.len() > MAX_INDEX_BYTES {
        return Err(GitError::Unsupported(
            "an index of more than 256 MiB".to_owned(),
        ));
    }
    let written = std::os::unix::fs::MetadataExt::mtime(&metadata);
    let raw = RawIndex::read(file.take(MAX_INDEX_BYTES), metadata.len(), None)?;
    Ok(Some((raw, written as u32)))
}

/// What a split index says of its shared part.
#[derive(Debug)]
pub(super) struct Link {
    pub base: Oid,
    pub deleted: Vec<usize>,
    pub replaced: Vec<usize>,
}

/// One index file.
#[derive(Debug, Default)]
pub(super) struct RawIndex {
    pub paths: Vec<u8>,
    pub items: Vec<Item>,
    pub tree: Option<CacheTree>,
    pub link: Option<Link>,
}

impl Item {
    /// An entry as it was read; its path follows.
    pub(super) fn new(
        path: std::ops::Range<usize>,
        stat: Stat,
        mode: u32,
        id: Oid,
        flags: (u16, u16),
    ) -> Self {
        Self {
            start: path.start as u32,
            length: path.len() as u32,
            stat,
            mode,
            id,
            flags: flags.0,
            more_flags: flags.1,
        }
    }

    /// Where its path is.
    pub(super) fn range(&self) -> std::ops::Range<usize> {
        self.start as usize..self.start as usize + self.length as usize
    }
}
