//! What libgit2 says of one file of a comparison, in our words. For the differences that a person reads; the list of
//! changed paths is made elsewhere.

use std::collections::BTreeSet;

use git2::{Delta, Diff, DiffDelta, DiffFindOptions, FileMode, IndexEntryExtendedFlag};

use super::{GitError, Repo};
use crate::domain::report::ChangeStatus;

/// What happened to the file; none when nothing did.
pub(super) fn status_of(delta: &DiffDelta<'_>) -> Option<ChangeStatus> {
    Some(match delta.status() {
        Delta::Added => ChangeStatus::Added,
        Delta::Deleted => ChangeStatus::Deleted,
        Delta::Modified => ChangeStatus::Modified,
        Delta::Renamed => ChangeStatus::Renamed,
        Delta::Copied => ChangeStatus::Copied,
        // An unreadable file is there and not known: better shown than hidden.
        Delta::Untracked | Delta::Unreadable => ChangeStatus::Untracked,
        Delta::Typechange => ChangeStatus::TypeChanged,
        Delta::Conflicted => ChangeStatus::Conflicted,
        Delta::Unmodified | Delta::Ignored => return None,
    })
}

/// Where it is, or was.
pub(super) fn path_of<'a>(delta: &DiffDelta<'a>) -> &'a [u8] {
    let (old, new) = (delta.old_file(), delta.new_file());
    new.path_bytes().or(old.path_bytes()).unwrap_or_default()
}

/// Where a renamed or copied one comes from.
pub(super) fn old_path_of(delta: &DiffDelta<'_>) -> Option<Vec<u8>> {
    if !matches!(delta.status(), Delta::Renamed | Delta::Copied) {
        return None;
    }
    delta.old_file().path_bytes().map(<[u8]>::to_vec)
}

/// Git's file mode; 0 for nothing.
pub(super) fn mode_bits(mode: FileMode) -> u32 {
    match mode {
        FileMode::Unreadable => 0,
        FileMode::Tree => 0o040_000,
        FileMode::Blob => 0o100_644,
        FileMode::BlobGroupWritable => 0o100_664,
        FileMode::BlobExecutable => 0o100_755,
        FileMode::Link => 0o120_000,
        FileMode::Commit => 0o160_000,
    }
}

/// Pairs what went with what came.
pub(super) fn find_renames(diff: &mut Diff<'_>) -> Result<(), GitError> {
    let mut options = DiffFindOptions::new();
    options.renames(true).copies(true);
    diff.find_similar(Some(&mut options))
        .map_err(|error| GitError::from_library("looking for renames", &error))
}

impl Repo {
    /// `git add -N`: in the index by name only. A commit leaves them out, so they are not staged.
    pub(super) fn intents(&self) -> Result<BTreeSet<Vec<u8>>, GitError> {
        let index = self
            .inner
            .index()
            .map_err(|error| GitError::from_library("reading the index", &error))?;
        let intent = IndexEntryExtendedFlag::INTENT_TO_ADD.bits();
        let named = index
            .iter()
            .filter(|entry| entry.flags_extended & intent != 0);
        Ok(named.map(|entry| entry.path).collect())
    }
}
