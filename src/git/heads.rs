//! Which commits there are, and what they are: the references, and what they name. `history` reads what lies between
//! them, `logs` where they have been.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use git2::{Config, Oid};

use super::{GitError, Repo};

/// Longest first line of a message that is kept.
const SUBJECT_CHARS: usize = 120;

/// Commits on a short way: half a second, once for each repository.
const MAX_STEPS: usize = 50_000;

/// A commit that is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitFacts {
    /// Its id.
    pub id: Oid,
    /// Its tree.
    pub tree: Oid,
    /// The tree of its first parent.
    pub parent_tree: Option<Oid>,
    /// The beginning of its message.
    pub subject: String,
}

impl Repo {
    /// Every commit that a reference names, with its name.
    ///
    /// # Errors
    /// When the references cannot be read.
    pub fn tips(&self) -> Result<Vec<(Oid, Vec<u8>)>, GitError> {
        let failed = |error| GitError::from_library("reading the references", &error);
        let references = self.inner.references().map_err(failed)?;
        Ok(references
            .filter_map(Result::ok)
            .filter_map(|reference| {
                let commit = reference.peel_to_commit().ok()?;
                Some((commit.id(), reference.name_bytes().to_owned()))
            })
            .collect())
    }

    /// Takes from `commits` what a short way leads to from `from`. What is left may be reached all the same: by a long one.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn drop_reached(&self, from: &[Oid], commits: &mut HashSet<Oid>) -> Result<(), GitError> {
        let failed = |error| GitError::from_library("reading the history", &error);
        let mut walk = self.inner.revwalk().map_err(failed)?;
        for id in from {
            walk.push(*id).map_err(failed)?;
        }
        for id in walk.take(MAX_STEPS) {
            if commits.is_empty() {
                break;
            }
            commits.remove(&id.map_err(failed)?);
        }
        Ok(())
    }

    /// What a commit is.
    ///
    /// # Errors
    /// When it is not here.
    pub fn commit_facts(&self, id: Oid) -> Result<CommitFacts, GitError> {
        let failed = |error| GitError::from_library("reading a commit", &error);
        let commit = self.inner.find_commit(id).map_err(failed)?;
        let subject = String::from_utf8_lossy(commit.message_bytes());
        let subject = subject.lines().next().unwrap_or_default();
        Ok(CommitFacts {
            id,
            tree: commit.tree_id(),
            parent_tree: commit.parent(0).ok().map(|parent| parent.tree_id()),
            subject: subject.chars().take(SUBJECT_CHARS).collect(),
        })
    }

    /// The tree of a commit, if it is here.
    pub fn tree_of_commit(&self, id: Oid) -> Option<Oid> {
        Some(self.inner.find_commit(id).ok()?.tree_id())
    }
}

impl Repo {
    /// The files that change when HEAD moves, a reference does, something is fetched, or somebody changes the hooks.
    pub fn head_files(&self) -> Vec<PathBuf> {
        let (own, common) = (self.inner.path(), self.inner.commondir());
        let mut files = vec![
            own.join("HEAD"),
            own.join("logs/HEAD"),
            own.join("FETCH_HEAD"),
            common.join("packed-refs"),
            common.join("config"),
        ];
        // They, too, can say where the hooks are.
        let elsewhere = [
            Config::find_global(),
            Config::find_xdg(),
            Config::find_system(),
        ];
        files.extend(elsewhere.into_iter().filter_map(Result::ok));
        if let Ok(head) = self.inner.find_reference("HEAD")
            && let Some(target) = head.symbolic_target_bytes()
        {
            files.push(common.join(OsStr::from_bytes(target)));
        }
        if let Ok(hooks) = self.hooks_folder() {
            files.extend(["pre-commit", "pre-merge-commit"].map(|name| hooks.path.join(name)));
        }
        files
    }
}
