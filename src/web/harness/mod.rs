//! The harness API under its own prefix: routes, gates and shapes of `harness`, which decides. Route and document are one registration, so
//! they cannot differ.
//!
//! - `gate`: who may drive which thread; `input`: what a request carries; `error`: how a no looks
//! - `acting`: who asks; `refusals`: what any route of a session can answer
//! - `document`: all of it as OpenAPI; `system`: Codex as a whole
//! - `stream`: the route of the stream; `socket`: one reader of it; `commands`: what that says

mod acting;
mod acts;
mod commands;
mod controls;
pub mod document;
pub mod error;
pub mod gate;
mod health;
pub mod input;
mod projects;
mod refusals;
mod sessions;
mod settings;
mod socket;
mod stream;
mod system;
mod turns;
mod waits;

use crate::harness::Harness;
use crate::web::mount::Mount;
use crate::web::table::Route;
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
        .routes(routes!(stream::stream))
        .merge(system::routes())
        .merge(projects::routes())
        .merge(sessions::routes())
        .merge(turns::routes())
        .merge(acts::routes())
        .merge(controls::routes())
        .merge(settings::routes())
        .merge(waits::routes());
    OpenApiRouter::with_openapi(document::frame())
        .nest(PREFIX, operations)
        .split_for_parts()
}

/// Everything under the prefix.
pub fn routes(harness: App) -> Mount {
    let (router, document) = parts();
    let document = document::table(&document::whole(&document)).serve(());
    Mount::at(
        PREFIX,
        router.with_state(harness).merge(document),
        error::envelope,
    )
    .judging()
}

/// Every route under the prefix, as the document has them.
pub fn every_route() -> Vec<Route> {
    let (_, registered) = parts();
    let mut routes = document::table(&document::whole(&registered))
        .routes()
        .to_vec();
    for (path, item) in registered.paths.paths {
        let methods = [
            ("GET", item.get.is_some()),
            ("POST", item.post.is_some()),
            ("DELETE", item.delete.is_some()),
        ];
        let there = methods.into_iter().filter(|(_, is_there)| *is_there);
        routes.extend(there.map(|(method, _)| Route {
            method,
            path: path.clone().into(),
        }));
    }
    routes
}

/// The document, as it is served.
pub fn document() -> serde_json::Value {
    document::whole(&parts().1)
}
