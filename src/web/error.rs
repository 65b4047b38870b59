//! The one place where an error becomes an HTTP answer, and the envelope of the launcher's own API:
//! `{"ok":false,"error":"sentence","code":"slug"}`. Another API has another one (`mount`).
//!
//! A sentence says what is wrong and what to do. Nothing here decides; it only words and numbers.

use crate::access::{LoginError, NoEntropy, TokenError};
use crate::domain::ids::InvalidId;
use crate::domain::language::Language;
use crate::domain::refusal::{Kind, Refusal};
use crate::domain::sentence::{Sentence, say};
use crate::domain::shown::shown;
use crate::ledger::TransactError;
use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use std::any::Any;
use std::convert::Infallible;

/// An answer that says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable name of the reason, for programs.
    pub code: &'static str,
    /// What is wrong and what to do, in English unless [`Self::in_language`] chose another language.
    pub message: String,
    sentence: Sentence,
    /// Boxed, because both are rare and every fallible function carries this type.
    header: Option<Box<(HeaderName, HeaderValue)>>,
    details: Option<Box<Map<String, Value>>>,
}

#[derive(Serialize)]
struct Shape<'a> {
    ok: bool,
    error: &'a str,
    code: &'a str,
}

impl ApiError {
    /// An error with any status.
    pub fn new(status: StatusCode, code: &'static str, sentence: Sentence) -> Self {
        Self {
            status,
            code,
            message: text(&sentence, Language::En),
            sentence,
            header: None,
            details: None,
        }
    }

    /// The same, said in this language.
    #[must_use]
    pub fn in_language(mut self, language: Language) -> Self {
        self.message = text(&self.sentence, language);
        self
    }

    /// 400: the request is wrong; the sentence names the field.
    pub fn invalid(code: &'static str, sentence: Sentence) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, sentence)
    }

    /// 401: nobody, or nobody we know.
    pub fn unauthorized(code: &'static str, sentence: Sentence) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, sentence)
    }

    /// 401 for a request that shows no credential at all.
    pub fn no_credential() -> Self {
        Self::unauthorized("login_required", say!("refusal.login_required"))
    }

    /// 403: known, but not allowed.
    pub fn forbidden(code: &'static str, sentence: Sentence) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, sentence)
    }

    /// 404.
    pub fn not_found(code: &'static str, sentence: Sentence) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, sentence)
    }

    /// 409: right request, wrong moment.
    pub fn conflict(code: &'static str, sentence: Sentence) -> Self {
        Self::new(StatusCode::CONFLICT, code, sentence)
    }

    /// 413 for anything above [`super::MAX_BODY_BYTES`].
    pub fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            say!("refusal.body_too_large", kib = super::MAX_BODY_BYTES >> 10),
        )
    }

    /// 500: a defect of ours. What exactly belongs in the log, not in the answer.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            say!("refusal.internal"),
        )
    }

    /// 503: something outside is not there.
    pub fn unavailable(code: &'static str, sentence: Sentence) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, sentence)
    }

    /// With more for programs, for an envelope that has room for it.
    #[must_use]
    pub fn with_details(mut self, details: Map<String, Value>) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    /// What [`with_details`](Self::with_details) brought.
    pub fn details(&self) -> Option<&Map<String, Value>> {
        self.details.as_deref()
    }

    /// Worth another try after so many seconds.
    #[must_use]
    pub fn after(self, seconds: u32) -> Self {
        self.with_header(RETRY_AFTER, HeaderValue::from(seconds))
    }

    fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }
}

/// It may repeat what somebody sent.
fn text(sentence: &Sentence, language: Language) -> String {
    shown(&sentence.text(language)).into_owned()
}

/// How a no looks in the launcher's own API.
pub fn envelope(error: &ApiError) -> Vec<u8> {
    let shape = Shape {
        ok: false,
        error: &error.message,
        code: error.code,
    };
    serde_json::to_vec(&shape).expect("strings serialise without fail")
}

