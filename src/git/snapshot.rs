//! The working tree at one moment: the commit below, and what stands at every path that differs from it. Two of them
//! say what changed in between, whoever committed meanwhile. Nothing is written into the repository.

use std::collections::{BTreeMap, BTreeSet};

use git2::{ObjectType, Oid, Tree};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::change::Scope;
use super::deadline::Deadline;
use super::disk::Disk;
use super::files::{self, Entry};
use super::index::GITLINK;
use super::rows::Side;
use super::{GitError, Repo};
use crate::domain::report::{ChangeStatus, FileKind};

/// Paths of one snapshot. A tree with more that is neither committed nor ignored has no useful comparison.
const MAX_PATHS: usize = 20_000;

/// Largest file whose content is compared; of larger ones size and modification time are.
const MAX_HASHED_BYTES: u64 = 64 << 20;

/// What stands at a path that nothing stands at.
const GONE: &str = "-";

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The commit below; none before the first.
    pub head: Option<String>,
    /// What stands at the paths that differ from it: Git's mode and the id of the content as it lies on disk. Bytes of
    /// a path that are no UTF-8 are shown as U+FFFD.
    pub paths: BTreeMap<String, String>,
}

impl Snapshot {
    /// SHA-256 over all of it, in hexadecimal: the same tree, the same digest.
    pub fn digest(&self) -> String {
        let bytes = serde_json::to_vec(self).expect("a snapshot is plain data");
        crate::domain::hex::hex(&Sha256::digest(&bytes))
    }
}

impl Repo {
    /// Takes a snapshot.
    ///
    /// # Errors
    /// When the repository cannot be read in time, or more differs than can be kept.
    pub fn snapshot(&self, deadline: &Deadline) -> Result<Snapshot, GitError> {
        let changes = self.changed_paths(&Scope::Worktree, deadline)?;
        if changes.rows.len() > MAX_PATHS {
            return Err(GitError::TooMany(MAX_PATHS));
        }
        let mut paths = BTreeMap::new();
        for row in &changes.rows {
            deadline.check()?;
            let stands = match row.kind {
                FileKind::Submodule | FileKind::Repository => row.measured.content.clone(),
                FileKind::File | FileKind::Symlink => self.on_disk(&row.path),
            };
            paths.insert(shown(&row.path), stands);
            if row.status == ChangeStatus::Renamed
                && let Some(old) = &row.old_path
            {
                paths.entry(shown(old)).or_insert_with(|| self.on_disk(old));
            }
        }
        let head = self.head_commit()?.map(|commit| commit.id().to_string());
        Ok(Snapshot { head, paths })
    }

