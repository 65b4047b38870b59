//! `zhongshu attention`: what waits for the person, from the running server.

mod answer;

use super::error::CommandError;
use crate::cli::ExitCode;
use crate::cli::attention::{Attention, AttentionCommand};
use crate::client::{Client, ClientError};
use crate::governance::render::printable;
use crate::paths::Places;
use serde_json::Value;
use std::io::Write;

/// Prints the list or one item.
///
/// # Errors
/// When no server runs, or nothing with this id waits.
pub async fn run(
    places: &Places,
    arguments: &Attention,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let client = Client::find(places)?;
    match &arguments.command {
        None | Some(AttentionCommand::List) => {
            let list = client.get("/api/attention").await?;
            match arguments.json {
                true => writeln!(out, "{list}")?,
                false => show_list(&list, out)?,
            }
        }
        Some(AttentionCommand::Answer(given)) => answer::run(&client, given, out).await?,
        Some(AttentionCommand::Show { id }) => {
            let answer = client
                .get(&format!("/api/attention/{}", checked(id)?))
                .await?;
            match arguments.json {
                true => writeln!(out, "{}", answer["item"])?,
                false => show(&answer["item"], out)?,
            }
        }
    }
    Ok(ExitCode::Ok)
}

/// An id that can stand in an address.
pub(super) fn checked(id: &str) -> Result<&str, ClientError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match !id.is_empty() && id.chars().all(is_plain) {
        true => Ok(id),
        false => Err(ClientError::BadRequest(
            "an id has letters, digits, `-` and `_`; `zhongshu attention` lists those that there are"
                .to_owned(),
        )),
    }
}

/// A time as people say it; what is none stays as it is.
fn to_the_second(value: &Value) -> String {
    let said = text(value);
    match said.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => said,
    }
}

fn text(value: &Value) -> String {
    printable(value.as_str().unwrap_or_default())
}

fn urgency(item: &Value) -> &'static str {
    match item["urgency"].as_str() {
        Some("blocks_session") => "blocks a session",
        Some("blocks_queue") => "blocks the queue",
        _ => "may wait",
    }
}

fn show_list(list: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    let items = list["items"].as_array().cloned().unwrap_or_default();
    if items.is_empty() {
        writeln!(out, "nothing waits for you")?;
        return Ok(());
    }
    for item in &items {
        headline(item, out)?;
    }
    rest(list, items.len(), out)
}

/// An item in short: what, why, since when, and its id.
pub(super) fn headline(item: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    writeln!(out, "{}", text(&item["title"]))?;
    if item["why"].is_string() {
        writeln!(out, "    {}", text(&item["why"]))?;
    }
    writeln!(
        out,
        "    {}, since {}  {}",
        urgency(item),
        to_the_second(&item["since"]),
        text(&item["id"])
    )?;
    Ok(())
}

/// What stands below a list that is not empty, of which `shown` items were printed.
pub(super) fn rest(list: &Value, shown: usize, out: &mut impl Write) -> Result<(), CommandError> {
    let count = list["count"].as_u64().unwrap_or(0);
    if count == 0 {
        return Ok(());
    }
    let more = count.saturating_sub(shown as u64);
    if more > 0 {
        writeln!(out, "and {more} more")?;
    }
    writeln!(
        out,
        "`zhongshu attention show ID` says more; `zhongshu open` shows all of it in the dashboard"
    )?;
    Ok(())
}

fn show(item: &Value, out: &mut impl Write) -> Result<(), CommandError> {
    writeln!(out, "{}", text(&item["title"]))?;
    let mut line = |name: &str, value: &Value| -> Result<(), CommandError> {
        if value.is_string() {
            writeln!(out, "{name}: {}", text(value))?;
        }
        Ok(())
    };
    line("id", &item["id"])?;
    line("session", &item["session_id"])?;
    line("department", &item["department"])?;
    line("why", &item["why"])?;
    line("since", &item["since"])?;
    line("if nobody answers", &item["if_nobody_answers"])?;
    writeln!(out, "what:")?;
    value(&item["what"], 1, out)?;
    let is_cut = item["what"]["omitted"].as_u64() > Some(0);
    if is_cut || item["what"]["is_shortened"] == true {
        writeln!(
            out,
            "that is not all of it: `zhongshu open` shows the rest in the dashboard"
        )?;
    }
    for action in item["actions"].as_array().into_iter().flatten() {
        writeln!(
            out,
            "{}: {}",
            text(&action["label"]),
            text(&action["effect"])
        )?;
        writeln!(out, "    {}", command_of(item, action))?;
    }
    Ok(())
}

/// The line that does it. What a person has to fill in stands as `…`.
pub(super) fn command_of(item: &Value, action: &Value) -> String {
    let mut body = action["body"].clone();
    for need in action["needs"].as_array().into_iter().flatten() {
        if need["required"] == true
            && let (Some(field), Some(body)) = (need["field"].as_str(), body.as_object_mut())
        {
            body.insert(field.to_owned(), "…".into());
        }
    }
    let path = text(&action["path"]);
    let body = printable(&body.to_string()).replace('\'', r"'\''");
    match item["kind"] == "ask" {
        true => format!(
            "zhongshu attention answer {} {}{}",
            text(&item["id"]),
            text(&action["id"]),
            filled_in(&item["what"], action)
        ),
        false => format!("zhongshu api POST {path} --data '{body}'"),
    }
}

