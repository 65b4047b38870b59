//! What was heard of the turn that runs, as rows: Codex gives an item to nobody who comes late before it is complete.

use super::items;
use crate::domain::harness::row::{RowStatus, TranscriptEntry};
use crate::domain::transcript::{PatchedFile, Row, Text, Turn, What};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// The rows of a running turn, in their order.
pub(super) fn rows(turn: &Turn) -> Vec<TranscriptEntry> {
    let rows = turn.rows.iter();
    rows.filter_map(|row| heard(row, &turn.id)).collect()
}

fn heard(row: &Row, turn_id: &str) -> Option<TranscriptEntry> {
    let name = row.id.strip_prefix(turn_id).unwrap_or(&row.id);
    let mut item = item(&row.what)?;
    item["id"] = json!(name.trim_start_matches('/'));
    let millis = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp_millis());
    let entry = json!({
        "item": item,
        "startedAtMs": millis(row.at),
        "completedAtMs": millis(row.ended_at),
    });
    let entry = items::row(&entry, turn_id, false);
    Some(match row.ended_at {
        Some(_) => entry,
        // What has no status of its own goes on as long as nobody says that it is whole.
        None => TranscriptEntry {
            status: RowStatus::Streaming,
            ..entry
        },
    })
}

/// The item of a row, as far as it was heard.
fn item(what: &What) -> Option<Value> {
    Some(match what {
        What::Message {
            client_id, text, ..
        } => json!({
            "type": "userMessage",
            "clientId": client_id,
            "content": [{ "type": "text", "text": text.text }],
        }),
        What::Answer { text } => json!({ "type": "agentMessage", "text": text.text }),
        What::Plan { text } => json!({ "type": "plan", "text": text.text }),
        What::Reasoning { text } => json!({ "type": "reasoning", "summary": [text.text] }),
        What::Command {
            command,
            cwd,
            status,
            exit_code,
            duration_ms,
            output,
            ..
        } => json!({
            "type": "commandExecution",
            "command": command.text,
            "cwd": cwd,
            "status": word(status),
            "exitCode": exit_code,
            "durationMs": duration_ms,
            "aggregatedOutput": output.text,
        }),
        What::Patch { status, files, .. } => json!({
            "type": "fileChange",
            "status": word(status),
            "changes": files.iter().map(change).collect::<Value>(),
        }),
        What::Tool {
            server,
            tool,
            status,
            duration_ms,
            arguments,
            result,
            error,
        } => tool_call(
            server,
            json!({
                "tool": tool,
                "status": word(status),
                "durationMs": duration_ms,
                "arguments": value(arguments),
                "result": result.text,
                "error": error.as_ref().map(|it| &it.text),
            }),
        ),
        What::WebSearch { query } => json!({ "type": "webSearch", "query": query.text }),
        What::Image { path } => json!({ "type": "imageView", "path": path }),
        What::Review { begins, text } => {
            let kind = match begins {
                true => "enteredReviewMode",
                false => "exitedReviewMode",
            };
            json!({ "type": kind, "review": text.text })
        }
        What::Compaction => json!({ "type": "contextCompaction" }),
        What::Unknown { item_type, raw } => {
            let raw = value(raw);
            match raw.is_object() {
                true => raw,
                false => json!({ "type": item_type }),
            }
        }
        // Of a turn that runs there is no end yet, and asks are rows of ours.
        What::TurnFailed { .. } | What::TurnInterrupted | What::Ask { .. } => return None,
    })
}

fn tool_call(server: &str, mut item: Value) -> Value {
    match server {
        "" => item["type"] = json!("dynamicToolCall"),
        server => {
            item["type"] = json!("mcpToolCall");
            item["server"] = json!(server);
        }
    }
    item
}

fn change(file: &PatchedFile) -> Value {
    json!({
        "path": file.path,
        "kind": { "type": file.change, "move_path": file.moved_to },
        "diff": file.diff.text,
    })
}

/// A text that was JSON; where it is cut it is a text.
fn value(text: &Text) -> Value {
    serde_json::from_str(&text.text).unwrap_or_else(|_| json!(text.text))
}

fn word(status: &str) -> &str {
    match status {
        "in_progress" => "inProgress",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transcript::TEXT_BYTES;

    fn turn(rows: Vec<(&str, Option<i64>, What)>) -> Turn {
        let rows = rows.into_iter().map(|(name, ended, what)| Row {
            id: format!("t/{name}"),
            at: DateTime::from_timestamp(1, 0),
            ended_at: ended.and_then(|at| DateTime::from_timestamp(at, 0)),
            what,
        });
        Turn {
            id: "t".to_owned(),
            status: "in_progress".to_owned(),
            started_at: None,
            ended_at: None,
            duration_ms: None,
            rows: rows.collect(),
            rows_left_out: false,
        }
    }

    #[test]
    fn what_is_heard_streams_until_it_is_whole() {
        let text = |text: &str| Text::beginning(text, TEXT_BYTES);
        let command = |status: &str| What::Command {
            command: text("ls"),
            cwd: "/r".to_owned(),
            status: status.to_owned(),
            exit_code: None,
            duration_ms: None,
            output: text("a"),
            output_at_limit: false,
        };
        let rows = rows(&turn(vec![
            (
                "m",
                None,
                What::Answer {
                    text: text("Half a"),
                },
            ),
            ("c", None, command("in_progress")),
            ("d", Some(3), command("declined")),
            (
                "w",
                Some(3),
                What::Answer {
                    text: text("Whole."),
                },
            ),
            ("e", None, What::TurnInterrupted),
        ]));
        let seen: Vec<_> = rows
            .iter()
            .map(|it| {
                (
                    it.message_id.as_str(),
                    it.kind.as_str(),
                    it.content.as_str(),
                    it.status,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("m", "agentMessage", "Half a", RowStatus::Streaming),
                ("c", "commandExecution", "ls\na", RowStatus::Streaming),
                ("d", "commandExecution", "ls\na", RowStatus::Canceled),
                ("w", "agentMessage", "Whole.", RowStatus::Complete),
            ]
        );
        assert_eq!(
            (rows[0].started_at, rows[3].completed_at),
            (Some(1000), Some(3000))
        );
    }
}
