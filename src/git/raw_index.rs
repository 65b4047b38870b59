//! Reads an index file as `git commit` does: entries, and the trees that Git remembers beside them. Owns the format
//! (gitformat-index, versions 2 to 4); it never opens a repository.
//!
//! libgit2 shows the entries alone. `git commit` however believes the remembered trees, and, with threads, tables that say
//! where entries and trees stand; whoever writes these can make it commit something else than the entries say.

use git2::Oid;

const ID_BYTES: usize = 20;
/// What an entry has before its id: times, device, inode, mode, owner, size.
const STAT_BYTES: usize = 40;
const MODE_AT: usize = 24;
const NAME_BITS: u16 = 0x0fff;
const STAGE_BITS: u16 = 0x3000;
const EXTENDED: u16 = 0x4000;
const INTENT_TO_ADD: u16 = 0x2000;

/// Why an index cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexFault {
    /// A format that this does not know.
    #[error("it uses {0}, which zhongshu cannot read")]
    Unsupported(String),
    /// Somebody wrote it meanwhile.
    #[error(
        "it changed each time while it was read; try again when nobody else works in this repository"
    )]
    Unsteady,
    /// It ends too early, or its parts do not fit together.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Path from the root.
    pub path: Vec<u8>,
    /// Git's file mode.
    pub mode: u32,
    /// Its blob, or a submodule's commit.
    pub id: Oid,
    /// Side of an unresolved merge; 0 when there is none.
    pub stage: u16,
    /// There by name only (`git add -N`); a commit leaves it out.
    pub intent: bool,
}

/// A tree that Git remembers and will believe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Folder, from the root; empty for the root itself.
    pub path: Vec<u8>,
    /// Files in it and below.
    pub entries: usize,
    /// Its tree.
    pub id: Oid,
}

/// A whole index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawIndex {
    /// In their order, which is checked: by path, then by stage.
    pub entries: Vec<Entry>,
    /// Remembered trees.
    pub remembered: Vec<Remembered>,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

const SHORT: IndexFault = IndexFault::Damaged("it ends in the middle of something");

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], IndexFault> {
        let end = self.at.checked_add(count).ok_or(SHORT)?;
        let taken = self.bytes.get(self.at..end).ok_or(SHORT)?;
        self.at = end;
        Ok(taken)
    }

    fn number16(&mut self) -> Result<u16, IndexFault> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn number32(&mut self) -> Result<u32, IndexFault> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn id(&mut self) -> Result<Oid, IndexFault> {
        Oid::from_bytes(self.take(ID_BYTES)?).map_err(|_| SHORT)
    }

    /// Bytes up to `end`, which is taken as well.
    fn until(&mut self, end: u8) -> Result<&'a [u8], IndexFault> {
        let rest = self.bytes.get(self.at..).ok_or(SHORT)?;
        let length = rest.iter().position(|byte| *byte == end).ok_or(SHORT)?;
        self.at += length + 1;
        Ok(&rest[..length])
    }

    /// How much of the name before it an entry of version 4 leaves out.
    fn offset(&mut self) -> Result<usize, IndexFault> {
        let mut byte = self.take(1)?[0];
        let mut value = usize::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            byte = self.take(1)?[0];
            let next = value.checked_add(1).and_then(|it| it.checked_mul(128));
            value = next.ok_or(SHORT)? | usize::from(byte & 0x7f);
        }
        Ok(value)
    }
}

impl RawIndex {
    /// Reads the bytes of an index file.
    ///
    /// # Errors
    /// When it is damaged, its entries are out of order, or Git would need to read other files beside it.
    pub fn parse(bytes: &[u8]) -> Result<Self, IndexFault> {
        let body = bytes.len().checked_sub(ID_BYTES).ok_or(SHORT)?;
        let mut reader = Reader {
            bytes: &bytes[..body],
            at: 0,
        };
        if reader.take(4)? != b"DIRC" {
            return Err(IndexFault::Damaged("it does not begin like an index"));
        }
        let version = reader.number32()?;
        if !(2..=4).contains(&version) {
            return Err(IndexFault::Unsupported(format!("version {version}")));
        }
        let count = reader.number32()? as usize;
        // Each takes more than sixty bytes: a lie about their number cannot ask for more memory than the file has.
        if count > bytes.len() / (STAT_BYTES + ID_BYTES) {
            return Err(SHORT);
        }
        let mut starts = Vec::with_capacity(count);
        let mut index = Self {
            entries: Vec::with_capacity(count),
            remembered: Vec::new(),
        };
        let mut in_order = true;
        for _ in 0..count {
            starts.push(reader.at);
            let before = index.entries.last();
            let entry = entry(&mut reader, version, before.map(|entry| &*entry.path))?;
            in_order &= before
                .is_none_or(|before| (&before.path, before.stage) < (&entry.path, entry.stage));
            index.entries.push(entry);
        }
        // The extensions first: entries that refer to another file are in no order, and that is the better sentence.
        index.extensions(&mut reader, &starts)?;
        match in_order {
            true => Ok(index),
            false => Err(IndexFault::Damaged("its entries are not in order")),
        }
    }

