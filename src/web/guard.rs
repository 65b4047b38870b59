//! Stands in front of every route, the unknown ones included: Host first, then what changes something, then who is
//! asking. Also puts the security headers on every answer, and the proof that it is ours on those to a browser session. It
//! never looks into a body and knows no route but the few that are open and the tool server's.

mod answer;

use super::error::{self, ApiError};
use super::listen::Peer;
use super::mount::{Envelopes, Mount, enveloped};
use super::pages;
use crate::access::{Access, Address, Caller, Lease, Via};
use crate::domain::language::Language;
use crate::domain::sentence::say;
use answer::{Policies, Proof, Wanted};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST,
    HeaderName, ORIGIN, UPGRADE,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument as _, debug_span};

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
    envelopes: Envelopes,
}

/// Puts the guard in front of `mounts`. What comes out answers every path. The page may show terminals from `terminal_ports`.
pub fn protect(
    mounts: impl IntoIterator<Item = Mount>,
    access: Arc<Access>,
    terminal_ports: &[u16],
) -> Router {
    let (routes, envelopes) = Envelopes::of(mounts);
    let rules = Arc::new(Rules {
        access,
        policies: Policies::new(terminal_ports),
        envelopes,
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
    let mut wanted = Wanted::of(&request);
    let admitted = check_address(access, &request).and_then(|()| {
        wanted.proof = Proof::wanted(access, &request);
        admit(access, &mut request)
    });
    let envelope = rules.envelopes.at(request.uri().path());
    let span = debug_span!("request", method = %request.method(), path = request.uri().path());
    let language = accepted_language(request.headers());
    let response = match admitted {
        Ok(()) if upgrades(&request) => {
            let lease = request.extensions().get::<Lease>().cloned();
            let mut response = next.run(request).instrument(span).await;
            // What comes of it ends with the credential.
            lease.map(|lease| response.extensions_mut().insert(lease));
            response
        }
        Ok(()) => next.run(request).instrument(span).await,
        Err(refused) => {
            if refused.tell {
                access.refused(&refused.error.message, request.uri().path());
            }
            refused.error.into_response()
        }
    };
    let mut response = enveloped(response, envelope, language);
    wanted.set_headers(&mut response, &rules.policies);
    response
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
    let (caller, lease) = if let Some(Peer::Socket { pid, .. }) = peer {
        (socket_caller(access, request, pid)?, access.command_line())
    } else {
        match credential(access, request)? {
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
    if !on_socket && request.uri().path().starts_with(TOOL_ROUTES) {
        return Err(ApiError::not_found("unknown_path", say!("refusal.tool_route")).into());
    }
    if changes && matches!(caller, Caller::Reader { .. }) {
        return Err(ApiError::forbidden("read_only_token", say!("refusal.read_only_token")).into());
    }
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(lease);
    Ok(())
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
        return refuse("content_encoding", say!("refusal.content_encoding"));
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

/// The process at the other end runs as our own user (`listen` has checked): the command line, or the tool server,
/// which names the thread it speaks for and gives up the person's rights by it.
fn socket_caller(access: &Access, request: &Request, pid: Option<u32>) -> Result<Caller, ApiError> {
    let thread = request.headers().get(THREAD_HEADER);
    let tool_route = request.uri().path().starts_with(TOOL_ROUTES);
    match thread {
        None if tool_route => Err(ApiError::unauthorized(
            "no_thread",
            say!("refusal.no_thread"),
        )),
        None => Ok(Caller::Person {
            via: Via::CommandLine,
        }),
        Some(_) => {
            let thread_id = single(request.headers(), &THREAD_HEADER)
                .filter(|id| !id.is_empty() && id.len() <= 128)
                .ok_or_else(|| ApiError::invalid("thread_header", say!("refusal.bad_thread")))?;
            // Anybody can name a thread, and gives up the person's rights by it; only Codex starts the tool server that speaks for it.
            if tool_route && !access.may_speak_for_threads(pid) {
                return Err(ApiError::forbidden(
                    "not_the_tool_server",
                    say!("refusal.foreign_tools"),
                ));
            }
            Ok(Caller::Agent {
                thread_id: thread_id.to_owned(),
            })
        }
    }
}

/// Who shows what. `Ok(None)` means that nothing was shown.
fn credential(access: &Access, request: &Request) -> Result<Option<(Caller, Lease)>, ApiError> {
    let headers = request.headers();
    let session = headers.contains_key(SESSION_HEADER);
    let bearer = headers.contains_key(AUTHORIZATION);
    let browser = headers
        .keys()
        .any(|name| name.as_str().starts_with("sec-fetch-"));
    let needs_origin = changes(request) || (upgrades(request) && (session || bearer));
    if needs_origin && !headers.contains_key(ORIGIN) && (!bearer || browser) {
        return Err(ApiError::forbidden(
            "origin_missing",
            say!("refusal.no_origin"),
        ));
    }
    let grant = match (session, bearer) {
        (false, false) => return Ok(None),
        (true, true) => {
            return Err(ApiError::invalid(
                "two_credentials",
                say!("refusal.two_credentials"),
            ));
        }
        (true, false) => single(headers, &SESSION_HEADER)
            .and_then(|secret| access.check_session(secret))
            .ok_or_else(|| {
                ApiError::unauthorized("session_unknown", say!("refusal.session_invalid"))
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
                ApiError::unauthorized("token_unknown", say!("refusal.token_invalid"))
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
