//! What was asked in a thread, and what came of it, as rows of its transcript: Codex keeps neither.

use super::change::NO_TURN;
use super::row::{MAX_CONTENT_BYTES, Role, RowStatus, TranscriptEntry};
use crate::domain::ask::asked::{Asked, How, Stage};
use crate::domain::ask::decision::Decision;
use crate::domain::ask::given::Reply;
use crate::domain::ask::{Ask, What, cut_to};
use crate::domain::sentence::say;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Bytes of a request's parameters that a row has; more of it nobody reads there.
const MAX_PARAMS: usize = 16 * 1024;

/// The rows of an ask: that it was asked and, once it is over, what came of it. `method` and `params` are those of its request.
pub fn rows(asked: &Asked, method: &str, params: Value) -> Vec<TranscriptEntry> {
    let ask = &asked.ask;
    let (ended_at, is_expired) = match &asked.stage {
        Stage::Open => (None, false),
        Stage::Answered { at, .. } => (Some(*at), false),
        Stage::Settled { at, how, .. } => (Some(*at), *how == How::Expired),
    };
    let status = match ended_at {
        None => RowStatus::Streaming,
        Some(_) if is_expired => RowStatus::Canceled,
        Some(_) => RowStatus::Complete,
    };
    let mut details = named(ask);
    details["method"] = json!(method);
    details["summary"] = json!(ask.title().to_string());
    details["createdAt"] = json!(ask.raised_at);
    if params.to_string().len() <= MAX_PARAMS {
        details["details"] = params;
    }
    let request = TranscriptEntry {
        status,
        completed_at: ended_at.map(|at| at.timestamp_millis()),
        ..row(
            ask,
            "request",
            ask.title().to_string(),
            &details,
            ask.raised_at,
        )
    };
    let resolved = match &asked.stage {
        Stage::Settled {
            how, at, by, reply, ..
        } => Some(resolved(ask, *how, *at, by.as_deref(), reply.as_ref())),
        Stage::Open | Stage::Answered { .. } => None,
    };
    [Some(request), resolved].into_iter().flatten().collect()
}

fn resolved(
    ask: &Ask,
    how: How,
    at: DateTime<Utc>,
    by: Option<&str>,
    reply: Option<&Reply>,
) -> TranscriptEntry {
    let is_expired = how == How::Expired;
    let reply = reply.filter(|_| !is_expired);
    let decision = reply.and_then(|it| ask.takes(&it.decision));
    // What is only known by what was done is a yes or a no all the same.
    let word = reply.map(|it| word(&it.decision));
    let mut details = named(ask);
    details["status"] = json!(if is_expired { "expired" } else { "resolved" });
    details["by"] = json!(by);
    match &ask.what {
        What::ToolCall { .. } => {
            let content = reply.and_then(|it| it.content.as_ref());
            details["success"] = content.map_or(Value::Null, |it| it["success"].clone());
        }
        _ => {
            details["decision"] = json!(word);
            details["scope"] = json!(decision.as_ref().and_then(scope));
        }
    }
    if let Some(reply) = reply.filter(|it| !it.answers.is_empty()) {
        details["answers"] = json!(reply.answers);
    }
    let mut content = match (is_expired, word, by) {
        (true, ..) => say!("harness.ask.expired"),
        (false, Some(word), Some(by)) => say!("harness.ask.decided_by", word, by),
        (false, Some(word), None) => say!("harness.ask.decided", word),
        (false, None, _) => say!("harness.ask.decided_elsewhere"),
    }
    .to_string();
    for (question, texts) in reply.into_iter().flat_map(|it| &it.answers) {
        let _ = write!(content, "\n{question}: {}", texts.join(", "));
    }
    let row = row(ask, "resolved", content, &details, at);
    TranscriptEntry {
        completed_at: Some(at.timestamp_millis()),
        status: match is_expired {
            true => RowStatus::Canceled,
            false => RowStatus::Complete,
        },
        ..row
    }
}

/// Which it is.
fn named(ask: &Ask) -> Value {
    let id_field = match &ask.what {
        What::Questions { .. } | What::ToolCall { .. } => "requestId",
        _ => "approvalId",
    };
    json!({
        id_field: ask.id,
        "threadId": ask.thread_id,
        "turnId": ask.turn_id,
        "itemId": ask.item_id,
        "anchorItemId": ask.item_id,
    })
}

fn row(
    ask: &Ask,
    part: &str,
    mut content: String,
    details: &Value,
    at: DateTime<Utc>,
) -> TranscriptEntry {
    let group = match &ask.what {
        What::Questions { .. } => "tool_input",
        What::ToolCall { .. } => "tool_call",
        _ => "approval",
    };
    cut_to(&mut content, MAX_CONTENT_BYTES);
    TranscriptEntry {
        message_id: format!("{group}.{part}:{}", ask.id),
        turn_id: ask.turn_id.clone().unwrap_or_else(|| NO_TURN.to_owned()),
        role: Role::System,
        kind: format!("{group}.{part}"),
        content,
        details: Some(details.to_string()),
        started_at: Some(at.timestamp_millis()),
        completed_at: None,
        status: RowStatus::Complete,
    }
}

/// A decision in the words of the harness.
pub fn word(decision: &str) -> &'static str {
    match decision {
        "decline" | "deny_host" => "decline",
        "cancel" => "cancel",
        _ => "accept",
    }
}

