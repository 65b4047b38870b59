//! The commit gate: whether what a commit is about to take was approved. Owns how strict it is, the look and the
//! judgement; `words` says it, `trailers` writes into commit messages. a limited child looks (`reader`). It needs no
//! server and changes nothing but the message file that Git hands it.

pub mod trailers;
pub mod words;

use std::ffi::OsStr;
use std::path::Path;

use git2::Oid;
use serde::{Deserialize, Serialize};

use super::judging::committed_settings;
use super::notes::Committed;
use super::settings::Settings;
use crate::domain::event::Event;
use crate::domain::language::Language;
use crate::domain::review::{Candidate, Decision, GateMode, GitId, Reviews, Standing};
use crate::git::candidate::{CommitIndex, IndexMark, IndexTree};
use crate::git::raw_index::IndexFault;
use crate::git::{GitError, Repo};
use crate::journal::{self, PickError, Record};

/// How often the gate looks again because the index was written meanwhile: an editor that refreshes it does so once.
const MAX_LOOKS: usize = 3;

/// What one version of `governance.yaml` says about the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stated", rename_all = "snake_case")]
pub enum Stated {
    /// Nothing, or there is no such file.
    Nothing,
    /// How strict.
    Mode {
        /// The word.
        mode: GateMode,
    },
    /// The file cannot be used.
    Unusable {
        /// Why not.
        reason: String,
    },
}

impl Stated {
    fn of(settings: &Result<Settings, String>) -> Self {
        match settings {
            Ok(settings) => match settings.gate {
                Some(mode) => Self::Mode { mode },
                None => Self::Nothing,
            },
            Err(reason) => Self::Unusable {
                reason: reason.clone(),
            },
        }
    }

    /// The mode, if it says one.
    pub fn mode(&self) -> Option<GateMode> {
        match self {
            Self::Mode { mode } => Some(*mode),
            Self::Nothing | Self::Unusable { .. } => None,
        }
    }
}

/// What both versions of `governance.yaml` say: the committed one, and the one on disk that anybody may have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statements {
    /// HEAD's.
    pub head: Stated,
    /// The file's.
    pub disk: Stated,
    /// Whether commits get trailers.
    pub trailers: bool,
    /// Language of sentences.
    pub language: Option<Language>,
}

/// Reads both versions.
///
/// # Errors
/// When HEAD cannot be read.
pub fn statements(repo: &Repo) -> Result<Statements, GitError> {
    let committed = committed_settings(repo)?;
    let on_disk = Settings::load(repo.root()).map_err(|error| error.to_string());
    let either = on_disk.as_ref().or(committed.as_ref());
    Ok(Statements {
        head: Stated::of(&committed),
        disk: Stated::of(&on_disk),
        trailers: either.is_ok_and(|settings| settings.commit_trailers),
        language: either.ok().and_then(|settings| settings.language),
    })
}

/// How strict the gate is.
///
/// What is committed counts; where that says nothing, what the person set; where nobody said anything, it refuses. From
/// there on it can only become stricter: by what the person set, or by the file on disk. An agent that rewrites that file
/// therefore never weakens the gate, and neither does a commit that nobody approved, as long as zhongshu saw the mode
/// before it.
pub fn in_force(pinned: Option<GateMode>, statements: &Statements) -> GateMode {
    let committed = statements.head.mode();
    let start = committed.or(pinned).unwrap_or(GateMode::Enforce);
    let stricter = [pinned, statements.disk.mode()].into_iter().flatten().max();
    stricter.map_or(start, |stricter| stricter.max(start))
}

