//! Rows that clients write into transcripts.

use super::refused::Refused;
use super::{Decision, Harness};
use crate::domain::harness::event::Event;
use crate::domain::harness::row::{MAX_CONTENT_BYTES, TranscriptEntry};
use crate::domain::harness::state::State;
use crate::domain::sentence::say;

/// The longest name of a row, of its turn or of its type, in bytes.
const MAX_NAME_BYTES: usize = 200;

impl Harness {
    /// Writes a row, or what is new of one: its end is never taken back, its times only grow apart.
    ///
    /// # Errors
    /// When a name is missing or too long, the row is too large, or there is no room for it.
    pub async fn put_row(
        &self,
        actor: &str,
        session_id: &str,
        entry: TranscriptEntry,
    ) -> Result<(), Refused> {
        fits(&entry).map_err(|refused| refused.of_session(session_id))?;
        let session_id = session_id.to_owned();
        let decide = move |state: &State| -> Decision<()> {
            Ok((vec![upserted(state, session_id, entry)?], ()))
        };
        self.decide(actor, decide).await
    }
}

fn fits(entry: &TranscriptEntry) -> Result<(), Refused> {
    let names = [
        ("messageId", &entry.message_id),
        ("turnId", &entry.turn_id),
        ("type", &entry.kind),
    ];
    for (field, name) in names {
        if name.trim().is_empty() || name.len() > MAX_NAME_BYTES {
            let most = MAX_NAME_BYTES;
            let message = say!("refusal.harness.row_name", most);
            return Err(Refused::invalid(field, message));
        }
    }
    let details = entry.details.as_deref().unwrap_or_default();
    if entry.content.len() > MAX_CONTENT_BYTES || details.len() > MAX_CONTENT_BYTES {
        let message = say!("refusal.harness.row_too_large");
        return Err(Refused::new(413, "row_too_large", message));
    }
    Ok(())
}

/// The row as an event, while there is room for it.
///
/// # Errors
/// When the thread was deleted meanwhile, or its transcript or all of them are full.
pub(super) fn upserted(
    state: &State,
    session_id: String,
    entry: TranscriptEntry,
) -> Result<Event, Refused> {
    if let Some(tombstone) = state.deleted.get(&session_id) {
        return Err(Refused::deleted(&session_id, tombstone));
    }
    if !state.has_room_for(&session_id, &entry) {
        let message = say!("refusal.harness.rows_full");
        return Err(Refused::new(507, "rows_full", message).of_session(&session_id));
    }
    Ok(Event::RowUpserted { session_id, entry })
}
