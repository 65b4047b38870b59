//! How fast and how small zhongshu is, with the real Codex and a scripted model. Not a test: it needs a quiet machine, and
//! prints numbers for a person to judge.
//!
//!     cargo build --release && cargo run --release --example latency
//!
//! - first answer: from the start of `zhongshu serve` to the first 200 on `/healthz`, with and without a journal to replay;
//! - department: from `POST /api/start_assignments` to the department's first request at the model, with tool server and
//!   terminal, first after the start and later ones;
//! - memory: the launcher's proportional set size after an idle minute.
#![allow(clippy::unwrap_used, dead_code, unused_imports)]

mod memory;
#[path = "../../tests/e2e/support/mod.rs"]
mod support;

use memory::pss_kib;
use mock_model::{Script, Step};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::script::{assignment, by_tool, department, plan, planner, told};
use support::{GOVERNANCE, House};

const RUNS: usize = 10;

#[tokio::main]
async fn main() {
    let script = || {
        Script::new([
            told("told", "", vec![Step::say("Noted.")]),
            planner(plan([assignment("lingyubu", "warm up")])),
            department(
                "lingyubu",
                vec![Step::call(by_tool("Done.")), Step::say("Done.")],
            ),
        ])
    };
    let house = House::build(script(), GOVERNANCE).await;
    let mut fresh = Vec::new();
    for run in 0..RUNS {
        fresh.push(first_answer(&house, &format!("fresh-{run}")).await);
    }
    report("first answer, new state", &fresh);
    let mut again = Vec::new();
    for _ in 0..RUNS {
        again.push(first_answer(&house, "fresh-0").await);
    }
    report("first answer, old state", &again);
    house.close().await;

    let mut firsts = Vec::new();
    let mut later = Vec::new();
    let mut memory = Vec::new();
    for life in 0..3 {
        let house = House::open(script(), GOVERNANCE).await;
        let planner = house.planner("Make the greeter louder.").await;
        house.plan(&planner, 1).await;
        house
            .session(&planner, "the planner rests", |session| {
                session["activity"] == "idle" && session["browser_terminal_status"] == "running"
            })
            .await;
        settle().await;
        firsts.push(department_starts(&house, &planner, 0).await);
        for number in 1..=RUNS / 2 {
            settle().await;
            later.push(department_starts(&house, &planner, number).await);
        }
        if life == 0 {
            eprintln!("waiting an idle minute");
            tokio::time::sleep(Duration::from_secs(60)).await;
            memory.push(pss_kib(house.launcher_pid()));
        }
        house.close().await;
    }
    report("department, first after the start", &firsts);
    report("department, later", &later);
    println!(
        "launcher after an idle minute: {:.1} MiB PSS",
        memory[0] as f64 / 1024.0
    );
}

/// What the run before started has to come to rest, or it is measured too.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}

async fn department_starts(house: &House, planner: &str, number: usize) -> Duration {
    let task = format!("measured {number}.");
    let body =
        json!({ "parent_session_id": planner, "assignments": [assignment("lingyubu", &task)] });
    let begin = Instant::now();
    house.post("/api/start_assignments", body).await;
    let requests = house
        .requests("the department's first request", |requests| {
            requests
                .iter()
                .any(|request| request.user_texts[0].contains(&task))
        })
        .await;
    let first = requests
        .iter()
        .find(|request| request.user_texts[0].contains(&task))
        .unwrap();
    let took = first.at - begin;
    let ended = |session: &Value| session["task"] == task && session["status"] == "reported";
    house.department("lingyubu", "its end", ended).await;
    took
}

async fn first_answer(house: &House, state: &str) -> Duration {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let begin = Instant::now();
    let mut child = house
        .zhongshu()
        .args([
            "serve",
            "--json",
            "--no-open",
            "--allow-writable-state",
            "--port",
            &port.to_string(),
            "--state-dir",
        ])
        .arg(house.root.join(state))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    while !answers(port) {
        assert!(begin.elapsed() < Duration::from_secs(10), "no answer");
        std::thread::sleep(Duration::from_micros(200));
    }
    let took = begin.elapsed();
    settle().await;
    zhongshu::process::Identity::of(child.id().unwrap())
        .unwrap()
        .signal(zhongshu::process::Signal::Term);
    child.wait().await.unwrap();
    took
}

fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        let request =
            format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}

fn report(what: &str, times: &[Duration]) {
    let mut times: Vec<f64> = times
        .iter()
        .map(|time| time.as_secs_f64() * 1000.0)
        .collect();
    times.sort_by(f64::total_cmp);
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{what}: median {median:.1} ms, worst {worst:.1} ms of {}",
        times.len()
    );
}
