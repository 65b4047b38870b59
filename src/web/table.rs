//! A router that can be listed: axum keeps its routes to itself, and a test goes through all of them with every credential.

use axum::Router;
use axum::handler::Handler;
use axum::routing;
use std::borrow::Cow;

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// `GET`, which answers `HEAD` as well, or one that changes something.
    pub method: &'static str,
    /// As axum writes it.
    pub path: Cow<'static, str>,
}

/// Routes that need the state `S`.
pub struct Table<S = ()> {
    router: Router<S>,
    routes: Vec<Route>,
}

impl<S: Clone + Send + Sync + 'static> Table<S> {
    /// None yet.
    pub fn new() -> Self {
        Self {
            router: Router::new(),
            routes: Vec::new(),
        }
    }

    /// Looks.
    pub fn get<H: Handler<T, S>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.with("GET", path, routing::get(handler))
    }

    /// Changes something.
    pub fn post<H: Handler<T, S>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.with("POST", path, routing::post(handler))
    }

    fn with(
        mut self,
        method: &'static str,
        path: &'static str,
        handler: routing::MethodRouter<S>,
    ) -> Self {
        self.routes.push(Route {
            method,
            path: path.into(),
        });
        self.router = self.router.route(path, handler);
        self
    }

    /// Both tables.
    pub fn merge(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        self.router = self.router.merge(other.router);
        self
    }

    /// The router with its state.
    pub fn serve(self, state: S) -> Router {
        self.router.with_state(state)
    }

    /// What is in it.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Table<S> {
    fn default() -> Self {
        Self::new()
    }
}
