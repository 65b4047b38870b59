//! Calls of tools that clients perform. Nobody waits for ever: a call that no client answers in time has failed, and the model is told so.

use super::super::Harness;
use super::decisions::{ToolResult, tool_answer};
use crate::core::LAUNCHER;
use crate::domain::ids::AskId;
use crate::domain::sentence::say;
use chrono::{DateTime, Utc};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two looks at which calls nobody has answered.
const LOOK: Duration = Duration::from_secs(1);

impl Harness {
    /// Ends calls that nobody answers, until the end.
    pub async fn end_calls(self: Arc<Self>, end: CancellationToken) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                _ = look.tick() => {}
                () = end.cancelled() => return,
            }
            let limit = self.core.policy().tool_call_limit;
            for id in self.unanswered_calls(Utc::now(), limit) {
                self.end_call(&id, limit).await;
            }
        }
    }

    fn unanswered_calls(&self, now: DateTime<Utc>, limit: Duration) -> Vec<AskId> {
        self.core.ledger.read(|state| {
            let calls = state.asks.open().filter(|ask| ask.what.is_for_clients());
            let is_late = |at: DateTime<Utc>| (now - at).to_std().is_ok_and(|it| it >= limit);
            let late = calls.filter(|ask| is_late(ask.raised_at));
            late.map(|ask| ask.id.clone()).collect()
        })
    }

    async fn end_call(&self, id: &AskId, limit: Duration) {
        let text = say!("harness.tool_call.unanswered", seconds = limit.as_secs());
        let failed = ToolResult {
            success: false,
            content_items: vec![json!({ "type": "inputText", "text": text.to_string() })],
        };
        let given = tool_answer(failed);
        // A client was quicker, or Codex is not there: then the next look finds it.
        if let Err(error) = self.asks.answer(LAUNCHER.to_owned(), id, given).await {
            tracing::debug!(ask.id = %id, ?error, "a call that nobody answered was not ended");
        }
    }
}
