//! Where HEAD stands, and how far its branch is from the one that it follows.

use git2::{ErrorCode, Oid};
use serde::{Deserialize, Serialize};

use super::{GitError, Repo};

/// Where HEAD stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// Where the references lead that [`Head`] follows from. No object is read for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leads {
    /// Branch, unless detached.
    branch: Option<String>,
    /// What it stands at; none before the first commit.
    id: Option<Oid>,
    upstream: Option<Upstream>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Upstream {
    name: Option<String>,
    id: Oid,
}

impl Repo {
    /// Where HEAD stands, and how far its branch is from its upstream.
    pub fn head(&self) -> Result<Head, GitError> {
        let Leads {
            branch, upstream, ..
        } = self.leads()?;
        let mut head = Head {
            branch,
            ..Head::default()
        };
        let Some(commit) = self.head_commit()? else {
            return Ok(head);
        };
        head.commit = Some(commit.id().to_string());
        if let Some(upstream) = upstream {
            head.upstream = upstream.name;
            // A shallow clone may lack the commits in between; then there is no honest number.
            if let Ok((ahead, behind)) = self.inner.graph_ahead_behind(commit.id(), upstream.id) {
                head.ahead = Some(ahead);
                head.behind = Some(behind);
            }
        }
        Ok(head)
    }

    /// Where HEAD and the upstream of its branch lead.
    pub(super) fn leads(&self) -> Result<Leads, GitError> {
        let head = self.inner.find_reference("HEAD").ok();
        let target = head.as_ref().and_then(|head| head.symbolic_target_bytes());
        let branch = target.map(|target| {
            let target = String::from_utf8_lossy(target);
            let branch = target.strip_prefix("refs/heads/").unwrap_or(&target);
            branch.to_owned()
        });
        let upstream = branch.as_deref().and_then(|branch| {
            let branch = (self.inner.find_branch(branch, git2::BranchType::Local)).ok()?;
            let upstream = branch.upstream().ok()?;
            let name = upstream.name_bytes().ok();
            Some(Upstream {
                id: upstream.get().target()?,
                name: name.map(|name| String::from_utf8_lossy(name).into_owned()),
            })
        });
        Ok(Leads {
            id: self.head_reference()?.and_then(|head| head.target()),
            branch,
            upstream,
        })
    }

    /// What HEAD leads to; none before the first commit.
    fn head_reference(&self) -> Result<Option<git2::Reference<'_>>, GitError> {
        match self.inner.head() {
            Ok(reference) => Ok(Some(reference)),
            Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
                Ok(None)
            }
            Err(error) => Err(GitError::from_library("reading HEAD", &error)),
        }
    }

    /// HEAD's commit; none before the first one.
    pub(super) fn head_commit(&self) -> Result<Option<git2::Commit<'_>>, GitError> {
        let commit = self
            .head_reference()?
            .map(|head| head.peel_to_commit())
            .transpose();
        commit.map_err(|error| GitError::from_library("reading HEAD", &error))
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
