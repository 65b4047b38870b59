//! An API of its own under a prefix of its own: its routes, and how a no looks there. Handlers and the guard only say what is
//! wrong; the mount that a request came to words it.

use super::error::{self, ApiError};
use crate::domain::language::Language;
use axum::Router;
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::Response;

/// The body of a no, as JSON.
pub type Envelope = fn(&ApiError) -> Vec<u8>;

/// How requests to a mount are met.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    pub(super) envelope: Envelope,
    /// Whether its own routes say which role changes what. Elsewhere only the person changes anything.
    pub(super) judges: bool,
}

/// Routes whose refusals look alike.
pub struct Mount {
    prefix: &'static str,
    routes: Router,
    manner: Manner,
}

impl Mount {
    /// The launcher's own: everything that is under no other prefix.
    pub fn root(routes: Router) -> Self {
        Self::at("", routes, error::envelope)
    }

    /// Whatever is at `prefix`, as in `/other`, and below it. `routes` carry their whole paths.
    pub fn at(prefix: &'static str, routes: Router, envelope: Envelope) -> Self {
        let manner = Manner {
            envelope,
            judges: false,
        };
        Self {
            prefix,
            routes,
            manner,
        }
    }

    /// Its routes say by the extractors of `role` who may do what. The guard still decides who somebody is, and lets no agent in; it knows
    /// the headers that take rights away and the other place for a token.
    #[must_use]
    pub fn judging(mut self) -> Self {
        self.manner.judges = true;
        self
    }
}

/// The manner of every path.
pub(super) struct Manners(Vec<(&'static str, Manner)>);

impl Manners {
    /// Takes the mounts apart: all routes, and how requests are met where.
    pub(super) fn of(mounts: impl IntoIterator<Item = Mount>) -> (Router, Self) {
        let mut all = Router::new();
        let mut manners = Vec::new();
        for mount in mounts {
            all = all.merge(mount.routes);
            manners.push((mount.prefix, mount.manner));
        }
        (all, Self(manners))
    }

    /// The one of the longest prefix that the path is under.
    pub(super) fn at(&self, path: &str) -> Manner {
        let under = |prefix: &str| {
            let rest = path.strip_prefix(prefix);
            rest.is_some_and(|rest| prefix.is_empty() || rest.is_empty() || rest.starts_with('/'))
        };
        let mounts = self.0.iter().filter(|(prefix, _)| under(prefix));
        let closest = mounts.max_by_key(|(prefix, _)| prefix.len());
        let unmounted = Manner {
            envelope: error::envelope,
            judges: false,
        };
        closest.map_or(unmounted, |(_, manner)| *manner)
    }
}

/// An answer as its mount has it: a no gets the envelope and the language, everything else stays.
pub(super) fn enveloped(
    mut response: Response,
    envelope: Envelope,
    language: Language,
) -> Response {
    let Some(error) = response.extensions_mut().remove::<ApiError>() else {
        return response;
    };
    *response.body_mut() = Body::from(envelope(&error.in_language(language)));
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_the_closest_mount() {
        fn other(_: &ApiError) -> Vec<u8> {
            b"other".to_vec()
        }
        let mounts = [
            Mount::root(Router::new()),
            Mount::at("/other", Router::new(), other).judging(),
        ];
        let (_, manners) = Manners::of(mounts);
        let error = ApiError::internal();
        for path in ["/other", "/other/", "/other/a/b"] {
            let manner = manners.at(path);
            assert_eq!((manner.envelope)(&error), b"other", "{path}");
            assert!(manner.judges, "{path}");
        }
        for path in [
            "",
            "*",
            "/",
            "/others",
            "/api/other",
            "other",
            "//other",
            "/%6fther",
        ] {
            let manner = manners.at(path);
            assert_ne!((manner.envelope)(&error), b"other", "{path}");
            assert!(!manner.judges, "{path}");
        }
    }
}
