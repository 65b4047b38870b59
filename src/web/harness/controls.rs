//! Controls: what a session runs with, and what new ones begin with.

use super::App;
use super::error::Problem;
use super::gate::Drivable;
use super::input::{Input, Text};
use super::operations::Operations;
use super::refusals::OfSession;
use super::turns::Name;
use crate::domain::harness::controls::{
    ApprovalPolicy, Controls, FilesystemSandbox, NetworkAccess, SessionControls, Settings, Wish,
};
use crate::domain::harness::event::Provenance;
use crate::harness::controls::{InForce, Target};
use crate::web::error::ApiError;
use crate::web::role::{RequireAdmin, RequireMember};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

/// The routes of controls.
pub(super) fn routes(to: Operations) -> Operations {
    to.routes(routes!(get, set))
        .routes(routes!(approval_policy))
}

/// Of one session, or of those that begin later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ScopeName {
    /// Of this session.
    #[default]
    Session,
    /// Of sessions that begin later.
    Default,
}

impl ScopeName {
    /// What is meant, of this session.
    pub(super) fn of(self, session_id: &str) -> Target {
        Target {
            session_id: session_id.to_owned(),
            for_new: self == Self::Default,
        }
    }
}

/// Who changes something, by their own account.
pub(super) fn by_own_account(
    actor: Option<Text<1, 120>>,
    source: Option<Text<1, 64>>,
) -> Provenance {
    Provenance {
        actor: actor.map(|it| it.0),
        source: source.map(|it| it.0),
    }
}

/// `ok`, or `unchanged` when it was so already.
pub(super) fn outcome(is_any: bool) -> &'static str {
    match is_any {
        true => "ok",
        false => "unchanged",
    }
}

/// What a session runs with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ControlsInForce {
    session_id: String,
    /// From the next turn on.
    controls: SessionControls,
    /// What new sessions begin with.
    defaults: SessionControls,
    /// Whether those can be changed here.
    defaults_editable: bool,
    /// Why not.
    default_lock_reason: Option<String>,
}

impl ControlsInForce {
    fn of(session_id: String, held: InForce) -> Self {
        Self {
            session_id,
            controls: held.controls,
            defaults: held.defaults,
            defaults_editable: held.locked.is_none(),
            default_lock_reason: held.locked.map(|reason| reason.to_string()),
        }
    }
}

/// What a session runs with.
#[derive(Serialize, ToSchema)]
pub(super) struct ControlsAnswer {
    /// Always `ok`.
    status: &'static str,
    #[serde(flatten)]
    held: ControlsInForce,
}

/// Says what a session runs with, and what new ones begin with.
#[utoipa::path(get, path = "/sessions/{sessionId}/session-controls", tag = "controls", operation_id = "controls_get",
    params(("sessionId" = String, Path)),
    responses((status = 200, body = ControlsAnswer), (status = 409, body = Problem), OfSession))]
pub(super) async fn get(
    _: RequireMember,
    Drivable(known): Drivable,
    State(app): State<App>,
) -> Json<ControlsAnswer> {
    let held = app.in_force(&known.id);
    Json(ControlsAnswer {
        status: "ok",
        held: ControlsInForce::of(known.id, held),
    })
}

/// All controls.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ControlsInput {
    /// The model; `null` leaves the choice to Codex.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    model: Option<Name>,
    approval_policy: ApprovalPolicy,
    network_access: NetworkAccess,
    filesystem_sandbox: FilesystemSandbox,
    /// All settings; without them they stay.
    #[schema(value_type = Option<Object>)]
    settings: Option<Settings>,
}

/// What shall hold.
#[derive(Deserialize, ToSchema)]
pub(super) struct SetControls {
    scope: ScopeName,
    controls: ControlsInput,
    /// Who wants it, by their own account.
    actor: Option<Text<1, 120>>,
    /// Where it comes from, by their own account.
    source: Option<Text<1, 64>>,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ControlsSet {
    /// `ok`, or `unchanged`.
    status: &'static str,
    scope: ScopeName,
    /// What holds now in this scope.
    applied: SessionControls,
    /// The same in one line.
    summary: String,
    #[serde(flatten)]
    held: ControlsInForce,
}

/// Sets what a session runs with from its next turn on, or what new sessions begin with.
#[utoipa::path(post, path = "/sessions/{sessionId}/session-controls", tag = "controls", operation_id = "controls_set",
    params(("sessionId" = String, Path)), request_body = SetControls,
    responses((status = 200, body = ControlsSet), (status = 423, body = Problem), OfSession))]
pub(super) async fn set(
    RequireAdmin(acting): RequireAdmin,
    Drivable(known): Drivable,
    State(app): State<App>,
    Input(body): Input<SetControls>,
) -> Result<Json<ControlsSet>, ApiError> {
    let controls = Controls {
        model: body.controls.model.map(|it| it.0),
        approval_policy: body.controls.approval_policy,
        network_access: body.controls.network_access,
        filesystem_sandbox: body.controls.filesystem_sandbox,
    };
    let (target, settings) = (body.scope.of(&known.id), body.controls.settings);
    let by = by_own_account(body.actor, body.source);
    let changed = app
        .set_controls(&acting.into(), target, controls, settings, by)
        .await?;
    let held = app.in_force(&known.id);
    Ok(Json(ControlsSet {
        status: outcome(changed.is_any()),
        scope: body.scope,
        summary: changed.after.controls.words(),
        applied: changed.after,
        held: ControlsInForce::of(known.id, held),
    }))
}

/// Another policy.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SetApprovalPolicy {
    approval_policy: ApprovalPolicy,
}

/// It holds.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApprovalPolicySet {
    /// Always `ok`.
    status: &'static str,
    session_id: String,
    approval_policy: ApprovalPolicy,
}

/// Sets when a session asks, from its next turn on.
#[utoipa::path(post, path = "/sessions/{sessionId}/approval-policy", tag = "controls", operation_id = "approval_policy_set",
    params(("sessionId" = String, Path)), request_body = SetApprovalPolicy,
    responses((status = 200, body = ApprovalPolicySet), (status = 409, body = Problem), OfSession))]
pub(super) async fn approval_policy(
    RequireAdmin(acting): RequireAdmin,
    Drivable(known): Drivable,
    State(app): State<App>,
    Input(body): Input<SetApprovalPolicy>,
) -> Result<Json<ApprovalPolicySet>, ApiError> {
    let wish = Wish {
        approval_policy: Some(body.approval_policy),
        ..Wish::default()
    };
    let changed = app
        .set_some_controls(&acting.into(), &known.id, wish)
        .await?;
    Ok(Json(ApprovalPolicySet {
        status: "ok",
        session_id: known.id,
        approval_policy: changed.after.controls.approval_policy,
    }))
}
