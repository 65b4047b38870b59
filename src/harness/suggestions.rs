//! The suggested next request of a thread: a row of ours that somebody fills in.

use super::rows::upserted;
use super::{Decision, Harness, Refused};
use crate::domain::harness::event::Event;
use crate::domain::harness::job::JobId;
use crate::domain::harness::row::{Role, RowStatus, TranscriptEntry};
use crate::domain::harness::state::State;
use crate::domain::sentence::say;
use chrono::{DateTime, Utc};
use serde_json::json;

/// The type of the row.
pub const KIND: &str = "agent.suggestedRequest";
/// What the name of the row begins with; the key of the request follows.
const ROW: &str = "suggested-request:";

/// What is known of a suggestion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// How far it is.
    pub status: RowStatus,
    /// The text.
    pub suggestion: Option<String>,
    /// Why there is none.
    pub error: Option<String>,
}

impl Suggestion {
    /// It is being made.
    pub const fn streaming() -> Self {
        Self {
            status: RowStatus::Streaming,
            suggestion: None,
            error: None,
        }
    }
}

impl Harness {
    /// Writes what is known of a suggestion; what stands afterwards, and since when. One that has ended is not taken back to its streaming.
    ///
    /// # Errors
    /// When it is complete without a text, or there is no room for it.
    pub async fn put_suggestion(
        &self,
        actor: &str,
        session_id: &str,
        request_key: &str,
        told: Suggestion,
    ) -> Result<(Suggestion, DateTime<Utc>), Refused> {
        if told.status == RowStatus::Complete && told.suggestion.is_none() {
            let message = say!("refusal.harness.missing_suggestion");
            let refused = Refused::new(400, "missing_suggestion", message);
            return Err(refused.named("invalid_request").of_session(session_id));
        }
        let now = Utc::now();
        let message_id = format!("{ROW}{request_key}");
        let turn_id = self.turn_of_row(session_id, &message_id).await;
        let entry = entry(request_key, &turn_id, &told, None, now);
        let session_id = session_id.to_owned();
        let decide = move |state: &State| decide(state, session_id, entry, told, now);
        self.decide(actor, decide).await
    }

    /// Where the row stands: where it stands already, else in the newest turn, where there is one.
    async fn turn_of_row(&self, session_id: &str, message_id: &str) -> String {
        let known = self.ledger.read(|state| {
            state
                .row(session_id, message_id)
                .map(|entry| entry.turn_id.clone())
        });
        if let Some(turn_id) = known {
            return turn_id;
        }
        let Some(thread) = self.threads.thread(session_id) else {
            return String::new();
        };
        match thread.newest_turn().await {
            Ok(Some(turn)) => turn.id.0,
            // Whoever puts the transcript together finds its place by its time.
            Ok(None) | Err(_) => String::new(),
        }
    }
}

/// The row of a suggestion; one that a job makes names it.
pub(super) fn entry(
    request_key: &str,
    turn_id: &str,
    told: &Suggestion,
    job_id: Option<&JobId>,
    now: DateTime<Utc>,
) -> TranscriptEntry {
    let mut details = json!({
        "requestKey": request_key,
        "suggestion": told.suggestion,
        "error": told.error,
        "updatedAt": now,
    });
    if let Some(job_id) = job_id {
        details["jobId"] = json!(job_id);
    }
    let ended = told.status != RowStatus::Streaming;
    let content = told.suggestion.clone().or_else(|| told.error.clone());
    TranscriptEntry {
        message_id: format!("{ROW}{request_key}"),
        turn_id: turn_id.to_owned(),
        role: Role::System,
        kind: KIND.to_owned(),
        content: content.unwrap_or_default(),
        details: Some(details.to_string()),
        started_at: Some(now.timestamp_millis()),
        completed_at: ended.then(|| now.timestamp_millis()),
        status: told.status,
    }
}

/// A suggestion is being made: its row, unless an attempt before wrote it.
pub(super) fn begun(state: &State, session_id: String, entry: TranscriptEntry) -> Decision<()> {
    let events: Vec<Event> = match state.row(&session_id, &entry.message_id) {
        Some(_) => Vec::new(),
        None => vec![upserted(state, session_id, entry)?],
    };
    Ok((events, ()))
}

/// The turn in which the row of a suggestion stands; none where there is no row.
pub fn turn_of(state: &State, session_id: &str, request_key: &str) -> String {
    let row = state.row(session_id, &format!("{ROW}{request_key}"));
    row.map(|it| it.turn_id.clone()).unwrap_or_default()
}

/// Whether nothing more comes of a suggestion.
pub(super) fn is_over(state: &State, session_id: &str, request_key: &str) -> bool {
    let row = state.row(session_id, &format!("{ROW}{request_key}"));
    row.is_some_and(|it| it.status != RowStatus::Streaming)
}

fn decide(
    state: &State,
    session_id: String,
    entry: TranscriptEntry,
    told: Suggestion,
    now: DateTime<Utc>,
) -> Decision<(Suggestion, DateTime<Utc>)> {
    let known = state.row(&session_id, &entry.message_id);
    if let Some(known) = known
        && known.status != RowStatus::Streaming
        && told.status == RowStatus::Streaming
    {
        return Ok((Vec::new(), stored(known, now)));
    }
    Ok((vec![upserted(state, session_id, entry)?], (told, now)))
}

/// The key of the request whose suggestion a row is, and what it says of it.
pub fn of_row(entry: &TranscriptEntry) -> Option<(&str, Suggestion)> {
    let key = entry.message_id.strip_prefix(ROW);
    let key = key.filter(|_| entry.kind == KIND)?;
    Some((key, stored(entry, DateTime::UNIX_EPOCH).0))
}

/// What a row says of its suggestion.
fn stored(entry: &TranscriptEntry, now: DateTime<Utc>) -> (Suggestion, DateTime<Utc>) {
    let details = entry.details.as_deref().unwrap_or_default();
    let details: serde_json::Value = serde_json::from_str(details).unwrap_or_default();
    let text = |name: &str| details[name].as_str().map(str::to_owned);
    let updated_at = text("updatedAt").and_then(|at| at.parse().ok());
    let suggestion = Suggestion {
        status: entry.status,
        suggestion: text("suggestion"),
        error: text("error"),
    };
    (suggestion, updated_at.unwrap_or(now))
}
