//! Stands in front of every route, the unknown ones included: Host first, then what changes something, then who is
//! asking. Also puts the security headers on every answer, and the proof that it is ours on those to a browser session. It
//! never looks into a body and knows no route but the few that are open and the tool server's.

use super::error::{self, ApiError};
use super::listen::Peer;
use crate::access::{Access, Address, Caller, Lease, ProofKey, Via};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, HOST, HeaderName, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

/// Carries the secret of a browser session.
pub const SESSION_HEADER: HeaderName = HeaderName::from_static("x-zhongshu-session");

/// Carries what a browser session wants proven, and the proof (see `access::proof`).
pub const CHALLENGE_HEADER: HeaderName = HeaderName::from_static("x-zhongshu-challenge");
/// The answer to [`CHALLENGE_HEADER`].
pub const PROOF_HEADER: HeaderName = HeaderName::from_static("x-zhongshu-proof");

/// Carries the Codex thread for which the tool server speaks; only on the unix socket.
pub const THREAD_HEADER: HeaderName = HeaderName::from_static("x-zhongshu-thread");

/// The routes of the tool server; they do not exist outside of the unix socket.
pub const TOOL_ROUTES: &str = "/mcp/";

/// What holds for every request.
struct Rules {
    access: Arc<Access>,
    content_policy: HeaderValue,
}

/// The content security policy of every answer: own scripts and styles only, no inline script, style or form target at all, and
/// in frames the terminals' ports alone. Never ours: who takes our port when we are gone must not be framed by an open page.
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
         connect-src 'self'; frame-src{frames}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    );
    HeaderValue::from_str(&policy).expect("it is plain text")
}

/// Puts the guard in front of `routes`. What comes out answers every path. The page may show terminals from `terminal_ports`.
pub fn protect(routes: Router, access: Arc<Access>, terminal_ports: &[u16]) -> Router {
    let rules = Arc::new(Rules {
        access,
        content_policy: content_policy(terminal_ports),
    });
    let inner = routes
        .fallback(error::unknown_path)
        .layer(CatchPanicLayer::custom(error::panicked));
    // As one service behind one fallback: no route can be added past the guard.
    Router::new()
        .fallback_service(inner)
        .layer(middleware::from_fn_with_state(rules, guard))
}

