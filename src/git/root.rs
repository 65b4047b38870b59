//! The top folder of a working tree, held open: whatever is renamed meanwhile, it stays this folder.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Mode, OFlags};

/// The folder.
pub(super) struct Root {
    path: PathBuf,
    folder: Arc<OwnedFd>,
}

impl Root {
    /// Opens `path`, which has no links in it (any more).
    pub(super) fn open(path: PathBuf) -> std::io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = Arc::new(rustix::fs::openat(CWD, &path, flags, Mode::empty())?);
        Ok(Self { path, folder })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn folder(&self) -> &Arc<OwnedFd> {
        &self.folder
    }

    /// Whether anything stands at `path`. A link on the way is followed here: this only saves a closer look.
    pub(super) fn has(&self, path: &[u8]) -> bool {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::statat(&*self.folder, OsStr::from_bytes(path), flags).is_ok()
    }
}
