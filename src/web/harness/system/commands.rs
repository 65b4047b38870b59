//! A command in the sandbox without a thread, and feedback to Codex's makers.

use super::super::App;
use super::super::input::{Count, Input, Text};
use super::answers::{CodexDone, done, sparse};
use super::configuration::one_at_least;
use crate::harness::commands::Wish;
use crate::web::error::ApiError;
use crate::web::harness::document::{OfCodex, OfInput};
use crate::web::role::RequireAdmin;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use utoipa::ToSchema;

/// A command.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Execute {
    /// The program and its arguments; no shell reads them.
    #[schema(min_items = 1, example = json!(["git", "status"]))]
    #[serde(deserialize_with = "one_at_least")]
    command: Vec<String>,
    /// Where it runs, in the repository; without it there.
    #[serde(default)]
    cwd: Option<String>,
    /// How long it may take, in milliseconds; an hour at most, a minute when nothing is said.
    #[serde(default)]
    timeout_ms: Option<Count<1, 3_600_000, 60_000>>,
}

/// What became of a command.
#[derive(Serialize, ToSchema)]
pub(super) struct Executed {
    /// Always `ok`: it ran.
    #[schema(example = "ok")]
    status: &'static str,
    result: ExecutedResult,
}

/// How a command ended.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExecutedResult {
    /// Its exit code; 124: it ran out of time.
    exit_code: i64,
    stdout: String,
    stderr: String,
}

/// Runs a command to its end, in the sandbox, without network.
#[utoipa::path(post, path = "/commands/exec", tag = "commands", operation_id = "commands_exec",
    request_body = Execute, responses((status = 200, body = Executed), OfInput, OfCodex))]
pub(super) async fn execute(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    Input(wish): Input<Execute>,
) -> Result<Json<Executed>, ApiError> {
    let limit = wish
        .timeout_ms
        .map(|Count(ms)| Duration::from_millis(ms.into()));
    let wish = Wish {
        command: wish.command,
        cwd: wish.cwd,
        limit,
    };
    let result = app.execute(&acting.into(), wish).await?;
    let result: ExecutedResult = serde_json::from_value(result).map_err(|error| {
        tracing::error!(%error, "Codex's answer to a command has another form");
        ApiError::internal()
    })?;
    Ok(Json(Executed {
        status: "ok",
        result,
    }))
}

/// What a person tells Codex's makers.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feedback {
    /// What it is about.
    #[schema(example = "bug")]
    classification: Text<1, 100>,
    /// Whether Codex's logs go along.
    include_logs: bool,
    /// The words.
    #[serde(default)]
    reason: Option<String>,
    /// The thread that it is about.
    #[serde(default)]
    thread_id: Option<String>,
}

impl Feedback {
    fn params(self) -> Value {
        sparse(json!({
            "classification": self.classification.0,
            "includeLogs": self.include_logs,
            "reason": self.reason,
            "threadId": self.thread_id,
        }))
    }
}

/// Sends words to Codex's makers. It leaves the machine, so 403 unless a person has switched it on.
#[utoipa::path(post, path = "/feedback", tag = "commands", operation_id = "feedback",
    request_body = Feedback, responses((status = 200, body = CodexDone), OfInput, OfCodex))]
pub(super) async fn feedback(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    Input(wish): Input<Feedback>,
) -> Result<Json<CodexDone>, ApiError> {
    done(app.send_feedback(&acting.into(), wish.params()).await)
}
