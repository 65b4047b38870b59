//! Mailboxes that nobody looks at any more: of planners that are over, and folders of nobody's.
//!
//! A look costs by what goes on. So these are found apart from it, at a start and now and then, and only those in which something lies.

use super::folders::has_json_suffix;
use crate::domain::handoff::MAILBOX_ROOT;
use crate::domain::ids::SessionId;
use rustix::fd::OwnedFd;
use rustix::fs::{Dir, Mode, OFlags};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::ops::Bound;
use std::path::Path;

/// Of so many in which something lies; the others follow at the next time. A program can make as many folders as it likes, and each costs
/// the journal a few lines.
const AT_ONCE: usize = 64;

/// Folders that are looked at in one go, for the same reason.
const MAX_LISTED: usize = 100_000;

/// Mailboxes with files in them, besides these, and from behind this one on. Makes nothing, and follows no link.
pub(super) fn with_files(
    repo: &Path,
    besides: &BTreeSet<SessionId>,
    after: Option<&SessionId>,
) -> io::Result<Vec<SessionId>> {
    let mut folder = rustix::fs::open(repo, flags(), Mode::empty())?;
    for part in Path::new(MAILBOX_ROOT) {
        let Some(next) = enter(&folder, part)? else {
            return Ok(Vec::new());
        };
        folder = next;
    }
    let mut all = BTreeSet::new();
    for entry in Dir::read_from(&folder)?.take(MAX_LISTED) {
        let entry = entry?;
        let name = entry.file_name().to_str().ok();
        all.extend(name.and_then(|name| SessionId::parse(name).ok()));
    }
    // In turns: one that cannot be emptied must not stand in front of the others for ever.
    let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
    let turn = all.range((behind, Bound::Unbounded));
    let rest = all
        .iter()
        .take_while(|id| after.is_some_and(|after| *id <= after));
    let mut found = Vec::new();
    for id in turn.chain(rest) {
        if found.len() >= AT_ONCE {
            break;
        }
        if !besides.contains(id) && holds_files(&folder, id)? {
            found.push(id.clone());
        }
    }
    Ok(found)
}

fn holds_files(folder: &OwnedFd, id: &SessionId) -> io::Result<bool> {
    let mailbox = enter(folder, OsStr::new(id.as_str()))?;
    let incoming = mailbox.map(|mailbox| enter(&mailbox, OsStr::new("incoming")));
    let Some(incoming) = incoming.transpose()?.flatten() else {
        return Ok(false);
    };
    for entry in Dir::read_from(&incoming)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !name.starts_with(b".") && has_json_suffix(name) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

/// The folder of this name, if there is one that can be entered.
fn enter(parent: &OwnedFd, name: &OsStr) -> io::Result<Option<OwnedFd>> {
    match rustix::fs::openat(parent, name, flags(), Mode::empty()) {
        Ok(folder) => Ok(Some(folder)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}
