//! The folders of one planner's mailbox, held open, and the few ways in which files are written and moved there.
//!
//! Everything is relative to a descriptor and no link is ever followed. Never reads what files say.

use super::read::Stamp;
use crate::domain::handoff::MAILBOX_ROOT;
use crate::domain::ids::SessionId;
use crate::paths::inside;
pub(crate) use crate::paths::inside::write_new;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, Mode, OFlags, RawMode, Stat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Entries of `incoming/` that are looked at in one scan; the rest follows in the next. A tenth would break the order
/// of large bursts, ten times as much would let a hostile session take hundreds of MiB of our memory.
const MAX_LISTED: usize = 100_000;

/// Entries that the system tells in one answer at the least, `.` and `..` among them; a folder with more is read in several, and may
/// change between them.
const READ_AT_ONCE: usize = 4;

/// How far the clock of a file system may lag behind: it ticks every few milliseconds. Files wait so long longer when many come at once.
const TICK_NS: i128 = 20_000_000;

/// A file system whose clock is further ahead than this is not waited for.
const AHEAD_NS: i128 = 1_000_000_000;

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
    /// When it got its name or its last bytes, whichever came later, in nanoseconds since the epoch (the file's change time); first,
    /// because files are taken in this order. A draft may lie for long before it is renamed, and the rename is what its writer meant.
    pub written_ns: i128,
    /// When its bytes were written; among those of one tick of the file system's clock the best there is.
    pub modified_ns: i128,
    /// Its name, as the bytes it is.
    pub name: OsString,
    /// What it was when it was listed.
    pub stamp: Stamp,
}

/// What may be a report.
#[derive(Debug)]
pub(super) struct Listing {
    /// Oldest first; nothing is missing that is older than one of them.
    pub files: Vec<Listed>,
    /// Others came while these were found.
    pub came_meanwhile: bool,
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
    pub(super) fn list(&self) -> io::Result<Listing> {
        let mut listed = Vec::new();
        let mut entries = 0_usize;
        let begun_ns = now_ns();
        for entry in Dir::read_from(&self.incoming)? {
            let entry = entry?;
            entries += 1;
            let name = entry.file_name().to_bytes();
            if name.starts_with(b".") || !has_json_suffix(name) {
                continue;
            }
            let Some(stat) = look(&self.incoming, entry.file_name())? else {
                continue;
            };
            let stamp = stamp_of(&stat);
            listed.push(Listed {
                written_ns: changed_ns(&stat),
                modified_ns: stamp.modified_ns,
                name: OsString::from_vec(name.to_vec()),
                stamp,
            });
            if listed.len() >= MAX_LISTED {
                break;
            }
        }
        // What came while the folder was read may be here, and what came right before it may not.
        let all = listed.len();
        if entries > READ_AT_ONCE {
            let came = begun_ns - TICK_NS..begun_ns + AHEAD_NS;
            listed.retain(|file| !came.contains(&file.written_ns));
        }
        let came_meanwhile = listed.len() < all;
        listed.sort_unstable();
        Ok(Listing {
            files: listed,
            came_meanwhile,
        })
    }

    /// Makes what was moved durable.
    pub(super) fn sync(&self) -> io::Result<()> {
        rustix::fs::fsync(&self.incoming)?;
        rustix::fs::fsync(&self.archive)?;
        rustix::fs::fsync(&self.rejected)?;
        Ok(())
    }
}

pub(super) fn has_json_suffix(name: &[u8]) -> bool {
    name.len() > 5 && name[name.len() - 5..].eq_ignore_ascii_case(b".json")
}

/// Opens a folder that is really one, creating it when it is missing.
fn step(
    parent: &OwnedFd,
    name: &OsStr,
    path: &Path,
    mode: RawMode,
) -> Result<OwnedFd, FolderError> {
    inside::step(parent, name, mode).map_err(|errno| match errno {
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

/// What stands under this name; `None` when nothing does. Follows no link.
pub(super) fn stamp(folder: &OwnedFd, name: impl rustix::path::Arg) -> io::Result<Option<Stamp>> {
    Ok(look(folder, name)?.as_ref().map(stamp_of))
}

/// When it got its name or its last bytes, in nanoseconds since the epoch.
pub(super) fn changed_ns(stat: &Stat) -> i128 {
    i128::from(stat.st_ctime) * 1_000_000_000 + i128::from(stat.st_ctime_nsec)
}

fn now_ns() -> i128 {
    let since = SystemTime::UNIX_EPOCH.elapsed();
    since.map_or(0, |since| i128::try_from(since.as_nanos()).unwrap_or(0))
}

fn stamp_of(stat: &Stat) -> Stamp {
    Stamp {
        size: u64::try_from(stat.st_size).unwrap_or(0),
        modified_ns: i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec),
        inode: stat.st_ino,
    }
}

/// What stands under this name, in full; `None` when nothing does. Follows no link.
pub(super) fn look(folder: &OwnedFd, name: impl rustix::path::Arg) -> io::Result<Option<Stat>> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::{Duration, Instant};

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
    fn of_many_files_only_those_count_before_which_none_can_be_missing() {
        let repo = tempfile::tempdir().unwrap();
        let folders = Folders::open(repo.path(), &planner()).unwrap();
        let write = |name: &str| std::fs::write(folders.paths.incoming.join(name), "{}").unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        let wait_for = |count: usize| {
            while folders.list().unwrap().files.len() < count {
                assert!(Instant::now() < until, "{:?}", folders.list());
            }
        };
        ["a.json", "b.json"].iter().for_each(|name| write(name));
        // One answer of the system tells of both.
        assert_eq!(folders.list().unwrap().files.len(), 2);
        wait_for(2);
        write("c.json");
        let listing = folders.list().unwrap();
        let is_younger = |file: &Listed| file.name == "c.json";
        assert!(listing.came_meanwhile && !listing.files.iter().any(is_younger));
        wait_for(3);
        assert!(!folders.list().unwrap().came_meanwhile);
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
}
