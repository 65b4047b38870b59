//! What the entries of an assignment's `files` stand for in this repository now. It only says so: who may change what follows from
//! the entries alone (`domain::scope`), whatever is there.

use crate::domain::claims::Claim;
use crate::domain::report::ChangeStatus;
use crate::domain::rules::PatternSet;
use crate::git::changes::{Deadline, Scope};
use crate::git::{GitError, Repo};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Paths that are named of what an entry covers.
const EXAMPLES: usize = 5;
/// How long the repository may take.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// How an entry is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadAs {
    /// It names a file that is there, whatever signs the name has.
    File,
    /// It names a folder: what is below it.
    Folder,
    /// A path where nothing is yet: a file to come, or what will be below it.
    New,
    /// It has wildcards.
    Pattern,
    /// The whole repository.
    Everything,
    /// No path inside the repository: it covers nothing.
    Nothing,
}

/// One entry with what it covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// As it was written.
    pub entry: String,
    /// How it is read.
    pub reads_as: ReadAs,
    /// How many files it covers now: those that Git knows, and new ones that it does not ignore.
    pub matches: usize,
    /// The first of them, by path.
    pub examples: Vec<String>,
}

/// Reads the entries against the repository at `root`.
///
/// # Errors
/// When the repository cannot be read in time.
pub fn read(root: &Path, entries: &[String]) -> Result<Vec<Entry>, GitError> {
    let deadline = Deadline::after(TIME_LIMIT);
    let repo = Repo::open(root)?;
    let tracked = repo.tracked_files(&deadline)?;
    let mut paths: BTreeSet<Vec<u8>> = tracked.map(|file| file.path.to_vec()).collect();
    let changes = repo.changed_paths(&Scope::Worktree, &deadline)?;
    let new = changes.rows.into_iter();
    paths.extend(
        new.filter(|row| row.status == ChangeStatus::Untracked)
            .map(|row| row.path),
    );
    let read_one = |entry: &String| {
        deadline.check()?;
        Ok(read_entry(entry, &paths))
    };
    entries.iter().map(read_one).collect()
}

fn read_entry(text: &str, paths: &BTreeSet<Vec<u8>>) -> Entry {
    let claim = Claim::parse(text).ok();
    let set = claim
        .as_ref()
        .and_then(|claim| PatternSet::new(vec![claim.pattern().clone()]).ok());
    let covered = || {
        let set = set.as_ref();
        paths
            .iter()
            .filter(move |path| set.is_some_and(|set| set.is_match(path)))
    };
    let matches = covered().count();
    let name = text.trim().trim_start_matches("./");
    let reads_as = match &claim {
        None => ReadAs::Nothing,
        Some(_) if matches!(name, "" | "." | "**") => ReadAs::Everything,
        Some(_) if paths.contains(name.as_bytes()) => ReadAs::File,
        Some(claim) if claim.literal().is_none() => ReadAs::Pattern,
        Some(_) if matches > 0 || name.ends_with('/') => ReadAs::Folder,
        Some(_) => ReadAs::New,
    };
    Entry {
        entry: text.to_owned(),
        reads_as,
        matches,
        examples: covered()
            .take(EXAMPLES)
            .map(|path| String::from_utf8_lossy(path).into_owned())
            .collect(),
    }
}
