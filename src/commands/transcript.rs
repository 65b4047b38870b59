//! `zhongshu transcript ID`: what was said and done in a session's thread, as text, JSON or Markdown, and as it goes on.

use super::error::CommandError;
use crate::cli::ExitCode;
use crate::cli::transcript::{Form, Transcript};
use crate::client::{Client, ServerEvent};
use crate::domain::language::Language;
use crate::domain::shown::{shown, shown_line};
use crate::paths::Places;
use chrono::{DateTime, Local};
use futures_util::StreamExt as _;
use local_os::tell;
use serde_json::Value;
use std::collections::HashSet;
use std::io::Write;

/// Turns asked for at once.
const PAGE: u32 = 20;
/// Newest turns that are read again when a turn has ended.
const FRESH: u32 = 5;

/// Prints a transcript, and with `--follow` whatever is said from then on.
///
/// # Errors
/// When no server runs, or it has no such transcript.
pub async fn run(
    places: &Places,
    wanted: &Transcript,
    language: Language,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let client = Client::find(places)?;
    let (id, form, follow) = (escaped(&wanted.id), wanted.form(), wanted.follow);
    if form == Form::Markdown {
        let path = format!(
            "/api/thread?id={id}&format=markdown&lang={}",
            language.tag()
        );
        return whole(&client, &path, out).await;
    }
    let mut printer = Printer {
        form,
        done: HashSet::new(),
        turn: None,
        out,
    };
    // Listened to before it is read, so that nothing is missed between.
    let mut events = match follow {
        true => Some(Box::pin(
            client
                .events(&format!("/api/thread_stream?id={id}"))
                .await?,
        )),
        false => None,
    };
    let mut cursor: Option<String> = None;
    loop {
        let path = format!("/api/thread?id={id}&order=oldest&limit={PAGE}");
        let path = match &cursor {
            Some(cursor) => format!("{path}&cursor={}", escaped(cursor)),
            None => path,
        };
        let page = client.get(&path).await?;
        for turn in page["turns"].as_array().into_iter().flatten() {
            printer.turn(turn, !follow)?;
        }
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    let Some(mut events) = events.take() else {
        return Ok(ExitCode::Ok);
    };
    while let Some(event) = events.next().await {
        let ServerEvent { event, data, .. } = event?;
        let data: Value = serde_json::from_str(&data).unwrap_or_default();
        match event.as_str() {
            "turn" => printer.turn(&data["turn"], false)?,
            "history" => {
                if let Some(said) = change(&data["change"]) {
                    tell!("{said}");
                }
                let path = format!("/api/thread?id={id}&limit={FRESH}");
                let page = client.get(&path).await?;
                for turn in page["turns"].as_array().into_iter().flatten().rev() {
                    printer.turn(turn, false)?;
                }
            }
            _ => {}
        }
    }
    tell!("zhongshu has stopped");
    Ok(ExitCode::Ok)
}

fn change(change: &Value) -> Option<&'static str> {
    match change.as_str()? {
        "reverted" => {
            Some("turns were taken back; what was printed of them is gone from the thread")
        }
        "deleted" => Some("the thread was deleted"),
        _ => None,
    }
}

async fn whole(
    client: &Client,
    path: &str,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let (status, mut pieces) = client.stream("GET", path, None).await?;
    if !status.is_success() {
        // The sentence is in the body, which is short.
        client.get(path).await?;
        return Ok(ExitCode::Failed);
    }
    while let Some(piece) = pieces.next().await? {
        out.write_all(&piece)?;
    }
    out.flush()?;
    Ok(ExitCode::Ok)
}

struct Printer<'a, W> {
    form: Form,
    /// What was printed.
    done: HashSet<String>,
    /// The turn of the last row.
    turn: Option<String>,
    out: &'a mut W,
}

impl<W: Write> Printer<'_, W> {
    /// Prints the rows of a turn that were not printed; `unfinished` ones too.
    fn turn(&mut self, turn: &Value, unfinished: bool) -> Result<(), CommandError> {
        for row in turn["rows"].as_array().into_iter().flatten() {
            let is_due =
                unfinished || !row["ended_at"].is_null() || turn["status"] != "in_progress";
            let id = row["id"].as_str().unwrap_or_default();
            if !is_due || !self.done.insert(id.to_owned()) {
                continue;
            }
            match self.form {
                Form::Json => writeln!(self.out, "{row}")?,
                _ => {
                    let of = turn["id"].as_str().map(str::to_owned);
                    if self.turn != of {
                        self.turn = of;
                        writeln!(self.out, "{}", heading(turn))?;
                    }
                    writeln!(self.out, "{}\n", text(row))?;
                }
            }
        }
        self.out.flush()?;
        Ok(())
    }
}

