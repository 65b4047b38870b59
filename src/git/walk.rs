//! One pass over the folders of a working tree, for tracked and untracked files together: what the index lists and the
//! disk has no more, what may have changed, and what Git does not know yet. Several threads take folders from one stack.
//!
//! Every folder is opened relative to the one above it and never through a link, so nothing outside of the tree is seen.

mod names;
mod pool;

use std::ffi::OsStr;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawMode, Stat as DiskStat};
use rustix::io::Errno;

use super::deadline::Deadline;
use super::disk::Disk;
use super::ignores::{self, Ignores, Level};
use super::index::{FOLDER, GITLINK, Index, Item, LINK};
use super::nested;
use super::rows::Side;
use super::settings::Settings;
use super::watch::{Doubt, Watch};
use super::{GitError, Root};
use names::{Known, Names, read_names};
use pool::{Shared, Task};

/// Below this many files one thread is done before a second one has started.
const FILES_FOR_THREADS: usize = 2_000;

/// More threads than this only wait for each other in the kernel.
const MAX_THREADS: usize = 8;

/// A path of this length is no longer one that anybody works with; it is listed as a folder and not entered.
const MAX_PATH_BYTES: usize = 16 << 10;

/// The launcher's own folder at the root; what Git does not know in it is nobody's change.
const OWN_FOLDER: &[u8] = b".tmp";

/// What the pass found at one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PathChange {
    /// Listed, and not there.
    Missing(usize),
    /// Listed, there, and with another content or mode; the mode is the one now.
    Changed(usize, u32),
    /// Listed as a repository, and there is a folder.
    Gitlink(usize),
    /// Listed as a file, and there is a folder.
    Folder(usize),
    /// Listed, and nobody may look.
    Unreadable(usize),
    /// Not listed, with its mode. A `/` at the end of the path: a repository.
    Untracked(Vec<u8>, u32),
}

/// What a pass works on.
pub(super) struct Walk<'a> {
    pub root: &'a Root,
    pub index: &'a Index,
    pub settings: &'a Settings,
    pub disk: &'a Disk<'a>,
    /// Without them, untracked files are not looked for.
    pub ignores: Option<&'a Ignores<'a>>,
    pub watch: Option<&'a Watch>,
    pub deadline: &'a Deadline,
}

/// A folder that the index lists, with its entries.
type ListedFolder = (Vec<u8>, Range<usize>);

