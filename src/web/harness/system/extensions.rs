//! The set of extensions.

use super::super::App;
use super::super::input::Input;
use crate::domain::harness::extension::content::Digest;
use crate::domain::harness::extension::manifest::AgentId;
use crate::harness::extensions::Snapshot;
use crate::web::error::ApiError;
use crate::web::harness::document::OfInput;
use crate::web::harness::error::Problem;
use crate::web::harness::system::modules::{LoadedModule, Module};
use crate::web::role::{RequireMember, RequireOwner, Role};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// The set in force.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Extensions {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// Changes with each set.
    snapshot_version: String,
    /// Since when it is in force.
    loaded_at: DateTime<Utc>,
    /// All that were found, those that do not run as well.
    modules: Vec<Module>,
}

impl From<Snapshot> for Extensions {
    fn from(now: Snapshot) -> Self {
        Self {
            status: "ok",
            snapshot_version: now.version.to_string(),
            loaded_at: now.loaded_at,
            modules: now.set.modules.iter().map(Module::of).collect(),
        }
    }
}

/// Lists the extensions.
#[utoipa::path(get, path = "/agents/extensions", tag = "extensions", operation_id = "extensions_list",
    responses((status = 200, body = Extensions)))]
pub(super) async fn list(_: RequireMember, State(app): State<App>) -> Json<Extensions> {
    Json(app.extensions().into())
}

/// A set that was loaded anew.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reloaded {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// Its name in the journal.
    reload_id: String,
    /// How many extensions run.
    loaded_count: usize,
    /// Always 0: a set is loaded whole or not at all.
    failed_count: usize,
    /// Changes with each set.
    snapshot_version: String,
    /// Since when it is in force.
    loaded_at: DateTime<Utc>,
    /// Those that run.
    modules: Vec<LoadedModule>,
}

/// Loads the extensions anew, all or none.
#[utoipa::path(post, path = "/agents/extensions/reload", tag = "extensions", operation_id = "extensions_reload",
    responses((status = 200, body = Reloaded), OfInput,
        (status = 409, body = Problem, description = "A set is being loaded already.")))]
pub(super) async fn reload(
    RequireMember(acting): RequireMember,
    State(app): State<App>,
    _: Input<Value>,
) -> Result<Json<Reloaded>, ApiError> {
    let (actor, role) = (acting.actor(), acting.role.word());
    if let Err(error) = acting.at_least(Role::Admin) {
        app.refused_reload(&actor, role).await;
        return Err(error);
    }
    let (reload_id, now) = app.reload_extensions(&actor, role).await?;
    let modules: Vec<_> = now.set.workers().map(|it| LoadedModule::of(it)).collect();
    Ok(Json(Reloaded {
        status: "ok",
        reload_id,
        loaded_count: modules.len(),
        failed_count: 0,
        snapshot_version: now.version.to_string(),
        loaded_at: now.loaded_at,
        modules,
    }))
}

/// What may run.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrustInput {
    /// Who the extension is.
    #[schema(example = "reviewer")]
    agent_id: String,
    /// Its files, as `trust.digest` of the list has them.
    digest: String,
    /// `false`: nothing of this extension may run any more.
    #[serde(default = "yes")]
    accept: bool,
}

fn yes() -> bool {
    true
}

/// Lets exactly these files of an extension run; loads what works.
#[utoipa::path(post, path = "/agents/extensions/trust", tag = "extensions", operation_id = "extensions_trust", request_body = TrustInput,
    responses((status = 200, body = Extensions), OfInput,
        (status = 409, body = Problem, description = "These are not the files that were found.")))]
pub(super) async fn trust(
    RequireOwner(acting): RequireOwner,
    State(app): State<App>,
    Input(input): Input<TrustInput>,
) -> Result<Json<Extensions>, ApiError> {
    let (actor, role) = (acting.actor(), acting.role.word());
    let wish = (AgentId(input.agent_id), Digest(input.digest));
    let (_, now) = app
        .trust_extension(&actor, role, wish, input.accept)
        .await?;
    Ok(Json(now.into()))
}
