//! Git's own logs of where references have been: what was made in this repository, and what remote branches got from
//! elsewhere. `head_log` reads HEAD's from place to place. Whoever can write into `.git` can rewrite them, so this notices what happens in the open and proves nothing.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use git2::Oid;
use rustix::fs::OFlags;

use super::{GitError, Repo};

/// How much of a log's end is read: some two thousand moves, far more than happen between two looks.
const LOG_BYTES: u64 = 512 << 10;

/// Logs of branches and worktrees that are read. A repository with more of them is served by its hooks' notes.
const MAX_LOGS: usize = 2_000;

/// Folders in folders of branches; names may have slashes, but nobody uses as many.
const MAX_DEPTH: usize = 16;

/// One move of a reference, as its log tells it.
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
    /// Whether Git says that it made the commit that the reference went to.
    fn made_it(&self) -> bool {
        let what = self.what.to_ascii_lowercase();
        // Behind the colon stands what the author wrote, which says nothing.
        let (action, words) = what.split_once(": ").unwrap_or((&what, ""));
        if action.starts_with("commit") {
            return true;
        }
        let begins = |words: &[&str]| words.iter().any(|word| action.starts_with(word));
        let went_only = words == "fast-forward"
            || words.starts_with("checkout ")
            || ["(start)", "(finish)", "(abort)", "(reset)"]
                .iter()
                .any(|step| action.contains(step));
        begins(&["cherry-pick", "revert", "merge", "rebase", "pull", "am"]) && !went_only
    }

    /// Whether Git says that a remote branch got more of the same history by fetching: where it stood before lies on the way.
    fn goes_on(&self) -> bool {
        !self.was_sent() && self.what.ends_with(": fast-forward")
    }

    /// Whether Git says that this repository gave the commit to somebody else. What says nothing was not fetched either.
    fn was_sent(&self) -> bool {
        self.what.is_empty() || self.what.starts_with("update by push")
    }
}

impl Repo {
    /// The last moves of HEAD, oldest first; none where Git keeps no log.
    pub fn head_moves(&self) -> Vec<Move> {
        moves_in(&self.inner.path().join("logs/HEAD"))
    }

    /// Commits that Git says it made in this repository: by HEAD here and in other worktrees, and on branches.
    pub fn made_here(&self) -> HashSet<Oid> {
        let common = self.inner.commondir();
        let mut logs = vec![
            self.inner.path().join("logs/HEAD"),
            common.join("logs/HEAD"),
        ];
        let worktrees = fs::read_dir(common.join("worktrees"));
        let worktrees = worktrees.into_iter().flatten().filter_map(Result::ok);
        logs.extend(
            worktrees
                .take(MAX_LOGS)
                .map(|it| it.path().join("logs/HEAD")),
        );
        files_below(&common.join("logs/refs/heads"), MAX_DEPTH, &mut logs);
        let moves = logs.iter().flat_map(|log| moves_in(log));
        moves.filter(Move::made_it).map(|it| it.to).collect()
    }

    /// Commits that remote branches got from elsewhere. One that they have because this repository sent it is none; where
    /// Git keeps no log of a remote branch, whatever it names counts as fetched.
    ///
    /// # Errors
    /// When the references cannot be read.
    pub fn fetched(&self) -> Result<Vec<Oid>, GitError> {
        let failed = |error| GitError::from_library("reading the references", &error);
        let logs = self.inner.commondir().join("logs");
        let mut fetched = Vec::new();
        let references = self
            .inner
            .references_glob("refs/remotes/*")
            .map_err(failed)?;
        for reference in references.filter_map(Result::ok) {
            // One that names another is told by that one.
            let Some(tip) = reference.target() else {
                continue;
            };
            let name = std::ffi::OsStr::from_bytes(reference.name_bytes());
            let moves = moves_in(&logs.join(name));
            // Where it stood before the log began.
            fetched.extend(moves.first().map_or(Some(tip), |first| first.from));
            let next = moves.iter().skip(1).map(Some).chain([None]);
            let others = moves.iter().zip(next).filter(|(it, next)| {
                !it.was_sent()
                    && !next.is_some_and(|next| next.from == Some(it.to) && next.goes_on())
            });
            fetched.extend(others.map(|(it, _)| it.to));
        }
        Ok(fetched)
    }
}

