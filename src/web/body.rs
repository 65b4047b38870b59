//! What a request carries, read strictly: a JSON object no larger than 1 MiB that arrives within ten seconds, and
//! query parameters. Errors name the field. What the fields mean is for the handler.

use crate::access::Caller;
use crate::domain::hex::hex;
use crate::domain::request::{Request as KeyedRequest, RequestKey};
use crate::domain::sentence::{Sentence, say};
use crate::web::MAX_BODY_BYTES;
use crate::web::error::ApiError;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// How long a body may take. Callers are on this machine; only one that dribbles on purpose needs longer.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Names a request, so that it can be repeated.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// So many names in one request are looked up.
const MAX_NAMES: usize = 64;

/// A JSON object as the body. Unknown fields are refused where `T` says `deny_unknown_fields`.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

/// Query parameters.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

/// What requests are about, by the names in them.
pub trait Subjects: Sync {
    /// What was put away and has one of these names is there again when this returns: the request is about to act on it. Names that mean
    /// nothing are no error here.
    fn take_out(&self, names: Vec<String>) -> impl Future<Output = Result<(), ApiError>> + Send;
}

/// A route that shares nothing acts on nothing that could have been put away.
impl Subjects for () {
    async fn take_out(&self, _: Vec<String>) -> Result<(), ApiError> {
        Ok(())
    }
}

impl<T: DeserializeOwned + Send, S: Subjects> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, subjects: &S) -> Result<Self, ApiError> {
        let acts = is_of_person(&request);
        let bytes = read(request).await?;
        let wish = parse_object(&bytes)?;
        if acts {
            subjects.take_out(names(&bytes)).await?;
        }
        Ok(Self(wish))
    }
}

/// A JSON object as the body of a request that may come with a key, as header or as field: repeated with the same key it
/// happens once.
#[derive(Debug, Clone)]
pub struct Keyed<T>(pub T, pub Option<KeyedRequest>);

#[derive(Deserialize)]
struct KeyField {
    #[serde(default)]
    idempotency_key: Option<RequestKey>,
}

impl<T: DeserializeOwned + Send, S: Subjects> FromRequest<S> for Keyed<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, subjects: &S) -> Result<Self, ApiError> {
        let header = header_key(request.headers())?;
        let acts = is_of_person(&request);
        let bytes = read(request).await?;
        let wish = parse_object(&bytes)?;
        let KeyField { idempotency_key } = parse_object(&bytes)?;
        let key = match (header, idempotency_key) {
            (Some(header), Some(field)) if header != field => {
                return Err(invalid_key(say!("refusal.key.differs")));
            }
            (header, field) => header.or(field),
        };
        if acts {
            subjects.take_out(names(&bytes)).await?;
        }
        let request = key.map(|key| KeyedRequest {
            key,
            sha256: digest(&bytes),
        });
        Ok(Self(wish, request))
    }
}

/// Whether a person asks. What agents may act on is never put away, and each that is taken out costs the journal all of it.
fn is_of_person(request: &Request) -> bool {
    let caller = request.extensions().get::<Caller>();
    caller.is_some_and(Caller::is_person)
}

/// Every text in a body that could be an id, as often as it stands there; not more than anybody acts on at once.
fn names(bytes: &[u8]) -> Vec<String> {
    fn look(value: Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) if is_name(&text) && found.len() < MAX_NAMES => found.push(text),
            Value::Array(all) => all.into_iter().for_each(|it| look(it, found)),
            Value::Object(fields) => fields.into_iter().for_each(|(_, it)| look(it, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    look(
        serde_json::from_slice(bytes).unwrap_or_default(),
        &mut found,
    );
    found
}

/// Whether this could be an id of ours, or of a thread: both end with a UUID.
fn is_name(text: &str) -> bool {
    let made = text.get(text.len().saturating_sub(12)..);
    let is_hex = |made: &str| made.bytes().all(|it| it.is_ascii_hexdigit());
    (32..=96).contains(&text.len()) && made.is_some_and(is_hex)
}

fn header_key(headers: &HeaderMap) -> Result<Option<RequestKey>, ApiError> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            text.try_into().map(Some).map_err(invalid_key)
        }
        (Some(_), Some(_)) => Err(invalid_key(say!("refusal.key.twice"))),
    }
}

fn invalid_key(reason: Sentence) -> ApiError {
    ApiError::invalid(
        "invalid_idempotency_key",
        say!("refusal.invalid_idempotency_key", reason => reason),
    )
}

/// Digest of what a body asks for: its key is no part of that, nor is the order of its fields.
fn digest(bytes: &[u8]) -> String {
    let mut body: Value = serde_json::from_slice(bytes).unwrap_or_default();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("idempotency_key");
    }
    hex(&Sha256::digest(body.to_string()))
}

