//! Settings: named values of extensions and clients, of a session and of new ones.

use super::App;
use super::controls::{ScopeName, by_own_account, outcome};
use super::error::Problem;
use super::gate::{self, Drivable};
use super::input::{Input, Params, Text};
use super::operations::Operations;
use super::refusals::OfSession;
use crate::domain::harness::change::Wanted;
use crate::domain::harness::controls::Settings;
use crate::domain::sentence::say;
use crate::harness::refused::Refused;
use crate::web::error::ApiError;
use crate::web::role::{RequireAdmin, RequireMember};
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

/// The routes of settings.
pub(super) fn routes(to: Operations) -> Operations {
    to.routes(routes!(get, set)).routes(routes!(remove))
}

/// A setting's name.
type SettingName = Text<1, 256>;

/// Which settings.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wished {
    /// Without it those of the session.
    #[param(inline)]
    scope: Option<ScopeName>,
    /// Only this one.
    key: Option<String>,
}

/// Settings, or one of them.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum SettingsAnswer {
    /// All of a scope.
    All(AllSettings),
    /// One.
    One(OneSetting),
}

/// All settings of a scope.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AllSettings {
    /// Always `ok`.
    status: &'static str,
    session_id: String,
    scope: ScopeName,
    #[schema(value_type = Object)]
    settings: Settings,
}

/// One setting.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OneSetting {
    /// Always `ok`.
    status: &'static str,
    session_id: String,
    scope: ScopeName,
    key: String,
    /// Whether it is there.
    found: bool,
    /// What it says; `null` when it is not there.
    value: Value,
}

/// Reads settings.
#[utoipa::path(get, path = "/sessions/{sessionId}/settings", tag = "controls", operation_id = "settings_get",
    params(("sessionId" = String, Path), Wished),
    responses((status = 200, body = SettingsAnswer), (status = 409, body = Problem), OfSession))]
pub(super) async fn get(
    _: RequireMember,
    Drivable(known): Drivable,
    State(app): State<App>,
    Params(wished): Params<Wished>,
) -> Json<SettingsAnswer> {
    let scope = wished.scope.unwrap_or_default();
    let mut settings = app.settings(&scope.of(&known.id));
    let (status, session_id) = ("ok", known.id);
    Json(match wished.key {
        None => SettingsAnswer::All(AllSettings {
            status,
            session_id,
            scope,
            settings,
        }),
        Some(key) => {
            let value = settings.remove(&key);
            SettingsAnswer::One(OneSetting {
                status,
                session_id,
                scope,
                key,
                found: value.is_some(),
                value: value.unwrap_or_default(),
            })
        }
    })
}

/// What becomes of the settings that are not named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// They stay.
    #[default]
    Merge,
    /// They go.
    Replace,
}

/// Settings: either several, or one.
#[derive(Deserialize, ToSchema)]
pub(super) struct SetSettings {
    scope: ScopeName,
    /// Several.
    #[schema(value_type = Option<Object>)]
    settings: Option<Settings>,
    /// What becomes of the others.
    mode: Option<Mode>,
    /// One: its name.
    key: Option<SettingName>,
    /// One: what it says, `null` as well.
    #[serde(default, deserialize_with = "present")]
    value: Option<Value>,
    /// Who wants it, by their own account.
    actor: Option<Text<1, 120>>,
    /// Where it comes from, by their own account.
    source: Option<Text<1, 64>>,
}

/// A value that is there, be it `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What came of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SettingsSet {
    /// `ok`, or `unchanged`.
    status: &'static str,
    session_id: String,
    scope: ScopeName,
    /// The one, where one was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// All that hold now.
    #[schema(value_type = Object)]
    settings: Settings,
}

/// Sets settings: several, beside the others or in their place, or one.
#[utoipa::path(post, path = "/sessions/{sessionId}/settings", tag = "controls", operation_id = "settings_set",
    params(("sessionId" = String, Path)), request_body = SetSettings,
    responses((status = 200, body = SettingsSet), (status = 423, body = Problem), OfSession))]
pub(super) async fn set(
    RequireAdmin(acting): RequireAdmin,
    Drivable(known): Drivable,
    State(app): State<App>,
    Input(body): Input<SetSettings>,
) -> Result<Json<SettingsSet>, ApiError> {
    let key = body.key.map(|it| it.0);
    let wanted = match (body.settings, key.clone(), body.value) {
        (Some(settings), None, None) => match body.mode.unwrap_or_default() {
            Mode::Merge => Wanted::Merged(settings),
            Mode::Replace => Wanted::Replaced(settings),
        },
        (None, Some(key), Some(value)) => Wanted::Merged(Settings::from_iter([(key, value)])),
        _ => {
            let refused = Refused::invalid("settings", say!("refusal.harness.one_form"));
            return Err(refused.of_session(&known.id).into());
        }
    };
    let by = by_own_account(body.actor, body.source);
    let target = body.scope.of(&known.id);
    let changed = app.set_settings(&acting.into(), target, wanted, by).await?;
    Ok(Json(SettingsSet {
        status: outcome(changed.is_any()),
        session_id: known.id,
        scope: body.scope,
        key,
        settings: changed.after.settings,
    }))
}

/// The setting in the path.
pub(super) struct Key(String);

impl FromRequestParts<App> for Key {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        gate::named(parts, "key").await.map(Self)
    }
}

/// Whose setting goes; in the query or in a body.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RemoveSetting {
    /// Without it that of the session.
    #[param(inline)]
    scope: Option<ScopeName>,
    /// Who wants it, by their own account.
    actor: Option<Text<1, 120>>,
    /// Where it comes from, by their own account.
    source: Option<Text<1, 64>>,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SettingRemoved {
    /// Always `ok`.
    status: &'static str,
    session_id: String,
    scope: ScopeName,
    key: String,
    /// Whether it was there.
    removed: bool,
    /// All that hold now.
    #[schema(value_type = Object)]
    settings: Settings,
}

/// Takes a setting away.
#[utoipa::path(delete, path = "/sessions/{sessionId}/settings/{key}", tag = "controls", operation_id = "settings_remove",
    params(("sessionId" = String, Path), ("key" = String, Path), RemoveSetting),
    responses((status = 200, body = SettingRemoved), (status = 423, body = Problem), OfSession))]
pub(super) async fn remove(
    RequireAdmin(acting): RequireAdmin,
    Drivable(known): Drivable,
    Key(key): Key,
    State(app): State<App>,
    Params(query): Params<RemoveSetting>,
    Input(body): Input<RemoveSetting>,
) -> Result<Json<SettingRemoved>, ApiError> {
    let scope = body.scope.or(query.scope).unwrap_or_default();
    let by = by_own_account(body.actor.or(query.actor), body.source.or(query.source));
    let wanted = Wanted::Without(key.clone());
    let target = scope.of(&known.id);
    let changed = app.set_settings(&acting.into(), target, wanted, by).await?;
    Ok(Json(SettingRemoved {
        status: "ok",
        session_id: known.id,
        scope,
        key,
        removed: changed.is_any(),
        settings: changed.after.settings,
    }))
}
