//! Reads files of a working tree without ever leaving it: no component of a path may be a symbolic link, and only ordinary
//! files are read, up to a limit.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

/// What stands at a path of the working tree.
#[derive(Debug)]
pub enum Entry {
    /// Nothing, or something below a folder that is none (any more).
    Missing,
    /// An ordinary file, opened, with its size.
    File(File, u64),
    /// A symbolic link and its target, which was not looked at.
    Symlink(Vec<u8>),
    /// A folder.
    Directory,
    /// A pipe, a socket or a device; never opened for reading.
    Special,
}

/// Looks at `path` below `root` without following any link.
pub fn look(root: &Path, path: &[u8]) -> std::io::Result<Entry> {
    // The root itself is the caller's choice and may be reached through a link; what is below it may not.
    let root_flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root: OwnedFd = rustix::fs::openat(CWD, root, root_flags, Mode::empty())?;
    look_in(&root, path)
}

/// The same below a folder that is open.
pub(super) fn look_in(root: &OwnedFd, path: &[u8]) -> std::io::Result<Entry> {
    let folder_flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut inner: OwnedFd;
    let mut folder = root;
    let mut parts = path
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty())
        .peekable();
    while let Some(part) = parts.next() {
        if part == b".." {
            return Ok(Entry::Missing);
        }
        let name = OsStr::from_bytes(part);
        if parts.peek().is_some() {
            inner = match rustix::fs::openat(folder, name, folder_flags, Mode::empty()) {
                Ok(next) => next,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(Entry::Missing),
                Err(error) => return Err(error.into()),
            };
            folder = &inner;
            continue;
        }
        let stat = match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Entry::Missing),
            Err(error) => return Err(error.into()),
        };
        return match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => open_file(folder, name),
            FileType::Symlink => match rustix::fs::readlinkat(folder, name, Vec::new()) {
                Ok(target) => Ok(Entry::Symlink(target.into_bytes())),
                Err(Errno::NOENT | Errno::INVAL) => Ok(Entry::Missing),
                Err(error) => Err(error.into()),
            },
            FileType::Directory => Ok(Entry::Directory),
            _ => Ok(Entry::Special),
        };
    }
    Ok(Entry::Directory)
}

/// Opens an ordinary file; it may have been replaced since it was looked at, so the open file decides.
fn open_file(folder: &OwnedFd, name: &OsStr) -> std::io::Result<Entry> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(folder, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(Entry::Missing),
        Err(Errno::LOOP) => return Ok(Entry::Special),
        Err(error) => return Err(error.into()),
    };
    let metadata = file.metadata()?;
    if metadata.is_file() {
        let size = metadata.len();
        Ok(Entry::File(file, size))
    } else {
        Ok(Entry::Special)
    }
}

/// Reads an opened file of at most `limit` bytes; none when it is larger (it may grow while it is read).
pub fn read_limited(file: File, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
    // All at once: memory that grows by doubling is copied again and again.
    let size = file.metadata()?.len().min(limit);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

/// Opens an ordinary file that the person names in the configuration; links on the way are the person's. None when there
/// is none.
pub(super) fn open_trusted(path: &Path) -> std::io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    Ok(file.metadata()?.is_file().then_some(file))
}
