//! What the gate checks of an index beyond what is read of it. `git commit` believes the trees that it remembers and, with
//! threads, tables that say where entries stand; whoever writes these can make it commit something else than the entries say.

use super::cache_tree::{CacheTree, Remembered};
use super::cursor::Cursor;
use super::fault::{CUT, IndexFault};

const NAME_BITS: u16 = 0x0fff;
const EXTENDED: u16 = 0x4000;

/// Deepest nesting of remembered trees: a path has at most 4096 bytes on every system that Git runs on.
const MAX_DEPTH: usize = 2048;

/// What is checked, as far as the file has been read.
#[derive(Debug, Default)]
pub(super) struct Checks {
    /// Where each entry begins in the file.
    pub starts: Vec<usize>,
    /// All trees that are remembered, in their order.
    pub remembered: Vec<Remembered>,
}

impl Checks {
    /// Flags that an entry of this version may have.
    pub(super) fn flags(version: u32, flags: u16) -> Result<(), IndexFault> {
        match version == 2 && flags & EXTENDED != 0 {
            true => Err(IndexFault::Damaged("an entry has flags of a newer version")),
            false => Ok(()),
        }
    }

    /// A name, and the bytes behind it up to the next entry.
    pub(super) fn name(flags: u16, path: &[u8], padding: &[u8]) -> Result<(), IndexFault> {
        if padding.iter().any(|byte| *byte != 0) {
            return Err(IndexFault::Damaged("an entry does not end where it should"));
        }
        match usize::from(flags & NAME_BITS) == path.len().min(usize::from(NAME_BITS)) {
            true => Ok(()),
            false => Err(IndexFault::Damaged(
                "a name has another length than it says",
            )),
        }
    }

    /// An extension; the entries end at `end_of_entries`.
    pub(super) fn extension(
        &mut self,
        name: &[u8],
        content: &[u8],
        end_of_entries: usize,
    ) -> Result<(), IndexFault> {
        let mut reader = Cursor(content);
        match name {
            b"TREE" => CacheTree::parse(content, MAX_DEPTH)?.list_into(&mut self.remembered),
            b"EOIE" if reader.number().ok_or(CUT)? as usize != end_of_entries => {
                return Err(IndexFault::Damaged("it says wrongly where its entries end"));
            }
            b"IEOT" => self.table(&mut reader)?,
            // What begins with a capital may be left out without another meaning.
            [b'A'..=b'Z', ..] => {}
            b"link" => {
                return Err(IndexFault::extension(
                    name,
                    " (core.splitIndex; `git update-index --no-split-index` ends it)",
                ));
            }
            b"sdir" => {
                return Err(IndexFault::extension(
                    name,
                    " (index.sparse; `git sparse-checkout reapply --no-sparse-index` ends it)",
                ));
            }
            _ => return Err(IndexFault::extension(name, "")),
        }
        Ok(())
    }

    /// The table by which several threads read entries must name exactly where they stand.
    fn table(&self, reader: &mut Cursor<'_>) -> Result<(), IndexFault> {
        let wrong = IndexFault::Damaged("its table of entries is wrong");
        if reader.number().ok_or(CUT)? != 1 {
            return Err(IndexFault::Unsupported(
                "an unknown table of entries".to_owned(),
            ));
        }
        let mut entry = 0_usize;
        while !reader.0.is_empty() {
            let offset = reader.number().ok_or(CUT)? as usize;
            if self.starts.get(entry) != Some(&offset) {
                return Err(wrong);
            }
            entry += reader.number().ok_or(CUT)? as usize;
        }
        match entry == self.starts.len() {
            true => Ok(()),
            false => Err(wrong),
        }
    }
}
