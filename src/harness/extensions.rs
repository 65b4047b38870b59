//! The set of extensions. None can be loaded yet, so a new set is as empty as the one before; that it was asked for is on record.

use super::{Harness, Refused};
use crate::domain::harness::event::Event;
use crate::domain::harness::state::State;
use chrono::{DateTime, Utc};

/// The set in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Counts the sets.
    pub version: u64,
    /// Since when.
    pub loaded_at: DateTime<Utc>,
}

impl Harness {
    /// The set in force.
    pub fn extensions(&self) -> Snapshot {
        let set = self.ledger.read(|state| state.extensions.clone());
        Snapshot {
            version: set.version,
            loaded_at: set.loaded_at.unwrap_or(self.started_at),
        }
    }

    /// Loads the set anew; its name in the journal, and what is in force now.
    ///
    /// # Errors
    /// When the journal of the harness cannot be written.
    pub async fn reload_extensions(
        &self,
        actor: &str,
        role: &'static str,
    ) -> Result<(String, Snapshot), Refused> {
        let reload_id = uuid::Uuid::now_v7().to_string();
        let named = reload_id.clone();
        let decide = move |state: &State| {
            let version_before = state.extensions.version;
            let event = Event::ExtensionsReloaded {
                reload_id: named,
                role: role.to_owned(),
                result: "ok".to_owned(),
                version_before,
                version_after: version_before + 1,
            };
            Ok((vec![event], ()))
        };
        self.decide(actor, decide).await?;
        Ok((reload_id, self.extensions()))
    }
}
