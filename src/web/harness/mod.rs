//! The harness API under its own prefix: routes, gates and shapes of `harness`, which decides. Route and document are one registration, so
//! they cannot differ.
//!
//! - `gate`: who may drive which thread; `input`: what a request carries; `error`: how a no looks
//! - `operations`: the registration; `acting`: who asks; `refusals`: what any route of a session can answer
//! - `document`: all of it as OpenAPI; `system`: Codex as a whole
//! - `transcript`: rows that clients write; `stream`: the route of the stream; `socket`: one reader of it; `commands`: what that says

mod acting;
mod acts;
mod commands;
mod controls;
pub mod document;
pub mod error;
pub mod gate;
mod health;
pub mod input;
mod operations;
mod projects;
mod refusals;
mod sessions;
mod settings;
mod socket;
mod stream;
mod system;
mod transcript;
mod turns;
mod waits;

use self::operations::Operations;
use crate::harness::Harness;
use crate::web::mount::Mount;
use crate::web::table::Route;
use std::sync::Arc;
use utoipa_axum::routes;

/// Where it is.
pub const PREFIX: &str = "/harness/api";

/// What handlers get.
pub type App = Arc<Harness>;

fn register(to: Operations) -> Operations {
    to.routes(routes!(health::name))
        .routes(routes!(health::health))
        .routes(routes!(stream::stream))
        .with(system::routes)
        .with(projects::routes)
        .with(sessions::routes)
        .with(transcript::routes)
        .with(turns::routes)
        .with(acts::routes)
        .with(controls::routes)
        .with(settings::routes)
        .with(waits::routes)
}

/// Everything under the prefix.
pub fn routes(harness: App) -> Mount {
    let router = register(Operations::to_serve()).router();
    let document = document::table().serve(());
    Mount::at(
        PREFIX,
        router.with_state(harness).merge(document),
        error::envelope,
    )
    .judging()
}

/// Every route under the prefix, as the document has them.
pub fn every_route() -> Vec<Route> {
    let registered = register(Operations::to_describe()).document();
    let mut routes = document::table().routes().to_vec();
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

/// The document, put together anew. It is the one in the repository, which is served; a test holds them against each other.
pub fn document() -> serde_json::Value {
    document::whole(&register(Operations::to_describe()).document())
}
