//! Stands in front of every route, the unknown ones included: Host first, then what changes something, then who is
//! asking. Also puts the security headers on every answer, its id in the log, and the proof that it is ours on those to a browser
//! session. It never looks into a body and knows no route but the few that are open and the tool server's.
//!
//! - `credential`: who shows what; `answer`: what every answer carries

mod answer;
mod credential;

use super::error::{self, ApiError};
use super::listen::Peer;
use super::mount::{Manner, Manners, Mount, enveloped};
use super::pages;
use super::role::Acting;
use crate::access::{Access, Address, Caller, Lease};
use crate::domain::language::Language;
use crate::domain::sentence::say;
use answer::{Policies, Proof, Wanted};
use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, ORIGIN,
    UPGRADE,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument as _, debug_span, info, warn};
use uuid::Uuid;

/// Carries the secret of a browser session.
pub const SESSION_HEADER: HeaderName = HeaderName::from_static("x-zhongshu-session");

/// Carries the Codex thread for which the tool server speaks; only on the unix socket.
pub const THREAD_HEADER: HeaderName = HeaderName::from_static("x-zhongshu-thread");

/// The routes of the tool server; they do not exist outside of the unix socket.
pub const TOOL_ROUTES: &str = "/mcp/";

/// What holds for every request.
struct Rules {
    access: Arc<Access>,
    policies: Policies,
    manners: Manners,
}

