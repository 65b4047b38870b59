//! The raw output on disk: appended as it comes, rotated once (`path` → `path.1`) at a size bound. A disk error
//! ends the transcript, never the terminal.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// An open transcript.
pub struct Transcript {
    path: PathBuf,
    file: File,
    written: u64,
    max_bytes: u64,
}

impl Transcript {
    /// Opens `path` for appending, private to the user.
    pub fn open(path: &Path, max_bytes: u64) -> std::io::Result<Self> {
        let file = open(path)?;
        Ok(Self {
            written: file.metadata()?.len(),
            path: path.to_owned(),
            file,
            max_bytes,
        })
    }

    /// Appends output, after a rotation when it would not fit.
    pub fn write(&mut self, data: &[u8]) -> std::io::Result<()> {
        if self.written > 0 && self.written + data.len() as u64 > self.max_bytes {
            std::fs::rename(&self.path, rotated_path(&self.path))?;
            self.file = open(&self.path)?;
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

fn open(path: &Path) -> std::io::Result<File> {
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
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
}
