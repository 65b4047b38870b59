//! Whoever lost an answer sends the request again: with its key it happens once, over a crash too.

use crate::http::{self, Answer, Door};
use crate::world::World;
use serde_json::{Value, json};

fn post(world: &World, token: &str, path: &str, key: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str()), ("Idempotency-Key", key)];
    let door = Door::Tcp(world.announced().port, &headers);
    let body = body.to_string();
    let kind = Some("application/json");
    http::send(&door, "POST", path, kind, Some(body.as_bytes()))
}

fn with(body: &Value, field: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[field] = value;
    body
}

#[test]
fn a_repeated_request_happens_once_by_header_by_field_and_over_a_crash() {
    let mut world = World::serving();
    world.post("/api/queue/pause", &json!({})).ok();
    let token = world.token("script", "human");
    let planner = world.planner("plan it").id;
    let line = |task: &str| json!({ "department": "lingyubu", "task": task });
    let plan =
        json!({ "session_id": planner, "summary": "s", "assignments": [line("a"), line("b")] });
    let receipt = world.post("/api/report_zhongshu_plan", &plan).ok();
    let by_plan = json!({
        "parent_session_id": planner, "plan_sha256": receipt["plan_sha256"], "assignments": [line("a"), line("b")],
    });
    let by_hand = json!({ "parent_session_id": planner, "assignments": [line("c")] });
    let single = json!({ "parent_session_id": planner, "department": "menxia", "task": "d" });
    let words = json!({ "session_id": planner, "input": "go on" });
    let notice = json!({ "session_id": planner, "message": "go on" });
    let another = json!({ "task": "another planner" });
    // Path, body, what the answer names, and events of which there must be so many.
    let wishes = [
        (
            "/api/start_assignments",
            by_plan,
            "/assignments",
            "assignment_queued",
            2,
        ),
        (
            "/api/start_assignments",
            by_hand,
            "/assignments",
            "assignment_queued",
            1,
        ),
        (
            "/api/start_department",
            single.clone(),
            "/assignment",
            "assignment_queued",
            1,
        ),
        (
            "/api/start_department_for_zhongshu",
            with(&single, "task", json!("e")),
            "/assignment",
            "assignment_queued",
            1,
        ),
        (
            "/api/session_input",
            words,
            "/message_id",
            "message_queued",
            1,
        ),
        (
            "/api/notify_zhongshu",
            notice,
            "/message_id",
            "message_queued",
            1,
        ),
        (
            "/api/start_zhongshu_session",
            another,
            "/session/id",
            "session_registered",
            1,
        ),
    ];
    let mut answers = Vec::new();
    for (number, (path, body, made, event, count)) in wishes.iter().enumerate() {
        let key = format!("key-{number}");
        let before = world.events_named(event).len();
        let first = post(&world, &token, path, &key, body).ok();
        let made_first = first.pointer(made).unwrap().clone();
        let again = post(&world, &token, path, &key, body).ok();
        assert_eq!(again.pointer(made), Some(&made_first), "{path}");
        let field = with(body, "idempotency_key", json!(key));
        assert_eq!(
            world.post(path, &field).ok().pointer(made),
            Some(&made_first),
            "{path}"
        );
        assert_eq!(world.events_named(event).len(), before + count, "{path}");
        let other = with(body, "reason", json!("another wish"));
        let sentence =
            post(&world, &token, path, &key, &other).refused(409, "idempotency_key_reused");
        assert!(sentence.contains("new one"), "{sentence}");
        answers.push((key, made_first));
    }
    world.kill();
    world.start();
    for ((path, body, made, event, _), (key, first)) in wishes.iter().zip(&answers) {
        let before = world.events_named(event).len();
        let again = post(&world, &token, path, key, body).ok();
        assert_eq!(again.pointer(made), Some(first), "{path} after the crash");
        assert_eq!(
            world.events_named(event).len(),
            before,
            "{path} after the crash"
        );
    }
    // Without a key, and with a new one, it is another wish.
    let (path, body, ..) = &wishes[2];
    let before = world.events_named("assignment_queued").len();
    world.post(path, body).ok();
    post(&world, &token, path, "key-new", body).ok();
    assert_eq!(world.events_named("assignment_queued").len(), before + 2);
}

#[test]
fn a_key_that_is_none_is_refused_before_anything_happens() {
    let world = World::serving();
    let token = world.token("script", "human");
    let planner = world.planner("plan it").id;
    let words = json!({ "session_id": planner, "input": "go on" });
    let refused = |key: &str, body: &Value| {
        post(&world, &token, "/api/session_input", key, body)
            .refused(400, "invalid_idempotency_key")
    };
    refused(&"x".repeat(129), &words);
    refused("two words", &words);
    let sentence = refused("one", &with(&words, "idempotency_key", json!("two")));
    assert!(sentence.contains("differ"), "{sentence}");
    let empty = with(&words, "idempotency_key", json!(""));
    let sentence = world
        .post("/api/session_input", &empty)
        .refused(400, "invalid_field");
    assert!(sentence.contains("idempotency_key"), "{sentence}");
    assert!(world.events_named("message_queued").is_empty());
}

#[test]
fn the_command_line_repeats_a_request_by_its_key() {
    let world = World::serving();
    let planner = world.planner("plan it").id;
    let words = json!({ "session_id": planner, "input": "go on" }).to_string();
    let say = |key: &[&str]| {
        let mut arguments = vec!["api", "POST", "/api/session_input", "--data", &words];
        arguments.extend(key);
        world.run(&arguments).json()["message_id"].clone()
    };
    let first = say(&["--idempotency-key", "mine"]);
    assert_eq!(say(&["--idempotency-key", "mine"]), first);
    // Each call has one of its own otherwise.
    assert_ne!(say(&[]), say(&[]));
    assert_eq!(world.events_named("message_queued").len(), 3);
    let queued = world.events_named("message_queued");
    assert!(
        queued
            .iter()
            .all(|event| event["request"]["key"].is_string()),
        "{queued:?}"
    );
}
