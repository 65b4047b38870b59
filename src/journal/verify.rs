//! Verifying a journal and its audit copy from their bytes alone. Reads only; safe while a server runs.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::line::LineFault;
use super::scan::{self, Ending, Walked};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Good records, the header not counted.
    pub records: u64,
    /// Bytes of good lines.
    pub bytes: u64,
    /// Hash of the last good line: two journals with the same are the same.
    pub last_hash: String,
    /// The first line that is not what was written.
    pub bad: Option<Bad>,
    /// Length of an unfinished piece at the end; the next start puts it aside.
    pub torn_bytes: u64,
    /// How the copy compares.
    pub copy: CopyVerdict,
}

impl VerifyReport {
    /// Whether nothing is wrong. A copy that merely lacks the newest lines is not wrong: a running server
    /// may be about to write them, and the next start completes it.
    pub fn is_sound(&self) -> bool {
        self.bad.is_none()
            && self.torn_bytes == 0
            && !matches!(
                self.copy,
                CopyVerdict::Missing | CopyVerdict::Differs { .. } | CopyVerdict::Unreadable { .. }
            )
    }
}

/// A bad line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// Counted from 1, as editors do.
    pub line: u64,
    /// Where it begins.
    pub offset: u64,
    /// What is wrong with it.
    pub fault: LineFault,
}

/// How the audit copy compares with the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyVerdict {
    /// Not asked for.
    Skipped,
    /// There is none.
    Missing,
    /// Byte by byte the same.
    Identical,
    /// The same, but it ends earlier.
    Behind {
        /// By how much.
        bytes: u64,
    },
    /// Not the same.
    Differs {
        /// The first differing line, counted from 1.
        line: u64,
    },
    /// It could not be read.
    Unreadable {
        /// Why.
        reason: String,
    },
}

/// Checks every line's seal and place, and compares the copy byte by byte. Fails only when the journal
/// itself cannot be read.
pub fn verify(journal: &Path, audit_copy: Option<&Path>) -> io::Result<VerifyReport> {
    let file = File::open(journal)?;
    let mut records = 0;
    let Walked { tip, ending } = scan::walk(&file, |_| {
        records += 1;
        Ok(())
    })?;
    let (mut bad, mut torn_bytes) = (None, 0);
    match ending {
        Ending::Clean => {}
        Ending::Torn => torn_bytes = file.metadata()?.len().saturating_sub(tip.offset),
        Ending::Corrupt(fault) => {
            bad = Some(Bad {
                line: tip.next_seq + 1,
                offset: tip.offset,
                fault,
            });
        }
    }
    let copy = match audit_copy.map(|copy| compare(journal, copy)) {
        None => CopyVerdict::Skipped,
        Some(Ok(verdict)) => verdict,
        Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => CopyVerdict::Missing,
        Some(Err(error)) => CopyVerdict::Unreadable {
            reason: error.to_string(),
        },
    };
    Ok(VerifyReport {
        records,
        bytes: tip.offset,
        last_hash: String::from_utf8_lossy(&tip.hash).into_owned(),
        bad,
        torn_bytes,
        copy,
    })
}

/// Byte by byte.
pub(super) fn compare(journal: &Path, copy: &Path) -> io::Result<CopyVerdict> {
    if !std::fs::symlink_metadata(copy)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut copy = BufReader::with_capacity(128 * 1024, File::open(copy)?);
    let mut journal = BufReader::with_capacity(128 * 1024, File::open(journal)?);
    let mut line = 1;
    loop {
        // The copy first: it is written after the journal, so whatever it has, the journal has by now,
        // even while a server is appending to both.
        let found = copy.fill_buf()?;
        if found.is_empty() {
            let bytes = journal.bytes().try_fold(0, |n, byte| byte.map(|_| n + 1))?;
            return Ok(match bytes {
                0 => CopyVerdict::Identical,
                bytes => CopyVerdict::Behind { bytes },
            });
        }
        let expected = journal.fill_buf()?;
        let same = found
            .iter()
            .zip(expected)
            .take_while(|(a, b)| a == b)
            .count();
        line += found[..same].iter().filter(|&&byte| byte == b'\n').count() as u64;
        if same < found.len().min(expected.len()) || expected.is_empty() {
            return Ok(CopyVerdict::Differs { line });
        }
        copy.consume(same);
        journal.consume(same);
    }
}