/// Puts the guard in front of `mounts`. What comes out answers every path. The page may show terminals from `terminal_ports`.
pub fn protect(
    mounts: impl IntoIterator<Item = Mount>,
    access: Arc<Access>,
    terminal_ports: &[u16],
) -> Router {
    let (routes, manners) = Manners::of(mounts);
    let rules = Arc::new(Rules {
        access,
        policies: Policies::new(terminal_ports),
        manners,
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
    let path = request.uri().path().to_owned();
    let id = Uuid::now_v7().simple().to_string();
    let span = debug_span!("request", id, method = %request.method(), path);
    let manner = rules.manners.at(&path);
    let mut wanted = Wanted::of(&request, id.clone());
    let admitted = check_address(access, &request).and_then(|()| {
        wanted.proof = Proof::wanted(access, &request);
        admit(access, manner, &mut request)
    });
    let caller = request.extensions().get::<Caller>().cloned();
    let language = accepted_language(request.headers());
    let (response, tell) = match admitted {
        Ok(()) => {
            let lease = request.extensions().get::<Lease>().cloned();
            let lease = lease.filter(|_| upgrades(&request));
            let mut response = next.run(request).instrument(span.clone()).await;
            // What comes of it ends with the credential.
            lease.map(|lease| response.extensions_mut().insert(lease));
            // The person may try what they like; what others try beyond their rights is an attempt.
            let others = caller.as_ref().is_some_and(|caller| !caller.is_person());
            let tell = others && response.status() == StatusCode::FORBIDDEN;
            (response, tell)
        }
        Err(refused) => (refused.error.into_response(), refused.tell),
    };
    let response = error::normalise(response);
    if let Some(error) = response.extensions().get::<ApiError>() {
        if tell {
            access.refused(caller.map(|it| it.actor()), &error.message, &path);
        }
        span.in_scope(|| log(error, &id, &path));
    }
    let mut response = enveloped(response, manner.envelope, language);
    wanted.set_headers(&mut response, &rules.policies);
    response
}

/// Leaves a line by which the id that an answer carries is found again, also where the log holds no spans.
fn log(error: &ApiError, id: &str, path: &str) {
    let (status, code) = (error.status.as_u16(), error.code);
    match error.status.is_server_error() {
        true => warn!(id, path, status, code, "a request failed"),
        false => info!(id, path, status, code, "a request was refused"),
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
    matches!(
        request.extensions().get::<Peer>(),
        Some(Peer::Socket { .. })
    )
}

/// Whether a request may change something.
fn changes(request: &Request) -> bool {
    !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    )
}

/// Whether a request asks for another protocol. It may look, but what is said afterwards comes with no Origin to check.
fn upgrades(request: &Request) -> bool {
    request.headers().contains_key(UPGRADE)
}

/// The language of a no: what the request asks for. What the person prefers is the page's to say, since programs ask as well.
fn accepted_language(headers: &HeaderMap) -> Language {
    let accepted = headers.get(ACCEPT_LANGUAGE);
    pages::language(None, None, accepted.and_then(|it| it.to_str().ok()))
}

/// Decides whether a request came to the right address, from a page of ours if from any.
fn check_address(access: &Access, request: &Request) -> Result<(), Refused> {
    if is_on_socket(request) {
        return Ok(());
    }
    check_target(request)?;
    check_host(request.headers(), access.address())?;
    check_origin(request.headers(), changes(request) || upgrades(request))?;
    check_fetch_site(request)?;
    Ok(())
}

/// Decides whether a request gets in, and as whom. Who it is stays with the request also when it is refused.
fn admit(access: &Access, manner: Manner, request: &mut Request) -> Result<(), Refused> {
    let peer = request.extensions().get::<Peer>().cloned();
    let on_socket = is_on_socket(request);
    let changes = changes(request);
    if changes {
        let is_script = on_socket || credential::is_bearer(request.headers(), manner);
        check_content(request, is_script)?;
    }
    check_length(request.headers()).map_err(quiet)?;
    let (caller, lease) = if let Some(Peer::Socket { pid, .. }) = peer {
        let caller = credential::on_socket(access, request, pid)?;
        (caller, access.command_line())
    } else {
        match credential::shown(access, manner, request)? {
            Some((caller, lease)) => {
                if let Some(Peer::Loopback { seat, .. }) = &peer {
                    seat.belongs_to(&lease.holder);
                }
                (caller, lease)
            }
            None if is_open(request) => return Ok(()),
            None => return Err(quiet(ApiError::no_credential())),
        }
    };
    if let Caller::Extension { session_id, .. } = &caller {
        check_pass(session_id, request)?;
    }
    let extensions = request.extensions_mut();
    extensions.insert(caller.clone());
    extensions.insert(lease.clone());
    if !on_socket && request.uri().path().starts_with(TOOL_ROUTES) {
        return Err(ApiError::not_found("unknown_path", say!("refusal.tool_route")).into());
    }
    if manner.judges {
        let acting = Acting::of(caller, lease, request.headers())?;
        request.extensions_mut().insert(acting);
    } else if changes {
        check_changes(&caller)?;
    }
    Ok(())
}

/// What an extension may read: the session of its event, with its transcript, settings and controls.
fn check_pass(session_id: &str, request: &Request) -> Result<(), ApiError> {
    let path = request.uri().path().strip_prefix(super::harness::PREFIX);
    let rest = path
        .and_then(|it| it.strip_prefix("/sessions/"))
        .and_then(|it| it.strip_prefix(session_id));
    let is_its_own = matches!(rest, Some("" | "/settings" | "/session-controls"));
    match is_its_own && request.method() == Method::GET {
        true => Ok(()),
        false => Err(ApiError::forbidden(
            "outside_event",
            say!("refusal.outside_event"),
        )),
    }
}

/// Whose tokens change nothing here, whatever a route thinks.
fn check_changes(caller: &Caller) -> Result<(), ApiError> {
    match caller {
        Caller::Reader { .. } => Err(ApiError::forbidden(
            "read_only_token",
            say!("refusal.read_only_token"),
        )),
        Caller::Harness { .. } => Err(ApiError::forbidden(
            "harness_only_token",
            say!("refusal.harness_only_token"),
        )),
        // The guard has let it read one session of another mount.
        Caller::Extension { .. } => Err(ApiError::forbidden(
            "outside_event",
            say!("refusal.outside_event"),
        )),
        Caller::Person { .. } | Caller::Agent { .. } => Ok(()),
    }
}

/// Only `GET /path HTTP/1.1` is what a browser or a script of ours sends to an origin server.
fn check_target(request: &Request) -> Result<(), ApiError> {
    let uri = request.uri();
    if uri.scheme().is_some() || uri.authority().is_some() || request.method() == Method::CONNECT {
        return Err(ApiError::invalid(
            "request_target",
            say!("refusal.request_target"),
        ));
    }
    Ok(())
}

fn check_host(headers: &HeaderMap, address: &Address) -> Result<(), ApiError> {
    let Some(host) = single(headers, &HOST) else {
        return Err(ApiError::invalid(
            "host_header",
            say!("refusal.host_header"),
        ));
    };
    if !address.is_ours(host) {
        return Err(ApiError::forbidden(
            "foreign_host",
            say!("refusal.foreign_host", url = address.url()),
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
            say!("refusal.foreign_origin.change")
        } else {
            say!("refusal.foreign_origin.read")
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
        say!("refusal.foreign_site"),
    ))
}

/// The rules for everything that may change something. A script may say nothing at all: no page of
/// another site can send its credential, so no form is mistaken for it.
fn check_content(request: &Request, is_script: bool) -> Result<(), ApiError> {
    let headers = request.headers();
    let refuse = |code, message| {
        Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code,
            message,
        ))
    };
    if headers.contains_key(CONTENT_ENCODING) {
        return refuse("content_encoding", say!("refusal.content_encoding"));
    }
    if is_script && !headers.contains_key(CONTENT_TYPE) && request.body().is_end_stream() {
        return Ok(());
    }
    let kind = single(headers, &CONTENT_TYPE).unwrap_or_default();
    let (kind, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let parameters = parameters.trim();
    let utf8 = parameters.is_empty() || parameters.eq_ignore_ascii_case("charset=utf-8");
    if !kind.trim().eq_ignore_ascii_case("application/json") || !utf8 {
        return refuse("content_type", say!("refusal.content_type_empty"));
    }
    Ok(())
}

/// A body that announces too much is refused before it is read.
fn check_length(headers: &HeaderMap) -> Result<(), ApiError> {
    let announced = single(headers, &CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > super::MAX_BODY_BYTES as u64) {
        return Err(ApiError::too_large());
    }
    Ok(())
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
