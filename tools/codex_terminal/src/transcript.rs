//! The raw output on disk: appended as it comes, rotated once (`path` → `path.1`) at a size bound. A disk error
//! ends the transcript, never the terminal.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;

use crate::own_file::{APPEND, folder_of, open_own};

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

    /// Appends output, after a rotation when it would not fit.
    pub fn write(&mut self, data: &[u8]) -> std::io::Result<()> {
        if self.written > 0 && self.written + data.len() as u64 > self.max_bytes {
            let rotated = rotated_path(&self.name);
            rustix::fs::renameat(&self.folder, &self.name, &self.folder, &rotated)?;
            self.file = open_own(&self.folder, &self.name, APPEND)?;
            self.written = 0;
        }
        self.file.write_all(data)?;
        self.written += data.len() as u64;
        Ok(())
    }
}

/// Where the older part of a transcript lies.
pub fn rotated_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

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
