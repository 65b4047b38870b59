//! Reads everything that a report needs of the repository, of one state of its index. It only reads; what the facts mean is
//! decided in `report`.

use std::path::Path;
use std::sync::Arc;

use super::inspect::{FileHits, inspect};
use super::judging::InForce;
use super::owners::Owners;
use super::{Governance, portability};
use crate::domain::report::{ContentScan, PortabilityScan, ReportMode};
use crate::git::changes::{Changes, Deadline, Scope};
use crate::git::watch::Watch;
use crate::git::{GitError, Head, Repo};

/// How often a report starts again because somebody changed the index meanwhile. A person's `git add` happens once; a
/// script that never stops gets an answer that says so.
pub(super) const MAX_READINGS: usize = 3;

/// The facts of one report.
pub(super) struct Reading {
    pub head: Head,
    pub changes: Changes,
    /// What was seen in each changed file, in the order of the changes.
    pub inspections: Vec<FileHits>,
    pub content_scan: ContentScan,
    /// The tree that a commit would take (staged mode).
    pub tree: Option<String>,
    pub owners: Owners,
    pub scan: PortabilityScan,
}

impl Reading {
    /// Whether these are the rules of the very commit that the change is compared with.
    pub(super) fn is_judged_by(&self, rules: &InForce, mode: ReportMode) -> bool {
        let compared_with = match mode {
            ReportMode::Base => &self.changes.base_commit,
            ReportMode::Worktree | ReportMode::Staged => &self.head.commit,
        };
        rules.judges.commit() == compared_with.as_deref()
    }
}

/// Reads the repository. In staged mode the tree's id must name exactly the changes that are reported beside it, so what
/// was read of two different indexes is thrown away; and what could not be read because the index was replaced meanwhile
/// is read again, in every mode. With a `watch`, each folder of the working tree is watched before it is read.
pub(super) fn read(
    root: &Path,
    governance: &Governance,
    (mode, scope): (ReportMode, &Scope),
    watch: Option<&Arc<Watch>>,
    deadline: &Deadline,
) -> Result<Reading, GitError> {
    for _ in 0..MAX_READINGS {
        // Opened anew each time: libgit2 keeps what it has read of an index, also when the reading failed.
        let mut repo = Repo::open(root)?;
        if let Some(watch) = watch {
            repo = repo.watched_by(watch);
        }
        let before = repo.index_stamp();
        let reading = read_once(&repo, governance, mode, scope, deadline);
        let is_steady = repo.index_stamp() == before;
        match reading {
            Ok(_) if mode == ReportMode::Staged && !is_steady => {}
            Err(GitError::Library { .. }) if !is_steady => {}
            outcome => return outcome,
        }
        deadline.check()?;
    }
    Err(GitError::Unsteady)
}

fn read_once(
    repo: &Repo,
    governance: &Governance,
    mode: ReportMode,
    scope: &Scope,
    deadline: &Deadline,
) -> Result<Reading, GitError> {
    let is_staged = mode == ReportMode::Staged;
    let head = repo.head()?;
    let tree = match is_staged {
        true => repo.staged_tree(deadline)?,
        false => None,
    };
    let changes = repo.changes(scope, deadline)?;
    let (inspections, content_scan) = inspect(repo, governance, &changes, is_staged, deadline)?;
    let owners = Owners::read(repo, mode, deadline)?;
    let scan = portability::scan(repo, governance, mode, &changes.rows, deadline)?;
    Ok(Reading {
        head,
        inspections,
        content_scan,
        changes,
        tree,
        owners,
        scan,
    })
}
