//! `GET /api/attention`: everything that waits for a person, and one of it.

use crate::domain::attention::Item;
use crate::domain::language::Language;
use crate::domain::sentence::say;
use crate::web::app::App;
use crate::web::attention::MAX_ITEMS;
use crate::web::body::Query;
use crate::web::caller::RequireReader;
use crate::web::error::ApiError;
use crate::web::success::Success;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct In {
    /// Language of the sentences; the configured one by default.
    #[serde(default, alias = "lang")]
    language: Option<Language>,
}

/// The list.
#[derive(Debug, Serialize)]
pub struct AttentionView {
    /// How many items there are.
    count: usize,
    /// The first of them.
    items: Vec<Item>,
    /// How many more there are.
    more: usize,
}

/// One of it.
#[derive(Debug, Serialize)]
pub struct ItemView {
    item: Item,
}

fn all(app: &App, wish: &In) -> Vec<Item> {
    let language = wish.language;
    let language = language.unwrap_or(app.agents.core.policy().catalog.language);
    app.attention.items(&app.agents, language)
}

pub async fn list(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Query(wish): Query<In>,
) -> Success<AttentionView> {
    let mut items = all(&app, &wish);
    let count = items.len();
    items.truncate(MAX_ITEMS);
    Success(AttentionView {
        count,
        more: count - items.len(),
        items,
    })
}

pub async fn one(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Path(id): Path<String>,
    Query(wish): Query<In>,
) -> Result<Success<ItemView>, ApiError> {
    let item = all(&app, &wish).into_iter().find(|item| item.id == id);
    let gone = || ApiError::not_found("unknown_item", say!("refusal.unknown_item"));
    Ok(Success(ItemView {
        item: item.ok_or_else(gone)?,
    }))
}
