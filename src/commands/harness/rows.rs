//! Answers in words: tables, transcripts, and an outline for whatever has no form of its own.

use crate::commands::error::CommandError;
use crate::commands::table;
use crate::domain::shown::{shown, shown_line};
use crate::governance::render::printable;
use chrono::{DateTime, Local};
use serde_json::Value;
use std::io::Write;

/// Lists that are tables: heads, and where in an entry the cells are.
const TABLES: [(&str, &[(&str, &str)]); 8] = [
    (
        "sessions_list",
        &[
            ("ID", "/sessionId"),
            ("STATUS", "/status"),
            ("WAITS", "/pending"),
            ("UPDATED", "/updatedAt"),
            ("MODEL", "/sessionControls/model"),
            ("TITLE", "/title"),
        ],
    ),
    (
        "projects_list",
        &[
            ("ID", "/projectId"),
            ("NAME", "/name"),
            ("DIRECTORY", "/workingDirectory"),
        ],
    ),
    (
        "approvals_list",
        &[
            ("ID", "/approvalId"),
            ("SESSION", "/threadId"),
            ("SINCE", "/createdAt"),
            ("WHAT", "/summary"),
        ],
    ),
    (
        "tool_input_list",
        &[
            ("ID", "/requestId"),
            ("SESSION", "/threadId"),
            ("SINCE", "/createdAt"),
            ("WHAT", "/summary"),
        ],
    ),
    (
        "tool_calls_list",
        &[
            ("ID", "/requestId"),
            ("SESSION", "/threadId"),
            ("TOOL", "/tool"),
            ("WHAT", "/summary"),
        ],
    ),
    (
        "jobs_list",
        &[
            ("ID", "/id"),
            ("STATE", "/state"),
            ("TYPE", "/type"),
            ("CREATED", "/createdAt"),
        ],
    ),
    (
        "models",
        &[
            ("MODEL", "/id"),
            ("NAME", "/displayName"),
            ("EFFORT", "/defaultReasoningEffort"),
            ("DESCRIPTION", "/description"),
        ],
    ),
    (
        "projects_agent_sessions",
        &[("SESSION", "/sessionId"), ("AGENT", "/agent")],
    ),
];

/// Prints what an operation answered.
///
/// # Errors
/// When it cannot be printed.
pub(super) fn show(
    operation: &str,
    body: &Value,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    if let Some((_, columns)) = TABLES.iter().find(|(id, _)| *id == operation) {
        return list(columns, body, out);
    }
    match operation {
        "sessions_get" => whole_session(body, out),
        "messages_send" => {
            let turn = printable(body["turnId"].as_str().unwrap_or_default());
            match body["steered"] == true {
                true => writeln!(out, "said in turn {turn}, which runs")?,
                false => writeln!(out, "turn {turn} runs")?,
            }
            Ok(())
        }
        "extensions_list" | "extensions_trust" => {
            outline(body, 0, out)?;
            untrusted(body, out)
        }
        _ if body["session"]["sessionId"].is_string() => session(&body["session"], out),
        _ => outline(body, 0, out),
    }
}

fn list(columns: &[(&str, &str)], body: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    let entries = body["data"].as_array().map_or(&[][..], Vec::as_slice);
    if entries.is_empty() {
        writeln!(out, "there is nothing")?;
        return Ok(());
    }
    let heads: Vec<&str> = columns.iter().map(|(head, _)| *head).collect();
    let row = |entry: &Value| {
        let cells = columns
            .iter()
            .map(|(head, pointer)| cell(head, entry.pointer(pointer)));
        cells.collect()
    };
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    table::print(&heads, &rows, out)?;
    if let Some(cursor) = body["nextCursor"].as_str() {
        writeln!(out, "there are more: --cursor {}", printable(cursor))?;
    }
    Ok(())
}

fn cell(head: &str, value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => shown_line(text).into_owned(),
        Some(Value::Number(seconds)) if head == "UPDATED" => {
            let time = seconds
                .as_i64()
                .and_then(|it| DateTime::from_timestamp(it, 0));
            let time = time.map(|it| it.with_timezone(&Local));
            time.map_or_else(String::new, |it| it.format("%Y-%m-%d %H:%M").to_string())
        }
        None | Some(Value::Null) => "-".to_owned(),
        Some(other) => printable(&other.to_string()),
    }
}

/// What a session is, on a few lines.
fn session(session: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    let controls = &session["sessionControls"];
    for (name, value) in [
        ("session", &session["sessionId"]),
        ("title", &session["title"]),
        ("status", &session["status"]),
        ("directory", &session["cwd"]),
        ("model", &controls["model"]),
        ("approvals", &controls["approvalPolicy"]),
        ("sandbox", &controls["filesystemSandbox"]),
        ("network", &controls["networkAccess"]),
        ("project", &session["projectId"]),
    ] {
        if let Some(text) = value.as_str() {
            writeln!(out, "{name:<10} {}", shown_line(text))?;
        }
    }
    if let Some(waiting @ 1..) = session["pending"].as_u64() {
        writeln!(out, "waits      {waiting}")?;
    }
    if session["archived"] == true {
        writeln!(out, "archived   yes")?;
    }
    Ok(())
}

