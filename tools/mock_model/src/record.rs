//! What is known of the requests that came: plain data for tests and for the HTTP side. Keeps no state of its own.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use serde::Serialize;
use serde_json::Value;

use crate::conversation::{Kind, ToolOutput};

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The answer is on its way, or hangs.
    Answering,
    /// The whole answer was sent.
    Answered,
    /// An HTTP error was sent.
    Failed,
    /// The client left, or the server stopped, before the end of the answer.
    Abandoned,
}

/// One request of Codex, as it came in.
#[derive(Debug, Clone, Serialize)]
pub struct RecordedRequest {
    /// Counted from 0 in the order of arrival.
    pub number: usize,
    /// When it had been read.
    #[serde(skip)]
    pub at: Instant,
    /// The same as milliseconds since 1970.
    pub at_unix_ms: u64,
    /// The Codex thread.
    pub thread_id: String,
    /// The turn in that thread.
    pub turn_id: String,
    /// What the request was for.
    pub kind: Kind,
    /// The model that it named.
    pub model: String,
    /// The user messages of the whole conversation, without the context that Codex adds.
    pub user_texts: Vec<String>,
    /// The tools that the model is offered; a tool in a namespace as `namespace.name`.
    pub tool_names: Vec<String>,
    /// The tool outputs of the whole conversation.
    pub tool_outputs: Vec<ToolOutput>,
    /// The rule that answered; none when it was the default.
    pub rule: Option<String>,
    /// Which step of the rule, counted from 0.
    pub step: usize,
    /// What became of it.
    pub outcome: Outcome,
    #[serde(skip)]
    pub(crate) raw_body: Option<Bytes>,
}

impl RecordedRequest {
    /// The request as JSON; `Null` when it is so long ago that its body was dropped.
    pub fn body(&self) -> Value {
        self.raw_body
            .as_ref()
            .and_then(|bytes| serde_json::from_slice(bytes).ok())
            .unwrap_or(Value::Null)
    }
}

/// A condition on the requests did not come true in time.
#[derive(Debug, thiserror::Error)]
#[error(
    "the mock model's requests did not become what was waited for within {waited:?}; they are: {requests:#?}"
)]
pub struct WaitError {
    /// The deadline.
    pub waited: Duration,
    /// What had come until then (bodies left out of the text).
    pub requests: Vec<RequestSummary>,
}

/// A request in a few words, for errors.
#[derive(Debug)]
#[expect(dead_code, reason = "read through Debug")]
pub struct RequestSummary {
    thread_id: String,
    kind: Kind,
    last_user: String,
    last_output: Option<String>,
    rule: Option<String>,
    step: usize,
    outcome: Outcome,
}

impl From<&RecordedRequest> for RequestSummary {
    fn from(request: &RecordedRequest) -> Self {
        let short = |text: &str| text.chars().take(200).collect::<String>();
        Self {
            thread_id: request.thread_id.clone(),
            kind: request.kind,
            last_user: request
                .user_texts
                .last()
                .map(|text| short(text))
                .unwrap_or_default(),
            last_output: request
                .tool_outputs
                .last()
                .map(|output| short(&output.output)),
            rule: request.rule.clone(),
            step: request.step,
            outcome: request.outcome,
        }
    }
}
