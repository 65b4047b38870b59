//! Codex's account.

use super::super::App;
use super::super::input::{Input, Text};
use super::answers::{CodexDone, done};
use crate::web::error::ApiError;
use crate::web::harness::document::{OfCodex, OfInput};
use crate::web::role::{RequireAdmin, RequireMember};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Says who is logged in, in Codex's form.
#[utoipa::path(get, path = "/account", tag = "account", operation_id = "account",
    responses((status = 200, body = serde_json::Map<String, Value>), OfCodex))]
pub(super) async fn read(
    _: RequireMember,
    State(app): State<App>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(app.call("account/read", json!({})).await?))
}

/// Says how much of the account's limits is used, in Codex's form. 401 without an account.
#[utoipa::path(get, path = "/account/rate-limits", tag = "account", operation_id = "account_rate_limits",
    responses((status = 200, body = serde_json::Map<String, Value>), OfCodex))]
pub(super) async fn rate_limits(
    _: RequireMember,
    State(app): State<App>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(
        app.call("account/rateLimits/read", Value::Null).await?,
    ))
}

/// How a login is made.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(super) enum LoginStart {
    /// With a key of the API.
    #[serde(rename_all = "camelCase")]
    ApiKey {
        /// The key.
        api_key: Text<1, 4096>,
    },
    /// In a browser of this machine.
    Chatgpt,
    /// With a code that a person types in a browser anywhere.
    ChatgptDeviceCode,
    /// With tokens that somebody else keeps fresh.
    #[serde(rename_all = "camelCase")]
    ChatgptAuthTokens {
        /// The token.
        access_token: Text<1, 65536>,
        /// The account.
        chatgpt_account_id: Text<1, 200>,
        /// Its plan.
        #[serde(default)]
        chatgpt_plan_type: Option<String>,
    },
}

impl LoginStart {
    fn params(self) -> Value {
        match self {
            Self::ApiKey { api_key } => json!({"type": "apiKey", "apiKey": api_key.0}),
            Self::Chatgpt => json!({"type": "chatgpt"}),
            Self::ChatgptDeviceCode => json!({"type": "chatgptDeviceCode"}),
            Self::ChatgptAuthTokens {
                access_token,
                chatgpt_account_id,
                chatgpt_plan_type,
            } => json!({
                "type": "chatgptAuthTokens",
                "accessToken": access_token.0,
                "chatgptAccountId": chatgpt_account_id.0,
                "chatgptPlanType": chatgpt_plan_type,
            }),
        }
    }
}

/// Begins a login.
#[utoipa::path(post, path = "/account/login/start", tag = "account", operation_id = "account_login_start",
    request_body = LoginStart, responses((status = 200, body = CodexDone), OfInput, OfCodex))]
pub(super) async fn start_login(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    Input(login): Input<LoginStart>,
) -> Result<Json<CodexDone>, ApiError> {
    done(app.start_login(&acting.into(), login.params()).await)
}

/// Which login.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoginCancel {
    /// Its id, from its beginning.
    login_id: Text<1, 200>,
}

/// Gives up a login that waits for a person.
#[utoipa::path(post, path = "/account/login/cancel", tag = "account", operation_id = "account_login_cancel",
    request_body = LoginCancel, responses((status = 200, body = CodexDone), OfInput, OfCodex))]
pub(super) async fn cancel_login(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    Input(login): Input<LoginCancel>,
) -> Result<Json<CodexDone>, ApiError> {
    done(app.cancel_login(&acting.into(), &login.login_id.0).await)
}

/// Ends the login.
#[utoipa::path(post, path = "/account/logout", tag = "account", operation_id = "account_logout",
    responses((status = 200, body = CodexDone), OfInput, OfCodex))]
pub(super) async fn logout(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    _: Input<Value>,
) -> Result<Json<CodexDone>, ApiError> {
    done(app.logout(&acting.into()).await)
}
