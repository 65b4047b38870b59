//! The names in one folder: those on disk, and those that the index accounts for.

use std::ffi::OsStr;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{AtFlags, FileType};

use super::Walk;
use crate::git::index::GITLINK;

/// Names of one folder, in one piece of memory.
#[derive(Default)]
pub(super) struct Names {
    bytes: Vec<u8>,
    entries: Vec<(Range<usize>, FileType)>,
}

impl Names {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }

    pub(super) fn push(&mut self, name: &[u8], kind: FileType) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(name);
        self.entries.push((start..self.bytes.len(), kind));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], FileType)> {
        self.entries
            .iter()
            .map(|(range, kind)| (&self.bytes[range.clone()], *kind))
    }
}

/// Names of a folder that the index accounts for.
pub(super) struct Known<'a> {
    /// In order.
    files: Vec<&'a [u8]>,
    folders: Vec<&'a [u8]>,
    /// Repositories that are recorded; what lies in them is theirs.
    gitlinks: Vec<&'a [u8]>,
    /// In lower case, where case does not count.
    folded: Option<[Vec<Vec<u8>>; 3]>,
}

impl<'a> Known<'a> {
    pub(super) fn of(
        walk: &'a Walk<'_>,
        path: &[u8],
        files: &[usize],
        folders: &'a [(Vec<u8>, Range<usize>)],
    ) -> Self {
        let items = walk.index.items();
        let name = |at: &usize| &walk.index.path(&items[*at])[path.len()..];
        let gitlinks: Vec<&[u8]> = (files.iter())
            .filter(|at| items[**at].mode == GITLINK)
            .map(name)
            .collect();
        let files: Vec<&[u8]> = files.iter().map(name).collect();
        let mut folders: Vec<&[u8]> = folders
            .iter()
            .map(|(folder, _)| &folder[path.len()..folder.len() - 1])
            .collect();
        // Sorted as paths they are not quite sorted as names.
        folders.sort_unstable();
        let fold = |names: &[&[u8]]| -> Vec<Vec<u8>> {
            let mut folded: Vec<_> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
            folded.sort_unstable();
            folded
        };
        let folded =
            (walk.settings.ignore_case).then(|| [fold(&files), fold(&folders), fold(&gitlinks)]);
        Self {
            files,
            folders,
            gitlinks,
            folded,
        }
    }

    /// Whether what lies there is nothing new: a listed file, or a folder with listed ones.
    pub(super) fn has(&self, name: &[u8], kind: FileType) -> bool {
        let [files, folders, gitlinks] = match &self.folded {
            None => [
                self.files.binary_search(&name).is_ok(),
                self.folders.binary_search(&name).is_ok(),
                self.gitlinks.binary_search(&name).is_ok(),
            ],
            Some(folded) => {
                if name.eq_ignore_ascii_case(b".git") {
                    return true;
                }
                let name = name.to_ascii_lowercase();
                [0, 1, 2].map(|list: usize| folded[list].binary_search(&name).is_ok())
            }
        };
        match kind {
            FileType::Directory => name == b".git" || folders || gitlinks,
            _ => name == b".git" || files,
        }
    }
}

/// Reads the names of a folder, and what they are.
#[cfg(target_os = "linux")]
pub(super) fn read_names(folder: &OwnedFd, names: &mut Names) -> rustix::io::Result<()> {
    let mut buffer = Vec::with_capacity(16 << 10);
    let mut entries = rustix::fs::RawDir::new(folder.as_fd(), buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        take_name(
            folder,
            entry.file_name().to_bytes(),
            entry.file_type(),
            names,
        );
    }
    Ok(())
}

/// Reads the names of a folder, and what they are.
#[cfg(not(target_os = "linux"))]
pub(super) fn read_names(folder: &OwnedFd, names: &mut Names) -> rustix::io::Result<()> {
    let mut entries = rustix::fs::Dir::read_from(folder.as_fd())?;
    while let Some(entry) = entries.read() {
        let entry = entry?;
        take_name(
            folder,
            entry.file_name().to_bytes(),
            entry.file_type(),
            names,
        );
    }
    Ok(())
}

fn take_name(folder: &OwnedFd, name: &[u8], kind: FileType, names: &mut Names) {
    if matches!(name, b"." | b"..") {
        return;
    }
    let kind = match kind {
        // Not every file system tells.
        FileType::Unknown => {
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::statat(folder, OsStr::from_bytes(name), flags)
                .map_or(FileType::Unknown, |stat| {
                    FileType::from_raw_mode(stat.st_mode)
                })
        }
        kind => kind,
    };
    names.push(name, kind);
}
