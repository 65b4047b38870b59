//! The list of threads that are no sessions.

use super::{html, language};
use crate::web::app::App;
use crate::web::body::Query;
use crate::web::caller::RequirePerson;
use crate::web::error::ApiError;
use crate::web::pages::{self, Threads};
use crate::web::views::{JobList, ThreadList, ThreadsWanted, models};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Html;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
pub struct ThreadsWish {
    #[serde(default)]
    lang: Option<String>,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    launchers: bool,
    #[serde(default)]
    words: String,
    /// `<group>:<how many>`, with commas between.
    #[serde(default)]
    shown: String,
}

pub async fn page(
    State(app): State<App>,
    _: RequirePerson,
    headers: HeaderMap,
    Query(wish): Query<ThreadsWish>,
) -> Result<Html<String>, ApiError> {
    let language = language(&app, wish.lang.as_deref(), &headers);
    let wanted = ThreadsWanted {
        archived: wish.archived,
        launchers: wish.launchers,
        words: wish.words,
        shown: shown(&wish.shown),
    };
    let list = ThreadList::of(&app.harness, &wanted).await;
    // The page is there, and says why its list is not.
    let reason = list.as_ref().err().map(|no| no.message.text(language));
    let list = list
        .as_ref()
        .map_err(|_| reason.as_deref().unwrap_or_default());
    let models = models(&app.harness);
    let jobs = JobList::of(&app.harness);
    html(pages::render_threads(Threads {
        language,
        list,
        wanted: &wanted,
        models: &models,
        jobs: &jobs,
    }))
}

/// What cannot be read is what nobody asked for.
fn shown(text: &str) -> BTreeMap<String, usize> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once(':'));
    let read = pairs.filter_map(|(group, count)| Some((group.to_owned(), count.parse().ok()?)));
    read.collect()
}
