//! The HTTP side: who may knock (`guard`, `caller`), where (`listen`), what is read (`body`), what is answered when
//! something is wrong (`error`), event streams (`events`), getting in (`login`), and what is served (`api`, `views`).
//!
//! It turns requests into calls and results into JSON. It never decides what the flow allows; `domain` does.

pub mod api;
pub mod app;
pub mod assets;
pub mod body;
pub mod caller;
pub mod error;
pub mod events;
pub mod guard;
pub mod listen;
pub mod login;
pub mod pages;
pub mod preferences;
pub mod ui;
pub mod views;

use crate::access::Access;
use crate::sessions::office::Ledger;
use app::App;
use axum::Router;
use axum::routing::get;
use std::sync::Arc;

/// Everything that is served. The guard stands in front of all of it.
pub fn routes(app: App, access: Arc<Access>, ledger: Ledger) -> Router {
    api::routes()
        .merge(ui::routes())
        .with_state(app)
        .merge(login::routes(access))
        .merge(events::routes(ledger))
        .route("/healthz", get(|| async { api::done() }))
}
