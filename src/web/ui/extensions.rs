//! The list of extensions.

use super::{Wish, html, language};
use crate::web::app::App;
use crate::web::body::Query;
use crate::web::caller::RequirePerson;
use crate::web::error::ApiError;
use crate::web::pages;
use crate::web::views::ExtensionList;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Html;

pub async fn page(
    State(app): State<App>,
    _: RequirePerson,
    headers: HeaderMap,
    Query(wish): Query<Wish>,
) -> Result<Html<String>, ApiError> {
    let language = language(&app, wish.lang.as_deref(), &headers);
    let list = ExtensionList::of(&app.harness);
    html(pages::render_extensions(language, &list))
}
