//! A session with its turns, and what was said and done in them as rows: what Codex has stored, what streams now, and what only we know.
//!
//! - `items`: Codex's items as rows; `heard`: what was heard of the turn that runs

mod heard;
mod items;

use super::Harness;
use super::index::Known;
use super::refused::Refused;
use crate::domain::harness::merge;
use crate::domain::harness::row::{Role, RowStatus, TranscriptEntry};
use crate::domain::sentence::say;
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
    let (mut headers, mut next) = match headers(harness, known, turns).await {
        // Codex may have no history of it yet.
        Err(_) if !known.is_materialized() => (Vec::new(), None),
        found => found?,
    };
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
    let is_active = thread["status"]["type"] == "active";
    // Looked at last: what it had said before is stored, if it is over by now.
    let running = harness.threads.running().turn(&known.id);
    let newest = headers.last().map(|turn| id(turn).to_owned());
    let mut turns = Vec::new();
    for turn in &mut headers {
        let turn_id = id(turn).to_owned();
        let entries = items.remove(&turn_id).unwrap_or_default();
        let heard = running.as_ref().filter(|it| it.id == turn_id);
        // One that has just begun looks in the history as if it had been broken off.
        let is_running = heard.is_some() || is_active && newest.as_ref() == Some(&turn_id);
        let is_over = turn["status"] != "inProgress" && !is_running;
        turns.push(merge::Turn {
            started_at: began(turn, &entries),
            stored: entries
                .iter()
                .map(|entry| items::row(entry, &turn_id, is_over))
                .collect(),
            heard: heard.map(heard::rows).unwrap_or_default(),
            end: is_over.then(|| end(turn)).flatten(),
            id: turn_id,
            is_over,
        });
        turn["items"] = entries
            .into_iter()
            .map(|mut it| it["item"].take())
            .collect();
        turn["itemsView"] = json!("full");
    }
    if let Some(running) = running.filter(|it| turns.iter().all(|turn| turn.id != it.id)) {
        turns.push(merge::Turn {
            started_at: running.started_at.map(|at| at.timestamp_millis()),
            heard: heard::rows(&running),
            id: running.id,
            ..merge::Turn::default()
        });
    }
    let (own, at_work) = harness.ledger.read(|state| {
        let rows = state.sessions.get(&known.id).map(|it| &it.rows);
        let rows = rows.into_iter().flatten();
        let own = rows.map(|row| row.entry.clone()).collect();
        let at_work = state.jobs.active_of(&known.id);
        (own, at_work.map(|job| job.id.clone()).collect())
    });
    let rows = merge::transcript(turns, own, next.is_none(), &at_work);
    thread["turns"] = headers.into();
    Ok((thread, rows, next))
}

/// When a turn began, in milliseconds: Codex says the second, and its first item tells more.
fn began(turn: &Value, entries: &[Value]) -> Option<i64> {
    let first = entries.first().and_then(|it| it["startedAtMs"].as_i64());
    first.or_else(|| turn["startedAt"].as_i64().map(|seconds| seconds * 1000))
}

/// What tells that a turn failed or was broken off.
fn end(turn: &Value) -> Option<TranscriptEntry> {
    let error = &turn["error"];
    let (kind, content, details, status) = match turn["status"].as_str()? {
        "failed" => {
            let texts = ["message", "additionalDetails"].map(|name| error[name].as_str());
            let texts: Vec<&str> = texts.into_iter().flatten().collect();
            let content = match texts.is_empty() {
                true => say!("harness.turn.failed").to_string(),
                false => texts.join("\n"),
            };
            let details = json!({ "error": error, "codexErrorInfo": error["codexErrorInfo"] });
            ("turn.error", content, Some(details), RowStatus::Error)
        }
        "interrupted" => {
            let content = say!("harness.turn.interrupted").to_string();
            ("turn.interrupted", content, None, RowStatus::Canceled)
        }
        _ => return None,
    };
    let at = turn["completedAt"].as_i64().map(|seconds| seconds * 1000);
    Some(TranscriptEntry {
        message_id: format!("{kind}:{}", id(turn)),
        turn_id: id(turn).to_owned(),
        role: Role::System,
        kind: kind.to_owned(),
        content,
        details: details.map(|it| it.to_string()),
        started_at: at,
        completed_at: at,
        status,
    })
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

/// The items of these turns, which are the newest ones, newest first; of each turn oldest first. They are read from the end of the history,
/// whatever their turn: most turns have so few that an answer holds those of several. Of a turn that is beyond [`MAX_BYTES`] there are none,
/// nor of any that is older.
async fn items(
    harness: &Harness,
    known: &Known,
    turns: &[Value],
) -> Result<HashMap<String, Vec<Value>>, Refused> {
    let mut found: HashMap<String, Vec<Value>> = HashMap::new();
    let Some(oldest) = turns.last().map(id) else {
        return Ok(found);
    };
    found.extend(turns.iter().map(|turn| (id(turn).to_owned(), Vec::new())));
    let mut bytes = 0;
    // The oldest turn of which anything was read, which may have more.
    let mut last_read = String::new();
    let mut cursor = Value::Null;
    'pages: loop {
        let page = json!({ "threadId": known.id, "cursor": cursor, "limit": ITEMS, "sortDirection": "desc" });
        let mut page = harness
            .call("thread/items/list", page)
            .await
            .map_err(|no| no.of_session(&known.id))?;
        let data = page["data"]
            .as_array_mut()
            .map(std::mem::take)
            .unwrap_or_default();
        let is_empty = data.is_empty();
        for entry in data {
            let turn_id = entry["turnId"].as_str().unwrap_or_default();
            let Some(of_turn) = found.get_mut(turn_id) else {
                match found[oldest].is_empty() {
                    // It began after the turns were listed.
                    true => continue,
                    false => break 'pages,
                }
            };
            bytes += entry.to_string().len();
            turn_id.clone_into(&mut last_read);
            of_turn.push(entry);
        }
        cursor = page["nextCursor"].take();
        if cursor.is_null() || is_empty {
            break;
        }
        let is_newest = turns.first().is_some_and(|turn| id(turn) == last_read);
        if bytes > MAX_BYTES && !is_newest {
            let left = turns.iter().map(id).skip_while(|it| *it != last_read);
            left.for_each(|turn| drop(found.remove(turn)));
            break;
        }
    }
    for entries in found.values_mut() {
        entries.reverse();
    }
    Ok(found)
}
