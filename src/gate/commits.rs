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
use std::time::Duration;

use git2::Oid;
use serde::{Deserialize, Serialize};

use super::hook::Hooks;
use super::notes::Committed;
use super::strictness::Statements;
use crate::domain::flow::reviews::{MAX_LISTED, NewCommit};
use crate::domain::review::{CommitSeen, GitId, Older};
use crate::git::changes::Deadline;
use crate::git::head_log::Place;
use crate::git::heads::CommitFacts;
use crate::git::history::{Between, Bounds, Step};
use crate::git::logs::{Move, origins};
use crate::git::{GitError, Head, Repo};
use crate::governance::judging::CommittedFile;

/// Commits of one look that are judged: what an answer has room for. Of more, the older count as not approved.
const MAX_COMMITS: usize = 100_000;

/// Commits that are remembered as fetched although no remote branch says so any more.
const MAX_FETCHED: usize = 10_000;

/// How long one look reads the history. The rest of the time that a look has is for what it found.
const WALK_TIME: Duration = Duration::from_secs(6);

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanFindings {
    /// Commits that are new, oldest first.
    pub commits: Vec<NewCommit>,
    /// Stands for new commits that could not be judged, because there are too many or there was no time: the newest of them.
    pub beyond: Option<CommitSeen>,
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
    /// How far HEAD's log was read; none when nobody wrote it down.
    pub place: Option<Place>,
    /// What was fetched from elsewhere, also what no remote branch names any more; the newest last.
    pub fetched: Vec<GitId>,
    /// What was told: what the journal has, and what a line for many stands for.
    pub recorded: Vec<GitId>,
}

/// What one look found, and what the next one needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scan {
    /// What there was to see.
    pub findings: ScanFindings,
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
) -> Result<Scan, GitError> {
    let repo = Repo::open(root)?;
    let stamp = Stamp::of(repo.head_files().into_iter().map(PathBuf::into_os_string));
    let head = repo.head()?;
    let head_id = head.commit.as_deref().and_then(|id| Oid::from_str(id).ok());
    let known = known.and_then(oid);
    // Without the list of what was there, the whole log says it.
    let place = memory.before.as_ref().and(memory.place.as_ref());
    let since = repo.head_moves_since(&place.cloned().unwrap_or_default());
    let mut moves = since.moves;
    let before = match memory.before {
        Some(before) => {
            if place.is_none() {
                // A version that wrote down no place looked last when HEAD stood on `known`.
                let last = moves.iter().rposition(|it| Some(it.to) == known);
                moves.drain(..last.map_or(moves.len(), |last| last + 1));
            }
            before.iter().filter_map(oid).collect()
        }
        None => there_now(&repo, &head, &moves, known)?,
    };
    // What was collected since hides nothing, and costs time at every look.
    let before = repo.here(before)?;
    let mut recorded: HashSet<GitId> = memory.recorded.into_iter().collect();
    let fetched = with_fetched(memory.fetched, &repo.fetched()?);
    let others = (recorded.iter().chain(&fetched)).filter_map(oid);
    let others: HashSet<Oid> = repo.here(others.chain(known))?.into_iter().collect();
    let is_fetched: HashSet<Oid> = fetched.iter().filter_map(oid).collect();
    let is_recorded =
        |id: &Oid| Some(*id) == known || self::id(*id).is_some_and(|id| recorded.contains(&id));
    let told = others.iter().copied().filter(is_recorded);
    let hidden: Vec<Oid> = before.iter().copied().chain(told).collect();
    let fetched_here: Vec<Oid> = (others.iter().copied())
        .filter(|id| is_fetched.contains(id))
        .collect();
    // A reset may have collected what HEAD once stood on.
    let from: HashSet<Oid> = moves.iter().map(|it| it.to).chain(head_id).collect();
    let new = new_commits(&repo, &repo.here(from)?, &hidden, &fetched_here)?;
    let came_from = origins(&moves);
    let seen = |facts: CommitFacts| {
        Some(CommitSeen {
            commit: id(facts.id)?,
            tree: id(facts.tree)?,
            base_tree: facts.parent_tree.and_then(id),
            branch: head.branch.clone(),
            subject: facts.subject,
            report_id: None,
            older: None,
        })
    };
    let mut found = Vec::with_capacity(new.found.len());
    for step in new.found.iter().rev() {
        let origin = came_from.get(&step.id);
        let previous = origin.and_then(|origin| repo.tree_of_commit(*origin));
        found.extend(seen(repo.commit_facts(step.id)?).map(|seen| NewCommit {
            seen,
            previous_tree: previous.and_then(id),
        }));
    }
    let beyond = match new.unseen[..] {
        [] => None,
        [newest, ..] => seen(repo.commit_facts(newest)?).map(|seen| CommitSeen {
            older: new.unseen.last().copied().and_then(id).map(|oldest| Older {
                count: new.unseen.len() as u64 - 1,
                oldest,
                more: true,
            }),
            ..seen
        }),
    };
    let names: HashSet<&GitId> = found.iter().map(|it| &it.seen.commit).collect();
    let is_new =
        |note: &&Committed| !names.contains(&note.commit) && !recorded.contains(&note.commit);
    // What only a note knows was amended away since, or lies on no way that HEAD's log tells.
    let only_noted: Vec<NewCommit> = (noted.iter().filter(is_new))
        .map(|note| note.as_new(&repo))
        .collect();
    recorded.extend(only_noted.iter().map(|it| it.seen.commit.clone()));
    recorded.extend(to_remember(&new.found));
    Ok(Scan {
        findings: ScanFindings {
            commits: only_noted.into_iter().chain(found).collect(),
            beyond,
            head: head_id.and_then(id),
            branch: head.branch,
            statements: Statements::read(&repo)?,
            guarded: Hooks::look(&repo).is_ok_and(|hooks| hooks.guards()),
            rules: CommittedFile::read(&repo, None)?,
        },
        memory: Memory {
            before: Some(before.into_iter().filter_map(id).collect()),
            place: Some(since.place),
            fetched,
            recorded: recorded.into_iter().collect(),
        },
        stamp,
    })
}