async fn guard(State(rules): State<Arc<Rules>>, mut request: Request, next: Next) -> Response {
    let access = &rules.access;
    let worker = asks_for_worker(&request);
    let mut proof = None;
    let admitted = check_address(access, &request).and_then(|()| {
        proof = Proof::wanted(access, &request);
        admit(access, &mut request)
    });
    let mut response = match admitted {
        Ok(()) => error::normalise(next.run(request).await),
        Err(refused) => {
            if refused.tell {
                access.refused(&refused.error.message, request.uri().path());
            }
            refused.error.into_response()
        }
    };
    let status = response.status();
    let headers = response.headers_mut();
    set_headers(headers);
    headers.insert(CONTENT_SECURITY_POLICY, rules.content_policy.clone());
    if worker {
        // We have none. One that was left here by whoever had this origin before goes, with all it kept.
        headers.insert("clear-site-data", HeaderValue::from_static("\"*\""));
    }
    if let Some(proof) = proof.and_then(|proof| proof.of(status)) {
        headers.insert(PROOF_HEADER, proof);
    }
    response
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
struct Proof {
    key: ProofKey,
    challenge: String,
    method: Method,
    target: String,
}

impl Proof {
    fn wanted(access: &Access, request: &Request) -> Option<Self> {
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

struct Refused {
    error: ApiError,
    /// Whether it looks like an attempt: the journal should know.
    tell: bool,
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self { error, tell: true }
    }
}

fn quiet(error: ApiError) -> Refused {
    Refused { error, tell: false }
}

fn is_on_socket(request: &Request) -> bool {
    matches!(request.extensions().get::<Peer>(), Some(Peer::Socket))
}

/// Whether a request may change something.
fn changes(request: &Request) -> bool {
    !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    )
}

/// Decides whether a request came to the right address, from a page of ours if from any.
fn check_address(access: &Access, request: &Request) -> Result<(), Refused> {
    if is_on_socket(request) {
        return Ok(());
    }
    check_target(request)?;
    check_host(request.headers(), access.address())?;
    check_origin(request.headers(), changes(request))?;
    check_fetch_site(request)?;
    Ok(())
}

/// Decides whether a request gets in, and as whom.
fn admit(access: &Access, request: &mut Request) -> Result<(), Refused> {
    let peer = request.extensions().get::<Peer>().cloned();
    let on_socket = is_on_socket(request);
    let changes = changes(request);
    let headers = request.headers();
    if changes {
        check_content(headers)?;
    }
    check_length(headers).map_err(quiet)?;
    let (caller, lease) = if on_socket {
        (socket_caller(request)?, access.closing().clone())
    } else {
        match credential(access, headers, changes)? {
            Some(grant) => {
                if let Some(Peer::Loopback { trusted, .. }) = &peer {
                    trusted.trust();
                }
                (grant.0, grant.1)
            }
            None if is_open(request) => return Ok(()),
            None => return Err(quiet(ApiError::no_credential())),
        }
    };
    if !on_socket && request.uri().path().starts_with(TOOL_ROUTES) {
        return Err(ApiError::not_found(
            "unknown_path",
            "the tool server's routes exist only on the unix socket",
        )
        .into());
    }
    if changes && matches!(caller, Caller::Reader { .. }) {
        return Err(ApiError::forbidden(
            "read_only_token",
            "this token may only look; changing something needs a token of scope `human`",
        )
        .into());
    }
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(Lease(lease));
    Ok(())
}

/// Only `GET /path HTTP/1.1` is what a browser or a script of ours sends to an origin server.
fn check_target(request: &Request) -> Result<(), ApiError> {
    let uri = request.uri();
    if uri.scheme().is_some() || uri.authority().is_some() || request.method() == Method::CONNECT {
        return Err(ApiError::invalid(
            "request_target",
            "the request line must hold a path only; zhongshu is no proxy",
        ));
    }
    Ok(())
}

fn check_host(headers: &HeaderMap, address: &Address) -> Result<(), ApiError> {
    let Some(host) = single(headers, &HOST) else {
        return Err(ApiError::invalid(
            "host_header",
            "the request needs exactly one Host header",
        ));
    };
    if !address.is_ours(host) {
        return Err(ApiError::forbidden(
            "foreign_host",
            format!("the Host header is not ours; use {}", address.url()),
        ));
    }
    Ok(())
}

/// An Origin that is there must be the one of the page that we serve under this very Host. Its absence is judged with
/// the credential.
fn check_origin(headers: &HeaderMap, changes: bool) -> Result<(), ApiError> {
    if headers.get(ORIGIN).is_none() {
        return Ok(());
    }
    let host = single(headers, &HOST)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let ours = single(headers, &ORIGIN)
        .is_some_and(|origin| origin.strip_prefix("http://") == Some(host.as_str()));
    if ours {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "foreign_origin",
        if changes {
            "only our own page may change something; open the dashboard itself"
        } else {
            "only our own page may read this; open the dashboard itself"
        },
    ))
}

/// What the browser says about where a request comes from is only ever used to deny.
fn check_fetch_site(request: &Request) -> Result<(), ApiError> {
    let Some(site) = request.headers().get("sec-fetch-site") else {
        return Ok(());
    };
    let opens_page = request.method() == Method::GET && request.uri().path() == "/";
    if opens_page || site == "same-origin" || site == "none" {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "foreign_site",
        "another site's page asked for this; open the dashboard itself",
    ))
}

