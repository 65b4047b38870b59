//! The bytes of one index file, as gitformat-index(5) describes them: header, entries of version 2, 3 and 4, and the
//! extensions for the cached trees and for a split index. Every length is checked: an index may be damaged or forged.

use git2::Oid;

use super::GitError;
use super::ewah;
use super::index::{FOLDER, GITLINK, Item, LINK, Link, RawIndex, Stat};

/// Length of an object's id.
const ID_BYTES: usize = 20;

/// Smallest entry: it decides how many entries a file can have at most.
const MIN_ITEM_BYTES: usize = 62;

/// A cursor that ends where the bytes do.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn short(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(super) fn id(&mut self) -> Option<Oid> {
        Oid::from_bytes(self.take(ID_BYTES)?).ok()
    }

    /// What stands before the next `end`, which is passed over.
    pub(super) fn until(&mut self, end: u8) -> Option<&'a [u8]> {
        let at = self.0.iter().position(|byte| *byte == end)?;
        let taken = self.take(at)?;
        self.take(1)?;
        Some(taken)
    }

    /// A number of variable length: seven bits in each byte, each further byte counts from one higher.
    fn varint(&mut self) -> Option<usize> {
        let mut value = 0_usize;
        loop {
            let byte = self.take(1)?[0];
            value = value
                .checked_shl(7)?
                .checked_add(usize::from(byte & 0x7f))?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
            value = value.checked_add(1)?;
            if value > u32::MAX as usize {
                return None;
            }
        }
    }
}

impl<'a> RawIndex<'a> {
    /// Reads a whole index file.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, GitError> {
        let cut = || GitError::DamagedIndex("it ends too early");
        let mut reader = Reader(bytes);
        if reader.take(4) != Some(b"DIRC") {
            return Err(GitError::DamagedIndex("it does not begin as one"));
        }
        let version = reader.number().ok_or_else(cut)?;
        if !(2..=4).contains(&version) {
            return Err(GitError::Unsupported(format!(
                "an index of version {version}"
            )));
        }
        let count = reader.number().ok_or_else(cut)? as usize;
        let mut raw = Self {
            items: Vec::with_capacity(count.min(bytes.len() / MIN_ITEM_BYTES)),
            paths: Vec::with_capacity(bytes.len() / 2),
            ..Self::default()
        };
        for _ in 0..count {
            raw.item(&mut reader, version).ok_or_else(cut)?;
        }
        // The checksum at the end is Git's own business: it may be left out, and a damaged index is not made right by it.
        while reader.0.len() > ID_BYTES {
            let name = reader.take(4).ok_or_else(cut)?;
            let size = reader.number().ok_or_else(cut)? as usize;
            let content = reader.take(size).ok_or_else(cut)?;
            match name {
                b"TREE" => raw.tree = Some(content),
                b"link" => raw.link = Some(link(content).ok_or_else(cut)?),
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
        if reader.0.len() < ID_BYTES {
            return Err(cut());
        }
        Ok(raw)
    }

    fn item(&mut self, reader: &mut Reader<'a>, version: u32) -> Option<()> {
        let begin = reader.0.len();
        let pair = |reader: &mut Reader<'a>| Some((reader.number()?, reader.number()?));
        let ctime = pair(reader)?;
        let mtime = pair(reader)?;
        let (_device, inode) = pair(reader)?;
        let mode = plain_mode(reader.number()?)?;
        let owner = pair(reader)?;
        let size = reader.number()?;
        let id = reader.id()?;
        let flags = reader.short()?;
        let more = match version >= 3 && flags & 0x4000 != 0 {
            true => reader.short()?,
            false => 0,
        };
        let start = self.paths.len();
        if version == 4 {
            let cut = reader.varint()?;
            let before = self.items.last().map_or(0..0, Item::range);
            let kept = before.len().checked_sub(cut)?;
            self.paths
                .extend_from_within(before.start..before.start + kept);
            let rest = reader.until(0)?;
            self.paths.extend_from_slice(rest);
        } else {
            let path = match usize::from(flags & 0xfff) {
                // Longer than the field can say: it ends at a NUL.
                0xfff => {
                    let length = reader.0.iter().position(|byte| *byte == 0)?;
                    reader.take(length)?
                }
                length => reader.take(length)?,
            };
            self.paths.extend_from_slice(path);
            let used = begin - reader.0.len();
            reader.take(8 - used % 8)?;
        }
        let stat = Stat {
            ctime,
            mtime,
            inode,
            owner,
            size,
        };
        if self.paths.len() > u32::MAX as usize {
            return None;
        }
        let path = start..self.paths.len();
        self.items
            .push(Item::new(path, stat, mode, id, (flags, more)));
        Some(())
    }
}

/// The mode as Git shows it; none for what no entry can be.
pub(super) fn plain_mode(mode: u32) -> Option<u32> {
    Some(match mode & 0o170_000 {
        0o100_000 if mode & 0o100 != 0 => 0o100_755,
        0o100_000 => 0o100_644,
        kind @ (LINK | GITLINK | FOLDER) => kind,
        _ => return None,
    })
}

/// The `link` extension: id of the shared part, then which of its entries are deleted and which are replaced.
fn link(bytes: &[u8]) -> Option<Link> {
    let mut reader = Reader(bytes);
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
