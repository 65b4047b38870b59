//! The bytes of one index file, as gitformat-index(5) describes them: header, entries of version 2, 3 and 4, and the
//! extensions for the cached trees and for a split index. Every length is checked: an index may be damaged or forged.

use std::io::Read;

use git2::Oid;

use super::cache_tree::CacheTree;
use super::cursor::{Cursor, ID_BYTES};
use super::ewah;
use super::{FOLDER, GITLINK, Item, LINK, Link, RawIndex, Stat, UNREADABLE};
use crate::git::GitError;

/// Version, and number of entries, behind four letters.
const HEADER_BYTES: usize = 12;

/// What each entry has before its name; it decides how many entries a file can have at most.
const MIN_ITEM_BYTES: usize = 62;

/// What is read at once: less than a processor has at hand, and enough that few entries lie on a border.
const PIECE_BYTES: u64 = 256 << 10;

const CUT: GitError = GitError::DamagedIndex("it ends too early");

/// The bytes of a file, a piece at a time. What was read of it stays where the processor has it at hand, and the whole, which
/// may be large, takes no memory.
struct Pieces<R> {
    file: R,
    bytes: Vec<u8>,
    /// What was taken of them.
    taken: usize,
}

impl<R: Read> Pieces<R> {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// Reads up to `count` bytes more; false when there are none.
    fn more(&mut self, count: u64) -> Result<bool, GitError> {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        let before = self.bytes.len();
        let mut piece = self.file.by_ref().take(count);
        piece.read_to_end(&mut self.bytes).map_err(|_| UNREADABLE)?;
        Ok(self.bytes.len() > before)
    }
}

impl RawIndex {
    /// Reads a whole index file of about `size` bytes.
    pub(super) fn read(file: impl Read, size: u64) -> Result<Self, GitError> {
        let mut pieces = Pieces {
            file,
            bytes: Vec::new(),
            taken: 0,
        };
        pieces.more(PIECE_BYTES)?;
        let mut reader = Cursor(pieces.rest());
        if reader.take(4) != Some(b"DIRC") {
            return Err(GitError::DamagedIndex("it does not begin as one"));
        }
        let version = reader.number().ok_or(CUT)?;
        if !(2..=4).contains(&version) {
            return Err(GitError::Unsupported(format!(
                "an index of version {version}"
            )));
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
            raw.take_items(&mut pieces, version, count)?;
            // As much again as was not enough, so that no entry is looked at more than a few times.
            let open = pieces.rest().len() as u64;
            if raw.items.len() < count && !pieces.more(open.max(PIECE_BYTES))? {
                return Err(CUT);
            }
        }
        pieces.more(u64::MAX)?;
        raw.extensions(pieces.rest())?;
        Ok(raw)
    }

    /// Reads the entries that are there as a whole.
    fn take_items<R: Read>(
        &mut self,
        pieces: &mut Pieces<R>,
        version: u32,
        count: usize,
    ) -> Result<(), GitError> {
        let mut rest = pieces.rest();
        while self.items.len() < count {
            let mut reader = Cursor(rest);
            if self.item(&mut reader, version)?.is_none() {
                break;
            }
            rest = reader.0;
        }
        pieces.taken = pieces.bytes.len() - rest.len();
        Ok(())
    }

    fn extensions(&mut self, bytes: &[u8]) -> Result<(), GitError> {
        let mut reader = Cursor(bytes);
        // The checksum at the end is Git's own business: it may be left out, and a damaged index is not made right by it.
        while reader.0.len() > ID_BYTES {
            let name = reader.take(4).ok_or(CUT)?;
            let size = reader.number().ok_or(CUT)? as usize;
            let content = reader.take(size).ok_or(CUT)?;
            match name {
                b"TREE" => self.tree = CacheTree::parse(content),
                b"link" => self.link = Some(link(content).ok_or(CUT)?),
                // That some entries stand for folders shows in their mode.
                b"sdir" => {}
                [b'A'..=b'Z', ..] => {}
                _ => {
                    let name = String::from_utf8_lossy(name).into_owned();
                    return Err(GitError::Unsupported(format!(
                        "the extension {name:?} of the index"
                    )));
                }
            }
        }
        match reader.0.len() < ID_BYTES {
            true => Err(CUT),
            false => Ok(()),
        }
    }

    /// Reads one entry; none, and nothing is changed, when it is not there as a whole.
    fn item(&mut self, reader: &mut Cursor<'_>, version: u32) -> Result<Option<()>, GitError> {
        let damaged = || GitError::DamagedIndex("it has an entry that makes no sense");
        let begin = reader.0.len();
        let Some(fixed) = reader.take(MIN_ITEM_BYTES) else {
            return Ok(None);
        };
        let number = |at: usize| {
            u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]])
        };
        let mode = plain_mode(number(24)).ok_or_else(damaged)?;
        let id = Oid::from_bytes(&fixed[40..60]).map_err(|_| damaged())?;
        let flags = u16::from_be_bytes([fixed[60], fixed[61]]);
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
            let kept = before.len().checked_sub(cut).ok_or_else(damaged)?;
            self.paths
                .extend_from_within(before.start..before.start + kept);
            self.paths.extend_from_slice(rest);
        } else {
            let path = match usize::from(flags & 0xfff) {
                // Longer than the field can say: it ends at a NUL.
                0xfff => (reader.0.iter().position(|byte| *byte == 0))
                    .and_then(|length| reader.take(length)),
                length => reader.take(length),
            };
            let used = begin - reader.0.len();
            let (Some(path), Some(_)) = (path, reader.take(8 - used % 8)) else {
                return Ok(None);
            };
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