impl Walk<'_> {
    /// Passes over the whole tree.
    pub(super) fn run(&self) -> Result<Vec<PathChange>, GitError> {
        let shared = Shared::starting_with(Task {
            above: Arc::clone(self.root.folder()),
            path: Vec::new(),
            items: 0..self.index.items().len(),
            level: None,
        });
        let threads = match self.index.items().len() {
            0..FILES_FOR_THREADS => 1,
            _ => {
                std::thread::available_parallelism().map_or(1, |count| count.get().min(MAX_THREADS))
            }
        };
        let mut found = Vec::new();
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads)
                .map(|_| scope.spawn(|| self.work(&shared)))
                .collect();
            found = self.work(&shared);
            for other in others {
                found.extend(other.join().unwrap_or_default());
            }
        });
        shared.finish()?;
        Ok(found)
    }

    fn work(&self, shared: &Shared) -> Vec<PathChange> {
        let mut found = Vec::new();
        let mut names = Names::default();
        while let Some(task) = shared.next() {
            let before = found.len();
            let mut tasks = Vec::new();
            let outcome = self
                .deadline
                .check()
                .and_then(|()| self.folder(task, &mut names, &mut tasks, &mut found));
            shared.done(tasks, found.len() - before, outcome);
        }
        found
    }

    fn folder(
        &self,
        task: Task,
        names: &mut Names,
        tasks: &mut Vec<Task>,
        found: &mut Vec<PathChange>,
    ) -> Result<(), GitError> {
        if task.path.len() > MAX_PATH_BYTES {
            found.push(PathChange::Untracked(task.path, FOLDER));
            return Ok(());
        }
        let folder = match self.open(&task) {
            Ok(folder) => Arc::new(folder),
            Err(error) => {
                self.not_opened(&task, error, found);
                return Ok(());
            }
        };
        if let Some(watch) = self.watch {
            watch.visit(&folder);
        }
        // Before the names of the index are compared: what is read first is what a later change is told from.
        names.clear();
        let mut level = None;
        if let Some(ignores) = self.ignores {
            if read_names(&folder, names).is_err() {
                self.not_opened(&task, Errno::ACCESS, found);
                return Ok(());
            }
            let may_be_nested = task.items.is_empty()
                && !task.path.is_empty()
                && names.iter().any(|(name, _)| name == b".git");
            if may_be_nested && nested::is_repository(self.root.path(), &task.path) {
                // In the place of a file that is listed it is told of there.
                if self
                    .index
                    .position(&task.path[..task.path.len() - 1])
                    .is_none()
                {
                    found.push(PathChange::Untracked(task.path, FOLDER));
                }
                return Ok(());
            }
            if let Some(watch) = self.watch.filter(|_| may_be_nested) {
                watch.doubt(Doubt::Nested);
            }
            level = Some(self.level(ignores, &task, names));
        }
        let (files, folders) = self.listed(&task);
        for at in &files {
            self.file(&folder, &task.path, *at, found)?;
        }
        if let (Some(ignores), Some(level)) = (self.ignores, &level) {
            let known = Known::of(self, &task.path, &files, &folders);
            for (name, kind) in names.iter() {
                if known.has(name, kind) {
                    continue;
                }
                if let Some(inner) =
                    self.unlisted(ignores, &folder, &task, level, (name, kind), found)
                {
                    tasks.push(inner);
                }
            }
        }
        for (path, items) in folders {
            tasks.push(Task {
                above: Arc::clone(&folder),
                path,
                items,
                level: level.clone(),
            });
        }
        Ok(())
    }

    fn open(&self, task: &Task) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let name = match task.path.strip_suffix(b"/") {
            Some(path) => {
                &path[path
                    .iter()
                    .rposition(|byte| *byte == b'/')
                    .map_or(0, |at| at + 1)..]
            }
            None => b".",
        };
        rustix::fs::openat(&*task.above, OsStr::from_bytes(name), flags, Mode::empty())
    }

    /// A folder that is not there any more, or that nobody may read.
    fn not_opened(&self, task: &Task, error: Errno, found: &mut Vec<PathChange>) {
        let is_gone = matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::LOOP);
        if !is_gone && task.items.is_empty() {
            found.push(PathChange::Untracked(task.path.clone(), FOLDER));
        }
        for at in task.items.clone() {
            if !self.is_expected(&self.index.items()[at]) {
                continue;
            }
            found.push(match is_gone {
                true => PathChange::Missing(at),
                false => PathChange::Unreadable(at),
            });
        }
    }

    /// Whether the file of an entry should be on disk as it is recorded.
    fn is_expected(&self, item: &Item) -> bool {
        item.stage() == 0 && !item.is_assumed_unchanged() && !item.is_skipped() && !item.is_folder()
    }

    fn level(&self, ignores: &Ignores<'_>, task: &Task, names: &Names) -> Arc<Level> {
        let source = if names.iter().any(|(name, _)| name == ignores::FILE_NAME) {
            ignores::Source::Disk
        } else {
            let path = [&task.path, ignores::FILE_NAME].concat();
            match self.index.find(&path) {
                Some(item) if item.is_skipped() => ignores::Source::Index(item.id),
                _ => ignores::Source::None,
            }
        };
        ignores.level(task.level.as_ref(), &task.path, source)
    }

    /// What the index lists in a folder: files (of a conflict the first side), and folders with their entries.
    fn listed(&self, task: &Task) -> (Vec<usize>, Vec<ListedFolder>) {
        let items = self.index.items();
        let mut files: Vec<usize> = Vec::new();
        let mut folders = Vec::new();
        let mut at = task.items.start;
        while at < task.items.end {
            let path = self.index.path(&items[at]);
            let rest = &path[task.path.len()..];
            let Some(end) = rest.iter().position(|byte| *byte == b'/') else {
                let is_other_side = files
                    .last()
                    .is_some_and(|last| self.index.path(&items[*last]) == path);
                if !is_other_side {
                    files.push(at);
                }
                at += 1;
                continue;
            };
            let folder = &path[..=task.path.len() + end];
            let inside = &items[at..task.items.end];
            let count = inside.partition_point(|item| self.index.path(item).starts_with(folder));
            folders.push((folder.to_vec(), at..at + count));
            at += count;
        }
        (files, folders)
    }

    /// Looks at a listed file.
    fn file(
        &self,
        folder: &OwnedFd,
        path: &[u8],
        at: usize,
        found: &mut Vec<PathChange>,
    ) -> Result<(), GitError> {
        let item = &self.index.items()[at];
        let comes_back = item.is_skipped() && self.settings.sparse;
        if item.stage() != 0 || item.is_assumed_unchanged() || (item.is_skipped() && !comes_back) {
            return Ok(());
        }
        let name = &self.index.path(item)[path.len()..];
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        let stat = match rustix::fs::statat(folder, OsStr::from_bytes(name), flags) {
            Ok(stat) => stat,
            Err(Errno::NOENT | Errno::NOTDIR) => {
                if !item.is_skipped() {
                    found.push(PathChange::Missing(at));
                }
                return Ok(());
            }
            Err(_) => {
                found.push(PathChange::Unreadable(at));
                return Ok(());
            }
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        if kind == FileType::Directory {
            found.push(match item.mode {
                GITLINK => PathChange::Gitlink(at),
                _ => PathChange::Folder(at),
            });
            return Ok(());
        }
        let mode = self.mode(item, kind, stat.st_mode);
        let side = Side {
            mode: item.mode,
            id: item.id,
        };
        let is_special = !matches!(kind, FileType::RegularFile | FileType::Symlink);
        let is_surely_other = mode != item.mode || item.is_intent() || is_special;
        if is_surely_other {
            found.push(PathChange::Changed(at, mode));
        } else if !self.is_as_before(item, &stat) {
            let sizes = (item.stat.size, u64::try_from(stat.st_size).unwrap_or(0));
            if !self
                .disk
                .is_same(self.index.path(item), side, item.id, Some(sizes))?
            {
                found.push(PathChange::Changed(at, mode));
            }
        }
        Ok(())
    }

    /// The mode that Git would record for what lies there.
    fn mode(&self, item: &Item, kind: FileType, bits: RawMode) -> u32 {
        match kind {
            FileType::Symlink => LINK,
            FileType::RegularFile if !self.settings.symlinks && item.mode == LINK => LINK,
            FileType::RegularFile if !self.settings.file_mode => match item.is_file() {
                true => item.mode,
                false => 0o100_644,
            },
            _ if bits & 0o100 != 0 => 0o100_755,
            _ => 0o100_644,
        }
    }

    /// Whether a file looks exactly as it did when the index was written, and that means something.
    fn is_as_before(&self, item: &Item, now: &DiskStat) -> bool {
        let before = &item.stat;
        // Git writes a size of 0 for a file that changed while it was looked at.
        let is_known = before.size != 0 || item.id.as_bytes() == EMPTY_BLOB;
        let is_settled = before.mtime.0 < self.index.written();
        let checks = self.settings.check_inode;
        is_known
            && is_settled
            && before.size == now.st_size as u32
            && same_time(before.mtime, now.st_mtime as u32, now.st_mtime_nsec as u32)
            && (!checks
                || (before.inode == now.st_ino as u32 && before.owner == (now.st_uid, now.st_gid)))
            && (!checks
                || !self.settings.trust_ctime
                || same_time(before.ctime, now.st_ctime as u32, now.st_ctime_nsec as u32))
    }

    /// Looks at a name that the index does not list; a folder is to be read next.
    fn unlisted(
        &self,
        ignores: &Ignores<'_>,
        folder: &Arc<OwnedFd>,
        task: &Task,
        level: &Arc<Level>,
        (name, kind): (&[u8], FileType),
        found: &mut Vec<PathChange>,
    ) -> Option<Task> {
        let is_own = match task.path.is_empty() {
            true => name == OWN_FOLDER && kind == FileType::Directory,
            false => task.path.starts_with(OWN_FOLDER) && task.path[OWN_FOLDER.len()] == b'/',
        };
        if is_own {
            return None;
        }
        let mut path = [task.path.as_slice(), name].concat();
        let is_folder = kind == FileType::Directory;
        let may_be_listed = is_folder || matches!(kind, FileType::RegularFile | FileType::Symlink);
        if !may_be_listed || ignores.is_ignored(level, &path, is_folder) {
            return None;
        }
        if is_folder {
            path.push(b'/');
            return Some(Task {
                above: Arc::clone(folder),
                path,
                items: 0..0,
                level: Some(Arc::clone(level)),
            });
        }
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        // Gone meanwhile: nothing to tell.
        let stat = rustix::fs::statat(folder, OsStr::from_bytes(name), flags).ok()?;
        let mode = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => LINK,
            FileType::RegularFile if self.settings.file_mode && stat.st_mode & 0o100 != 0 => {
                0o100_755
            }
            FileType::RegularFile => 0o100_644,
            _ => return None,
        };
        found.push(PathChange::Untracked(path, mode));
        None
    }
}

/// Id of a file without content.
const EMPTY_BLOB: &[u8] = &[
    0xe6, 0x9d, 0xe2, 0x9b, 0xb2, 0xd1, 0xd6, 0x43, 0x4b, 0x8b, 0x29, 0xae, 0x77, 0x5a, 0xd8, 0xc2,
    0xe4, 0x8c, 0x53, 0x91,
];

/// Some writers of an index know no nanoseconds.
fn same_time(before: (u32, u32), seconds: u32, nanoseconds: u32) -> bool {
    before.0 == seconds && (before.1 == 0 || before.1 == nanoseconds)
}