/// What each commit that was amended stood in for.
pub fn origins(moves: &[Move]) -> HashMap<Oid, Oid> {
    let amended = moves
        .iter()
        .filter(|it| it.what.starts_with("commit (amend)"));
    let known = amended.filter_map(|it| Some((it.to, it.from?)));
    known.filter(|(to, from)| to != from).collect()
}

/// The last moves in a log, oldest first; none where there is no log.
fn moves_in(log: &Path) -> Vec<Move> {
    let read = || -> io::Result<(bool, Vec<u8>)> {
        let Some(mut file) = open(log)? else {
            return Ok((false, Vec::new()));
        };
        let start = file.metadata()?.len().saturating_sub(LOG_BYTES);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(LOG_BYTES).read_to_end(&mut bytes)?;
        Ok((start > 0, bytes))
    };
    let (cut, bytes) = read().unwrap_or_default();
    let lines = bytes.split(|byte| *byte == b'\n');
    lines.skip(usize::from(cut)).filter_map(parse).collect()
}

/// Opens a log; none where there is none, or something else in its place.
pub(super) fn open(log: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut options = File::options();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = match options.open(log) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(file.metadata()?.is_file().then_some(file))
}

/// `<old> <new> <who> <when> <zone>\t<what>`.
pub(super) fn parse(line: &[u8]) -> Option<Move> {
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

fn files_below(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).into_iter().flatten();
    for entry in entries.filter_map(Result::ok) {
        if found.len() >= MAX_LOGS {
            return;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => {
                files_below(&entry.path(), depth - 1, found);
            }
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Move, parse};

    fn going(what: &str) -> Move {
        let (from, to) = ("1".repeat(40), "2".repeat(40));
        let line = format!("{from} {to} Mei <m@x> 1 +0000\t{what}");
        parse(line.as_bytes()).expect("a line of a log")
    }

    #[test]
    fn what_was_made_here_is_told_from_what_was_there() {
        for (what, made_it) in [
            ("commit: x", true),
            ("commit: checkout page", true),
            ("commit: x (start)", true),
            ("commit: allow fast-forward", true),
            ("commit (merge): : checkout ", true),
            ("rebase (reset): 'onto'", false),
            ("commit (initial): x", true),
            ("commit (amend): x", true),
            ("commit (merge): x", true),
            ("cherry-pick: x", true),
            ("cherry-pick: fast-forward", false),
            ("revert: Revert \"x\"", true),
            ("merge side: Merge made by the 'ort' strategy.", true),
            ("merge side: Fast-forward", false),
            ("pull origin main: Merge made by the 'ort' strategy.", true),
            ("pull --ff-only: Fast-forward", false),
            ("pull --rebase (pick): x", true),
            ("pull --rebase (start): checkout abc", false),
            (
                "pull --rebase (finish): returning to refs/heads/main",
                false,
            ),
            ("rebase (pick): x", true),
            ("rebase -i (squash): x", true),
            ("rebase (start): checkout main", false),
            ("rebase (finish): returning to refs/heads/main", false),
            ("am: x", true),
            ("checkout: moving from a to b", false),
            ("reset: moving to HEAD~1", false),
            ("clone: from https://example.org/x", false),
            ("branch: Created from HEAD", false),
            ("fetch origin main:main: fast-forward", false),
            ("", false),
        ] {
            assert_eq!(going(what).made_it(), made_it, "{what}");
        }
        for (what, was_sent) in [
            ("update by push", true),
            ("", true),
            ("fetch: fast-forward", false),
            ("pull: fast-forward", false),
            ("clone: from https://example.org/x", false),
        ] {
            assert_eq!(going(what).was_sent(), was_sent, "{what}");
        }
    }
}
