//! What is staged, line by line, for a person who reviews it. Everything is bounded and whatever is left out is said.
//!
//! Both sides come from the object store and are compared as bytes: no attribute of the repository (`-diff`, `binary`, a
//! driver, a filter) decides what a reviewer gets to see.

use git2::{Delta, DiffDelta, DiffFile, DiffOptions, FileMode, Oid, Patch};
use serde::{Deserialize, Serialize};

use super::counts::is_binary;
use super::deadline::Deadline;
use super::deltas::{find_renames, mode_bits, old_path_of, path_of, status_of};
use super::{GitError, Repo};
use crate::domain::report::ChangeStatus;

/// Lines around a change.
const CONTEXT_LINES: u32 = 3;

/// How a Git LFS pointer begins.
const LFS_SIGN: &[u8] = b"version https://git-lfs.github.com/spec/";

/// A pointer is never longer.
const LFS_BYTES: usize = 1024;

/// How much is read and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest file that is compared.
    pub file_bytes: u64,
    /// Lines of one file.
    pub file_lines: usize,
    /// Lines of all files together.
    pub lines: usize,
    /// Characters of one line.
    pub line_chars: usize,
}

/// For all files at once: what a person reads on one page, and a browser lays out in a moment.
pub const OVERVIEW: Limits = Limits {
    file_bytes: 1 << 20,
    file_lines: 500,
    lines: 5_000,
    line_chars: 1_000,
};

/// For one file that somebody asked for.
pub const WHOLE_FILE: Limits = Limits {
    file_bytes: 4 << 20,
    file_lines: 20_000,
    lines: 20_000,
    line_chars: 20_000,
};

/// One staged file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiff {
    /// Its place in the list; the same for the same two trees.
    pub file: usize,
    /// Path from the root; bytes that are no UTF-8 are shown as U+FFFD.
    pub path: String,
    /// Former name, or source of a copy.
    pub old_path: Option<String>,
    /// What happened.
    pub status: ChangeStatus,
    /// Git's file mode before, in octal; none when there was nothing.
    pub old_mode: Option<String>,
    /// Git's file mode now, in octal; none when there is nothing.
    pub new_mode: Option<String>,
    /// What can be said of the content.
    pub content: Content,
}

/// The content of a changed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// Lines.
    Text {
        /// Lines added.
        additions: usize,
        /// Lines deleted.
        deletions: usize,
        /// The changed places with lines around them.
        hunks: Vec<Hunk>,
        /// Lines of the comparison that are not shown here.
        left_out: usize,
    },
    /// Only the name or the mode changed.
    Same,
    /// No text.
    Binary {
        /// Size before.
        old_bytes: Option<u64>,
        /// Size now.
        new_bytes: Option<u64>,
    },
    /// Git LFS: the repository holds pointers, the content lies elsewhere.
    Lfs {
        /// Before.
        old: Option<Pointer>,
        /// Now.
        new: Option<Pointer>,
    },
    /// Another repository, by its commit.
    Submodule {
        /// Before.
        old: Option<String>,
        /// Now.
        new: Option<String>,
    },
    /// Too large to be compared.
    TooLarge {
        /// Size of the larger side.
        bytes: u64,
    },
    /// An object is not here, as in a partial clone.
    Missing,
    /// A merge left it unresolved.
    Conflicted,
    /// Enough was shown already; it can be asked for.
    NotShown,
}

/// What an LFS pointer says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// Id of the content.
    pub oid: String,
    /// Its size in bytes.
    pub bytes: Option<u64>,
}

