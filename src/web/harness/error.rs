//! How a no looks in the harness API: `{status, code, message, …}`, beside the launcher's own `ok` and `error`.

use crate::harness::refused::Refused;
use crate::web::error::ApiError;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What every no has.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// `error`, or the name of what is wrong.
    pub status: String,
    /// Stable name of the reason.
    pub code: String,
    /// What is wrong, and what to do.
    pub message: String,
    /// Always `false`.
    pub ok: bool,
    /// The same as `message`.
    pub error: String,
    /// What else is known, by kind: `sessionId`, `issues`, `details`, …
    #[serde(flatten)]
    pub more: serde_json::Map<String, Value>,
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let http = StatusCode::from_u16(refused.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut details = refused.fields;
        details.insert("status".to_owned(), refused.status.into());
        let error = Self::new(http, refused.code, refused.message).with_details(details);
        match refused.retry_after {
            Some(seconds) => error.after(seconds),
            None => error,
        }
    }
}

/// The body of a no, whoever says it.
pub(super) fn envelope(error: &ApiError) -> Vec<u8> {
    let mut more = error.details().cloned().unwrap_or_default();
    let status = match more.remove("status") {
        Some(Value::String(status)) => status,
        _ => "error".to_owned(),
    };
    let problem = Problem {
        status,
        code: error.code.to_owned(),
        message: error.message.clone(),
        ok: false,
        error: error.message.clone(),
        more,
    };
    serde_json::to_vec(&problem).expect("plain data serialises")
}
