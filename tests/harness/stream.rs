//! The stream: what a turn is told as, who is told what, and what a reader may say.

use crate::listener::{Listener, types};
use crate::rig::house;
use crate::support::House;
use crate::support::script::{on_message, takes};
use mock_model::{Call, Rule, Step};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio_tungstenite::tungstenite::Message;

/// The notification that ends a turn.
fn ends_turn(told: &Value) -> bool {
    told["type"] == "notification" && told["payload"]["method"] == "turn/completed"
}

fn by_seq(told: &[Value]) -> BTreeMap<u64, Vec<&Value>> {
    let mut events: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    for frame in told {
        let seq = frame["seq"].as_u64().unwrap();
        events.entry(seq).or_default().push(frame);
    }
    events
}

/// A turn whose words come in pieces, and which says what it took.
fn speaks() -> Rule {
    let words = Step {
        chunk_delay_ms: Some(5),
        ..Step::say("One two three four.")
    };
    on_message("speaks", "Hello", vec![takes(100, 20, words)])
}

#[tokio::test]
async fn a_turn_is_told_whole_by_all_its_names_and_once_with_one_frame() {
    let house = house([speaks()]).await;
    let id = house.chat().await;
    let mut all = house.listens(&format!("?threadId={id}")).await;
    assert_eq!(all.ready["threadId"], id.as_str());
    let one = format!("?threadId={id}&frames=one");
    let mut one = house.listens(&one).await;
    let accepted = house
        .granted(
            "POST",
            &format!("/sessions/{id}/messages"),
            Some(json!({ "text": "Hello" })),
            202,
        )
        .await;
    let told = all.until(ends_turn).await;
    let seqs: Vec<_> = told.iter().map(|it| it["seq"].as_u64().unwrap()).collect();
    assert!(seqs.is_sorted(), "{seqs:?}");
    let events = by_seq(&told);
    for (seq, frames) in &events {
        let of_codex = frames
            .iter()
            .all(|it| it["threadId"] == id.as_str() || it["threadId"].is_null());
        assert!(of_codex, "{seq}: {frames:#?}");
        let names: Vec<_> = frames
            .iter()
            .map(|it| it["type"].as_str().unwrap())
            .collect();
        match names.as_slice() {
            // What is of the account is told to everybody, by that name alone.
            [own] => assert!(
                own.starts_with("session_") || own.starts_with("account_"),
                "{own}"
            ),
            [signal, .., plain] => {
                assert!(signal.starts_with("app_server."), "{names:?}");
                assert_eq!(*plain, "notification");
                let (signal, plain) = (&frames[0]["payload"], &frames[names.len() - 1]["payload"]);
                assert_eq!(signal["method"], plain["method"]);
                assert_eq!(signal["params"], plain["params"]);
                assert_eq!(signal["session"]["id"], id.as_str());
            }
            [] => unreachable!(),
        }
    }
    let signals: Vec<_> = types(&told)
        .into_iter()
        .filter_map(|it| it.strip_prefix("app_server."))
        .collect();
    let mut wanted = [
        "turn.started",
        "item.started",
        "item.completed",
        "item.started",
        "item.agent_message.delta",
        "item.completed",
        "turn.completed",
    ]
    .into_iter();
    let mut next = wanted.next();
    for signal in &signals {
        if Some(*signal) == next {
            next = wanted.next();
        }
    }
    assert_eq!(next, None, "{signals:#?}");
    let delta = told
        .iter()
        .find(|it| it["type"] == "app_server.item.agent_message.delta");
    let context = &delta.unwrap()["payload"]["context"];
    assert_eq!(
        *context,
        json!({ "threadId": id, "turnId": accepted["turnId"] })
    );
    let usage = told
        .iter()
        .find(|it| it["type"] == "thread_token_usage_updated");
    assert_eq!(usage.unwrap()["payload"]["threadId"], id.as_str());

    // Who wants one frame for each has the first of each, and nothing twice.
    let last = *events.keys().last().unwrap();
    let once = one.until(|it| it["seq"] == last).await;
    let firsts: Vec<&Value> = events.values().map(|frames| frames[0]).collect();
    let first = firsts[0]["seq"].as_u64();
    let once: Vec<_> = once
        .iter()
        .skip_while(|it| it["seq"].as_u64() < first)
        .collect();
    assert_eq!(once, firsts);
    house.close().await;
}

