//! Names of commits that come from outside. A name is data: it is checked here and handed to libgit2, never to a
//! command line.

use super::{GitError, Repo};

/// Longest name that is taken; Git's own reference names end at 255 bytes per part.
const MAX_REVISION_BYTES: usize = 512;

impl Repo {
    /// Finds the commit that `name` stands for: a branch, a tag, a remote branch, an id, with `~2` or `^` behind it.
    ///
    /// Refused as unknown: names that start with `-`, that select a path (`HEAD:.env`), that ask the reflog or search
    /// history (`@{-1}`, `:/text`, `^{/text}`), ranges, and anything with white space or control characters.
    pub(super) fn commit_of(&self, name: &str) -> Result<git2::Commit<'_>, GitError> {
        let unknown = || {
            // The name goes back to whoever sent it, so it is cut to what a person can read.
            GitError::UnknownRevision(name.chars().take(80).collect())
        };
        let is_refused = name.is_empty()
            || name.len() > MAX_REVISION_BYTES
            || name.starts_with('-')
            || name.contains("@{")
            || name.contains("^{/")
            || name.contains("..")
            || name.contains(|c: char| {
                c.is_control() || c.is_whitespace() || matches!(c, ':' | '?' | '*' | '[' | '\\')
            });
        if is_refused {
            return Err(unknown());
        }
        self.inner
            .revparse_single(name)
            .and_then(|object| object.peel_to_commit())
            .map_err(|_| unknown())
    }
}
