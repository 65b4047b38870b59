//! Opening a journal: lock, replay into a fold from the newest snapshot, put a torn tail aside, mend the audit copy.
//!
//! Changes nothing on disk when the journal is corrupt. Called once, at start.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chrono::SubsecRound;
use rustix::fs::OFlags;

use super::append::Appender;
use super::copy::{AuditCopy, CopyOutcome};
use super::folder::{free_name, sync_folder};
use super::line::{self, LineFault};
use super::record::{Clock, Fold};
use super::scan::{self, Ending, Header, Tip, Walked};
use super::shelf::Shelf;
use super::snapshot::{Restored, Unused};

/// Why a journal cannot be opened at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file system refused.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// Another process writes it.
    #[error("{path} is in use by another zhongshu. Stop that one first")]
    Locked {
        /// The journal.
        path: PathBuf,
    },
    /// It is no plain file.
    #[error("{path} is not a regular file. Move it away, or name another state directory")]
    NotAFile {
        /// The journal.
        path: PathBuf,
    },
    /// A newer version wrote it.
    #[error(
        "{path} has journal format {found}, which this version of zhongshu cannot read. Use a newer one"
    )]
    Format {
        /// The journal.
        path: PathBuf,
        /// The format it has.
        found: u64,
    },
}

/// A tail that was put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// Where its bytes are now.
    pub moved_to: PathBuf,
    /// How many there are.
    pub bytes: u64,
}

/// Where a journal stops being readable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of {} is damaged: {fault}. State is that of the lines before it, and nothing can be changed. Stop zhongshu and run `zhongshu audit repair`, or put a sound copy of the file in its place", path.display())]
pub struct Corrupt {
    /// The journal.
    pub path: PathBuf,
    /// The first bad line, counted from 1 as editors do.
    pub line: u64,
    /// Where in the file that line begins.
    pub offset: u64,
    /// What is wrong with it.
    pub fault: LineFault,
}

/// An open journal and what was found in it. Goes into `Ledger::start`.
pub struct Opened<S> {
    /// The fold of all good records.
    pub state: S,
    /// Seq of the last good record; 0 when there is none.
    pub last_seq: u64,
    /// The torn tail, if there was one.
    pub torn: Option<Torn>,
    /// The damage, if there is any; then nothing can be appended.
    pub corrupt: Option<Corrupt>,
    /// How the audit copy fared.
    pub copy: CopyOutcome,
    /// Seq of the record whose snapshot the replay began with; `None`: with the first line.
    pub from_snapshot: Option<u64>,
    /// Newer snapshots than that, which could not be used.
    pub unused: Vec<Unused>,
    /// When the next ones are written.
    pub pace: Pace,
    /// The journal's path.
    pub path: PathBuf,
    pub(crate) appender: Option<Appender>,
    pub(crate) audit_copy: Option<AuditCopy>,
    pub(crate) shelf: Shelf,
    /// What a start would have to read again, until there is another snapshot.
    pub(crate) behind: Behind,
}

/// When snapshots are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// After so many records. A start reads some 100,000 a second, so this many cost it 20 ms; a tenth would write a state of some MiB
    /// every few minutes of a busy day, ten times as many would be felt at a start.
    pub records: u64,
    /// Or after so many bytes of them: results and plans can be large.
    pub bytes: u64,
    /// At an orderly stop, after so many.
    pub at_stop: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            records: 2000,
            bytes: 8 * 1024 * 1024,
            at_stop: 200,
        }
    }
}

/// How far the newest snapshot lags.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Behind {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    /// Bytes of the snapshot itself.
    pub(crate) size: u64,
}

/// The way to an open journal.
pub struct Journal;

