//! Getting in and out: exchanging a login key, logging out, asking for a key, and named tokens.

use crate::access::{Access, OPEN_KEY_LIFE, Scope};
use crate::web::body::Body;
use crate::web::caller::RequirePerson;
use crate::web::error::ApiError;
use crate::web::guard::SESSION_HEADER;
use crate::web::table::Table;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The routes of this module.
pub fn routes(access: Arc<Access>) -> Router {
    table().serve(access)
}

/// The same, before they know the credentials.
pub fn table() -> Table<Arc<Access>> {
    Table::new()
        .post("/api/login", login)
        .post("/api/logout", logout)
        .post("/api/login_key", login_key)
        .get("/api/tokens", tokens)
        .post("/api/tokens", create_token)
        .post("/api/tokens/revoke", revoke_token)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    /// For a browser that does not find the name of this start.
    #[serde(default)]
    by_address: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewToken {
    name: String,
    scope: Scope,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenName {
    name: String,
}

async fn login(
    State(access): State<Arc<Access>>,
    Body(Login { key }): Body<Login>,
) -> Result<Json<Value>, ApiError> {
    let granted = access
        .login(&key)
        .inspect_err(|error| access.refused(&error.to_string(), "/api/login"))?;
    Ok(Json(json!({
        "ok": true,
        "session": granted.secret.reveal(),
        "proof_key": granted.proof_key,
        "expires_after_idle_seconds": granted.idle.as_secs(),
        "expires_after_seconds": granted.life.as_secs(),
    })))
}

async fn logout(
    State(access): State<Arc<Access>>,
    _: RequirePerson,
    headers: HeaderMap,
    Body(Nothing {}): Body<Nothing>,
) -> Json<Value> {
    if let Some(secret) = headers.get(SESSION_HEADER).and_then(|s| s.to_str().ok()) {
        access.logout(secret);
    }
    Json(json!({ "ok": true }))
}

async fn login_key(
    State(access): State<Arc<Access>>,
    _: RequirePerson,
    Body(NewKey { by_address }): Body<NewKey>,
) -> Result<Json<Value>, ApiError> {
    let key = access.mint_login_key(OPEN_KEY_LIFE)?;
    Ok(Json(json!({
        "ok": true,
        "login_url": access.login_url(&key, by_address),
        "expires_in_seconds": OPEN_KEY_LIFE.as_secs(),
    })))
}

async fn tokens(
    State(access): State<Arc<Access>>,
    _: RequirePerson,
) -> Result<Json<Value>, ApiError> {
    let tokens = access.tokens().list()?;
    Ok(Json(json!({ "ok": true, "tokens": tokens })))
}

async fn create_token(
    State(access): State<Arc<Access>>,
    RequirePerson(caller): RequirePerson,
    Body(NewToken { name, scope }): Body<NewToken>,
) -> Result<Json<Value>, ApiError> {
    let secret = access.create_token(&caller, &name, scope)?;
    Ok(Json(json!({
        "ok": true,
        "name": name,
        "scope": scope,
        "token": secret.reveal(),
    })))
}

async fn revoke_token(
    State(access): State<Arc<Access>>,
    RequirePerson(caller): RequirePerson,
    Body(TokenName { name }): Body<TokenName>,
) -> Result<Json<Value>, ApiError> {
    access.revoke_token(&caller, &name)?;
    Ok(Json(json!({ "ok": true, "name": name })))
}