    /// Paths at which something else stands than in `before`, which may be older than the newest commits, with what
    /// stands there in `after`.
    ///
    /// # Errors
    /// When a commit of either snapshot cannot be read (any more).
    pub fn changed_between(
        &self,
        before: &Snapshot,
        after: &Snapshot,
    ) -> Result<BTreeMap<String, String>, GitError> {
        let old = self.tree_of(before.head.as_deref())?;
        let new = self.tree_of(after.head.as_deref())?;
        let mut candidates: BTreeSet<String> = before
            .paths
            .keys()
            .chain(after.paths.keys())
            .cloned()
            .collect();
        if before.head != after.head {
            let diff = self
                .inner
                .diff_tree_to_tree(old.as_ref(), new.as_ref(), None)
                .map_err(|error| GitError::from_library("comparing two commits", &error))?;
            for delta in diff.deltas() {
                let sides = [delta.old_file(), delta.new_file()];
                candidates.extend(sides.iter().filter_map(|side| side.path_bytes()).map(shown));
            }
        }
        let stood = |snapshot: &Snapshot, tree: Option<&Tree<'_>>, path: &str| {
            let own = snapshot.paths.get(path);
            own.cloned().unwrap_or_else(|| committed(tree, path))
        };
        let changed = candidates.into_iter().filter_map(|path| {
            let now = stood(after, new.as_ref(), &path);
            (stood(before, old.as_ref(), &path) != now).then_some((path, now))
        });
        Ok(changed.collect())
    }

    /// Whether what is staged at `path` is what a snapshot found there: those bytes, or what Git records for them where
    /// attributes convert them. Of a name that cannot be found again nothing is known, and nothing is said.
    ///
    /// # Errors
    /// When the index cannot be read, or not in time.
    pub fn is_staged_as(
        &self,
        path: &str,
        content: &str,
        deadline: &Deadline,
    ) -> Result<bool, GitError> {
        let index = self.index(deadline)?;
        let Some(item) = index.find(path.as_bytes()) else {
            return Ok(content == GONE || path.contains(char::REPLACEMENT_CHARACTER));
        };
        let id = item.id;
        let staged = match item.mode {
            GITLINK => return Ok(content.ends_with(&id.to_string())),
            mode => Side { mode, id },
        };
        if content == format!("{:o} {id}", item.mode) {
            return Ok(true);
        }
        if self.on_disk(path.as_bytes()) != content {
            return Ok(false);
        }
        let settings = self.settings()?;
        let disk = Disk::new(&self.root, settings, index, &self.objects, deadline);
        disk.is_same(path.as_bytes(), staged, id, None)
    }

    fn tree_of(&self, commit: Option<&str>) -> Result<Option<Tree<'_>>, GitError> {
        let Some(commit) = commit else {
            return Ok(None);
        };
        let read = Oid::from_str(commit)
            .and_then(|id| self.inner.find_commit(id))
            .and_then(|commit| commit.tree());
        read.map(Some)
            .map_err(|error| GitError::from_library("reading a commit", &error))
    }

    fn on_disk(&self, path: &[u8]) -> String {
        match files::look_in(self.root.folder(), path) {
            Ok(Entry::Missing) => GONE.to_owned(),
            Ok(Entry::Symlink(target)) => entry(0o120_000, &target),
            Ok(Entry::Directory) => "folder".to_owned(),
            Ok(Entry::Special) => "special".to_owned(),
            Ok(Entry::File(file, size)) => match Stamp::of(&file, size) {
                Some(stamp) if size > MAX_HASHED_BYTES => stamp.unread(),
                Some(stamp) => match files::read_limited(file, MAX_HASHED_BYTES) {
                    Ok(Some(bytes)) => entry(stamp.mode, &bytes),
                    _ => stamp.unread(),
                },
                None => "unreadable".to_owned(),
            },
            Err(_) => "unreadable".to_owned(),
        }
    }
}

/// What is known of a file without reading it.
struct Stamp {
    mode: u32,
    size: u64,
    modified_ns: i128,
}

impl Stamp {
    fn of(file: &std::fs::File, size: u64) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = file.metadata().ok()?;
        Some(Self {
            mode: if metadata.mode() & 0o100 == 0 {
                0o100_644
            } else {
                0o100_755
            },
            size,
            modified_ns: i128::from(metadata.mtime()) * 1_000_000_000
                + i128::from(metadata.mtime_nsec()),
        })
    }

    fn unread(&self) -> String {
        format!("{:o} {} {}", self.mode, self.size, self.modified_ns)
    }
}

/// As `git ls-tree` shows a file: mode and id of the content.
fn entry(mode: u32, content: &[u8]) -> String {
    match Oid::hash_object(ObjectType::Blob, content) {
        Ok(id) => format!("{mode:o} {id}"),
        Err(_) => "unreadable".to_owned(),
    }
}

fn committed(tree: Option<&Tree<'_>>, path: &str) -> String {
    let found = tree.and_then(|tree| tree.get_path(std::path::Path::new(path)).ok());
    match found {
        None => GONE.to_owned(),
        Some(found) if found.kind() == Some(ObjectType::Commit) => format!("commit:{}", found.id()),
        Some(found) => format!("{:o} {}", found.filemode(), found.id()),
    }
}

fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    struct Place {
        dir: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let mut options = git2::RepositoryInitOptions::new();
            options.initial_head("main");
            git2::Repository::init_opts(dir.path(), &options).unwrap();
            Self { dir }
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn commit(&self) {
            let repo = git2::Repository::open(self.dir.path()).unwrap();
            let mut index = repo.index().unwrap();
            index
                .add_all(["*"], git2::IndexAddOption::DEFAULT, None)
                .unwrap();
            index.update_all(["*"], None).unwrap();
            index.write().unwrap();
            let tree = repo.find_tree(index.write_tree().unwrap()).unwrap();
            let who = git2::Signature::now("t", "t@example.org").unwrap();
            let parent = repo.head().ok().map(|head| head.peel_to_commit().unwrap());
            let parents: Vec<_> = parent.iter().collect();
            repo.commit(Some("HEAD"), &who, &who, "m", &tree, &parents)
                .unwrap();
        }

        fn snapshot(&self) -> Snapshot {
            let deadline = Deadline::after(Duration::from_secs(20));
            Repo::open(self.dir.path())
                .unwrap()
                .snapshot(&deadline)
                .unwrap()
        }

        fn changed(&self, before: &Snapshot) -> Vec<String> {
            let repo = Repo::open(self.dir.path()).unwrap();
            let changed = repo.changed_between(before, &self.snapshot()).unwrap();
            changed.into_keys().collect()
        }

        fn path(&self) -> &Path {
            self.dir.path()
        }
    }

    #[test]
    fn only_what_was_changed_since_counts_whoever_staged_or_committed_it() {
        let place = Place::new();
        for (path, text) in [
            ("kept", "1\n"),
            ("dirty", "1\n"),
            ("edited", "1\n"),
            ("gone", "1\n"),
            ("moved", "some text\n"),
        ] {
            place.write(path, text);
        }
        place.commit();
        place.write("dirty", "2\n");
        place.write("untracked", "1\n");
        place.write("later_removed", "1\n");
        let before = place.snapshot();
        assert_eq!(place.changed(&before), Vec::<String>::new());

        place.write("edited", "2\n");
        place.write("new/file", "1\n");
        place.write("untracked", "2\n");
        fs::remove_file(place.path().join("gone")).unwrap();
        fs::remove_file(place.path().join("later_removed")).unwrap();
        fs::rename(place.path().join("moved"), place.path().join("moved_to")).unwrap();
        let expected = [
            "edited",
            "gone",
            "later_removed",
            "moved",
            "moved_to",
            "new/file",
            "untracked",
        ];
        assert_eq!(place.changed(&before), expected);
        // Committing everything, what was dirty before included, changes nothing about that.
        place.commit();
        assert_eq!(place.changed(&before), expected);
        // Taking a change back takes it off the list.
        place.write("edited", "1\n");
        assert!(!place.changed(&before).contains(&"edited".to_owned()));
    }

    #[test]
    fn before_the_first_commit_and_for_modes_and_links_it_holds_too() {
        use std::os::unix::fs::PermissionsExt;
        let place = Place::new();
        place.write("script", "#!/bin/sh\n");
        std::os::unix::fs::symlink("script", place.path().join("link")).unwrap();
        let before = place.snapshot();
        assert_eq!(before.head, None);
        place.commit();
        assert_eq!(place.changed(&before), Vec::<String>::new());
        let script = place.path().join("script");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        fs::remove_file(place.path().join("link")).unwrap();
        std::os::unix::fs::symlink("elsewhere", place.path().join("link")).unwrap();
        assert_eq!(place.changed(&before), ["link", "script"]);
        assert_ne!(before.digest(), place.snapshot().digest());
    }

    #[test]
    fn what_is_staged_is_known_again_also_where_line_ends_are_converted() {
        let place = Place::new();
        place.write(".gitattributes", "*.txt text\n");
        place.write("crlf.txt", "one\r\n");
        place.write("plain", "1\n");
        place.commit();
        place.write("crlf.txt", "one\r\ntwo\r\n");
        place.write("plain", "2\n");
        let seen = place.snapshot();
        place.commit();
        let is_as_seen = |path: &str| {
            let deadline = Deadline::after(Duration::from_secs(20));
            let repo = Repo::open(place.path()).unwrap();
            repo.is_staged_as(path, &seen.paths[path], &deadline)
                .unwrap()
        };
        assert!(is_as_seen("crlf.txt") && is_as_seen("plain"));
        // On disk alone, a change is not staged yet.
        place.write("plain", "3\n");
        assert!(is_as_seen("plain"));
        place.commit();
        assert!(!is_as_seen("plain"));
        fs::remove_file(place.path().join("plain")).unwrap();
        place.commit();
        assert!(!is_as_seen("plain"));
    }
}
