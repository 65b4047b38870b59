//! Made again from the journal: it is folded from its beginning, and what leaves the state on the way is kept.

use super::HistoryError;
use super::store::{Store, StoreError};
use crate::domain::event::Event;
use crate::domain::state::State;
use crate::domain::state::past::Past;
use crate::journal;
use std::path::Path;

/// So many sessions are written at once.
const BATCH: usize = 500;

/// A file in place of `file`, with all that the journal put away.
pub fn make(file: &Path, journal: &Path) -> Result<Store, HistoryError> {
    for ending in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        match std::fs::remove_file(&name) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                let file = name.into();
                return Err(StoreError::Io { file, source }.into());
            }
            _ => {}
        }
    }
    let mut store = Store::open(file)?;
    let (mut state, mut left) = (State::default(), Vec::<Past>::new());
    let mut failed = None;
    journal::replay(journal, |record| {
        match &record.event {
            Event::SessionsPutAway { session_ids } => {
                left.extend(session_ids.iter().filter_map(|id| state.past_of(id)));
            }
            Event::SessionTakenOut { past } => {
                left.retain(|it| it.id() != past.id());
                failed = failed.take().or(store.remove([past.id()]).err());
            }
            _ => {}
        }
        if left.len() >= BATCH {
            failed = failed.take().or(store.put(&left).err());
            left.clear();
        }
        state.apply(record.seq, record.ts, &record.event);
    })?;
    failed = failed.or(store.put(&left).err());
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(store),
    }
}
