//! What was put away: the sessions that the state holds no longer, by their ids, in pages, and by what was said in them.
//!
//! Everything here follows from the journal. What is missing, damaged or of another version is made again from it (`again`), and nothing
//! else is told of it before it is whole. Agents cannot reach the file: it lies in the state folder.
//!
//! - `store`: the file, SQLite with an index of all words (FTS5)
//! - `words`: what of a session can be looked for
//! - `again`: making it from the journal
//! - Why SQLite: `docs/decisions/10-what-was-put-away.md`

mod again;
mod store;
mod words;

pub use store::{Find, Kind, StoreError};
pub use words::matches;

use crate::domain::ids::SessionId;
use crate::domain::state::State;
use crate::domain::state::past::Past;
use crate::journal::PickError;
use again::make;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::Store;

/// Why what was put away cannot be read or added to.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// It is being made again from the journal.
    #[error("what was put away is being read again from the journal")]
    Making,
    /// Its file failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] PickError),
    /// The journal says something else than the state.
    #[error("the journal has {found} sessions that were put away, the state {expected}")]
    Differs {
        /// In the journal.
        found: usize,
        /// In the state.
        expected: usize,
    },
}

/// What was put away. Calls block for some milliseconds at most, but for [`History::make_again`].
#[derive(Debug)]
pub struct History {
    file: PathBuf,
    standing: Mutex<Standing>,
    /// Names that nobody has, as far as [`History::has`] was asked since the last one came: it is asked for each event of a thread, and must
    /// not wait for a search. Locked last, and changed only under `standing`.
    absent: Mutex<HashSet<String>>,
}

/// So many absent names are remembered: threads that somebody is told of.
const MOST_ABSENT: usize = 10_000;

#[derive(Debug)]
enum Standing {
    Ready(Store),
    /// It has to be made again.
    Making,
}

impl History {
    /// Opens what belongs to this state. What does not is to be made again: see [`History::is_ready`].
    pub fn open(file: &Path, state: &State) -> Self {
        let opened = Store::open(file).and_then(|mut store| {
            store.remove(state.sessions.keys())?;
            Ok((store.count()?, store))
        });
        let standing = match opened {
            Ok((count, store)) if count == state.put_away.sessions => Standing::Ready(store),
            Ok((count, _)) => {
                let expected = state.put_away.sessions;
                tracing::warn!(
                    count,
                    expected,
                    "what was put away is made again from the journal"
                );
                Standing::Making
            }
            Err(error) => {
                tracing::warn!(%error, "what was put away is made again from the journal");
                Standing::Making
            }
        };
        Self {
            file: file.to_owned(),
            standing: Mutex::new(standing),
            absent: Mutex::default(),
        }
    }

    /// Whether it is whole.
    pub fn is_ready(&self) -> bool {
        matches!(*self.lock(), Standing::Ready(_))
    }

    /// Makes it from a journal, whose end the state `now` stands at or is behind of. Takes as long as a start without a snapshot.
    ///
    /// # Errors
    /// When the journal cannot be read, or the file not be written.
    pub fn make_again(
        &self,
        journal: &Path,
        now: impl FnOnce(&mut dyn FnMut(&State)),
    ) -> Result<(), HistoryError> {
        let mut store = make(&self.file, journal)?;
        let mut done = Ok(());
        now(&mut |state| {
            done = (|| {
                store.remove(state.sessions.keys())?;
                let (found, expected) = (store.count()?, state.put_away.sessions);
                match found == expected {
                    true => Ok(()),
                    false => Err(HistoryError::Differs { found, expected }),
                }
            })();
        });
        done?;
        *self.lock() = Standing::Ready(store);
        Ok(())
    }

    /// Keeps sessions. They are on disk when this returns, as far as SQLite promises that without waiting for it: what a power cut takes
    /// is missed at the next start, and made again.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn put(&self, all: &[Past]) -> Result<(), HistoryError> {
        self.with(|store| {
            self.absent().clear();
            store.put(all)
        })
    }

    /// Forgets sessions that are in the state again.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn remove<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a SessionId>,
    ) -> Result<(), HistoryError> {
        self.with(|store| store.remove(ids))
    }

    /// The session that has this name: its own id, or that of its thread, a copy of it, its report or its assignment.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn named(&self, name: &str) -> Result<Option<Past>, HistoryError> {
        self.with(|store| store.named(name))
    }

    /// Whether a session has this name.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn has(&self, name: &str) -> Result<bool, HistoryError> {
        if self.absent().contains(name) {
            return Ok(false);
        }
        self.with(|store| {
            let has = store.has(name)?;
            if !has {
                let mut absent = self.absent();
                if absent.len() >= MOST_ABSENT {
                    absent.clear();
                }
                absent.insert(name.to_owned());
            }
            Ok(has)
        })
    }

    /// The newest sessions that are looked for, and how many there are besides.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn page(&self, find: &Find<'_>) -> Result<(Vec<Past>, usize), HistoryError> {
        self.with(|store| store.page(find))
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError>,
    ) -> Result<T, HistoryError> {
        let mut standing = self.lock();
        let Standing::Ready(store) = &mut *standing else {
            return Err(HistoryError::Making);
        };
        let done = work(store);
        if let Err(error) = &done
            && error.is_damage()
        {
            tracing::error!(%error, "what was put away is damaged, and made again from the journal");
            *standing = Standing::Making;
        }
        Ok(done?)
    }

    fn absent(&self) -> MutexGuard<'_, HashSet<String>> {
        self.absent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
