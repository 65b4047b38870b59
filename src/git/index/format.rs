//! The bytes of one index file, as gitformat-index(5) describes them: header, entries of version 2, 3 and 4, and the
//! extensions for the cached trees and for a split index. Every length is checked: an index may be damaged or forged.

use std::io::Read;

use git2::Oid;

use super::cache_tree::CacheTree;
use super::checks::Checks;
use super::cursor::{Cursor, ID_BYTES};
use super::ewah;
use super::fault::{CUT, IndexFault};
use super::{FOLDER, GITLINK, Item, LINK, Link, RawIndex, Stat};

/// Version, and number of entries, behind four letters.
const HEADER_BYTES: usize = 12;

/// What each entry has before its name; it decides how many entries a file can have at most.
const MIN_ITEM_BYTES: usize = 62;

/// What is read at once: less than a processor has at hand, and enough that few entries lie on a border.
const PIECE_BYTES: u64 = 256 << 10;

/// Deepest nesting of remembered trees that is read; deeper ones are compared entry by entry.
const MAX_DEPTH: usize = 512;

/// The bytes of a file, a piece at a time. What was read of it stays where the processor has it at hand, and the whole, which
/// may be large, takes no memory.
struct Pieces<R> {
    file: R,
    bytes: Vec<u8>,
    /// What was taken of them.
    taken: usize,
    /// How many bytes of the file stood before them.
    before: usize,
}

impl<R: Read> Pieces<R> {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// Reads up to `count` bytes more; false when there are none.
    fn more(&mut self, count: u64) -> Result<bool, IndexFault> {
        self.bytes.drain(..self.taken);
        self.before += self.taken;
        self.taken = 0;
        let before = self.bytes.len();
        let mut piece = self.file.by_ref().take(count);
        piece
            .read_to_end(&mut self.bytes)
            .map_err(|_| IndexFault::Damaged("it cannot be read"))?;
        Ok(self.bytes.len() > before)
    }
}

impl RawIndex {
    /// Reads a whole index file of about `size` bytes. With `checks` its modes are kept as they are written, and whatever
    /// Git might read otherwise is refused.
    pub(super) fn read(
        file: impl Read,
        size: u64,
        mut checks: Option<&mut Checks>,
    ) -> Result<Self, IndexFault> {
        let mut pieces = Pieces {
            file,
            bytes: Vec::new(),
            taken: 0,
            before: 0,
        };
        pieces.more(PIECE_BYTES)?;
        let end = pieces.rest().len().checked_sub(ID_BYTES).ok_or(CUT)?;
        let mut reader = Cursor(&pieces.rest()[..end]);
        if reader.take(4).ok_or(CUT)? != b"DIRC" {
            return Err(IndexFault::Damaged("it does not begin like an index"));
        }
        let version = reader.number().ok_or(CUT)?;
        if !(2..=4).contains(&version) {
            return Err(IndexFault::Unsupported(format!("version {version}")));
        }
        let count = reader.number().ok_or(CUT)? as usize;
        pieces.taken = HEADER_BYTES;
        let size = usize::try_from(size).unwrap_or_default();
        let mut raw = Self {
            items: Vec::with_capacity(count.min(size / MIN_ITEM_BYTES)),
            paths: Vec::with_capacity(size / 2),
            ..Self::default()
        };
        while raw.items.len() < count {
            raw.take_items(&mut pieces, version, count, checks.as_deref_mut())?;
            // As much again as was not enough, so that no entry is looked at more than a few times.
            let open = pieces.rest().len() as u64;
            if raw.items.len() < count && !pieces.more(open.max(PIECE_BYTES))? {
                return Err(CUT);
            }
        }
        pieces.more(u64::MAX)?;
        raw.extensions(pieces.rest(), pieces.before, checks)?;
        Ok(raw)
    }

    /// Reads the entries that are there as a whole.
    fn take_items<R: Read>(
        &mut self,
        pieces: &mut Pieces<R>,
        version: u32,
        count: usize,
        mut checks: Option<&mut Checks>,
    ) -> Result<(), IndexFault> {
        let mut rest = pieces.rest();
        while self.items.len() < count {
            let mut reader = Cursor(rest);
            if self.item(&mut reader, version, checks.is_some())?.is_none() {
                break;
            }
            if let Some(checks) = checks.as_deref_mut() {
                let taken = pieces.bytes.len() - rest.len();
                checks.starts.push(pieces.before + taken);
            }
            rest = reader.0;
        }
        pieces.taken = pieces.bytes.len() - rest.len();
        Ok(())
    }

