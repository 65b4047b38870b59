//! Codex's items as rows.

use crate::domain::harness::row::{Role, RowStatus, TranscriptEntry};
use serde_json::Value;

/// The row of `{item, startedAtMs, completedAtMs}`.
pub(super) fn row(entry: &Value, turn_id: &str, turn_is_over: bool) -> TranscriptEntry {
    let item = &entry["item"];
    let kind = item["type"].as_str().unwrap_or("unknown");
    let status = match item["status"].as_str() {
        Some("failed") => RowStatus::Error,
        Some("declined") => RowStatus::Canceled,
        Some("inProgress") if turn_is_over => RowStatus::Canceled,
        Some("inProgress") => RowStatus::Streaming,
        _ => RowStatus::Complete,
    };
    TranscriptEntry {
        message_id: item["id"].as_str().unwrap_or_default().to_owned(),
        turn_id: turn_id.to_owned(),
        role: match kind {
            "userMessage" => Role::User,
            "contextCompaction" | "enteredReviewMode" | "exitedReviewMode" => Role::System,
            _ => Role::Assistant,
        },
        kind: kind.to_owned(),
        content: content(item, kind),
        details: Some(item.to_string()),
        started_at: entry["startedAtMs"].as_i64(),
        completed_at: entry["completedAtMs"].as_i64(),
        status,
    }
}

/// The text to read.
fn content(item: &Value, kind: &str) -> String {
    let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let lines = |list: &Value, line: &dyn Fn(&Value) -> Option<String>| {
        let all = list.as_array().into_iter().flatten();
        all.filter_map(line).collect::<Vec<_>>().join("\n")
    };
    match kind {
        "userMessage" => lines(&item["content"], &|part| {
            Some(part["text"].as_str()?.to_owned())
        }),
        "agentMessage" | "plan" => text("text"),
        "reasoning" => lines(&item["summary"], &|part| Some(part.as_str()?.to_owned())),
        "commandExecution" => {
            let (command, output) = (text("command"), text("aggregatedOutput"));
            match output.is_empty() {
                true => command,
                false => format!("{command}\n{output}"),
            }
        }
        "fileChange" => lines(&item["changes"], &|change| {
            let kind = change["kind"]["type"].as_str()?;
            Some(format!("{kind} {}", change["path"].as_str()?))
        }),
        "mcpToolCall" => format!("{}.{}", text("server"), text("tool")),
        "dynamicToolCall" => text("tool"),
        "webSearch" => text("query"),
        "enteredReviewMode" | "exitedReviewMode" => text("review"),
        _ => String::new(),
    }
}
