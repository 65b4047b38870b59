//! A job: work that waits for its turn in the queue of its project, is done by the server itself, and is kept for a while when it is over.
//!
//! Names in JSON are those of the API, also in the journal. What a job asks for is in `work`, what becomes of it in `fold`, which jobs
//! may begin in `queue`, and all of them are in `jobs`.

mod fold;
pub mod rows;
mod work;

use super::project::ProjectId;
use crate::domain::sentence::say;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use utoipa::ToSchema;

pub use work::{
    AgentInstruction, Bootstrap, CompletionSignal, Expect, SuggestRequest, Target, Unfit, Work,
};

/// How often a job is tried before it has failed.
pub const MAX_ATTEMPTS: u32 = 2;
/// How often the end of the server may break a job off before it has failed: one that takes the server down with it must not do so at each start.
pub const MAX_INTERRUPTIONS: u32 = 10;

/// A job's name, which no other one ever has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct JobId(pub String);

impl JobId {
    /// A new one; later ones sort after earlier ones.
    pub fn fresh() -> Self {
        Self(format!("job-{}", uuid::Uuid::now_v7().simple()))
    }
}

impl std::fmt::Display for JobId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

/// What kind of work a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobType {
    /// Suggests what the user of a session could ask next.
    SuggestRequest,
    /// Has an agent do what an instruction says.
    AgentInstruction,
}

impl JobType {
    /// Its name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SuggestRequest => "suggest_request",
            Self::AgentInstruction => "agent_instruction",
        }
    }

    /// How long one attempt may take.
    pub const fn limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::SuggestRequest => 60,
            Self::AgentInstruction => 180,
        })
    }
}

/// Which jobs of a project go first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Somebody waits for it.
    #[default]
    Interactive,
    /// Nobody does.
    Background,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It waits.
    Queued,
    /// It runs.
    Running,
    /// It has its result.
    Completed,
    /// It will have none.
    Failed,
    /// It was taken back.
    Canceled,
}

impl JobState {
    /// Whether nothing more comes of it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }

    /// Its name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// Where in Codex a job runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunningContext {
    /// The thread.
    pub thread_id: Option<String>,
    /// Its turn.
    pub turn_id: Option<String>,
}

/// Why a job was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Canceled {
    /// Somebody asked for it.
    Asked,
    /// Its session was deleted.
    SessionDeleted,
}

/// Why a job is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum Again {
    /// An attempt failed for a cause that passes.
    Failed {
        /// The cause, for programs.
        code: String,
        /// The cause, for people.
        message: String,
    },
    /// The server ended while it ran. Such an attempt does not count.
    Interrupted,
    /// Somebody asked for it when it was over.
    Asked,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// What it asks for.
    #[serde(flatten)]
    pub work: Work,
    /// Of the form of its payload: 1.
    pub version: u32,
    /// Its project; `session:<id>` for a session without one.
    pub project_id: ProjectId,
    /// The session that it was made for.
    pub source_session_id: Option<String>,
    /// Whether somebody waits for it.
    pub priority: Priority,
    /// How far it is.
    pub state: JobState,
    /// What makes another job of its project and type the same one.
    pub dedupe_key: Option<String>,
    /// What came of it.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
    /// Why nothing came of it, or not yet: a sentence.
    pub error: Option<String>,
    /// The same, for programs.
    pub error_code: Option<String>,
    /// Attempts that have begun, but for those that the server's end broke off.
    pub attempts: u32,
    /// So many attempts at most.
    pub max_attempts: u32,
    /// Attempts that the server's end broke off.
    pub interruptions: u32,
    /// When it came into the queue.
    pub created_at: DateTime<Utc>,
    /// When its first attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub completed_at: Option<DateTime<Utc>>,
    /// When somebody asked to take it back.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// Why it is, or was, taken back.
    pub canceled: Option<Canceled>,
    /// Before then it is not tried again.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When its newest attempt began.
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// Where in Codex it runs, or ran last.
    pub running_context: RunningContext,
}

impl Job {
    /// The kind of work.
    pub const fn kind(&self) -> JobType {
        self.work.kind()
    }
}

impl Again {
    /// Its name in the stream.
    pub fn name(&self) -> &str {
        match self {
            Self::Failed { code, .. } => code,
            Self::Interrupted => "interrupted",
            Self::Asked => "asked",
        }
    }

    /// The cause, for people, where there is more to say.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Failed { message, .. } => Some(message),
            Self::Interrupted | Self::Asked => None,
        }
    }
}

impl Canceled {
    /// Its name in the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::SessionDeleted => "session_deleted",
        }
    }

    /// What there is to say of it, for programs and for people. Whoever asked knows.
    fn error(self) -> Option<(String, String)> {
        match self {
            Self::Asked => None,
            Self::SessionDeleted => {
                let message = say!("reason.job_session_deleted").to_string();
                Some(("session_deleted".to_owned(), message))
            }
        }
    }
}

/// When another job with the same key takes the place of a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dedupe {
    /// While it waits or runs.
    SingleFlight,
    /// As long as it is known, also when it is over.
    DropDuplicate,
    /// While it waits; it takes over what the new one asks for.
    MergeDuplicate,
    /// Never.
    None,
}

/// A job that is to be queued.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Its project; [`ProjectId::of_session`] for a session without one.
    pub project_id: ProjectId,
    /// The session that it is made for.
    pub source_session_id: Option<String>,
    /// What it asks for.
    pub work: Work,
    /// When another one takes its place.
    pub dedupe: Dedupe,
    /// What makes another one the same; without one [`Work::key`] does.
    pub dedupe_key: Option<String>,
    /// Whether somebody waits for it.
    pub priority: Priority,
}

impl NewJob {
    /// What makes another job the same one, where any does.
    pub fn key(&self) -> Option<String> {
        match self.dedupe {
            Dedupe::None => self.dedupe_key.clone(),
            _ => Some(self.dedupe_key.clone().unwrap_or_else(|| self.work.key())),
        }
    }

    /// The job, as it waits.
    pub fn queued(self, id: JobId, now: DateTime<Utc>) -> Job {
        Job {
            dedupe_key: self.key(),
            id,
            work: self.work,
            version: 1,
            project_id: self.project_id,
            source_session_id: self.source_session_id,
            priority: self.priority,
            state: JobState::Queued,
            result: None,
            error: None,
            error_code: None,
            attempts: 0,
            max_attempts: MAX_ATTEMPTS,
            interruptions: 0,
            created_at: now,
            started_at: None,
            completed_at: None,
            cancel_requested_at: None,
            canceled: None,
            next_attempt_at: None,
            last_attempt_at: None,
            running_context: RunningContext::default(),
        }
    }
}