/// Reads until a project is told of, which everybody is; what came before.
async fn before_project(house: &House, listener: &mut Listener, name: &str) -> Vec<Value> {
    house.make("/projects", json!({ "name": name })).await;
    let mut told = listener
        .until(|it| it["type"] == "project_upserted" && it["payload"]["project"]["name"] == name)
        .await;
    let project = told.pop().unwrap();
    assert_eq!(project["threadId"], Value::Null);
    told
}

/// What a listener was told before it heard of a project, once it was told of each of these threads under its new name: Codex tells of
/// that when it likes.
async fn after_renames(
    house: &House,
    listener: &mut Listener,
    renamed: &[&str],
    name: &str,
) -> Vec<Value> {
    let mut told: Vec<Value> = Vec::new();
    for id in renamed {
        let is_it =
            |it: &Value| it["threadId"] == *id && it.to_string().contains(&json!(name).to_string());
        if !told.iter().any(is_it) {
            told.extend(listener.until(is_it).await);
        }
    }
    told.extend(before_project(house, listener, name).await);
    told
}

fn mentions(told: &[Value], id: &str) -> bool {
    told.iter().any(|it| it["threadId"] == id)
}

#[tokio::test]
async fn who_follows_a_thread_is_told_of_it_and_of_what_everybody_is() {
    let house = house([]).await;
    let (mine, other) = (house.chat().await, house.chat().await);
    let mut none = house.listens("").await;
    assert_eq!(none.ready["threadId"], Value::Null);
    let mut one = house.listens(&format!("?threadId={mine}")).await;
    let mut foreign = house.listens(&format!("?threadId={other}")).await;

    house
        .make(
            &format!("/sessions/{mine}/rename"),
            json!({ "title": "Mended" }),
        )
        .await;
    // Codex tells of it when it likes, and of what is deleted nobody is told.
    let mut told = none.until(|it| it["type"] == "session_renamed").await;
    house.make("/agents/extensions/reload", json!({})).await;
    let project = house.make("/projects", json!({ "name": "Barn" })).await;
    let project = project["project"]["projectId"].clone();
    house
        .make(
            &format!("/sessions/{mine}/project"),
            json!({ "projectId": project }),
        )
        .await;
    house
        .granted("DELETE", &format!("/sessions/{mine}"), None, 200)
        .await;

    told.extend(before_project(&house, &mut none, "one").await);
    for name in [
        "session_renamed",
        "extensions_reloaded",
        "project_upserted",
        "session_project_updated",
        "session_deleted",
    ] {
        assert!(types(&told).contains(&name), "{name}: {:#?}", types(&told));
    }
    let renamed = told.iter().find(|it| it["type"] == "session_renamed");
    let payload = &renamed.unwrap()["payload"];
    assert_eq!(*payload, json!({ "sessionId": mine, "title": "Mended" }));
    let deleted = told.iter().find(|it| it["type"] == "session_deleted");
    let payload = &deleted.unwrap()["payload"];
    assert_eq!(
        (&payload["status"], &payload["sessionId"], &payload["title"]),
        (&json!("deleted"), &json!(mine), &json!("Mended"))
    );
    assert!(payload["deletedAt"].is_string() && payload["message"].is_string());

    let told = before_project(&house, &mut one, "two").await;
    let seen = types(&told);
    assert!(seen.contains(&"session_renamed") && seen.contains(&"session_deleted"));
    assert!(!seen.contains(&"extensions_reloaded"), "{seen:#?}");

    let told = before_project(&house, &mut foreign, "three").await;
    let seen = types(&told);
    assert!(seen.contains(&"session_project_updated") && seen.contains(&"session_deleted"));
    for foreign in ["session_renamed", "extensions_reloaded"] {
        assert!(!seen.contains(&foreign), "{seen:#?}");
    }
    house.close().await;
}

