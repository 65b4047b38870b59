//! What is observed reaches those who follow it at once, and nobody is sent what did not change.

use super::http::{Door, Events};
use super::world::World;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What nobody notices.
const AT_ONCE: Duration = Duration::from_millis(100);

/// How long ago the launcher heard of what a session's event tells.
fn age(session: &Value) -> Duration {
    let heard = session["last_activity_at"].as_str().unwrap();
    let heard: DateTime<Utc> = heard.parse().unwrap();
    (Utc::now() - heard).to_std().unwrap()
}

/// A machine that is busy with something else delays one or the other, but not all.
#[track_caller]
fn at_once(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let (best, median, worst) = (took[0], took[took.len() / 2], took[took.len() - 1]);
    println!("{what}: best {best:?}, median {median:?}, worst {worst:?}");
    assert!(best < AT_ONCE, "{what}: {took:?}");
}

#[test]
fn a_change_reaches_its_readers_at_once() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "work");
    let mut stream = world.events("/api/session_stream");

    let mut took = Vec::new();
    for _ in 0..10 {
        for (state, activity) in [("working", "working"), ("idle", "idle")] {
            child.tell(&format!("printf '\\033]7501;state={state}\\007'"));
            let heard = stream.until(activity, |event| {
                let session = event.json();
                session["id"] == json!(child.id) && session["activity"] == activity
            });
            took.push(age(&heard.json()));
        }
    }
    at_once("what a terminal announces", took);

    let mut took = Vec::new();
    for version in 1..=10 {
        let line = json!({ "department": "menxia", "task": format!("look {version}") });
        let plan = json!({ "session_id": planner.id, "summary": "s", "assignments": [line] });
        world.post("/api/report_zhongshu_plan", &plan).ok();
        let asked = Instant::now();
        stream.until("the plan", |event| event.json()["plan_version"] == version);
        took.push(asked.elapsed());
    }
    at_once("a plan that was reported", took);
}

#[test]
fn every_reader_is_sent_what_changed_and_only_that() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "work");
    let token = world.token("looks", "read");
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str())];
    let mut person = world.events("/api/session_stream");
    let mut reader = Events::open(
        &Door::Tcp(world.announced().port, &headers),
        "/api/session_stream",
    );
    for stream in [&mut person, &mut reader] {
        // Both are told of both sessions first, in any order.
        stream.until("the planner", |event| event.json()["id"] == planner.id);
    }
    child.announces("blocked");
    for (stream, opens) in [(&mut person, true), (&mut reader, false)] {
        let others = std::cell::Cell::new(0);
        let told = stream.until("blocked", |event| {
            let session = event.json();
            session["id"] == json!(child.id) && session["activity"] == "blocked"
        });
        assert_eq!(told.json()["browser_terminal_url"].is_string(), opens);
        child.announces("idle");
        child.announces("blocked");
        child.announces("working");
        stream.until("working", |event| {
            let session = event.json();
            others.set(others.get() + u32::from(session["id"] == json!(planner.id)));
            session["activity"] == "working"
        });
        assert_eq!(others.get(), 0, "the planner did not change");
    }
}
