//! What the journal knows of a thread and Codex does not keep. Everything of ours that a transcript shows comes from here.

use super::{OurRow, Row, TEXT_BYTES, Text, What};
use crate::domain::ask::asked::{Asked, How, Stage};
use crate::domain::ask::given::Reply;
use crate::domain::ask::{self, Access};
use crate::domain::state::State;
use std::fmt::Write as _;

/// Our rows of a thread, oldest first: what Codex asked in it and what became of that. Of what is over only as much as is remembered.
pub fn rows_of(state: &State, thread_id: &str) -> Vec<OurRow> {
    let all = state.asks.settled().chain(state.asks.unsettled());
    all.filter(|asked| asked.ask.thread_id == thread_id)
        .map(row_of)
        .collect()
}

fn row_of(asked: &Asked) -> OurRow {
    let ask = &asked.ask;
    let (ended_at, by, reply, other) = match &asked.stage {
        Stage::Open => (None, None, None, None),
        Stage::Answered { by, reply, at } => (Some(*at), Some(by.clone()), Some(reply), None),
        Stage::Settled {
            how,
            at,
            by,
            reply,
            other,
        } => {
            let by = by.clone().filter(|_| *how != How::Both);
            let by = by.or_else(|| place(*how).map(str::to_owned));
            (Some(*at), by, reply.as_ref(), other.as_deref())
        }
    };
    let is_expired = matches!(
        asked.stage,
        Stage::Settled {
            how: How::Expired,
            ..
        }
    );
    let decision = match reply {
        _ if is_expired => Some("expired".to_owned()),
        Some(reply) => Some(reply.decision.clone()),
        // It was decided elsewhere, and nobody said what.
        None => ended_at.map(|_| "unknown".to_owned()),
    };
    let turn = ask.turn_id.as_deref().unwrap_or_default();
    OurRow {
        turn_id: ask.turn_id.clone(),
        item_id: ask.item_id.clone(),
        row: Row {
            id: format!("{turn}/{}", ask.id),
            at: Some(ask.raised_at),
            ended_at,
            what: What::Ask {
                ask_id: ask.id.to_string(),
                text: Text::beginning(&asks(&ask.what), TEXT_BYTES),
                decision,
                by,
                words: both(reply, other),
            },
        },
    }
}

/// Where it was decided, unless that was here.
fn place(how: How) -> Option<&'static str> {
    match how {
        How::Here | How::Expired => None,
        How::InTerminal => Some("in_terminal"),
        How::Both => Some("both"),
        How::Elsewhere => Some("elsewhere"),
    }
}

/// What was asked, in its own words.
fn asks(what: &ask::What) -> String {
    match what {
        ask::What::Command { command, .. } => command.clone(),
        ask::What::Patch { files, .. } => {
            let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
            paths.join("\n")
        }
        ask::What::Permissions { access, .. } => wanted(access),
        ask::What::Questions { questions, .. } => {
            let texts: Vec<_> = questions.iter().map(|it| it.question.as_str()).collect();
            texts.join("\n")
        }
        ask::What::Form { message, .. } => message.clone(),
        ask::What::Url { message, url, .. } => format!("{message}\n{url}"),
        ask::What::McpTool {
            server,
            tool,
            params,
            ..
        } => format!("{server} · {tool} {params}"),
        ask::What::ToolCall { tool, arguments } => format!("{tool} {arguments}"),
        ask::What::Unknown { method, params } => format!("{method} {params}"),
    }
}

fn wanted(access: &Access) -> String {
    let mut lines = Vec::new();
    if access.network == Some(true) {
        lines.push("network".to_owned());
    }
    lines.extend(access.read.iter().map(|path| format!("read {path}")));
    lines.extend(access.write.iter().map(|path| format!("write {path}")));
    lines.extend(access.other_entries().map(ToString::to_string));
    lines.join("\n")
}

/// What was answered here, and what in the terminal where both were.
fn both(here: Option<&Reply>, there: Option<&Reply>) -> Option<String> {
    let Some(there) = there else {
        return here.and_then(said);
    };
    let all = [here, Some(there)].into_iter().flatten();
    let lines = all.map(|reply| match said(reply) {
        Some(said) => format!("{}: {said}", reply.decision),
        None => reply.decision.clone(),
    });
    Some(lines.collect::<Vec<_>>().join("\n"))
}

/// What was answered, or said with the decision; of what is kept nowhere only that it was given.
fn said(reply: &Reply) -> Option<String> {
    let mut text = String::new();
    for (question, answers) in &reply.answers {
        // Writing to a string cannot fail.
        writeln!(text, "{question}: {}", answers.join(", ")).ok();
    }
    for name in &reply.withheld {
        writeln!(text, "{name}: ***").ok();
    }
    if let Some(content) = &reply.content {
        writeln!(text, "{content}").ok();
    }
    if let Some(access) = &reply.permissions {
        writeln!(text, "{}", wanted(access)).ok();
    }
    text.extend(reply.words.as_deref());
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use serde_json::json;

    fn asked(stage: serde_json::Value) -> Asked {
        let mut whole = json!({
            "ask_id": "ask-01900000-0000-7000-8000-000000000001",
            "request_key": { "server": "1-1", "request": "0" },
            "thread_id": "thread", "turn_id": "turn", "item_id": "item",
            "what": { "kind": "questions", "is_blocking": true, "questions": [
                { "id": "colour", "header": "Colour", "question": "Which colour?" },
                { "id": "key", "header": "Key", "question": "Which key?", "is_secret": true },
            ] },
            "raised_at": "2026-01-01T00:00:00Z", "offered": [],
        });
        let stage = stage.as_object().unwrap().clone();
        whole.as_object_mut().unwrap().extend(stage);
        serde_json::from_value(whole).unwrap()
    }

    fn shown(stage: serde_json::Value) -> (Option<String>, Option<String>, Option<String>) {
        let OurRow { turn_id, row, .. } = row_of(&asked(stage));
        assert_eq!(turn_id.as_deref(), Some("turn"));
        match row.what {
            What::Ask {
                text,
                decision,
                by,
                words,
                ..
            } => {
                assert_eq!(text.text, "Which colour?\nWhich key?");
                (decision, by, words)
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_ask_says_what_was_decided_where_and_with_which_words_and_no_secret() {
        let ended_at = |stage| row_of(&asked(stage)).row.ended_at;
        assert_eq!(ended_at(json!({ "stage": "open" })), None);
        let answered = json!({
            "stage": "answered", "by": "person:cli", "at": "2026-01-01T00:00:01Z", "reply": { "decision": "answer" },
        });
        assert!(ended_at(answered).is_some());
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(shown(json!({ "stage": "open" })), (None, None, None));
        let reply = json!({
            "decision": "answer", "answers": { "colour": ["red", "not too dark"] }, "withheld": ["key"],
        });
        let at = "2026-01-01T00:00:01Z";
        let here = json!({ "stage": "settled", "how": "here", "at": at, "by": "person:cli", "reply": reply });
        assert_eq!(
            shown(here),
            (
                text("answer"),
                text("person:cli"),
                text("colour: red, not too dark\nkey: ***")
            )
        );
        let there = json!({ "stage": "settled", "how": "in_terminal", "at": at });
        assert_eq!(shown(there), (text("unknown"), text("in_terminal"), None));
        let lapsed = json!({ "stage": "settled", "how": "expired", "at": at });
        assert_eq!(shown(lapsed), (text("expired"), None, None));
    }
}
