//! What a long past costs: ten sessions beside thousands that were, with the real Codex and a scripted model. Not a test: it needs a quiet
//! machine, and prints a table for a person to judge.
//!
//!     cargo build --release --bin zhongshu && cargo run --release --example history
//!
//! Two planners with four departments each do their work for real. What the journal says of the first is then written into it again and
//! again, with other ids, as a year of work would. Nothing else is made up: every row of the table is the same server on the same
//! repository, with more behind it.
#![allow(clippy::unwrap_used, dead_code, unused_imports)]

mod memory;
#[path = "../../tests/support/repeat.rs"]
mod repeat;
#[path = "../../tests/e2e/support/mod.rs"]
mod support;

use memory::pss_kib;
use mock_model::{Script, Step};
use repeat::repeat;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::script::{assignment, plan, planner, reports, told};
use support::{GOVERNANCE, House};
use zhongshu::domain::state::State;
use zhongshu::domain::state::past::{KEPT, SLACK};
use zhongshu::journal::{Journal, system_clock};
use zhongshu::ledger::Ledger;

/// Sessions of one planner with its departments.
const SESSIONS: usize = 5;
const DEPARTMENTS: [&str; SESSIONS - 1] = ["lingyubu", "zhilibu", "gongchengbu", "menxia"];
/// The rows of the table, in sessions.
const ROWS: [usize; 3] = [10, 1_000, 20_000];
const RUNS: usize = 30;

#[tokio::main]
async fn main() {
    let rows = match std::env::args().nth(1) {
        Some(only) => vec![10, only.parse().unwrap()],
        None => ROWS.to_vec(),
    };
    let mut rules: Vec<_> = DEPARTMENTS
        .iter()
        .map(|key| reports(key, "Done."))
        .collect();
    let tasks = DEPARTMENTS.map(|key| assignment(key, &format!("Look after {key}.")));
    rules.push(told("told", "", vec![Step::say("Noted.")]));
    rules.push(planner(plan(tasks)));
    let governance = GOVERNANCE.replace("max_departments: 2", "max_departments: 4");
    let mut house = House::open(Script::new(rules), &governance).await;
    let first = work(&house).await;
    house
        .post("/api/stop_session", json!({ "session_id": first }))
        .await;
    let settled = async || {
        let events = house.audit().await;
        let count = |name: &str| events.iter().filter(|it| it["event"] == name).count();
        let is_over = count("session_closed") == SESSIONS
            && count("result_rejudged") == DEPARTMENTS.len()
            && count("terminal_closed") == count("terminal_started");
        is_over.then_some(events)
    };
    let of_first = house.wait_for("nothing is left to do", settled).await;
    let from = of_first
        .iter()
        .position(|it| it.to_string().contains(&first))
        .unwrap();
    let second = work(&house).await;
    println!("| sessions | events | start | memory | `/api/status` | `/ui/work` | inbox |");
    println!("|---|---|---|---|---|---|---|");
    let mut there = 2 * SESSIONS;
    for sessions in rows {
        house.stop_launcher().await;
        let times = (sessions - there) / SESSIONS;
        let journal = house.state.join("journal.jsonl");
        let write = || repeat(&journal, &of_first[from..], times);
        let events = tokio::task::block_in_place(write);
        there = sessions;
        row(&mut house, sessions, events, &second).await;
    }
    house.close().await;
}

/// A planner whose departments have all reported; it goes on living.
async fn work(house: &House) -> String {
    let id = house.at_work().await;
    house
        .status("the work is done", |status| {
            let mine = |it: &&Value| it["parent_session_id"] == id.as_str();
            let all = status["department_sessions"].as_array().unwrap();
            let over = |it: &Value| it["report_status"] == "reported" && !it["ended_at"].is_null();
            all.iter().filter(mine).filter(|it| over(it)).count() == DEPARTMENTS.len()
        })
        .await;
    let path = format!("/api/zhongshu_inbox?id={id}");
    for result in house.get(&path).await["unread_results"].as_array().unwrap() {
        house
            .post(
                "/api/ack_result",
                json!({ "report_id": result["report_id"] }),
            )
            .await;
    }
    id
}

async fn row(house: &mut House, sessions: usize, events: u64, planner: &str) {
    // The first start puts away what came at once; in a life it goes as it comes.
    house.start(&[]).await;
    let seen = async || {
        let past = Connection::open(house.state.join("history.sqlite"));
        let count = |it: Connection| {
            it.query_row("SELECT count(*) FROM past", [], |row| row.get::<_, i64>(0))
        };
        let past = past.and_then(count).unwrap_or(0);
        (sessions as i64 <= (KEPT + SLACK) as i64 + past).then_some(())
    };
    house.wait_for("what is over is put away", seen).await;
    house.stop_launcher().await;
    // What a stop does after a day of work, which there was none of here.
    let journal = house.state.join("journal.jsonl");
    let mut opened = Journal::open::<State>(&journal, None, &system_clock()).unwrap();
    opened.pace.at_stop = 1;
    let ledger = Ledger::start(opened, system_clock()).unwrap();
    tokio::task::block_in_place(|| ledger.close_blocking());
    let mut starts = Vec::new();
    for _ in 0..3 {
        let begin = Instant::now();
        house.start(&[]).await;
        house.get("/api/status").await;
        starts.push(begin.elapsed());
        house.stop_launcher().await;
    }
    starts.sort();
    house.start(&[]).await;
    house
        .status("Codex is there", |it| it["codex"]["state"] == "ready")
        .await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let memory = pss_kib(house.launcher_pid()) as f64 / 1024.0;
    let mut cells = Vec::new();
    for path in [
        "/api/status".to_owned(),
        format!("/ui/work?lang=en&session_id={planner}"),
        format!("/api/zhongshu_inbox?id={planner}"),
    ] {
        cells.push(looked(house, &path).await);
    }
    println!(
        "| {sessions} | {events} | {:.0?} | {memory:.1} MiB | {} |",
        starts[1],
        cells.join(" | ")
    );
}

/// How long the answer takes, and how much it says.
async fn looked(house: &House, path: &str) -> String {
    let client = house.client();
    let (mut times, mut bytes) = (Vec::new(), 0);
    for _ in 0..RUNS {
        let begin = Instant::now();
        let reply = client.request("GET", path, None).await.unwrap();
        times.push(begin.elapsed());
        bytes = reply.accepted().unwrap().body.len();
    }
    times.sort();
    format!("{:.1?}, {:.1} KiB", times[RUNS / 2], bytes as f64 / 1024.0)
}
