//! Opens files in folders that a hostile program can write to: follows no link in the last two parts of a path, waits
//! for nobody, and gives nothing but ordinary files. Never reads or writes what it opens.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags};

/// Splits a path of a file and opens its folder, which must not be a link.
///
/// # Errors
/// When the path names no file, or its folder is a link, no folder, or cannot be opened.
pub fn folder_of(path: &Path) -> io::Result<(OwnedFd, PathBuf)> {
    let Some(name) = path.file_name() else {
        return Err(refused("it names no file"));
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::open(folder, flags, Mode::empty())?;
    Ok((folder, name.into()))
}

/// Opens an ordinary file with one name. A FIFO is opened without waiting for its other side, and then refused.
///
/// # Errors
/// When something else stands there (a link, a FIFO, a file with a second name), or the file system refuses.
pub fn open(folder: impl AsFd, name: &Path, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o600);
    let file = File::from(rustix::fs::openat(folder, name, flags, mode)?);
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(refused("it is not an ordinary file"));
    }
    if found.nlink() != 1 {
        return Err(refused("it has a second name, or none any more"));
    }
    Ok(file)
}

/// The same; the file must also belong to the user.
///
/// # Errors
/// As [`open`], and when it belongs to somebody else.
pub fn open_own(folder: impl AsFd, name: &Path, flags: OFlags) -> io::Result<File> {
    let file = open(folder, name, flags)?;
    if file.metadata()?.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused("it belongs to another user"));
    }
    Ok(file)
}

/// Flags for a file that grows.
pub const APPEND: OFlags = OFlags::WRONLY.union(OFlags::APPEND).union(OFlags::CREATE);

fn refused(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}