impl IntoResponse for ApiError {
    /// In the launcher's own envelope; with the error itself, for a mount that has another.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(envelope(&self)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(header) = &self.header {
            headers.insert(header.0.clone(), header.1.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.kind {
            Kind::Invalid => StatusCode::BAD_REQUEST,
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, refusal.code, refusal.message)
    }
}

impl From<InvalidId> for ApiError {
    fn from(error: InvalidId) -> Self {
        Refusal::from(error).into()
    }
}

impl<R: Into<ApiError>> From<TransactError<R>> for ApiError {
    fn from(error: TransactError<R>) -> Self {
        match error {
            TransactError::Refused(refusal) => refusal.into(),
            // 507 is what the specification of storage servers calls a full disk; other reasons to be read-only need
            // a person as well, so they share it.
            TransactError::ReadOnly { reason } => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "read_only",
                Sentence::recognised(&reason),
            ),
            TransactError::Closed => Self::unavailable("stopping", say!("refusal.stopping")),
            TransactError::Panicked => Self::internal(),
        }
    }
}

impl From<Infallible> for ApiError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        let code = match &error {
            LoginError::Unknown => "login_key_unknown",
            LoginError::Expired => "login_key_expired",
            LoginError::Spent => "login_key_reused",
            LoginError::TooMany => {
                let wait = HeaderValue::from_static("5");
                return Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "too_many_logins",
                    error.sentence(),
                )
                .with_header(RETRY_AFTER, wait);
            }
            LoginError::NoEntropy(source) => return source.clone().into(),
        };
        Self::unauthorized(code, error.sentence())
    }
}

impl From<NoEntropy> for ApiError {
    fn from(error: NoEntropy) -> Self {
        tracing::error!(%error, "no secret could be made");
        Self::unavailable("no_random_numbers", say!("refusal.no_random_numbers"))
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match &error {
            TokenError::Name => Self::invalid(
                "token_name",
                say!("refusal.token_name", error => error.sentence()),
            ),
            TokenError::Exists(_) => Self::conflict("token_exists", error.sentence()),
            TokenError::Full => Self::conflict("too_many_tokens", error.sentence()),
            TokenError::Unknown(_) => Self::not_found("unknown_token", error.sentence()),
            TokenError::NoEntropy(source) => source.clone().into(),
            TokenError::Damaged { .. } | TokenError::Io { .. } => {
                tracing::error!(%error, "the tokens cannot be used");
                Self::unavailable("tokens_unusable", error.sentence())
            }
        }
    }
}

/// For [`axum::Router::fallback`]: no such path.
pub async fn unknown_path(uri: axum::http::Uri) -> ApiError {
    let path: String = uri
        .path()
        .chars()
        .take(100)
        .flat_map(char::escape_default)
        .collect();
    ApiError::not_found("unknown_path", say!("refusal.unknown_path", path))
}

/// For the catch-panic layer.
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let what = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(panic = what, "a handler panicked");
    ApiError::internal().into_response()
}

/// Puts an answer that a library made (a bare 404, a 405, a rejection in plain text) into our shape.
pub(super) fn normalise(response: Response) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let plain = response
        .headers()
        .get(CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !plain {
        return response;
    }
    let allow = response.headers().get(ALLOW).cloned();
    let mut error = match status {
        StatusCode::NOT_FOUND => ApiError::not_found("unknown_path", say!("refusal.nothing_here")),
        StatusCode::METHOD_NOT_ALLOWED => {
            let allowed = allow.as_ref().and_then(|allow| allow.to_str().ok());
            ApiError::new(
                status,
                "method_not_allowed",
                say!(
                    "refusal.method_not_allowed",
                    allowed = allowed.unwrap_or("another one")
                ),
            )
        }
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::too_large(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ApiError::new(status, "content_type", say!("refusal.content_type"))
        }
        StatusCode::INTERNAL_SERVER_ERROR => ApiError::internal(),
        other => ApiError::new(
            other,
            "refused",
            say!(
                "refusal.refused",
                why = other.canonical_reason().unwrap_or("no reason is known")
            ),
        ),
    };
    if let Some(allow) = allow {
        error = error.with_header(ALLOW, allow);
    }
    error.into_response()
}
