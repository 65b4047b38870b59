//! Measures changed files: lines added and deleted, binary or text, and an id of the content for the report's digest.
//! Everything is bounded, so that one huge file cannot hold up a report: what is too large is said to be uncounted.

use std::io::Read;
use std::os::unix::fs::MetadataExt;

use git2::{Delta, Diff, DiffDelta, FileMode, Oid, Patch};
use sha2::{Digest, Sha256};

use super::changes::Deadline;
use super::files::{self, Entry};
use super::rows::{Half, Row};
use super::{GitError, Repo};
use crate::domain::report::ChangeStatus;

/// Largest file whose lines are counted. Counting takes the file and its former content into memory; source files are a
/// hundredth of this, and ten times as much would cost seconds and most of a small machine's memory.
pub const MAX_COUNTED_BYTES: u64 = 8 << 20;

/// Largest file whose bytes are part of the digest. Above, size and modification time stand for them.
const MAX_HASHED_BYTES: u64 = 64 << 20;

/// What one report reads of the files' content in all; a second or two from a cold disk.
const MAX_TOTAL_BYTES: u64 = 512 << 20;

/// Git's own test for a binary file looks at this many bytes.
const BINARY_PROBE_BYTES: usize = 8000;

/// What was found out about one changed file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Lines added.
    pub additions: Option<u64>,
    /// Lines deleted.
    pub deletions: Option<u64>,
    /// Not a text file.
    pub binary: bool,
    /// Too large to be counted, or not readable.
    pub uncounted: bool,
    /// The content is the same on both sides.
    pub same_content: bool,
    /// Names the content on the right side, for the digest.
    pub content: String,
}

/// Measures the rows of one comparison.
pub(super) struct Meter<'a> {
    repo: &'a Repo,
    diff: &'a Diff<'a>,
    deadline: &'a Deadline,
    budget: u64,
}

impl<'a> Meter<'a> {
    pub(super) fn new(repo: &'a Repo, diff: &'a Diff<'a>, deadline: &'a Deadline) -> Self {
        Self {
            repo,
            diff,
            deadline,
            budget: MAX_TOTAL_BYTES,
        }
    }

    /// A row whose right side is the index.
    pub(super) fn measure_in_index(
        &mut self,
        row: &Row,
        position: usize,
    ) -> Result<Measured, GitError> {
        self.deadline.check()?;
        let mut measured = self.lines(position);
        measured.content = staged_content(row.index);
        Ok(measured)
    }

    /// A row whose right side is the file on disk.
    pub(super) fn measure_on_disk(
        &mut self,
        path: &[u8],
        row: &Row,
        position: Option<usize>,
    ) -> Result<Measured, GitError> {
        self.deadline.check()?;
        if path.ends_with(b"/") {
            return Ok(Measured {
                content: "repository".to_owned(),
                ..Measured::default()
            });
        }
        if row.index.is_none()
            && row
                .worktree
                .is_some_and(|half| half.status == ChangeStatus::Untracked)
        {
            return Ok(self.untracked(path));
        }
        let mut measured = match position {
            Some(position) => self.lines(position),
            None => Measured {
                uncounted: true,
                ..Measured::default()
            },
        };
        measured.content = match (row.index, row.worktree) {
            (index, None) => staged_content(index),
            (_, Some(half)) if half.new_mode == 0o160_000 => format!("commit:{}", half.new_id),
            (index, Some(_)) => format!("{}+{}", staged_content(index), self.content_on_disk(path)),
        };
        Ok(measured)
    }

    /// Line counts of one row of the diff, with whatever conversions of line ends the repository asks for.
    fn lines(&mut self, position: usize) -> Measured {
        let uncounted = Measured {
            uncounted: true,
            ..Measured::default()
        };
        let Some(delta) = self.diff.get_delta(position) else {
            return uncounted;
        };
        if delta.status() == Delta::Unmodified {
            return Measured {
                additions: Some(0),
                deletions: Some(0),
                same_content: true,
                ..Measured::default()
            };
        }
        let (old, new) = (delta.old_file(), delta.new_file());
        let same_content = old.is_valid_id() && new.is_valid_id() && old.id() == new.id();
        if same_content && !old.id().is_zero() && delta.status() != Delta::Conflicted {
            let binary = self.is_binary_blob(old.id(), old.size());
            return Measured {
                additions: (!binary).then_some(0),
                deletions: (!binary).then_some(0),
                same_content,
                binary,
                ..Measured::default()
            };
        }
        let size = old.size().max(new.size());
        if delta.status() == Delta::Conflicted || size > MAX_COUNTED_BYTES || size > self.budget {
            return uncounted;
        }
        self.budget -= size;
        if delta.status() == Delta::Typechange {
            return self.type_change(&delta).unwrap_or(uncounted);
        }
        // A missing blob (a partial clone) or an unreadable file costs its counts, not the report.
        let Ok(Some(patch)) = Patch::from_diff(self.diff, position) else {
            return uncounted;
        };
        let delta = patch.delta();
        let (old, new) = (delta.old_file(), delta.new_file());
        let same_content = old.is_valid_id() && new.is_valid_id() && old.id() == new.id();
        if delta.flags().is_binary() {
            // The size on disk is only known now.
            let is_large = old.size().max(new.size()) > MAX_COUNTED_BYTES;
            return Measured {
                binary: !is_large,
                uncounted: is_large,
                same_content,
                ..Measured::default()
            };
        }
        match patch.line_stats() {
            Ok((_, additions, deletions)) => Measured {
                additions: Some(additions as u64),
                deletions: Some(deletions as u64),
                same_content: same_content || (additions == 0 && deletions == 0),
                ..Measured::default()
            },
            Err(_) => uncounted,
        }
    }

