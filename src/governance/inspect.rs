//! Looks at changed files beyond their names: the lines that a change adds, and what kind of change it is. It only finds;
//! `findings` decides what is a finding and what is exempt.

use std::collections::{BTreeMap, BTreeSet};

use super::Governance;
use crate::domain::report::{ChangeStatus, ContentScan, FileKind, SkippedFile};
use crate::domain::rules::lines::Page;
use crate::domain::rules::{ChangeTest, Subject};
use crate::git::changes::{Change, Changes, Deadline};
use crate::git::content::{Content, Side, added_lines, as_text, new_sides};
use crate::git::{GitError, Repo};

/// Largest file whose lines are looked at: what is larger has no line counts either, and is a finding for its size.
const MAX_TEXT_BYTES: u64 = 8 << 20;

/// What is looked at in either half of a report's changes; a few seconds on a slow machine, and less than the deadline.
const MAX_HALF_BYTES: u64 = 256 << 20;

/// Below this many changes one thread is done before a second one has opened the repository.
const CHANGES_FOR_THREADS: usize = 64;

/// Skipped files that are listed.
const MAX_SKIPPED: usize = 500;

/// How a pointer of Git LFS begins.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

const EXECUTABLE: u32 = 0o100_755;

/// What was seen in one changed file.
#[derive(Debug, Default)]
pub(super) struct FileHits {
    /// What rules hit, wherever they hold.
    pub seen: Vec<RuleHit>,
    /// Further hits, by the position of their rule.
    pub left_out: BTreeMap<usize, usize>,
}

/// One hit of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RuleHit {
    /// Position of the rule.
    pub rule: usize,
    /// Line, where the rule looks at lines.
    pub line: Option<u64>,
    /// What was recognised, a key of the dictionary.
    pub what: Option<&'static str>,
}

/// Looks at all changed files, in their order. Which files are left out for their size never depends on the number of
/// processors.
pub(super) fn inspect(
    repo: &Repo,
    governance: &Governance,
    changes: &Changes,
    is_staged: bool,
    deadline: &Deadline,
) -> Result<(Vec<FileHits>, ContentScan), GitError> {
    let (first, second) = changes.rows.split_at(changes.rows.len().div_ceil(2));
    let look_at = |repo: &Repo, rows: &[Change]| {
        Inspector::new(repo, governance, changes, is_staged, deadline).look_at(rows)
    };
    let (first, second) = if changes.rows.len() < CHANGES_FOR_THREADS {
        (look_at(repo, first), look_at(repo, second))
    } else {
        let root = repo.root();
        // libgit2's handles belong to one thread at a time.
        std::thread::scope(|scope| {
            let other = scope.spawn(|| look_at(&Repo::open(root)?, second));
            let first = look_at(repo, first);
            let second = other.join();
            (
                first,
                second.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            )
        })
    };
    let ((mut found, mut scan), (more, rest)) = (first?, second?);
    found.extend(more);
    scan.scanned_files += rest.scanned_files;
    scan.skipped_files.extend(rest.skipped_files);
    scan.skipped_files.truncate(MAX_SKIPPED);
    Ok((found, scan))
}

/// Looks at the files of one half of a report.
struct Inspector<'a> {
    repo: &'a Repo,
    governance: &'a Governance,
    /// The tree that is compared with.
    former: Option<&'a str>,
    is_staged: bool,
    deadline: &'a Deadline,
    budget: u64,
    scan: ContentScan,
}

impl<'a> Inspector<'a> {
    fn new(
        repo: &'a Repo,
        governance: &'a Governance,
        changes: &'a Changes,
        is_staged: bool,
        deadline: &'a Deadline,
    ) -> Self {
        Self {
            repo,
            governance,
            former: changes.left_tree.as_deref(),
            is_staged,
            deadline,
            budget: MAX_HALF_BYTES,
            scan: ContentScan::default(),
        }
    }

    /// Looks at some of the changes; says what was looked at, and what not.
    fn look_at(mut self, rows: &[Change]) -> Result<(Vec<FileHits>, ContentScan), GitError> {
        let found = rows.iter().map(|change| self.look(change));
        let found = found.collect::<Result<_, _>>()?;
        Ok((found, self.scan))
    }

    /// Looks at one changed path.
    fn look(&mut self, change: &Change) -> Result<FileHits, GitError> {
        self.deadline.check()?;
        let mut found = FileHits::default();
        self.kind(change, &mut found);
        if !matches!(change.kind, FileKind::File | FileKind::Symlink) {
            return Ok(found);
        }
        // The file on disk first: what is staged is only told where it differs.
        for side in new_sides(change, self.is_staged).into_iter().rev() {
            let limit = MAX_TEXT_BYTES.min(self.budget);
            match self.repo.content(change, side, limit) {
                Content::File { size_bytes, bytes } => {
                    self.size(change, size_bytes, &mut found);
                    match bytes {
                        Some(bytes) => {
                            self.budget -= bytes.len() as u64;
                            self.bytes(change, side, &bytes, &mut found)?;
                        }
                        None => self.skip(change, "too_large"),
                    }
                }
                Content::Link(target) if leaves_the_repository(&change.path, &target) => {
                    self.add(ChangeTest::OutsideLink, &mut found);
                }
                Content::Link(_) | Content::None => {}
                Content::Unreadable => self.skip(change, "unreadable"),
            }
        }
        Ok(found)
    }

