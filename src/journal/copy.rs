//! The audit copy: the journal's bytes once more, inside the repository, where anyone can tail them.
//!
//! Agents can write there, so nothing here is trusted and nothing here can stop a commit: the copy is
//! compared with the journal, completed when it lags, and moved aside and rewritten when it differs.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::Utc;
use rustix::fs::OFlags;

/// How long a copy that broke while running is left alone before it is compared again. Comparing reads
/// the whole journal on the writer's thread; a tenth would let a program that keeps touching the copy
/// slow every commit down, ten times as much would leave people without a current log for too long.
const MEND_PAUSE: Duration = Duration::from_secs(60);

/// How much of the copy's end a start compares however little is new: enough to tell another file of the same length, and read in a
/// millisecond.
const ALWAYS_BYTES: u64 = 1024 * 1024;

/// What comparing the copy with the journal led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyOutcome {
    /// No copy is kept, or the journal is corrupt and nothing was touched.
    Skipped,
    /// There was none; it has been made.
    Created,
    /// It holds the journal's bytes.
    Identical,
    /// It lacked its last bytes; they were added.
    Completed {
        /// How many were missing.
        bytes: u64,
    },
    /// It was something else; that is at `moved_to` now, and a new copy stands in its place.
    Diverged {
        /// Where what was found is now.
        moved_to: PathBuf,
    },
    /// It could not be read or written; the journal itself is not affected.
    Failed {
        /// Why.
        reason: String,
    },
}

/// The copy's end, open for writing.
pub(crate) struct AuditCopy {
    path: PathBuf,
    journal: PathBuf,
    held: Option<Held>,
    /// The last time that it was mended while running.
    mended_at: Option<Instant>,
}

struct Held {
    file: File,
    device: u64,
    inode: u64,
    len: u64,
}

impl AuditCopy {
    /// Compares and mends the copy at `path` with the first `journal_len` bytes of `journal`. What stands before `from` was compared at
    /// an earlier start, or was written by one; it is read again only where the copy ends before that.
    pub(crate) fn open(
        path: &Path,
        journal: &Path,
        journal_len: u64,
        from: u64,
    ) -> (Self, CopyOutcome) {
        let mut copy = Self {
            path: path.to_owned(),
            journal: journal.to_owned(),
            held: None,
            mended_at: None,
        };
        let outcome = copy.mend(journal_len, from);
        (copy, outcome)
    }

    /// Appends what has just become durable. Returns what there is to report, if anything: each failure
    /// once, and how mending it went.
    pub(crate) fn append(&mut self, batch: &[u8], journal_len: u64) -> Option<CopyOutcome> {
        let mut reason = None;
        if let Some(held) = &mut self.held {
            match held.append(&self.path, batch) {
                Ok(()) => return None,
                Err(error) => reason = Some(error.to_string()),
            }
            self.held = None;
        }
        let paused = |at: Instant| at.elapsed() < MEND_PAUSE;
        if self.mended_at.is_some_and(paused) {
            return reason.map(|reason| CopyOutcome::Failed { reason });
        }
        self.mended_at = Some(Instant::now());
        match self.mend(journal_len, 0) {
            // It had been reported when it broke.
            CopyOutcome::Failed { .. } if reason.is_none() => None,
            outcome => Some(outcome),
        }
    }

    fn mend(&mut self, journal_len: u64, from: u64) -> CopyOutcome {
        match mend(&self.path, &self.journal, journal_len, from) {
            Ok((held, outcome)) => {
                self.held = Some(held);
                outcome
            }
            Err(error) => CopyOutcome::Failed {
                reason: error.to_string(),
            },
        }
    }
}

impl Held {
    fn append(&mut self, path: &Path, batch: &[u8]) -> io::Result<()> {
        let found = fs::symlink_metadata(path)?;
        if (found.dev(), found.ino(), found.len()) != (self.device, self.inode, self.len) {
            return Err(io::Error::other("it was changed by another program"));
        }
        self.file.write_all(batch)?;
        self.len += batch.len() as u64;
        Ok(())
    }

    fn new(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            len: metadata.len(),
            file,
        })
    }
}

