//! Repositories that are recorded in this one: whether they stand at another commit, or have changes of their own. As
//! much of that is told as the settings wish; nothing is ever fetched or checked out.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::deadline::Deadline;
use super::disk::Disk;
use super::files::{self, Entry};
use super::index::{GITLINK, Item};
use super::rows::{Half, Side};
use super::{GitError, Repo};
use crate::domain::report::ChangeStatus;

/// A repository in a repository in a repository … deeper ones are not looked into.
const MAX_DEPTH: usize = 8;

/// Longest `.gitmodules` that is read; an entry takes a hundred bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

const FILE_NAME: &[u8] = b".gitmodules";

/// Which changes do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ignore {
    /// All count.
    Nothing,
    /// Files that it does not know.
    Untracked,
    /// All but another commit.
    Dirty,
    All,
}

impl Ignore {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "none" => Self::Nothing,
            "untracked" => Self::Untracked,
            "dirty" => Self::Dirty,
            "all" => Self::All,
            _ => return None,
        })
    }
}

/// The submodules of one repository.
pub(super) struct Submodules<'a> {
    repo: &'a Repo,
    deadline: &'a Deadline,
    default: Ignore,
    depth: usize,
    disk: &'a Disk<'a>,
    /// What `.gitmodules` says, read when it is needed.
    listed: Option<Vec<Listed>>,
}

/// One entry of `.gitmodules`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Listed {
    name: String,
    path: String,
    ignore: Option<String>,
}

impl<'a> Submodules<'a> {
    pub(super) fn new(repo: &'a Repo, disk: &'a Disk<'a>, default: Ignore, depth: usize) -> Self {
        let setting = disk.settings.ignore_submodules.as_deref();
        Self {
            repo,
            deadline: disk.deadline,
            default: setting.and_then(Ignore::parse).unwrap_or(default),
            depth,
            disk,
            listed: None,
        }
    }

    /// What is changed in the submodule at `path`, whose folder is there.
    pub(super) fn half(&mut self, path: &[u8], item: &Item) -> Result<Option<Half>, GitError> {
        let ignore = self.ignore(path);
        let folder = self.repo.root().join(OsStr::from_bytes(path));
        if ignore == Ignore::All || std::fs::symlink_metadata(folder.join(".git")).is_err() {
            return Ok(None);
        }
        let old = Side {
            mode: GITLINK,
            id: item.id,
        };
        let modified = |new: Side| Half {
            status: ChangeStatus::Modified,
            old,
            new,
        };
        // One that cannot be read, or belongs somewhere else, is better shown than hidden.
        let unknown = Some(modified(Side::on_disk(GITLINK)));
        let Ok(inner) = Repo::open(&folder) else {
            return Ok(unknown);
        };
        let Ok(head) = inner.head_id() else {
            return Ok(unknown);
        };
        if let Some(id) = head
            && id != item.id
        {
            return Ok(Some(modified(Side { mode: GITLINK, id })));
        }
        if ignore == Ignore::Dirty || self.depth >= MAX_DEPTH {
            return Ok(None);
        }
        let with_untracked = ignore == Ignore::Nothing;
        match inner.is_changed(with_untracked, self.depth + 1, self.deadline) {
            Ok(true) => Ok(Some(modified(old))),
            Ok(false) => Ok(None),
            Err(error @ GitError::TooSlow(_)) => Err(error),
            Err(_) => Ok(unknown),
        }
    }

    /// The repository's configuration has the last word, its files the one before.
    fn ignore(&mut self, path: &[u8]) -> Ignore {
        let listed = self.listed.get_or_insert_with(|| {
            let bytes = match files::look_in(self.disk.root.folder(), FILE_NAME) {
                Ok(Entry::File(file, _)) => {
                    files::read_limited(file, MAX_FILE_BYTES).ok().flatten()
                }
                Ok(Entry::Missing) => (self.disk.index.find(FILE_NAME))
                    .and_then(|item| self.disk.objects.small_blob(item.id, MAX_FILE_BYTES)),
                _ => None,
            };
            bytes.map_or_else(Vec::new, |bytes| parse(&String::from_utf8_lossy(&bytes)))
        });
        let Some(listed) = listed.iter().find(|listed| listed.path.as_bytes() == path) else {
            return self.default;
        };
        let key = format!("submodule.{}.ignore", listed.name);
        let own = self.repo.setting(&key);
        own.or_else(|| listed.ignore.clone())
            .and_then(|text| Ignore::parse(&text))
            .unwrap_or(self.default)
    }
}

/// Reads the sections `[submodule "name"]`. libgit2 would follow includes, which Git does not do here.
fn parse(text: &str) -> Vec<Listed> {
    let mut found: Vec<Listed> = Vec::new();
    let mut is_inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let name = section
                .strip_prefix("submodule \"")
                .and_then(|rest| rest.rsplit_once("\"]"))
                .map(|(name, _)| name.replace("\\\"", "\"").replace("\\\\", "\\"));
            is_inside = name.is_some();
            found.extend(name.map(|name| Listed {
                name,
                ..Listed::default()
            }));
            continue;
        }
        let (Some(listed), true, Some((key, value))) =
            (found.last_mut(), is_inside, line.split_once('='))
        else {
            continue;
        };
        let value = value.trim().trim_matches('"').to_owned();
        match key.trim().to_ascii_lowercase().as_str() {
            "path" => listed.path = value,
            "ignore" => listed.ignore = Some(value),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_of_submodules_are_read() {
        let text = "[core]\n\tpath = no\n[submodule \"a b\"]\n\tpath = x/y\n\turl = ..\n\tignore = dirty\n[submodule \"c\"]\npath=c\n";
        let listed = |name: &str, path: &str, ignore: Option<&str>| Listed {
            name: name.to_owned(),
            path: path.to_owned(),
            ignore: ignore.map(str::to_owned),
        };
        let expected = [listed("a b", "x/y", Some("dirty")), listed("c", "c", None)];
        assert_eq!(parse(text), expected);
    }
}