    /// What can be told without reading.
    fn kind(&self, change: &Change, found: &mut FileHits) {
        let is_gone = change.status == ChangeStatus::Deleted;
        let is_new = matches!(
            change.status,
            ChangeStatus::Added | ChangeStatus::Copied | ChangeStatus::Untracked
        );
        match change.kind {
            FileKind::Submodule | FileKind::Repository if !is_gone => {
                self.add(ChangeTest::Submodule, found);
            }
            FileKind::File => {
                if is_new && change.measured.binary {
                    self.add(ChangeTest::NewBinary, found);
                }
                if change.new_mode == EXECUTABLE && change.old_mode != EXECUTABLE {
                    self.add(ChangeTest::NewExecutable, found);
                }
            }
            _ => {}
        }
    }

    fn size(&self, change: &Change, size_bytes: u64, found: &mut FileHits) {
        for (rule, test) in self.change_rules() {
            let ChangeTest::LargeFile { limit_bytes } = test else {
                continue;
            };
            if size_bytes <= limit_bytes {
                continue;
            }
            // A copy is another file, however large its source was.
            let was_large = change.status != ChangeStatus::Copied
                && matches!(
                    self.repo.former(change, self.former, 0),
                    Some(Content::File { size_bytes, .. }) if size_bytes > limit_bytes
                );
            if !was_large {
                found.add(rule, None, None);
            }
        }
    }

    fn bytes(
        &mut self,
        change: &Change,
        side: Side,
        bytes: &[u8],
        found: &mut FileHits,
    ) -> Result<(), GitError> {
        if bytes.starts_with(LFS_POINTER) {
            self.add(ChangeTest::LfsPointer, found);
        }
        let Some(text) = as_text(bytes) else {
            return Ok(());
        };
        let mut added: Option<Option<BTreeSet<u64>>> = None;
        let mut is_added = |line| {
            added
                .get_or_insert_with(|| self.added(change, &text))
                .as_ref()
                .is_none_or(|lines| lines.contains(&line))
        };
        let outcome = self.governance.rulebook().lines().scan(Page {
            path: &change.path,
            text: &text,
            is_added: &mut is_added,
            go_on: &|| self.deadline.check().is_ok(),
        });
        let Ok(lines) = outcome else {
            self.deadline.check()?;
            return Err(GitError::TooSlow(0));
        };
        self.scan.scanned_files += 1;
        let known: BTreeSet<usize> = found.seen.iter().map(|seen| seen.rule).collect();
        for hit in lines.hits {
            if side == Side::Disk || !known.contains(&hit.rule) {
                found.add(hit.rule, Some(hit.line), hit.what);
            }
        }
        for (rule, count) in lines.left_out {
            *found.left_out.entry(rule).or_default() += count;
        }
        Ok(())
    }

    /// The lines of `text` that the change adds; none when all of them are new, or when nobody can tell.
    fn added(&self, change: &Change, text: &[u8]) -> Option<BTreeSet<u64>> {
        let former = self
            .repo
            .former(change, self.former, MAX_TEXT_BYTES.min(self.budget))?;
        let Content::File {
            bytes: Some(old), ..
        } = former
        else {
            return None;
        };
        added_lines(&as_text(&old)?, text).ok()
    }

    fn change_rules(&self) -> impl Iterator<Item = (usize, ChangeTest)> + use<'a> {
        let rules = self.governance.risk_rules.iter().enumerate();
        rules.filter_map(|(at, rule)| match rule.subject {
            Subject::Change(test) => Some((at, test)),
            Subject::Path | Subject::Expressions(_) | Subject::Lines(_) => None,
        })
    }

    fn add(&self, test: ChangeTest, found: &mut FileHits) {
        for (rule, _) in self.change_rules().filter(|(_, other)| *other == test) {
            found.add(rule, None, None);
        }
    }

    fn skip(&mut self, change: &Change, reason: &'static str) {
        if self.scan.skipped_files.len() < MAX_SKIPPED {
            self.scan.skipped_files.push(SkippedFile {
                path: shown(&change.path),
                reason: reason.into(),
            });
        }
    }
}

impl FileHits {
    fn add(&mut self, rule: usize, line: Option<u64>, what: Option<&'static str>) {
        let seen = RuleHit { rule, line, what };
        if !self.seen.contains(&seen) {
            self.seen.push(seen);
        }
    }
}

/// Whether a link at `path` to `target` leads out of the repository, or into its `.git`, as far as names alone can tell.
fn leaves_the_repository(path: &[u8], target: &[u8]) -> bool {
    if target.starts_with(b"/") {
        return true;
    }
    let mut place: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    place.pop();
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                if place.pop().is_none() {
                    return true;
                }
            }
            name => place.push(name),
        }
    }
    place.first().is_some_and(|first| *first == b".git")
}

/// A path as it is shown: bytes that are no UTF-8 become U+FFFD.
pub(super) fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

#[cfg(test)]
mod tests {
    use super::leaves_the_repository;

    #[test]
    fn links_are_followed_by_name() {
        for (path, target, leaves) in [
            ("a", "/etc/passwd", true),
            ("a", "b", false),
            ("a", "../b", true),
            ("a/b", "../c", false),
            ("a/b", "../../c", true),
            ("a/b", ".././../a/b", true),
            ("a/b/c", "../../d/./e", false),
            ("a", ".git/config", true),
            ("a/b", "../.git", true),
            ("a", "x/../../y", true),
            ("a", ".github/x", false),
        ] {
            assert_eq!(
                leaves_the_repository(path.as_bytes(), target.as_bytes()),
                leaves,
                "{path} -> {target}"
            );
        }
    }
}
