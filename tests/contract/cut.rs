//! Clients that go away in the middle of what they asked for: it is carried through all the same.

use super::processes;
use super::world::World;
use serde_json::{Value, json};
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Asks over the socket and hangs up after so many microseconds, before any answer if that is soon enough.
fn ask_and_go(world: &World, path: &str, body: &Value, after_us: u64) {
    let body = body.to_string();
    let mut stream = UnixStream::connect(world.socket()).unwrap();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: zhongshu\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    // Not to wait for anything: the moment is what is tried.
    std::thread::sleep(Duration::from_micros(after_us));
}

/// The terminals of no session as the API shows them, and the programs that really run in them.
fn seen(world: &World) -> (Vec<(String, String)>, usize) {
    let list = world.get("/api/browser_terminals").ok();
    let shown = list["browser_terminals"].as_array().unwrap().iter();
    let text = |it: &Value, field: &str| it[field].as_str().unwrap().to_owned();
    let shown = shown.filter(|it| it["session_id"].is_null());
    let shown = shown
        .map(|it| (text(it, "id"), text(it, "status")))
        .collect();
    let all = processes::marked(world.mark()).into_iter();
    let running = all.filter(|it| it.command.contains("sleep 98755"));
    (shown, running.count())
}

/// Waits until what is shown is what is so.
#[track_caller]
fn settled(world: &World, after: &str) -> Vec<String> {
    let mut last = None;
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        world.wait_for("what is shown to be what runs", || {
            let (shown, running) = seen(world);
            let all_run = shown.iter().all(|(_, status)| status == "running");
            let agree = all_run && shown.len() == running;
            last = Some((shown.clone(), running));
            agree.then(|| shown.into_iter().map(|(id, _)| id).collect())
        })
    }));
    found.unwrap_or_else(|_| panic!("{after}: shown and running: {last:?}"))
}

#[test]
fn a_client_that_goes_away_leaves_no_terminal_that_is_shown_otherwise_than_it_is() {
    let world = World::serving();
    let start = json!({ "shell": "/bin/sh", "shell_args": ["-c", "exec sleep 98755"] });
    for round in 0..60u64 {
        let after_us = round * 977 % 41_000;
        ask_and_go(&world, "/api/browser_terminal/start", &start, after_us);
        let open = settled(&world, &format!("started, gone after {after_us} us"));
        for id in open {
            let close = json!({ "id": id });
            ask_and_go(&world, "/api/browser_terminal/close", &close, after_us / 8);
        }
        settled(&world, &format!("closed, gone after {} us", after_us / 8));
    }
    // The last word about each is said, once.
    let started = world.events_named("terminal_started").len();
    assert!(started > 20, "{started} starts came through");
    for id in settled(&world, "at the end") {
        let close = json!({ "id": id });
        world.post("/api/browser_terminal/close", &close).ok();
    }
    assert_eq!(world.events_named("terminal_closed").len(), started);
}

#[test]
fn a_view_of_a_session_whose_viewer_goes_away_can_be_opened_again() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let id = planner.id.clone();
    planner.tell("exit 0");
    world.wait_for("the end of the planner", || {
        (!world.session(&id)["ended_at"].is_null()).then_some(())
    });
    let view = json!({ "session_id": id });
    for round in 0..20u64 {
        let path = "/api/session_browser_terminal/start";
        ask_and_go(&world, path, &view, round * 1_777 % 30_000);
        let open = world.post(path, &view).ok();
        assert_eq!(open["terminal"]["status"], "exited", "{open}");
        let list = world.wait_for("all that is listed to be there", || {
            let list = world.get("/api/browser_terminals").ok();
            let list = list["browser_terminals"].as_array()?.clone();
            list.iter().all(|it| it["url"].is_string()).then_some(list)
        });
        for terminal in list {
            let close = json!({ "id": terminal["id"] });
            world.post("/api/browser_terminal/close", &close).ok();
        }
    }
}
