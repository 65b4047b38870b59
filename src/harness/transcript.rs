//! A session with its turns, and what was said and done in them as rows: what Codex has stored.

use super::Harness;
use super::index::Known;
use super::refused::Refused;
use crate::domain::harness::row::{Role, RowStatus, TranscriptEntry};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Turns in one answer of Codex.
const TURNS: u32 = 100;
/// Items in one answer of Codex: with outputs as long as it keeps them, each letter escaped, still below the largest message.
const ITEMS: u32 = 30;
/// Bytes of items after which no older turn is read.
const MAX_BYTES: usize = 16 << 20;

/// A thread with its newest turns, their rows, oldest first, and where older turns go on.
///
/// # Errors
/// When Codex cannot be asked, or does not have the thread any more.
pub async fn of(
    harness: &Harness,
    known: &Known,
    turns: u32,
) -> Result<(Value, Vec<TranscriptEntry>, Option<String>), Refused> {
    let mut thread = harness.thread_as_it_is(known).await?;
    if !known.is_materialized() {
        thread["turns"] = json!([]);
        return Ok((thread, Vec::new(), None));
    }
    let (mut headers, mut next) = headers(harness, known, turns).await?;
    let mut items = items(harness, known, &headers).await?;
    // A turn of which not all was read is not shown.
    let whole = headers.iter().take_while(|it| items.contains_key(id(it)));
    let whole = whole.count();
    if whole < headers.len() {
        headers.truncate(whole);
        next = self::headers(harness, known, u32::try_from(whole).unwrap_or(turns))
            .await?
            .1;
    }
    headers.reverse();
    let mut rows = Vec::new();
    for turn in &mut headers {
        let turn_id = id(turn).to_owned();
        let entries = items.remove(&turn_id).unwrap_or_default();
        let is_over = turn["status"] != "inProgress";
        rows.extend(entries.iter().map(|entry| row(entry, &turn_id, is_over)));
        turn["items"] = entries
            .into_iter()
            .map(|mut it| it["item"].take())
            .collect();
        turn["itemsView"] = json!("full");
    }
    thread["turns"] = headers.into();
    Ok((thread, rows, next))
}

fn id(turn: &Value) -> &str {
    turn["id"].as_str().unwrap_or_default()
}

/// The newest turns without their items, newest first.
async fn headers(
    harness: &Harness,
    known: &Known,
    turns: u32,
) -> Result<(Vec<Value>, Option<String>), Refused> {
    let mut found = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let left = turns.saturating_sub(u32::try_from(found.len()).unwrap_or(turns));
        let page = json!({ "threadId": known.id, "cursor": cursor, "limit": left.clamp(1, TURNS), "itemsView": "notLoaded" });
        let mut page = harness
            .call("thread/turns/list", page)
            .await
            .map_err(|no| no.of_session(&known.id))?;
        let data = page["data"]
            .as_array_mut()
            .map(std::mem::take)
            .unwrap_or_default();
        let is_empty = data.is_empty();
        found.extend(data);
        cursor = page["nextCursor"].take();
        let next = cursor.as_str().map(str::to_owned);
        if next.is_none() || is_empty || found.len() >= turns as usize {
            return Ok((found, next));
        }
    }
}

/// The items of these turns, which are the newest ones, oldest first. Of a turn that is beyond [`MAX_BYTES`] there are none, nor of any
/// that is older.
async fn items(
    harness: &Harness,
    known: &Known,
    turns: &[Value],
) -> Result<HashMap<String, Vec<Value>>, Refused> {
    let mut found = HashMap::new();
    let mut bytes = 0;
    for turn in turns {
        let mut entries = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let page = json!({ "threadId": known.id, "turnId": id(turn), "cursor": cursor, "limit": ITEMS, "sortDirection": "asc" });
            let mut page = harness
                .call("thread/items/list", page)
                .await
                .map_err(|no| no.of_session(&known.id))?;
            let data = page["data"]
                .as_array_mut()
                .map(std::mem::take)
                .unwrap_or_default();
            bytes += data
                .iter()
                .map(|entry| entry.to_string().len())
                .sum::<usize>();
            if bytes > MAX_BYTES && !found.is_empty() {
                return Ok(found);
            }
            let is_empty = data.is_empty();
            entries.extend(data);
            cursor = page["nextCursor"].take();
            if cursor.is_null() || is_empty {
                break;
            }
        }
        found.insert(id(turn).to_owned(), entries);
    }
    Ok(found)
}

/// The row of `{item, startedAtMs, completedAtMs}`.
fn row(entry: &Value, turn_id: &str, turn_is_over: bool) -> TranscriptEntry {
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
