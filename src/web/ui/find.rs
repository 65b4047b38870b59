//! What was found among everything that was done.

use super::{Wish, html, language};
use crate::web::api::history;
use crate::web::app::App;
use crate::web::body::Query;
use crate::web::caller::RequirePerson;
use crate::web::error::ApiError;
use crate::web::pages::{self, Found};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Html;

pub async fn page(
    State(app): State<App>,
    _: RequirePerson,
    headers: HeaderMap,
    Query(page): Query<Wish>,
    Query(wish): Query<history::Wish>,
) -> Result<Html<String>, ApiError> {
    let language = language(&app, page.lang.as_deref(), &headers);
    let (planner, is_narrow) = (wish.planner.clone(), wish.is_narrow());
    let found = history::look(&app, wish, None)?;
    let departments = &app.agents.core.policy().catalog.departments;
    html(pages::render_found(&Found {
        language,
        found: &found,
        departments,
        planner: planner.as_ref(),
        is_narrow,
    }))
}
