//! How the person's pages look.

use super::done;
use crate::web::app::App;
use crate::web::body::Body;
use crate::web::caller::RequirePerson;
use crate::web::error::ApiError;
use crate::web::preferences::Preferences;
use axum::Json;
use axum::extract::State;
use serde_json::Value;

/// `POST /api/preferences`
pub async fn set(
    State(app): State<App>,
    RequirePerson(_): RequirePerson,
    Body(wish): Body<Preferences>,
) -> Result<Json<Value>, ApiError> {
    let kept = tokio::task::spawn_blocking(move || app.preferences.set(wish)).await;
    match kept {
        Ok(Ok(())) => Ok(done()),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the pages' preferences could not be written; they hold until the end of this run");
            Ok(done())
        }
        Err(_) => Err(ApiError::internal()),
    }
}
