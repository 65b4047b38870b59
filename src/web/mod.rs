//! The HTTP side: who may knock (`guard`, `caller`, `role`), where (`listen`), what is read (`body`), how yes and no
//! look (`success`, `error`), event streams (`events`, `session_frames`), getting in (`login`), and what is served (`api`, `views`).
//!
//! It turns requests into calls and results into JSON. It never decides what the flow allows; `domain` does.

pub mod api;
pub mod app;
pub mod assets;
pub mod attention;
pub mod body;
pub mod caller;
pub mod error;
pub mod events;
pub mod guard;
pub mod harness;
pub mod listen;
pub mod login;
pub mod mount;
pub mod pages;
pub mod paging;
pub mod preferences;
pub mod role;
pub mod session_frames;
pub mod success;
pub mod table;
pub mod ui;
pub mod views;

use crate::access::Access;
use crate::core::Ledger;
use app::App;
use mount::Mount;
use std::sync::Arc;
use table::{Route, Table};

/// Everything that is served. The guard stands in front of all of it.
pub fn routes(app: App, access: Arc<Access>, ledger: Ledger) -> Mount {
    let parts = Parts::new();
    let routes = parts.app.serve(app);
    Mount::root(
        routes
            .merge(parts.login.serve(access))
            .merge(parts.events.serve(ledger))
            .merge(parts.open.serve(())),
    )
}

/// Every route that is served, of all mounts.
pub fn every_route() -> Vec<Route> {
    let parts = Parts::new();
    [
        parts.app.routes(),
        parts.login.routes(),
        parts.events.routes(),
        parts.open.routes(),
        &harness::every_route(),
    ]
    .concat()
}

/// All tables, each before it has what it needs.
struct Parts {
    app: Table<App>,
    login: Table<Arc<Access>>,
    events: Table<Ledger>,
    open: Table,
}

impl Parts {
    fn new() -> Self {
        Self {
            app: api::table().merge(ui::table()),
            login: login::table(),
            events: events::table(),
            open: Table::new().get("/healthz", || async { success::DONE }),
        }
    }
}

/// The largest body. A plan with everything it may hold is below a quarter of it; ten times as much would let a few
/// requests take a lot of memory.
pub const MAX_BODY_BYTES: usize = 1 << 20;
