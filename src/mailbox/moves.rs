//! Puts files away: from one folder into another, without ever replacing or losing one.

use super::folders::stamp;
use super::read::Stamp;
use rustix::fd::OwnedFd;
use rustix::fs::RenameFlags;
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Names longer than this are shortened when a file is put away, so that a suffix still fits into 255 bytes.
const MAX_KEPT_NAME: usize = 180;

/// How many names are tried before a file stays where it is. Only somebody who fills the folder on purpose gets there.
const MAX_NAME_TRIES: u32 = 10_000;

/// What came of putting a file away.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// It is in the other folder, under this name.
    To(OsString),
    /// Another file had taken its name meanwhile. That one is where it was.
    Replaced,
    /// It was gone.
    Gone,
}

/// A file that was read: the name it had, what it was then, and the digest that distinguishes its name from others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub name: &'a OsStr,
    pub stamp: Stamp,
    pub digest: &'a str,
    /// Whether its content was read. What is refused for what it is, such as an endless file, may go on changing.
    pub was_read: bool,
}

impl Known<'_> {
    fn is(&self, now: Stamp) -> bool {
        match self.was_read {
            true => now == self.stamp,
            false => now.inode == self.stamp.inode,
        }
    }
}

/// Moves a file without ever replacing another, under its own name or one that is made from it. `prepare` is told
/// the name before the file has it.
///
/// Writers may put a newer file in the place of the one that was read, at any moment. So what was moved is looked at
/// afterwards, and goes back when it is not what was read.
pub(super) fn put_away(
    file: Known<'_>,
    from: &OwnedFd,
    to: &OwnedFd,
    mut prepare: impl FnMut(&OsStr) -> io::Result<()>,
) -> io::Result<Moved> {
    let Known { name, digest, .. } = file;
    match stamp(from, name)? {
        None => return Ok(Moved::Gone),
        Some(now) if !file.is(now) => return Ok(Moved::Replaced),
        Some(_) => {}
    }
    for attempt in 0..MAX_NAME_TRIES {
        let target = candidate(name, digest, attempt);
        if exists(to, &target)? {
            continue;
        }
        match prepare(&target) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        }
        match move_new(from, name, to, &target) {
            Ok(()) if stamp(to, &target)?.is_some_and(|now| file.is(now)) => {
                return Ok(Moved::To(target));
            }
            Ok(()) => {
                let back = || candidate(name, &uuid::Uuid::now_v7().simple().to_string(), 1);
                return match move_new(to, &target, from, name) {
                    Err(Errno::EXIST) => Ok(move_new(to, &target, from, &back())?),
                    other => Ok(other?),
                }
                .map(|()| Moved::Replaced);
            }
            Err(Errno::EXIST) => {}
            Err(Errno::NOENT) => return Ok(Moved::Gone),
            Err(errno) => return Err(errno.into()),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// How file systems say that they cannot refuse to replace; the last two are one on Linux and two on macOS.
const CANNOT: [Errno; 4] = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOTSUP];

fn move_new(from: &OwnedFd, name: &OsStr, to: &OwnedFd, target: &OsStr) -> Result<(), Errno> {
    match rustix::fs::renameat_with(from, name, to, target, RenameFlags::NOREPLACE) {
        // We looked before, and nobody else moves files here.
        Err(errno) if CANNOT.contains(&errno) => rustix::fs::renameat(from, name, to, target),
        other => other,
    }
}

/// The name that [`put_away`] will choose if nothing changes meanwhile.
pub(super) fn expected_name(name: &OsStr, to: &OwnedFd, digest: &str) -> OsString {
    (0..MAX_NAME_TRIES)
        .map(|attempt| candidate(name, digest, attempt))
        .find(|target| !exists(to, target).unwrap_or(false))
        .unwrap_or_else(|| name.to_owned())
}

fn exists(folder: &OwnedFd, name: &OsStr) -> io::Result<bool> {
    Ok(stamp(folder, name)?.is_some())
}

/// The name itself, then `<stem>-<digest>.json`, then `<stem>-<digest>-2.json` and so on.
fn candidate(name: &OsStr, digest: &str, attempt: u32) -> OsString {
    let bytes = name.as_bytes();
    if attempt == 0 && bytes.len() <= MAX_KEPT_NAME {
        return name.to_owned();
    }
    let stem = &bytes[..bytes.len().saturating_sub(".json".len())];
    let mut end = stem.len().min(MAX_KEPT_NAME);
    // Not within a character, if these are characters.
    while end > 0 && end < stem.len() && stem[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    let mut target = stem[..end].to_vec();
    let mark: String = digest
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(12)
        .collect();
    target.extend_from_slice(format!("-{mark}").as_bytes());
    if attempt > 1 {
        target.extend_from_slice(format!("-{attempt}").as_bytes());
    }
    target.extend_from_slice(b".json");
    OsString::from_vec(target)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::Folders;
    use super::*;
    use crate::domain::ids::SessionId;
    use std::path::Path;

    fn planner() -> SessionId {
        SessionId::parse("zhongshu-1").unwrap()
    }

    fn known<'a>(folders: &Folders, name: &'a OsStr) -> Known<'a> {
        Known {
            name,
            stamp: stamp(&folders.incoming, name).unwrap().unwrap(),
            digest: "abcdef",
            was_read: true,
        }
    }

    #[test]
    fn a_file_that_is_put_away_replaces_nothing() {
        let repo = tempfile::tempdir().unwrap();
        let folders = Folders::open(repo.path(), &planner()).unwrap();
        let long = format!("{}.json", "长".repeat(83));
        for name in ["a.json", &long] {
            for round in 0..4 {
                std::fs::write(folders.paths.incoming.join(name), format!("{round}")).unwrap();
                let file = known(&folders, OsStr::new(name));
                let expected = expected_name(file.name, &folders.archive, "abcdef");
                assert!(expected.len() <= 220 && expected.to_str().is_some());
                let moved = put_away(file, &folders.incoming, &folders.archive, |_| Ok(()));
                assert_eq!(moved.unwrap(), Moved::To(expected));
            }
        }
        let count = |path: &Path| std::fs::read_dir(path).unwrap().count();
        assert_eq!(count(&folders.paths.archive), 8);
        assert_eq!(count(&folders.paths.incoming), 0);
    }

    #[test]
    fn a_newer_file_under_the_same_name_is_not_put_away_unread() {
        let repo = tempfile::tempdir().unwrap();
        let folders = Folders::open(repo.path(), &planner()).unwrap();
        let path = folders.paths.incoming.join("a.json");
        let draft = folders.paths.incoming.join("draft");
        let replace = |text: &str| {
            std::fs::write(&draft, text).unwrap();
            std::fs::rename(&draft, &path).unwrap();
        };
        replace("first");
        let file = known(&folders, OsStr::new("a.json"));
        replace("second");
        let put = |prepare: &dyn Fn()| {
            put_away(file, &folders.incoming, &folders.archive, |_| {
                prepare();
                Ok(())
            })
        };
        assert_eq!(put(&|| {}).unwrap(), Moved::Replaced);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "second");

        // The same in the last moment before the move.
        let file = known(&folders, OsStr::new("a.json"));
        let moved = put_away(file, &folders.incoming, &folders.archive, |_| {
            replace("third");
            Ok(())
        });
        assert_eq!(moved.unwrap(), Moved::Replaced);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "third");
        assert_eq!(
            std::fs::read_dir(&folders.paths.archive).unwrap().count(),
            0
        );

        std::fs::remove_file(&path).unwrap();
        let moved = put_away(file, &folders.incoming, &folders.archive, |_| Ok(()));
        assert_eq!(moved.unwrap(), Moved::Gone);
    }
}
