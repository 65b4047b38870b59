//! Measures changed files: lines added and deleted, binary or text, and an id of the content for the report's digest.
//! Everything is bounded, so that one huge file cannot hold up a report: what is too large is said to be uncounted.

use std::os::unix::fs::MetadataExt;

use git2::{Oid, Patch, Repository};
use sha2::{Digest, Sha256};

use super::GitError;
use super::attributes::{Attributes, Name, State};
use super::change::{MAX_COUNTED_BYTES, Measured};
use super::convert::Conversion;
use super::disk::{Disk, sha256_of};
use super::files::{self, Entry};
use super::index::{GITLINK, LINK};
use super::objects::small_blob;
use super::rows::{Half, Row, Side};
use super::threads::{self, Turns};
use crate::domain::hex::hex;
use crate::domain::report::ChangeStatus;

/// Largest file whose bytes are part of the digest. Above, size and modification time stand for them.
const MAX_HASHED_BYTES: u64 = 64 << 20;

/// Rows that are measured one after the other by one thread.
const ROWS_PER_TURN: usize = 64;

/// What is read of the contents of as many rows; half a second or so from a cold disk. It belongs to the turn and not to
/// the whole, so that the same tree is measured in the same way by any number of threads.
const MAX_TURN_BYTES: u64 = 128 << 20;

/// Git's own test for a binary file looks at this many bytes.
const BINARY_PROBE_BYTES: usize = 8000;

/// Measures all rows, in their order.
pub(super) fn measure(
    disk: &Disk<'_>,
    repository: &Repository,
    rows: &[(&[u8], &Row)],
) -> Result<Vec<Measured>, GitError> {
    let work = |repository: &Repository, turns: &Turns<'_, _, _>| {
        turns.take(|rows: &[(&[u8], &Row)]| {
            let mut meter = Meter {
                disk,
                repository,
                budget: MAX_TURN_BYTES,
            };
            rows.iter()
                .map(|(path, row)| meter.row(path, row))
                .collect::<Result<Vec<_>, _>>()
        });
    };
    let turns = threads::share(
        rows,
        ROWS_PER_TURN,
        |turns| work(repository, turns),
        |turns| {
            // One that cannot open the repository takes no turn.
            disk.objects.with(|repository| work(repository, turns));
        },
    );
    let mut measured = Vec::with_capacity(rows.len());
    for turn in turns {
        measured.extend(turn?);
    }
    Ok(measured)
}

/// Measures the rows of one turn.
struct Meter<'a> {
    disk: &'a Disk<'a>,
    repository: &'a Repository,
    budget: u64,
}

/// The text that stands on one side.
enum Text {
    Known(Vec<u8>),
    /// Too large, not here or not readable.
    Unknown,
}