impl Journal {
    /// Opens the journal at `path`, creating it (and its folder, 0700) when there is none, and replays what stands behind the newest
    /// snapshot that can be believed.
    ///
    /// The file stays locked until the ledger made from it is closed.
    pub fn open<S: Fold>(
        path: &Path,
        audit_copy: Option<&Path>,
        clock: &Clock,
    ) -> Result<Opened<S>, OpenError> {
        let failed = |action| {
            move |source| OpenError::Io {
                action,
                path: path.to_owned(),
                source,
            }
        };
        let file = open_locked(path)?;
        let mut shelf = Shelf::of(path);
        let (restored, unused) = shelf.newest::<S>(&file);
        let from_snapshot = restored.as_ref().map(|it| it.tip.last_seq());
        let Restored {
            mut state,
            tip: from,
            size,
        } = restored.unwrap_or_else(Restored::nothing);
        let mut rest = &file;
        rest.seek(SeekFrom::Start(from.offset))
            .map_err(failed("read"))?;
        let Walked { mut tip, ending } = scan::walk_from(from, rest, |parts| {
            state.apply(&parts.record()?);
            Ok(())
        })
        .map_err(failed("read"))?;

        let mut opened = Opened {
            state,
            last_seq: tip.last_seq(),
            torn: None,
            corrupt: None,
            copy: CopyOutcome::Skipped,
            from_snapshot,
            unused,
            pace: Pace::default(),
            path: path.to_owned(),
            appender: None,
            audit_copy: None,
            shelf,
            behind: Behind {
                records: tip.last_seq() - from.last_seq(),
                bytes: tip.offset - from.offset,
                size,
            },
        };
        match ending {
            Ending::Clean => {}
            Ending::Torn => {
                let torn = put_aside(&file, path, tip.offset);
                opened.torn = Some(torn.map_err(failed("put aside the torn end of"))?);
            }
            Ending::Corrupt(LineFault::Format { found }) => {
                let path = path.to_owned();
                return Err(OpenError::Format { path, found });
            }
            Ending::Corrupt(fault) => {
                opened.corrupt = Some(Corrupt {
                    path: path.to_owned(),
                    line: tip.next_seq + 1,
                    offset: tip.offset,
                    fault,
                });
                return Ok(opened);
            }
        }
        if tip.next_seq == 0 {
            tip = write_header(&file, path, clock).map_err(failed("create"))?;
        }
        if let Some(copy) = audit_copy {
            let (copy, outcome) = AuditCopy::open(copy, path, tip.offset, from.offset);
            opened.copy = outcome;
            opened.audit_copy = Some(copy);
        }
        opened.appender = Some(Appender::new(Box::new(file), tip));
        Ok(opened)
    }
}

/// Opens a journal that exists or not, which nobody else writes as long as the file is open.
pub(super) fn open_locked(path: &Path) -> Result<File, OpenError> {
    let failed = |action| {
        move |source| OpenError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    };
    if let Some(parent) = path.parent() {
        let mut folder = DirBuilder::new();
        folder.recursive(true).mode(0o700);
        folder
            .create(parent)
            .map_err(failed("create the folder of"))?;
    }
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(failed("open"))?;
    let metadata = file.metadata().map_err(failed("look at"))?;
    if !metadata.is_file() {
        let path = path.to_owned();
        return Err(OpenError::NotAFile { path });
    }
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let path = path.to_owned();
            return Err(OpenError::Locked { path });
        }
        Err(TryLockError::Error(error)) => return Err(failed("lock")(error)),
    }
    if metadata.permissions().mode() & 0o777 != 0o600 {
        file.set_permissions(fs::Permissions::from_mode(0o600))
            .map_err(failed("restrict the access to"))?;
    }
    Ok(file)
}

/// Copies what stands behind `offset` into a file of its own and cuts it off, in this order.
fn put_aside(file: &File, path: &Path, offset: u64) -> io::Result<Torn> {
    let moved_to = free_name(path, "torn")?;
    let mut aside = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&moved_to)?;
    let mut tail = file;
    tail.seek(SeekFrom::Start(offset))?;
    let bytes = io::copy(&mut tail.take(u64::MAX), &mut aside)?;
    aside.sync_all()?;
    sync_folder(path)?;
    file.set_len(offset)?;
    file.sync_all()?;
    Ok(Torn { moved_to, bytes })
}

fn write_header(mut file: &File, path: &Path, clock: &Clock) -> io::Result<Tip> {
    let ts = clock().trunc_subsecs(6);
    let mut bytes = Vec::new();
    let empty = Tip::EMPTY;
    let hash = line::seal(
        0,
        ts,
        "zhongshu",
        &Header::current(),
        &empty.hash,
        &mut bytes,
    )
    .map_err(io::Error::other)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    sync_folder(path)?;
    Ok(Tip {
        offset: bytes.len() as u64,
        next_seq: 1,
        hash,
        ts,
    })
}
