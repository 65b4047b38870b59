//! Notices commits: looks at HEAD now and then, and tells which commits are new here. Owns what one look remembers for
//! the next; the journal decides what was approved. It reads only, but for its own list of what was there before.
//!
//! A commit is new when HEAD has reached it, or a note of a hook names it, and when it was neither there when zhongshu first
//! looked, nor recorded before, nor fetched from elsewhere. What Git's own logs say was made here was made here, whoever
//! has it by now. Which references name it hides nothing: a name is quickly made.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use git2::Oid;

use super::gate::{self, Statements};
use super::hook::Hooks;
use super::notes::Committed;
use crate::domain::flow::reviews::NewCommit;
use crate::domain::review::{CommitSeen, GitId};
use crate::git::heads::CommitFacts;
use crate::git::logs::{Move, origins};
use crate::git::{GitError, Head, Repo};
use crate::paths::write_private;

/// Commits that one look records. More at once are a rebase of a whole history; the newest are enough to be seen.
const MAX_COMMITS: usize = 200;

/// Name of the list of what was there before, in the state folder.
const BEFORE_FILE: &str = "commits_before";

/// Largest such list that is read: some four hundred thousand names.
const MAX_BEFORE_BYTES: u64 = 16 << 20;

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Commits that are new, oldest first.
    pub commits: Vec<NewCommit>,
    /// Where HEAD stands.
    pub head: Option<GitId>,
    /// Its branch.
    pub branch: Option<String>,
    /// What `governance.yaml` says about the gate.
    pub statements: Statements,
    /// Whether the gate stands before every commit.
    pub guarded: bool,
}

/// Looks at one repository.
#[derive(Debug)]
pub struct Watch {
    root: PathBuf,
    state: PathBuf,
    stamp: Option<Stamp>,
    /// What was there before anybody looked.
    before: Option<Vec<Oid>>,
    /// The last move of HEAD at the last look; the outer one is none before the first look.
    last_move: Option<Option<Move>>,
    /// What the journal has.
    recorded: HashSet<Oid>,
}

/// Changes whenever HEAD, its log, the references in one file, or a hook of ours may have changed.
#[derive(Debug, PartialEq, Eq)]
struct Stamp(Vec<Option<(u64, i64, i64, u64)>>);

impl Watch {
    /// Begins with what the journal has recorded. `state` is where the list of what was there before is kept.
    pub fn new(root: &Path, state: &Path, recorded: impl IntoIterator<Item = GitId>) -> Self {
        Self {
            root: root.to_owned(),
            state: state.to_owned(),
            stamp: None,
            before: None,
            last_move: None,
            recorded: recorded.into_iter().filter_map(|it| oid(&it)).collect(),
        }
    }

