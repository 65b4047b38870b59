//! What the harness API costs beside Codex alone, with the real Codex and a model on loopback. Not a test: it needs a quiet machine, and
//! prints numbers for a person to judge.
//!
//!     cargo build --release && cargo run --release --example harness
//!
//! - first piece: from a message to the first piece of its answer, for a client of the stream and for one of the app-server, in turns;
//! - frames: of a turn of 400 pieces, with `frames=one` and without;
//! - read: a session of 200 turns, and a page of 100 of a list of 1,000;
//! - at once: 20 clients, each with two sessions: what they ask, and the same by 20 clients of the app-server;
//! - streams: what 50 of them take that follow a thread each;
//! - start: until the list can be read, with no stored thread and with 1,000.
#![allow(clippy::unwrap_used, dead_code, unused_imports)]

mod figures;
#[path = "../../tests/harness/listener.rs"]
mod listener;
mod memory;
#[path = "../../tests/harness/rig.rs"]
mod rig;
#[path = "../../tests/e2e/support/mod.rs"]
mod support;

use figures::report;
use futures_util::future::join_all;
use listener::Listener;
use memory::pss_kib;
use mock_model::Step;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use support::House;
use support::script::on_message;
use support::thread::Stranger;

const RUNS: usize = 60;
const PIECES: usize = 400;
const TURNS: usize = 200;
const THREADS: usize = 1000;
const CLIENTS: usize = 20;
const STREAMS: usize = 50;
const DELTA: &str = "app_server.item.agent_message.delta";

#[tokio::main]
async fn main() {
    let words: Vec<String> = (0..PIECES).map(|number| format!("word{number}")).collect();
    let long = on_message("long", "LONG", vec![in_pieces(&words.join(" "))]);
    let tell = on_message("tell", "tell", vec![in_pieces("One two three.")]);
    let mut house = rig::house([long, tell]).await;
    let empty = start(&mut house).await;
    first_piece(&house).await;
    frames(&house).await;
    at_once(&house).await;
    one_long_session(&house).await;
    streams(&house).await;
    fill(&house).await;
    list(&house).await;
    list_of_codex(&house).await;
    let full = start(&mut house).await;
    println!("start → list: {empty:.0?} with no thread to speak of, {full:.0?} with {THREADS}");
    list(&house).await;
    house.close().await;
}

fn in_pieces(text: &str) -> Step {
    Step {
        chunk_delay_ms: Some(1),
        ..Step::say(text)
    }
}

/// The median of five starts, each from the process to a list that can be read.
async fn start(house: &mut House) -> Duration {
    let mut times = Vec::new();
    for _ in 0..5 {
        house.stop_launcher().await;
        let begin = Instant::now();
        house.start(&[]).await;
        while house.ask("GET", "/sessions", None).await.0 != 200 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        times.push(begin.elapsed());
    }
    times.sort();
    times[times.len() / 2]
}

async fn first_piece(house: &House) {
    let id = house.chat().await;
    let mut listener = house.listens("?frames=one&ack=true").await;
    listener.follows(&[&id]).await;
    let mut stranger = Stranger::connect(house).await;
    let begun = json!({ "cwd": house.repo });
    let other = stranger.call("thread/start", begun).await["thread"]["id"].clone();
    let (mut ours, mut alone) = (Vec::new(), Vec::new());
    for number in 0..RUNS {
        let begin = Instant::now();
        say(house, &id, &format!("tell {number}")).await;
        listener.until_type(DELTA).await;
        ours.push(begin.elapsed());
        listener.until_type("app_server.turn.completed").await;
        let begin = Instant::now();
        let input = json!([{ "type": "text", "text": format!("tell {number}") }]);
        let start = json!({ "threadId": other, "input": input });
        stranger.call("turn/start", start).await;
        stranger.told("item/agentMessage/delta").await;
        alone.push(begin.elapsed());
        stranger.told("turn/completed").await;
    }
    report("message → first piece, here", &mut ours);
    report("message → first piece, Codex alone", &mut alone);
}

async fn frames(house: &House) {
    let id = house.chat().await;
    let mut one = house.listens(&format!("?frames=one&threadId={id}")).await;
    let mut all = house.listens(&format!("?threadId={id}")).await;
    say(house, &id, "LONG").await;
    let is_end = |it: &Value| it["type"] == "app_server.turn.completed";
    let one = one.until(is_end).await;
    let deltas = one.iter().filter(|it| it["type"] == DELTA).count();
    // The last event has more names than the first of them.
    let seq = one.last().unwrap()["seq"].as_u64().unwrap();
    let all = all.until(|it| it["seq"].as_u64() >= Some(seq)).await;
    let mut names = BTreeMap::<u64, usize>::new();
    for frame in &all {
        *names.entry(frame["seq"].as_u64().unwrap()).or_default() += 1;
    }
    println!(
        "a turn of {deltas} pieces: {} frames with frames=one; {} without, at most {} of an event",
        one.len(),
        all.len(),
        names.values().max().unwrap()
    );
}

