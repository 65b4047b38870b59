//! Jobs, as events: their way through the queue as it is recorded, and what they say of their progress, which is not.

use super::Streams;
use super::frames::Own;
use crate::domain::harness::event::Event;
use crate::domain::harness::job::{Job, JobId, JobState, JobType};
use crate::domain::harness::project::ProjectId;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    job_id: &'a JobId,
    project_id: &'a ProjectId,
    job_type: JobType,
    state: JobState,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_session_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<&'a Value>,
    /// Why it is as it is, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<DateTime<Utc>>,
}

impl<'a> Told<'a> {
    fn of(job: &'a Job, state: JobState) -> Self {
        Self {
            job_id: &job.id,
            project_id: &job.project_id,
            job_type: job.kind(),
            state,
            source_session_id: job.source_session_id.as_deref(),
            result: None,
            error: None,
            progress: None,
            reason: None,
            next_attempt_at: None,
        }
    }

    fn named(&self, name: &'static str) -> Own {
        Own::new(name, self.source_session_id, self)
    }
}

/// What a record about a job is told as. The job may have gone on since then: what the record says holds.
pub fn of_record(at: DateTime<Utc>, event: &Event, job: Option<&Job>) -> Option<Own> {
    let mut job = match event {
        Event::JobQueued { job } => Job::clone(job),
        _ => job?.clone(),
    };
    job.take(at, event);
    let with_error = |state| Told {
        error: job.error.as_deref(),
        reason: job.error_code.as_deref(),
        ..Told::of(&job, state)
    };
    Some(match event {
        Event::JobQueued { .. } => {
            Told::of(&job, JobState::Queued).named("orchestrator_job_queued")
        }
        Event::JobStarted { .. } => {
            Told::of(&job, JobState::Running).named("orchestrator_job_started")
        }
        Event::JobRetried {
            why,
            next_attempt_at,
            ..
        } => {
            let told = Told {
                error: why.message(),
                reason: Some(why.name()),
                next_attempt_at: *next_attempt_at,
                ..Told::of(&job, JobState::Queued)
            };
            told.named("orchestrator_job_retried")
        }
        Event::JobCompleted { result, .. } => {
            let told = Told {
                result: Some(result),
                ..Told::of(&job, JobState::Completed)
            };
            told.named("orchestrator_job_completed")
        }
        Event::JobFailed { .. } => with_error(JobState::Failed).named("orchestrator_job_failed"),
        Event::JobCanceled { why, .. } => {
            let told = Told {
                reason: Some(why.name()),
                ..with_error(JobState::Canceled)
            };
            told.named("orchestrator_job_canceled")
        }
        _ => return None,
    })
}

impl Streams {
    /// Tells how far a job is.
    pub fn tell_of_job(&self, job: &Job, progress: &Value) {
        let told = Told {
            progress: Some(progress),
            ..Told::of(job, JobState::Running)
        };
        self.tell(|| told.named("orchestrator_job_progress"));
    }
}
