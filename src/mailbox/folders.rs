//! The folders of one planner's mailbox, held open, and the few ways in which files are written and moved there.
//!
//! Everything is relative to a descriptor and no link is ever followed. Never reads what files say.

use super::read::Stamp;
use crate::domain::handoff::MAILBOX_ROOT;
use crate::domain::ids::SessionId;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Names longer than this are shortened when a file is put away, so that a suffix still fits into 255 bytes.
const MAX_KEPT_NAME: usize = 180;

/// How many names are tried before a file stays where it is. Only somebody who fills the folder on purpose gets there.
const MAX_NAME_TRIES: u32 = 10_000;

/// Entries of `incoming/` that are looked at in one scan; the rest follows in the next. A tenth would break the order
/// of large bursts, ten times as much would let a hostile session take hundreds of MiB of our memory.
const MAX_LISTED: usize = 100_000;

/// Why a mailbox cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Something that is no folder stands in its place.
    #[error("{} is not a folder (it may be a link); remove it, zhongshu creates a new one", path.display())]
    NotAFolder {
        /// What stands there.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("open the folder {}: {source}", path.display())]
    Io {
        /// Which folder.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
}

/// Where a planner's mailbox is, for prompts and the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The folder that holds the others.
    pub root: PathBuf,
    /// Where sessions drop their files.
    pub incoming: PathBuf,
    /// Where files go that were taken; also the handoff packets.
    pub archive: PathBuf,
    /// Where files go that were not taken, each with its reason.
    pub rejected: PathBuf,
}

impl Paths {
    /// The paths for this planner.
    pub fn new(repo: &Path, planner: &SessionId) -> Self {
        let root = repo.join(MAILBOX_ROOT).join(planner.as_str());
        Self {
            incoming: root.join("incoming"),
            archive: root.join("archive"),
            rejected: root.join("rejected"),
            root,
        }
    }
}

/// One planner's mailbox with its folders held open.
#[derive(Debug)]
pub struct Folders {
    /// Where it is.
    pub paths: Paths,
    pub(super) incoming: OwnedFd,
    pub(super) archive: OwnedFd,
    pub(super) rejected: OwnedFd,
}

/// One entry of `incoming/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listed {
    /// When it was last written, in nanoseconds since the epoch; first, because files are taken in this order.
    pub modified_ns: i128,
    /// Its name, as the bytes it is.
    pub name: OsString,
    /// What it was when it was listed.
    pub stamp: Stamp,
}

impl Folders {
    /// Opens a planner's mailbox and creates what is missing of it, `.tmp/.gitignore` included.
    ///
    /// # Errors
    /// When something in the way is a link or no folder, or the file system refuses.
    pub fn open(repo: &Path, planner: &SessionId) -> Result<Self, FolderError> {
        let mut path = repo.to_owned();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut folder =
            rustix::fs::open(repo, flags, Mode::empty()).map_err(|errno| FolderError::Io {
                path: path.clone(),
                source: errno.into(),
            })?;
        let mut parts = Path::new(MAILBOX_ROOT).iter();
        if let Some(tmp) = parts.next() {
            path.push(tmp);
            folder = step(&folder, tmp, &path, 0o755)?;
            ignore_everything(&folder).map_err(|source| FolderError::Io {
                path: path.join(".gitignore"),
                source,
            })?;
        }
        for part in parts.chain([OsStr::new(planner.as_str())]) {
            path.push(part);
            folder = step(&folder, part, &path, 0o700)?;
        }
        let child = |name: &str| step(&folder, OsStr::new(name), &path.join(name), 0o700);
        Ok(Self {
            incoming: child("incoming")?,
            archive: child("archive")?,
            rejected: child("rejected")?,
            paths: Paths::new(repo, planner),
        })
    }

    /// The folder that sessions write into.
    pub(crate) fn incoming(&self) -> &OwnedFd {
        &self.incoming
    }

    /// The folder of files that were taken.
    pub(crate) fn archive(&self) -> &OwnedFd {
        &self.archive
    }

    /// The folder of files that were not taken.
    pub(crate) fn rejected(&self) -> &OwnedFd {
        &self.rejected
    }

    /// What may be a report, oldest first. Names that begin with a dot or end in `.tmp` are somebody's unfinished work.
    pub(super) fn list(&self) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for entry in Dir::read_from(&self.incoming)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name.starts_with(b".") || !has_json_suffix(name) {
                continue;
            }
            let stamp = match stamp(&self.incoming, entry.file_name()) {
                Ok(Some(stamp)) => stamp,
                Ok(None) => continue,
                Err(error) => return Err(error),
            };
            listed.push(Listed {
                modified_ns: stamp.modified_ns,
                name: OsString::from_vec(name.to_vec()),
                stamp,
            });
            if listed.len() >= MAX_LISTED {
                break;
            }
        }
        listed.sort_unstable();
        Ok(listed)
    }

    /// Makes what was moved durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        rustix::fs::fsync(&self.incoming)?;
        rustix::fs::fsync(&self.archive)?;
        rustix::fs::fsync(&self.rejected)?;
        Ok(())
    }
}

