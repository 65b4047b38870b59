//! Codex's items as rows of a transcript: each text bounded, what is unknown kept whole.

use crate::codex::items::{FileChange, Item, Turn as CodexTurn, TurnStatus, UserInput};
use crate::domain::transcript::{
    OUTPUT_KEPT, PatchedFile, Row, TEXT_BYTES, Text, Turn, Via, What, pretty,
};
use chrono::{DateTime, TimeZone as _, Utc};
use serde_json::Value;

/// Files of one patch that are listed; ten times as many nobody reads.
const PATCH_FILES: usize = 500;
/// Bytes of all differences of one patch.
const PATCH_BYTES: usize = 512 << 10;

/// What a row is made of beside its item.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The turn.
    pub turn_id: &'a str,
    /// When the item began, in milliseconds since 1970.
    pub started_ms: Option<i64>,
    /// When it was complete.
    pub completed_ms: Option<i64>,
    /// Bytes of each text.
    pub bytes: usize,
}

/// The row of an item. One without an id gets `number` instead.
pub fn row(item: &Item, frame: Frame<'_>, number: usize) -> Row {
    let id = item.id().map_or_else(|| number.to_string(), str::to_owned);
    Row {
        id: format!("{}/{id}", frame.turn_id),
        at: frame.started_ms.or(frame.completed_ms).and_then(millis),
        ended_at: frame.completed_ms.and_then(millis),
        what: what(item, frame.bytes),
    }
}

/// A turn of this header with these rows, and with what its end says.
pub fn turn(header: &CodexTurn, mut rows: Vec<Row>, rows_left_out: bool) -> Turn {
    let ended_at = header.completed_at.and_then(seconds);
    let id = header.id.0.clone();
    let end = match &header.status {
        TurnStatus::Failed => {
            let error = header.error.as_ref();
            let more = error.and_then(|it| it.additional_details.as_deref());
            let reason = error.map(|it| it.message.as_str()).into_iter().chain(more);
            let cause = error.map_or(String::new(), |it| pretty(&it.codex_error_info));
            Some(What::TurnFailed {
                reason: Text::beginning(&reason.collect::<Vec<_>>().join("\n"), TEXT_BYTES),
                cause,
            })
        }
        TurnStatus::Interrupted => Some(What::TurnInterrupted),
        _ => None,
    };
    rows.extend(end.map(|what| Row {
        id: format!("{id}/end"),
        at: ended_at,
        ended_at,
        what,
    }));
    Turn {
        id,
        status: match &header.status {
            TurnStatus::InProgress => "in_progress".to_owned(),
            TurnStatus::Completed => "completed".to_owned(),
            TurnStatus::Interrupted => "interrupted".to_owned(),
            TurnStatus::Failed => "failed".to_owned(),
            TurnStatus::Other(word) => pretty(word),
        },
        started_at: header.started_at.and_then(seconds),
        ended_at,
        duration_ms: header.duration_ms,
        rows,
        rows_left_out,
    }
}

/// Gives rows whose item has the name of an earlier one a name of their own.
pub fn set_apart(rows: &mut [Row]) {
    let mut seen = std::collections::HashMap::new();
    for row in rows {
        let times = seen.entry(row.id.clone()).or_insert(0_usize);
        *times += 1;
        if *times > 1 {
            row.id = format!("{}~{times}", row.id);
        }
    }
}

fn millis(ms: i64) -> Option<DateTime<Utc>> {
    Utc.timestamp_millis_opt(ms).single()
}

fn seconds(seconds: i64) -> Option<DateTime<Utc>> {
    Utc.timestamp_opt(seconds, 0).single()
}