/// The rules for everything that may change something.
fn check_content(headers: &HeaderMap) -> Result<(), ApiError> {
    let refuse = |code, message| {
        Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code,
            message,
        ))
    };
    if headers.contains_key(CONTENT_ENCODING) {
        return refuse(
            "content_encoding",
            "compressed bodies are not taken; send plain JSON",
        );
    }
    let kind = single(headers, &CONTENT_TYPE).unwrap_or_default();
    let (kind, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let parameters = parameters.trim();
    let utf8 = parameters.is_empty() || parameters.eq_ignore_ascii_case("charset=utf-8");
    if !kind.trim().eq_ignore_ascii_case("application/json") || !utf8 {
        return refuse(
            "content_type",
            "the body must be JSON; send `Content-Type: application/json` (and `{}` when there is nothing to say)",
        );
    }
    Ok(())
}

/// A body that announces too much is refused before it is read.
fn check_length(headers: &HeaderMap) -> Result<(), ApiError> {
    let announced = single(headers, &CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > super::body::MAX_BODY_BYTES as u64) {
        return Err(ApiError::too_large());
    }
    Ok(())
}

/// The process at the other end runs as our own user (`listen` has checked): the command line, or the tool server,
/// which names the thread it speaks for and gives up the person's rights by it.
fn socket_caller(request: &Request) -> Result<Caller, ApiError> {
    let thread = request.headers().get(THREAD_HEADER);
    let tool_route = request.uri().path().starts_with(TOOL_ROUTES);
    match thread {
        None if tool_route => Err(ApiError::unauthorized(
            "no_thread",
            "the tool server must name its thread in `x-zhongshu-thread`",
        )),
        None => Ok(Caller::Person {
            via: Via::CommandLine,
        }),
        Some(_) => {
            let thread_id = single(request.headers(), &THREAD_HEADER)
                .filter(|id| !id.is_empty() && id.len() <= 128)
                .ok_or_else(|| {
                    ApiError::invalid("thread_header", "`x-zhongshu-thread` is not a thread id")
                })?;
            Ok(Caller::Agent {
                thread_id: thread_id.to_owned(),
            })
        }
    }
}

/// Who shows what. `Ok(None)` means that nothing was shown.
fn credential(
    access: &Access,
    headers: &HeaderMap,
    changes: bool,
) -> Result<Option<(Caller, CancellationToken)>, ApiError> {
    let session = headers.contains_key(SESSION_HEADER);
    let bearer = headers.contains_key(AUTHORIZATION);
    let browser = headers
        .keys()
        .any(|name| name.as_str().starts_with("sec-fetch-"));
    if changes && !headers.contains_key(ORIGIN) && (!bearer || browser) {
        return Err(ApiError::forbidden(
            "origin_missing",
            "a request that changes something needs an Origin header, or, outside of a browser, a bearer token",
        ));
    }
    let grant = match (session, bearer) {
        (false, false) => return Ok(None),
        (true, true) => {
            return Err(ApiError::invalid(
                "two_credentials",
                "send a session or a bearer token, not both",
            ));
        }
        (true, false) => single(headers, &SESSION_HEADER)
            .and_then(|secret| access.check_session(secret))
            .ok_or_else(|| {
                ApiError::unauthorized(
                    "session_unknown",
                    "this login is not valid any more (zhongshu was restarted, or it was logged out); \
                     run `zhongshu open` for a new link",
                )
            })?,
        (false, true) => {
            let token = single(headers, &AUTHORIZATION).and_then(|value| {
                let (scheme, token) = value.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then_some(token)
            });
            let grant = match token {
                Some(token) => access.check_token(token)?,
                None => None,
            };
            grant.ok_or_else(|| {
                ApiError::unauthorized(
                    "token_unknown",
                    "this token is not valid; `zhongshu token list` shows the ones there are",
                )
            })?
        }
    };
    Ok(Some((grant.caller, grant.lease)))
}

/// What holds no data and is therefore open to whoever reaches the port.
fn is_open(request: &Request) -> bool {
    let path = request.uri().path();
    if path == "/api/login" {
        return request.method() == Method::POST;
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return false;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    path == "/"
        || path == "/healthz"
        || (path.starts_with("/assets/")
            && path.chars().all(plain)
            && !path.contains("..")
            && !path.contains("//"))
}

/// The value of a header that is there exactly once and is plain text.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
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