/// What the next look has to know of these: the newest, of which a note may still come, and every one on which no other
/// stands. What lies below is hidden by it.
fn to_remember(found: &[Step]) -> impl Iterator<Item = GitId> {
    let below: HashSet<Oid> = (found.iter())
        .flat_map(|step| step.parents.iter().copied())
        .collect();
    let steps = found.iter().enumerate();
    let kept = steps.filter(move |(place, step)| *place < MAX_LISTED || !below.contains(&step.id));
    kept.filter_map(|(_, step)| id(step.id))
}

/// What was known as fetched, and what is. What is fetched now is never forgotten.
fn with_fetched(known: Vec<GitId>, now: &[Oid]) -> Vec<GitId> {
    let mut new = Vec::new();
    let mut now_fetched = HashSet::new();
    for id in now.iter().filter_map(|it| id(*it)) {
        if now_fetched.insert(id.clone()) {
            new.push(id);
        }
    }
    let there: HashSet<&GitId> = known.iter().collect();
    new.retain(|id| !there.contains(id));
    let is_past = |id: &GitId| !now_fetched.contains(id);
    let past = known.iter().filter(|id| is_past(id)).count();
    let mut too_many = past.saturating_sub(MAX_FETCHED);
    let mut fetched = known;
    fetched.retain(|id| {
        let goes = too_many > 0 && is_past(id);
        too_many -= usize::from(goes);
        !goes
    });
    fetched.extend(new);
    fetched
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

/// Commits on the way to `from` that are not hidden: all but those that came from elsewhere, and of these the ones that
/// Git's logs say were made here.
fn new_commits(
    repo: &Repo,
    from: &[Oid],
    hidden: &[Oid],
    fetched: &[Oid],
) -> Result<Between, GitError> {
    let mut bounds = Bounds {
        commits: MAX_COMMITS,
        deadline: Deadline::after(WALK_TIME),
    };
    let new = repo.between(from, &[hidden, fetched].concat(), bounds)?;
    if fetched.is_empty() || !new.unseen.is_empty() {
        return Ok(new);
    }
    let fresh: HashSet<Oid> = new.found.iter().map(|step| step.id).collect();
    let mut made_here = repo.made_here();
    made_here.retain(|id| !fresh.contains(id));
    for id in hidden {
        made_here.remove(id);
    }
    if made_here.is_empty() {
        return Ok(new);
    }
    // However much was fetched, what was made here is told.
    bounds.commits = usize::MAX;
    let mut all = repo.between(from, hidden, bounds)?;
    all.found
        .retain(|step| fresh.contains(&step.id) || made_here.contains(&step.id));
    let unread = all.found.len().saturating_sub(MAX_COMMITS);
    if unread > 0 {
        let rest = all.found.split_off(MAX_COMMITS);
        all.unseen.splice(..0, rest.into_iter().map(|step| step.id));
    }
    Ok(all)
}

fn oid(id: &GitId) -> Option<Oid> {
    Oid::from_str(id.as_str()).ok()
}

fn id(oid: Oid) -> Option<GitId> {
    GitId::parse(&oid.to_string()).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ids(numbers: std::ops::Range<usize>) -> Vec<Oid> {
        let id = |number| Oid::from_str(&format!("{number:040x}")).unwrap();
        numbers.map(id).collect()
    }

    #[test]
    fn what_is_fetched_now_is_never_forgotten_and_of_the_past_the_newest_stay() {
        let now = ids(1..MAX_FETCHED + 51);
        let first = with_fetched(Vec::new(), &[now.clone(), now.clone()].concat());
        assert_eq!(first.len(), now.len());
        let again = with_fetched(
            first.clone(),
            &now.iter().rev().copied().collect::<Vec<_>>(),
        );
        assert_eq!(again, first, "nothing changed");
        // All but the first are gone: so many of them are remembered, the newest.
        let gone = with_fetched(first.clone(), &now[..1]);
        assert_eq!(gone.len(), MAX_FETCHED + 1);
        assert_eq!((&gone[0], &gone[1..]), (&first[0], &first[50..]));
    }
}
