//! Walking a journal from its first line: the one place that decides what is whole, torn or corrupt.
//!
//! Reads only. Opening and verifying both go through `walk`, so they can never disagree.

use std::io::{self, BufRead, BufReader, Read};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::line::{self, ChainHash, GENESIS, LineFault, Parts};
use super::{FORMAT, MAX_LINE_BYTES};

/// The end of the whole lines: where the next line goes and what it links to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tip {
    /// Bytes of whole lines.
    pub(crate) offset: u64,
    /// The seq that the next line gets.
    pub(crate) next_seq: u64,
    /// Hash of the last line.
    pub(crate) hash: ChainHash,
    /// Time of the last line.
    pub(crate) ts: DateTime<Utc>,
}

impl Tip {
    /// Before the header.
    pub(crate) const EMPTY: Self = Self {
        offset: 0,
        next_seq: 0,
        hash: GENESIS,
        ts: DateTime::<Utc>::UNIX_EPOCH,
    };

    /// Seq of the last line (0 before the first event).
    pub(crate) fn last_seq(&self) -> u64 {
        self.next_seq.saturating_sub(1)
    }
}

/// The header's event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    event: String,
    format: u64,
}

impl Header {
    const EVENT: &str = "journal_created";

    /// The header that this version writes.
    pub(crate) fn current() -> Self {
        Self {
            event: Self::EVENT.to_owned(),
            format: FORMAT,
        }
    }
}

/// How the walk ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// With the last line.
    Clean,
    /// With a piece that never was a whole line, from the tip's offset to the end.
    Torn,
    /// At a line that was whole once, or is followed by others.
    Corrupt(LineFault),
}

/// What a walk found.
#[derive(Debug)]
pub(crate) struct Walked {
    /// After the last good line.
    pub(crate) tip: Tip,
    /// Why it went no further.
    pub(crate) ending: Ending,
}

/// Reads lines in order, checks each one's seal and place, and hands the records (not the header) on.
/// A fault that `visit` returns ends the walk as a corrupt line.
pub(crate) fn walk(
    file: impl Read,
    visit: impl FnMut(&Parts<'_>) -> Result<(), LineFault>,
) -> io::Result<Walked> {
    walk_from(Tip::EMPTY, file, visit)
}

/// [`walk`] behind `from`, where `file` has to stand.
pub(crate) fn walk_from(
    from: Tip,
    file: impl Read,
    mut visit: impl FnMut(&Parts<'_>) -> Result<(), LineFault>,
) -> io::Result<Walked> {
    // Large reads: replay is bound by hashing and parsing, not by system calls.
    let mut reader = BufReader::with_capacity(256 * 1024, file);
    let mut line = Vec::new();
    let mut tip = from;
    loop {
        line.clear();
        (&mut reader)
            .take(MAX_LINE_BYTES as u64 + 1)
            .read_until(b'\n', &mut line)?;
        if line.is_empty() {
            let ending = Ending::Clean;
            return Ok(Walked { tip, ending });
        }
        let whole = line.pop_if(|byte| *byte == b'\n').is_some();
        if !whole {
            let ending = judge_fragment(&line, &tip);
            return Ok(Walked { tip, ending });
        }
        match take(&line, &tip, &mut visit) {
            Ok(next) => tip = next,
            Err(fault) => {
                let last = reader.fill_buf()?.is_empty();
                let ending = if last && tip.next_seq > 0 && line::looks_torn(&line) {
                    Ending::Torn
                } else {
                    Ending::Corrupt(fault)
                };
                return Ok(Walked { tip, ending });
            }
        }
    }
}

/// Whether a journal begins with a header that this version reads.
pub(crate) fn has_header(file: impl Read) -> io::Result<bool> {
    let mut line = Vec::new();
    BufReader::with_capacity(512, file)
        .take(512)
        .read_until(b'\n', &mut line)?;
    let whole = line.pop_if(|byte| *byte == b'\n').is_some();
    Ok(whole && take(&line, &Tip::EMPTY, &mut |_| Ok(())).is_ok())
}

fn take(
    line: &[u8],
    tip: &Tip,
    visit: &mut impl FnMut(&Parts<'_>) -> Result<(), LineFault>,
) -> Result<Tip, LineFault> {
    let parts = checked(line, tip)?;
    if parts.seq == 0 {
        let header: Header = parts.event().map_err(|_| LineFault::Header)?;
        if header.event != Header::EVENT {
            return Err(LineFault::Header);
        }
        if header.format != FORMAT {
            return Err(LineFault::Format {
                found: header.format,
            });
        }
    } else {
        visit(&parts)?;
    }
    let mut hash = GENESIS;
    hash.copy_from_slice(parts.hash.as_bytes());
    Ok(Tip {
        offset: tip.offset + line.len() as u64 + 1,
        next_seq: tip.next_seq + 1,
        hash,
        ts: parts.ts()?,
    })
}

/// A line whose seal and place are right.
fn checked<'a>(line: &'a [u8], tip: &Tip) -> Result<Parts<'a>, LineFault> {
    let parts = line::dissect(line)?;
    line::check_hash(line, &parts)?;
    if parts.seq != tip.next_seq {
        return Err(LineFault::Sequence {
            expected: tip.next_seq,
            found: parts.seq,
        });
    }
    if parts.prev.as_bytes() != tip.hash {
        return Err(LineFault::Chain);
    }
    Ok(parts)
}

/// A last piece without its newline is torn, unless the record is whole and something else stands where
/// its newline was: then that byte was damaged after the record had been acknowledged. Before the first
/// good line only a piece of a header counts, so that a file which is something else is never taken for
/// an empty journal.
fn judge_fragment(piece: &[u8], tip: &Tip) -> Ending {
    if piece.len() > MAX_LINE_BYTES {
        return Ending::Corrupt(LineFault::TooLong);
    }
    if tip.next_seq == 0 && !line::begins_header(piece) {
        return Ending::Corrupt(LineFault::Header);
    }
    match piece.split_last() {
        Some((_, line)) if checked(line, tip).is_ok() => Ending::Corrupt(LineFault::Layout),
        _ => Ending::Torn,
    }
}
