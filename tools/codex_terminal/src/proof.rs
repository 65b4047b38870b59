//! Whether a process is the launcher: the one that holds the lock of the state folder. Reads only.

use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::Path;

/// Whether `pid` holds the lock at `path`: somebody does, and the file names this process.
///
/// The system drops the lock with the process, so a number that a later process got by chance proves nothing. A sandboxed
/// program can write neither the file nor a socket; any other program of the same user could be the launcher itself.
pub(crate) fn holds_lock(path: &Path, pid: u32) -> bool {
    let Ok(mut file) = File::open(path) else {
        return false;
    };
    if !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        return false;
    }
    let mut text = String::new();
    let read = (&mut file).take(32).read_to_string(&mut text);
    read.is_ok() && text.trim().parse() == Ok(pid)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_holder_that_the_file_names_is_the_launcher() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(!holds_lock(&path, 7), "there is none");
        std::fs::write(&path, "7\n").unwrap();
        assert!(!holds_lock(&path, 7), "nobody holds it");
        let held = File::open(&path).unwrap();
        held.lock().unwrap();
        assert!(holds_lock(&path, 7));
        assert!(!holds_lock(&path, 8));
        drop(held);
        assert!(!holds_lock(&path, 7), "it has ended");
    }
}
