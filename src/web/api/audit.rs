//! `GET /api/audit`: pages of the journal.

use crate::domain::sentence::{Sentence, say};
use crate::web::app::App;
use crate::web::body::Query;
use crate::web::caller::RequireReader;
use crate::web::error::ApiError;
use crate::web::success::Success;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Lines in one answer, at most.
const MAX_LIMIT: usize = 1000;

#[derive(Debug, Deserialize)]
pub struct Page {
    #[serde(default)]
    after: u64,
    #[serde(default = "hundred")]
    limit: usize,
}

fn hundred() -> usize {
    100
}

/// One page of the journal.
#[derive(Debug, Serialize)]
pub struct AuditPage {
    /// Its records, as they were written.
    events: Vec<Box<RawValue>>,
    /// `after` for the next page.
    next: u64,
    /// The newest record that there is.
    last: u64,
}

pub async fn page(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Query(wish): Query<Page>,
) -> Result<Success<AuditPage>, ApiError> {
    if wish.limit == 0 || wish.limit > MAX_LIMIT {
        return Err(ApiError::invalid(
            "invalid_limit",
            say!("refusal.invalid_limit", max_limit = MAX_LIMIT),
        ));
    }
    let ledger = app.agents.core.ledger.clone();
    let last = ledger.snapshot_seq();
    let after = wish.after.min(last);
    let tail = tokio::task::spawn_blocking(move || ledger.tail(after, wish.limit)).await;
    let tail = tail.map_err(|_| ApiError::internal())?;
    let tail = tail.map_err(|error| {
        ApiError::unavailable(
            "journal_unreadable",
            Sentence::recognised(&error.to_string()),
        )
    })?;
    let lines: Result<Vec<Box<RawValue>>, _> = tail
        .lines
        .iter()
        .map(|line| RawValue::from_string(line.text.to_string()))
        .collect();
    let events = lines.map_err(|_| ApiError::internal())?;
    let next = tail.lines.last().map_or(after, |line| line.seq);
    Ok(Success(AuditPage { events, next, last }))
}