    fn extensions(&mut self, reader: &mut Reader<'_>, starts: &[usize]) -> Result<(), IndexFault> {
        let end_of_entries = reader.at;
        while reader.at < reader.bytes.len() {
            let name = reader.take(4)?;
            let size = reader.number32()? as usize;
            let mut inner = Reader {
                bytes: reader.take(size)?,
                at: 0,
            };
            match name {
                b"TREE" => self.tree(&mut inner, &mut Vec::new(), 0)?,
                b"EOIE" if inner.number32()? as usize != end_of_entries => {
                    return Err(IndexFault::Damaged("it says wrongly where its entries end"));
                }
                b"IEOT" => check_table(&mut inner, starts)?,
                // What begins with a capital may be left out without another meaning.
                _ if name[0].is_ascii_uppercase() => {}
                _ => {
                    let name = String::from_utf8_lossy(name);
                    let known = match &*name {
                        "link" => " (core.splitIndex; `git update-index --no-split-index` ends it)",
                        "sdir" => {
                            " (index.sparse; `git sparse-checkout reapply --no-sparse-index` ends it)"
                        }
                        _ => "",
                    };
                    let name = name.escape_debug();
                    return Err(IndexFault::Unsupported(format!(
                        "the extension {name}{known}"
                    )));
                }
            }
        }
        Ok(())
    }

    /// A folder of the remembered trees, and the folders in it.
    fn tree(
        &mut self,
        reader: &mut Reader<'_>,
        path: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), IndexFault> {
        // A path has at most 4096 bytes on every system that Git runs on.
        if depth > 2048 {
            return Err(IndexFault::Damaged(
                "its remembered trees are nested too deep",
            ));
        }
        let before = path.len();
        let name = reader.until(0)?;
        if depth > 1 {
            path.push(b'/');
        }
        path.extend_from_slice(name);
        let number = |text: &[u8]| -> Option<i64> { std::str::from_utf8(text).ok()?.parse().ok() };
        let wrong = IndexFault::Damaged("its remembered trees cannot be read");
        let entries = number(reader.until(b' ')?).ok_or(wrong.clone())?;
        let folders = number(reader.until(b'\n')?).ok_or(wrong.clone())?;
        if let Ok(entries) = usize::try_from(entries) {
            self.remembered.push(Remembered {
                path: path.clone(),
                entries,
                id: reader.id()?,
            });
        }
        for _ in 0..usize::try_from(folders).map_err(|_| wrong)? {
            self.tree(reader, path, depth + 1)?;
        }
        path.truncate(before);
        Ok(())
    }
}

fn entry(
    reader: &mut Reader<'_>,
    version: u32,
    before: Option<&[u8]>,
) -> Result<Entry, IndexFault> {
    let start = reader.at;
    let stat = reader.take(STAT_BYTES)?;
    let mode = &stat[MODE_AT..MODE_AT + 4];
    let mode = u32::from_be_bytes([mode[0], mode[1], mode[2], mode[3]]);
    let id = reader.id()?;
    let flags = reader.number16()?;
    let mut more = 0;
    if flags & EXTENDED != 0 {
        if version == 2 {
            return Err(IndexFault::Damaged("an entry has flags of a newer version"));
        }
        more = reader.number16()?;
    }
    let path = if version == 4 {
        let left_out = reader.offset()?;
        let before = before.unwrap_or_default();
        let kept = before.len().checked_sub(left_out).ok_or(SHORT)?;
        [&before[..kept], reader.until(0)?].concat()
    } else {
        let path = reader.until(0)?.to_vec();
        // Names end in one to eight NUL bytes, so that each entry begins at a multiple of eight.
        while !(reader.at - start).is_multiple_of(8) {
            if reader.take(1)? != [0] {
                return Err(IndexFault::Damaged("an entry does not end where it should"));
            }
        }
        path
    };
    let said = usize::from(flags & NAME_BITS);
    if said != path.len().min(usize::from(NAME_BITS)) {
        return Err(IndexFault::Damaged(
            "a name has another length than it says",
        ));
    }
    Ok(Entry {
        path,
        mode,
        id,
        stage: (flags & STAGE_BITS) >> 12,
        intent: more & INTENT_TO_ADD != 0,
    })
}

/// The table by which several threads read entries must name exactly where they stand.
fn check_table(reader: &mut Reader<'_>, starts: &[usize]) -> Result<(), IndexFault> {
    let wrong = IndexFault::Damaged("its table of entries is wrong");
    if reader.number32()? != 1 {
        return Err(IndexFault::Unsupported(
            "an unknown table of entries".to_owned(),
        ));
    }
    let mut entry = 0_usize;
    while reader.at < reader.bytes.len() {
        let offset = reader.number32()? as usize;
        if starts.get(entry) != Some(&offset) {
            return Err(wrong);
        }
        entry += reader.number32()? as usize;
    }
    if entry == starts.len() {
        Ok(())
    } else {
        Err(wrong)
    }
}

#[cfg(test)]
mod tests;