/// What an answer has to be given beside its decision, with `…` for what the person says.
fn filled_in(what: &Value, action: &Value) -> String {
    match (what["kind"].as_str(), action["id"].as_str()) {
        (Some("questions"), Some("answer")) => {
            let questions = what["questions"].as_array().into_iter().flatten();
            let answer = |question: &Value| format!(" --answer '{}=…'", text(&question["id"]));
            questions.map(answer).collect()
        }
        (Some("form"), Some("accept")) => " --content '{…}'".to_owned(),
        _ => String::new(),
    }
}

fn is_something(field: &Value) -> bool {
    !field.is_null() && field.as_array().is_none_or(|list| !list.is_empty())
}

/// Data of any shape, indented, one line for each text; a text of several lines keeps them.
fn value(value_of: &Value, depth: usize, out: &mut impl Write) -> Result<(), CommandError> {
    let indent = "    ".repeat(depth.min(8));
    match value_of {
        Value::Object(fields) => {
            for (name, field) in fields.iter().filter(|(_, field)| is_something(field)) {
                let name = printable(name);
                match field {
                    Value::Object(_) | Value::Array(_) => {
                        writeln!(out, "{indent}{name}:")?;
                        value(field, depth + 1, out)?;
                    }
                    Value::String(text) if text.contains('\n') => {
                        writeln!(out, "{indent}{name}:")?;
                        value(field, depth + 1, out)?;
                    }
                    Value::String(text) => writeln!(out, "{indent}{name}: {}", printable(text))?,
                    other => writeln!(out, "{indent}{name}: {other}")?,
                }
            }
        }
        Value::Array(list) => {
            for entry in list {
                match entry {
                    Value::Object(_) | Value::Array(_) => {
                        writeln!(out, "{indent}-")?;
                        value(entry, depth + 1, out)?;
                    }
                    Value::String(text) => writeln!(out, "{indent}- {}", printable(text))?,
                    other => writeln!(out, "{indent}- {other}")?,
                }
            }
        }
        Value::String(text) => {
            for line in text.lines() {
                writeln!(out, "{indent}{}", printable(line))?;
            }
        }
        other => writeln!(out, "{indent}{other}")?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn printed(show: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        show(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_item_is_shown_whole_and_steers_no_terminal() {
        let item = json!({
            "id": "plan_to_confirm-zhongshu-1-2", "kind": "plan_to_confirm", "urgency": "blocks_queue",
            "title": "Version 2\u{1b}[2J", "since": "2026-01-01T00:00:00Z", "why": null,
            "what": {"summary": "one\ntwo\u{202e}", "lines": [{"department": "lingyubu", "task": "a"}], "omitted": 0},
            "actions": [{"id": "reject", "label": "Reject", "effect": "It is told.", "path": "/api/reject_plan",
                "body": {"session_id": "zhongshu-1"}, "needs": [{"field": "reason", "required": true}]}],
        });
        let text = printed(|out| show(&item, out).unwrap());
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{text}"
        );
        for part in [
            "        one\n        two⟨U+202E⟩\n",
            "            department: lingyubu\n",
            "zhongshu api POST /api/reject_plan --data '{\"reason\":\"…\",\"session_id\":\"zhongshu-1\"}'",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("not all of it"), "{text}");
        let cut = json!({"what": {"lines": [{"task": "a", "verify": [], "files": ["b"]}], "is_shortened": true}});
        let text = printed(|out| show(&cut, out).unwrap());
        assert!(
            text.contains("not all of it") && text.contains("- b\n"),
            "{text}"
        );
        assert!(!text.contains("verify"), "{text}");
        let ask = json!({"id": "ask-1", "kind": "ask", "actions": [{"id": "accept", "label": "Allow", "effect": "It runs.", "body": {}}]});
        let text = printed(|out| show(&ask, out).unwrap());
        assert!(
            text.contains("zhongshu attention answer ask-1 accept"),
            "{text}"
        );
    }

    #[test]
    fn the_list_says_how_urgent_each_is_and_how_many_more_there_are() {
        let list = json!({"items": [{"id": "login-codex", "title": "Codex is not logged in", "urgency": "blocks_session", "since": "x"}], "count": 4, "more": 3});
        let text = printed(|out| show_list(&list, out).unwrap());
        assert!(
            text.contains(
                "Codex is not logged in\n    blocks a session, since x  login-codex\nand 3 more\n"
            ),
            "{text}"
        );
        assert_eq!(
            printed(|out| show_list(&json!({}), out).unwrap()),
            "nothing waits for you\n"
        );
        for bad in ["", "a b", "../x", "a?b"] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }
}