async fn at_once(house: &House) {
    let mut sessions = Vec::new();
    for _ in 0..CLIENTS * 2 {
        sessions.push(house.chat().await);
    }
    let clients = sessions.chunks(2).map(async |mine| {
        let (mut said, mut read) = (Vec::new(), Vec::new());
        for round in 0..5 {
            for id in mine {
                let begin = Instant::now();
                say(house, id, &format!("tell {round}")).await;
                said.push(begin.elapsed());
                for path in [format!("/sessions/{id}"), "/sessions?limit=100".to_owned()] {
                    let begin = Instant::now();
                    house.look(&path).await;
                    read.push(begin.elapsed());
                }
            }
        }
        (said, read)
    });
    let (said, read): (Vec<_>, Vec<_>) = join_all(clients).await.into_iter().unzip();
    report(
        &format!("{CLIENTS} clients at once, messages"),
        &mut said.concat(),
    );
    report(
        &format!("{CLIENTS} clients at once, reads"),
        &mut read.concat(),
    );
    let mut strangers = Vec::new();
    for mine in sessions.chunks(2) {
        let mut stranger = Stranger::connect(house).await;
        for id in mine {
            let resume = json!({ "threadId": id, "excludeTurns": true });
            stranger.call("thread/resume", resume).await;
        }
        strangers.push((stranger, mine));
    }
    let alone = strangers.into_iter().map(async |(mut stranger, mine)| {
        let mut times = Vec::new();
        for round in 0..5 {
            for id in mine {
                let begin = Instant::now();
                let input = json!([{ "type": "text", "text": format!("tell {round}") }]);
                let start = json!({ "threadId": id, "input": input });
                stranger.call("turn/start", start).await;
                times.push(begin.elapsed());
            }
        }
        times
    });
    let mut alone = join_all(alone).await.concat();
    report(
        &format!("{CLIENTS} clients of Codex alone, turns"),
        &mut alone,
    );
}

async fn one_long_session(house: &House) {
    let id = house.chat().await;
    let mut listener = house.listens(&format!("?frames=one&threadId={id}")).await;
    for number in 0..TURNS {
        say(house, &id, &format!("tell {number}")).await;
        listener.until_type("app_server.turn.completed").await;
    }
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let begin = Instant::now();
        let session = house.look(&format!("/sessions/{id}")).await;
        times.push(begin.elapsed());
        assert_eq!(session["thread"]["turns"].as_array().unwrap().len(), TURNS);
    }
    report(&format!("a session of {TURNS} turns"), &mut times);
    let mut stranger = Stranger::connect(house).await;
    let mut floor = Vec::new();
    for _ in 0..RUNS {
        let begin = Instant::now();
        let read = json!({ "threadId": id, "includeTurns": true });
        stranger.call("thread/read", read).await;
        floor.push(begin.elapsed());
    }
    report("the same, Codex alone", &mut floor);
}

async fn streams(house: &House) {
    // The first reader wakes the backlog; what that takes is no stream's.
    let _first = house.listens("?frames=one").await;
    let id = house.chat().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = pss_kib(house.launcher_pid());
    let mut readers = Vec::new();
    for _ in 0..STREAMS {
        readers.push(house.listens(&format!("?frames=one&threadId={id}")).await);
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = pss_kib(house.launcher_pid());
    println!(
        "{STREAMS} streams: {} KiB ({:.1} MiB in all)",
        after.saturating_sub(before),
        after as f64 / 1024.0
    );
}

/// As many threads with a turn each as the list is to have.
async fn fill(house: &House) {
    let begin = Instant::now();
    let makers = (0..8).map(async |_| {
        for _ in 0..THREADS / 8 {
            let id = house.chat().await;
            say(house, &id, "tell").await;
        }
    });
    join_all(makers).await;
    let idle = async || {
        let running = house.look("/sessions?limit=200").await;
        let all = running["data"].as_array().unwrap();
        all.iter().all(|it| it["status"] != "running").then_some(())
    };
    house.wait_for("the last turn", idle).await;
    eprintln!("{THREADS} threads were made in {:.0?}", begin.elapsed());
}

async fn list(house: &House) {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let begin = Instant::now();
        let page = house.look("/sessions?limit=100").await;
        times.push(begin.elapsed());
        assert_eq!(page["data"].as_array().unwrap().len(), 100);
    }
    report(&format!("a page of 100 of {THREADS}"), &mut times);
}

/// What Codex alone takes to tell of all of them, a page after the other: each start of ours waits for that.
async fn list_of_codex(house: &House) {
    let mut stranger = Stranger::connect(house).await;
    let mut times = Vec::new();
    for _ in 0..5 {
        let begin = Instant::now();
        let mut cursor = Value::Null;
        loop {
            let page = json!({ "cursor": cursor, "limit": 100, "useStateDbOnly": true });
            let page = stranger.call("thread/list", page).await;
            cursor = page["nextCursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        times.push(begin.elapsed());
    }
    report(&format!("all {THREADS}, Codex alone"), &mut times);
}

async fn say(house: &House, id: &str, text: &str) {
    let path = format!("/sessions/{id}/messages");
    let body = json!({ "text": text });
    house.granted("POST", &path, Some(body), 202).await;
}
