//! Snapshots: what a journal folds to up to one of its records, kept beside it so that a start reads only what came after.
//!
//! Derived, and never needed for the truth: one that is damaged, of another version or of another journal is left out, and the one
//! before or the whole journal serves.
//!
//! # Format, version 1
//!
//! `<journal>.snapshot-<seq>`, for the owner alone, of three lines:
//!
//! ```text
//! {"snapshot":1,"fold":"<digest of the code that folds>","seq":7,"offset":4711,"hash":"<64 hex>","ts":"…"}
//! <the state as JSON>
//! <SHA-256 of everything before, 64 hex>
//! ```
//!
//! `offset` is where the line of record `seq` ends in the journal and `hash` is that line's; the line is read back before the state is
//! believed. It is written under another name, synced and renamed, so a crash leaves it whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::MAX_LINE_BYTES;
use super::codec::Codec;
use super::line::{self, ChainHash, hex};
use super::scan::{self, Tip};

/// The format that this version writes, and the only one that it reads.
const SNAPSHOT_FORMAT: u64 = 1;

/// A larger one is not read: a state is some MiB, and a damaged folder must not take all memory.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// `\n`, the digest, `\n`.
const SEAL_BYTES: usize = 1 + 64 + 1;

/// Why a snapshot was not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotFault {
    /// The file system refused, or it is no plain file.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// Its bytes are not those that were written.
    #[error("is damaged")]
    Damaged,
    /// A version with another format wrote it.
    #[error("has snapshot format {found}, this version reads {SNAPSHOT_FORMAT}")]
    Format {
        /// The format that it names.
        found: u64,
    },
    /// A version in which events mean something else wrote it.
    #[error("is of another version of zhongshu")]
    Fold,
    /// The journal does not have the record that it stands on, where it stands.
    #[error("does not belong to this journal, which was cut or replaced")]
    Elsewhere,
}

impl SnapshotFault {
    /// Whether nothing is wrong: that is how it goes after an update.
    pub fn is_expected(&self) -> bool {
        matches!(self, Self::Format { .. } | Self::Fold)
    }
}

/// A snapshot that was there and not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub fault: SnapshotFault,
}

#[derive(Serialize, Deserialize)]
struct Head {
    snapshot: u64,
    fold: String,
    seq: u64,
    offset: u64,
    hash: String,
    ts: DateTime<Utc>,
}

/// What every format begins with.
#[derive(Deserialize)]
struct Format {
    snapshot: u64,
}

/// What a start goes on from.
pub(super) struct Restored<S> {
    pub(super) state: S,
    pub(super) tip: Tip,
    /// Bytes of the file.
    pub(super) size: u64,
}

impl<S: Default> Restored<S> {
    /// The beginning of every journal.
    pub(super) fn nothing() -> Self {
        Self {
            state: S::default(),
            tip: Tip::EMPTY,
            size: 0,
        }
    }
}

/// Writes one; how many bytes it has. Nothing holds it as a whole: a state may be large.
pub(super) fn seal<S>(codec: &Codec<S>, state: &S, tip: &Tip, out: impl Write) -> io::Result<u64> {
    let head = Head {
        snapshot: SNAPSHOT_FORMAT,
        fold: codec.fold.to_owned(),
        seq: tip.last_seq(),
        offset: tip.offset,
        hash: String::from_utf8_lossy(&tip.hash).into_owned(),
        ts: tip.ts,
    };
    let mut out = Sealing {
        out: BufWriter::new(out),
        digest: Sha256::new(),
        bytes: 0,
    };
    serde_json::to_writer(&mut out, &head)?;
    out.write_all(b"\n")?;
    (codec.write)(state, &mut out)?;
    out.write_all(b"\n")?;
    let digest = hex(&out.digest.clone().finalize());
    out.write_all(&digest)?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(out.bytes)
}

