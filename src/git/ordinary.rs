//! Whether the files that libgit2 opens as it opens a repository are ordinary ones. It would wait for ever on a pipe, read a device, and
//! take a file of any size into memory. Whoever can write into `.git` can put a pipe there afterwards, too: then it is the time limit of the
//! [child](crate::process::confined) that ends the waiting.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::GitError;
use super::files;

/// Largest file that holds settings or names one thing.
const MAX_SMALL_BYTES: u64 = 16 << 20;

/// Largest list of packed references: some two million of them.
const MAX_REFS_BYTES: u64 = 256 << 20;

/// Longest `.git` file, `commondir` or HEAD: one line with a path.
const MAX_LINE_BYTES: u64 = 64 << 10;

/// Checks the files of the repository whose `.git` lies at `dot_git`.
///
/// # Errors
/// With the first that is no ordinary file, or too large.
pub(super) fn check(dot_git: &Path) -> Result<(), GitError> {
    let own = match std::fs::symlink_metadata(dot_git) {
        Ok(found) if found.is_dir() => dot_git.to_owned(),
        Ok(_) => {
            is_fit(dot_git, MAX_LINE_BYTES)?;
            match line_of(dot_git, b"gitdir:") {
                Some(path) => beside(dot_git, &path),
                // libgit2 says what is wrong with it.
                None => return Ok(()),
            }
        }
        Err(_) => return Ok(()),
    };
    for name in ["HEAD", "config.worktree", "commondir", "gitdir"] {
        is_fit(&own.join(name), MAX_SMALL_BYTES)?;
    }
    let common = match line_of(&own.join("commondir"), b"") {
        Some(path) => own.join(path),
        None => own.clone(),
    };
    for name in ["config", "shallow", "objects/info/alternates"] {
        is_fit(&common.join(name), MAX_SMALL_BYTES)?;
    }
    is_fit(&common.join("packed-refs"), MAX_REFS_BYTES)?;
    if let Some(branch) = line_of(&own.join("HEAD"), b"ref:") {
        is_fit(&common.join(branch), MAX_SMALL_BYTES)?;
    }
    Ok(())
}

/// Nothing is opened for it, so nothing waits.
fn is_fit(path: &Path, limit: u64) -> Result<(), GitError> {
    let problem = match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => "is a folder",
        Ok(found) if !found.is_file() => "is a pipe, a socket or a device",
        Ok(found) if found.len() > limit => "is far too large",
        // What is missing, or not ours to see, libgit2 does not open either.
        Ok(_) | Err(_) => return Ok(()),
    };
    Err(GitError::NoFile {
        path: path.to_owned(),
        problem,
    })
}

/// What follows `word` in the only line of a small file.
fn line_of(path: &Path, word: &[u8]) -> Option<PathBuf> {
    let file = files::open_trusted(path).ok()??;
    let bytes = files::read_limited(file, MAX_LINE_BYTES).ok()??;
    let rest = bytes.strip_prefix(word)?.trim_ascii();
    (!rest.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(rest)))
}

fn beside(file: &Path, path: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new("/")).join(path)
}
