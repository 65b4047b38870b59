//! The harness API under its own prefix: routes, gates and shapes of `harness`, which decides. Route and document are one registration, so
//! they cannot differ.
//!
//! - `gate`: who may drive which thread; `input`: what a request carries; `error`: how a no looks
//! - `document`: all of it as OpenAPI; `system`: Codex as a whole

pub mod document;
pub mod error;
pub mod gate;
mod health;
pub mod input;
mod projects;
mod system;

use crate::harness::Harness;
use crate::web::mount::Mount;
use axum::Router;
use std::sync::Arc;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Where it is.
pub const PREFIX: &str = "/harness/api";

/// What handlers get.
pub type App = Arc<Harness>;

/// All routes and their document, each before it has what it needs.
fn parts() -> (Router<App>, OpenApi) {
    let operations = OpenApiRouter::with_openapi(document::frame())
        .routes(routes!(health::name))
        .routes(routes!(health::health))
        .routes(routes!(projects::list))
        .merge(system::routes());
    OpenApiRouter::with_openapi(document::frame())
        .nest(PREFIX, operations)
        .split_for_parts()
}

/// Everything under the prefix.
pub fn routes(harness: App) -> Mount {
    let (router, document) = parts();
    let document = document::served(&document::whole(&document));
    Mount::at(
        PREFIX,
        router.with_state(harness).merge(document.serve(())),
        error::envelope,
    )
}

/// The document, as it is served.
pub fn document() -> serde_json::Value {
    document::whole(&parts().1)
}
