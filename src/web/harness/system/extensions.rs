//! The set of extensions.

use super::super::App;
use super::super::input::Input;
use crate::harness::extensions::Snapshot;
use crate::web::error::ApiError;
use crate::web::harness::document::OfInput;
use crate::web::role::{RequireAdmin, RequireMember};
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
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
    /// The extensions.
    modules: Vec<Map<String, Value>>,
}

/// Lists the extensions.
#[utoipa::path(get, path = "/agents/extensions", tag = "extensions", operation_id = "extensions_list",
    responses((status = 200, body = Extensions)))]
pub(super) async fn list(_: RequireMember, State(app): State<App>) -> Json<Extensions> {
    let Snapshot { version, loaded_at } = app.extensions();
    Json(Extensions {
        status: "ok",
        snapshot_version: version.to_string(),
        loaded_at,
        modules: Vec::new(),
    })
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
    /// How many extensions it has.
    loaded_count: usize,
    /// Always 0: a set is loaded whole or not at all.
    failed_count: usize,
    /// Changes with each set.
    snapshot_version: String,
    /// Since when it is in force.
    loaded_at: DateTime<Utc>,
    /// The extensions.
    modules: Vec<Map<String, Value>>,
}

/// Loads the extensions anew, all or none.
#[utoipa::path(post, path = "/agents/extensions/reload", tag = "extensions", operation_id = "extensions_reload",
    responses((status = 200, body = Reloaded), OfInput))]
pub(super) async fn reload(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    _: Input<Value>,
) -> Result<Json<Reloaded>, ApiError> {
    let (reload_id, now) = app.reload_extensions(&acting.actor(), "owner").await?;
    Ok(Json(Reloaded {
        status: "ok",
        reload_id,
        loaded_count: 0,
        failed_count: 0,
        snapshot_version: now.version.to_string(),
        loaded_at: now.loaded_at,
        modules: Vec::new(),
    }))
}
