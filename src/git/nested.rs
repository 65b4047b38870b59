//! Folders of the working tree that are repositories of their own.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::files;

/// Longest file that names a folder of Git's, or what HEAD is.
const MAX_POINTER_BYTES: u64 = 4096;

/// Whether the folder at `path` is the top of a repository, as Git sees it: only then its files are not this one's.
pub(super) fn is_repository(root: &Path, path: &[u8]) -> bool {
    let folder = root.join(OsStr::from_bytes(path));
    git_dir(&folder).is_some_and(|git_dir| is_git_dir(&git_dir))
}

/// What `.git` in `folder` is or names.
fn git_dir(folder: &Path) -> Option<PathBuf> {
    let dot_git = folder.join(".git");
    if std::fs::metadata(&dot_git).ok()?.is_dir() {
        return Some(dot_git);
    }
    let text = read(&dot_git)?;
    let target = text.strip_prefix(b"gitdir: ")?.trim_ascii_end();
    Some(folder.join(OsStr::from_bytes(target)))
}

fn is_git_dir(git_dir: &Path) -> bool {
    let common = match read(&git_dir.join("commondir")) {
        Some(text) => git_dir.join(OsStr::from_bytes(text.trim_ascii_end())),
        None => git_dir.to_owned(),
    };
    has_head(git_dir) && common.join("objects").is_dir() && common.join("refs").is_dir()
}

fn has_head(git_dir: &Path) -> bool {
    let head = git_dir.join("HEAD");
    if let Ok(target) = std::fs::read_link(&head) {
        return target.as_os_str().as_bytes().starts_with(b"refs/");
    }
    let Some(text) = read(&head) else {
        return false;
    };
    match text.strip_prefix(b"ref:") {
        Some(name) => name.trim_ascii_start().starts_with(b"refs/"),
        None => text.len() >= 40 && text[..40].iter().all(u8::is_ascii_hexdigit),
    }
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let file = files::open_trusted(path).ok()??;
    files::read_limited(file, MAX_POINTER_BYTES).ok()?
}
