//! Codex's configuration.

use super::super::App;
use super::super::input::{Input, Params, Text};
use super::answers::{CodexDone, done, sparse};
use crate::web::error::ApiError;
use crate::web::harness::document::{OfCodex, OfInput};
use crate::web::role::{RequireAdmin, RequireMember};
use axum::Json;
use axum::extract::State;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfigQuery {
    /// The folder in the repository whose configuration is asked for; without it the repository's.
    cwd: Option<String>,
    /// Also what each file says.
    #[serde(default)]
    include_layers: bool,
}

/// Tells the configuration in force, in Codex's form. What looks like a secret is `***`.
#[utoipa::path(get, path = "/config", tag = "configuration", operation_id = "config", params(ConfigQuery),
    responses((status = 200, body = serde_json::Map<String, Value>), OfInput, OfCodex))]
pub(super) async fn read(
    RequireMember(acting): RequireMember,
    State(app): State<App>,
    Params(query): Params<ConfigQuery>,
) -> Result<Json<Value>, ApiError> {
    let (by, cwd) = (acting.into(), query.cwd.as_deref());
    let found = app.configuration(&by, cwd, query.include_layers).await?;
    Ok(Json(found))
}

/// Tells what an administrator demands of the configuration, in Codex's form.
#[utoipa::path(get, path = "/config/requirements", tag = "configuration", operation_id = "config_requirements",
    responses((status = 200, body = serde_json::Map<String, Value>), OfCodex))]
pub(super) async fn requirements(
    _: RequireMember,
    State(app): State<App>,
) -> Result<Json<Value>, ApiError> {
    let found = app.call("configRequirements/read", Value::Null).await?;
    Ok(Json(found))
}

/// What becomes of a table that is there.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum MergeStrategy {
    /// It is replaced.
    Replace,
    /// It keeps what the new one does not name.
    Upsert,
}

/// One change.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfigEdit {
    /// Where, as `a.b`.
    #[schema(min_length = 1, example = "model")]
    key_path: String,
    merge_strategy: MergeStrategy,
    /// The new value; `null` takes it out.
    value: Value,
}

/// A change, and to which state of the file.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfigWrite {
    /// Where, as `a.b`.
    #[schema(example = "model")]
    key_path: Text<1, 1000>,
    merge_strategy: MergeStrategy,
    /// The new value; `null` takes it out.
    value: Value,
    /// The version of the file that the change is made for.
    #[serde(default)]
    expected_version: Option<String>,
    /// The file; without it the person's own.
    #[serde(default)]
    file_path: Option<String>,
}

/// Changes one value.
#[utoipa::path(post, path = "/config/value", tag = "configuration", operation_id = "config_write_value",
    request_body = ConfigWrite, responses((status = 200, body = CodexDone), OfInput, OfCodex))]
pub(super) async fn write_value(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    Input(write): Input<ConfigWrite>,
) -> Result<Json<CodexDone>, ApiError> {
    let mut params = sparse(json!({
        "keyPath": write.key_path.0,
        "mergeStrategy": write.merge_strategy,
        "expectedVersion": write.expected_version,
        "filePath": write.file_path,
    }));
    params["value"] = write.value;
    let method = "config/value/write";
    done(app.configure(&acting.into(), method, params).await)
}

/// Several changes at once, and to which state of the file.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfigBatch {
    /// At least one.
    #[schema(min_items = 1)]
    #[serde(deserialize_with = "one_at_least")]
    edits: Vec<ConfigEdit>,
    /// The version of the file that the changes are made for.
    #[serde(default)]
    expected_version: Option<String>,
    /// The file; without it the person's own.
    #[serde(default)]
    file_path: Option<String>,
}

/// A list with something in it.
pub(super) fn one_at_least<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let list = Vec::deserialize(deserializer)?;
    match list.is_empty() {
        true => Err(D::Error::custom(
            "a list with at least one entry is expected",
        )),
        false => Ok(list),
    }
}

/// Changes several values, all or none.
#[utoipa::path(post, path = "/config/batch", tag = "configuration", operation_id = "config_write_batch",
    request_body = ConfigBatch, responses((status = 200, body = CodexDone), OfInput, OfCodex))]
pub(super) async fn write_batch(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    Input(batch): Input<ConfigBatch>,
) -> Result<Json<CodexDone>, ApiError> {
    let params = sparse(json!({
        "edits": batch.edits,
        "expectedVersion": batch.expected_version,
        "filePath": batch.file_path,
    }));
    let method = "config/batchWrite";
    done(app.configure(&acting.into(), method, params).await)
}
