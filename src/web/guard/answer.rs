//! What every answer carries, whoever made it: the security headers, its id in the log, the end of workers that are not ours, and for a
//! browser session the proof that it is ours.

use super::{SESSION_HEADER, single};
use crate::access::{Access, ProofKey};
use crate::web::assets;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;

/// Carries what a browser session wants proven (see `access::proof`).
const CHALLENGE_HEADER: HeaderName = HeaderName::from_static("x-zhongshu-challenge");
/// Carries the proof.
const PROOF_HEADER: HeaderName = HeaderName::from_static("x-zhongshu-proof");

/// Carries the id by which the log names a request.
const REQUEST_HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The content security policies of our answers: own scripts and styles only, no inline script, style or form target at all. Only the
/// page shows frames, of the terminals' ports alone. Never of ours: who takes our port when we are gone must not be framed by an open page.
pub(super) struct Policies {
    /// Of the page, at `/`. It names every port that a terminal may have.
    page: HeaderValue,
    other: HeaderValue,
}

impl Policies {
    pub(super) fn new(terminal_ports: &[u16]) -> Self {
        Self {
            page: content_policy(terminal_ports),
            other: content_policy(&[]),
        }
    }
}

fn content_policy(terminal_ports: &[u16]) -> HeaderValue {
    let mut frames: String = terminal_ports
        .iter()
        .map(|port| format!(" http://127.0.0.1:{port}"))
        .collect();
    if frames.is_empty() {
        frames.push_str(" 'none'");
    }
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; worker-src 'self'; manifest-src 'self'; frame-src{frames}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    );
    HeaderValue::from_str(&policy).expect("it is plain text")
}

/// What a request wants of its answer's headers.
pub(super) struct Wanted {
    /// The proof, once the request has come to the right address.
    pub(super) proof: Option<Proof>,
    /// Whether somebody asks for a worker that is not ours.
    worker: bool,
    page: bool,
    /// The request's id in the log: letters and digits.
    id: String,
}

impl Wanted {
    pub(super) fn of(request: &Request, id: String) -> Self {
        Self {
            id,
            proof: None,
            worker: asks_for_worker(request) && !assets::is_worker(request.uri().path()),
            page: request.uri().path() == "/",
        }
    }

    pub(super) fn set_headers(self, response: &mut Response, policies: &Policies) {
        let status = response.status();
        let headers = response.headers_mut();
        set_headers(headers);
        let policy = match self.page {
            true => &policies.page,
            false => &policies.other,
        };
        headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
        if let Ok(id) = HeaderValue::from_str(&self.id) {
            headers.insert(REQUEST_HEADER, id);
        }
        if self.worker {
            // Ours has a name that nobody knew before. One that was left here by whoever had this origin before goes, with all it kept.
            headers.insert("clear-site-data", HeaderValue::from_static("\"*\""));
        }
        if let Some(proof) = self.proof.and_then(|proof| proof.of(status)) {
            headers.insert(PROOF_HEADER, proof);
        }
    }
}

/// Whether a browser asks whether a service worker's script is still the same.
fn asks_for_worker(request: &Request) -> bool {
    request.headers().contains_key("service-worker")
        || request
            .headers()
            .get("sec-fetch-dest")
            .is_some_and(|it| it == "serviceworker")
}

/// What a browser session wants to be shown before it believes an answer. It is taken before the request is carried out, since a
/// logout ends its session, and before anything is refused, since a refusal has to be believed as well.
pub(super) struct Proof {
    key: ProofKey,
    challenge: String,
    method: Method,
    target: String,
}

impl Proof {
    pub(super) fn wanted(access: &Access, request: &Request) -> Option<Self> {
        let headers = request.headers();
        let challenge = single(headers, &CHALLENGE_HEADER)?;
        let key = access.proof_key(single(headers, &SESSION_HEADER)?)?;
        Some(Self {
            key,
            challenge: challenge.to_owned(),
            method: request.method().clone(),
            target: request.uri().path_and_query()?.to_string(),
        })
    }

    fn of(&self, status: StatusCode) -> Option<HeaderValue> {
        let (method, target) = (self.method.as_str(), &self.target);
        let proof = self
            .key
            .answer(&self.challenge, method, target, status.as_u16())?;
        HeaderValue::from_str(&proof).ok()
    }
}

fn set_headers(headers: &mut HeaderMap) {
    let text = HeaderValue::from_static;
    headers.insert(X_CONTENT_TYPE_OPTIONS, text("nosniff"));
    headers.insert(REFERRER_POLICY, text("no-referrer"));
    headers.insert(CACHE_CONTROL, text("no-store"));
    headers.insert("cross-origin-opener-policy", text("same-origin"));
    headers.insert("cross-origin-resource-policy", text("same-origin"));
    // Nobody else's page may read us, whatever a handler or a layer thinks.
    let cors: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("access-control-"))
        .cloned()
        .collect();
    for name in cors {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_the_ports_of_terminals_are_framed_and_nothing_is_inline() {
        let policy = content_policy(&[20_001, 20_002]);
        let policy = policy.to_str().unwrap();
        assert!(
            policy.contains("frame-src http://127.0.0.1:20001 http://127.0.0.1:20002;"),
            "{policy}"
        );
        assert!(
            !policy.contains("unsafe") && !policy.contains('*'),
            "{policy}"
        );
        let none = content_policy(&[]);
        assert!(none.to_str().unwrap().contains("frame-src 'none';"));
    }
}