/// A changed place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// `@@ -1,2 +3,4 @@` and what Git shows behind it.
    pub header: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// On both sides.
    Same,
    /// Only now.
    Added,
    /// Only before.
    Deleted,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it is.
    pub kind: LineKind,
    /// Its number before.
    pub old: Option<u32>,
    /// Its number now.
    pub new: Option<u32>,
    /// Its text without its end; bytes that are no UTF-8 are shown as U+FFFD.
    pub text: String,
    /// Characters that are left out at its end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// The file ends here without a line end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_newline: bool,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Repo {
    /// Compares HEAD with the index, file by file, in the order of their paths.
    ///
    /// With `only`, the content of that file alone is read; the others are listed.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn staged_diffs(
        &self,
        limits: Limits,
        only: Option<usize>,
        deadline: &Deadline,
    ) -> Result<Vec<FileDiff>, GitError> {
        let failed = |error| GitError::from_library("comparing the index with HEAD", &error);
        let tree = self.head_tree()?;
        let mut options = DiffOptions::new();
        options.include_typechange(true);
        let mut diff = self
            .inner
            .diff_tree_to_index(tree.as_ref(), None, Some(&mut options))
            .map_err(failed)?;
        deadline.check()?;
        find_renames(&mut diff)?;
        let intents = self.intents()?;
        let mut deltas: Vec<DiffDelta<'_>> = diff
            .deltas()
            .filter(|delta| status_of(delta).is_some() && !intents.contains(path_of(delta)))
            .collect();
        deltas.sort_by(|left, right| path_of(left).cmp(path_of(right)));
        // A conflict has one delta for each side.
        deltas.dedup_by(|left, right| path_of(left) == path_of(right));
        let mut budget = limits.lines;
        deltas
            .iter()
            .enumerate()
            .map(|(file, delta)| {
                let wanted = only.is_none_or(|only| only == file) && deadline.check().is_ok();
                let content = match wanted && budget > 0 {
                    true => self.difference(delta, limits, &mut budget)?,
                    false => Content::NotShown,
                };
                Ok(FileDiff {
                    file,
                    path: shown(path_of(delta)),
                    old_path: old_path_of(delta).as_deref().map(shown),
                    status: status_of(delta).unwrap_or(ChangeStatus::Modified),
                    old_mode: mode(delta.old_file().mode()),
                    new_mode: mode(delta.new_file().mode()),
                    content,
                })
            })
            .collect()
    }

    fn difference(
        &self,
        delta: &DiffDelta<'_>,
        limits: Limits,
        budget: &mut usize,
    ) -> Result<Content, GitError> {
        let (old, new) = (delta.old_file(), delta.new_file());
        if delta.status() == Delta::Conflicted {
            return Ok(Content::Conflicted);
        }
        let is_module = |file: &DiffFile<'_>| file.mode() == FileMode::Commit;
        if is_module(&old) || is_module(&new) {
            let commit = |file: &DiffFile<'_>| is_module(file).then(|| file.id().to_string());
            return Ok(Content::Submodule {
                old: commit(&old),
                new: commit(&new),
            });
        }
        if old.id() == new.id() {
            return Ok(Content::Same);
        }
        let (Some(before), Some(now)) = (self.side(old.id(), limits), self.side(new.id(), limits))
        else {
            return Ok(Content::Missing);
        };
        let bytes = [&before, &now].map(|side| match side {
            Side::TooLarge(bytes) => *bytes,
            _ => 0,
        });
        if let Some(bytes) = bytes.into_iter().max().filter(|bytes| *bytes > 0) {
            return Ok(Content::TooLarge { bytes });
        }
        let (before, now) = (before.bytes(), now.bytes());
        let size = |id: Oid, bytes: &[u8]| (!id.is_zero()).then_some(bytes.len() as u64);
        if is_binary(before) || is_binary(now) {
            return Ok(Content::Binary {
                old_bytes: size(old.id(), before),
                new_bytes: size(new.id(), now),
            });
        }
        let (old_pointer, new_pointer) = (pointer(before), pointer(now));
        if new_pointer.is_some() || (now.is_empty() && old_pointer.is_some()) {
            return Ok(Content::Lfs {
                old: old_pointer,
                new: new_pointer,
            });
        }
        lines(before, now, limits, budget)
            .map_err(|error| GitError::from_library("comparing a file", &error))
    }

    /// One side of a comparison; none when its object is not here.
    fn side(&self, id: Oid, limits: Limits) -> Option<Side> {
        if id.is_zero() {
            return Some(Side::Bytes(Vec::new()));
        }
        let (size, _) = self.inner.odb().ok()?.read_header(id).ok()?;
        if size as u64 > limits.file_bytes {
            return Some(Side::TooLarge(size as u64));
        }
        self.blob(id, limits.file_bytes).map(Side::Bytes)
    }
}

enum Side {
    Bytes(Vec<u8>),
    TooLarge(u64),
}

impl Side {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::TooLarge(_) => &[],
        }
    }
}

fn lines(
    before: &[u8],
    now: &[u8],
    limits: Limits,
    budget: &mut usize,
) -> Result<Content, git2::Error> {
    let mut options = DiffOptions::new();
    options
        .context_lines(CONTEXT_LINES)
        .force_text(true)
        .indent_heuristic(true);
    let patch = Patch::from_buffers(before, None, now, None, Some(&mut options))?;
    let (_, additions, deletions) = patch.line_stats()?;
    let mut room = limits.file_lines.min(*budget);
    let mut left_out = 0;
    let mut hunks: Vec<Hunk> = Vec::new();
    for number in 0..patch.num_hunks() {
        let (hunk, count) = patch.hunk(number)?;
        if room == 0 {
            left_out += count;
            continue;
        }
        let mut lines: Vec<Line> = Vec::new();
        for position in 0..count {
            let line = patch.line_in_hunk(number, position)?;
            let kind = match line.origin() {
                '+' => LineKind::Added,
                '-' => LineKind::Deleted,
                ' ' => LineKind::Same,
                // Git's "\ No newline at end of file" is about the line before.
                _ => {
                    if let Some(last) = lines.last_mut() {
                        last.no_newline = true;
                    }
                    continue;
                }
            };
            if room == 0 {
                left_out += 1;
                continue;
            }
            room -= 1;
            *budget -= 1;
            let text = String::from_utf8_lossy(line.content());
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let cut: String = text.chars().take(limits.line_chars).collect();
            lines.push(Line {
                kind,
                old: line.old_lineno(),
                new: line.new_lineno(),
                left_out: text[cut.len()..].chars().count(),
                text: cut,
                no_newline: false,
            });
        }
        hunks.push(Hunk {
            header: String::from_utf8_lossy(hunk.header()).trim_end().to_owned(),
            lines,
        });
    }
    Ok(Content::Text {
        additions,
        deletions,
        hunks,
        left_out,
    })
}

fn pointer(bytes: &[u8]) -> Option<Pointer> {
    if bytes.len() > LFS_BYTES || !bytes.starts_with(LFS_SIGN) {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    Some(Pointer {
        oid: value("oid ")?.chars().take(80).collect(),
        bytes: value("size ").and_then(|size| size.parse().ok()),
    })
}

fn mode(mode: FileMode) -> Option<String> {
    let bits = mode_bits(mode);
    (bits != 0).then(|| format!("{bits:06o}"))
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
