//! Who is told what of an event, and in which words.
#![allow(clippy::unwrap_used)]

use super::*;
use serde_json::{Value, json};

fn heard(method: &str, params: Value, request: Option<i64>) -> Event {
    let text = json!({"method": method, "id": request, "params": params}).to_string();
    Event::new(
        7,
        What::Heard(Box::new(Heard {
            text: text.into(),
            method: method.to_owned(),
            at: DateTime::UNIX_EPOCH,
            thread_id: names::thread_of(&params).map(str::to_owned),
            turn_id: names::turn_of(&params).map(str::to_owned),
            request: request.map(RequestId::Number),
        })),
    )
}

fn told(event: &Event, follows: &[&str], whose: Whose) -> Vec<Value> {
    let filter = Filter::of(follows.iter().map(ToString::to_string));
    let scene = |_: &str| Scene {
        whose,
        title: Some("Mend it".to_owned()),
        project_id: None,
    };
    let frames = event.frames(&filter, scene);
    frames
        .map(|it| serde_json::from_str(&it.text).unwrap())
        .collect()
}

fn names(event: &Event, follows: &[&str], whose: Whose) -> Vec<String> {
    let told = told(event, follows, whose);
    let names = told
        .iter()
        .map(|it| it["type"].as_str().unwrap().to_owned());
    names.collect()
}

#[test]
fn a_notification_has_all_its_names_in_their_order() {
    let params = json!({"threadId": "t", "turnId": "u", "plan": [1, "二"]});
    let event = heard("turn/plan/updated", params.clone(), None);
    let frames = told(&event, &[], Whose::Users);
    let [signal, alias, plain] = frames.as_slice() else {
        panic!("{frames:?}");
    };
    assert_eq!(
        *signal,
        json!({"type": "app_server.turn.plan.updated", "threadId": "t", "seq": 7, "payload": {
            "source": "app_server", "signalType": "notification", "eventType": "turn.plan.updated",
            "method": "turn/plan/updated", "receivedAt": "1970-01-01T00:00:00.000Z",
            "context": {"threadId": "t", "turnId": "u"}, "params": params,
            "session": {"id": "t", "title": "Mend it", "projectId": null}}})
    );
    assert_eq!(
        *alias,
        json!({"type": "turn_plan_updated", "threadId": "t", "seq": 7, "payload": params})
    );
    assert_eq!(
        *plain,
        json!({"type": "notification", "threadId": "t", "seq": 7,
            "payload": {"method": "turn/plan/updated", "params": params}})
    );
}

#[test]
fn a_request_is_raw_only_when_nobody_knows_its_kind() {
    let known = heard("item/tool/call", json!({"threadId": "t"}), Some(3));
    assert_eq!(
        names(&known, &[], Whose::Users),
        ["app_server.request.item.tool.call"]
    );
    let unknown = heard("item/dream/share", json!({"threadId": "t"}), Some(3));
    let frames = told(&unknown, &["t"], Whose::Users);
    assert_eq!(frames[0]["type"], "app_server.request.item.dream.share");
    assert_eq!(frames[0]["payload"]["requestId"], 3);
    assert_eq!(
        frames[1]["payload"],
        json!({"method": "item/dream/share", "id": 3, "params": {"threadId": "t"}})
    );
    assert_eq!(frames[1]["type"], "server_request");
}

#[test]
fn of_the_launchers_threads_only_followers_are_told_and_no_signal() {
    let event = heard("turn/diff/updated", json!({"threadId": "t"}), None);
    assert!(names(&event, &[], Whose::Launchers).is_empty());
    assert_eq!(
        names(&event, &["t"], Whose::Launchers),
        ["turn_diff_updated", "notification"]
    );
    let event = heard("turn/diff/updated", json!({"threadId": "t"}), None);
    assert!(names(&event, &["o"], Whose::Launchers).is_empty());
}

#[test]
fn of_a_deleted_thread_nothing_is_told_but_that() {
    let event = heard("thread/archived", json!({"threadId": "t"}), None);
    assert!(names(&event, &["t"], Whose::Deleted).is_empty());
    let gone = Own::new("session_deleted", Some("t"), &json!({"sessionId": "t"}));
    let gone = Event::new(1, What::Own(Box::new(gone.for_everybody())));
    assert_eq!(names(&gone, &["o"], Whose::Deleted), ["session_deleted"]);
    let row = Own::new("transcript_updated", Some("t"), &json!({}));
    let row = Event::new(1, What::Own(Box::new(row)));
    assert!(names(&row, &[], Whose::Deleted).is_empty());
}

#[test]
fn what_is_for_everybody_is_told_by_that_name_alone_to_who_follows_a_thread() {
    let event = heard("account/updated", json!({"authMode": null}), None);
    assert_eq!(names(&event, &["t"], Whose::Users), ["account_updated"]);
    assert_eq!(
        names(&event, &[], Whose::Users),
        [
            "app_server.account.updated",
            "account_updated",
            "notification"
        ]
    );
    let frames = told(&event, &[], Whose::Users);
    assert_eq!(frames[0]["threadId"], Value::Null);
    assert_eq!(frames[0]["payload"]["session"], Value::Null);
}

#[test]
fn a_message_without_parameters_has_null_ones() {
    let event = Event::new(
        1,
        What::Heard(Box::new(Heard {
            text: r#"{"method":"x"}"#.into(),
            method: "x".to_owned(),
            at: DateTime::UNIX_EPOCH,
            thread_id: None,
            turn_id: None,
            request: None,
        })),
    );
    let frames = told(&event, &[], Whose::Users);
    assert_eq!(frames[0]["payload"]["params"], Value::Null);
}
