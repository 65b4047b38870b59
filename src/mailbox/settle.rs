//! The blocking half of the mailbox: looks at files, and puts them away once the journal has decided.
//!
//! Works on the thread of the pass. Remembers files that must wait and files whose move failed; whatever
//! it remembers can be lost without harm.

use super::folders::{FolderError, Folders, Listed, Listing};
use super::moves::{self, Known, Moved};
use super::parse::{self, ParseError};
use super::read::{self, Stamp};
use super::receipts;
use super::rejected::{self, Shelf};
use super::take::{Candidate, Origin, Verdict};
use super::timing::Timing;
use super::waits::{Key, Queue, Voice, Waits};
use super::watch::Hints;
use crate::domain::hex::hex;
use crate::domain::ids::SessionId;
use crate::domain::sentence::say;
use crate::domain::shown::shown_line;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Files that are read, committed and moved together. Few syncs per file, yet the ledger's queue (1,024) keeps room for
/// others, and what is in memory stays small.
const CHUNK_FILES: usize = 512;

/// Bytes that are read together.
const CHUNK_BYTES: u64 = 8 * 1024 * 1024;

/// When a mailbox is looked at again in which something came while it was looked at.
const MOMENT: Duration = Duration::from_millis(20);

/// One planner's mailbox during one scan.
pub(super) struct Round {
    pub planner: SessionId,
    folders: Folders,
    left: VecDeque<Listed>,
    /// There is more already.
    came_meanwhile: bool,
    /// Who has to wait for older words of their own.
    behind: Queue,
}

/// A file that waits for its verdict, or has one that could not be carried out before.
pub(super) struct Examined {
    name: OsString,
    stamp: Stamp,
    sha256: String,
    was_read: bool,
    has_receipt: bool,
}

pub(super) enum Fate {
    Ask(Box<Candidate>),
    Known(Verdict),
}

/// What a chunk of files yielded.
#[derive(Default)]
pub(super) struct Chunk {
    pub files: Vec<(Examined, Fate)>,
    /// When some file that waits is worth another look.
    pub again_at: Option<Instant>,
}

/// What came of putting files away.
#[derive(Default)]
pub(super) struct Settled {
    /// Whether there is something new to look at already.
    pub more: bool,
    /// How many older rejected files were deleted.
    pub removed: u64,
}

/// The memory and the hands of the mailbox task.
pub(super) struct Settler {
    repo: PathBuf,
    state_dir: PathBuf,
    timing: Timing,
    waits: Waits,
    /// Verdicts that the journal has but whose move failed.
    decided: HashMap<Key, (String, Verdict)>,
    /// Mailboxes that cannot be opened, so that each is complained about once.
    troubled: HashSet<SessionId>,
    arrived: HashSet<Key>,
    /// What lies among the rejected files.
    shelves: HashMap<SessionId, Shelf>,
    /// Whether anything went wrong in this scan that may be better in the next.
    pub incomplete: bool,
}

impl Settler {
    pub(super) fn new(repo: PathBuf, state_dir: PathBuf, timing: Timing) -> Self {
        Self {
            repo,
            state_dir,
            timing,
            waits: Waits::default(),
            decided: HashMap::new(),
            troubled: HashSet::new(),
            arrived: HashSet::new(),
            shelves: HashMap::new(),
            incomplete: false,
        }
    }

    /// Begins a scan with what was hinted at.
    pub(super) fn begin(&mut self, hints: Hints) {
        self.arrived = hints.arrived;
        self.incomplete = false;
    }

    /// Opens and lists one mailbox. An error is returned once, until the mailbox can be used again.
    pub(super) fn open(&mut self, planner: &SessionId) -> Result<Option<Round>, FolderError> {
        let opened = Folders::open(&self.repo, planner).and_then(|folders| {
            let listing = folders.list().map_err(|source| FolderError::Io {
                path: folders.paths.incoming.clone(),
                source,
            })?;
            Ok((folders, listing))
        });
        match opened {
            Ok((folders, listing)) => {
                let Listing {
                    files: listed,
                    came_meanwhile,
                } = listing;
                self.troubled.remove(planner);
                self.forget_others(planner, &listed);
                Ok((!listed.is_empty() || came_meanwhile).then(|| Round {
                    planner: planner.clone(),
                    folders,
                    left: listed.into(),
                    came_meanwhile,
                    behind: Queue::default(),
                }))
            }
            Err(error) => {
                self.incomplete = true;
                match self.troubled.insert(planner.clone()) {
                    true => Err(error),
                    false => Ok(None),
                }
            }
        }
    }