fn mend(
    path: &Path,
    journal: &Path,
    journal_len: u64,
    from: u64,
) -> io::Result<(Held, CopyOutcome)> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((
                write_anew(path, journal, journal_len)?,
                CopyOutcome::Created,
            ));
        }
        Err(error) => return Err(error),
    };
    // Only a plain file with one name can be the copy: a link would let someone choose where we write.
    if found.is_file()
        && let Some(same) = open_if_prefix(path, journal, journal_len, from)?
    {
        return complete(same, journal, journal_len);
    }
    let moved_to = free_name(
        path,
        &format!("diverged-{}", Utc::now().format("%Y%m%dT%H%M%SZ")),
    )?;
    fs::rename(path, &moved_to)?;
    let held = write_anew(path, journal, journal_len)?;
    Ok((held, CopyOutcome::Diverged { moved_to }))
}

/// The copy, if it holds the first bytes of the journal and nothing else, as far as that is looked at.
fn open_if_prefix(
    path: &Path,
    journal: &Path,
    journal_len: u64,
    from: u64,
) -> io::Result<Option<File>> {
    let copy = open_options().open(path)?;
    let metadata = copy.metadata()?;
    if !metadata.is_file() || metadata.nlink() != 1 || metadata.len() > journal_len {
        return Ok(None);
    }
    let len = metadata.len();
    let from = match len < from {
        true => 0,
        false => from.min(len.saturating_sub(ALWAYS_BYTES)),
    };
    let bytes_of = |mut file: File| {
        file.seek(SeekFrom::Start(from))?;
        io::Result::Ok(BufReader::with_capacity(128 * 1024, file.take(len - from)))
    };
    let same = same_bytes(
        bytes_of(copy.try_clone()?)?,
        bytes_of(File::open(journal)?)?,
    )?;
    Ok(same.then_some(copy))
}

fn same_bytes(mut one: impl io::BufRead, mut other: impl io::BufRead) -> io::Result<bool> {
    loop {
        let (a, b) = (one.fill_buf()?, other.fill_buf()?);
        let common = a.len().min(b.len());
        if common == 0 {
            return Ok(a.len() == b.len());
        }
        if a[..common] != b[..common] {
            return Ok(false);
        }
        one.consume(common);
        other.consume(common);
    }
}

fn complete(copy: File, journal: &Path, journal_len: u64) -> io::Result<(Held, CopyOutcome)> {
    let bytes = journal_len - copy.metadata()?.len();
    if bytes == 0 {
        return Ok((Held::new(copy)?, CopyOutcome::Identical));
    }
    fill(&copy, journal, journal_len)?;
    Ok((Held::new(copy)?, CopyOutcome::Completed { bytes }))
}

fn write_anew(path: &Path, journal: &Path, journal_len: u64) -> io::Result<Held> {
    let copy = open_options().create_new(true).open(path)?;
    fill(&copy, journal, journal_len)?;
    Held::new(copy)
}

/// Appends the journal's bytes from the copy's end on.
fn fill(mut copy: &File, journal: &Path, journal_len: u64) -> io::Result<()> {
    let from = copy.metadata()?.len();
    let mut journal = File::open(journal)?;
    journal.seek(SeekFrom::Start(from))?;
    let wanted = journal_len - from;
    if io::copy(&mut journal.take(wanted), &mut copy)? == wanted {
        Ok(())
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn open_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    // Not blocking, in case a FIFO was slipped in after the look at it.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    options
        .read(true)
        .append(true)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed());
    options
}

/// `<path>.<suffix>`, or `<path>.<suffix>-<n>` when that is taken.
pub(crate) fn free_name(path: &Path, suffix: &str) -> io::Result<PathBuf> {
    let mut name = OsString::from(path);
    name.push(format!(".{suffix}"));
    for n in 1..10_000 {
        let mut candidate = name.clone();
        if n > 1 {
            candidate.push(format!("-{n}"));
        }
        match fs::symlink_metadata(&candidate) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(candidate.into()),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    Err(io::Error::other("too many earlier ones lie beside it"))
}
