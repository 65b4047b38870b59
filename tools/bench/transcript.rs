//! How fast a transcript of a thousand turns is read, with the real Codex and a model on loopback. Not a test: it needs a quiet machine, and
//! prints numbers for a person to judge.
//!
//!     cargo build --release && cargo run --release --example transcript
//!
//! - page: `GET /api/thread` of 20 turns, newest first, the first time after the launcher's start and later ones, beside what Codex itself
//!   takes for `thread/turns/list` with the same turns;
//! - fragment: the same as the page draws it;
//! - markdown: all of it;
//! - memory: the launcher's proportional set size before and after.
#![allow(clippy::unwrap_used, dead_code, unused_imports)]

mod memory;
#[path = "../../tests/e2e/support/mod.rs"]
mod support;

use memory::pss_kib;
use mock_model::{Call, Script, Step};
use serde_json::json;
use std::time::{Duration, Instant};
use support::script::on_message;
use support::thread::Stranger;
use support::{GOVERNANCE, House};

const TURNS: usize = 1000;
const RUNS: usize = 30;

#[tokio::main]
async fn main() {
    let script = Script::new([
        on_message(
            "run",
            "RUN",
            vec![Step::call(Call::shell("seq 1 200")), Step::say("It ran.")],
        ),
        on_message(
            "say",
            "",
            vec![Step::say("**Done**, with a few words about it.")],
        ),
    ]);
    let mut house = House::open(script, GOVERNANCE).await;
    let session = house.planner("Make the greeter louder.").await;
    let found = house
        .session(&session, "it rests", |it| it["activity"] == "idle")
        .await;
    let thread = found["thread_id"].clone();
    let mut stranger = Stranger::connect(&house).await;
    stranger
        .call(
            "thread/resume",
            json!({ "threadId": thread, "excludeTurns": true }),
        )
        .await;
    let begin = Instant::now();
    for number in 1..TURNS {
        let text = match number % 5 {
            0 => format!("RUN {number}"),
            _ => format!("say {number}"),
        };
        let input = json!([{ "type": "text", "text": text }]);
        stranger
            .call("turn/start", json!({ "threadId": thread, "input": input }))
            .await;
        loop {
            let list = json!({ "threadId": thread, "limit": 1, "itemsView": "notLoaded" });
            let turns = stranger.call("thread/turns/list", list).await;
            if turns["data"][0]["status"] == "completed" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    eprintln!("{TURNS} turns were made in {:.0?}", begin.elapsed());
    house
        .post("/api/stop_session", json!({ "session_id": session }))
        .await;
    let ended = |it: &serde_json::Value| it["status"] == "stopped";
    house.session(&session, "its end", ended).await;
    house.stop_launcher().await;
    house.start(&[]).await;
    let ready = |status: &serde_json::Value| status["codex"]["state"] == "ready";
    house.status("Codex to be ready", ready).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = pss_kib(house.launcher_pid());
    let page = format!("/api/thread?id={session}&limit=20");
    let fragment = format!("/ui/thread?id={session}&limit=20");
    println!("page, first: {:.1?}", timed(&house, &page).await);
    report("page, later", &many(&house, &page).await);
    println!("fragment, first: {:.1?}", timed(&house, &fragment).await);
    report("fragment, later", &many(&house, &fragment).await);
    let mut stranger = Stranger::connect(&house).await;
    let mut floor = Vec::new();
    for _ in 0..RUNS {
        let begin = Instant::now();
        let list = json!({ "threadId": thread, "limit": 20, "itemsView": "full" });
        stranger.call("thread/turns/list", list).await;
        floor.push(begin.elapsed());
    }
    report("Codex alone, the same turns", &floor);
    println!(
        "markdown, all {TURNS}: {:.1?}",
        timed(&house, &format!("/api/thread?id={session}&format=markdown")).await
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    println!(
        "launcher: {:.1} MiB PSS before, {:.1} MiB after",
        before as f64 / 1024.0,
        pss_kib(house.launcher_pid()) as f64 / 1024.0
    );
    house.close().await;
}

async fn timed(house: &House, path: &str) -> Duration {
    let begin = Instant::now();
    let reply = house.client().request("GET", path, None).await.unwrap();
    assert!(reply.status.is_success(), "{path}: {}", reply.status);
    begin.elapsed()
}

async fn many(house: &House, path: &str) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        times.push(timed(house, path).await);
    }
    times
}

fn report(what: &str, times: &[Duration]) {
    let mut times = times.to_vec();
    times.sort();
    println!(
        "{what}: median {:.1?}, longest {:.1?} of {}",
        times[times.len() / 2],
        times[times.len() - 1],
        times.len()
    );
}