    fn forget_others(&mut self, planner: &SessionId, listed: &[Listed]) {
        if self.waits.is_empty() && self.decided.is_empty() {
            return;
        }
        let names: HashSet<&OsStr> = listed.iter().map(|file| file.name.as_os_str()).collect();
        let stays = |key: &Key| key.0 != *planner || names.contains(key.1.as_os_str());
        self.decided.retain(|key, _| stays(key));
        self.waits.keep(planner, &names);
    }

    /// Looks at the next files of a mailbox; `None` when there are no more.
    pub(super) fn examine(&mut self, round: &mut Round) -> Option<Chunk> {
        let more = std::mem::take(&mut round.came_meanwhile);
        if round.left.is_empty() && !more {
            return None;
        }
        let mut chunk = Chunk {
            again_at: more.then(|| Instant::now() + MOMENT),
            ..Chunk::default()
        };
        let mut bytes = 0;
        while chunk.files.len() < CHUNK_FILES && bytes < CHUNK_BYTES {
            let Some(listed) = round.left.pop_front() else {
                break;
            };
            bytes += listed.stamp.size.min(read::MAX_FILE_BYTES);
            match self.look_at(round, &listed) {
                Examination::Take(file, fate) => chunk.files.push((file, fate)),
                Examination::Again(at) => {
                    chunk.again_at = Some(chunk.again_at.map_or(at, |other| other.min(at)));
                }
                Examination::Nothing => {}
            }
        }
        Some(chunk)
    }

    fn look_at(&mut self, round: &mut Round, listed: &Listed) -> Examination {
        let key = (round.planner.clone(), listed.name.clone());
        if !self.arrived.contains(&key)
            && let Some((again_at, voice)) = self.waits.still(&key, listed.stamp)
        {
            if let Some(voice) = voice {
                round.behind.hold(voice.clone(), again_at);
            }
            return Examination::Again(again_at);
        }
        let (bytes, stamp) = match read::read(&round.folders.incoming, &listed.name) {
            read::Outcome::Bytes(bytes, stamp) => (bytes, stamp),
            read::Outcome::Changing(stamp) => {
                let again_at = self.waits.wait(key, stamp, self.timing.quiet, None);
                return Examination::Again(again_at);
            }
            read::Outcome::Refused(reason) => {
                let Stamp {
                    size,
                    modified_ns,
                    inode,
                } = listed.stamp;
                let mark = format!("{inode:x}-{size:x}-{modified_ns:x}");
                let look = FileState {
                    stamp: listed.stamp,
                    written_ns: listed.written_ns,
                    sha256: mark,
                    was_read: false,
                };
                return self.take(round, key, look, None, Err(reason));
            }
            read::Outcome::Gone => return Examination::Nothing,
            read::Outcome::Later(error) => {
                tracing::warn!(file = %shown(&listed.name), planner = %round.planner, %error, "a mailbox file could not be read; it is tried again");
                self.incomplete = true;
                return Examination::Nothing;
            }
        };
        let sha256 = hex(&Sha256::digest(&bytes));
        let receipt = receipts::find(&self.state_dir, &sha256).unwrap_or_else(|error| {
            tracing::warn!(%error, sha256, "a receipt could not be read; its file counts as unverified");
            None
        });
        let whole = receipt.is_some() || self.arrived.contains(&key);
        let name = listed.name.to_string_lossy();
        let content = if !name.ends_with(".json") {
            Err(ParseError::Wrong(say!("reason.file.name").to_string()))
        } else {
            parse::parse(&name, &bytes)
        };
        let patience = match &content {
            Err(ParseError::Unfinished) => self.timing.unfinished,
            _ if whole => Duration::ZERO,
            _ => self.timing.quiet,
        };
        // The tool's words have a receipt, and are whole whenever they are found.
        let voice = content.as_ref().ok().map(Voice::of);
        let voice = voice.filter(|_| receipt.is_none());
        let own = patience.saturating_sub(self.waits.quiet_for(&key, stamp));
        let older = voice.as_ref().map(|voice| round.behind.left(voice));
        let left = own.max(older.unwrap_or_default());
        if !left.is_zero() {
            let again_at = self.waits.wait(key, stamp, left, voice.clone());
            if let Some(voice) = voice {
                round.behind.hold(voice, again_at);
            }
            return Examination::Again(again_at);
        }
        let content = content.map_err(|error| error.to_string());
        let found = FileState {
            stamp,
            written_ns: listed.written_ns,
            sha256,
            was_read: true,
        };
        self.take(round, key, found, receipt, content)
    }

