//! What the gate has to know of a commit, read from the repository. It changes nothing and judges nothing; the limited child
//! runs it.

use std::ffi::OsStr;
use std::path::Path;

use git2::Oid;
use serde::{Deserialize, Serialize};

use super::notes::Committed;
use super::strictness::Statements;
use crate::domain::review::GitId;
use crate::git::candidate::{CommitIndex, IndexMark, IndexTree};
use crate::git::index::IndexFault;
use crate::git::{GitError, Repo};

/// How often it is read again because the index was written meanwhile: an editor that refreshes it does so once.
const MAX_READINGS: usize = 3;

/// What the limited child saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// What the commit would take.
    pub index: ObservedIndex,
    /// The tree of what is staged, when the commit uses an index of its own (`git commit -a`, `git commit PATH`).
    #[serde(default)]
    pub staged: Option<GitId>,
    /// The tree of HEAD.
    #[serde(default)]
    pub base_tree: Option<GitId>,
    /// The trees that HEAD's commit is to be compared with, when that was asked for: its parent's, and the one that HEAD
    /// had before it.
    #[serde(default)]
    pub before_head: Vec<Option<GitId>>,
    /// The commit that HEAD stands on, when that was asked for.
    #[serde(default)]
    pub committed: Option<Committed>,
    /// What Git's comment lines in a message begin with.
    #[serde(default)]
    pub comment_prefix: String,
    /// What `governance.yaml` says.
    pub statements: Statements,
}

/// The tree of the commit's index, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "index", rename_all = "snake_case")]
pub enum ObservedIndex {
    /// The tree that the commit would have.
    Tree {
        /// Its id.
        tree: GitId,
    },
    /// A merge is unresolved.
    Unmerged,
    /// Git remembers another tree than the entries have.
    Contradicted {
        /// The folder; empty for the root.
        folder: String,
    },
    /// It cannot be judged.
    Unreadable {
        /// Why not.
        reason: String,
    },
}

/// Which commit is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moment {
    /// The one that is about to be made.
    Before,
    /// The one that HEAD stands on.
    After,
}

/// Looks at the repository: which tree the commit would have, and what governs the gate.
///
/// # Errors
/// When it cannot be read.
pub fn observe(
    root: &Path,
    named_index: Option<&OsStr>,
    moment: Moment,
) -> Result<Observation, GitError> {
    let repo = Repo::open(root)?;
    let index = repo.commit_index(named_index);
    for _ in 0..MAX_READINGS {
        let mark = IndexMark::of(&index.path);
        let observation = read_once(&repo, &index, moment)?;
        if IndexMark::of(&index.path) == mark {
            return Ok(observation);
        }
    }
    Ok(Observation {
        index: ObservedIndex::Unreadable {
            reason: IndexFault::Unsteady.to_string(),
        },
        ..read_once(&repo, &index, moment)?
    })
}

fn read_once(repo: &Repo, index: &CommitIndex, moment: Moment) -> Result<Observation, GitError> {
    let tree = repo.tree_of_index(&index.path)?;
    let staged = match index.temporary {
        true => match repo.tree_of_index(&repo.commit_index(None).path)? {
            IndexTree::Tree(tree) => GitId::parse(&tree).ok(),
            _ => None,
        },
        false => None,
    };
    let base_tree = repo.head_tree_id()?;
    Ok(Observation {
        index: match tree {
            IndexTree::Tree(tree) => match GitId::parse(&tree) {
                Ok(tree) => ObservedIndex::Tree { tree },
                Err(error) => ObservedIndex::Unreadable {
                    reason: error.to_string(),
                },
            },
            IndexTree::Unmerged => ObservedIndex::Unmerged,
            IndexTree::Contradicted { folder } => ObservedIndex::Contradicted {
                folder: String::from_utf8_lossy(&folder).into_owned(),
            },
            IndexTree::Unreadable(fault) => ObservedIndex::Unreadable {
                reason: fault.to_string(),
            },
        },
        staged,
        base_tree: base_tree.and_then(|id| GitId::parse(&id).ok()),
        before_head: match moment {
            Moment::Before => Vec::new(),
            Moment::After => before_head(repo)?,
        },
        committed: match moment {
            Moment::Before => None,
            Moment::After => committed(repo)?,
        },
        comment_prefix: repo.comment_prefix(),
        statements: Statements::read(repo)?,
    })
}

/// An amended commit may be approved as a change of what its parent had, or of what HEAD had before.
fn before_head(repo: &Repo) -> Result<Vec<Option<GitId>>, GitError> {
    let moves = repo.head_moves();
    let Some(last) = moves.last() else {
        return Ok(Vec::new());
    };
    let previous = last.from.and_then(|from| repo.tree_of_commit(from));
    let parent = repo.commit_facts(last.to)?.parent_tree;
    let id = |id: git2::Oid| GitId::parse(&id.to_string()).ok();
    Ok(vec![parent.and_then(id), previous.and_then(id)])
}

/// The commit that HEAD stands on, as a note has it.
fn committed(repo: &Repo) -> Result<Option<Committed>, GitError> {
    let head = repo.head()?;
    let Some(id) = head.commit.as_deref().and_then(|id| Oid::from_str(id).ok()) else {
        return Ok(None);
    };
    let facts = repo.commit_facts(id)?;
    let moves = repo.head_moves();
    let last = moves.last().filter(|last| last.to == id);
    let previous = last.and_then(|last| repo.tree_of_commit(last.from?));
    let known = |id: Oid| GitId::parse(&id.to_string()).ok();
    Ok(known(facts.id)
        .zip(known(facts.tree))
        .map(|(commit, tree)| Committed {
            commit,
            tree,
            base_tree: facts.parent_tree.and_then(known),
            previous_tree: previous.and_then(known),
            branch: head.branch,
            subject: facts.subject,
        }))
}

/// The trees of the commits to which a transaction of references moves HEAD or a branch; its lines are Git's own, `<old> <new>
/// <name>`.
pub fn trees_moved_to(repo: &Repo, lines: &str) -> Vec<GitId> {
    let moved = lines.lines().filter_map(|line| {
        let mut words = line.splitn(3, ' ').skip(1);
        let (new, name) = (Oid::from_str(words.next()?).ok()?, words.next()?);
        (name == "HEAD" || name.starts_with("refs/heads/")).then_some(new)
    });
    moved
        .filter_map(|new| repo.tree_of_commit(new))
        .filter_map(|tree| GitId::parse(&tree.to_string()).ok())
        .collect()
}
