//! Rows that clients write into transcripts.

use super::App;
use super::error::Problem;
use super::gate::Readable;
use super::input::Input;
use super::operations::Operations;
use super::refusals::OfSession;
use crate::domain::harness::row::TranscriptEntry;
use crate::web::error::ApiError;
use crate::web::role::RequireAdmin;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

/// The routes of rows.
pub(super) fn routes(to: Operations) -> Operations {
    to.routes(routes!(upsert))
}

/// The row that was written.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RowPut {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    session_id: String,
    /// As it was sent.
    entry: TranscriptEntry,
}

/// Writes a row into a session's transcript, or what is new of one. One that has ended does not stream again.
#[utoipa::path(post, path = "/sessions/{sessionId}/transcript/upsert", tag = "sessions",
    operation_id = "transcript_upsert", params(("sessionId" = String, Path)),
    request_body = TranscriptEntry, responses((status = 200, body = RowPut),
        (status = 413, body = Problem, description = "Its content or its details are too long."),
        (status = 507, body = Problem, description = "There is no room for another row."), OfSession))]
pub(super) async fn upsert(
    RequireAdmin(acting): RequireAdmin,
    Readable(known): Readable,
    State(app): State<App>,
    Input(entry): Input<TranscriptEntry>,
) -> Result<Json<RowPut>, ApiError> {
    app.put_row(&acting.actor(), &known.id, entry.clone())
        .await?;
    Ok(Json(RowPut {
        status: "ok",
        session_id: known.id,
        entry,
    }))
}
