//! Reads contents from the object store for whichever thread asks. libgit2's handles belong to one thread at a time, so
//! there are as many as threads ask at once, opened when they are needed.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use git2::{ObjectType, Oid, Repository};

use super::open_library;

/// The object store of one repository.
pub(super) struct Objects {
    root: PathBuf,
    idle: Mutex<Vec<Repository>>,
}

impl Objects {
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            idle: Mutex::default(),
        }
    }

    /// Runs `read` with a handle of its own; none when the repository cannot be opened (any more).
    pub(super) fn with<T>(&self, read: impl FnOnce(&Repository) -> T) -> Option<T> {
        let lock = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = lock().pop();
        let repository = match idle {
            Some(repository) => repository,
            None => open_library(&self.root).ok()?,
        };
        let answer = read(&repository);
        lock().push(repository);
        Some(answer)
    }

    /// Size of an object in bytes; none when it is not here.
    pub(super) fn size(&self, id: Oid) -> Option<u64> {
        let header = self.with(|repository| repository.odb()?.read_header(id))?;
        Some(header.ok()?.0 as u64)
    }

    /// Content of a blob of at most `limit` bytes; none when it is larger or not here.
    pub(super) fn small_blob(&self, id: Oid, limit: u64) -> Option<Vec<u8>> {
        self.with(|repository| small_blob(repository, id, limit))?
    }
}

/// Content of a blob of at most `limit` bytes; none when it is larger, not here or no blob.
pub(super) fn small_blob(repository: &Repository, id: Oid, limit: u64) -> Option<Vec<u8>> {
    if id.is_zero() {
        return None;
    }
    let store = repository.odb().ok()?;
    let (size, kind) = store.read_header(id).ok()?;
    if kind != ObjectType::Blob || size as u64 > limit {
        return None;
    }
    Some(store.read(id).ok()?.data().to_vec())
}
