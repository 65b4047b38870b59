//! Shapes that several operations here answer with.

use crate::harness::discovery::Listed;
use crate::harness::refused::Refused;
use crate::web::error::ApiError;
use axum::Json;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// One page of a list, as Codex has it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListPage {
    /// The entries, in Codex's form.
    data: Vec<Map<String, Value>>,
    /// Where the next page begins; `null` on the last one.
    next_cursor: Option<String>,
}

impl From<Listed> for Json<ListPage> {
    fn from(listed: Listed) -> Self {
        let entries = listed.data.into_iter().filter_map(|entry| match entry {
            Value::Object(entry) => Some(entry),
            _ => None,
        });
        Json(ListPage {
            data: entries.collect(),
            next_cursor: listed.next_cursor,
        })
    }
}

/// Something was done.
#[derive(Serialize, ToSchema)]
pub(super) struct CodexDone {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// What Codex said, in its form.
    result: Value,
}

/// What Codex said to something that was done.
pub(super) fn done(answer: Result<Value, Refused>) -> Result<Json<CodexDone>, ApiError> {
    let result = answer?;
    Ok(Json(CodexDone {
        status: "ok",
        result,
    }))
}

/// Leaves out what the request leaves out: Codex tells `null` from nothing.
pub(super) fn sparse(mut params: Value) -> Value {
    if let Value::Object(fields) = &mut params {
        fields.retain(|_, value| !value.is_null());
    }
    params
}