/// What the limited child saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// What the commit would take.
    pub index: IndexLook,
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
pub enum IndexLook {
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
pub fn look(root: &Path, named_index: Option<&OsStr>, moment: Moment) -> Result<Look, GitError> {
    let repo = Repo::open(root)?;
    let index = repo.commit_index(named_index);
    for _ in 0..MAX_LOOKS {
        let mark = IndexMark::of(&index.path);
        let look = look_once(&repo, &index, moment)?;
        if IndexMark::of(&index.path) == mark {
            return Ok(look);
        }
    }
    Ok(Look {
        index: IndexLook::Unreadable {
            reason: IndexFault::Unsteady.to_string(),
        },
        ..look_once(&repo, &index, moment)?
    })
}

fn look_once(repo: &Repo, index: &CommitIndex, moment: Moment) -> Result<Look, GitError> {
    let tree = repo.tree_of_index(&index.path)?;
    let staged = match index.temporary {
        true => match repo.tree_of_index(&repo.commit_index(None).path)? {
            IndexTree::Tree(tree) => GitId::parse(&tree).ok(),
            _ => None,
        },
        false => None,
    };
    let base_tree = repo.head_tree_id()?;
    Ok(Look {
        index: match tree {
            IndexTree::Tree(tree) => match GitId::parse(&tree) {
                Ok(tree) => IndexLook::Tree { tree },
                Err(error) => IndexLook::Unreadable {
                    reason: error.to_string(),
                },
            },
            IndexTree::Unmerged => IndexLook::Unmerged,
            IndexTree::Contradicted { folder } => IndexLook::Contradicted {
                folder: String::from_utf8_lossy(&folder).into_owned(),
            },
            IndexTree::Unreadable(fault) => IndexLook::Unreadable {
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
        statements: statements(repo)?,
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

/// Whether the commit that HEAD stands on went around the gate.
pub fn went_around(look: &Look, reviews: &Reviews) -> Option<GitId> {
    let tree = look.base_tree.as_ref()?;
    let covered = look.before_head.iter().any(|base| {
        let base = base.as_ref();
        reviews.standing(Candidate { tree, base }).passes()
    });
    let silent = in_force(reviews.pinned, &look.statements) == GateMode::Off;
    (!covered && !silent).then(|| tree.clone())
}

/// What a person said so far, from the journal on disk.
///
/// # Errors
/// When it is damaged, or not ours.
pub fn reviews_on_disk(journal: &Path) -> Result<Reviews, PickError> {
    let mut reviews = Reviews::default();
    journal::pick(journal, &Reviews::EVENTS, |record: &Record<Event>| {
        reviews.apply(record.ts, &record.event);
    })?;
    Ok(reviews)
}

/// Why a commit is not let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Nobody looked at it.
    Unseen,
    /// Something else was approved; it changed since.
    Changed(Decision),
    /// A person said no.
    Rejected(Decision),
    /// It was approved on top of another state.
    OtherBase(Decision),
    /// What is staged was approved, but the commit takes something else.
    NotWhatIsStaged,
    /// The commit uses an index of its own, which cannot be reviewed.
    OwnIndex,
    /// A merge is unresolved.
    Unmerged,
    /// Git would commit something else than its index says.
    Contradicted(String),
    /// The index cannot be judged.
    Unreadable(String),
    /// The journal cannot be read: nothing counts as approved.
    NoJournal(String),
}

/// The gate's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How strict the gate is.
    pub mode: GateMode,
    /// The tree that the commit would take, if there is one.
    pub tree: Option<GitId>,
    /// Why nobody's approval covers it; `None` when it may pass.
    pub against: Option<Reason>,
}

impl Verdict {
    /// Whether the commit goes on.
    pub fn passes(&self) -> bool {
        self.against.is_none() || self.mode != GateMode::Enforce
    }
}

/// Judges what the child saw by what the person said.
pub fn judge(look: &Look, reviews: Result<&Reviews, String>) -> Verdict {
    let pinned = reviews.as_ref().ok().and_then(|reviews| reviews.pinned);
    let mode = in_force(pinned, &look.statements);
    let (tree, against) = match &look.index {
        IndexLook::Unmerged => (None, Some(Reason::Unmerged)),
        IndexLook::Contradicted { folder } => (None, Some(Reason::Contradicted(folder.clone()))),
        IndexLook::Unreadable { reason } => (None, Some(Reason::Unreadable(reason.clone()))),
        IndexLook::Tree { tree } => (Some(tree.clone()), against(look, tree, reviews)),
    };
    Verdict {
        mode,
        tree,
        against,
    }
}

fn against(look: &Look, tree: &GitId, reviews: Result<&Reviews, String>) -> Option<Reason> {
    let base = look.base_tree.as_ref();
    let reviews = match reviews {
        Ok(reviews) => reviews,
        Err(_) if Some(tree) == base => return None,
        Err(reason) => return Some(Reason::NoJournal(reason)),
    };
    let standing = |tree| reviews.standing(Candidate { tree, base });
    let reason = match standing(tree) {
        Standing::Unchanged | Standing::Approved(_) => return None,
        Standing::Rejected(decision, _) => Reason::Rejected(decision.clone()),
        _ if look.staged.as_ref().is_some_and(|it| it != tree) => {
            let staged = look.staged.as_ref().map(standing);
            match staged.is_some_and(|staged| matches!(staged, Standing::Approved(_))) {
                true => Reason::NotWhatIsStaged,
                false => Reason::OwnIndex,
            }
        }
        Standing::OtherBase(decision) => Reason::OtherBase(decision.clone()),
        Standing::Changed(decision) => Reason::Changed(decision.clone()),
        Standing::Unseen => Reason::Unseen,
    };
    Some(reason)
}

#[cfg(test)]
mod tests;