    fn take(
        &mut self,
        round: &Round,
        key: Key,
        found: FileState,
        receipt: Option<receipts::Receipt>,
        content: Result<parse::Parsed, String>,
    ) -> Examination {
        self.waits.over(&key);
        let FileState {
            stamp,
            written_ns,
            sha256,
            was_read,
        } = found;
        let has_receipt = receipt.is_some();
        let fate = match self.decided.get(&key) {
            Some((digest, verdict)) if *digest == sha256 => Fate::Known(verdict.clone()),
            _ => {
                let target = moves::expected_name(&key.1, &round.folders.archive, &sha256);
                let rejected = moves::expected_name(&key.1, &round.folders.rejected, &sha256);
                let origin = Origin {
                    planner: round.planner.clone(),
                    file: shown(&target),
                    rejected_as: shown(&rejected),
                    sha256: sha256.clone(),
                    receipt,
                    modified_at: timestamp(stamp.modified_ns),
                    written_at: timestamp(written_ns),
                };
                Fate::Ask(Box::new(Candidate {
                    file: origin,
                    content,
                    findings: Vec::new(),
                }))
            }
        };
        let file = Examined {
            name: key.1,
            stamp,
            sha256,
            was_read,
            has_receipt,
        };
        Examination::Take(file, fate)
    }

    /// Puts files away. What cannot be moved now keeps its verdict and is tried again.
    pub(super) fn settle(&mut self, round: &Round, files: Vec<(Examined, Verdict)>) -> Settled {
        if files.is_empty() {
            return Settled::default();
        }
        let mut more = false;
        let mut rejected = Vec::new();
        let mut used = Vec::new();
        for (file, verdict) in files {
            let moved = match &verdict {
                Verdict::Archive => {
                    let (from, to) = (&round.folders.incoming, &round.folders.archive);
                    moves::put_away(file.known(), from, to, |_| Ok(()))
                }
                Verdict::Reject(reason) => rejected::reject(&round.folders, file.known(), reason),
            };
            let key = (round.planner.clone(), file.name);
            match moved {
                // What the file said is in the journal; this holds even when it was replaced or taken away meanwhile.
                Ok(moved) => {
                    more |= moved == Moved::Replaced;
                    if let (Verdict::Reject(_), Moved::To(name)) = (&verdict, moved) {
                        rejected.push(name);
                    }
                    self.decided.remove(&key);
                    if file.has_receipt {
                        used.push(file.sha256);
                    }
                }
                Err(error) => {
                    self.incomplete = true;
                    if !self.decided.contains_key(&key) {
                        tracing::warn!(file = %shown(&key.1), planner = %key.0, %error, "a mailbox file could not be put away; it is tried again");
                    }
                    self.decided.insert(key, (file.sha256, verdict));
                }
            }
        }
        if let Err(error) = round.folders.sync() {
            tracing::warn!(%error, planner = %round.planner, "moved mailbox files may not be on disk yet");
        }
        for sha256 in used {
            if let Err(error) = receipts::remove(&self.state_dir, &sha256) {
                tracing::warn!(%error, sha256, "a used receipt could not be removed");
            }
        }
        Settled {
            more,
            removed: self.shelve(round, &rejected),
        }
    }

    /// Keeps the newest of the rejected files; how many others were deleted.
    fn shelve(&mut self, round: &Round, came: &[OsString]) -> u64 {
        if came.is_empty() {
            return 0;
        }
        let known = self.shelves.remove(&round.planner);
        match Shelf::add(known, &round.folders.rejected, came) {
            Ok((shelf, removed)) => {
                self.shelves.insert(round.planner.clone(), shelf);
                removed
            }
            Err(error) => {
                tracing::warn!(%error, planner = %round.planner, "old rejected files could not be deleted");
                0
            }
        }
    }
}

impl Examined {
    fn known(&self) -> Known<'_> {
        Known {
            name: &self.name,
            stamp: self.stamp,
            digest: &self.sha256,
            was_read: self.was_read,
        }
    }
}

/// What was found under a name.
struct FileState {
    stamp: Stamp,
    written_ns: i128,
    /// Digest of the bytes, or a mark made from the stamp when they were not read.
    sha256: String,
    was_read: bool,
}

enum Examination {
    Take(Examined, Fate),
    Again(Instant),
    Nothing,
}

fn timestamp(ns: i128) -> DateTime<Utc> {
    i64::try_from(ns)
        .map(DateTime::from_timestamp_nanos)
        .unwrap_or(DateTime::UNIX_EPOCH)
}

/// A name as text that shows what cannot be seen.
fn shown(name: &OsStr) -> String {
    shown_line(&name.to_string_lossy()).into_owned()
}
