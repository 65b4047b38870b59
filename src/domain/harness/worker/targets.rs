//! Rows of a session's transcript that follow a job for an agent: what they say while it waits and runs, and when it is over and nobody has
//! written them meanwhile.

use crate::domain::harness::event::Event;
use crate::domain::harness::job::{AgentInstruction, Expect, Job, JobState, Target, Work, rows};
use crate::domain::harness::row::{MAX_CONTENT_BYTES, Role, RowStatus, TranscriptEntry};
use crate::domain::harness::state::State;
use chrono::{DateTime, Utc};
use serde_json::json;

/// The rows of a job that comes into the queue. What is there already is left as it is.
pub fn begun(state: &State, job: &Job, now: DateTime<Utc>) -> Vec<Event> {
    let Work::AgentInstruction(wish) = &job.work else {
        return Vec::new();
    };
    let session_id = &wish.source_session_id;
    let mut room = state.room(session_id);
    let fresh = wish
        .supplemental_targets
        .iter()
        .filter(|it| state.row(session_id, &it.message_id).is_none());
    let entries = fresh.map(|target| entry(job, wish, target, placeholder(job, target), now));
    let fitting = entries.filter(|entry| room.take(None, entry));
    fitting.map(|entry| upserted(wish, entry)).collect()
}

/// The same rows when the job is over; it is `job` as it is then.
pub fn ended(state: &State, job: &Job, wish: &AgentInstruction, now: DateTime<Utc>) -> Vec<Event> {
    let session_id = &wish.source_session_id;
    let mut room = state.room(session_id);
    let open = wish.supplemental_targets.iter().filter_map(|target| {
        let row = state.row(session_id, &target.message_id)?;
        let is_ours = rows::job_of(row).as_ref() == Some(&job.id);
        (row.status == RowStatus::Streaming && is_ours).then_some((target, row))
    });
    let ended = open.map(|(target, row)| {
        let content = last_words(job, wish, target).unwrap_or_else(|| row.content.clone());
        let entry = TranscriptEntry {
            content,
            status: rows::status(job.state),
            completed_at: Some(now.timestamp_millis()),
            ..row.clone()
        };
        (row, entry)
    });
    let fitting = ended.filter(|(row, entry)| room.take(Some(row), entry));
    fitting.map(|(_, entry)| upserted(wish, entry)).collect()
}

/// What a row says at last: the agent's own words where it was asked for them, else what was made up for this end.
fn last_words(job: &Job, wish: &AgentInstruction, target: &Target) -> Option<String> {
    match job.state {
        JobState::Completed => {
            let said = job.result.as_ref().and_then(|it| it["outputText"].as_str());
            let said = said.filter(|_| wish.expect_response == Expect::AssistantText);
            said.map(str::to_owned)
                .or_else(|| target.complete_fallback.clone())
        }
        JobState::Failed => target.error_fallback.clone().or_else(|| job.error.clone()),
        JobState::Canceled => target.canceled_fallback.clone(),
        JobState::Queued | JobState::Running => None,
    }
}

/// One of the texts that a row may begin with: the same one each time for the same job.
fn placeholder(job: &Job, target: &Target) -> String {
    let texts = &target.placeholder_texts;
    let number: usize = job.id.0.bytes().map(usize::from).sum();
    let text = texts.get(number.checked_rem(texts.len()).unwrap_or_default());
    text.cloned().unwrap_or_default()
}

fn entry(
    job: &Job,
    wish: &AgentInstruction,
    target: &Target,
    content: String,
    now: DateTime<Utc>,
) -> TranscriptEntry {
    let details = json!({
        "jobId": job.id,
        "agent": wish.agent,
        "jobKind": wish.job_kind,
        "anchorItemId": wish.anchor_item_id,
    });
    TranscriptEntry {
        message_id: target.message_id.clone(),
        turn_id: wish.turn_id.clone(),
        role: Role::System,
        kind: target.kind.clone(),
        content,
        details: Some(details.to_string()),
        started_at: Some(now.timestamp_millis()),
        completed_at: None,
        status: RowStatus::Streaming,
    }
}

fn upserted(wish: &AgentInstruction, entry: TranscriptEntry) -> Event {
    debug_assert!(
        entry.content.len() <= MAX_CONTENT_BYTES,
        "checked with the payload"
    );
    Event::RowUpserted {
        session_id: wish.source_session_id.clone(),
        entry,
    }
}