/// Counts and digests what goes by.
struct Sealing<W: Write> {
    out: BufWriter<W>,
    digest: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Reads one, and proves that the journal has the record that it stands on.
pub(super) fn read<S>(
    path: &Path,
    codec: &Codec<S>,
    journal: &File,
) -> Result<Restored<S>, SnapshotFault> {
    let unreadable = |error: io::Error| SnapshotFault::Unreadable(error.to_string());
    let bytes = load(path).map_err(unreadable)?;
    let head_bytes = bytes.split(|&byte| byte == b'\n').next();
    let head_bytes = head_bytes.unwrap_or_default();
    let Format { snapshot: found } =
        serde_json::from_slice(head_bytes).map_err(|_| SnapshotFault::Damaged)?;
    let whole = is_whole(&bytes);
    if found != SNAPSHOT_FORMAT {
        // Whatever follows a newer head, we cannot say that it is damaged; ours we can.
        return Err(match whole {
            false if found < SNAPSHOT_FORMAT => SnapshotFault::Damaged,
            _ => SnapshotFault::Format { found },
        });
    }
    if !whole {
        return Err(SnapshotFault::Damaged);
    }
    let head: Head = serde_json::from_slice(head_bytes).map_err(|_| SnapshotFault::Damaged)?;
    if head.fold != codec.fold {
        return Err(SnapshotFault::Fold);
    }
    let tip = head.tip().ok_or(SnapshotFault::Damaged)?;
    if !stands_at(journal, &tip).map_err(unreadable)? {
        return Err(SnapshotFault::Elsewhere);
    }
    let body = &bytes[head_bytes.len() + 1..bytes.len() - SEAL_BYTES];
    // The digest holds, so what cannot be read was written by other code than it says.
    let state = (codec.read)(body).map_err(|_| SnapshotFault::Fold)?;
    Ok(Restored {
        state,
        tip,
        size: bytes.len() as u64,
    })
}

impl Head {
    fn tip(&self) -> Option<Tip> {
        let hash: ChainHash = self.hash.as_bytes().try_into().ok()?;
        Some(Tip {
            offset: self.offset,
            next_seq: self.seq.checked_add(1)?,
            hash,
            ts: self.ts,
        })
    }
}

fn load(path: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > MAX_BYTES {
        return Err(io::Error::other("it is not a regular file of a usual size"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether the digest at the end is that of the rest.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(content) = bytes.len().checked_sub(SEAL_BYTES - 1) else {
        return false;
    };
    let (content, digest) = bytes.split_at(content);
    let expected = hex(&Sha256::digest(content));
    content.ends_with(b"\n") && digest.strip_suffix(b"\n") == Some(&expected[..])
}

/// Whether the journal has the line that ends at this tip, sealed as it was.
fn stands_at(journal: &File, tip: &Tip) -> io::Result<bool> {
    if journal.metadata()?.len() < tip.offset {
        return Ok(false);
    }
    let mut beginning = journal;
    beginning.seek(SeekFrom::Start(0))?;
    if !scan::has_header(beginning)? {
        return Ok(false);
    }
    let Some(line) = line_before(journal, tip.offset)? else {
        return Ok(false);
    };
    let Ok(parts) = line::dissect(&line) else {
        return Ok(false);
    };
    Ok(parts.seq == tip.last_seq()
        && parts.hash.as_bytes() == tip.hash
        && parts.ts() == Ok(tip.ts)
        && line::check_hash(&line, &parts).is_ok())
}

/// The line whose newline is the last byte before `offset`, without it.
fn line_before(journal: &File, offset: u64) -> io::Result<Option<Vec<u8>>> {
    let longest = (MAX_LINE_BYTES as u64 + 1).min(offset);
    // Nearly every line is shorter than this.
    let mut wanted = longest.min(16 * 1024);
    loop {
        let mut bytes = vec![0; usize::try_from(wanted).map_err(io::Error::other)?];
        journal.read_exact_at(&mut bytes, offset - wanted)?;
        if bytes.pop() != Some(b'\n') {
            return Ok(None);
        }
        if let Some(before) = bytes.iter().rposition(|&byte| byte == b'\n') {
            return Ok(Some(bytes.split_off(before + 1)));
        }
        if wanted == offset {
            return Ok(Some(bytes));
        }
        if wanted == longest {
            return Ok(None);
        }
        wanted = longest.min(wanted * 8);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::journal::line::GENESIS;
    use std::io::Write;

    #[test]
    fn the_line_before_is_found_however_long_it_is() {
        let mut file = tempfile::tempfile().unwrap();
        for length in [1, 16 * 1024 - 2, 16 * 1024 - 1, 16 * 1024, 700_000] {
            let line = vec![b'x'; length];
            file.write_all(&line).unwrap();
            file.write_all(b"\n").unwrap();
            let end = file.metadata().unwrap().len();
            assert_eq!(line_before(&file, end).unwrap(), Some(line), "{length}");
            assert_eq!(line_before(&file, end - 1).unwrap(), None, "{length}");
        }
        assert_eq!(line_before(&file, 2).unwrap(), Some(b"x".to_vec()));
        assert_eq!(line_before(&file, 0).unwrap_or(None), None);
    }

    #[test]
    fn a_seal_is_of_all_before_it() {
        let tip = Tip {
            next_seq: 8,
            hash: GENESIS,
            ..Tip::EMPTY
        };
        let codec = Codec::<u64>::json("code");
        let mut bytes = Vec::new();
        seal(&codec, &5, &tip, &mut bytes).unwrap();
        assert!(is_whole(&bytes));
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(!is_whole(&other), "{at}");
            assert!(!is_whole(&bytes[..at]), "{at}");
        }
    }
}
