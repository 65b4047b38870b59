//! Reads one file of a mailbox without trusting anything about it.
//!
//! Opens relative to a held folder, follows no link, waits for no writer, and takes at most [`MAX_FILE_BYTES`]. Knows
//! nothing about what the bytes mean.

use crate::domain::sentence::say;
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt;

/// The largest file that is read. A report is a few KiB; ten times as much would let a hundred sessions fill the
/// memory, a tenth would refuse a plan with long tasks.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// What a file was when it was looked at. When this has not changed, its content has not either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp {
    pub size: u64,
    pub modified_ns: i128,
    pub inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.size(),
            modified_ns: i128::from(metadata.mtime()) * 1_000_000_000
                + i128::from(metadata.mtime_nsec()),
            inode: metadata.ino(),
        }
    }
}

/// What came of reading.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The bytes of a plain file of ours.
    Bytes(Vec<u8>, Stamp),
    /// It is being written at this moment.
    Changing(Stamp),
    /// It can never be a report; a sentence says why.
    Refused(String),
    /// It is not there any more.
    Gone,
    /// We could not read it now; it may work later.
    Later(io::Error),
}

/// Reads a file of this folder.
pub(super) fn read(folder: &OwnedFd, name: &OsStr) -> Outcome {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let mut file = match rustix::fs::openat(folder, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Outcome::Gone,
        Err(Errno::LOOP | Errno::MLINK) => {
            return Outcome::Refused(say!("reason.file.link").to_string());
        }
        // A socket, or a device that does not exist.
        Err(Errno::NXIO | Errno::NODEV | Errno::OPNOTSUPP) => return not_plain(),
        Err(Errno::ACCESS | Errno::PERM) => {
            return Outcome::Refused(say!("reason.file.forbidden").to_string());
        }
        Err(errno) => return Outcome::Later(errno.into()),
    };
    let before = match file.metadata() {
        Ok(metadata) => metadata,
        Err(error) => return Outcome::Later(error),
    };
    if !before.is_file() {
        return not_plain();
    }
    if before.uid() != rustix::process::geteuid().as_raw() {
        return Outcome::Refused(say!("reason.file.foreign").to_string());
    }
    if before.nlink() > 1 {
        return Outcome::Refused(say!("reason.file.hard_link").to_string());
    }
    if before.size() > MAX_FILE_BYTES {
        return too_large();
    }
    let capacity = usize::try_from(before.size()).unwrap_or(0) + 1;
    let mut bytes = Vec::with_capacity(capacity);
    if let Err(error) = (&mut file).take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes) {
        return Outcome::Later(error);
    }
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return too_large();
    }
    match file.metadata() {
        // Removed while it was read: its name may belong to another file by now.
        Ok(after) if after.nlink() == 0 => Outcome::Gone,
        Ok(after)
            if Stamp::of(&after) == Stamp::of(&before) && bytes.len() as u64 == after.size() =>
        {
            Outcome::Bytes(bytes, Stamp::of(&after))
        }
        Ok(after) => Outcome::Changing(Stamp::of(&after)),
        Err(error) => Outcome::Later(error),
    }
}

fn not_plain() -> Outcome {
    Outcome::Refused(say!("reason.file.not_plain").to_string())
}

fn too_large() -> Outcome {
    Outcome::Refused(say!("reason.file.too_large", max_file_bytes = MAX_FILE_BYTES).to_string())
}
