//! The id of the tree that a commit of the index would have: what `git write-tree` gives, computed without writing an
//! object. Owns nothing; an approval that is bound to this id is bound to every byte, name and mode of the next commit.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;

use git2::{ObjectType, Oid};

use super::deadline::Deadline;
use super::index::{FOLDER, Index};
use super::{GitError, Repo};

/// Git ends an index with its checksum, of this many bytes.
const CHECKSUM_BYTES: i64 = 20;

/// Tells one state of the index file from another. Git replaces the file with each change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexStamp(Option<(u64, u64, i64, i64, Vec<u8>)>);

impl Repo {
    /// Id of the tree that a commit would take from the index; none while a merge is unresolved, because then there is no
    /// such tree. Entries of `git add -N` are left out, as a commit leaves them out, and folders whose tree Git remembers
    /// in the index are taken from there, as a commit takes them.
    ///
    /// Unlike `git write-tree` it does not ask whether the objects are there: a commit would fail on a missing one.
    pub fn staged_tree(&self, deadline: &Deadline) -> Result<Option<String>, GitError> {
        let failed = |error| GitError::from_library("computing the staged tree", &error);
        let index = self.index(deadline)?;
        let items = index.items();
        if items.iter().any(|item| item.stage() != 0) {
            return Ok(None);
        }
        let mut folders = Folders::new();
        let mut at = 0;
        while let Some(item) = items.get(at) {
            if let Some((folder, id, count)) = remembered(index, at) {
                if folder.is_empty() {
                    return Ok(Some(id.to_string()));
                }
                folders.add(folder, FOLDER, id).map_err(failed)?;
                at += count;
                continue;
            }
            if !item.is_intent() {
                let path = index.path(item);
                let path = path.strip_suffix(b"/").unwrap_or(path);
                folders.add(path, item.mode, item.id).map_err(failed)?;
            }
            at += 1;
        }
        Ok(Some(folders.finish().map_err(failed)?.to_string()))
    }

    /// The state of the index file. The same one before and after reading means that everything in between was read of
    /// one index.
    pub fn index_stamp(&self) -> IndexStamp {
        let stamp = || {
            let mut file = File::open(self.inner.path().join("index")).ok()?;
            let data = file.metadata().ok()?;
            let mut checksum = Vec::new();
            file.seek(SeekFrom::End(-CHECKSUM_BYTES)).ok()?;
            file.read_to_end(&mut checksum).ok()?;
            let (size, inode) = (data.size(), data.ino());
            Some((size, inode, data.mtime(), data.mtime_nsec(), checksum))
        };
        IndexStamp(stamp())
    }
}

/// The outermost folder that begins with the entry at `at` and whose tree Git remembers: its path, its tree, its entries.
fn remembered(index: &Index, at: usize) -> Option<(&[u8], Oid, usize)> {
    let items = index.items();
    let path = index.path(&items[at]);
    let is_inside = |at: usize, folder: &[u8]| {
        (items.get(at)).is_some_and(|item| index.path(item).starts_with(folder))
    };
    let mut known = index.tree()?;
    let mut start = 0;
    loop {
        // With its `/`; the root has none.
        let folder = &path[..start];
        let begins_here = at == 0 || (start > 0 && !is_inside(at - 1, folder));
        if begins_here
            && let Some((id, count)) = known.tree()
            && count > 0
            && is_inside(at + count - 1, folder)
            && !is_inside(at + count, folder)
        {
            return Some((folder.strip_suffix(b"/").unwrap_or(folder), id, count));
        }
        let length = path[start..].iter().position(|byte| *byte == b'/')?;
        known = known.folder(&path[start..start + length])?;
        start += length + 1;
    }
}

/// Tree objects in the making, from the root down to the folder of the last entry. Entries come in the order of the index,
/// which is the order inside of trees as well: a folder sorts as if its name ended in `/`.
pub(super) struct Folders {
    /// The folders from the root, which has no name, to the one of the last entry.
    open: Vec<Open>,
    /// Those whose last entry has been seen.
    closed: Vec<Folder>,
}

#[derive(Default)]
struct Open {
    name: Vec<u8>,
    /// The content of its tree so far.
    content: Vec<u8>,
    /// Files in it and below.
    entries: usize,
}

/// A folder with the id of its tree.
pub(super) struct Folder {
    /// Path from the root, which is empty for the root itself.
    pub path: Vec<u8>,
    /// Its tree.
    pub id: Oid,
    /// Files in it and below.
    pub entries: usize,
}

impl Folders {
    pub(super) fn new() -> Self {
        Self {
            open: vec![Open::default()],
            closed: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, path: &[u8], mode: u32, id: Oid) -> Result<(), git2::Error> {
        let mut parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        let name = parts.pop().unwrap_or_default();
        let shared = self.open[1..]
            .iter()
            .zip(&parts)
            .take_while(|(open, part)| open.name == **part)
            .count();
        self.close(shared + 1)?;
        for part in &parts[shared..] {
            self.open.push(Open {
                name: part.to_vec(),
                ..Open::default()
            });
        }
        let top = self.top();
        append(&mut top.content, mode, name, id);
        top.entries += 1;
        Ok(())
    }

    /// Closes folders until `left` are open.
    fn close(&mut self, left: usize) -> Result<(), git2::Error> {
        while self.open.len() > left {
            let path = self.open[1..]
                .iter()
                .map(|open| open.name.as_slice())
                .collect::<Vec<_>>()
                .join(&b'/');
            let Open {
                name,
                content,
                entries,
            } = self.open.pop().expect("more than none are open");
            let id = Oid::hash_object(ObjectType::Tree, &content)?;
            if let Some(parent) = self.open.last_mut() {
                append(&mut parent.content, 0o040_000, &name, id);
                parent.entries += entries;
            }
            self.closed.push(Folder { path, id, entries });
        }
        Ok(())
    }

    /// The tree of the root.
    fn finish(self) -> Result<Oid, git2::Error> {
        let folders = self.finish_all()?;
        Ok(folders.last().expect("the root is a folder").id)
    }

    /// The trees of all folders; the root comes last.
    pub(super) fn finish_all(mut self) -> Result<Vec<Folder>, git2::Error> {
        self.close(0)?;
        Ok(self.closed)
    }

    fn top(&mut self) -> &mut Open {
        self.open.last_mut().expect("the root stays open")
    }
}

fn append(tree: &mut Vec<u8>, mode: u32, name: &[u8], id: Oid) {
    tree.extend_from_slice(format!("{mode:o} ").as_bytes());
    tree.extend_from_slice(name);
    tree.push(0);
    tree.extend_from_slice(id.as_bytes());
}
