//! Handoff packets on disk: one page per result, always as things stand.
//!
//! What a page says is decided in `domain::handoff`. The pages follow the journal: each is written, whole or not at all,
//! into the archive of the planner that the result went to, when the event that changes it is durable and before anybody
//! hears of that event. A page can be made again from the state at any time, so it is not synced: one that a crash lost or
//! that could not be written is found and written by the mailbox task.

use super::folders::{self, FolderError, Folders};
use crate::domain::event::Event;
use crate::domain::handoff::{self, Packet};
use crate::domain::ids::{ReportId, SessionId};
use crate::domain::state::State;
use crate::journal::Entry;
use crate::ledger::{Follower, Ledger};
use rustix::fs::{Mode, OFlags};
use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why a packet could not be written.
#[derive(Debug, thiserror::Error)]
enum HandoffError {
    /// The archive cannot be opened.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The file system refused.
    #[error("write {}: {source}", path.display())]
    Io {
        /// The page, relative to the repository.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
}

/// Keeps the packets of one repository; clones share the account of what is owed.
#[derive(Debug, Clone)]
pub struct Handoffs {
    repo: PathBuf,
    account: Arc<Mutex<Account>>,
}

#[derive(Debug, Default)]
struct Account {
    /// Results whose page is not as the state has it, as far as is known.
    owed: BTreeSet<ReportId>,
    /// Those of them whose failure was told.
    told: BTreeSet<ReportId>,
}

impl Handoffs {
    /// For a repository (its real path).
    pub fn new(repo: PathBuf) -> Self {
        Self {
            repo,
            account: Arc::default(),
        }
    }

    /// What the ledger calls before it announces a batch.
    pub fn follower(&self) -> Follower<State> {
        let handoffs = self.clone();
        Box::new(move |state, entries: &[Arc<Entry<Event>>]| {
            let events = entries.iter().map(|entry| &entry.record.event);
            handoffs.follow(state, events);
        })
    }

    /// Writes the pages that these events change, and those that are owed since earlier.
    fn follow<'a>(&self, state: &State, events: impl Iterator<Item = &'a Event>) {
        let mut account = self.account();
        account
            .owed
            .extend(events.filter_map(handoff::changed_by).cloned());
        if account.owed.is_empty() {
            return;
        }
        let owed = std::mem::take(&mut account.owed);
        let mut mailboxes = Mailboxes::new(&self.repo);
        for id in owed {
            let packet = Packet::of(state, &id);
            // A page that belongs into no mailbox is no page of ours.
            let Some((packet, (planner, file))) =
                packet.and_then(|packet| packet.place().map(|place| (packet, place)))
            else {
                continue;
            };
            let folders = mailboxes.of(&planner);
            match folders.and_then(|folders| write(folders, &file, &packet)) {
                Ok(()) => {
                    account.told.remove(&id);
                }
                Err(error) => {
                    if account.told.insert(id.clone()) {
                        tracing::warn!(%error, "a handoff packet is not up to date; it is tried again");
                    }
                    account.owed.insert(id);
                }
            }
        }
    }

    /// Compares all pages with the state and notes those that are missing or say something else. Reads files: for a
    /// blocking thread.
    pub fn check(&self, ledger: &Ledger<State>) {
        let packets: Vec<Packet> = ledger.read(|state| {
            let ids = state.reports.keys();
            ids.filter_map(|id| Packet::of(state, id)).collect()
        });
        let mut mailboxes = Mailboxes::new(&self.repo);
        let outdated = packets.into_iter().filter(|packet| {
            packet.place().is_some_and(|(planner, file)| {
                let folders = mailboxes.of(&planner).ok();
                !folders.is_some_and(|folders| says(folders, &file, &packet.render()))
            })
        });
        let outdated: Vec<ReportId> = outdated.map(|packet| packet.report_id().clone()).collect();
        self.account().owed.extend(outdated);
    }

    /// Whether a page is known to be missing or out of date: any change of the ledger, and an empty one too, writes it.
    pub fn is_behind(&self) -> bool {
        !self.account().owed.is_empty()
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opened mailboxes, each once.
struct Mailboxes<'r> {
    repo: &'r Path,
    open: BTreeMap<SessionId, Folders>,
}

impl<'r> Mailboxes<'r> {
    fn new(repo: &'r Path) -> Self {
        Self {
            repo,
            open: BTreeMap::new(),
        }
    }

    fn of(&mut self, planner: &SessionId) -> Result<&Folders, HandoffError> {
        Ok(match self.open.entry(planner.clone()) {
            btree_map::Entry::Occupied(entry) => entry.into_mut(),
            btree_map::Entry::Vacant(entry) => entry.insert(Folders::open(self.repo, planner)?),
        })
    }
}

fn write(folders: &Folders, file: &OsStr, packet: &Packet) -> Result<(), HandoffError> {
    let page = packet.render();
    let written = folders::draft(&folders.archive, file, page.as_bytes(), false)
        .and_then(|()| folders::publish(&folders.archive, file));
    written.map_err(|source| HandoffError::Io {
        path: packet.path().to_owned(),
        source,
    })
}

/// Whether the file is an ordinary one and holds exactly this page.
fn says(folders: &Folders, file: &OsStr, page: &str) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::openat(&folders.archive, file, flags, Mode::empty()) else {
        return false;
    };
    let file = File::from(file);
    let length = page.len() as u64;
    let fits = file
        .metadata()
        .is_ok_and(|found| found.is_file() && found.len() == length);
    let mut found = Vec::new();
    fits && file.take(length + 1).read_to_end(&mut found).is_ok() && found == page.as_bytes()
}
