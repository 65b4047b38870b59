//! Files inside the repository that the launcher writes or reads and that agents can tamper with. Every folder below
//! the repository is opened by itself, no link is ever followed, nothing but the user's own ordinary files is opened.
//! It never reads what is in the files.

use local_os::own_file;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags, RawMode};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Component, Path};

/// The place of one file below the repository, with its folder held open.
#[derive(Debug)]
pub struct Inside {
    folder: OwnedFd,
    name: OsString,
}

impl Inside {
    /// Finds the place of a file below `repo` and creates the folders that are missing.
    ///
    /// # Errors
    /// When the path leads out of the repository, a link or something else stands in place of a folder, or the file
    /// system refuses.
    pub fn find(repo: &Path, path: &Path) -> io::Result<Self> {
        let outside = || io::Error::new(io::ErrorKind::InvalidInput, "not inside the repository");
        let below = path.strip_prefix(repo).map_err(|_| outside())?;
        let mut parts = Vec::new();
        for part in below.components() {
            match part {
                Component::Normal(part) => parts.push(part),
                _ => return Err(outside()),
            }
        }
        let name = parts.pop().ok_or_else(outside)?.to_owned();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut folder = rustix::fs::open(repo, flags, Mode::empty())?;
        for part in parts {
            folder = step(&folder, part, 0o700).map_err(|errno| match errno {
                Errno::NOTDIR | Errno::LOOP => io::Error::other(format!(
                    "`{}` in the repository is not a folder (it may be a link); remove it, zhongshu creates a new one",
                    part.display()
                )),
                errno => errno.into(),
            })?;
        }
        Ok(Self { folder, name })
    }

    /// Opens the file for appending; creates it, for the user alone, when it is missing.
    ///
    /// # Errors
    /// When something else than the user's own ordinary file stands there, or the file system refuses.
    pub fn append(&self) -> io::Result<File> {
        own_file::open_own(&self.folder, Path::new(&self.name), own_file::APPEND)
    }

    /// Opens the file for reading.
    ///
    /// # Errors
    /// As [`Inside::append`], and when it is missing.
    pub fn read(&self) -> io::Result<File> {
        own_file::open_own(&self.folder, Path::new(&self.name), OFlags::RDONLY)
    }

    /// Puts a new file, readable by the user alone, in place of whatever stands there. A reader sees the old or the new
    /// one, never a part.
    ///
    /// # Errors
    /// What the file system says.
    pub fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let draft = OsString::from(format!(".{}.tmp", uuid::Uuid::new_v4().simple()));
        let written = write_new(&self.folder, &draft, bytes, true).and_then(|()| {
            Ok(rustix::fs::renameat(
                &self.folder,
                &draft,
                &self.folder,
                &self.name,
            )?)
        });
        if written.is_err() {
            // The error that we have is the one to report.
            let _ = rustix::fs::unlinkat(&self.folder, &draft, AtFlags::empty());
        }
        written
    }
}

/// Opens a folder that is really one, creating it when it is missing.
pub(crate) fn step(parent: &OwnedFd, name: &OsStr, mode: RawMode) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || rustix::fs::openat(parent, name, flags, Mode::empty());
    match open() {
        Err(Errno::NOENT) => match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(mode)) {
            // Somebody else may have been quicker.
            Ok(()) | Err(Errno::EXIST) => open(),
            Err(errno) => Err(errno),
        },
        other => other,
    }
}

/// Creates a file that did not exist before, with these bytes in it, readable by its owner alone.
pub(crate) fn write_new(
    folder: impl AsFd,
    name: &OsStr,
    bytes: &[u8],
    sync: bool,
) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::openat(
        folder,
        name,
        flags,
        Mode::from_raw_mode(0o600),
    )?);
    file.write_all(bytes)?;
    if sync {
        file.sync_all()?;
    }
    Ok(())
}
