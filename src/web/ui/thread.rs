//! The fragments of a transcript: a page of it, and one step whole.

use super::{html, language};
use crate::domain::ids::SessionId;
use crate::threads::{MAX_TURNS, Wanted};
use crate::web::api::threads::{Of, read};
use crate::web::app::App;
use crate::web::body::Query;
use crate::web::caller::RequirePerson;
use crate::web::error::ApiError;
use crate::web::pages::{self, Thread};
use crate::web::views::ViewContext;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Html;
use serde::Deserialize;

/// Turns in a page, when nobody says how many.
const TURNS: u32 = 20;

#[derive(Debug, Deserialize)]
pub struct ThreadWish {
    #[serde(default)]
    lang: Option<String>,
    id: String,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<u32>,
}

pub async fn page(
    State(app): State<App>,
    _: RequirePerson,
    headers: HeaderMap,
    Query(wish): Query<ThreadWish>,
) -> Result<Html<String>, ApiError> {
    let language = language(&app, wish.lang.as_deref(), &headers);
    let wanted = Wanted {
        cursor: wish.cursor,
        limit: wish.limit.unwrap_or(TURNS).clamp(1, MAX_TURNS),
        oldest_first: false,
    };
    let found = match Of::find(&app, &wish.id) {
        Ok(of) => read(&app, &of, &wanted).await,
        Err(error) => Err(error),
    };
    let (mut turns, older, reason) = match found {
        Ok(page) => (page.turns, page.next, None),
        // The session is there, and the page says why its transcript is not.
        Err(error) if error.status != StatusCode::BAD_REQUEST => {
            (Vec::new(), None, Some(error.in_language(language).message))
        }
        Err(error) => return Err(error),
    };
    turns.reverse();
    pages::shorten_turns(&mut turns);
    let found = app.agents.core.ledger.read(|state| {
        let by_id = SessionId::parse(&wish.id).ok();
        let session = by_id.and_then(|id| state.session(&id));
        let session = session.or_else(|| state.session_of_thread(&wish.id));
        let view = |session| ViewContext::of(&app.agents, state, None).session(session);
        // A copy of a thread is read; what is done, is done to the session.
        let of_fork = || state.session_of_fork(&wish.id).map(view);
        session
            .map(view)
            .map_or_else(|| (None, of_fork()), |it| (Some(it), None))
    });
    let models = app.agents.threads.models();
    let named = found.0.as_ref().or(found.1.as_ref());
    let session_id = match named {
        Some(session) => session.id.to_string(),
        None => wish.id,
    };
    html(pages::render_thread(Thread {
        language,
        session_id: &session_id,
        title: named.map_or("", |session| &session.title),
        status: named.map_or("lost", |session| session.status),
        doing: found
            .0
            .as_ref()
            .filter(|session| session.tells_doing())
            .map(|session| &session.doing),
        turns: &turns,
        older: older.as_deref(),
        reason: reason.as_deref(),
        session: found.0.as_ref(),
        models: &models,
    }))
}

#[derive(Debug, Deserialize)]
pub struct RowWish {
    #[serde(default)]
    lang: Option<String>,
    id: String,
    item: String,
}

pub async fn row(
    State(app): State<App>,
    _: RequirePerson,
    headers: HeaderMap,
    Query(wish): Query<RowWish>,
) -> Result<Html<String>, ApiError> {
    let language = language(&app, wish.lang.as_deref(), &headers);
    let row = crate::web::api::threads::row(&app, &wish.id, &wish.item).await?;
    html(pages::render_thread_row(&row, language))
}
