//! Skills.

use super::super::App;
use super::super::input::{Input, Params, Text};
use super::answers::{CodexDone, ListPage, done};
use crate::harness::refused::Refused;
use crate::web::error::ApiError;
use crate::web::harness::document::{OfCodex, OfInput};
use crate::web::harness::error::Problem;
use crate::web::role::{RequireAdmin, RequireMember};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct SkillsQuery {
    /// Has Codex look at the files, not in its memory.
    #[serde(default)]
    force_reload: bool,
    /// The folder in the repository whose skills are asked for; without it the repository's.
    cwd: Option<String>,
}

/// Lists the skills that a thread in a folder has.
#[utoipa::path(get, path = "/skills", tag = "discovery", operation_id = "skills", params(SkillsQuery),
    responses((status = 200, body = ListPage), OfInput, OfCodex))]
pub(super) async fn list(
    RequireMember(acting): RequireMember,
    State(app): State<App>,
    Params(query): Params<SkillsQuery>,
) -> Result<Json<ListPage>, ApiError> {
    let cwd = query.cwd.as_deref();
    let skills = app.skills(&acting.into(), cwd, query.force_reload).await?;
    Ok(skills.into())
}

/// Whether a skill is used.
#[derive(Deserialize, ToSchema)]
pub(super) struct SkillSwitch {
    /// The skill's file.
    path: Text<1, 4096>,
    /// Whether it is used.
    enabled: bool,
}

/// Switches a skill on or off, in Codex's configuration.
#[utoipa::path(post, path = "/skills/config", tag = "discovery", operation_id = "skills_configure",
    request_body = SkillSwitch, responses((status = 200, body = CodexDone), OfInput, OfCodex))]
pub(super) async fn configure(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    Input(switch): Input<SkillSwitch>,
) -> Result<Json<CodexDone>, ApiError> {
    let params = json!({"path": switch.path.0, "enabled": switch.enabled});
    let method = "skills/config/write";
    done(app.configure(&acting.into(), method, params).await)
}

/// Skills of a host outside: Codex has no such list any more.
#[utoipa::path(get, path = "/skills/remote", tag = "discovery", operation_id = "skills_remote",
    responses((status = 501, body = Problem)))]
pub(super) async fn remote(_: RequireMember) -> ApiError {
    Refused::not_supported("skills/remote/read").into()
}

/// A skill of a host outside.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RemoteSkill {
    /// Its id there.
    #[expect(dead_code, reason = "that it is there is part of the shape")]
    hazelnut_id: Text<1, 200>,
    /// Whether it is loaded before it is used.
    #[expect(dead_code, reason = "that it is there is part of the shape")]
    is_preload: bool,
}

/// Fetches a skill from a host outside: Codex cannot any more.
#[utoipa::path(post, path = "/skills/remote", tag = "discovery", operation_id = "skills_remote_write",
    request_body = RemoteSkill, responses(OfInput, (status = 501, body = Problem)))]
pub(super) async fn remote_write(_: RequireAdmin, _: Input<RemoteSkill>) -> ApiError {
    Refused::not_supported("skills/remote/write").into()
}
