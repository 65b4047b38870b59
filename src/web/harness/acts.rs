//! What is done to a session as a whole: copied, summed up, taken back, reviewed, its commands ended.

use super::App;
use super::error::Problem;
use super::gate::Drivable;
use super::input::{Count, Input, Text};
use super::operations::Operations;
use super::refusals::OfSession;
use super::turns::Words;
use crate::domain::sentence::say;
use crate::harness::acts::Reviewed;
use crate::harness::refused::Refused;
use crate::harness::summary::SessionSummary;
use crate::web::error::ApiError;
use crate::web::role::RequireAdmin;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;

/// The routes of acts.
pub(super) fn routes(to: Operations) -> Operations {
    to.routes(routes!(fork))
        .routes(routes!(compact))
        .routes(routes!(roll_back))
        .routes(routes!(review))
        .routes(routes!(end_background))
}

/// A copy.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Forked {
    /// Always `ok`.
    status: &'static str,
    source_session_id: String,
    /// The copy.
    session: SessionSummary,
    /// The copy as Codex has it.
    #[schema(value_type = Object)]
    thread: Value,
}

/// Copies a session with its history, controls, settings and project.
#[utoipa::path(post, path = "/sessions/{sessionId}/fork", tag = "turns", operation_id = "sessions_fork",
    params(("sessionId" = String, Path)),
    responses((status = 200, body = Forked), (status = 409, body = Problem), OfSession))]
pub(super) async fn fork(
    RequireAdmin(acting): RequireAdmin,
    Drivable(known): Drivable,
    State(app): State<App>,
    _: Input<Value>,
) -> Result<Json<Forked>, ApiError> {
    let (copy, thread) = app.fork(&acting.into(), &known).await?;
    Ok(Json(Forked {
        status: "ok",
        source_session_id: known.id,
        session: app.summary_now(&copy),
        thread,
    }))
}

/// It is done, with what Codex says.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Performed {
    /// Always `ok`.
    status: &'static str,
    session_id: String,
    /// What Codex says.
    #[schema(value_type = Object)]
    result: Value,
}

fn done(session_id: String, result: Value) -> Json<Performed> {
    Json(Performed {
        status: "ok",
        session_id,
        result,
    })
}

/// Has the model sum a session up, and go on from that.
#[utoipa::path(post, path = "/sessions/{sessionId}/compact", tag = "turns", operation_id = "sessions_compact",
    params(("sessionId" = String, Path)),
    responses((status = 200, body = Performed), (status = 409, body = Problem), OfSession))]
pub(super) async fn compact(
    RequireAdmin(acting): RequireAdmin,
    Drivable(known): Drivable,
    State(app): State<App>,
    _: Input<Value>,
) -> Result<Json<Performed>, ApiError> {
    let result = app.compact(&acting.into(), &known).await?;
    Ok(done(known.id, result))
}

/// How many turns.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RollBack {
    #[serde(default)]
    num_turns: Count<1, { u32::MAX }, 1>,
}

/// They are taken back.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RolledBack {
    /// Always `ok`.
    status: &'static str,
    session_id: String,
    num_turns: u32,
    result: RolledBackThread,
}

/// The thread without them.
#[derive(Serialize, ToSchema)]
struct RolledBackThread {
    #[schema(value_type = Object)]
    thread: Value,
}

/// Takes the newest turns back. Files stay as they are.
#[utoipa::path(post, path = "/sessions/{sessionId}/rollback", tag = "turns", operation_id = "sessions_rollback",
    params(("sessionId" = String, Path)), request_body = Option<RollBack>,
    responses((status = 200, body = RolledBack), (status = 409, body = Problem), OfSession))]
pub(super) async fn roll_back(
    RequireAdmin(acting): RequireAdmin,
    Drivable(known): Drivable,
    State(app): State<App>,
    Input(body): Input<RollBack>,
) -> Result<Json<RolledBack>, ApiError> {
    let Count(num_turns) = body.num_turns;
    let turns = usize::try_from(num_turns).unwrap_or(usize::MAX);
    let thread = app.roll_back(&acting.into(), &known, turns).await?;
    Ok(Json(RolledBack {
        status: "ok",
        session_id: known.id,
        num_turns,
        result: RolledBackThread { thread },
    }))
}

/// Where it is reviewed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Delivery {
    /// In the session.
    #[default]
    Inline,
    /// In another one, which this Codex cannot.
    Detached,
}

/// What is reviewed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum ReviewTargetType {
    /// What is not committed.
    UncommittedChanges,
    /// Everything since `branch`.
    BaseBranch,
    /// The commit `sha`.
    Commit,
    /// What `instructions` say.
    #[default]
    Custom,
}

/// What is reviewed, and where.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Review {
    delivery: Option<Delivery>,
    target_type: Option<ReviewTargetType>,
    /// Without it `main`.
    branch: Option<Text<1, 256>>,
    sha: Option<Text<1, 64>>,
    /// What the commit is called.
    title: Option<Text<1, 200>>,
    instructions: Option<Words>,
}

/// Has Codex review something, in a turn of its own.
#[utoipa::path(post, path = "/sessions/{sessionId}/review", tag = "turns", operation_id = "sessions_review",
    params(("sessionId" = String, Path)), request_body = Option<Review>,
    responses((status = 200, body = Performed), (status = 409, body = Problem), (status = 501, body = Problem), OfSession))]
pub(super) async fn review(
    RequireAdmin(acting): RequireAdmin,
    Drivable(known): Drivable,
    State(app): State<App>,
    Input(body): Input<Review>,
) -> Result<Json<Performed>, ApiError> {
    let refuse = |refused: Refused| ApiError::from(refused.of_session(&known.id));
    if body.delivery == Some(Delivery::Detached) {
        return Err(refuse(Refused::review_detached()));
    }
    let reviewed = match body.target_type.unwrap_or_default() {
        ReviewTargetType::UncommittedChanges => Reviewed::Uncommitted,
        ReviewTargetType::BaseBranch => Reviewed::BaseBranch {
            branch: body.branch.map_or_else(|| "main".to_owned(), |it| it.0),
        },
        ReviewTargetType::Commit => {
            let no_sha = || refuse(Refused::invalid("sha", say!("refusal.harness.review_sha")));
            Reviewed::Commit {
                sha: body.sha.ok_or_else(no_sha)?.0,
                title: body.title.map(|it| it.0),
            }
        }
        ReviewTargetType::Custom => Reviewed::Custom {
            instructions: body.instructions.map(|it| it.0),
        },
    };
    let result = app.review(&acting.into(), &known, reviewed).await?;
    Ok(done(known.id, result))
}

/// Ends the commands that a session left in the background.
#[utoipa::path(post, path = "/sessions/{sessionId}/background-terminals/clean", tag = "turns",
    operation_id = "background_terminals_clean", params(("sessionId" = String, Path)),
    responses((status = 200, body = Performed), (status = 409, body = Problem), OfSession))]
pub(super) async fn end_background(
    _: RequireAdmin,
    Drivable(known): Drivable,
    State(app): State<App>,
    _: Input<Value>,
) -> Result<Json<Performed>, ApiError> {
    let result = app.end_background(&known).await?;
    Ok(done(known.id, result))
}