    fn extensions(
        &mut self,
        bytes: &[u8],
        end_of_entries: usize,
        mut checks: Option<&mut Checks>,
    ) -> Result<(), IndexFault> {
        // The checksum at the end is Git's own business: it may be left out, and a damaged index is not made right by it.
        let end = bytes.len().checked_sub(ID_BYTES).ok_or(CUT)?;
        let mut reader = Cursor(&bytes[..end]);
        while !reader.0.is_empty() {
            let name = reader.take(4).ok_or(CUT)?;
            let size = reader.number().ok_or(CUT)? as usize;
            let content = reader.take(size).ok_or(CUT)?;
            if let Some(checks) = checks.as_deref_mut() {
                checks.extension(name, content, end_of_entries)?;
                continue;
            }
            match name {
                b"TREE" => {
                    let tree = CacheTree::parse(content, MAX_DEPTH);
                    self.tree = tree.ok().map(CacheTree::sorted);
                }
                b"link" => self.link = Some(link(content).ok_or(CUT)?),
                // That some entries stand for folders shows in their mode.
                b"sdir" => {}
                [b'A'..=b'Z', ..] => {}
                _ => return Err(IndexFault::extension(name, "")),
            }
        }
        Ok(())
    }

    /// Reads one entry; none, and nothing is changed, when it is not there as a whole.
    fn item(
        &mut self,
        reader: &mut Cursor<'_>,
        version: u32,
        is_strict: bool,
    ) -> Result<Option<()>, IndexFault> {
        let damaged = || IndexFault::Damaged("it has an entry that makes no sense");
        let begin = reader.0.len();
        let Some(fixed) = reader.take(MIN_ITEM_BYTES) else {
            return Ok(None);
        };
        let number = |at: usize| {
            u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]])
        };
        let mode = match is_strict {
            true => number(24),
            false => plain_mode(number(24)).ok_or_else(damaged)?,
        };
        let id = Oid::from_bytes(&fixed[40..60]).map_err(|_| damaged())?;
        let flags = u16::from_be_bytes([fixed[60], fixed[61]]);
        if is_strict {
            Checks::flags(version, flags)?;
        }
        let more = match version >= 3 && flags & 0x4000 != 0 {
            true => match reader.short() {
                Some(more) => more,
                None => return Ok(None),
            },
            false => 0,
        };
        let start = self.paths.len();
        if version == 4 {
            let (Some(cut), Some(rest)) = (reader.varint(), reader.until(0)) else {
                return Ok(None);
            };
            let before = self.items.last().map_or(0..0, Item::range);
            let kept = before.len().checked_sub(cut).ok_or(CUT)?;
            self.paths
                .extend_from_within(before.start..before.start + kept);
            self.paths.extend_from_slice(rest);
            if is_strict {
                Checks::name(flags, &self.paths[start..], &[])?;
            }
        } else {
            let path = match usize::from(flags & 0xfff) {
                // Longer than the field can say: it ends at a NUL. Git looks for that in every entry.
                said if said == 0xfff || is_strict => (reader.0.iter().position(|byte| *byte == 0))
                    .and_then(|length| reader.take(length)),
                length => reader.take(length),
            };
            let used = begin - reader.0.len();
            let (Some(path), Some(padding)) = (path, reader.take(8 - used % 8)) else {
                return Ok(None);
            };
            if is_strict {
                Checks::name(flags, path, padding)?;
            }
            self.paths.extend_from_slice(path);
        }
        let stat = Stat {
            ctime: (number(0), number(4)),
            mtime: (number(8), number(12)),
            inode: number(20),
            owner: (number(28), number(32)),
            size: number(36),
        };
        if self.paths.len() > u32::MAX as usize {
            return Err(damaged());
        }
        let path = start..self.paths.len();
        self.items
            .push(Item::new(path, stat, mode, id, (flags, more)));
        Ok(Some(()))
    }
}

/// The mode as Git shows it; none for what no entry can be.
pub(in crate::git) fn plain_mode(mode: u32) -> Option<u32> {
    Some(match mode & 0o170_000 {
        0o100_000 if mode & 0o100 != 0 => 0o100_755,
        0o100_000 => 0o100_644,
        kind @ (LINK | GITLINK | FOLDER) => kind,
        _ => return None,
    })
}

/// The `link` extension: id of the shared part, then which of its entries are deleted and which are replaced.
fn link(bytes: &[u8]) -> Option<Link> {
    let mut reader = Cursor(bytes);
    let base = reader.id()?;
    let (deleted, replaced) = match reader.0.is_empty() {
        true => (Vec::new(), Vec::new()),
        false => (ewah::positions(&mut reader)?, ewah::positions(&mut reader)?),
    };
    Some(Link {
        base,
        deleted,
        replaced,
    })
}
