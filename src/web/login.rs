//! Getting in and out: exchanging a login key, logging out, asking for a key, and named tokens.

use crate::access::tokens::Listed;
use crate::access::{Access, OPEN_KEY_LIFE, Scope};
use crate::web::body::{Body, Subjects};
use crate::web::caller::RequirePerson;
use crate::web::error::ApiError;
use crate::web::guard::SESSION_HEADER;
use crate::web::success::{DONE, Done, Success};
use crate::web::table::Table;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
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

/// A browser's session.
#[derive(Serialize)]
struct LoggedIn {
    /// Its secret, to be shown with every request.
    session: String,
    /// What it believes our answers by.
    proof_key: String,
    expires_after_idle_seconds: u64,
    expires_after_seconds: u64,
}

/// A link that logs a browser in once.
#[derive(Serialize)]
struct LoginLink {
    login_url: String,
    expires_in_seconds: u64,
}

/// Tokens, oldest first, without their secrets.
#[derive(Serialize)]
struct TokenList {
    tokens: Vec<Listed>,
}

/// A new token. Its secret is shown here and never again.
#[derive(Serialize)]
struct TokenMade {
    name: String,
    scope: Scope,
    token: String,
}

/// A token that is not valid any more.
#[derive(Serialize)]
struct TokenRevoked {
    name: String,
}

/// Nothing that is asked of the door is about a session.
impl Subjects for Arc<Access> {
    async fn take_out(&self, _: Vec<String>) -> Result<(), ApiError> {
        Ok(())
    }
}

async fn login(
    State(access): State<Arc<Access>>,
    Body(Login { key }): Body<Login>,
) -> Result<Success<LoggedIn>, ApiError> {
    let granted = access
        .login(&key)
        .inspect_err(|error| access.refused(None, &error.to_string(), "/api/login"))?;
    Ok(Success(LoggedIn {
        session: granted.secret.reveal().to_owned(),
        proof_key: granted.proof_key,
        expires_after_idle_seconds: granted.idle.as_secs(),
        expires_after_seconds: granted.life.as_secs(),
    }))
}

async fn logout(
    State(access): State<Arc<Access>>,
    _: RequirePerson,
    headers: HeaderMap,
    Body(Nothing {}): Body<Nothing>,
) -> Done {
    if let Some(secret) = headers.get(SESSION_HEADER).and_then(|s| s.to_str().ok()) {
        access.logout(secret);
    }
    DONE
}

async fn login_key(
    State(access): State<Arc<Access>>,
    _: RequirePerson,
    Body(NewKey { by_address }): Body<NewKey>,
) -> Result<Success<LoginLink>, ApiError> {
    let key = access.mint_login_key(OPEN_KEY_LIFE)?;
    Ok(Success(LoginLink {
        login_url: access.login_url(&key, by_address),
        expires_in_seconds: OPEN_KEY_LIFE.as_secs(),
    }))
}

async fn tokens(
    State(access): State<Arc<Access>>,
    _: RequirePerson,
) -> Result<Success<TokenList>, ApiError> {
    let tokens = access.tokens().list()?;
    Ok(Success(TokenList { tokens }))
}

async fn create_token(
    State(access): State<Arc<Access>>,
    RequirePerson(caller): RequirePerson,
    Body(NewToken { name, scope }): Body<NewToken>,
) -> Result<Success<TokenMade>, ApiError> {
    let secret = access.create_token(&caller, &name, scope)?;
    Ok(Success(TokenMade {
        name,
        scope,
        token: secret.reveal().to_owned(),
    }))
}

async fn revoke_token(
    State(access): State<Arc<Access>>,
    RequirePerson(caller): RequirePerson,
    Body(TokenName { name }): Body<TokenName>,
) -> Result<Success<TokenRevoked>, ApiError> {
    access.revoke_token(&caller, &name)?;
    Ok(Success(TokenRevoked { name }))
}
