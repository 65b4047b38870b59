//! The registration of operations: where each is served, and, for whoever asks, what it is. One call does both, so they cannot differ; the
//! server keeps the first only, since the document of all of them takes some MB to put together.

use super::{App, PREFIX, document};
use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::UtoipaMethodRouter;

/// What has been registered so far.
pub(super) struct Operations {
    router: Router<App>,
    document: Option<OpenApi>,
}

impl Operations {
    /// For a server.
    pub(super) fn to_serve() -> Self {
        Self {
            router: Router::new(),
            document: None,
        }
    }

    /// For their document.
    pub(super) fn to_describe() -> Self {
        Self {
            router: Router::new(),
            document: Some(document::frame()),
        }
    }

    /// Takes in the operations of one path.
    ///
    /// # Panics
    /// While they are described, when two types have one name: then one would be described as the other.
    pub(super) fn routes(mut self, (schemas, paths, methods): UtoipaMethodRouter<App>) -> Self {
        for (path, item) in paths.paths {
            let path = format!("{PREFIX}{}", path.trim_end_matches('/'));
            self.router = self.router.route(&path, methods.clone());
            if let Some(document) = &mut self.document {
                match document.paths.paths.get_mut(&path) {
                    Some(known) => known.merge_operations(item),
                    None => _ = document.paths.paths.insert(path, item),
                }
            }
        }
        if let Some(document) = &mut self.document {
            let components = document.components.get_or_insert_default();
            for (name, schema) in schemas {
                let known = components.schemas.insert(name.clone(), schema.clone());
                let is_same = known.is_none_or(|known| known == schema);
                assert!(is_same, "two types of the API are called {name}");
            }
        }
        self
    }

    /// Takes in those of a module.
    pub(super) fn with(self, routes: impl FnOnce(Self) -> Self) -> Self {
        routes(self)
    }

    /// What serves them.
    pub(super) fn router(self) -> Router<App> {
        self.router
    }

    /// What describes them, without what all have in common; empty unless it was asked for.
    pub(super) fn document(self) -> OpenApi {
        self.document.unwrap_or_else(document::frame)
    }
}