fn whole_session(body: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    session(&body["session"], out)?;
    if body["nextCursor"].is_string() {
        writeln!(out, "\n(older turns are left out; `--turns` shows more)")?;
    }
    for row in body["transcript"].as_array().into_iter().flatten() {
        writeln!(out)?;
        transcript_row(row, out)?;
    }
    Ok(())
}

/// One row of a transcript: who, and what.
pub(super) fn transcript_row(row: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    let text = |name: &str| row[name].as_str().unwrap_or_default();
    let who = match (text("role"), text("type")) {
        ("user", "userMessage") => "you".to_owned(),
        ("assistant", "agentMessage") => "codex".to_owned(),
        (_, kind) => printable(kind),
    };
    match text("status") {
        "complete" | "" => writeln!(out, "{who}:")?,
        status => writeln!(out, "{who} ({}):", printable(status))?,
    }
    indented(text("content"), 2, out)
}

fn indented(text: &str, depth: usize, out: &mut impl Write) -> Result<(), CommandError> {
    for line in shown(text).lines() {
        match line.is_empty() {
            true => writeln!(out)?,
            false => writeln!(out, "{:depth$}{line}", "")?,
        }
    }
    Ok(())
}

/// What would let those run that nobody trusts as they are.
fn untrusted(body: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    for module in body["modules"].as_array().into_iter().flatten() {
        let trust = &module["trust"];
        let text = |value: &Value| printable(value.as_str().unwrap_or_default());
        let why = match text(&trust["status"]).as_str() {
            "untrusted" => "does not run before you trust its files",
            "changed" => "has changed, and does not run before you trust its files as they are now",
            _ => continue,
        };
        let (id, digest) = (text(&module["agentId"]), text(&trust["digest"]));
        writeln!(out, "\n{id} {why}:")?;
        writeln!(
            out,
            "  zhongshu harness extensions trust {id} --digest {digest}"
        )?;
        if trust["mode"] == "disabled" {
            writeln!(
                out,
                "  (extensions are switched off as well: `harness.extensions.mode` in governance.yaml)"
            )?;
        }
    }
    Ok(())
}

/// Any JSON, a line for each value.
fn outline(value: &Value, depth: usize, out: &mut impl Write) -> Result<(), CommandError> {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                entry(&format!("{}:", printable(name)), value, depth, out)?;
            }
        }
        Value::Array(items) => {
            for item in items {
                entry("-", item, depth, out)?;
            }
        }
        other => writeln!(out, "{:depth$}{}", "", scalar(other))?,
    }
    Ok(())
}

fn entry(
    head: &str,
    value: &Value,
    depth: usize,
    out: &mut impl Write,
) -> Result<(), CommandError> {
    let is_empty = match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match value {
        _ if is_empty => writeln!(out, "{:depth$}{head} -", "")?,
        Value::Object(_) | Value::Array(_) => {
            writeln!(out, "{:depth$}{head}", "")?;
            outline(value, depth + 2, out)?;
        }
        Value::String(text) if text.contains('\n') => {
            writeln!(out, "{:depth$}{head}", "")?;
            indented(text, depth + 2, out)?;
        }
        other => writeln!(out, "{:depth$}{head} {}", "", scalar(other))?,
    }
    Ok(())
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => shown_line(text).into_owned(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn said(operation: &str, body: &Value) -> String {
        let mut out = Vec::new();
        show(operation, body, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn answers_are_read_without_knowing_json() {
        let row = |role: &str, kind: &str, content: &str, status: &str| json!({"role": role, "type": kind, "content": content, "status": status});
        let body = json!({
            "session": {"sessionId": "s", "title": "A\u{202e}", "pending": 1},
            "transcript": [row("user", "userMessage", "Hello.", "complete"),
                row("assistant", "agentMessage", "One.\n\nTwo.", "streaming")],
        });
        let expected = "session    s\ntitle      A⟨U+202E⟩\nwaits      1\n\nyou:\n  Hello.\n\ncodex (streaming):\n  One.\n\n  Two.\n";
        assert_eq!(said("sessions_get", &body), expected);
        let outlined = said(
            "anything",
            &json!({"a": [{"b": 1}, "c"], "d": {}, "e": "x\ny", "f": null}),
        );
        assert_eq!(
            outlined,
            "a:\n  -\n    b: 1\n  - c\nd: -\ne:\n  x\n  y\nf: -\n"
        );
        let module = |id: &str, status: &str, mode: &str| json!({"agentId": id, "trust": {"mode": mode, "status": status, "digest": "d1"}});
        let list = json!({"modules": [module("a", "trusted", "warn"), module("b", "untrusted", "disabled"), module("c", "changed", "warn")]});
        let told = said("extensions_list", &list);
        let (_, lines) = told.split_once("\n\n").unwrap();
        assert_eq!(
            lines,
            "b does not run before you trust its files:\n  zhongshu harness extensions trust b --digest d1\n  (extensions are switched off as well: `harness.extensions.mode` in governance.yaml)\n\nc has changed, and does not run before you trust its files as they are now:\n  zhongshu harness extensions trust c --digest d1\n"
        );
        let page = json!({"data": [{"projectId": "p", "name": "One", "workingDirectory": null}], "nextCursor": "n"});
        assert_eq!(
            said("projects_list", &page),
            "ID  NAME  DIRECTORY\np   One   -\nthere are more: --cursor n\n"
        );
        assert_eq!(
            said("projects_list", &json!({"data": []})),
            "there is nothing\n"
        );
    }
}
