//! Turns: what is said in a session, and what is done to the turn that runs.

use super::App;
use super::error::Problem;
use super::gate::{self, Drivable};
use super::input::{Input, Text};
use super::operations::Operations;
use super::refusals::OfSession;
use crate::domain::harness::controls::{ApprovalPolicy, FilesystemSandbox, NetworkAccess, Wish};
use crate::harness::refused::Refused;
use crate::harness::turns::Message;
use crate::web::error::ApiError;
use crate::web::role::RequireAdmin;
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;

/// The routes of turns.
pub(super) fn routes(to: Operations) -> Operations {
    to.routes(routes!(send))
        .routes(routes!(interrupt))
        .routes(routes!(steer))
}

/// Longer than any name of a model or an effort.
pub(super) type Name = Text<1, 200>;
/// As much as a body holds.
pub(super) type Words = Text<1, 1_048_576>;

/// Something to say.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SendMessage {
    /// The words.
    text: Words,
    /// Another model from now on.
    model: Option<Name>,
    /// How long the model thinks from now on.
    effort: Option<Name>,
    /// Another policy from now on.
    approval_policy: Option<ApprovalPolicy>,
    /// The network, or not, from now on.
    network_access: Option<NetworkAccess>,
    /// Another sandbox from now on.
    filesystem_sandbox: Option<FilesystemSandbox>,
    /// Codex reads tools only when a session is created.
    #[schema(value_type = Option<Vec<Object>>)]
    dynamic_tools: Option<Value>,
}

/// It was said.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageAccepted {
    /// Always `accepted`.
    status: &'static str,
    session_id: String,
    /// The turn that has it.
    turn_id: String,
    /// The turn ran already.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    steered: bool,
}

/// Says something, in the turn that runs or else in a new one. What is to be otherwise becomes the session's controls.
#[utoipa::path(post, path = "/sessions/{sessionId}/messages", tag = "turns", operation_id = "messages_send",
    params(("sessionId" = String, Path)), request_body = SendMessage,
    responses((status = 202, body = MessageAccepted), (status = 409, body = Problem), (status = 501, body = Problem), OfSession))]
pub(super) async fn send(
    RequireAdmin(acting): RequireAdmin,
    Drivable(known): Drivable,
    State(app): State<App>,
    Input(body): Input<SendMessage>,
) -> Result<(StatusCode, Json<MessageAccepted>), ApiError> {
    let tools = body.dynamic_tools.as_ref().and_then(Value::as_array);
    if tools.is_some_and(|it| !it.is_empty()) {
        return Err(Refused::tools_at_start().of_session(&known.id).into());
    }
    let message = Message {
        text: body.text.0,
        effort: body.effort.map(|it| it.0),
        wish: Wish {
            model: body.model.map(|it| it.0),
            approval_policy: body.approval_policy,
            network_access: body.network_access,
            filesystem_sandbox: body.filesystem_sandbox,
        },
    };
    let accepted = app.send(&acting.into(), &known, message).await?;
    let answer = MessageAccepted {
        status: "accepted",
        session_id: known.id,
        turn_id: accepted.turn_id,
        steered: accepted.steered,
    };
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

/// Which turn.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Interrupt {
    /// Without it the one that runs.
    turn_id: Option<String>,
}

/// It is broken off.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Interrupted {
    /// Always `ok`.
    status: &'static str,
    session_id: String,
    turn_id: String,
}

/// Breaks the turn off that runs.
#[utoipa::path(post, path = "/sessions/{sessionId}/interrupt", tag = "turns", operation_id = "turns_interrupt",
    params(("sessionId" = String, Path)), request_body = Option<Interrupt>,
    responses((status = 200, body = Interrupted), (status = 409, body = Problem), OfSession))]
pub(super) async fn interrupt(
    _: RequireAdmin,
    Drivable(known): Drivable,
    State(app): State<App>,
    Input(body): Input<Interrupt>,
) -> Result<Json<Interrupted>, ApiError> {
    let turn_id = app.interrupt(&known, body.turn_id).await?;
    Ok(Json(Interrupted {
        status: "ok",
        session_id: known.id,
        turn_id,
    }))
}

/// The turn in the path.
pub(super) struct TurnId(String);

impl FromRequestParts<App> for TurnId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        gate::named(parts, "turnId").await.map(Self)
    }
}

/// Words for a turn.
#[derive(Deserialize, ToSchema)]
pub(super) struct Steer {
    /// The words.
    input: Words,
}

/// They were said.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Steered {
    /// Always `ok`.
    status: &'static str,
    session_id: String,
    turn_id: String,
    result: SteerResult,
}

/// What came of it, as an action.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SteerResult {
    /// Always `turn.steer`.
    action_type: &'static str,
    /// Always `performed`.
    status: &'static str,
    /// What Codex says.
    details: Value,
}

/// Says something in the turn that runs, and in no other.
#[utoipa::path(post, path = "/sessions/{sessionId}/turns/{turnId}/steer", tag = "turns", operation_id = "turns_steer",
    params(("sessionId" = String, Path), ("turnId" = String, Path)), request_body = Steer,
    responses((status = 200, body = Steered), (status = 409, body = Problem), OfSession))]
pub(super) async fn steer(
    RequireAdmin(acting): RequireAdmin,
    Drivable(known): Drivable,
    TurnId(turn_id): TurnId,
    State(app): State<App>,
    Input(body): Input<Steer>,
) -> Result<Json<Steered>, ApiError> {
    let words = &body.input.0;
    let details = app.steer(&acting.into(), &known, &turn_id, words).await?;
    Ok(Json(Steered {
        status: "ok",
        session_id: known.id,
        turn_id,
        result: SteerResult {
            action_type: "turn.steer",
            status: "performed",
            details,
        },
    }))
}