    /// libgit2 makes no patch across kinds; Git compares the texts that stand for them: a file's content, a link's target,
    /// the line that names a submodule's commit.
    fn type_change(&self, delta: &DiffDelta<'_>) -> Option<Measured> {
        let recorded = |file: &git2::DiffFile<'_>| match file.mode() {
            FileMode::Commit => Some(format!("Subproject commit {}\n", file.id()).into_bytes()),
            _ => self.repo.blob(file.id(), MAX_COUNTED_BYTES),
        };
        let (old, new) = (delta.old_file(), delta.new_file());
        let before = recorded(&old)?;
        let after = match files::look(self.repo.root(), new.path_bytes()?) {
            // Also tells a staged side: its content is in the object store, whatever lies on disk.
            _ if self.repo.has_blob(new.id()) || new.mode() == FileMode::Commit => recorded(&new)?,
            Ok(Entry::File(file, _)) => files::read_limited(file, MAX_COUNTED_BYTES).ok()??,
            Ok(Entry::Symlink(target)) => target,
            _ => return None,
        };
        let binary = is_binary(&before) || is_binary(&after);
        let patch = Patch::from_buffers(&before, None, &after, None, None).ok()?;
        let (_, additions, deletions) = patch.line_stats().ok()?;
        Some(Measured {
            additions: (!binary).then_some(additions as u64),
            deletions: (!binary).then_some(deletions as u64),
            binary,
            ..Measured::default()
        })
    }

    fn is_binary_blob(&mut self, id: Oid, size: u64) -> bool {
        if size > self.budget {
            return false;
        }
        self.repo
            .blob(id, MAX_COUNTED_BYTES)
            .is_some_and(|bytes| is_binary(&bytes))
    }

    /// A file that Git does not know: all of its lines are new. It is read once, for the lines and for the digest.
    fn untracked(&mut self, path: &[u8]) -> Measured {
        let uncounted = |content: String| Measured {
            uncounted: true,
            content,
            ..Measured::default()
        };
        match files::look(self.repo.root(), path) {
            Ok(Entry::File(file, size)) if size <= MAX_COUNTED_BYTES && size <= self.budget => {
                self.budget -= size;
                match files::read_limited(file, MAX_COUNTED_BYTES) {
                    Ok(Some(bytes)) => {
                        let binary = is_binary(&bytes);
                        let lines = (!binary).then(|| count_lines(&bytes));
                        Measured {
                            additions: lines,
                            deletions: lines.map(|_| 0),
                            binary,
                            content: format!("sha256:{}", hex(&Sha256::digest(&bytes))),
                            ..Measured::default()
                        }
                    }
                    _ => uncounted("unreadable".to_owned()),
                }
            }
            Ok(Entry::Symlink(target)) => Measured {
                additions: Some(1),
                deletions: Some(0),
                content: format!("link:{}", hex(&Sha256::digest(&target))),
                ..Measured::default()
            },
            Ok(_) => uncounted(self.content_on_disk(path)),
            Err(_) => uncounted("unreadable".to_owned()),
        }
    }

    /// Names what lies at `path` now.
    fn content_on_disk(&mut self, path: &[u8]) -> String {
        match files::look(self.repo.root(), path) {
            Ok(Entry::Missing) => "none".to_owned(),
            Ok(Entry::Symlink(target)) => format!("link:{}", hex(&Sha256::digest(&target))),
            Ok(Entry::File(mut file, size)) => {
                if size <= MAX_HASHED_BYTES && size <= self.budget {
                    self.budget -= size;
                    hash_file(&mut file, size)
                        .map_or_else(|| "unreadable".to_owned(), |hash| format!("sha256:{hash}"))
                } else {
                    file.metadata().map_or_else(
                        |_| "unreadable".to_owned(),
                        |data| format!("large:{size}:{}.{}", data.mtime(), data.mtime_nsec()),
                    )
                }
            }
            Ok(Entry::Directory) => "folder".to_owned(),
            Ok(Entry::Special) => "special".to_owned(),
            Err(_) => "unreadable".to_owned(),
        }
    }
}

/// Names the staged content of a row.
fn staged_content(half: Option<Half>) -> String {
    match half {
        Some(half) if half.new_mode == 0 => "none".to_owned(),
        Some(half) => format!("blob:{}", half.new_id),
        None => String::new(),
    }
}

fn hash_file(file: &mut std::fs::File, size: u64) -> Option<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    // A file that grows meanwhile must not keep us here.
    let mut rest = size.saturating_add(1);
    while rest > 0 {
        let wanted = buffer
            .len()
            .min(usize::try_from(rest).unwrap_or(usize::MAX));
        match file.read(&mut buffer[..wanted]) {
            Ok(0) => break,
            Ok(count) => {
                hasher.update(&buffer[..count]);
                rest -= count as u64;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    Some(hex(&hasher.finalize()))
}

/// Whether Git would call these bytes binary.
pub fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(BINARY_PROBE_BYTES).any(|byte| *byte == 0)
}

/// Lines of a text; a last one without an end counts.
fn count_lines(bytes: &[u8]) -> u64 {
    let ends = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    ends + u64::from(bytes.last().is_some_and(|byte| *byte != b'\n'))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}
