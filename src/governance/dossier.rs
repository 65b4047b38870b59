//! Makes the dossier of a planner's work from the journal on disk, whether a server runs or not.

use crate::domain::dossier::{Dossier, Entry, Planners};
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::journal::{self, Record, TailError};
use std::path::Path;

/// Records read at a time.
const PAGE: usize = 1000;

/// Why there is no dossier.
#[derive(Debug, thiserror::Error)]
pub enum DossierError {
    /// The file cannot be read.
    #[error("read the journal: {0}")]
    Journal(#[from] TailError),
    /// A line of it is not what was written.
    #[error("read record {0} of the journal: {1}; `zhongshu audit verify` says more")]
    Line(u64, String),
}

/// The document; `None` when the journal knows no such planner.
///
/// # Errors
/// When the journal cannot be read.
pub fn make(
    journal: &Path,
    id: SessionId,
    language: Language,
) -> Result<Option<String>, DossierError> {
    if !journal.exists() {
        return Ok(None);
    }
    let mut planners = Planners::of(id);
    loop {
        let mut more = false;
        each(journal, |record| more |= planners.look(&record.event))?;
        if !more {
            break;
        }
    }
    if !planners.is_known() {
        return Ok(None);
    }
    let mut dossier = Dossier::new(planners);
    each(journal, |record| {
        dossier.take(Entry {
            seq: record.seq,
            at: record.ts,
            actor: &record.actor,
            event: &record.event,
        });
    })?;
    Ok(Some(dossier.render(language)))
}

fn each(journal: &Path, mut look: impl FnMut(&Record<Event>)) -> Result<(), DossierError> {
    let mut follower = journal::follow(journal, 0);
    loop {
        let page = follower.poll(PAGE)?;
        for line in &page.lines {
            let entry = line
                .entry::<Event>()
                .map_err(|fault| DossierError::Line(line.seq, fault.to_string()))?;
            look(&entry.record);
        }
        if !page.more {
            return Ok(());
        }
    }
}
