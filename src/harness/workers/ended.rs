//! What else is over in the moment in which a job for an agent is.

use crate::domain::harness::event::Event;
use crate::domain::harness::job::{AgentInstruction, CompletionSignal, Job, JobState};
use crate::domain::harness::row::RowStatus;
use crate::domain::harness::state::State;
use crate::domain::harness::suggestion::cleaned;
use crate::domain::harness::worker::targets;
use crate::domain::sentence::say;
use crate::harness::suggestions::{self, Suggestion};
use chrono::Utc;

/// The rows that follow the job, and the suggestion that it was to make.
pub(in crate::harness) fn ended(state: &State, job: &Job, wish: &AgentInstruction) -> Vec<Event> {
    if state.deleted.contains_key(&wish.source_session_id) {
        return Vec::new();
    }
    let now = job.completed_at.unwrap_or_else(Utc::now);
    let mut events = targets::ended(state, job, wish, now);
    events.extend(suggested(state, job, wish));
    events
}

/// What its suggestion comes to, unless somebody has written that meanwhile.
fn suggested(state: &State, job: &Job, wish: &AgentInstruction) -> Option<Event> {
    let CompletionSignal::SuggestedRequest { request_key } = wish.completion_signal.as_ref()?;
    let session_id = &wish.source_session_id;
    if suggestions::is_over(state, session_id, request_key) {
        return None;
    }
    let said = job.result.as_ref().and_then(|it| it["outputText"].as_str());
    let suggestion = said.and_then(cleaned);
    let suggestion = suggestion.or_else(|| cleaned(wish.fallback_suggestion_draft.as_deref()?));
    let told = match (job.state, suggestion) {
        (JobState::Queued | JobState::Running, _) => return None,
        (JobState::Canceled, _) => Suggestion {
            status: RowStatus::Canceled,
            suggestion: None,
            error: Some(say!("reason.job_canceled").to_string()),
        },
        (JobState::Completed | JobState::Failed, Some(suggestion)) => Suggestion {
            status: RowStatus::Complete,
            suggestion: Some(suggestion),
            error: None,
        },
        (JobState::Completed | JobState::Failed, None) => {
            let error = job.error.clone();
            let nothing = || say!("reason.worker.no_output").to_string();
            Suggestion {
                status: RowStatus::Error,
                suggestion: None,
                error: Some(error.unwrap_or_else(nothing)),
            }
        }
    };
    let at = job.completed_at.unwrap_or_else(Utc::now);
    let turn_id = match suggestions::turn_of(state, session_id, request_key) {
        none if none.is_empty() => wish.turn_id.clone(),
        turn_id => turn_id,
    };
    let entry = suggestions::entry(request_key, &turn_id, &told, Some(&job.id), at);
    state
        .has_room_for(session_id, &entry)
        .then(|| Event::RowUpserted {
            session_id: session_id.clone(),
            entry,
        })
}
