//! What a person reviews: the staged report together with the differences, read of one and the same index, so that a yes
//! is a yes to exactly what was shown.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::strictness::Statements;
use crate::domain::report::{Report, ReportMode};
use crate::domain::review::{GateMode, GitId, Staged};
use crate::git::candidate::IndexTree;
use crate::git::changes::Deadline;
use crate::git::diff::{FileDiff, Limits};
use crate::git::{GitError, Repo};
use crate::governance::judging::{CommittedFile, RulesCache};
use crate::governance::report::{ReportError, ReportRequest, judge};
use crate::governance::settings::{FILE_NAME, MAX_FILE_BYTES, Settings};

/// How often a review starts again because somebody changed the index meanwhile.
const MAX_READINGS: usize = 3;

/// Why what is staged cannot be approved as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Obstacle {
    /// A merge is unresolved.
    Unmerged,
    /// Git would commit something else than the index's entries say.
    Contradicted,
    /// The gate could not judge this index.
    Unreadable(String),
}

/// What is staged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Review {
    /// Which tree, on top of which; none when there is an obstacle.
    pub staged: Result<Staged, Obstacle>,
    /// The report about it.
    pub report: Report,
    /// The differences, as far as they were asked for.
    pub files: Vec<FileDiff>,
    /// Whether the commit would be a merge.
    pub merging: bool,
    /// How strict the gate is to be from now on, if this change says so.
    pub gate_change: Option<GateMode>,
    /// What `governance.yaml` says about the gate.
    pub statements: Statements,
    /// Whether what was found before at a changed path is staged exactly so: by path, by what was found.
    pub compared: Compared,
}

/// See [`Review::compared`].
pub type Compared = BTreeMap<String, BTreeMap<String, bool>>;

/// What was found at a path when a report was held against the repository, as a snapshot of the tree spells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SnapshotEntry {
    /// From the repository's root.
    pub path: String,
    /// What stood there.
    pub content: String,
}

/// Which differences are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// How much of them.
    pub limits: Limits,
    /// Of one file alone.
    pub only: Option<usize>,
}

/// Reads what is staged, judged by the rules that were in force before it. Without `wanted` no differences are made. Of what was `seen`, the changed files are compared.
///
/// # Errors
/// When the repository cannot be read, or its index changes all the time.
pub fn read(
    root: &Path,
    rules_cache: &mut RulesCache,
    request: &ReportRequest,
    wanted: Option<Wanted>,
    seen: &BTreeSet<SnapshotEntry>,
) -> Result<Review, ReportError> {
    let request = ReportRequest {
        mode: ReportMode::Staged,
        base: None,
        ..request.clone()
    };
    let deadline = Deadline::after(request.time_limit);
    for _ in 0..MAX_READINGS {
        let report = judge(root, rules_cache, &request)?;
        let repo = Repo::open(root)?;
        let before = repo.index_stamp();
        let files = match wanted {
            Some(Wanted { limits, only }) => repo.staged_diffs(limits, only, &deadline)?,
            None => Vec::new(),
        };
        let staged = staged(&repo, &report)?;
        let compared = compare(&repo, &report, seen, &deadline)?;
        let gate_change = gate_change(&repo, &deadline)?;
        let statements = Statements::read(&repo)?;
        let steady = repo.index_stamp() == before
            && repo.staged_tree(&deadline)? == report.tree
            && repo.head()?.commit == report.head;
        if steady {
            return Ok(Review {
                staged,
                merging: repo.is_merging(),
                report,
                files,
                gate_change,
                statements,
                compared,
            });
        }
        deadline.check()?;
    }
    Err(GitError::Unsteady.into())
}

/// The tree as an approval names it: the one that the gate will compute, or what the gate would say against it.
fn staged(repo: &Repo, report: &Report) -> Result<Result<Staged, Obstacle>, GitError> {
    let tree = match repo.tree_of_index(&repo.commit_index(None).path)? {
        IndexTree::Tree(tree) => tree,
        IndexTree::Unmerged => return Ok(Err(Obstacle::Unmerged)),
        IndexTree::Contradicted { .. } => return Ok(Err(Obstacle::Contradicted)),
        IndexTree::Unreadable(fault) => {
            return Ok(Err(Obstacle::Unreadable(fault.to_string())));
        }
    };
    let id = |text: &str| GitId::parse(text).ok();
    let base_tree = repo.head_tree_id()?;
    Ok(match id(&tree) {
        Some(tree) => Ok(Staged {
            tree,
            base_tree: base_tree.as_deref().and_then(id),
            head: report.head.as_deref().and_then(id),
            branch: report.branch.clone(),
        }),
        None => Err(Obstacle::Unreadable(
            "its ids have an unknown form".to_owned(),
        )),
    })
}

/// What was seen of the changed files, beside what is staged.
fn compare(
    repo: &Repo,
    report: &Report,
    seen: &BTreeSet<SnapshotEntry>,
    deadline: &Deadline,
) -> Result<Compared, GitError> {
    let changed: BTreeSet<&str> = report
        .changed_files
        .iter()
        .flat_map(|file| [Some(file.path.as_str()), file.old_path.as_deref()])
        .flatten()
        .collect();
    let of_changed = seen.iter().filter(|it| changed.contains(it.path.as_str()));
    let mut compared = Compared::new();
    for SnapshotEntry { path, content } in of_changed {
        deadline.check()?;
        let is_same = repo.is_staged_as(path, content, deadline)?;
        let contents = compared.entry(path.clone()).or_default();
        contents.insert(content.clone(), is_same);
    }
    Ok(compared)
}

/// The gate's mode in the staged `governance.yaml`, when it is another one than in HEAD's.
fn gate_change(repo: &Repo, deadline: &Deadline) -> Result<Option<GateMode>, GitError> {
    let mode = |bytes: Option<Vec<u8>>| -> Option<GateMode> {
        let text = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Settings::read(&text?).ok()?.gate
    };
    let path = Path::new(FILE_NAME);
    let before = CommittedFile::read(repo, None)?
        .settings()
        .ok()
        .and_then(|it| it.gate);
    let now = mode(repo.staged_file(path, MAX_FILE_BYTES, deadline)?);
    // A line that is taken out leaves what holds where nobody says anything.
    Ok((before != now).then(|| now.unwrap_or(GateMode::Enforce)))
}
