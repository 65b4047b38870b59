//! Appending to the journal: one write and one sync per batch, and what a failure of either means.
//!
//! Never acknowledges anything and never repairs more than its own unfinished write. Used by the
//! ledger's writer thread only.
//!
//! # Failed syncs are final
//!
//! After a failed `fdatasync` the kernel may have marked the pages clean, so a second sync can succeed
//! without the data being on the disk. The appender therefore never tries again; only a restart, which
//! reads what the disk really holds, may go on. A failed *write* is different: nothing had been claimed,
//! so after the file is cut back to its last good line, synced and looked at, writing may resume.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt};

use super::line::HASH_MEMBER;
use super::scan::Tip;
use crate::domain::sentence::say;

/// How much room a probe asks for after a full disk. Less could be gone with the next record; more would
/// keep a server read-only on a disk that has enough for hours of events.
const PROBE_BYTES: u64 = 64 * 1024;

/// What the appender needs of a file; a trait so that tests can let any step fail.
pub(crate) trait Medium: Send {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn sync_data(&mut self) -> io::Result<()>;
    fn sync_all(&mut self) -> io::Result<()>;
    fn set_len(&mut self, len: u64) -> io::Result<()>;
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Length and number of names.
    fn facts(&self) -> io::Result<(u64, u64)>;
    /// Reserves room behind `offset` without changing the length.
    fn reserve(&self, offset: u64, len: u64) -> io::Result<()>;
}

impl Medium for File {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        Write::write_all(self, bytes)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn sync_all(&mut self) -> io::Result<()> {
        File::sync_all(self)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, buffer, offset)
    }

    fn facts(&self) -> io::Result<(u64, u64)> {
        let metadata = self.metadata()?;
        Ok((metadata.len(), metadata.nlink()))
    }

    #[cfg(target_os = "linux")]
    fn reserve(&self, offset: u64, len: u64) -> io::Result<()> {
        let keep_size = rustix::fs::FallocateFlags::KEEP_SIZE;
        Ok(rustix::fs::fallocate(self, keep_size, offset, len)?)
    }

    /// Elsewhere reserving changes the length, so the file system is only asked.
    #[cfg(not(target_os = "linux"))]
    fn reserve(&self, _: u64, len: u64) -> io::Result<()> {
        let system = rustix::fs::fstatvfs(self)?;
        match system.f_bavail.saturating_mul(system.f_frsize) >= len {
            true => Ok(()),
            false => Err(io::ErrorKind::StorageFull.into()),
        }
    }
}

/// Why a batch is not durable. Nothing of it may be acknowledged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    /// Out of room; the file is back at its last good line.
    #[error("{}", say!("reason.journal.full", error = .0))]
    Full(#[source] io::Error),
    /// Some other failed write, or one that could not be taken back.
    #[error("{}", say!("reason.journal.write", error = .0))]
    Write(#[source] io::Error),
    /// The sync failed; what the disk holds is unknown.
    #[error("{}", say!("reason.journal.sync", error = .0))]
    Sync(#[source] io::Error),
    /// Another program deleted the file or changed its length.
    #[error("{}", say!("reason.journal.foreign"))]
    Foreign,
}

/// Whether writing may go on after an [`AppendError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resume {
    /// As soon as there is room.
    WhenFreed,
    /// Only a restart.
    Never,
}

impl AppendError {
    pub(crate) fn resume(&self) -> Resume {
        match self {
            Self::Full(_) => Resume::WhenFreed,
            Self::Write(_) | Self::Sync(_) | Self::Foreign => Resume::Never,
        }
    }
}

/// The journal's end, open for writing.
pub(crate) struct Appender {
    medium: Box<dyn Medium>,
    tip: Tip,
}

impl Appender {
    /// `medium` must append at its end and be `tip.offset` bytes long.
    pub(crate) fn new(medium: Box<dyn Medium>, tip: Tip) -> Self {
        Self { medium, tip }
    }

    /// The end of what is durable.
    pub(crate) fn tip(&self) -> &Tip {
        &self.tip
    }

    /// Makes a batch of sealed lines durable; `end` is the tip behind them.
    pub(crate) fn append(&mut self, batch: &[u8], end: Tip) -> Result<(), AppendError> {
        debug_assert_eq!(self.tip.offset + batch.len() as u64, end.offset);
        let (len, names) = self.medium.facts().map_err(AppendError::Write)?;
        if len != self.tip.offset || names == 0 {
            return Err(AppendError::Foreign);
        }
        if let Err(error) = self.medium.write_all(batch) {
            let taken_back = self.cut_back();
            return Err(match error.kind() {
                _ if taken_back.is_err() => AppendError::Write(error),
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::FileTooLarge => AppendError::Full(error),
                _ => AppendError::Write(error),
            });
        }
        if let Err(error) = self.medium.sync_data() {
            // What was refused should stay refused after a restart, as far as the disk still allows;
            // whether this worked changes nothing, since the appender is finished either way.
            let _ = self.medium.set_len(self.tip.offset);
            return Err(AppendError::Sync(error));
        }
        self.tip = end;
        Ok(())
    }

    /// Proves that the file ends with the last acknowledged line, so that writing may resume.
    pub(crate) fn prove_intact(&mut self) -> Result<(), AppendError> {
        self.cut_back().map_err(AppendError::Write)?;
        let (len, names) = self.medium.facts().map_err(AppendError::Write)?;
        let mut end = [0; HASH_MEMBER + 1];
        let Some(at) = self.tip.offset.checked_sub(end.len() as u64) else {
            return Err(AppendError::Foreign);
        };
        if len != self.tip.offset || names == 0 {
            return Err(AppendError::Foreign);
        }
        self.medium
            .read_exact_at(&mut end, at)
            .map_err(AppendError::Write)?;
        let hash = end.len() - 3 - self.tip.hash.len();
        if end[hash..hash + self.tip.hash.len()] != self.tip.hash {
            return Err(AppendError::Foreign);
        }
        Ok(())
    }

    /// Whether the disk has room again. `false` also where the file system cannot tell; the next batch
    /// then finds out.
    pub(crate) fn has_room(&self) -> bool {
        self.medium.reserve(self.tip.offset, PROBE_BYTES).is_ok()
    }

    /// The last sync before the end.
    pub(crate) fn seal(&mut self) -> io::Result<()> {
        self.medium.sync_all()
    }

    fn cut_back(&mut self) -> io::Result<()> {
        self.medium.set_len(self.tip.offset)?;
        self.medium.sync_data()
    }
}
