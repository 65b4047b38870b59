//! Whose a thread is.

use super::Harness;
use super::index::Known;
use super::refused::Refused;
use crate::domain::harness::state::Tombstone;

/// Helpers of helpers that are followed to where they come from; Codex has fewer.
const MAX_LINE: usize = 16;

/// What a thread is to the harness.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Anybody's who may drive threads.
    User(Known),
    /// The launcher's own, or a worker's: may be read, not driven.
    System(Option<Known>),
    /// It was deleted here.
    Deleted(Tombstone),
    /// Nobody knows it.
    Unknown,
}

impl Harness {
    /// What a thread is.
    pub fn standing(&self, session_id: &str) -> Standing {
        let tombstone =
            |state: &crate::domain::harness::state::State| state.deleted.get(session_id).cloned();
        if self.is_system_owned(session_id) {
            return Standing::System(self.index.get(session_id));
        }
        if let Some(tombstone) = self.ledger.read(tombstone) {
            return Standing::Deleted(tombstone);
        }
        match self.index.get(session_id) {
            Some(known) => Standing::User(known),
            None => Standing::Unknown,
        }
    }

    /// Whether a thread belongs to a planner, a department or a worker, or is a helper of one that does.
    pub fn is_system_owned(&self, session_id: &str) -> bool {
        let owned = |id: &str| {
            let is_session =
                |state: &crate::domain::state::State| state.session_of_thread(id).is_some();
            self.core.ledger.read(is_session) || self.is_worker(id) || self.core.is_past(id)
        };
        let parent = |id: &str| self.index.get(id)?.parent;
        let line = std::iter::successors(Some(session_id.to_owned()), |id| parent(id));
        line.take(MAX_LINE).any(|id| owned(&id))
    }

    /// Whether a thread is a worker's, also before that is on record; one that was deleted is nobody's.
    fn is_worker(&self, id: &str) -> bool {
        let (is_one, is_deleted) = self.ledger.read(|state| {
            let is_deleted = state.deleted.contains_key(id);
            (state.workers.has_thread(id), is_deleted)
        });
        is_one || !is_deleted && self.workers.is_one(id)
    }

    /// A thread that may be driven.
    ///
    /// # Errors
    /// When it was deleted, belongs to the system or is unknown, in this order.
    pub fn drivable(&self, session_id: &str) -> Result<Known, Refused> {
        match self.standing(session_id) {
            Standing::User(known) => Ok(known),
            Standing::System(_) => Err(Refused::system_session(session_id)),
            Standing::Deleted(tombstone) => Err(Refused::deleted(session_id, &tombstone)),
            Standing::Unknown => Err(self.unknown(session_id)),
        }
    }

    /// A thread that may be read.
    ///
    /// # Errors
    /// When it was deleted or is unknown.
    pub fn readable(&self, session_id: &str) -> Result<Known, Refused> {
        match self.standing(session_id) {
            Standing::User(known) | Standing::System(Some(known)) => Ok(known),
            Standing::Deleted(tombstone) => Err(Refused::deleted(session_id, &tombstone)),
            Standing::System(None) | Standing::Unknown => Err(self.unknown(session_id)),
        }
    }

    /// A thread that nobody knows; while Codex has not told of its threads that says nothing.
    fn unknown(&self, session_id: &str) -> Refused {
        if self.index.is_filled() {
            return Refused::unknown_session(session_id);
        }
        let reason = self.threads.down().unwrap_or_default();
        Refused::codex_unavailable(reason).of_session(session_id)
    }
}