fn what(item: &Item, bytes: usize) -> What {
    let text = |text: &str| Text::beginning(text, bytes);
    match item {
        Item::UserMessage {
            client_id, content, ..
        } => What::Message {
            via: match client_id {
                Some(_) => Via::Zhongshu,
                None => Via::Terminal,
            },
            client_id: client_id.clone(),
            text: text(&content.iter().map(input).collect::<Vec<_>>().join("\n")),
        },
        Item::AgentMessage { text: said, .. } => What::Answer { text: text(said) },
        Item::Reasoning { summary, .. } => What::Reasoning {
            text: text(&summary.join("\n\n")),
        },
        Item::CommandExecution {
            command,
            cwd,
            status,
            aggregated_output,
            exit_code,
            duration_ms,
            ..
        } => {
            let output = aggregated_output.as_deref().unwrap_or_default();
            What::Command {
                command: text(command),
                cwd: cwd.to_string_lossy().into_owned(),
                status: word(status),
                exit_code: *exit_code,
                duration_ms: *duration_ms,
                output: Text::end(output, bytes),
                output_at_limit: output.len() >= OUTPUT_KEPT
                    && output.chars().count() >= OUTPUT_KEPT,
            }
        }
        Item::FileChange {
            changes, status, ..
        } => patch(changes, status, bytes),
        Item::Plan { text: plan, .. } => What::Plan { text: text(plan) },
        Item::McpToolCall {
            server,
            tool,
            status,
            arguments,
            result,
            error,
            duration_ms,
            ..
        } => What::Tool {
            server: server.clone(),
            tool: tool.clone(),
            status: word(status),
            duration_ms: *duration_ms,
            arguments: text(&pretty(arguments)),
            result: text(&answered(result)),
            error: error.get("message").and_then(Value::as_str).map(text),
        },
        Item::DynamicToolCall {
            tool,
            status,
            arguments,
            content_items,
            duration_ms,
            ..
        } => What::Tool {
            server: String::new(),
            tool: tool.clone(),
            status: word(status),
            duration_ms: *duration_ms,
            arguments: text(&pretty(arguments)),
            result: text(&texts(content_items).unwrap_or_else(|| pretty(content_items))),
            error: None,
        },
        Item::WebSearch { query, .. } => What::WebSearch { query: text(query) },
        Item::ImageView { path, .. } => What::Image {
            path: path.to_string_lossy().into_owned(),
        },
        Item::EnteredReviewMode { review, .. } => What::Review {
            begins: true,
            text: text(review),
        },
        Item::ExitedReviewMode { review, .. } => What::Review {
            begins: false,
            text: text(review),
        },
        Item::ContextCompaction { .. } => What::Compaction,
        Item::Other(raw) => What::Unknown {
            item_type: raw
                .get("type")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            raw: text(&pretty(raw)),
        },
    }
}

fn input(part: &UserInput) -> String {
    match part {
        UserInput::Text { text } => text.clone(),
        UserInput::Other(other) => pretty(other),
    }
}

fn patch(changes: &[FileChange], status: &str, bytes: usize) -> What {
    let listed = changes.len().min(PATCH_FILES);
    let bytes = bytes.min(PATCH_BYTES.max(bytes) / listed.max(1));
    let files = changes[..listed].iter().map(|change| PatchedFile {
        path: change.path.to_string_lossy().into_owned(),
        moved_to: change
            .kind
            .get("move_path")
            .and_then(Value::as_str)
            .map(str::to_owned),
        change: change
            .kind
            .get("type")
            .and_then(Value::as_str)
            .map_or_else(|| pretty(&change.kind), str::to_owned),
        diff: Text::beginning(&change.diff, bytes),
    });
    What::Patch {
        status: word(status),
        files: files.collect(),
        files_left_out: changes.len() - listed,
    }
}

/// What a tool of an MCP server answered: its texts, or all of it.
fn answered(result: &Value) -> String {
    texts(&result["content"]).unwrap_or_else(|| pretty(result))
}

/// The texts of a list, when it holds nothing else.
fn texts(list: &Value) -> Option<String> {
    let items = list.as_array().filter(|items| !items.is_empty())?;
    let texts: Option<Vec<&str>> = items.iter().map(|item| item["text"].as_str()).collect();
    texts.map(|texts| texts.join("\n"))
}