/// How far a yes reaches, where it says so.
pub fn scope(decision: &Decision) -> Option<&'static str> {
    match decision {
        Decision::Accept | Decision::GrantTurn => Some("turn"),
        Decision::AcceptForSession | Decision::GrantSession => Some("session"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::ask::RequestKey;
    use crate::domain::ids::AskId;

    fn asked(what: Value, offered: Vec<Decision>, stage: Stage) -> Asked {
        Asked {
            ask: Ask {
                id: AskId::parse("ask-1").unwrap(),
                request_key: RequestKey {
                    server: "1@1".to_owned(),
                    request: "0".to_owned(),
                },
                thread_id: "thread".to_owned(),
                turn_id: Some("turn".to_owned()),
                item_id: Some("item".to_owned()),
                session_id: None,
                what: serde_json::from_value(what).unwrap(),
                why: None,
                raised_at: DateTime::UNIX_EPOCH,
                offered,
                cut: Vec::new(),
            },
            stage,
        }
    }

    fn settled(how: How, reply: Option<Reply>) -> Stage {
        Stage::Settled {
            how,
            at: DateTime::from_timestamp(5, 0).unwrap(),
            by: Some("person:cli".to_owned()),
            reply,
            other: None,
        }
    }

    fn said(decision: &str) -> Reply {
        Reply {
            decision: decision.to_owned(),
            ..Reply::default()
        }
    }

    fn details(row: &TranscriptEntry) -> Value {
        serde_json::from_str(row.details.as_deref().unwrap()).unwrap()
    }

    #[test]
    fn an_approval_has_a_row_when_it_is_asked_and_one_when_it_is_over() {
        let command = || json!({ "kind": "command", "command": "touch x" });
        let offered = || {
            vec![
                Decision::Accept,
                Decision::AcceptForSession,
                Decision::Decline,
            ]
        };
        let open = rows(
            &asked(command(), offered(), Stage::Open),
            "m",
            json!({ "a": 1 }),
        );
        assert_eq!(open.len(), 1);
        assert_eq!(
            (open[0].kind.as_str(), open[0].status),
            ("approval.request", RowStatus::Streaming)
        );
        assert!(open[0].content.contains("touch x"));
        assert_eq!(details(&open[0])["anchorItemId"], "item");
        assert_eq!(details(&open[0])["details"], json!({ "a": 1 }));
        let long = rows(
            &asked(command(), offered(), Stage::Open),
            "m",
            json!("x".repeat(MAX_PARAMS)),
        );
        assert_eq!(details(&long[0])["details"], Value::Null);

        let stage = settled(How::Here, Some(said("accept_for_session")));
        let over = rows(&asked(command(), offered(), stage), "m", Value::Null);
        let [request, resolved] = &over[..] else {
            panic!("{over:?}");
        };
        assert_eq!(
            (request.status, request.completed_at),
            (RowStatus::Complete, Some(5000))
        );
        assert_eq!(
            (resolved.kind.as_str(), resolved.status),
            ("approval.resolved", RowStatus::Complete)
        );
        let told = details(resolved);
        assert_eq!(
            (
                &told["status"],
                &told["decision"],
                &told["scope"],
                &told["by"]
            ),
            (
                &json!("resolved"),
                &json!("accept"),
                &json!("session"),
                &json!("person:cli")
            )
        );
        let lapsed = rows(
            &asked(command(), offered(), settled(How::Expired, None)),
            "m",
            Value::Null,
        );
        assert!(lapsed.iter().all(|it| it.status == RowStatus::Canceled));
        assert_eq!(details(&lapsed[1])["status"], "expired");
        let unknown = rows(
            &asked(command(), offered(), settled(How::Elsewhere, None)),
            "m",
            Value::Null,
        );
        assert_eq!(details(&unknown[1])["decision"], Value::Null);
    }

    #[test]
    fn answers_and_results_are_told_by_their_own_names() {
        let question = json!({ "kind": "questions", "is_blocking": true,
            "questions": [{ "id": "colour", "header": "", "question": "Which?" }] });
        let reply = Reply {
            answers: [("colour".to_owned(), vec!["Blue".to_owned()])].into(),
            ..said("answer")
        };
        let over = rows(
            &asked(
                question,
                vec![Decision::Answer],
                settled(How::Here, Some(reply)),
            ),
            "m",
            Value::Null,
        );
        assert_eq!(
            (over[0].kind.as_str(), over[1].kind.as_str()),
            ("tool_input.request", "tool_input.resolved")
        );
        assert!(
            over[1].content.contains("colour: Blue"),
            "{}",
            over[1].content
        );
        assert_eq!(details(&over[1])["requestId"], "ask-1");

        let call = json!({ "kind": "tool_call", "tool": "weather", "arguments": {} });
        let reply = Reply {
            content: Some(json!({ "success": false, "contentItems": [] })),
            ..said("answer")
        };
        let over = rows(
            &asked(
                call,
                vec![Decision::Answer],
                settled(How::Here, Some(reply)),
            ),
            "m",
            Value::Null,
        );
        assert_eq!(over[1].kind, "tool_call.resolved");
        assert_eq!(details(&over[1])["success"], false);
    }
}
