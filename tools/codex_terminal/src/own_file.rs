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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{file_source, transcript::Transcript};
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    /// A folder for a log, and a file beside it that nobody may touch.
    fn ground() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let (log, victim) = (dir.path().join("logs/t.log"), dir.path().join("victim"));
        fs::create_dir(dir.path().join("logs")).unwrap();
        fs::write(&victim, "precious").unwrap();
        (dir, log, victim)
    }

    /// Neither written nor shown, and nobody waits.
    fn is_refused(log: &Path) {
        let log = log.to_owned();
        let (done, wait) = std::sync::mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let written = Transcript::open(&log, 100).and_then(|mut it| it.write(b"more"));
            let shown = file_source::open(&log);
            done.send((written.is_err(), shown.is_err())).unwrap();
        });
        let refused = wait.recv_timeout(Duration::from_secs(20));
        assert_eq!(refused.expect("it hangs"), (true, true));
    }

    #[test]
    fn an_ordinary_file_is_opened() {
        let (_dir, log, _) = ground();
        let mut transcript = Transcript::open(&log, 100).unwrap();
        transcript.write(b"text").unwrap();
        assert_eq!(
            file_source::open(&log).unwrap().metadata().unwrap().len(),
            4
        );
    }

    #[test]
    fn links_to_a_file_are_refused() {
        let (_dir, log, victim) = ground();
        symlink(&victim, &log).unwrap();
        is_refused(&log);
        fs::remove_file(&log).unwrap();
        fs::hard_link(&victim, &log).unwrap();
        is_refused(&log);
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    }

    #[test]
    fn a_link_to_a_folder_is_refused() {
        let (dir, log, _) = ground();
        let elsewhere = dir.path().join("elsewhere");
        fs::rename(dir.path().join("logs"), &elsewhere).unwrap();
        symlink(&elsewhere, dir.path().join("logs")).unwrap();
        is_refused(&log);
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    }

    #[test]
    fn a_fifo_is_refused_with_and_without_its_other_end() {
        let (_dir, log, _) = ground();
        let made = std::process::Command::new("mkfifo").arg(&log).status();
        assert!(made.unwrap().success());
        is_refused(&log);
        let _other_end = File::options().read(true).write(true).open(&log).unwrap();
        is_refused(&log);
    }
}
