//! Where HEAD has been, and which commits that brought. Reads HEAD's own log and the references; whoever can write into
//! `.git` can rewrite both, so this notices what happens in the open and proves nothing.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use git2::{Oid, Sort};
use rustix::fs::OFlags;

use super::{GitError, Repo};

/// How much of the log's end is read: some two thousand moves, far more than happen between two looks.
const LOG_BYTES: u64 = 512 << 10;

/// Longest first line of a message that is kept.
const SUBJECT_CHARS: usize = 120;

/// One move of HEAD, as its log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Where it stood; none before the first commit.
    pub from: Option<Oid>,
    /// Where it went.
    pub to: Oid,
    /// What Git was doing: `commit: …`, `checkout: moving from …`.
    pub what: String,
}

impl Move {
    /// Whether Git says that it went to something that was there already.
    pub fn made_nothing(&self) -> bool {
        let what = self.what.as_str();
        let starts = |words: &[&str]| words.iter().any(|word| what.starts_with(word));
        starts(&[
            "checkout:",
            "switch:",
            "reset:",
            "clone:",
            "branch:",
            "Branch:",
            "rebase (start)",
            "rebase (finish)",
            "rebase finished",
            "returning to ",
        ]) || what.ends_with("Fast-forward")
    }
}

/// A commit that is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitFacts {
    /// Its id.
    pub id: Oid,
    /// Its tree.
    pub tree: Oid,
    /// The tree of its first parent.
    pub parent_tree: Option<Oid>,
    /// The beginning of its message.
    pub subject: String,
}

impl Repo {
    /// The last moves of HEAD, oldest first; none where Git keeps no log.
    pub fn head_moves(&self) -> Vec<Move> {
        let path = self.inner.path().join("logs/HEAD");
        let read = || -> std::io::Result<(bool, Vec<u8>)> {
            let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let mut file = File::options()
                .read(true)
                .custom_flags(flags.bits().cast_signed())
                .open(path)?;
            let length = file.metadata()?.len();
            let start = length.saturating_sub(LOG_BYTES);
            file.seek(SeekFrom::Start(start))?;
            let mut bytes = Vec::new();
            file.take(LOG_BYTES).read_to_end(&mut bytes)?;
            Ok((start > 0, bytes))
        };
        let (cut, bytes) = read().unwrap_or_default();
        let lines = bytes.split(|byte| *byte == b'\n');
        lines.skip(usize::from(cut)).filter_map(parse).collect()
    }

    /// Every commit that a reference names, with whether it came from elsewhere (a remote branch, a tag of one).
    ///
    /// # Errors
    /// When the references cannot be read.
    pub fn tips(&self) -> Result<Vec<(Oid, bool)>, GitError> {
        let failed = |error| GitError::from_library("reading the references", &error);
        let references = self.inner.references().map_err(failed)?;
        Ok(references
            .filter_map(Result::ok)
            .filter_map(|reference| {
                let elsewhere = reference.name_bytes().starts_with(b"refs/remotes/");
                let commit = reference.peel_to_commit().ok()?;
                Some((commit.id(), elsewhere))
            })
            .collect())
    }

    /// Commits that can be reached from `from` and not from `known`, oldest first; the newest `limit` of them.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn commits_between(
        &self,
        from: &[Oid],
        known: &[Oid],
        limit: usize,
    ) -> Result<Vec<CommitFacts>, GitError> {
        let failed = |error| GitError::from_library("reading the history", &error);
        let mut walk = self.inner.revwalk().map_err(failed)?;
        walk.set_sorting(Sort::TOPOLOGICAL).map_err(failed)?;
        for id in from {
            walk.push(*id).map_err(failed)?;
        }
        for id in known {
            // What is not here (a shallow clone, a collected commit) hides nothing.
            if self.inner.find_commit(*id).is_ok() {
                walk.hide(*id).map_err(failed)?;
            }
        }
        let mut commits = Vec::new();
        for id in walk.take(limit) {
            commits.push(self.commit_facts(id.map_err(failed)?)?);
        }
        commits.reverse();
        Ok(commits)
    }

    /// What a commit is.
    ///
    /// # Errors
    /// When it is not here.
    pub fn commit_facts(&self, id: Oid) -> Result<CommitFacts, GitError> {
        let failed = |error| GitError::from_library("reading a commit", &error);
        let commit = self.inner.find_commit(id).map_err(failed)?;
        let subject = String::from_utf8_lossy(commit.message_bytes());
        let subject = subject.lines().next().unwrap_or_default();
        Ok(CommitFacts {
            id,
            tree: commit.tree_id(),
            parent_tree: commit.parent(0).ok().map(|parent| parent.tree_id()),
            subject: subject.chars().take(SUBJECT_CHARS).collect(),
        })
    }

    /// The tree of a commit, if it is here.
    pub fn tree_of_commit(&self, id: Oid) -> Option<Oid> {
        Some(self.inner.find_commit(id).ok()?.tree_id())
    }
}

/// Where HEAD stood before it went to each commit.
pub fn origins(moves: &[Move]) -> HashMap<Oid, Oid> {
    let known = moves.iter().filter_map(|it| Some((it.to, it.from?)));
    known.collect()
}

/// `<old> <new> <who> <when> <zone>\t<what>`.
fn parse(line: &[u8]) -> Option<Move> {
    let line = String::from_utf8_lossy(line);
    let (ids, what) = line.split_once('\t').unwrap_or((&line, ""));
    let mut words = ids.split(' ');
    let mut id = || Oid::from_str(words.next()?).ok();
    let (from, to) = (id()?, id()?);
    (!to.is_zero()).then(|| Move {
        from: (!from.is_zero()).then_some(from),
        to,
        what: what.to_owned(),
    })
}

impl Repo {
    /// The files that change when HEAD moves, a reference does, or somebody changes the hooks.
    pub fn head_files(&self) -> Vec<PathBuf> {
        let (own, common) = (self.inner.path(), self.inner.commondir());
        let mut files = vec![
            own.join("HEAD"),
            own.join("logs/HEAD"),
            common.join("packed-refs"),
            common.join("config"),
        ];
        if let Ok(head) = self.inner.find_reference("HEAD")
            && let Some(target) = head.symbolic_target_bytes()
        {
            files.push(common.join(OsStr::from_bytes(target)));
        }
        if let Ok(hooks) = self.hooks_folder() {
            files.extend(["pre-commit", "pre-merge-commit"].map(|name| hooks.path.join(name)));
        }
        files
    }
}
