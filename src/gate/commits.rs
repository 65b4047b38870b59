//! Notices commits: looks at HEAD now and then, and tells which commits are new here. Owns what one look remembers for
//! the next; the journal decides what was approved. It reads only, in the limited child (`reader`).
//!
//! A commit is new when HEAD has reached it, or a note of a hook names it, and when it was neither there when zhongshu first
//! looked, nor recorded before, nor fetched from elsewhere. What Git's own logs say was made here was made here, whoever
//! has it by now. Which references name it hides nothing: a name is quickly made.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use git2::Oid;
use serde::{Deserialize, Serialize};

use super::hook::Hooks;
use super::notes::Committed;
use super::strictness::Statements;
use crate::domain::flow::reviews::NewCommit;
use crate::domain::review::{CommitSeen, GitId, MAX_DECISIONS, Older};
use crate::git::head_log::Place;
use crate::git::heads::CommitFacts;
use crate::git::logs::{Move, origins};
use crate::git::{GitError, Head, Repo};
use crate::governance::judging::CommittedFile;

/// Commits of one look that are judged one by one. Of more the older are counted: there cannot be more approvals than that.
const MAX_COMMITS: usize = MAX_DECISIONS;

/// Commits that are remembered as fetched: one for each remote branch, and one more each time that its history is rewritten.
const MAX_FETCHED: usize = 10_000;

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight {
    /// Commits that are new, oldest first.
    pub commits: Vec<NewCommit>,
    /// New commits that are older than those.
    pub beyond: Option<Older>,
    /// Where HEAD stands.
    pub head: Option<GitId>,
    /// Its branch.
    pub branch: Option<String>,
    /// What `governance.yaml` says about the gate.
    pub statements: Statements,
    /// Whether the gate stands before every commit.
    pub guarded: bool,
    /// HEAD's `governance.yaml`.
    pub rules: CommittedFile,
}

/// What one look remembers for the next. It goes along with each, so that it does not matter which process looks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Memory {
    /// What was there before anybody looked; none before the first look.
    pub before: Option<Vec<GitId>>,
    /// How far HEAD's log was read.
    pub place: Place,
    /// What was fetched from elsewhere, also what no remote branch names any more; the newest last.
    pub fetched: Vec<GitId>,
    /// What the journal has.
    pub recorded: Vec<GitId>,
}

/// What one look found, and what the next one needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Looked {
    /// What there was to see.
    pub sight: Sight,
    /// For the next look.
    pub memory: Memory,
    /// Says when there is something new to see.
    pub stamp: Stamp,
}

/// Changes whenever HEAD, its log, the references in one file, the settings or a hook of ours may have changed. To compare it opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp(Vec<(OsString, Option<Trace>)>);

/// Inode, time of the last change in seconds and the rest in nanoseconds, length.
type Trace = (u64, i64, i64, u64);

impl Stamp {
    fn of(files: impl IntoIterator<Item = OsString>) -> Self {
        let traced = files.into_iter().map(|path| {
            let trace = fs::symlink_metadata(&path).ok();
            let trace = trace.map(|it| (it.ino(), it.mtime(), it.mtime_nsec(), it.len()));
            (path, trace)
        });
        Self(traced.collect())
    }

    /// Whether nothing has changed.
    pub fn holds(&self) -> bool {
        Self::of(self.0.iter().map(|(path, _)| path.clone())) == *self
    }
}

