//! The index as `git commit` takes it, for the gate: each entry as it is written, and the trees that Git remembers beside
//! them. Whatever Git might read otherwise than we do is refused.

use git2::Oid;

use super::cache_tree::Remembered;
use super::checks::Checks;
use super::fault::IndexFault;
use super::{Item, RawIndex};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrictEntry<'a> {
    /// Path from the root.
    pub path: &'a [u8],
    /// Git's file mode, as it is written.
    pub mode: u32,
    /// Its blob, or a submodule's commit.
    pub id: Oid,
    /// Side of an unresolved merge; 0 when there is none.
    pub stage: u16,
    /// There by name only (`git add -N`); a commit leaves it out.
    pub intent: bool,
}

/// A whole index.
#[derive(Debug, Default)]
pub struct StrictIndex {
    paths: Vec<u8>,
    items: Vec<Item>,
    remembered: Vec<Remembered>,
}

impl StrictIndex {
    /// Reads the bytes of an index file.
    ///
    /// # Errors
    /// When it is damaged, its entries are out of order, or Git would need to read other files beside it.
    pub fn parse(bytes: &[u8]) -> Result<Self, IndexFault> {
        let mut checks = Checks::default();
        let raw = RawIndex::read(bytes, bytes.len() as u64, Some(&mut checks))?;
        let index = Self {
            paths: raw.paths,
            items: raw.items,
            remembered: checks.remembered,
        };
        // Last: entries that refer to another file are in no order, and that is the better sentence.
        let keys = index.entries().map(|entry| (entry.path, entry.stage));
        match keys.is_sorted_by(|left, right| left < right) {
            true => Ok(index),
            false => Err(IndexFault::Damaged("its entries are not in order")),
        }
    }

    /// By path, then by stage.
    pub fn entries(&self) -> impl Iterator<Item = StrictEntry<'_>> {
        self.items.iter().map(|item| StrictEntry {
            path: &self.paths[item.range()],
            mode: item.mode,
            id: item.id,
            stage: item.stage(),
            intent: item.is_intent(),
        })
    }

    /// The trees that Git remembers and will believe.
    pub fn remembered(&self) -> &[Remembered] {
        &self.remembered
    }
}

#[cfg(test)]
mod tests;
