//! The tree ids that Git keeps in the index: folders whose entries are exactly some known tree. `git commit` relies on
//! them, and so does the comparison of what is staged: an unchanged folder is one comparison of two ids.

use git2::Oid;

use super::cursor::Cursor;

/// Deepest nesting that is read; deeper ones are compared entry by entry.
const MAX_DEPTH: usize = 512;

/// One folder.
#[derive(Debug)]
pub(in crate::git) struct CacheTree {
    name: Vec<u8>,
    /// Its tree, and how many entries of the index it stands for; none when it is not known.
    tree: Option<(Oid, usize)>,
    folders: Vec<CacheTree>,
}

impl CacheTree {
    /// Reads the extension; none when it makes no sense.
    pub(in crate::git) fn parse(bytes: &[u8]) -> Option<Self> {
        Self::read(&mut Cursor(bytes), 0)
    }

    fn read(reader: &mut Cursor<'_>, depth: usize) -> Option<Self> {
        if depth > MAX_DEPTH {
            return None;
        }
        let name = reader.until(0)?.to_vec();
        let entries = number(reader.until(b' ')?)?;
        let count = usize::try_from(number(reader.until(b'\n')?)?).ok()?;
        let tree = match usize::try_from(entries) {
            Ok(entries) => Some((reader.id()?, entries)),
            Err(_) => None,
        };
        let mut folders = Vec::new();
        for _ in 0..count {
            folders.push(Self::read(reader, depth + 1)?);
        }
        folders.sort_by(|left, right| left.name.cmp(&right.name));
        Some(Self {
            name,
            tree,
            folders,
        })
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
