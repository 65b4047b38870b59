//! inotify(7). Watches are set on opened folders, so that no name can lead anywhere else meanwhile.

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use super::Doubt;

/// File systems on which every change goes through this kernel. On others, such as network drives, somebody else may write.
const TELLING: [u64; 9] = [
    0xef53,      // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683e, // Btrfs
    0xf2f5_2010, // F2FS
    0x2fc1_2fc1, // ZFS
    0xca45_1a4e, // bcachefs
    0x0102_1994, // tmpfs
    0x8584_58f6, // ramfs
    0x794c_7630, // overlayfs
];

/// Most folders that are watched. Each takes a kilobyte of the kernel's memory; trees with more are rare, and reading
/// those takes long anyway.
const MAX_FOLDERS: usize = 50_000;

/// Where the kernel says how many a person may watch in all.
const LIMIT_FILE: &str = "/proc/sys/fs/inotify/max_user_watches";

/// Events that are read before it is said that there are many: the kernel itself keeps 16,384 by default.
const MAX_EVENTS: usize = 20_000;

/// What was in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drained {
    Nothing,
    /// Something, and all folders are still watched.
    Something,
    /// Some of it is not known, or a folder is no longer watched.
    Lost,
}

pub(super) struct Kernel {
    events: OwnedFd,
    /// Of the top folder.
    device: u64,
    most_folders: usize,
}

impl Kernel {
    /// Ready to watch folders on the device of `root`.
    pub(super) fn open(root: &Path) -> Result<Self, Doubt> {
        let silent = |_: Errno| Doubt::Silent;
        let system = rustix::fs::statfs(root).map_err(silent)?;
        if !TELLING.contains(&(system.f_type as u64)) {
            return Err(Doubt::Silent);
        }
        let device = rustix::fs::stat(root).map_err(silent)?.st_dev;
        let flags = CreateFlags::NONBLOCK | CreateFlags::CLOEXEC;
        let events = inotify::init(flags).map_err(silent)?;
        // Half of them: the person's editor watches, too.
        let allowed = std::fs::read_to_string(LIMIT_FILE)
            .ok()
            .and_then(|text| text.trim().parse::<usize>().ok())
            .map_or(MAX_FOLDERS, |limit| limit / 2);
        Ok(Self {
            events,
            device,
            most_folders: allowed.min(MAX_FOLDERS),
        })
    }

    /// What tells an opened folder from others.
    pub(super) fn inode_of(&self, folder: &OwnedFd) -> Result<u64, Doubt> {
        let stat = rustix::fs::fstat(folder).map_err(|_| Doubt::Silent)?;
        match stat.st_dev == self.device {
            true => Ok(stat.st_ino),
            false => Err(Doubt::Foreign),
        }
    }

    pub(super) fn most_folders(&self) -> usize {
        self.most_folders
    }

    /// Watches an opened folder.
    pub(super) fn add(&self, folder: &OwnedFd) -> Result<(), Doubt> {
        let flags = WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        let path = format!("/proc/self/fd/{}", folder.as_raw_fd());
        match inotify::add_watch(&self.events, path, flags) {
            Ok(_) => Ok(()),
            Err(Errno::NOSPC | Errno::NOMEM) => Err(Doubt::TooManyFolders(self.most_folders)),
            Err(_) => Err(Doubt::Silent),
        }
    }

    /// Empties the list.
    pub(super) fn drain(&self) -> Drained {
        let mut buffer = [MaybeUninit::uninit(); 16 << 10];
        let mut reader = inotify::Reader::new(&self.events, &mut buffer);
        let mut drained = Drained::Nothing;
        for _ in 0..MAX_EVENTS {
            match reader.next() {
                Ok(event) => {
                    let lost = ReadFlags::IGNORED | ReadFlags::QUEUE_OVERFLOW | ReadFlags::UNMOUNT;
                    if event.events().intersects(lost) {
                        return Drained::Lost;
                    }
                    drained = Drained::Something;
                }
                Err(Errno::WOULDBLOCK) => return drained,
                Err(Errno::INTR) => {}
                Err(_) => return Drained::Lost,
            }
        }
        Drained::Lost
    }
}