/// All of a body, within its bounds.
pub(super) async fn read(request: Request) -> Result<Bytes, ApiError> {
    let collected = Limited::new(request.into_body(), MAX_BODY_BYTES).collect();
    let bytes = tokio::time::timeout(BODY_TIMEOUT, collected)
        .await
        .map_err(|_| {
            ApiError::new(
                StatusCode::REQUEST_TIMEOUT,
                "body_too_slow",
                say!("refusal.body_too_slow"),
            )
        })?
        .map_err(|error| {
            if is_length_limit(&*error) {
                ApiError::too_large()
            } else {
                ApiError::invalid("body_incomplete", say!("refusal.body_incomplete"))
            }
        })?
        .to_bytes();
    Ok(bytes)
}

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection| {
                let text = rejection.body_text();
                let reason = text
                    .strip_prefix("Failed to deserialize query string: ")
                    .unwrap_or(&text);
                ApiError::invalid(
                    "invalid_query",
                    match reason.split_once(": ") {
                        Some((field, reason)) if is_field(field) => {
                            say!("refusal.query_field", field, reason)
                        }
                        _ => say!("refusal.invalid_query", reason),
                    },
                )
            })
    }
}

/// Parses a body that must be a JSON object.
///
/// # Errors
/// A 400 that names the field, or says what the body is instead of an object.
pub fn parse_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let not_an_object = |what: Sentence| {
        ApiError::invalid(
            "body_not_an_object",
            say!("refusal.body_not_an_object", what => what),
        )
    };
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => {}
        None => return Err(not_an_object(say!("refusal.body.empty"))),
        Some(b'[') => return Err(not_an_object(say!("refusal.body.list"))),
        Some(b'"') => return Err(not_an_object(say!("refusal.body.string"))),
        Some(b'0'..=b'9' | b'-') => return Err(not_an_object(say!("refusal.body.number"))),
        Some(_) => return Err(not_an_object(say!("refusal.body.other"))),
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        wrong(error.inner(), Some(path.as_str()))
    })?;
    deserializer.end().map_err(|error| wrong(&error, None))?;
    Ok(value)
}

fn wrong(error: &serde_json::Error, path: Option<&str>) -> ApiError {
    if error.classify() != Category::Data {
        return ApiError::invalid("invalid_json", say!("refusal.invalid_json", error));
    }
    // The position in a body that no person wrote by hand helps nobody; the field's name does.
    let text = error.to_string();
    let reason = text
        .rsplit_once(" at line ")
        .map_or(&*text, |(head, _)| head);
    ApiError::invalid(
        "invalid_field",
        match path {
            Some(path) if path != "." => {
                say!("refusal.invalid_field", path, reason => Sentence::recognised(reason))
            }
            _ => say!("refusal.invalid_body", reason => Sentence::recognised(reason)),
        },
    )
}

fn is_field(text: &str) -> bool {
    !text.is_empty() && !text.contains([' ', '`'])
}

fn is_length_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<LengthLimitError>() {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[allow(dead_code)]
        list: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[allow(dead_code)]
        number: u32,
    }

    #[test]
    fn errors_say_what_the_body_is_and_which_field_is_wrong() {
        let cases = [
            ("", "but it is empty"),
            ("  [1]", "but it is a list"),
            ("\"x\"", "but it is a string"),
            ("3", "but it is a number"),
            ("null", "but it is something else"),
            (
                "{\"list\":[{\"number\":\"x\"}]}",
                "field `list[0].number`: invalid type",
            ),
            ("{\"list\":[],\"more\":1}", "unknown field `more`"),
            (
                "{\"list\":[{\"number\":1,\"numer\":2}]}",
                "field `list[0].numer`: unknown field `numer`",
            ),
            ("{}", "missing field `list`"),
            ("{\"list\":[]", "not valid JSON"),
            ("{\"list\":[]} x", "not valid JSON"),
            ("{\"list\":[],\"list\":[]}", "duplicate field `list`"),
        ];
        for (body, expected) in cases {
            let error = parse_object::<Outer>(body.as_bytes()).unwrap_err();
            assert_eq!(error.status, StatusCode::BAD_REQUEST);
            assert!(
                error.message.contains(expected),
                "{body}: {}",
                error.message
            );
        }
        let deep = format!("{{\"list\":{}", "[".repeat(100_000));
        assert!(parse_object::<Outer>(deep.as_bytes()).is_err());
        assert!(parse_object::<Outer>(b"{\"list\":[{\"number\":1}]}").is_ok());
        assert!(parse_object::<Outer>(b"{\"list\":[{\"number\":\xff}]}").is_err());
    }
}
