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

/// Routes whose refusals look alike.
pub struct Mount {
    prefix: &'static str,
    routes: Router,
    envelope: Envelope,
}

impl Mount {
    /// The launcher's own: everything that is under no other prefix.
    pub fn root(routes: Router) -> Self {
        Self::at("", routes, error::envelope)
    }

    /// Whatever is at `prefix`, as in `/other`, and below it. `routes` carry their whole paths.
    pub fn at(prefix: &'static str, routes: Router, envelope: Envelope) -> Self {
        Self {
            prefix,
            routes,
            envelope,
        }
    }
}

/// The envelope of every path.
pub(super) struct Envelopes(Vec<(&'static str, Envelope)>);

impl Envelopes {
    /// Takes the mounts apart: all routes, and how a no looks where.
    pub(super) fn of(mounts: impl IntoIterator<Item = Mount>) -> (Router, Self) {
        let mut all = Router::new();
        let mut envelopes = Vec::new();
        for mount in mounts {
            all = all.merge(mount.routes);
            envelopes.push((mount.prefix, mount.envelope));
        }
        (all, Self(envelopes))
    }

    /// The one of the longest prefix that the path is under.
    pub(super) fn at(&self, path: &str) -> Envelope {
        let under = |prefix: &str| {
            let rest = path.strip_prefix(prefix);
            rest.is_some_and(|rest| prefix.is_empty() || rest.is_empty() || rest.starts_with('/'))
        };
        let mounts = self.0.iter().filter(|(prefix, _)| under(prefix));
        let closest = mounts.max_by_key(|(prefix, _)| prefix.len());
        closest.map_or(error::envelope, |(_, envelope)| *envelope)
    }
}

/// An answer as its mount has it: a no gets the envelope and the language, whoever said it; everything else stays.
pub(super) fn enveloped(response: Response, envelope: Envelope, language: Language) -> Response {
    let mut response = error::normalise(response);
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
            Mount::at("/other", Router::new(), other),
        ];
        let (_, envelopes) = Envelopes::of(mounts);
        let error = ApiError::internal();
        for path in ["/other", "/other/", "/other/a/b"] {
            assert_eq!(envelopes.at(path)(&error), b"other", "{path}");
        }
        for path in ["", "*", "/", "/others", "/api/other", "other"] {
            assert_ne!(envelopes.at(path)(&error), b"other", "{path}");
        }
    }
}
