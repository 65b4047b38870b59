//! Handoff packets on disk: one page per report, always that of its newest revision.
//!
//! What a page says is decided in `domain::handoff`. This file only knows which pages are owed and writes them, whole
//! or not at all, into the archive of the planner that the report went to. A packet can be made again from the state
//! at any time, so a lost one is written anew at the next start.

use super::folders::{self, FolderError, Folders};
use crate::domain::handoff::{self, MAILBOX_ROOT};
use crate::domain::ids::{ReportId, SessionId};
use crate::domain::result::Revision;
use crate::domain::state::State;
use chrono::{DateTime, Utc};
use rustix::fs::{Mode, OFlags};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// From this many packets on, one sync of the file system is cheaper than one for each file.
const SYNC_ALL_FROM: usize = 8;

/// A packet's header is much shorter than this.
const HEADER_BYTES: u64 = 2048;

/// Why a packet could not be written.
#[derive(Debug, thiserror::Error)]
pub enum HandoffError {
    /// There is no such report, or its packet does not belong into a mailbox.
    #[error("there is no handoff packet for report {0}")]
    NoPacket(ReportId),
    /// The archive cannot be opened.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The file system refused.
    #[error("write the handoff packet of report {report_id}: {source}")]
    Io {
        /// Which report.
        report_id: ReportId,
        /// What it said.
        #[source]
        source: io::Error,
    },
}

/// Everything that a page needs, taken out of the state so that nothing is rendered or written under its lock.
#[derive(Debug, Clone)]
pub struct Packet {
    /// The report.
    pub report_id: ReportId,
    /// Its newest revision.
    pub revision: Revision,
    /// The task that its session was really given.
    pub objective: String,
    /// When the revision was registered.
    pub reported_at: DateTime<Utc>,
    planner: SessionId,
    file: OsString,
}

impl Packet {
    /// The packet of a report as things stand.
    pub fn of(state: &State, report_id: &ReportId) -> Option<Self> {
        let report = state.reports.get(report_id)?;
        let revision = report.current().clone();
        let mut parts = revision
            .handoff_packet
            .strip_prefix(MAILBOX_ROOT)
            .ok()?
            .iter();
        let planner = SessionId::parse(parts.next()?.to_str()?).ok()?;
        let (archive, file) = (parts.next()?, parts.next()?.to_owned());
        if archive != "archive" || parts.next().is_some() {
            return None;
        }
        let session = state.session(&revision.department_session_id);
        Some(Self {
            report_id: report_id.clone(),
            objective: session.map_or_else(String::new, |session| session.brief.task.clone()),
            reported_at: report.reported_at(),
            revision,
            planner,
            file,
        })
    }

    fn page(&self) -> String {
        handoff::render(&self.revision, &self.objective, self.reported_at)
    }
}

/// Writes the packet of one report.
///
/// # Errors
/// When there is no such report or the archive cannot be written.
pub fn ensure(repo: &Path, state: &State, report_id: &ReportId) -> Result<(), HandoffError> {
    let packet =
        Packet::of(state, report_id).ok_or_else(|| HandoffError::NoPacket(report_id.clone()))?;
    write(repo, &[packet]).pop().unwrap_or(Ok(()))
}

/// Writes packets; the answers stand in the order of the packets. A failure concerns its own packet only.
pub fn write(repo: &Path, packets: &[Packet]) -> Vec<Result<(), HandoffError>> {
    let mut archives: BTreeMap<SessionId, Folders> = BTreeMap::new();
    let many = cfg!(target_os = "linux") && packets.len() >= SYNC_ALL_FROM;
    let drafts: Vec<Result<&Packet, HandoffError>> = packets
        .iter()
        .map(|packet| {
            let folders = match archives.entry(packet.planner.clone()) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(Folders::open(repo, &packet.planner)?)
                }
            };
            let page = packet.page();
            folders::draft(&folders.archive, &packet.file, page.as_bytes(), !many)
                .map_err(|source| packet.failed(source))?;
            Ok(packet)
        })
        .collect();
    let synced = match archives.values().next() {
        Some(folders) if many => sync_file_system(folders),
        _ => Ok(()),
    };
    let results = drafts
        .into_iter()
        .map(|draft| {
            let packet = draft?;
            if let Err(error) = &synced {
                return Err(packet.failed(io::Error::new(error.kind(), error.to_string())));
            }
            let archive = &archives[&packet.planner].archive;
            folders::publish(archive, &packet.file).map_err(|source| packet.failed(source))
        })
        .collect();
    for folders in archives.values() {
        if let Err(error) = rustix::fs::fsync(&folders.archive) {
            tracing::warn!(%error, archive = %folders.paths.archive.display(), "a handoff packet may not be on disk yet");
        }
    }
    results
}

impl Packet {
    fn failed(&self, source: io::Error) -> HandoffError {
        HandoffError::Io {
            report_id: self.report_id.clone(),
            source,
        }
    }
}

#[cfg(target_os = "linux")]
fn sync_file_system(folders: &Folders) -> io::Result<()> {
    Ok(rustix::fs::syncfs(&folders.archive)?)
}

/// No other system has it: each file is synced by itself.
#[cfg(not(target_os = "linux"))]
fn sync_file_system(_: &Folders) -> io::Result<()> {
    Ok(())
}

/// Splits packets into those that are on disk in their newest revision and those that are not.
pub fn compare(repo: &Path, packets: Vec<Packet>) -> (Vec<Packet>, Vec<Packet>) {
    let mut archives: BTreeMap<SessionId, Option<Folders>> = BTreeMap::new();
    packets.into_iter().partition(|packet| {
        let folders = archives
            .entry(packet.planner.clone())
            .or_insert_with(|| Folders::open(repo, &packet.planner).ok());
        let on_disk = folders
            .as_ref()
            .and_then(|folders| revision_on_disk(folders, packet));
        on_disk == Some(packet.revision.revision)
    })
}

fn revision_on_disk(folders: &Folders, packet: &Packet) -> Option<u32> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&folders.archive, &packet.file, flags, Mode::empty()).ok()?;
    let file = File::from(file);
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut header = Vec::new();
    file.take(HEADER_BYTES).read_to_end(&mut header).ok()?;
    let header = String::from_utf8_lossy(&header);
    let line = header
        .lines()
        .take_while(|line| !line.starts_with("## "))
        .find_map(|line| line.strip_prefix("- revision: "))?;
    line.parse().ok()
}