fn heading(turn: &Value) -> String {
    let at = turn["started_at"].as_str();
    let at = at.and_then(|at| DateTime::parse_from_rfc3339(at).ok());
    let at = at.map(|at| {
        at.with_timezone(&Local)
            .format("%Y-%m-%d %H:%M:%S ")
            .to_string()
    });
    let id = turn["id"].as_str().unwrap_or_default();
    format!("== {}{}\n", at.unwrap_or_default(), shown_line(id))
}

/// One row for a terminal.
fn text(row: &Value) -> String {
    let of = |name: &str| shown(row[name]["text"].as_str().unwrap_or_default()).into_owned();
    let word = |name: &str| shown_line(row[name].as_str().unwrap_or_default()).into_owned();
    let kind = row["kind"].as_str().unwrap_or_default();
    let mut said = match kind {
        "message" => format!("› {}", of("text")),
        "answer" => format!("• {}", of("text")),
        "reasoning" => format!("… {}", of("text")),
        "plan" => format!("plan: {}", of("text")),
        "command" => {
            let code = row["exit_code"]
                .as_i64()
                .map(|code| format!(", exit {code}"));
            let code = code.unwrap_or_default();
            let mut said = format!("$ {}\n{}", of("command"), of("output").trim_end());
            said.push_str(&format!("\n[{}{code}, in {}]", word("status"), word("cwd")));
            if row["output_at_limit"] == true {
                said.push_str("\n[Codex keeps 65,536 characters of an output, its beginning and its end; the middle is missing]");
            }
            said
        }
        "patch" => {
            let files = row["files"].as_array().into_iter().flatten();
            let files = files.map(|file| {
                let text = |value: &Value| shown(value.as_str().unwrap_or_default()).into_owned();
                let (change, path) = (text(&file["change"]), text(&file["path"]));
                format!(
                    "± {change} {path}\n{}",
                    text(&file["diff"]["text"]).trim_end()
                )
            });
            let files: Vec<String> = files.collect();
            format!("{}\n[{}]", files.join("\n"), word("status"))
        }
        "tool" => {
            let error = of("error");
            let back = if error.is_empty() {
                of("result")
            } else {
                error
            };
            let name = format!("{}.{}", word("server"), word("tool"));
            format!(
                "⚙ {} {}\n{}\n[{}]",
                name.trim_start_matches('.'),
                of("arguments"),
                back.trim_end(),
                word("status")
            )
        }
        "web_search" => format!("web search: {}", of("query")),
        "image" => format!("image: {}", word("path")),
        "review" => format!("review: {}", of("text")),
        "compaction" => "[the thread was made shorter]".to_owned(),
        "turn_failed" => format!("[the turn failed: {}]", of("reason")),
        "turn_interrupted" => "[the turn was interrupted]".to_owned(),
        "ask" => {
            let decision = word("decision");
            format!(
                "? {}\n[{decision} {}] {}",
                of("text"),
                word("by"),
                word("words")
            )
        }
        other => format!("{}: {}", shown_line(other), of("raw")),
    };
    let texts = ["text", "output", "raw", "error", "query", "reason"].iter();
    let left_out: u64 = texts
        .filter_map(|name| row[*name]["left_out"].as_u64())
        .sum();
    if left_out > 0 {
        said.push_str(&format!(
            "\n[{left_out} bytes are left out; `zhongshu api GET '/api/thread/item?id=…&item={}'` shows all]",
            word("id")
        ));
    }
    said
}

/// A value for a query.
/// A text as it may stand in an address.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => out.push(byte.into()),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_steers_no_terminal() {
        let hostile = "a\u{1b}[2J\u{202e}b";
        for row in [
            json!({"kind": "answer", "text": {"text": hostile}}),
            json!({"kind": "command", "command": {"text": hostile}, "cwd": hostile, "status": hostile, "output": {"text": hostile}}),
            json!({"kind": "patch", "status": hostile, "files": [{"path": hostile, "change": hostile, "diff": {"text": hostile}}]}),
            json!({"kind": "tool", "server": hostile, "tool": hostile, "arguments": {"text": hostile}, "error": {"text": hostile}}),
            json!({"kind": hostile, "raw": {"text": hostile}}),
            json!({"kind": "ask", "text": {"text": hostile}, "decision": hostile, "by": hostile, "words": hostile}),
        ] {
            let said = text(&row);
            assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said}");
            assert!(said.contains("a⟨U+001B⟩[2J⟨U+202E⟩b"), "{said}");
        }
        assert_eq!(escaped("{\"a\":1}&二"), "%7B%22a%22%3A1%7D%26%E4%BA%8C");
    }
}