#[tokio::test]
async fn of_the_launchers_own_threads_only_those_who_follow_them_are_told() {
    let house = house([speaks()]).await;
    let mut none = house.listens("").await;
    let planner = house.planner("Make the greeter louder.").await;
    let planner = house
        .session(&planner, "its turn is over", |it| {
            it["thread_id"].is_string() && it["activity"] == "idle"
        })
        .await;
    let thread = planner["thread_id"].as_str().unwrap().to_owned();
    let mut follower = house.listens(&format!("?threadId={thread}")).await;
    let (stranger, turn) = house.begins_turn(&thread, "Hello again").await;
    let is_over =
        |it: &Value| ends_turn(it) && it["payload"]["params"]["turn"]["id"] == turn.as_str();
    let told = follower.until(is_over).await;
    let is_signal = |it: &&str| it.starts_with("app_server.");
    assert!(!types(&told).iter().any(is_signal), "{:#?}", types(&told));
    assert!(types(&told).contains(&"thread_token_usage_updated"));
    drop(stranger);
    let told = before_project(&house, &mut none, "end").await;
    let running = |it: &Value| {
        it["threadId"] == thread.as_str()
            && it["type"] == "notification"
            && it["payload"]["method"] == "turn/completed"
    };
    assert!(!told.iter().any(running), "{told:#?}");
    house.close().await;
}

