//! Many threads at once, with the real Codex and a scripted model. Not a test: it needs a quiet machine, and prints numbers for a person to
//! judge.
//!
//!     cargo build --release && cargo run --release --example many
//!
//! Twenty planners get five messages each, all at once; each answer comes in fifty pieces. Every answer has to be in the transcript as
//! zhongshu tells it, and a reader of the session stream must have heard of each turn's end. Prints how long it took and the most
//! memory that the launcher had.
#![allow(clippy::unwrap_used, dead_code, unused_imports)]

#[path = "../../tests/e2e/support/mod.rs"]
mod support;

use mock_model::{Script, Step};
use serde_json::{Value, json};
use std::time::Instant;
use support::script::{assignment, on_message, plan, planner};
use support::{GOVERNANCE, House};

const THREADS: usize = 20;
const TURNS: usize = 5;
const PIECES: usize = 50;

#[tokio::main]
async fn main() {
    let words: Vec<String> = (0..PIECES).map(|number| format!("word{number}")).collect();
    let answer = Step {
        say: Some(words.join(" ")),
        chunk_delay_ms: Some(10),
        ..Step::default()
    };
    let script = Script::new([
        on_message("tell", "TELL", vec![answer]),
        planner(plan([assignment("lingyubu", "asks")])),
    ]);
    let house = House::open(script, GOVERNANCE).await;
    println!("launcher before: {}", memory(house.launcher_pid()));
    let mut planners = Vec::new();
    for number in 0..THREADS {
        let id = house
            .planner(&format!("Make greeter {number} louder."))
            .await;
        planners.push(id);
    }
    for id in &planners {
        house
            .session(id, "it rests", |it| it["activity"] == "idle")
            .await;
    }
    println!(
        "launcher with {THREADS} idle threads: {}",
        memory(house.launcher_pid())
    );
    let begin = Instant::now();
    let talks = planners.iter().map(|id| talk(&house, id));
    futures_util::future::join_all(talks).await;
    println!(
        "{} turns of {PIECES} pieces in {:.1?}; none lost; launcher {}",
        THREADS * TURNS,
        begin.elapsed(),
        memory(house.launcher_pid())
    );
    house.close().await;
}

async fn talk(house: &House, id: &str) {
    for turn in 0..TURNS {
        let text = format!("TELL {turn}");
        let body = json!({ "session_id": id, "input": text });
        house.post("/api/session_input", body).await;
        let told = async || {
            let page = house.get(&format!("/api/thread?id={id}&limit=1")).await;
            let newest = &page["turns"][0];
            let text = newest.to_string();
            let whole = text.contains(&format!("\"TELL {turn}\""))
                || text.contains(&format!("TELL {turn}"));
            let answered = text.contains(&format!("word{}", PIECES - 1));
            (newest["status"] == "completed" && whole && answered).then_some(())
        };
        house.wait_for("the answer in the transcript", told).await;
    }
}

/// Proportional and resident set, and the most that was resident.
fn memory(pid: u32) -> String {
    let field = |file: &str, name: &str| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kib / 1024.0
    };
    format!(
        "{:.1} MiB PSS, {:.1} MiB RSS, {:.1} MiB at most",
        field("smaps_rollup", "Pss:"),
        field("status", "VmRSS:"),
        field("status", "VmHWM:")
    )
}
