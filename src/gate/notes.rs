//! What the hooks of a repository write down for the server: commits that were made, and commits that the gate was asked
//! about. So nothing depends on a server that runs, or looks in time. One small file for each in a folder of the state folder,
//! which the server empties once its journal has them. Notes tell and decide nothing: what was approved stands in the journal.
//!
//! Here is also the gate's word to one running `git commit`: which tree it let pass, so that Git commits that one.

use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::OFlags;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::flow::reviews::NewCommit;
use crate::domain::review::{Asked, CommitSeen, GateMode, GitId};
use crate::git::Repo;
use crate::paths::{make_private, write_private};
use crate::process::Identity;

/// Name of the folder, in the state folder.
const FOLDER: &str = "gate";

/// Notes that wait for a server at most. Who commits as often without one has other worries; Git's logs still tell.
const MAX_NOTES: usize = 1_000;

/// Longest note; the subject of a commit is cut to much less.
const MAX_NOTE_BYTES: u64 = 16 << 10;

/// What a commit was let pass with is of use for as long as its `git` runs.
const PASS: &str = "pass-";

/// A commit that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// Its id.
    pub commit: GitId,
    /// Its tree.
    pub tree: GitId,
    /// The tree of its first parent.
    #[serde(default)]
    pub base_tree: Option<GitId>,
    /// The tree that HEAD had before.
    #[serde(default)]
    pub previous_tree: Option<GitId>,
    /// The branch, unless HEAD was detached.
    #[serde(default)]
    pub branch: Option<String>,
    /// The beginning of its message.
    #[serde(default)]
    pub subject: String,
}

impl Committed {
    /// The commit as the journal takes it. What the repository still has of it wins over the note.
    pub(super) fn as_new(&self, repo: &Repo) -> NewCommit {
        let id = git2::Oid::from_str(self.commit.as_str()).ok();
        let facts = id.and_then(|id| repo.commit_facts(id).ok());
        let known = |id: git2::Oid| GitId::parse(&id.to_string()).ok();
        let (tree, base_tree, subject) = match facts {
            Some(facts) => (
                known(facts.tree),
                facts.parent_tree.and_then(known),
                facts.subject,
            ),
            None => (None, self.base_tree.clone(), self.subject.clone()),
        };
        NewCommit {
            seen: CommitSeen {
                commit: self.commit.clone(),
                tree: tree.unwrap_or_else(|| self.tree.clone()),
                base_tree,
                branch: self.branch.clone(),
                subject,
                report_id: None,
                older: None,
            },
            previous_tree: self.previous_tree.clone(),
        }
    }
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// A commit was made.
    Committed(Committed),
    /// The gate let one go on.
    Passed(Asked),
    /// The gate refused one.
    Refused(Asked),
}

impl Note {
    /// The same note has the same name: what is repeated while nobody reads is one note.
    fn name(&self) -> String {
        let id = |id: &Option<GitId>| id.as_ref().map_or("none", GitId::as_str).to_owned();
        let asked = |word: &str, asked: &Asked| {
            let (tree, base) = (id(&asked.tree), id(&asked.base_tree));
            format!("{word}-{tree}-{base}-{}.json", asked.mode.name())
        };
        match self {
            Self::Committed(made) => format!("committed-{}.json", made.commit),
            Self::Passed(it) => asked("passed", it),
            Self::Refused(it) => asked("refused", it),
        }
    }
}

/// What the gate let pass for one running `git commit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// The process of Git.
    pub git: Identity,
    /// The tree.
    pub tree: GitId,
    /// How strict the gate was.
    pub mode: GateMode,
}

/// The notes of one repository.
#[derive(Debug, Clone)]
pub struct Notes {
    state: PathBuf,
}

impl Notes {
    /// Those in this state folder.
    pub fn of(state: &Path) -> Self {
        Self {
            state: state.to_owned(),
        }
    }

    fn folder(&self) -> PathBuf {
        self.state.join(FOLDER)
    }

    /// Writes one down. Without a state folder nobody ever reads it, and nothing is written.
    ///
    /// # Errors
    /// When the folder is full, or cannot be written.
    pub fn write(&self, note: &Note) -> io::Result<()> {
        self.put(&note.name(), note)
    }

    /// Remembers what passed for the `git` of this process.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn let_pass(&self, pass: &Pass) -> io::Result<()> {
        self.sweep_passes();
        self.put(&pass_name(pass.git.pid), pass)
    }

    fn put(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        if !self.state.is_dir() {
            return Ok(());
        }
        let folder = self.folder();
        make_private(&folder)?;
        if fs::read_dir(&folder)?.count() >= MAX_NOTES {
            return Err(io::Error::other(format!(
                "{MAX_NOTES} notes wait already; start zhongshu, which takes them"
            )));
        }
        write_private(&folder.join(name), &serde_json::to_vec(value)?)
    }

    /// What passed for the `git` with this process id, as long as it is still that one.
    pub fn passed(&self, git: u32) -> Option<Pass> {
        let pass: Pass = read(&self.folder().join(pass_name(git)))?;
        (Identity::of(git) == Some(pass.git)).then_some(pass)
    }

    /// Forgets what passed for the `git` with this process id.
    pub fn forget_pass(&self, git: u32) {
        // One that stays is swept when its `git` has ended.
        fs::remove_file(self.folder().join(pass_name(git))).ok();
    }

    /// Removes what passed for a `git` that has ended.
    fn sweep_passes(&self) {
        let entries = fs::read_dir(self.folder()).into_iter().flatten();
        let paths = entries.filter_map(Result::ok).filter_map(|entry| {
            let name = entry.file_name();
            name.to_string_lossy()
                .starts_with(PASS)
                .then(|| entry.path())
        });
        for path in paths {
            let runs = |pass: Pass| Identity::of(pass.git.pid) == Some(pass.git);
            if !read(&path).is_some_and(runs) {
                fs::remove_file(&path).ok();
            }
        }
    }

    /// All notes, oldest first, with their files; what is none is removed.
    pub fn read_all(&self) -> Vec<(PathBuf, Note)> {
        self.sweep_passes();
        let Ok(entries) = fs::read_dir(self.folder()) else {
            return Vec::new();
        };
        let mut notes: Vec<(SystemTime, PathBuf, Note)> = Vec::new();
        for entry in entries.filter_map(Result::ok).take(2 * MAX_NOTES) {
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            if name.starts_with(PASS) {
                continue;
            }
            match read(&path) {
                Some(note) => {
                    let written = entry.metadata().and_then(|data| data.modified());
                    notes.push((written.unwrap_or(SystemTime::UNIX_EPOCH), path, note));
                }
                None => {
                    tracing::warn!(file = %path.display(), "a note of a hook cannot be read and is removed");
                    fs::remove_file(&path).ok();
                }
            }
        }
        notes.sort_by(|left, right| (left.0, &left.1).cmp(&(right.0, &right.1)));
        notes
            .into_iter()
            .map(|(_, path, note)| (path, note))
            .collect()
    }
}

/// Removes notes that the journal has.
pub fn forget(files: &[PathBuf]) {
    for file in files {
        if let Err(error) = fs::remove_file(file)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, file = %file.display(), "a note of a hook could not be removed");
        }
    }
}

fn pass_name(git: u32) -> String {
    format!("{PASS}{git}")
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = fs::File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .ok()?;
    let data = file.metadata().ok()?;
    if !data.is_file() || data.len() > MAX_NOTE_BYTES {
        return None;
    }
    serde_json::from_reader(io::BufReader::new(io::Read::take(file, MAX_NOTE_BYTES))).ok()
}
