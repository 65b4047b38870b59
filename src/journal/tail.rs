//! Reading a range of a journal by seq without reading what stands before it.
//!
//! Reads only, and trusts the layout but not the chain (that is `verify`). Works on the audit copy too.
//! What it returns may not be synced yet when another process is writing; `Ledger::tail` and `CatchUp`
//! never return such lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::MAX_LINE_BYTES;
use super::line::{self, LineFault};
use super::record::Entry;

/// Below this distance searching costs more than reading on.
const SEARCH_UNTIL: u64 = 64 * 1024;

/// A page ends after this many bytes even when fewer lines than asked for were read. A tenth would make
/// ordinary pages of 1,000 records end early, ten times as much would be a lot for one HTTP answer.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Why a range cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TailError {
    /// The file system refused.
    #[error("read {path}: {source}")]
    Io {
        /// The journal.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// A line is not what the journal wrote.
    #[error("the line after seq {after} in {path} {fault}")]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The last seq before it.
        after: u64,
        /// What is wrong.
        fault: LineFault,
    },
    /// The caller has seen more than there is: it followed another journal.
    #[error("seq {after} is beyond the last one, {last}")]
    Ahead {
        /// What the caller named.
        after: u64,
        /// What there is.
        last: u64,
    },
}

/// One line as it stands in the file, without its newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its seq.
    pub seq: u64,
    /// Its JSON.
    pub text: Box<str>,
}

impl Line {
    /// The record in it.
    pub fn entry<E: DeserializeOwned>(&self) -> Result<Entry<E>, LineFault> {
        Entry::parse(&self.text)
    }
}

/// A page of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// The lines, in order.
    pub lines: Vec<Line>,
    /// Whether more stood behind them.
    pub more: bool,
}

/// The lines after `after_seq` (0 = from the first record; the header is never returned), at most
/// `limit` of them. Lookup costs a handful of reads, however long the journal is.
pub fn tail(path: &Path, after_seq: u64, limit: usize) -> Result<Tail, TailError> {
    tail_until(path, after_seq, limit, u64::MAX)
}

/// Like [`tail`], but nothing with a seq above `last_seq`.
pub(crate) fn tail_until(
    path: &Path,
    after_seq: u64,
    limit: usize,
    last_seq: u64,
) -> Result<Tail, TailError> {
    let mut follower = follow(path, after_seq);
    follower.page(limit, last_seq)
}

/// Starts following a file after `after_seq`. Nothing is opened until the first [`Follower::poll`].
pub fn follow(path: &Path, after_seq: u64) -> Follower {
    Follower {
        path: path.to_owned(),
        after: after_seq,
        offset: None,
    }
}

/// Reads what has been appended since it was last asked. Blocking; the caller chooses when to ask.
#[derive(Debug, Clone)]
pub struct Follower {
    path: PathBuf,
    after: u64,
    /// Where the next line begins, once that is known.
    offset: Option<u64>,
}

impl Follower {
    /// The next lines, at most `limit`. Empty when there are none yet.
    pub fn poll(&mut self, limit: usize) -> Result<Tail, TailError> {
        self.page(limit, u64::MAX)
    }

    /// The last seq that was returned.
    pub fn after(&self) -> u64 {
        self.after
    }

    pub(crate) fn page(&mut self, limit: usize, last_seq: u64) -> Result<Tail, TailError> {
        let io_error = |source| TailError::Io {
            path: self.path.clone(),
            source,
        };
        let file = File::open(&self.path).map_err(io_error)?;
        let len = file.metadata().map_err(io_error)?.len();
        let start = match self.offset.filter(|&offset| offset <= len) {
            Some(offset) => offset,
            None => search(&file, len, self.after).map_err(io_error)?,
        };
        let mut reader = reader_at(&file, start).map_err(io_error)?;
        let mut page = Tail {
            lines: Vec::new(),
            more: false,
        };
        let (mut offset, mut bytes) = (start, 0);
        let mut line = Vec::new();
        while read_line(&mut reader, &mut line).map_err(io_error)? {
            let damaged = |fault| TailError::Damaged {
                path: self.path.clone(),
                after: self.after,
                fault,
            };
            let seq = line::dissect(&line).map_err(damaged)?.seq;
            if seq > self.after {
                if seq > last_seq {
                    break;
                }
                if page.lines.len() >= limit || bytes >= PAGE_BYTES {
                    page.more = true;
                    break;
                }
                if seq != self.after + 1 {
                    let (expected, found) = (self.after + 1, seq);
                    return Err(damaged(LineFault::Sequence { expected, found }));
                }
                let text = std::str::from_utf8(&line).map_err(|_| damaged(LineFault::Layout))?;
                bytes += text.len();
                let text = text.into();
                page.lines.push(Line { seq, text });
                self.after = seq;
            }
            offset += line.len() as u64 + 1;
        }
        self.offset = Some(offset);
        Ok(page)
    }
}

/// Reads one whole line, without its newline. A piece that is still being written is no line yet.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    reader
        .take(MAX_LINE_BYTES as u64 + 1)
        .read_until(b'\n', line)?;
    let whole = line.pop_if(|byte| *byte == b'\n').is_some();
    if !whole && line.len() > MAX_LINE_BYTES {
        return Err(io::Error::other(LineFault::TooLong));
    }
    Ok(whole)
}

fn reader_at(mut file: &File, offset: u64) -> io::Result<BufReader<&File>> {
    file.seek(SeekFrom::Start(offset))?;
    Ok(BufReader::with_capacity(64 * 1024, file))
}

/// The beginning of some line at or before the one that follows `after`, near it: seqs grow along the
/// file, so halving works.
fn search(file: &File, len: u64, after: u64) -> io::Result<u64> {
    let (mut low, mut high) = (0, len);
    let mut line = Vec::new();
    while high - low > SEARCH_UNTIL {
        let middle = low + (high - low) / 2;
        let mut reader = reader_at(file, middle)?;
        if !read_line(&mut reader, &mut line)? {
            high = middle;
            continue;
        }
        let begin = middle + line.len() as u64 + 1;
        let whole = read_line(&mut reader, &mut line)?;
        match line::leading_seq(&line).filter(|_| whole) {
            Some(seq) if seq <= after && begin < high => low = begin,
            _ => high = middle,
        }
    }
    Ok(low)
}
