//! The queue: cancel, force, move, pause.

use crate::domain::flow::queue;
use crate::domain::ids::AssignmentId;
use crate::web::app::App;
use crate::web::body::Body;
use crate::web::caller::RequirePerson;
use crate::web::error::ApiError;
use crate::web::success::{DONE, Done};
use axum::extract::State;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub struct OfAssignment {
    assignment_id: AssignmentId,
}

pub async fn cancel(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<OfAssignment>,
) -> Result<Done, ApiError> {
    app.agents
        .core
        .decide(caller.actor(), move |state| {
            queue::cancel(state, &wish.assignment_id)
        })
        .await?;
    Ok(DONE)
}

pub async fn force(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<OfAssignment>,
) -> Result<Done, ApiError> {
    app.agents
        .core
        .decide(caller.actor(), move |state| {
            queue::force(state, &wish.assignment_id)
        })
        .await?;
    Ok(DONE)
}

#[derive(Debug, Deserialize)]
pub struct Move {
    assignment_id: AssignmentId,
    #[serde(default)]
    before: Option<AssignmentId>,
}

pub async fn reorder(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<Move>,
) -> Result<Done, ApiError> {
    app.agents
        .core
        .decide(caller.actor(), move |state| {
            queue::reorder(state, &wish.assignment_id, wish.before.as_ref())
        })
        .await?;
    Ok(DONE)
}

/// An object without fields.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

pub async fn pause(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(Nothing {}): Body<Nothing>,
) -> Result<Done, ApiError> {
    app.agents.queue().pause(&caller.actor(), true).await?;
    Ok(DONE)
}

/// What goes on; everything where nothing is named.
#[derive(Debug, Deserialize)]
pub struct Resume {
    #[serde(default)]
    only: Option<Only>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Only {
    /// What the provider refused.
    Provider,
}

pub async fn resume(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<Resume>,
) -> Result<Done, ApiError> {
    match wish.only {
        None => app.agents.queue().pause(&caller.actor(), false).await?,
        Some(Only::Provider) => {
            let tried = app.agents.core.decide(caller.actor(), queue::try_provider);
            tried.await?;
        }
    }
    Ok(DONE)
}
