//! The suggested next request. Its runs are jobs; what somebody else suggests is taken.

use super::super::App;
use super::super::gate::Drivable;
use super::super::input::{Input, Text};
use super::jobs::Deduped;
use crate::domain::harness::job::{JobId, Work};
use crate::domain::harness::project::ProjectId;
use crate::domain::harness::row::RowStatus;
use crate::harness::queue::Enqueued;
use crate::harness::suggesting::{Suggested, SuggestionWish as Wish};
use crate::harness::suggestions::Suggestion;
use crate::web::error::ApiError;
use crate::web::harness::document::{OfCodex, OfInput};
use crate::web::harness::error::Problem;
use crate::web::role::RequireAdmin;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a suggestion is made with.
#[derive(Deserialize, ToSchema)]
pub(super) struct SuggestionWish {
    /// Who answers; otherwise the session's model.
    #[serde(default)]
    model: Option<Text<1, 200>>,
    /// How long it thinks.
    #[serde(default)]
    effort: Option<Text<1, 200>>,
    /// What the person has written so far.
    #[serde(default)]
    draft: Option<Text<0, 4000>>,
}

impl SuggestionWish {
    fn read(self) -> Wish {
        Wish {
            model: self.model.map(|it| it.0),
            effort: self.effort.map(|it| it.0),
            draft: self.draft.map(|it| it.0),
        }
    }
}

/// A suggestion that will be made.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SuggestionQueued {
    /// Always `queued`.
    #[schema(example = "queued")]
    status: &'static str,
    job_id: JobId,
    /// What tells it from others of its session; the same for the same job.
    request_key: String,
    session_id: String,
    project_id: ProjectId,
    dedupe: Deduped,
}

impl SuggestionQueued {
    fn of(enqueued: Enqueued) -> Self {
        let (dedupe, job) = match enqueued {
            Enqueued::New(job) => (Deduped::Enqueued, job),
            Enqueued::Already(job) => (Deduped::AlreadyQueued, job),
        };
        let request_key = match &job.work {
            Work::SuggestRequest(it) => it.request_key.clone(),
            Work::AgentInstruction(_) => String::new(),
        };
        Self {
            status: "queued",
            session_id: job.work.session_id().to_owned(),
            job_id: job.id,
            request_key,
            project_id: job.project_id,
            dedupe,
        }
    }
}

/// A suggestion.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SuggestionMade {
    /// `ok`, or `fallback` where the model gave nothing.
    #[schema(example = "ok")]
    status: String,
    session_id: String,
    request_key: String,
    suggestion: String,
}

/// Enqueues a run that suggests the next request.
#[utoipa::path(post, path = "/sessions/{sessionId}/suggested-request/jobs", tag = "suggestions",
    operation_id = "suggested_request_enqueue", request_body = SuggestionWish,
    params(("sessionId" = String, Path, description = "The session.")),
    responses((status = 202, body = SuggestionQueued), OfInput,
        (status = 409, body = Problem, description = "No such job can be queued."),
        (status = 429, body = Problem, description = "The queue is full."),
        (status = 503, body = Problem, description = "The queue is switched off."), (status = 507, body = Problem)))]
pub(super) async fn enqueue(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    Drivable(known): Drivable,
    Input(wish): Input<SuggestionWish>,
) -> Result<(StatusCode, Json<SuggestionQueued>), ApiError> {
    let actor = acting.actor();
    let enqueued = app.enqueue_suggestion(&actor, &known.id, wish.read());
    let queued = SuggestionQueued::of(enqueued.await?);
    Ok((StatusCode::ACCEPTED, Json(queued)))
}

/// Suggests the next request; what takes longer than 12 seconds goes on as a job.
#[utoipa::path(post, path = "/sessions/{sessionId}/suggested-request", tag = "suggestions",
    operation_id = "suggested_request", request_body = SuggestionWish,
    params(("sessionId" = String, Path, description = "The session.")),
    responses((status = 200, body = SuggestionMade), (status = 202, body = SuggestionQueued), OfInput, OfCodex,
        (status = 409, body = Problem, description = "Nothing was said in the session yet (`no_context`), or the job was taken back."),
        (status = 429, body = Problem, description = "The queue is full."),
        (status = 503, body = Problem, description = "The queue is switched off, or Codex is not there."), (status = 507, body = Problem)))]
pub(super) async fn run(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    Drivable(known): Drivable,
    Input(wish): Input<SuggestionWish>,
) -> Result<Response, ApiError> {
    app.queue_must_be_on()
        .map_err(|refused| refused.of_session(&known.id))?;
    app.has_context(&known.id)?;
    let actor = acting.actor();
    let enqueued = app.enqueue_suggestion(&actor, &known.id, wish.read());
    let queued = SuggestionQueued::of(enqueued.await?);
    Ok(match app.suggestion_of(&queued.job_id).await? {
        Suggested::Made { status, suggestion } => Json(SuggestionMade {
            status,
            session_id: known.id,
            request_key: queued.request_key,
            suggestion,
        })
        .into_response(),
        Suggested::Later => (StatusCode::ACCEPTED, Json(queued)).into_response(),
    })
}

/// What is known of a suggestion.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SuggestionUpsert {
    /// What tells it from others of its session.
    request_key: Text<1, 200>,
    status: RowStatus,
    /// The text; a complete one has it.
    #[serde(default)]
    suggestion: Option<Text<0, 8000>>,
    /// Why there is none.
    #[serde(default)]
    error: Option<Text<0, 4000>>,
}

/// What stands afterwards.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SuggestionPut {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    session_id: String,
    request_key: String,
    entry: SuggestionEntry,
}

/// A suggestion.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SuggestionEntry {
    status: RowStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    updated_at: DateTime<Utc>,
}

/// Writes what is known of a suggestion.
#[utoipa::path(post, path = "/sessions/{sessionId}/suggested-request/upsert", tag = "suggestions",
    operation_id = "suggested_request_upsert", request_body = SuggestionUpsert,
    params(("sessionId" = String, Path, description = "The session.")),
    responses((status = 200, body = SuggestionPut), OfInput,
        (status = 507, body = Problem, description = "There is no room for another row.")))]
pub(super) async fn upsert(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    Drivable(known): Drivable,
    Input(told): Input<SuggestionUpsert>,
) -> Result<Json<SuggestionPut>, ApiError> {
    let suggestion = Suggestion {
        status: told.status,
        suggestion: told.suggestion.map(|it| it.0).filter(|it| !it.is_empty()),
        error: told.error.map(|it| it.0),
    };
    let key = told.request_key.0;
    let actor = acting.actor();
    let put = app.put_suggestion(&actor, &known.id, &key, suggestion);
    let (now, updated_at) = put.await?;
    Ok(Json(SuggestionPut {
        status: "ok",
        session_id: known.id,
        request_key: key,
        entry: SuggestionEntry {
            status: now.status,
            suggestion: now.suggestion,
            error: now.error,
            updated_at,
        },
    }))
}