/// Looks. `known` is the commit on which HEAD was last seen, by this server or an earlier one; without it the first look only takes its
/// bearings. `noted` is what hooks wrote down.
///
/// # Errors
/// When the repository cannot be read; the next look tries again.
pub fn look(
    root: &Path,
    known: Option<&GitId>,
    noted: &[Committed],
    memory: Memory,
) -> Result<Looked, GitError> {
    let repo = Repo::open(root)?;
    let stamp = Stamp::of(repo.head_files().into_iter().map(PathBuf::into_os_string));
    let head = repo.head()?;
    let head_id = head.commit.as_deref().and_then(|id| Oid::from_str(id).ok());
    let known = known.and_then(oid);
    // Without the list of what was there, the whole log says it.
    let place = memory.before.as_ref().map(|_| memory.place);
    let since = repo.head_moves_since(&place.unwrap_or_default());
    let moves = since.moves;
    let before = match memory.before {
        Some(before) => before,
        None => {
            let there = there_now(&repo, &head, &moves, known)?;
            there.into_iter().filter_map(id).collect()
        }
    };
    let mut recorded: HashSet<GitId> = memory.recorded.into_iter().collect();
    let hidden: Vec<Oid> = (known.into_iter())
        .chain(recorded.iter().chain(&before).filter_map(oid))
        .collect();
    let fetched = with_fetched(memory.fetched, &repo.fetched()?);
    let mut from: HashSet<Oid> = moves.iter().map(|it| it.to).collect();
    // A reset may have collected what HEAD once stood on.
    from.retain(|id| repo.tree_of_commit(*id).is_some());
    from.extend(head_id);
    let mut new = new_commits(
        &repo,
        &from.into_iter().collect::<Vec<_>>(),
        &hidden,
        &fetched,
    )?;
    let beyond = new.split_off(new.len().min(MAX_COMMITS));
    let came_from = origins(&moves);
    let seen = |facts: CommitFacts| {
        let origin = came_from.get(&facts.id);
        let previous = origin.and_then(|origin| repo.tree_of_commit(*origin));
        Some(NewCommit {
            seen: CommitSeen {
                commit: id(facts.id)?,
                tree: id(facts.tree)?,
                base_tree: facts.parent_tree.and_then(id),
                branch: head.branch.clone(),
                subject: facts.subject,
                report_id: None,
                older: None,
            },
            previous_tree: previous.and_then(id),
        })
    };
    let facts: Result<Vec<CommitFacts>, GitError> =
        new.iter().rev().map(|id| repo.commit_facts(*id)).collect();
    let found: Vec<NewCommit> = facts?.into_iter().filter_map(seen).collect();
    let is_found = |note: &Committed| found.iter().any(|it| it.seen.commit == note.commit);
    let is_new = |note: &&Committed| !is_found(note) && !recorded.contains(&note.commit);
    // What only a note knows was amended away since, or lies on no way that HEAD's log tells.
    let commits: Vec<NewCommit> = (noted.iter().filter(is_new))
        .map(|note| note.as_new(&repo))
        .chain(found.iter().cloned())
        .collect();
    recorded.extend(commits.iter().map(|it| it.seen.commit.clone()));
    let oldest = beyond.last().copied().and_then(id);
    Ok(Looked {
        sight: Sight {
            commits,
            beyond: oldest.map(|oldest| Older {
                count: beyond.len() as u64,
                oldest,
            }),
            head: head_id.and_then(id),
            branch: head.branch,
            statements: Statements::read(&repo)?,
            guarded: Hooks::look(&repo).is_ok_and(|hooks| hooks.guards()),
            rules: CommittedFile::read(&repo, None)?,
        },
        memory: Memory {
            before: Some(before),
            place: since.place,
            fetched,
            recorded: recorded.into_iter().collect(),
        },
        stamp,
    })
}

/// What was known as fetched, and what is.
fn with_fetched(mut known: Vec<GitId>, now: &[Oid]) -> Vec<GitId> {
    let there: HashSet<GitId> = known.iter().cloned().collect();
    let new = now.iter().filter_map(|it| id(*it));
    known.extend(new.filter(|id| !there.contains(id)));
    known.drain(..known.len().saturating_sub(MAX_FETCHED));
    known
}

/// What a first look finds. When HEAD was seen before, and only the list is missing, what HEAD's branch, a stash or a remote
/// branch names may have come since.
fn there_now(
    repo: &Repo,
    head: &Head,
    moves: &[Move],
    known: Option<Oid>,
) -> Result<Vec<Oid>, GitError> {
    let branch = head.branch.as_deref().map(|it| format!("refs/heads/{it}"));
    let is_fluid = |name: &[u8]| {
        name.starts_with(b"refs/remotes/")
            || name == b"refs/stash"
            || name == b"HEAD"
            || branch.as_ref().is_some_and(|it| it.as_bytes() == name)
    };
    let tips = repo.tips()?.into_iter();
    let mut there: HashSet<Oid> = tips
        .filter(|(_, name)| known.is_none() || !is_fluid(name))
        .map(|(id, _)| id)
        .collect();
    let moved = match known {
        Some(known) => moves.iter().rposition(|it| it.to == known),
        None => moves.len().checked_sub(1),
    };
    let moved = moved.map_or(&[][..], |last| &moves[..=last]);
    if known.is_none() {
        there.extend(head.commit.as_deref().and_then(|it| Oid::from_str(it).ok()));
    }
    let mut there: Vec<Oid> = there.into_iter().collect();
    // The list need not name what its other names lead to.
    let mut passed: HashSet<Oid> = moved.iter().map(|it| it.to).collect();
    repo.drop_reached(&there, &mut passed)?;
    there.extend(passed);
    there.sort();
    Ok(there)
}

/// Commits on the way to `from` that are not hidden, newest first: all but those that came from elsewhere, and of these the
/// ones that Git's logs say were made here.
fn new_commits(
    repo: &Repo,
    from: &[Oid],
    hidden: &[Oid],
    fetched: &[GitId],
) -> Result<Vec<Oid>, GitError> {
    let fetched: Vec<Oid> = fetched.iter().filter_map(oid).collect();
    let found = repo.commits_between(from, &[hidden, &fetched].concat())?;
    let made_here = repo.made_here();
    if fetched.is_empty() || made_here.is_empty() {
        return Ok(found);
    }
    let fresh: HashSet<Oid> = found.into_iter().collect();
    let mut all = repo.commits_between(from, hidden)?;
    all.retain(|id| fresh.contains(id) || made_here.contains(id));
    Ok(all)
}

fn oid(id: &GitId) -> Option<Oid> {
    Oid::from_str(id.as_str()).ok()
}

fn id(oid: Oid) -> Option<GitId> {
    GitId::parse(&oid.to_string()).ok()
}