impl Meter<'_> {
    fn row(&mut self, path: &[u8], row: &Row) -> Result<Measured, GitError> {
        self.disk.deadline.check()?;
        if path.ends_with(b"/") {
            return Ok(unread(path, row));
        }
        let (right, is_on_disk) = row.right();
        let attributes = self.disk.rules.of(path);
        let (new, lying) = if is_on_disk && right.mode != 0 && right.mode != GITLINK {
            self.on_disk(path, row, right, &attributes)?
        } else {
            (self.recorded(right), None)
        };
        let content = self.content(path, row, lying)?;
        let statuses = [row.index, row.worktree].map(|half| half.map(|half| half.status));
        if statuses.contains(&Some(ChangeStatus::Conflicted)) {
            return Ok(Measured::uncounted(content));
        }
        let left = row.left();
        let old = self.recorded(left);
        let (Text::Known(old), Text::Known(new)) = (old, new) else {
            return Ok(Measured::uncounted(content));
        };
        let mut measured = compare(&old, &new, &attributes);
        measured.same_content &= left.mode != 0 && right.mode != 0;
        measured.content = content;
        Ok(measured)
    }

    /// The text of a recorded side.
    fn recorded(&mut self, side: Side) -> Text {
        match side.mode {
            0 => Text::Known(Vec::new()),
            GITLINK => Text::Known(format!("Subproject commit {}\n", side.id).into_bytes()),
            _ => {
                let limit = MAX_COUNTED_BYTES.min(self.budget);
                match small_blob(self.repository, side.id, limit) {
                    Some(bytes) => {
                        self.budget -= bytes.len() as u64;
                        Text::Known(bytes)
                    }
                    None => Text::Unknown,
                }
            }
        }
    }

    /// The text of a file on disk as Git would record it, and the name of what lies there. It is read once for both.
    fn on_disk(
        &mut self,
        path: &[u8],
        row: &Row,
        side: Side,
        attributes: &Attributes,
    ) -> Result<(Text, Option<String>), GitError> {
        let unreadable = || (Text::Unknown, Some("unreadable".to_owned()));
        let (file, size) = match files::look_in(self.disk.root.folder(), path) {
            Ok(Entry::File(file, size)) => (file, size),
            Ok(Entry::Symlink(target)) => {
                let name = format!("link:{}", hex(&Sha256::digest(&target)));
                return Ok((Text::Known(target), Some(name)));
            }
            Ok(Entry::Missing) => return Ok((Text::Unknown, Some("none".to_owned()))),
            Ok(Entry::Directory) => return Ok((Text::Unknown, Some("folder".to_owned()))),
            Ok(Entry::Special) => return Ok((Text::Unknown, Some("special".to_owned()))),
            Err(_) => return Ok(unreadable()),
        };
        if size > MAX_COUNTED_BYTES || size > self.budget {
            return Ok((Text::Unknown, Some(self.name_of_large(file, size)?)));
        }
        let Ok(Some(bytes)) = files::read_limited(file, MAX_COUNTED_BYTES) else {
            return Ok(unreadable());
        };
        self.budget -= (bytes.len() as u64).min(self.budget);
        let name = format!("sha256:{}", hex(&Sha256::digest(&bytes)));
        if side.mode == LINK {
            return Ok((Text::Known(bytes), Some(name)));
        }
        let conversion = Conversion::of(attributes, self.disk.settings);
        let recorded = self.staged_id(row);
        Ok((
            Text::Known(self.disk.converted(conversion, bytes, recorded)),
            Some(name),
        ))
    }

    /// What the index has for the file.
    fn staged_id(&self, row: &Row) -> Option<Oid> {
        let id = match (row.index, row.worktree) {
            (Some(half), _) => half.new.id,
            (None, Some(half)) => half.old.id,
            (None, None) => return None,
        };
        Some(id).filter(|id| !id.is_zero())
    }

    /// A name for the content of a file that is not counted.
    fn name_of_large(&mut self, file: std::fs::File, size: u64) -> Result<String, GitError> {
        let metadata = file.metadata();
        if size <= MAX_HASHED_BYTES && size <= self.budget {
            self.budget -= size;
            let hash = sha256_of(file, size, self.disk.deadline)?;
            return Ok(
                hash.map_or_else(|| "unreadable".to_owned(), |hash| format!("sha256:{hash}"))
            );
        }
        Ok(metadata.map_or_else(
            |_| "unreadable".to_owned(),
            |data| format!("large:{size}:{}.{}", data.mtime(), data.mtime_nsec()),
        ))
    }

    /// Names what a row leads to, in the index and on disk.
    fn content(
        &mut self,
        path: &[u8],
        row: &Row,
        lying: Option<String>,
    ) -> Result<String, GitError> {
        let staged = staged_content(row.index);
        let Some(half) = row.worktree else {
            return Ok(staged);
        };
        if half.new.mode == GITLINK {
            return Ok(commit_content(half));
        }
        let lying = match lying {
            Some(lying) => lying,
            None if half.new.mode == 0 && half.status != ChangeStatus::Conflicted => {
                "none".to_owned()
            }
            // Deleted in the index or in conflict, and there.
            None => {
                let attributes = Attributes::default();
                let lying = self.on_disk(path, row, half.new, &attributes)?.1;
                lying.unwrap_or_default()
            }
        };
        Ok(match row.index {
            None if half.status == ChangeStatus::Untracked => lying,
            _ => format!("{staged}+{lying}"),
        })
    }
}

/// Compares two texts.
fn compare(old: &[u8], new: &[u8], attributes: &Attributes) -> Measured {
    let said = attributes.get(Name::Diff);
    let binary = match said {
        State::Set => false,
        State::Unset => true,
        _ => is_binary(old) || is_binary(new),
    };
    let same_content = old == new;
    if binary {
        return Measured {
            binary,
            same_content,
            ..Measured::default()
        };
    }
    let counted = match (old.is_empty(), new.is_empty()) {
        _ if same_content => Some((0, 0)),
        (true, _) => Some((count_lines(new), 0)),
        (_, true) => Some((0, count_lines(old))),
        _ => changed_lines(old, new),
    };
    match counted {
        Some((additions, deletions)) => Measured {
            additions: Some(additions),
            deletions: Some(deletions),
            same_content,
            ..Measured::default()
        },
        None => Measured::uncounted(String::new()),
    }
}

/// Lines added and deleted between two texts.
fn changed_lines(old: &[u8], new: &[u8]) -> Option<(u64, u64)> {
    let mut options = git2::DiffOptions::new();
    options.context_lines(0).interhunk_lines(0).force_text(true);
    let patch = Patch::from_buffers(old, None, new, None, Some(&mut options)).ok()?;
    let (_, additions, deletions) = patch.line_stats().ok()?;
    Some((additions as u64, deletions as u64))
}

/// What can be said of a row without reading any file.
pub(super) fn unread(path: &[u8], row: &Row) -> Measured {
    let content = match row.worktree {
        _ if path.ends_with(b"/") => "repository".to_owned(),
        Some(half) if half.new.mode == GITLINK => commit_content(half),
        _ => staged_content(row.index),
    };
    Measured {
        content,
        ..Measured::default()
    }
}

/// Names the commit at which a submodule stands, and whether it has changes of its own.
fn commit_content(half: Half) -> String {
    let is_dirty = half.old == half.new;
    format!(
        "commit:{}{}",
        half.new.id,
        if is_dirty { "+dirty" } else { "" }
    )
}

/// Names the staged content of a row.
fn staged_content(half: Option<Half>) -> String {
    match half {
        Some(half) if half.new.mode == 0 => "none".to_owned(),
        Some(half) => format!("blob:{}", half.new.id),
        None => String::new(),
    }
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
