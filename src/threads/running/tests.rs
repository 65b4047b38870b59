//! What streams is there for who comes late, grows without bound never, and goes with its turn.
#![allow(clippy::unwrap_used)]

use super::*;
use serde_json::{Value, json};

fn hear(running: &Running, method: &str, mut params: Value) {
    params["threadId"] = "T".into();
    let notification = Notification::read(method.to_owned(), params);
    assert!(
        !matches!(notification, Notification::Other { .. }),
        "{method}"
    );
    running.hear(&notification);
}

fn begun() -> Running {
    let running = Running::default();
    let turn = json!({"id": "t", "status": "inProgress", "startedAt": 1_800_000_000});
    hear(&running, "turn/started", json!({ "turn": turn }));
    running
}

fn delta(running: &Running, kind: &str, item: &str, text: &str) {
    let params = json!({"turnId": "t", "itemId": item, "delta": text});
    hear(running, &format!("item/{kind}"), params);
}

fn item(running: &Running, moment: &str, item: Value) {
    let mut params = json!({"turnId": "t", "item": item});
    let when = match moment {
        "started" => "startedAtMs",
        _ => "completedAtMs",
    };
    params[when] = 1_800_000_001_000_i64.into();
    hear(running, &format!("item/{moment}"), params);
}

fn text(row: &Row) -> &Text {
    match &row.what {
        What::Answer { text } | What::Reasoning { text } => text,
        What::Command { output, .. } => output,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pieces_are_there_for_who_comes_late_and_give_way_to_the_whole() {
    let running = begun();
    item(
        &running,
        "started",
        json!({"type": "agentMessage", "id": "m", "text": ""}),
    );
    delta(&running, "agentMessage/delta", "m", "Hel");
    delta(&running, "agentMessage/delta", "m", "lo");
    let turn = running.turn("T").unwrap();
    assert_eq!((turn.rows[0].id.as_str(), turn.rows.len()), ("t/m", 1));
    assert_eq!(text(&turn.rows[0]).text, "Hello");
    assert!(turn.rows[0].ended_at.is_none() && turn.rows[0].at.is_some());
    let news = running.news("T", 0);
    assert_eq!(news.turn.unwrap().rows.len(), 1);
    assert!(
        running.news("T", news.number).turn.is_none(),
        "nothing is new"
    );
    item(
        &running,
        "completed",
        json!({"type": "agentMessage", "id": "m", "text": "Hello!"}),
    );
    let later = running.news("T", news.number);
    assert_eq!(text(&later.turn.unwrap().rows[0]).text, "Hello!");
    let done = json!({"turn": {"id": "t", "status": "completed"}});
    hear(&running, "turn/completed", done);
    assert!(running.turn("T").is_none());
    assert_eq!(
        running.news("T", later.number).changed,
        Some(Change::TurnEnded)
    );
}

#[test]
fn pieces_without_a_beginning_are_shown_as_an_end() {
    let running = Running::default();
    delta(&running, "commandExecution/outputDelta", "c", "…the end\n");
    let turn = running.turn("T").unwrap();
    assert_eq!(text(&turn.rows[0]).text, "…the end\n");
    assert_eq!(text(&turn.rows[0]).cut, Some(Cut::Beginning));
}

#[test]
fn parts_of_thoughts_are_told_apart() {
    let running = begun();
    item(
        &running,
        "started",
        json!({"type": "reasoning", "id": "r", "summary": []}),
    );
    for (part, piece) in [(0, "on"), (0, "e"), (1, "two")] {
        let params = json!({"turnId": "t", "itemId": "r", "delta": piece, "summaryIndex": part});
        hear(&running, "item/reasoning/summaryTextDelta", params);
    }
    assert_eq!(text(&running.turn("T").unwrap().rows[0]).text, "one\n\ntwo");
}

#[test]
fn a_thread_keeps_no_more_than_it_may() {
    let running = begun();
    for number in 0..8 {
        let id = format!("c{number}");
        item(
            &running,
            "started",
            json!({"type": "commandExecution", "id": id, "command": "yes"}),
        );
        for _ in 0..200 {
            delta(
                &running,
                "commandExecution/outputDelta",
                &id,
                &"y".repeat(1024),
            );
        }
    }
    let turn = running.turn("T").unwrap();
    assert!(turn.bytes() <= THREAD_BYTES, "{}", turn.bytes());
    let last = text(turn.rows.last().unwrap());
    assert_eq!(last.cut, Some(Cut::Beginning));
    assert_eq!(last.text.len() + last.left_out, 200 * 1024);
    // One message that never ends.
    item(
        &running,
        "started",
        json!({"type": "agentMessage", "id": "m", "text": ""}),
    );
    for _ in 0..1000 {
        delta(&running, "agentMessage/delta", "m", &"z".repeat(1024));
    }
    assert!(running.turn("T").unwrap().bytes() <= THREAD_BYTES);
}

#[test]
fn a_revert_and_a_lost_codex_leave_nothing() {
    for change in ["thread/reverted", "thread/deleted"] {
        let running = begun();
        delta(&running, "agentMessage/delta", "m", "x");
        hear(&running, change, json!({}));
        assert!(running.turn("T").is_none(), "{change}");
    }
    let running = begun();
    delta(&running, "agentMessage/delta", "m", "x");
    let number = running.news("T", 0).number;
    running.forget();
    assert!(running.turn("T").is_none());
    assert_eq!(running.news("T", number).changed, Some(Change::Reconnected));
}

#[test]
fn a_turn_is_accepted_until_it_is_heard_of() {
    let accepts = |running: &Running| running.accept("T", "t");
    let running = Running::default();
    accepts(&running);
    assert_eq!(running.accepted("T").as_deref(), Some("t"));
    // Another one says nothing about it.
    hear(
        &running,
        "turn/completed",
        json!({"turn": {"id": "before", "status": "completed"}}),
    );
    assert!(running.accepted("T").is_some());
    hear(
        &running,
        "turn/started",
        json!({"turn": {"id": "t", "status": "inProgress"}}),
    );
    assert_eq!(running.accepted("T"), None);
    // What was heard before the answer came stays known: also its end.
    accepts(&running);
    assert_eq!(running.accepted("T"), None);
    hear(
        &running,
        "turn/completed",
        json!({"turn": {"id": "t", "status": "completed"}}),
    );
    accepts(&running);
    assert_eq!(running.accepted("T"), None);
    running.accept("T", "lost");
    running.forget();
    assert_eq!(running.accepted("T"), None);
}
