//! The fragments of a transcript: a page of it, and one step whole.

use super::{html, language};
use crate::domain::attention::Item;
use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::threads::{MAX_TURNS, Wanted};
use crate::web::api::threads::{Of, read};
use crate::web::app::App;
use crate::web::body::Query;
use crate::web::caller::RequirePerson;
use crate::web::error::ApiError;
use crate::web::pages::{self, Thread};
use crate::web::views::{ChatView, ViewContext};
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
    /// Whether it is wanted for itself: then a copy of a session's thread is driven as any thread is.
    #[serde(default)]
    chat: bool,
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
    let found = match Of::find(&app, &wish.id).await {
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
    let found = app.agents.core.look_for(&wish.id, |state| {
        let by_id = SessionId::parse(&wish.id).ok();
        let session = by_id.and_then(|id| state.session(&id));
        let session = session.or_else(|| state.session_of_thread(&wish.id));
        let view = |session| ViewContext::of(&app.agents, state, None).session(session);
        // A copy of a thread is read; what is done, is done to the session.
        let of_fork = || state.session_of_fork(&wish.id).map(view);
        session
            .map(view)
            .map_or_else(|| (None, of_fork()), |it| (Some(it), None))
    })?;
    let models = app.agents.threads.models();
    let named = found.0.as_ref().or(found.1.as_ref());
    let is_read = found.0.is_some() || (found.1.is_some() && !wish.chat);
    let chat = match is_read {
        true => None,
        false => ChatView::of(&app.harness, &wish.id, turns.last(), language),
    };
    let asks = match &chat {
        Some(_) => asks_of(&app, &wish.id, language),
        None => Vec::new(),
    };
    let departments = &app.agents.core.policy().catalog.departments;
    let asks = html(pages::render_asks(&asks, departments, language))?;
    let session_id = match named {
        Some(session) => session.id.to_string(),
        None => wish.id,
    };
    let rendered = pages::render_thread(Thread {
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
        chat: chat.as_ref(),
    });
    html(rendered.map(|thread| thread + &asks.0))
}

/// What a thread asks and nobody has answered, as it stands in the list of what waits.
fn asks_of(app: &App, thread_id: &str, language: Language) -> Vec<Item> {
    let mut items = app.attention.items(&app.agents, language);
    items.retain(|item| item.thread_id.as_deref() == Some(thread_id));
    items
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
