//! The folder of files that were not taken: each with its reason beside it, and only the newest of them, so that nobody fills a disk with
//! what is wrong.
//!
//! The folder is listed once, when the first file comes; from then on what comes and goes is known. What is no `.json` file, and
//! folders that are not empty, are left alone.

use super::folders::{self, Folders};
use super::moves::{self, Known, Moved};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Dir};
use rustix::io::Errno;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Rejected files of one mailbox that are kept. A tenth would be gone before a person has looked after a busy night; ten times as many
/// make the folder slow to look at.
pub(super) const KEPT_FILES: usize = 1_000;

/// Bytes on disk of those; the newest stays whatever it takes, since somebody may have put it there by mistake. A file of a report has at
/// most 1 MiB: this keeps dozens of the largest.
pub(super) const KEPT_BYTES: u64 = 64 << 20;

/// How many are kept, as a sentence for the journal.
pub(super) fn what_is_kept() -> String {
    format!(
        "the newest {KEPT_FILES} rejected files of a mailbox are kept, of at most {} MiB together",
        KEPT_BYTES >> 20
    )
}

/// Puts a file among the rejected ones, with the reason beside it.
pub(super) fn reject(folders: &Folders, file: Known<'_>, reason: &str) -> io::Result<Moved> {
    let mut written = None;
    let (from, to) = (&folders.incoming, &folders.rejected);
    let moved = moves::put_away(file, from, to, |target| {
        // The reason is there first, so whoever sees the file can read why.
        drop_note(folders, &mut written);
        let name = note_of(target);
        let text = format!("{reason}\n");
        write_note(&folders.rejected, &name, text.as_bytes())?;
        written = Some(name);
        Ok(())
    });
    if !matches!(moved, Ok(Moved::To(_))) {
        drop_note(folders, &mut written);
    }
    moved
}

/// Writes the note of a file that does not lie here yet.
fn write_note(folder: &OwnedFd, name: &OsStr, text: &[u8]) -> io::Result<()> {
    match folders::write_new(folder, name, text, false) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Left by a crash before its file came.
            rustix::fs::unlinkat(folder, name, AtFlags::empty())
                .map_err(|_| io::Error::from(io::ErrorKind::AlreadyExists))?;
            folders::write_new(folder, name, text, false)
        }
        other => other,
    }
}

fn note_of(file: &OsStr) -> OsString {
    let mut name = file.to_owned();
    name.push(".reason.txt");
    name
}

/// Removes a note whose file did not come.
fn drop_note(folders: &Folders, written: &mut Option<OsString>) {
    if let Some(name) = written.take() {
        // A note that stays behind is a nuisance, not an error.
        let _ = rustix::fs::unlinkat(&folders.rejected, &name, AtFlags::empty());
    }
}

/// What lies among the rejected files of one mailbox.
pub(super) struct Shelf {
    /// The folder that was looked at: another one may have taken its place.
    inode: u64,
    /// Oldest first.
    files: VecDeque<Lies>,
    bytes: u64,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Lies {
    /// When it came here, in nanoseconds since the epoch.
    since_ns: i128,
    name: OsString,
    bytes: u64,
}

impl Shelf {
    /// Notes what came into the folder, and takes the oldest away that are too many. `known` is what was known before; with nothing
    /// known the folder is listed. Answers how many were taken away.
    pub(super) fn add(
        known: Option<Self>,
        folder: &OwnedFd,
        came: &[OsString],
    ) -> io::Result<(Self, u64)> {
        let inode = rustix::fs::fstat(folder)?.st_ino;
        let (mut shelf, mut removed) = match known.filter(|shelf| shelf.inode == inode) {
            Some(shelf) => (shelf, 0),
            None => Self::list(folder, inode, came)?,
        };
        for name in came {
            shelf.push(lies(folder, name)?);
        }
        removed += shelf.trim(folder);
        Ok((shelf, removed))
    }

    /// Lists what lay there before these came; however much that is, no more than is kept is remembered.
    fn list(folder: &OwnedFd, inode: u64, came: &[OsString]) -> io::Result<(Self, u64)> {
        let came: HashSet<&[u8]> = came.iter().map(|name| name.as_bytes()).collect();
        let mut newest = BinaryHeap::new();
        let mut removed = 0;
        for entry in Dir::read_from(folder)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if !folders::has_json_suffix(&name) || came.contains(&*name) {
                continue;
            }
            newest.extend(lies(folder, &OsString::from_vec(name))?.map(Reverse));
            if newest.len() > KEPT_FILES
                && let Some(Reverse(oldest)) = newest.pop()
            {
                removed += u64::from(remove(folder, &oldest.name));
            }
        }
        let mut shelf = Self {
            inode,
            files: VecDeque::new(),
            bytes: 0,
        };
        while let Some(Reverse(next)) = newest.pop() {
            shelf.push(Some(next));
        }
        Ok((shelf, removed))
    }

    fn push(&mut self, one: Option<Lies>) {
        // Gone already: somebody else took it away.
        let Some(one) = one else { return };
        self.bytes += one.bytes;
        self.files.push_back(one);
    }

    fn trim(&mut self, folder: &OwnedFd) -> u64 {
        let mut removed = 0;
        while self.files.len() > KEPT_FILES || (self.bytes > KEPT_BYTES && self.files.len() > 1) {
            let Some(oldest) = self.files.pop_front() else {
                break;
            };
            self.bytes -= oldest.bytes;
            removed += u64::from(remove(folder, &oldest.name));
        }
        removed
    }
}

fn lies(folder: &OwnedFd, name: &OsStr) -> io::Result<Option<Lies>> {
    let stat = folders::look(folder, name)?;
    Ok(stat.map(|stat| Lies {
        since_ns: folders::changed_ns(&stat),
        name: name.to_owned(),
        // What it takes on disk: a file of holes takes nothing.
        bytes: u64::try_from(stat.st_blocks).unwrap_or(0) * 512,
    }))
}

/// Takes a file away, then its note. True when it was there and is gone.
fn remove(folder: &OwnedFd, name: &OsStr) -> bool {
    let gone = match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) => rustix::fs::unlinkat(folder, name, AtFlags::REMOVEDIR),
        other => other,
    };
    if matches!(gone, Ok(()) | Err(Errno::NOENT)) {
        // Without its file it says nothing; one that cannot be removed is a nuisance, not an error.
        let _ = rustix::fs::unlinkat(folder, note_of(name), AtFlags::empty());
    }
    gone.is_ok()
}
