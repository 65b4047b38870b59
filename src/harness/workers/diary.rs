//! The row in the session's transcript that says what its worker does, and what became of what it asked for. It ends with the job.

use super::Task;
use crate::core::LAUNCHER;
use crate::domain::harness::event::Event;
use crate::domain::harness::row::{MAX_CONTENT_BYTES, Role, RowStatus, TranscriptEntry};
use crate::domain::sentence::{Sentence, say};
use crate::harness::Harness;
use chrono::Utc;
use serde_json::{Value, json};

/// The type of the row.
const KIND: &str = "agent.worker.lifecycle";
/// Entries of one row; what a worker asks for beyond that is declined like the rest.
const MAX_ENTRIES: usize = 64;

/// Something that happened to a worker.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    /// It has its first thread.
    Begun,
    /// It goes on in its thread.
    Goes,
    /// Its thread was gone, and it has another.
    Anew,
    /// The turn that it was in before the server ended was found again.
    Found,
    /// What it asked for was declined.
    Declined(Sentence),
}

impl Entry {
    fn name(&self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Goes => "continued",
            Self::Anew => "begun_anew",
            Self::Found => "found_again",
            Self::Declined(_) => "declined",
        }
    }

    fn sentence(&self, agent: &str, kind: &str) -> Sentence {
        match self {
            Self::Begun => say!("reason.worker.begun", agent, kind),
            Self::Goes => say!("reason.worker.continued", agent, kind),
            Self::Anew => say!("reason.worker.begun_anew", agent, kind),
            Self::Found => say!("reason.worker.found_again"),
            Self::Declined(what) => say!("reason.worker.declined", what => what.clone()),
        }
    }
}

/// The row of one job.
pub(super) struct Diary<'a> {
    harness: &'a Harness,
    task: &'a Task<'a>,
    message_id: String,
    lines: Vec<String>,
    happened: Vec<Value>,
}

impl<'a> Diary<'a> {
    /// The row of a job; an attempt before may have begun it.
    pub(super) fn of(harness: &'a Harness, task: &'a Task<'a>) -> Self {
        let message_id = format!("worker:{}", task.run.job.id);
        let known = harness.ledger.read(|state| {
            let row = state.row(&task.wish.source_session_id, &message_id);
            row.cloned()
        });
        let lines = known.as_ref().map(|it| it.content.lines());
        let lines = lines.into_iter().flatten().map(str::to_owned).collect();
        let details = known.and_then(|it| it.details).unwrap_or_default();
        let details: Value = serde_json::from_str(&details).unwrap_or_default();
        let happened = details["happened"].as_array().cloned();
        Self {
            harness,
            task,
            message_id,
            lines,
            happened: happened.unwrap_or_default(),
        }
    }

    /// Writes down what happened. A transcript that is full hinders nobody.
    pub(super) async fn note(&mut self, entry: Entry, thread_id: &str) {
        if self.happened.len() >= MAX_ENTRIES {
            return;
        }
        let wish = self.task.wish;
        let sentence = entry.sentence(&wish.agent, &wish.job_kind).to_string();
        let sentence = sentence.replace('\n', " ");
        self.happened
            .push(json!({"what": entry.name(), "at": Utc::now(), "message": sentence}));
        self.lines.push(sentence);
        let details = json!({
            "jobId": self.task.run.job.id,
            "agent": wish.agent,
            "jobKind": wish.job_kind,
            "workerSessionId": thread_id,
            "anchorItemId": wish.anchor_item_id,
            "happened": self.happened,
        });
        let row = TranscriptEntry {
            message_id: self.message_id.clone(),
            turn_id: wish.turn_id.clone(),
            role: Role::System,
            kind: KIND.to_owned(),
            content: self.lines.join("\n"),
            details: Some(details.to_string()),
            started_at: Some(Utc::now().timestamp_millis()),
            completed_at: None,
            status: RowStatus::Streaming,
        };
        if row.content.len() > MAX_CONTENT_BYTES {
            return;
        }
        let session_id = wish.source_session_id.clone();
        let written = self.harness.decide(LAUNCHER, move |state| {
            let fits =
                !state.deleted.contains_key(&session_id) && state.has_room_for(&session_id, &row);
            let written = fits.then_some(Event::RowUpserted {
                session_id,
                entry: row,
            });
            Ok((written.into_iter().collect(), ()))
        });
        if let Err(refused) = written.await {
            tracing::warn!(error = %refused.message, "what a worker does is not in the transcript");
        }
    }
}
