//! The launcher itself: what a person allows, end.

use crate::domain::language::Language;
use crate::domain::sentence::say;
use crate::web::app::App;
use crate::web::body::Body;
use crate::web::caller::RequirePerson;
use crate::web::error::ApiError;
use crate::web::success::{DONE, Done};
use axum::extract::State;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub struct Allow {
    accept: bool,
    #[serde(default)]
    language: Option<Language>,
}

pub async fn trust(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<Allow>,
) -> Result<Done, ApiError> {
    if !wish.accept {
        let message = say!("refusal.not_accepted.trust");
        return Err(ApiError::invalid("not_accepted", message));
    }
    let language = wish
        .language
        .unwrap_or(app.agents.core.policy().catalog.language);
    app.agents
        .permission()
        .give(&caller.actor(), language)
        .await?;
    Ok(DONE)
}

#[derive(Debug, Deserialize)]
pub struct Approve {
    sha256: String,
    accept: bool,
}

pub async fn powers(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<Approve>,
) -> Result<Done, ApiError> {
    if !wish.accept {
        let message = say!("refusal.not_accepted.powers");
        return Err(ApiError::invalid("not_accepted", message));
    }
    app.agents
        .core
        .approve(&caller.actor(), wish.sha256)
        .await?;
    Ok(DONE)
}

#[derive(Debug, Deserialize)]
pub struct Shutdown {
    #[serde(default)]
    keep_sessions: bool,
}

pub async fn shutdown(
    State(app): State<App>,
    RequirePerson(_): RequirePerson,
    Body(wish): Body<Shutdown>,
) -> Result<Done, ApiError> {
    // A full channel means that the end has begun.
    app.shutdown.try_send(wish.keep_sessions).ok();
    Ok(DONE)
}