#[tokio::test]
async fn a_reader_changes_what_it_follows_and_nonsense_ends_nothing() {
    let house = house([]).await;
    let (mine, other) = (house.chat().await, house.chat().await);
    let nowhere = "01900000-0000-7000-8000-000000000001";
    let mut listener = house
        .listens(&format!("?threadId={nowhere}&ack=true"))
        .await;
    let rename = async |id: &str, title: &str| {
        let path = format!("/sessions/{id}/rename");
        house.make(&path, json!({ "title": title })).await;
    };
    rename(&mine, "a").await;
    assert!(!mentions(
        &before_project(&house, &mut listener, "a").await,
        &mine
    ));

    listener.follows(&[&mine]).await;
    rename(&mine, "b").await;
    rename(&other, "b").await;
    let told = after_renames(&house, &mut listener, &[&mine], "b").await;
    assert!(!mentions(&told, &other), "{told:#?}");

    listener.follows(&[&mine, &other]).await;
    rename(&mine, "c").await;
    rename(&other, "c").await;
    after_renames(&house, &mut listener, &[&mine, &other], "c").await;

    let replaced = listener
        .says(json!({ "type": "subscribe", "threadId": other, "more": 1 }))
        .await;
    assert_eq!(replaced["command"], "subscribe");
    rename(&mine, "d").await;
    rename(&other, "d").await;
    let told = after_renames(&house, &mut listener, &[&other], "d").await;
    let of_mine = |it: &&Value| it["threadId"] == mine && it.to_string().contains("\"d\"");
    assert_eq!(told.iter().find(of_mine), None);

    let all = listener.says(json!({ "type": "unsubscribe" })).await;
    assert_eq!(all, json!({ "type": "ok", "command": "unsubscribe" }));
    rename(&mine, "e").await;
    after_renames(&house, &mut listener, &[&mine], "e").await;

    listener.follows(&[nowhere]).await;
    let invalid = json!({ "type": "error", "message": "invalid websocket command" });
    let pong = json!({ "type": "pong" });
    let largest = json!({ "type": "ping", "x": "x".repeat((64 << 10) - 22) }).to_string();
    assert_eq!(largest.len(), 64 << 10);
    for (message, answer) in [
        (Message::text("nonsense"), &invalid),
        (Message::text(r#"["ping"]"#), &invalid),
        (
            Message::text(r#"{"type":"subscribe","threadId":7}"#),
            &invalid,
        ),
        (Message::binary(vec![0xff, 0, 0xfe, 1]), &invalid),
        (Message::binary(br#"{"type":"ping"}"#.to_vec()), &pong),
        (Message::text(largest.clone()), &pong),
        (Message::text(largest + " "), &invalid),
        (Message::binary(vec![b' '; 200 << 10]), &invalid),
    ] {
        listener.send(message.clone()).await;
        assert_eq!(listener.next().await, *answer, "{} bytes", message.len());
    }
    // What is empty is answered with nothing.
    for empty in [Message::text(""), Message::binary(Vec::new())] {
        listener.send(empty).await;
    }
    assert_eq!(listener.says(json!({ "type": "ping" })).await, pong);
    listener
        .send(Message::binary(vec![b' '; (256 << 10) + 1]))
        .await;
    assert_eq!(listener.ends().await, Some(1009));
    house.close().await;
}

#[tokio::test]
async fn without_an_upgrade_or_with_a_wrong_parameter_nothing_is_opened() {
    let house = house([]).await;
    let refused = house.denied("GET", "/stream", None, 426).await;
    assert_eq!(refused["code"], "upgrade_required");
    for query in ["?after=here", "?frames=two", "?ack=perhaps", "?after=."] {
        assert_eq!(house.stream(query).await.err(), Some(400), "{query}");
    }
    let wrong = house.stream_with("zs_nobody", "").await;
    assert_eq!(wrong.err(), Some(401));
    let reader = house.token("ears", "read").await;
    house.stream_with(&reader, "").await.ok().unwrap();
    house.close().await;
}

#[tokio::test]
async fn what_is_asked_is_told_with_its_request_and_its_end_once() {
    let asks = || vec![Step::call(Call::shell("ls")), Step::say("Looked.")];
    let house = house([on_message("asks", "Look around", asks())]).await;
    let begun = house
        .make("/sessions", json!({ "approvalPolicy": "untrusted" }))
        .await;
    let id = begun["session"]["sessionId"].as_str().unwrap().to_owned();
    let mut listener = house.listens(&format!("?threadId={id}")).await;
    let look_around = async || {
        let message = json!({ "text": "Look around" });
        let path = format!("/sessions/{id}/messages");
        house.granted("POST", &path, Some(message), 202).await
    };

    look_around().await;
    let told = listener.until_type("approval").await;
    let names = types(&told);
    let request = "app_server.request.item.command_execution.request_approval";
    assert!(names.contains(&request), "{names:#?}");
    assert!(!names.contains(&"server_request"), "{names:#?}");
    let approval = &told.last().unwrap()["payload"];
    let listed = house.look(&format!("/sessions/{id}/approvals")).await;
    assert_eq!(listed["data"][0]["approvalId"], approval["approvalId"]);
    assert_eq!(
        (&approval["status"], &approval["threadId"]),
        (&json!("pending"), &json!(id))
    );
    let approval_id = approval["approvalId"].clone();
    let path = format!("/approvals/{}/decision", approval_id.as_str().unwrap());
    house
        .make(&path, json!({ "decision": "accept", "scope": "turn" }))
        .await;
    let mut told = listener.until(ends_turn).await;
    if !types(&told).contains(&"approval_resolved") {
        told.extend(listener.until_type("approval_resolved").await);
    }
    let ends: Vec<_> = told
        .iter()
        .filter(|it| it["type"] == "approval_resolved")
        .collect();
    let resolved = json!({
        "approvalId": approval_id, "status": "resolved", "decision": "accept", "scope": "turn",
    });
    assert_eq!(ends.len(), 1, "{ends:#?}");
    assert_eq!(ends[0]["payload"], resolved);

    // One whose turn is broken off has expired.
    look_around().await;
    let told = listener.until_type("approval").await;
    let second = told.last().unwrap()["payload"]["approvalId"].clone();
    house
        .make(&format!("/sessions/{id}/interrupt"), json!({}))
        .await;
    let told = listener.until_type("approval_resolved").await;
    assert_eq!(
        told.last().unwrap()["payload"],
        json!({ "approvalId": second, "status": "expired" })
    );
    house.close().await;
}
