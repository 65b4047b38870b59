//! What Codex asks: answered by the person, once.

use crate::domain::ask::asked::Asked;
use crate::domain::ask::given::Given;
use crate::domain::ids::AskId;
use crate::web::app::App;
use crate::web::body::Body;
use crate::web::caller::RequirePerson;
use crate::web::error::ApiError;
use crate::web::success::Success;
use axum::extract::{Path, State};
use serde::Serialize;

/// An ask as it stands now.
#[derive(Debug, Serialize)]
pub struct Answered {
    ask: Asked,
}

pub async fn answer(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Path(id): Path<String>,
    Body(given): Body<Given>,
) -> Result<Success<Answered>, ApiError> {
    // What cannot be an id is nobody's id.
    let id = AskId::parse(&id).map_err(|_| unknown())?;
    let ask = app.agents.desk.answer(caller.actor(), &id, given).await?;
    Ok(Success(Answered { ask }))
}

fn unknown() -> ApiError {
    let message = "there is no such ask; GET /api/attention lists what waits";
    ApiError::not_found("unknown_ask", message)
}
