//! The tree ids that Git keeps in the index: folders whose entries are exactly some known tree. `git commit` relies on
//! them, and so does the comparison of what is staged: an unchanged folder is one comparison of two ids.

use git2::Oid;

use super::cursor::Cursor;
use super::fault::{CUT, IndexFault};

/// A tree that Git remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Folder, from the root; empty for the root itself.
    pub path: Vec<u8>,
    /// Files in it and below.
    pub entries: usize,
    /// Its tree.
    pub id: Oid,
}

const TOO_DEEP: IndexFault = IndexFault::Damaged("its remembered trees are nested too deep");

/// One folder.
#[derive(Debug)]
pub(in crate::git) struct CacheTree {
    name: Vec<u8>,
    /// Its tree, and how many entries of the index it stands for; none when it is not known.
    tree: Option<(Oid, usize)>,
    folders: Vec<CacheTree>,
}

impl CacheTree {
    /// Reads the extension, in which folders may be nested so deep.
    pub(in crate::git) fn parse(bytes: &[u8], max_depth: usize) -> Result<Self, IndexFault> {
        Self::read(&mut Cursor(bytes), max_depth)
    }

    fn read(reader: &mut Cursor<'_>, deeper: usize) -> Result<Self, IndexFault> {
        let wrong = IndexFault::Damaged("its remembered trees cannot be read");
        let name = reader.until(0).ok_or(CUT)?.to_vec();
        let entries = number(reader.until(b' ').ok_or(CUT)?).ok_or(wrong.clone())?;
        let count = number(reader.until(b'\n').ok_or(CUT)?).ok_or(wrong.clone())?;
        let tree = match usize::try_from(entries) {
            Ok(entries) => Some((reader.id().ok_or(CUT)?, entries)),
            Err(_) => None,
        };
        let mut folders = Vec::new();
        for _ in 0..usize::try_from(count).map_err(|_| wrong)? {
            let deeper = deeper.checked_sub(1).ok_or(TOO_DEEP)?;
            folders.push(Self::read(reader, deeper)?);
        }
        Ok(Self {
            name,
            tree,
            folders,
        })
    }

    /// The same, with its folders in the order in which [`folder`](Self::folder) looks for them.
    pub(super) fn sorted(mut self) -> Self {
        self.folders = self.folders.into_iter().map(Self::sorted).collect();
        self.folders
            .sort_by(|left, right| left.name.cmp(&right.name));
        self
    }

    /// All trees in it, each before those inside.
    pub(super) fn list_into(&self, list: &mut Vec<Remembered>) {
        self.list_below(&self.name, b"", list);
    }

    fn list_below(&self, path: &[u8], separator: &[u8], list: &mut Vec<Remembered>) {
        list.extend(self.tree.map(|(id, entries)| Remembered {
            path: path.to_vec(),
            entries,
            id,
        }));
        for folder in &self.folders {
            folder.list_below(&[path, separator, &folder.name].concat(), b"/", list);
        }
    }

    /// The tree that the folder is, with the number of its entries.
    pub(in crate::git) fn tree(&self) -> Option<(Oid, usize)> {
        self.tree
    }

    /// A folder inside.
    pub(in crate::git) fn folder(&self, name: &[u8]) -> Option<&Self> {
        let at = self
            .folders
            .binary_search_by(|folder| folder.name.as_slice().cmp(name));
        Some(&self.folders[at.ok()?])
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
