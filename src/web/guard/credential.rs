//! Who shows what: whose credential a request carries, and in which of the places for one.

use super::{SESSION_HEADER, THREAD_HEADER, TOOL_ROUTES, changes, single, upgrades};
use crate::access::{Access, Caller, Lease, Via};
use crate::domain::sentence::say;
use crate::web::error::ApiError;
use crate::web::mount::Manner;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HeaderName, ORIGIN};

/// Another place for a bearer token, under mounts that judge by themselves; it holds the token alone.
const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-codex-rbac-token");

/// Browsers alone say this; `Sec-Fetch-Mode` by itself is also what Node's `fetch` says.
const SITE_HEADER: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request shows a bearer token, good or not.
pub(super) fn is_bearer(headers: &HeaderMap, manner: Manner) -> bool {
    headers.contains_key(AUTHORIZATION) || (manner.judges && headers.contains_key(TOKEN_HEADER))
}

/// The process at the other end runs as our own user (`listen` has checked): the command line, or the tool server,
/// which names the thread it speaks for and gives up the person's rights by it.
pub(super) fn on_socket(
    access: &Access,
    request: &Request,
    pid: Option<u32>,
) -> Result<Caller, ApiError> {
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

/// Who shows what over TCP. `Ok(None)` means that nothing was shown.
pub(super) fn shown(
    access: &Access,
    manner: Manner,
    request: &Request,
) -> Result<Option<(Caller, Lease)>, ApiError> {
    let headers = request.headers();
    let session = headers.contains_key(SESSION_HEADER);
    let bearer = is_bearer(headers, manner);
    let needs_origin = changes(request) || (upgrades(request) && (session || bearer));
    let is_page = !bearer || headers.contains_key(SITE_HEADER);
    if needs_origin && !headers.contains_key(ORIGIN) && is_page {
        return Err(ApiError::forbidden(
            "origin_missing",
            say!("refusal.no_origin"),
        ));
    }
    let grant = match (session, bearer) {
        (false, false) => return Ok(None),
        (true, true) => return Err(two_credentials()),
        (true, false) => single(headers, &SESSION_HEADER)
            .and_then(|secret| access.check_session(secret))
            .ok_or_else(|| {
                ApiError::unauthorized("session_unknown", say!("refusal.session_invalid"))
            })?,
        (false, true) => {
            let in_header = manner.judges && headers.contains_key(TOKEN_HEADER);
            let grant = match token(headers, in_header)? {
                Some(token) => access.check_token(token)?,
                None => None,
            };
            grant.ok_or_else(|| match in_header {
                true => ApiError::unauthorized(
                    "invalid_header_token",
                    say!("refusal.invalid_header_token"),
                ),
                false => ApiError::unauthorized("token_unknown", say!("refusal.token_invalid")),
            })?
        }
    };
    Ok(Some((grant.caller, grant.lease)))
}

/// The one token that a request shows, if it can be one.
fn token(headers: &HeaderMap, in_header: bool) -> Result<Option<&str>, ApiError> {
    let authorization = || {
        let (scheme, token) = single(headers, &AUTHORIZATION)?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    };
    if !in_header {
        return Ok(authorization());
    }
    let token = single(headers, &TOKEN_HEADER);
    if headers.contains_key(AUTHORIZATION) && authorization() != token {
        return Err(two_credentials());
    }
    Ok(token)
}

fn two_credentials() -> ApiError {
    ApiError::invalid("two_credentials", say!("refusal.two_credentials"))
}
