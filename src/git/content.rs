//! The content of changed files on both sides of a comparison, and which of its lines a change adds. Everything is bounded:
//! what is too large is said to be so.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use git2::{DiffOptions, ObjectType, Oid, Patch};

use super::change::Change;
use super::counts::is_binary;
use super::deadline::Deadline;
use super::files::{self, Entry};
use super::index::LINK;
use super::{GitError, Repo};
use crate::domain::report::{ChangeStatus, FileKind};

/// Where one content of a changed file stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// In the index.
    Index(Oid),
    /// On disk.
    Disk,
}

/// What stands there.
#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    /// An ordinary file.
    File {
        /// Its size.
        size_bytes: u64,
        /// Its bytes, unless there are more of them than the reader wanted.
        bytes: Option<Vec<u8>>,
    },
    /// A symbolic link; its target was not looked at.
    Link(Vec<u8>),
    /// Nothing, a folder, or something that is never read.
    None,
    /// It could not be read.
    Unreadable,
}

/// Names the staged content of a change: what a commit would take of it, unless that is nothing.
pub fn staged_blob(change: &Change) -> Option<Oid> {
    let content = change.measured.content.strip_prefix("blob:")?;
    let id = content.split('+').next().unwrap_or(content);
    Oid::from_str(id).ok().filter(|id| !id.is_zero())
}

/// The contents that a change brings: the staged one when there is one, and the one on disk where it differs. A deleted
/// file brings none.
pub fn new_sides(change: &Change, is_staged_mode: bool) -> Vec<Side> {
    if change.status == ChangeStatus::Deleted && change.worktree_status.is_none() {
        return Vec::new();
    }
    // What is staged of a conflict is one side of it, and no change of anybody's.
    let staged = staged_blob(change).filter(|_| change.status != ChangeStatus::Conflicted);
    let is_on_disk = staged.is_none() || change.worktree_status.is_some();
    let disk = (is_on_disk && !is_staged_mode).then_some(Side::Disk);
    staged.map(Side::Index).into_iter().chain(disk).collect()
}

impl Repo {
    /// Reads one side of `change`, the bytes up to `limit` of it.
    pub fn content(&self, change: &Change, side: Side, limit: u64) -> Content {
        match side {
            Side::Index(id) => self.recorded(id, change.kind == FileKind::Symlink, limit),
            Side::Disk => self.content_on_disk(&change.path, limit),
        }
    }

    /// What lies at `path`, the bytes up to `limit` of it.
    pub fn content_on_disk(&self, path: &[u8], limit: u64) -> Content {
        match files::look_in(self.root.folder(), path) {
            Ok(Entry::File(_, size_bytes)) if size_bytes > limit => Content::File {
                size_bytes,
                bytes: None,
            },
            Ok(Entry::File(file, size_bytes)) => match files::read_limited(file, limit) {
                Ok(bytes) => Content::File { size_bytes, bytes },
                Err(_) => Content::Unreadable,
            },
            Ok(Entry::Symlink(target)) => Content::Link(target),
            Ok(Entry::Missing | Entry::Directory | Entry::Special) => Content::None,
            Err(_) => Content::Unreadable,
        }
    }

    pub(super) fn recorded(&self, id: Oid, is_link: bool, limit: u64) -> Content {
        let header = self.inner.odb().and_then(|odb| odb.read_header(id));
        match header {
            Ok((size, ObjectType::Blob)) if is_link => match self.blob(id, limit) {
                Some(target) => Content::Link(target),
                None => Content::File {
                    size_bytes: size as u64,
                    bytes: None,
                },
            },
            Ok((size, ObjectType::Blob)) => Content::File {
                size_bytes: size as u64,
                bytes: self.blob(id, limit),
            },
            // A submodule's commit, which is no object of this repository.
            Ok(_) => Content::None,
            Err(_) => Content::Unreadable,
        }
    }

    /// What the index holds at `path`, the bytes up to `limit` of it.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn staged_content(
        &self,
        path: &str,
        limit: u64,
        deadline: &Deadline,
    ) -> Result<Content, GitError> {
        let item = self.index(deadline)?.find(path.as_bytes());
        Ok(item.map_or(Content::None, |item| {
            self.recorded(item.id, item.mode == LINK, limit)
        }))
    }

    /// What stood at a change's path, or at its former name, in the tree that it is compared with: its size, and its bytes
    /// up to `limit`.
    pub fn former(&self, change: &Change, tree: Option<&str>, limit: u64) -> Option<Content> {
        let tree = self.inner.find_tree(Oid::from_str(tree?).ok()?).ok()?;
        let path = change.old_path.as_deref().unwrap_or(&change.path);
        let path = Path::new(OsStr::from_bytes(path));
        let entry = tree.get_path(path).ok()?;
        (entry.kind() == Some(ObjectType::Blob))
            .then(|| self.recorded(entry.id(), entry.filemode() == 0o120_000, limit))
    }
}

/// A file's bytes as text in which lines end in a line feed: UTF-16, which some systems write, becomes UTF-8, and a carriage
/// return before a line feed is left out. None for what Git calls binary.
pub fn as_text(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(utf16(rest, u16::from_be_bytes)),
        _ if is_binary(bytes) => return None,
        _ => Cow::Borrowed(bytes),
    };
    if !text.windows(2).any(|pair| pair == b"\r\n") {
        return Some(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    for (at, byte) in text.iter().enumerate() {
        if *byte != b'\r' || text.get(at + 1) != Some(&b'\n') {
            plain.push(*byte);
        }
    }
    Some(Cow::Owned(plain))
}

fn utf16(bytes: &[u8], join: fn([u8; 2]) -> u16) -> Vec<u8> {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| join([pair[0], pair[1]]))
        .collect();
    String::from_utf16_lossy(&units).into_bytes()
}

/// The lines of `new`, from 1, that `old` lacks, as Git's own comparison has them.
pub fn added_lines(old: &[u8], new: &[u8]) -> Result<BTreeSet<u64>, GitError> {
    let failed = |error| GitError::from_library("comparing two texts", &error);
    let mut options = DiffOptions::new();
    options.context_lines(0).force_text(true);
    let patch = Patch::from_buffers(old, None, new, None, Some(&mut options)).map_err(failed)?;
    let mut lines = BTreeSet::new();
    for hunk in 0..patch.num_hunks() {
        for line in 0..patch.num_lines_in_hunk(hunk).map_err(failed)? {
            let line = patch.line_in_hunk(hunk, line).map_err(failed)?;
            if line.origin() == '+' {
                lines.extend(line.new_lineno().map(u64::from));
            }
        }
    }
    Ok(lines)
}
