//! One session: stop, resume, talk to it.

use super::planners::{OneSession, session_view};
use crate::access::Lease;
use crate::domain::flow::sessions::{input as message, input_after, planner, request_close};
use crate::domain::ids::{MessageId, SessionId};
use crate::domain::outcome::Outcome;
use crate::web::app::App;
use crate::web::body::{Body, Keyed};
use crate::web::caller::RequirePerson;
use crate::web::error::ApiError;
use crate::web::success::Success;
use axum::extract::State;
use serde::{Deserialize, Serialize};

/// Names a session.
#[derive(Debug, Deserialize)]
pub struct OfSession {
    /// The session.
    #[serde(alias = "id", alias = "zhongshu_session_id")]
    pub session_id: SessionId,
}

pub async fn stop(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<OfSession>,
) -> Result<Success<OneSession>, ApiError> {
    let id = wish.session_id.clone();
    let stop = move |state: &_| request_close(state, &id, Outcome::Stopped);
    app.agents.core.decide(caller.actor(), stop).await?;
    session_view(&app.agents, &wish.session_id, &opener)
}

pub async fn resume(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<OfSession>,
) -> Result<Success<OneSession>, ApiError> {
    app.agents
        .sessions()
        .resume(&caller.actor(), &wish.session_id)
        .await?;
    session_view(&app.agents, &wish.session_id, &opener)
}

/// A message that will reach its session.
#[derive(Debug, Serialize)]
pub struct MessageSent {
    /// Its id, also when it was sent before with the same key.
    message_id: MessageId,
}

/// When a session gets a message.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum When {
    /// At once, into the turn that runs.
    #[default]
    Now,
    /// When the turn that runs has ended.
    After,
}

#[derive(Debug, Deserialize)]
pub struct Input {
    #[serde(alias = "id")]
    session_id: SessionId,
    #[serde(alias = "text")]
    input: String,
    #[serde(default)]
    when: When,
}

pub async fn input(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Keyed(wish, request): Keyed<Input>,
) -> Result<Success<MessageSent>, ApiError> {
    let message_id = app
        .agents
        .core
        .decide(caller.actor(), move |state| match wish.when {
            When::Now => message(state, &wish.session_id, &wish.input, request),
            When::After => input_after(state, &wish.session_id, &wish.input, request),
        })
        .await?;
    Ok(Success(MessageSent { message_id }))
}

#[derive(Debug, Deserialize)]
pub struct Notify {
    #[serde(alias = "zhongshu_session_id", alias = "parent_session_id")]
    session_id: SessionId,
    #[serde(alias = "text", alias = "input")]
    message: String,
}

pub async fn notify(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Keyed(wish, request): Keyed<Notify>,
) -> Result<Success<MessageSent>, ApiError> {
    app.agents
        .core
        .ledger
        .read(|state| planner(state, &wish.session_id).map(drop))?;
    let message_id = app
        .agents
        .core
        .decide(caller.actor(), move |state| {
            message(state, &wish.session_id, &wish.message, request)
        })
        .await?;
    Ok(Success(MessageSent { message_id }))
}