    /// Looks. `None` means that nothing moved since the last look. `known` is the commit on which HEAD was last seen,
    /// by this server or an earlier one; without it the first look only takes its bearings. `noted` is what hooks wrote down.
    ///
    /// # Errors
    /// When the repository cannot be read, or the list of what was there before cannot be written; the next look tries again.
    pub fn look(
        &mut self,
        known: Option<&GitId>,
        noted: &[Committed],
    ) -> Result<Option<Sight>, GitError> {
        let repo = Repo::open(&self.root)?;
        let stamp = stamp(&repo);
        if self.stamp.as_ref() == Some(&stamp) && noted.is_empty() {
            return Ok(None);
        }
        let head = repo.head()?;
        let head_id = head.commit.as_deref().and_then(|id| Oid::from_str(id).ok());
        let moves = repo.head_moves();
        let known = known.and_then(oid);
        let before = self.before(&repo, &head, &moves, known)?;
        let fresh = self.fresh_moves(&moves, known);
        let hidden: Vec<Oid> = (known.into_iter())
            .chain(self.recorded.iter().copied())
            .chain(before)
            .collect();
        let mut from: Vec<Oid> = fresh.iter().map(|it| it.to).collect();
        // A reset may have collected what HEAD once stood on.
        from.retain(|id| repo.tree_of_commit(*id).is_some());
        from.extend(head_id);
        let found = new_commits(&repo, &from, &hidden)?;
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
                },
                previous_tree: previous.and_then(id),
            })
        };
        let found: Vec<NewCommit> = found.into_iter().filter_map(seen).collect();
        let is_found = |note: &Committed| found.iter().any(|it| it.seen.commit == note.commit);
        let is_new = |note: &&Committed| {
            let id = oid(&note.commit);
            !is_found(note) && id.is_some_and(|id| !self.recorded.contains(&id))
        };
        // What only a note knows was amended away since, or lies on no way that HEAD's log tells.
        let commits: Vec<NewCommit> = (noted.iter().filter(is_new))
            .map(|note| note.as_new(&repo))
            .chain(found.iter().cloned())
            .collect();
        let names = commits.iter().filter_map(|it| oid(&it.seen.commit));
        self.recorded.extend(names);
        self.last_move = Some(moves.last().cloned());
        self.stamp = Some(stamp);
        Ok(Some(Sight {
            commits,
            head: head_id.and_then(id),
            branch: head.branch,
            statements: gate::statements(&repo)?,
            guarded: Hooks::look(&repo).is_ok_and(|hooks| hooks.guards()),
        }))
    }

    /// What was there before anybody looked: from the list, which the first look of all makes.
    fn before(
        &mut self,
        repo: &Repo,
        head: &Head,
        moves: &[Move],
        known: Option<Oid>,
    ) -> Result<Vec<Oid>, GitError> {
        if let Some(before) = &self.before {
            return Ok(before.clone());
        }
        let file = self.state.join(BEFORE_FILE);
        let before = match read_list(&file) {
            Some(before) => before,
            None => {
                let before = there_now(repo, head, moves, known)?;
                let lines: Vec<String> = before.iter().map(Oid::to_string).collect();
                let text = lines.join("\n");
                write_private(&file, text.as_bytes()).map_err(|error| GitError::Library {
                    action: "writing down which commits are there",
                    message: error.to_string(),
                })?;
                before
            }
        };
        self.before = Some(before.clone());
        Ok(before)
    }

    /// Moves of HEAD since the last look; for the first one, since it stood on `known`.
    fn fresh_moves(&self, moves: &[Move], known: Option<Oid>) -> Vec<Move> {
        let seen = match &self.last_move {
            Some(last) => last
                .as_ref()
                .map(|last| moves.iter().rposition(|it| it == last)),
            None => known.map(|known| moves.iter().rposition(|it| it.to == known)),
        };
        match seen {
            // There was no log: all of it is new.
            None if self.last_move.is_some() => moves.to_vec(),
            Some(Some(last)) => moves[last + 1..].to_vec(),
            // The log was cut or rewritten. Where HEAD stands is looked at in any case.
            Some(None) | None => Vec::new(),
        }
    }
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
    there.extend(moved.iter().map(|it| it.to));
    if known.is_none() {
        there.extend(head.commit.as_deref().and_then(|it| Oid::from_str(it).ok()));
    }
    let mut there: Vec<Oid> = there.into_iter().collect();
    there.sort();
    Ok(there)
}

/// Commits on the way to `from` that are not hidden: all but those that came from elsewhere, and of these the ones that
/// Git's logs say were made here.
fn new_commits(repo: &Repo, from: &[Oid], hidden: &[Oid]) -> Result<Vec<CommitFacts>, GitError> {
    let fetched = repo.fetched()?;
    let all = [hidden, &fetched].concat();
    let found = repo.commits_between(from, &all, MAX_COMMITS, |_| true)?;
    let fresh: HashSet<Oid> = found.iter().map(|it| it.id).collect();
    let made_here = repo.made_here();
    if fetched.is_empty() || made_here.is_empty() {
        return Ok(found);
    }
    let wanted = |id| fresh.contains(&id) || made_here.contains(&id);
    repo.commits_between(from, hidden, MAX_COMMITS, wanted)
}

fn read_list(file: &Path) -> Option<Vec<Oid>> {
    let length = fs::metadata(file).ok()?.len();
    let text = fs::read_to_string(file).ok()?;
    let ids = text.lines().map(|line| Oid::from_str(line).ok());
    (length <= MAX_BEFORE_BYTES).then(|| ids.collect())?
}

fn oid(id: &GitId) -> Option<Oid> {
    Oid::from_str(id.as_str()).ok()
}

fn id(oid: Oid) -> Option<GitId> {
    GitId::parse(&oid.to_string()).ok()
}

fn stamp(repo: &Repo) -> Stamp {
    let of = |path: PathBuf| {
        let data = fs::symlink_metadata(path).ok()?;
        Some((data.ino(), data.mtime(), data.mtime_nsec(), data.len()))
    };
    Stamp(repo.head_files().into_iter().map(of).collect())
}
