//! Drafts. A file that must never be seen half written is written as `.<something>.tmp` beside its place and renamed when it is
//! whole. Whoever is killed in between leaves its draft; the next start sweeps it.

use super::Places;
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Where only the launcher writes, which has just begun.
const OURS: Duration = Duration::ZERO;
/// Where sidecars and tool servers write as well, for milliseconds each.
const SHARED: Duration = Duration::from_secs(10);
/// Where agents write: they may take their time, and may call their drafts as we do.
const WITH_AGENTS: Duration = Duration::from_secs(60 * 60);

impl Places {
    /// Removes what killed writers left half written in the folders that we write; returns how many files. For the launcher that
    /// holds the lock, before it writes anything. No link is followed.
    pub fn sweep_drafts(&self) -> usize {
        let state = [
            ("", OURS),
            ("gate", SHARED),
            ("threads", OURS),
            ("trees", OURS),
            ("tui-home", SHARED),
            ("receipts", SHARED),
            ("terminals", SHARED),
        ];
        // In `.tmp` itself others may have their own.
        let scratch = [("codex_governance_prompts", OURS)];
        let mailbox = [
            ("archive", OURS),
            ("rejected", OURS),
            ("incoming", WITH_AGENTS),
        ];
        let mut removed = sweep_all(open(&self.state), &state);
        removed += sweep_all(open_in_repo(self, &[".tmp"]), &scratch);
        let mailboxes = open_in_repo(self, &[".tmp", "codex_governance_mailbox"]);
        for planner in mailboxes.iter().flat_map(names) {
            let folder = mailboxes.as_ref().and_then(|all| step(all, &planner));
            removed += sweep_all(folder, &mailbox);
        }
        removed
    }
}

fn sweep_all(root: Option<OwnedFd>, folders: &[(&str, Duration)]) -> usize {
    let Some(root) = root else { return 0 };
    let sweep_one = |(name, age): &(&str, Duration)| match name.is_empty() {
        true => sweep(&root, *age),
        false => step(&root, OsStr::new(name)).map_or(0, |folder| sweep(&folder, *age)),
    };
    folders.iter().map(sweep_one).sum()
}

fn sweep(folder: &OwnedFd, age: Duration) -> usize {
    let drafts = names(folder).into_iter().filter(|name| is_draft(name));
    let abandoned = drafts.filter(|name| age.is_zero() || is_older(folder, name, age));
    let removed = abandoned.filter(|name| {
        // A folder of that name is nobody's draft, and stays.
        rustix::fs::unlinkat(folder, name, AtFlags::empty()).is_ok()
    });
    removed.count()
}

/// Whether we would call a draft so: a dot in front and `.tmp` behind, or before there was this rule `.tmp` and six letters.
/// Drafts of a terminal's descriptor are called `<id>.json.<pid>.tmp`.
fn is_draft(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    let is_descriptor = || name.windows(6).any(|part| part == b".json.");
    match name.strip_prefix(b".") {
        Some(rest) => rest.ends_with(b".tmp") || (rest.starts_with(b"tmp") && rest.len() == 9),
        None => name.ends_with(b".tmp") && is_descriptor(),
    }
}

fn is_older(folder: &OwnedFd, name: &OsStr, age: Duration) -> bool {
    let Ok(stat) = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) else {
        return false;
    };
    let seconds = u64::try_from(stat.st_mtime).unwrap_or_default();
    let written = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    SystemTime::now()
        .duration_since(written)
        .is_ok_and(|passed| passed > age)
}

fn open(path: &Path) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).ok()
}

fn open_in_repo(places: &Places, parts: &[&str]) -> Option<OwnedFd> {
    let repo = open(&places.repo)?;
    parts
        .iter()
        .try_fold(repo, |folder, part| step(&folder, OsStr::new(part)))
}

/// A folder that is really one, and there.
fn step(parent: &OwnedFd, name: &OsStr) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty()).ok()
}

fn names(folder: &OwnedFd) -> Vec<OsString> {
    let entries = Dir::read_from(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| OsString::from_vec(entry.file_name().to_bytes().to_vec()));
    names.filter(|name| name != "." && name != "..").collect()
}
