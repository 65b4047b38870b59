//! What a request carries: a JSON object that may be missing, and query parameters. What does not fit is a 400 with the field; what is
//! unknown is ignored.

use crate::domain::sentence::Sentence;
use crate::harness::refused::Refused;
use crate::web::body;
use crate::web::error::ApiError;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A body. One that is missing altogether counts as `{}`.
#[derive(Debug, Clone)]
pub struct Input<T>(pub T);

/// Query parameters.
#[derive(Debug, Clone)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Input<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let claims_json = request.headers().contains_key(CONTENT_TYPE);
        let bytes = body::read(request).await?;
        let text: &[u8] = match (claims_json, bytes.is_empty()) {
            (false, true) => b"{}",
            _ => &bytes,
        };
        parse(text).map(Self)
    }
}

fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, ApiError> {
    if !text.trim_ascii_start().starts_with(b"{") {
        // The launcher's own words for what is no object.
        return body::parse_object(text);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let reason = error.inner().to_string();
        // A position in a body that no person wrote by hand helps nobody.
        let reason = reason
            .rsplit_once(" at line ")
            .map_or(&*reason, |(head, _)| head);
        invalid(&path, reason)
    })?;
    deserializer
        .end()
        .map_err(|error| invalid(".", &error.to_string()))?;
    Ok(value)
}

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = axum::extract::Query::try_from_uri(&parts.uri);
        let read = query.map(|axum::extract::Query(value)| Self(value));
        read.map_err(|rejection| {
            let text = rejection.body_text();
            let reason = text
                .strip_prefix("Failed to deserialize query string: ")
                .unwrap_or(&text);
            match reason.split_once(": ") {
                Some((field, reason)) if !field.contains([' ', '`']) => invalid(field, reason),
                _ => invalid("", reason),
            }
        })
    }
}

fn invalid(path: &str, reason: &str) -> ApiError {
    Refused::invalid(path, Sentence::recognised(reason)).into()
}

/// A text, without the spaces around it, of `MIN` to `MAX` characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<const MIN: usize, const MAX: usize>(pub String);

impl<'de, const MIN: usize, const MAX: usize> Deserialize<'de> for Text<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let text = text.trim();
        match text.chars().count() {
            count if count < MIN => Err(D::Error::custom(format!(
                "a text of at least {MIN} characters is expected, this one has {count}"
            ))),
            count if count > MAX => Err(D::Error::custom(format!(
                "a text of at most {MAX} characters is expected, this one has {count}"
            ))),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl<const MIN: usize, const MAX: usize> PartialSchema for Text<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .min_length(Some(MIN))
            .max_length(Some(MAX));
        text.into()
    }
}

impl<const MIN: usize, const MAX: usize> ToSchema for Text<MIN, MAX> {
    fn name() -> Cow<'static, str> {
        format!("Text{MIN}To{MAX}").into()
    }
}

/// A number from `MIN` to `MAX`, and `OTHERWISE` where none is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count<const MIN: u32, const MAX: u32, const OTHERWISE: u32>(pub u32);

impl<const MIN: u32, const MAX: u32, const OTHERWISE: u32> Default for Count<MIN, MAX, OTHERWISE> {
    fn default() -> Self {
        Self(OTHERWISE)
    }
}

impl<'de, const MIN: u32, const MAX: u32, const OTHERWISE: u32> Deserialize<'de>
    for Count<MIN, MAX, OTHERWISE>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let count = u32::deserialize(deserializer)?;
        match (MIN..=MAX).contains(&count) {
            true => Ok(Self(count)),
            false => Err(D::Error::custom(format!(
                "a number from {MIN} to {MAX} is expected"
            ))),
        }
    }
}

impl<const MIN: u32, const MAX: u32, const OTHERWISE: u32> PartialSchema
    for Count<MIN, MAX, OTHERWISE>
{
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Integer))
            .minimum(Some(MIN))
            .maximum(Some(MAX))
            .default(Some(OTHERWISE.into()));
        number.into()
    }
}

impl<const MIN: u32, const MAX: u32, const OTHERWISE: u32> ToSchema for Count<MIN, MAX, OTHERWISE> {
    fn name() -> Cow<'static, str> {
        format!("Count{MIN}To{MAX}").into()
    }
}