fn has_json_suffix(name: &[u8]) -> bool {
    name.len() > 5 && name[name.len() - 5..].eq_ignore_ascii_case(b".json")
}

/// Opens a folder that is really one, creating it when it is missing.
fn step(parent: &OwnedFd, name: &OsStr, path: &Path, mode: u32) -> Result<OwnedFd, FolderError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || rustix::fs::openat(parent, name, flags, Mode::empty());
    let opened = match open() {
        Err(Errno::NOENT) => match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(mode)) {
            // Somebody else may have been quicker.
            Ok(()) | Err(Errno::EXIST) => open(),
            Err(errno) => Err(errno),
        },
        other => other,
    };
    opened.map_err(|errno| match errno {
        Errno::NOTDIR | Errno::LOOP => FolderError::NotAFolder {
            path: path.to_owned(),
        },
        errno => FolderError::Io {
            path: path.to_owned(),
            source: errno.into(),
        },
    })
}

fn ignore_everything(tmp: &OwnedFd) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(tmp, ".gitignore", flags, Mode::from_raw_mode(0o644)) {
        Ok(file) => File::from(file).write_all(b"*\n"),
        // Somebody's own file is left as it is.
        Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Creates a file that did not exist before, with these bytes in it, readable by its owner alone.
pub(crate) fn write_new(
    folder: impl AsFd,
    name: &OsStr,
    bytes: &[u8],
    sync: bool,
) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::openat(
        folder,
        name,
        flags,
        Mode::from_raw_mode(0o600),
    )?);
    file.write_all(bytes)?;
    if sync {
        file.sync_all()?;
    }
    Ok(())
}

/// Name under which a file is written before it takes the place of another.
fn draft_of(name: &OsStr) -> OsString {
    let mut draft = OsString::from(".");
    draft.push(name);
    draft.push(".tmp");
    draft
}

/// Writes the draft of a file; [`publish`] puts it in its place.
pub(super) fn draft(folder: impl AsFd, name: &OsStr, bytes: &[u8], sync: bool) -> io::Result<()> {
    let draft = draft_of(name);
    match write_new(&folder, &draft, bytes, sync) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Left by a crash: only one task of one launcher writes here.
            rustix::fs::unlinkat(&folder, &draft, AtFlags::empty())?;
            write_new(&folder, &draft, bytes, sync)
        }
        other => other,
    }
}

/// Puts a draft in its place; readers see the old or the new file, never a part.
pub(super) fn publish(folder: impl AsFd, name: &OsStr) -> io::Result<()> {
    Ok(rustix::fs::renameat(
        &folder,
        draft_of(name),
        &folder,
        name,
    )?)
}

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

fn move_new(from: &OwnedFd, name: &OsStr, to: &OwnedFd, target: &OsStr) -> Result<(), Errno> {
    match rustix::fs::renameat_with(from, name, to, target, RenameFlags::NOREPLACE) {
        // The file system cannot refuse to replace. We looked before, and nobody else moves files here.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            rustix::fs::renameat(from, name, to, target)
        }
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

/// What stands under this name; `None` when nothing does. Follows no link.
pub(super) fn stamp(folder: &OwnedFd, name: impl rustix::path::Arg) -> io::Result<Option<Stamp>> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(Stamp {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified_ns: i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec),
            inode: stat.st_ino,
        })),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
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
    use super::*;

    fn planner() -> SessionId {
        SessionId::parse("zhongshu-1").unwrap()
    }

    #[test]
    fn folders_are_made_and_hidden_from_git() {
        let repo = tempfile::tempdir().unwrap();
        let folders = Folders::open(repo.path(), &planner()).unwrap();
        assert!(folders.paths.incoming.is_dir());
        assert!(folders.paths.archive.is_dir());
        assert!(folders.paths.rejected.is_dir());
        let ignore = repo.path().join(".tmp/.gitignore");
        assert_eq!(std::fs::read_to_string(&ignore).unwrap(), "*\n");
        std::fs::write(&ignore, "mine").unwrap();
        Folders::open(repo.path(), &planner()).unwrap();
        assert_eq!(std::fs::read_to_string(&ignore).unwrap(), "mine");
    }

    #[test]
    fn a_link_in_the_way_is_refused() {
        for part in [
            ".tmp",
            ".tmp/codex_governance_mailbox",
            ".tmp/codex_governance_mailbox/zhongshu-1",
            ".tmp/codex_governance_mailbox/zhongshu-1/incoming",
        ] {
            let repo = tempfile::tempdir().unwrap();
            let elsewhere = tempfile::tempdir().unwrap();
            let link = repo.path().join(part);
            std::fs::create_dir_all(link.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
            let refused = Folders::open(repo.path(), &planner()).unwrap_err();
            assert!(matches!(refused, FolderError::NotAFolder { path } if path == link));
            assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
        }
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
