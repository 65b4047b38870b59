//! Rows of transcripts that belong to a job: their details name it as `jobId`. When the job is over, so are they.

use super::{Job, JobId, JobState};
use crate::domain::harness::event::Event;
use crate::domain::harness::row::{RowStatus, TranscriptEntry};
use crate::domain::harness::state::State;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    job_id: JobId,
}

/// The job that a row belongs to.
pub fn job_of(entry: &TranscriptEntry) -> Option<JobId> {
    let details: Details = serde_json::from_str(entry.details.as_deref()?).ok()?;
    Some(details.job_id)
}

/// How a row stands whose job is this far.
pub const fn status(state: JobState) -> RowStatus {
    match state {
        JobState::Queued | JobState::Running => RowStatus::Streaming,
        JobState::Completed => RowStatus::Complete,
        JobState::Failed => RowStatus::Error,
        JobState::Canceled => RowStatus::Canceled,
    }
}

/// What ends the rows of a job that is over and of which more would have come, after these events of the same batch.
pub fn closed(state: &State, job: &Job, before: &[Event], now: DateTime<Utc>) -> Vec<Event> {
    let mut open: BTreeMap<(&str, &str), &TranscriptEntry> = BTreeMap::new();
    let source = job.source_session_id.as_deref().unwrap_or_default();
    let known = state.sessions.get(source).map(|it| it.rows.as_slice());
    let known = known.unwrap_or_default().iter().map(|row| &row.entry);
    let written = before.iter().filter_map(|event| match event {
        Event::RowUpserted { session_id, entry } => Some((session_id.as_str(), entry)),
        _ => None,
    });
    for (session_id, entry) in known.map(|entry| (source, entry)).chain(written) {
        let place = (session_id, entry.message_id.as_str());
        match entry.status {
            RowStatus::Streaming if job_of(entry).as_ref() == Some(&job.id) => {
                open.insert(place, entry);
            }
            _ => {
                open.remove(&place);
            }
        }
    }
    let ended = open.into_iter().map(|((session_id, _), entry)| {
        let entry = TranscriptEntry {
            status: status(job.state),
            completed_at: Some(now.timestamp_millis()),
            ..entry.clone()
        };
        Event::RowUpserted {
            session_id: session_id.to_owned(),
            entry,
        }
    });
    ended.collect()
}
