//! Notices commits: looks at HEAD now and then, and tells which commits are new here. Owns what one look remembers for
//! the next; the journal decides what was approved. It reads only.
//!
//! A commit is new when it can be reached from where HEAD stands, or stood since the last look, and from nowhere that was
//! known before: not from a reference as the last look saw it, not from a remote branch, not from a commit that was
//! recorded. What was merged or fetched from elsewhere is therefore nobody's bypass, and what was amended away is noticed.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use git2::Oid;

use super::gate::{self, Statements};
use super::hook::Hooks;
use crate::domain::flow::reviews::NewCommit;
use crate::domain::review::{CommitSeen, GitId};
use crate::git::heads::{Move, origins};
use crate::git::{GitError, Repo};

/// Commits that one look records. More at once are a rebase of a whole history; the newest are enough to be seen.
const MAX_COMMITS: usize = 200;

/// Commits that are remembered as recorded, so that none is recorded twice.
const MAX_REMEMBERED: usize = 10_000;

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
    stamp: Option<Stamp>,
    /// What references named at the last look, and how many moves HEAD's log had.
    before: Option<Before>,
    recorded: HashSet<Oid>,
}

#[derive(Debug)]
struct Before {
    tips: Vec<Oid>,
    last_move: Option<Move>,
}

/// Changes whenever HEAD, its log, the references in one file, or a hook of ours may have changed.
#[derive(Debug, PartialEq, Eq)]
struct Stamp(Vec<Option<(u64, i64, i64, u64)>>);

impl Watch {
    /// Begins with nothing remembered.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            stamp: None,
            before: None,
            recorded: HashSet::new(),
        }
    }

    /// Looks. `None` means that nothing moved since the last look. `known` is the commit on which HEAD was last seen,
    /// by this server or an earlier one; without it the first look only takes its bearings.
    ///
    /// # Errors
    /// When the repository cannot be read; the next look tries again.
    pub fn look(&mut self, known: Option<&GitId>) -> Result<Option<Sight>, GitError> {
        let repo = Repo::open(&self.root)?;
        let stamp = stamp(&repo);
        if self.stamp.as_ref() == Some(&stamp) {
            return Ok(None);
        }
        // Read before the walk: what comes meanwhile is for the next look.
        let tips = repo.tips()?;
        let head = repo.head()?;
        let head_id = head.commit.as_deref().and_then(|id| Oid::from_str(id).ok());
        let moves = repo.head_moves();
        let known = known.and_then(|id| Oid::from_str(id.as_str()).ok());
        let fresh = self.fresh_moves(&moves, known);
        let mut hidden: Vec<Oid> = known
            .into_iter()
            .chain(self.recorded.iter().copied())
            .collect();
        hidden.extend(
            tips.iter()
                .filter(|(_, elsewhere)| *elsewhere)
                .map(|(id, _)| *id),
        );
        match &self.before {
            Some(before) => hidden.extend(&before.tips),
            // Nobody watched: then Git's own word has to do for what was there already.
            None => hidden.extend(fresh.iter().filter(|it| it.made_nothing()).map(|it| it.to)),
        }
        let first_ever = self.before.is_none() && known.is_none();
        let commits = match first_ever {
            true => Vec::new(),
            false => {
                let mut from: Vec<Oid> = fresh.iter().map(|it| it.to).collect();
                // A reset may have collected what HEAD once stood on.
                from.retain(|id| repo.tree_of_commit(*id).is_some());
                from.extend(head_id);
                repo.commits_between(&from, &hidden, MAX_COMMITS)?
            }
        };
        let came_from = origins(&moves);
        let commits = commits
            .into_iter()
            .filter_map(|facts| {
                self.recorded.insert(facts.id);
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
            })
            .collect();
        if self.recorded.len() > MAX_REMEMBERED {
            // They are reachable from references by now, or gone.
            self.recorded.clear();
        }
        self.before = Some(Before {
            tips: tips.into_iter().map(|(id, _)| id).chain(head_id).collect(),
            last_move: moves.last().cloned(),
        });
        self.stamp = Some(stamp);
        Ok(Some(Sight {
            commits,
            head: head_id.and_then(id),
            branch: head.branch,
            statements: gate::statements(&repo)?,
            guarded: Hooks::look(&repo).is_ok_and(|hooks| hooks.guards()),
        }))
    }

    /// Moves of HEAD since the last look; for the first one, since it stood on `known`.
    fn fresh_moves(&self, moves: &[Move], known: Option<Oid>) -> Vec<Move> {
        let seen = match &self.before {
            Some(before) => before
                .last_move
                .as_ref()
                .map(|last| moves.iter().rposition(|it| it == last)),
            None => known.map(|known| moves.iter().rposition(|it| it.to == known)),
        };
        match seen {
            // There was no log, or none of it is new to us: all of it is.
            None if self.before.is_some() => moves.to_vec(),
            Some(Some(last)) => moves[last + 1..].to_vec(),
            // The log was cut or rewritten. Where HEAD stands is looked at in any case.
            Some(None) | None => Vec::new(),
        }
    }
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
