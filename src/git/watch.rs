//! Whether anything happened in a working tree since a pass over it: the kernel's own list of what is done in each folder
//! that the pass opened. No thread waits for these events and nobody is woken by them; they pile up, in bounded number,
//! until somebody asks whether there are any.
//!
//! # What it can say
//! A folder is watched before its names are read. So whatever is done is either in what was read afterwards or in the list,
//! and an empty list means that the pass would see the same again. Where that is not sure (another file system, more folders
//! than the kernel watches, a repository inside) there is a doubt, and a doubt means that the tree is read again. Writing
//! through mapped memory or through a link from another folder is not told; whoever relies on this sets a time for that.

#[cfg_attr(target_os = "linux", path = "watch/linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "watch/elsewhere.rs")]
mod kernel;

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::{Drained, Kernel};

/// Why an empty list would mean nothing. Display is a fragment that fits after "reports are made anew each time: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// This system or this file system does not tell.
    #[error("this file system does not tell what happens in it")]
    Silent,
    /// More folders than the kernel watches for us.
    #[error("more than {0} folders, or no room for more watches")]
    TooManyFolders(usize),
    /// A folder of another file system.
    #[error("a folder of another file system lies in the repository")]
    Foreign,
    /// A submodule, or something that may be becoming a repository.
    #[error("another repository lies in the repository")]
    Nested,
}

/// The watched folders of one working tree.
pub struct Watch {
    kernel: Kernel,
    pass: Mutex<Pass>,
}

#[derive(Default)]
struct Pass {
    number: u32,
    /// By inode: the pass that saw the folder last.
    folders: HashMap<u64, u32>,
    doubt: Option<Doubt>,
    /// Events were lost, or a folder is no longer watched, although its inode is listed here.
    is_lost: bool,
}

impl Watch {
    /// For the tree at `root`; no folder is watched yet.
    ///
    /// # Errors
    /// Where watching it would mean nothing.
    pub fn new(root: &Path) -> Result<Self, Doubt> {
        Ok(Self {
            kernel: Kernel::open(root)?,
            pass: Mutex::default(),
        })
    }

    /// Begins a pass: what happened until now does not count. False when this watch cannot serve any more, because events
    /// were lost, or folders are watched that are not part of the tree any more.
    pub fn begin(&self) -> bool {
        let drained = self.kernel.drain();
        let mut pass = self.lock();
        pass.is_lost |= drained == Drained::Lost;
        let is_exact = pass.folders.values().all(|seen| *seen == pass.number);
        pass.number += 1;
        !pass.is_lost && is_exact && pass.doubt.is_none()
    }

    /// A folder of the tree is about to be read.
    pub(super) fn visit(&self, folder: &OwnedFd) {
        if let Err(doubt) = self.follow(folder) {
            self.doubt(doubt);
        }
    }

    fn follow(&self, folder: &OwnedFd) -> Result<(), Doubt> {
        let inode = self.kernel.inode_of(folder)?;
        let mut pass = self.lock();
        let number = pass.number;
        if pass.doubt.is_some() || pass.folders.insert(inode, number).is_some() {
            return Ok(());
        }
        let most = self.kernel.most_folders();
        if pass.folders.len() > most {
            return Err(Doubt::TooManyFolders(most));
        }
        drop(pass);
        self.kernel.add(folder)
    }

    /// Something was read that is not watched.
    pub(super) fn doubt(&self, doubt: Doubt) {
        self.lock().doubt.get_or_insert(doubt);
    }

    /// Why the pass proves nothing, if it does not.
    pub fn doubts(&self) -> Option<Doubt> {
        self.lock().doubt.clone()
    }

    /// Whether nothing happened since the pass began. Asking twice about the same event gets two answers: it is in the list
    /// only once.
    pub fn is_quiet(&self) -> bool {
        let drained = self.kernel.drain();
        let mut pass = self.lock();
        pass.is_lost |= drained == Drained::Lost;
        drained == Drained::Nothing && !pass.is_lost && pass.doubt.is_none()
    }

    fn lock(&self) -> MutexGuard<'_, Pass> {
        self.pass.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
