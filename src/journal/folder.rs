//! Names beside the journal.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// `<journal>.<what>-<n>` with the first free n.
pub(super) fn free_name(path: &Path, what: &str) -> io::Result<PathBuf> {
    (1..10_000)
        .map(|n| {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".{what}-{n}"));
            PathBuf::from(name)
        })
        .find(|name| fs::symlink_metadata(name).is_err())
        .ok_or_else(|| io::Error::other("too many of its kind lie beside it"))
}

/// A new name is durable only once its folder is.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    match path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}