/// `inProgress` as the API writes words.
fn word(codex: &str) -> String {
    let mut word = String::with_capacity(codex.len() + 1);
    for c in codex.chars() {
        if c.is_ascii_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.push(c.to_ascii_lowercase());
    }
    word
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn row_of(item: Value) -> Row {
        let item: Item = serde_json::from_value(item).unwrap();
        let frame = Frame {
            turn_id: "t",
            started_ms: Some(1_800_000_000_123),
            completed_ms: None,
            bytes: TEXT_BYTES,
        };
        row(&item, frame, 7)
    }

    #[test]
    fn an_unknown_item_is_kept_whole() {
        let item = json!({"type": "hologram", "id": "h", "depth": {"x": 1}});
        let row = row_of(item.clone());
        assert_eq!(row.id, "t/h");
        let What::Unknown { item_type, raw } = row.what else {
            panic!("it is unknown");
        };
        assert_eq!(item_type, "hologram");
        assert_eq!(serde_json::from_str::<Value>(&raw.text).unwrap(), item);
        assert_eq!(row_of(json!({"type": "hologram"})).id, "t/7");
    }

    #[test]
    fn a_large_patch_stays_small_and_says_how_much_it_is() {
        let change = json!({"path": "/r/a", "kind": {"type": "update", "move_path": "/r/b"}, "diff": "+x".repeat(60_000)});
        let changes = vec![change; 2000];
        let row = row_of(
            json!({"type": "fileChange", "id": "p", "status": "inProgress", "changes": changes}),
        );
        let What::Patch {
            status,
            files,
            files_left_out,
        } = row.what
        else {
            panic!("it is a patch");
        };
        assert_eq!((status.as_str(), files_left_out), ("in_progress", 1500));
        assert_eq!(files[0].moved_to.as_deref(), Some("/r/b"));
        let bytes: usize = files.iter().map(|file| file.diff.text.len()).sum();
        assert!(bytes <= PATCH_BYTES && files[0].diff.left_out > 100_000);
    }

    #[test]
    fn items_of_one_name_are_set_apart() {
        let mut rows = vec![
            row_of(json!({"type": "reasoning", "id": "rs"})),
            row_of(json!({"type": "contextCompaction", "id": "c"})),
            row_of(json!({"type": "reasoning", "id": "rs"})),
        ];
        set_apart(&mut rows);
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, ["t/rs", "t/c", "t/rs~2"]);
    }

    #[test]
    fn an_output_that_codex_has_cut_says_so() {
        let command = |output: String| {
            let item = json!({"type": "commandExecution", "id": "c", "command": "x", "aggregatedOutput": output});
            match row_of(item).what {
                What::Command {
                    output_at_limit, ..
                } => output_at_limit,
                other => panic!("{other:?}"),
            }
        };
        assert!(command("二".repeat(OUTPUT_KEPT)));
        assert!(!command("二".repeat(OUTPUT_KEPT - 1)));
    }

    #[test]
    fn what_tells_why_something_failed_is_cut_like_any_text() {
        let long = "二".repeat(TEXT_BYTES);
        let tool = json!({"type": "mcpToolCall", "id": "m", "server": "s", "tool": "t", "status": "failed", "arguments": {},
            "error": {"message": long}});
        let search = json!({"type": "webSearch", "id": "w", "query": long});
        for row in [row_of(tool), row_of(search), failed(&long)] {
            let size = serde_json::to_string(&row).unwrap().len();
            assert!(size < TEXT_BYTES + 1024, "{size}");
            assert!(row.what.is_cut(), "it says that it is cut");
        }
    }

    fn failed(reason: &str) -> Row {
        let header = json!({"id": "t", "items": [], "status": "failed", "error": {"message": reason, "additionalDetails": reason}});
        let header: CodexTurn = serde_json::from_value(header).unwrap();
        turn(&header, Vec::new(), false).rows.remove(0)
    }
}
