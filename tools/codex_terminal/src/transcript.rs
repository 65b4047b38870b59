//! The raw output on disk: appended as it comes, rotated once (`path` → `path.1`) at a size bound. A disk error
//! ends the transcript, never the terminal.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, OFlags};
use rustix::io::Errno;

use local_os::own_file::{self, APPEND, folder_of, open_own};

/// An open transcript.
pub struct Transcript {
    folder: OwnedFd,
    name: PathBuf,
    file: File,
    written: u64,
    max_bytes: u64,
}

impl Transcript {
    /// Opens `path` for appending, private to the user. Its folder is held: whoever replaces it by a link later leads
    /// us nowhere.
    pub fn open(path: &Path, max_bytes: u64) -> std::io::Result<Self> {
        let (folder, name) = folder_of(path)?;
        let file = open_own(&folder, &name, APPEND)?;
        Ok(Self {
            written: file.metadata()?.len(),
            folder,
            name,
            file,
            max_bytes,
        })
    }

    /// Appends output, after a rotation when it would not fit. More than fits at all is cut.
    pub fn write(&mut self, data: &[u8]) -> std::io::Result<()> {
        let most = usize::try_from(self.max_bytes).unwrap_or(usize::MAX).max(1);
        for piece in data.chunks(most) {
            if self.written > 0 && self.written + piece.len() as u64 > self.max_bytes {
                self.rotate()?;
            }
            self.file.write_all(piece)?;
            self.written += piece.len() as u64;
        }
        Ok(())
    }

    /// Puts the oldest part aside before its place is taken: a rename onto a file makes ext4 write the new one to disk at
    /// once, and a flood's output need not get there at all. At every moment a reader finds both parts, or only the newer.
    fn rotate(&mut self) -> std::io::Result<()> {
        let folder = &self.folder;
        let [older, oldest] = [rotated_path(&self.name), aside_path(&self.name)];
        let there = |result| match result {
            Err(Errno::NOENT) => Ok(()),
            result => result,
        };
        there(rustix::fs::renameat(folder, &older, folder, &oldest))?;
        rustix::fs::renameat(folder, &self.name, folder, &older)?;
        self.file = open_own(folder, &self.name, APPEND)?;
        self.written = 0;
        there(rustix::fs::unlinkat(folder, &oldest, AtFlags::empty()))?;
        Ok(())
    }
}

/// Where the older part of a transcript lies.
pub fn rotated_path(path: &Path) -> PathBuf {
    beside(path, ".1")
}

/// Where it lies while a newer part takes its place.
fn aside_path(path: &Path) -> PathBuf {
    beside(path, ".2")
}

/// Every file that may be of a transcript.
pub fn files(path: &Path) -> [PathBuf; 3] {
    [path.to_owned(), rotated_path(path), aside_path(path)]
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// A file of a transcript, and how much of it there was when it was opened.
pub struct Part {
    pub file: File,
    pub bytes: u64,
}

/// Opens what there is of a transcript at one moment, the older part first.
///
/// # Both parts of the same moment
/// A rotation between the opening of the one and of the other would leave a hole, or show a part twice. The newer one
/// is opened first and must still have its name when the older one is open; otherwise all of it is done again. For
/// that to go on, a whole part would have to be written again and again while two files are opened.
pub fn parts(path: &Path) -> std::io::Result<Vec<Part>> {
    let (folder, name) = folder_of(path)?;
    let open = |name: &Path| -> Option<Part> {
        // The program may have put a link or a FIFO there; opening waits for neither.
        let file = own_file::open(&folder, name, OFlags::RDONLY).ok()?;
        let bytes = file.metadata().ok()?.len();
        Some(Part { file, bytes })
    };
    loop {
        let newer = open(&name);
        let older = open(&rotated_path(&name)).or_else(|| open(&aside_path(&name)));
        if newer.as_ref().is_none_or(|newer| {
            rustix::fs::statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW)
                .is_ok_and(|now| newer.file.metadata().is_ok_and(|it| it.ino() == now.st_ino))
        }) {
            return Ok(older.into_iter().chain(newer).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Read;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn what_is_read_while_it_rotates_has_no_hole() {
        const READINGS: usize = 2000;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.log");
        let mut transcript = Transcript::open(&path, 32 << 10).unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut number = 0u64;
                while !done.load(Ordering::Relaxed) {
                    transcript.write(&number.to_be_bytes()).unwrap();
                    number += 1;
                }
            });
            for _ in 0..READINGS {
                let mut bytes = Vec::new();
                for part in parts(&path).unwrap() {
                    part.file.take(part.bytes).read_to_end(&mut bytes).unwrap();
                }
                let numbers = bytes.chunks_exact(8);
                let numbers = numbers.map(|bytes| u64::from_be_bytes(bytes.try_into().unwrap()));
                let numbers: Vec<_> = numbers.collect();
                let hole = numbers.windows(2).find(|pair| pair[0] + 1 != pair[1]);
                if hole.is_some() {
                    done.store(true, Ordering::Relaxed);
                }
                assert_eq!(hole, None);
            }
            done.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn it_rotates_once_and_loses_only_the_oldest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.log");
        let mut transcript = Transcript::open(&path, 10).unwrap();
        for piece in ["aaaa", "bbbb", "cccc", "dddd", "eeee"] {
            transcript.write(piece.as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "eeee");
        let older = std::fs::read_to_string(rotated_path(&path)).unwrap();
        assert_eq!(older, "ccccdddd");
        transcript.write(b"ffffffffffgg").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "gg");
        let older = std::fs::read_to_string(rotated_path(&path)).unwrap();
        assert_eq!(older, "ffffffffff");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_rotation_that_was_broken_off_loses_nothing_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.log");
        let mut transcript = Transcript::open(&path, 4).unwrap();
        transcript.write(b"aaaa").unwrap();
        transcript.write(b"bbbb").unwrap();
        std::fs::rename(rotated_path(&path), aside_path(&path)).unwrap();
        let whole: Vec<_> = parts(&path).unwrap().iter().map(|it| it.bytes).collect();
        assert_eq!(whole, [4, 4]);
        transcript.write(b"cccc").unwrap();
        assert_eq!(
            std::fs::read_to_string(rotated_path(&path)).unwrap(),
            "bbbb"
        );
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_link_in_place_of_the_older_part_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (path, victim) = (dir.path().join("t.log"), dir.path().join("victim"));
        std::fs::write(&victim, "precious").unwrap();
        let mut transcript = Transcript::open(&path, 4).unwrap();
        transcript.write(b"aaaa").unwrap();
        std::os::unix::fs::symlink(&victim, rotated_path(&path)).unwrap();
        transcript.write(b"bbbb").unwrap();
        let older = rotated_path(&path);
        assert!(std::fs::symlink_metadata(&older).unwrap().is_file());
        assert_eq!(std::fs::read_to_string(&older).unwrap(), "aaaa");
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
    }
}
