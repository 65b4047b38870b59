//! The suggested next request. Its runs are jobs, whose queue is switched off; what somebody else suggests is taken.

use super::super::App;
use super::super::gate::Drivable;
use super::super::input::{Input, Text};
use crate::domain::harness::row::RowStatus;
use crate::harness::refused::Refused;
use crate::harness::suggestions::Suggestion;
use crate::web::error::ApiError;
use crate::web::harness::document::OfInput;
use crate::web::harness::error::Problem;
use crate::web::role::RequireAdmin;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a suggestion is made with.
#[derive(Deserialize, ToSchema)]
pub(super) struct SuggestionWish {
    /// Who answers.
    #[expect(dead_code, reason = "no run reads it")]
    #[serde(default)]
    model: Option<String>,
    /// How long it thinks.
    #[expect(dead_code, reason = "no run reads it")]
    #[serde(default)]
    effort: Option<String>,
    /// What the person has written so far.
    #[expect(dead_code, reason = "no run reads it")]
    #[serde(default)]
    draft: Option<Text<0, 4000>>,
}

fn off(session_id: &str) -> ApiError {
    Refused::queue_is_off().of_session(session_id).into()
}

/// Enqueues a run that suggests the next request.
#[utoipa::path(post, path = "/sessions/{sessionId}/suggested-request/jobs", tag = "suggestions",
    operation_id = "suggested_request_enqueue", request_body = SuggestionWish,
    params(("sessionId" = String, Path, description = "The session.")),
    responses(OfInput, (status = 503, body = Problem, description = "The queue is switched off.")))]
pub(super) async fn enqueue(
    _: RequireAdmin,
    Drivable(known): Drivable,
    _: Input<SuggestionWish>,
) -> ApiError {
    off(&known.id)
}

/// Suggests the next request.
#[utoipa::path(post, path = "/sessions/{sessionId}/suggested-request", tag = "suggestions",
    operation_id = "suggested_request", request_body = SuggestionWish,
    params(("sessionId" = String, Path, description = "The session.")),
    responses(OfInput, (status = 503, body = Problem, description = "The queue is switched off.")))]
pub(super) async fn run(
    _: RequireAdmin,
    Drivable(known): Drivable,
    _: Input<SuggestionWish>,
) -> ApiError {
    off(&known.id)
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
