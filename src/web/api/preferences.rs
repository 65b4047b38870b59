//! How the person's pages look.

use crate::domain::sentence::say;
use crate::web::app::App;
use crate::web::body::Body;
use crate::web::caller::RequirePerson;
use crate::web::error::ApiError;
use crate::web::preferences::Preferences;
use crate::web::success::{DONE, Done};
use axum::extract::State;

const MINUTES_OF_A_DAY: u16 = 24 * 60;

/// `POST /api/preferences`
pub async fn set(
    State(app): State<App>,
    RequirePerson(_): RequirePerson,
    Body(wish): Body<Preferences>,
) -> Result<Done, ApiError> {
    let quiet = wish.notify.and_then(|notify| notify.quiet);
    if quiet.is_some_and(|(from, to)| from.max(to) >= MINUTES_OF_A_DAY) {
        let message = say!("refusal.notify_quiet");
        return Err(ApiError::invalid("invalid_field", message));
    }
    let kept = tokio::task::spawn_blocking(move || app.preferences.set(wish)).await;
    match kept {
        Ok(Ok(())) => Ok(DONE),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the pages' preferences could not be written; they hold until the end of this run");
            Ok(DONE)
        }
        Err(_) => Err(ApiError::internal()),
    }
}
