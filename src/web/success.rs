//! The one place where an answer that says yes gets its form: `{"ok":true, …fields}`. `error` is its counterpart.

use crate::domain::shown::shown_value;
use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::{Serialize, Serializer};

/// An answer that says yes, with the fields of `T` beside `ok`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Success<T>(pub T);

/// Nothing but yes.
pub type Done = Success<()>;

/// `{"ok": true}`.
pub const DONE: Done = Success(());

#[derive(Serialize)]
struct Shape<T> {
    ok: bool,
    #[serde(flatten)]
    fields: T,
}

impl<T: Serialize> IntoResponse for Success<T> {
    fn into_response(self) -> Response {
        let (ok, fields) = (true, self.0);
        Json(Shape { ok, fields }).into_response()
    }
}

/// Fields for an agent, which reads what other agents wrote as a person would: every text in them as
/// [`shown_value`] has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<T>(pub T);

impl<T: Serialize> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let plain = serde_json::to_value(&self.0).map_err(serde::ser::Error::custom)?;
        shown_value(plain).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use http_body_util::BodyExt as _;

    #[derive(Serialize)]
    struct Fields {
        name: &'static str,
    }

    async fn body(answer: impl IntoResponse) -> String {
        let body = answer.into_response().into_body();
        let bytes = body.collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn fields_stand_beside_ok() {
        assert_eq!(body(DONE).await, r#"{"ok":true}"#);
        let name = "a\u{202e}b";
        let plain = body(Success(Fields { name })).await;
        assert_eq!(plain, "{\"ok\":true,\"name\":\"a\u{202e}b\"}");
        let shown = body(Success(Shown(Fields { name }))).await;
        assert_eq!(shown, r#"{"ok":true,"name":"a⟨U+202E⟩b"}"#);
    }
}
