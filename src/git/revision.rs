//! Names of commits that come from outside. A name is data: it is checked here and handed to libgit2, never to a
//! command line.

use super::{GitError, Repo};

/// More branches than this help nobody in a sentence.
const MAX_TOLD: usize = 5;

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
            let name = name.chars().take(80).collect();
            let branches = self.some_branches();
            GitError::UnknownRevision { name, branches }
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

    /// The first few branches, for who asked for one that is not there.
    fn some_branches(&self) -> Vec<String> {
        let branches = self.inner.branches(Some(git2::BranchType::Local));
        let names = branches.into_iter().flatten().filter_map(|branch| {
            let (branch, _) = branch.ok()?;
            Some(branch.name().ok()??.chars().take(80).collect())
        });
        names.take(MAX_TOLD).collect()
    }
}

/// The end of the sentence about an unknown revision.
pub(super) fn told(branches: &[String]) -> String {
    match branches {
        [] => String::new(),
        [one] => format!("; the branch here is `{one}`"),
        some => format!("; some branches here: `{}`", some.join("`, `")),
    }
}
