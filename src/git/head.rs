//! Where HEAD stands, and how far its branch is from the one that it follows.

use git2::{ErrorCode, Oid};

use super::{GitError, Repo};

/// Where HEAD stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Branch, unless detached.
    pub branch: Option<String>,
    /// Commit, unless there is none yet.
    pub commit: Option<String>,
    /// The branch's upstream.
    pub upstream: Option<String>,
    /// Commits that the upstream lacks.
    pub ahead: Option<usize>,
    /// Commits that the branch lacks.
    pub behind: Option<usize>,
}

impl Repo {
    /// Where HEAD stands, and how far its branch is from its upstream.
    pub fn head(&self) -> Result<Head, GitError> {
        let mut head = Head::default();
        if let Ok(reference) = self.inner.find_reference("HEAD")
            && let Some(target) = reference.symbolic_target_bytes()
        {
            let target = String::from_utf8_lossy(target);
            head.branch = Some(
                target
                    .strip_prefix("refs/heads/")
                    .unwrap_or(&target)
                    .to_owned(),
            );
        }
        let Some(commit) = self.head_commit()? else {
            return Ok(head);
        };
        head.commit = Some(commit.id().to_string());
        if let Some(branch) = head.branch.as_deref()
            && let Ok(branch) = self.inner.find_branch(branch, git2::BranchType::Local)
            && let Ok(upstream) = branch.upstream()
            && let Some(target) = upstream.get().target()
        {
            head.upstream = upstream
                .name_bytes()
                .ok()
                .map(|name| String::from_utf8_lossy(name).into_owned());
            // A shallow clone may lack the commits in between; then there is no honest number.
            if let Ok((ahead, behind)) = self.inner.graph_ahead_behind(commit.id(), target) {
                head.ahead = Some(ahead);
                head.behind = Some(behind);
            }
        }
        Ok(head)
    }

    /// HEAD's commit; none before the first one.
    pub(super) fn head_commit(&self) -> Result<Option<git2::Commit<'_>>, GitError> {
        match self.inner.head() {
            Ok(reference) => reference
                .peel_to_commit()
                .map(Some)
                .map_err(|error| GitError::from_library("reading HEAD", &error)),
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
                Ok(None)
            }
            Err(error) => Err(GitError::from_library("reading HEAD", &error)),
        }
    }

    /// HEAD's tree; none before the first commit.
    pub(super) fn head_tree(&self) -> Result<Option<git2::Tree<'_>>, GitError> {
        self.head_commit()?
            .map(|commit| commit.tree())
            .transpose()
            .map_err(|error| GitError::from_library("reading the tree of HEAD", &error))
    }

    /// Id of HEAD's commit; none before the first one.
    pub(super) fn head_id(&self) -> Result<Option<Oid>, GitError> {
        Ok(self.head_commit()?.map(|commit| commit.id()))
    }
}
