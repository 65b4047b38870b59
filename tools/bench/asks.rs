//! How long a person waits to see what Codex asks, with the real Codex, a scripted model and a real browser. Not a test: it needs a quiet
//! machine, and prints numbers for a person to judge.
//!
//!     cargo build --release && cargo run --release --example asks
//!
//! From the moment at which another client of the app-server has the request until Chromium has drawn its card; in between it was synced to
//! the journal.
#![allow(clippy::unwrap_used, dead_code, unused_imports)]

#[path = "../../tests/e2e/support/mod.rs"]
mod support;

use mock_model::{Call, Script, Step};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::House;
use support::browser::{chromium, playwright, program};
use support::script::{assignment, by_tool, department, plan, planner, told};
use support::thread::Stranger;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const ASKS: usize = 200;
/// What was decided before is recorded meanwhile; no model is faster.
const THINKS_MS: u64 = 150;
const GOVERNANCE: &str =
    "version: 1\nlanguage: en\ndepartments:\n  lingyubu: {approval: on-request}\n";

#[tokio::main]
async fn main() {
    let ask = |number: usize| Step {
        delay_ms: THINKS_MS,
        ..Step::call(Call::Shell {
            cmd: format!("touch /nowhere/{number}"),
            workdir: None,
            escalate: Some("It has to be somewhere else.".to_owned()),
            yield_time_ms: None,
        })
    };
    let mut steps: Vec<Step> = (0..ASKS).map(ask).collect();
    steps.push(Step::call(by_tool("Done.")));
    steps.push(Step::say("Done."));
    let script = Script::new([
        told("told", "", vec![Step::say("Noted.")]),
        planner(plan([assignment("lingyubu", "asks")])),
        department("lingyubu", steps),
    ]);
    let house = House::open(script, GOVERNANCE).await;
    let planner = house.planner("Make the greeter louder.").await;
    let plan = house.plan(&planner, 1).await;
    let mut page = Page::open(&house).await;
    house.confirm(&planner, &plan).await;
    let blocked = |session: &Value| session["activity"] == "blocked";
    let session = house.department("lingyubu", "it asks", blocked).await;
    // The first one is there before this client is; it only tells that the page works.
    let first = waiting(&house, None).await;
    page.seen(&first).await;
    let mut stranger = Stranger::connect(&house).await;
    let thread = json!({ "threadId": session["thread_id"], "excludeTurns": true });
    stranger.call("thread/resume", thread).await;
    // What waits already comes with it.
    stranger.next_request().await;
    let (mut drawn, mut heard, mut fetched) = (Vec::new(), Vec::new(), Vec::new());
    let mut last = first;
    for _ in 1..ASKS {
        let path = format!("/api/attention/{last}");
        house.post(&path, json!({ "decision": "decline" })).await;
        stranger.next_request().await;
        let asked = now_ms();
        last = waiting(&house, Some(&last)).await;
        let seen = page.seen(&last).await;
        drawn.push(seen.at - asked);
        heard.push(seen.fetch_began - asked);
        fetched.push(seen.fetch_ended - seen.fetch_began);
    }
    report("asked → the page fetches", &mut heard);
    report("the fetch", &mut fetched);
    report("asked → drawn in Chromium", &mut drawn);
    page.close().await;
    house
        .post("/api/stop_session", json!({ "session_id": planner }))
        .await;
    house.close().await;
}

/// The id of the ask that waits now, once it is not `last`.
async fn waiting(house: &House, last: Option<&str>) -> String {
    let look = async || {
        let list = house.get("/api/attention").await;
        let mut items = list["items"].as_array().unwrap().iter();
        let ask = items.find(|item| item["kind"] == "ask" && item["id"].as_str() != last)?;
        Some(ask["id"].as_str().unwrap().to_owned())
    };
    house.wait_for("the next ask", look).await
}

fn now_ms() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs_f64() * 1000.0
}

/// When an ask was drawn, and when what was drawn was fetched, each in milliseconds since 1970.
#[derive(Clone, Copy)]
struct Drawn {
    at: f64,
    fetch_began: f64,
    fetch_ended: f64,
}

/// A browser that says what it has drawn.
struct Page {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    seen: BTreeMap<String, Drawn>,
}

impl Page {
    async fn open(house: &House) -> Self {
        let (code, said, complaint) = house.run(&["open", "--no-open"]).await;
        assert_eq!(code, Some(0), "{complaint}");
        let mut words = said.split_whitespace();
        let login = words.find(|word| word.contains("#key=")).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(program("NODE", &["node"]))
            .arg(root.join("tools/bench/asks.mjs"))
            .env("BENCH_LOGIN", login)
            .env("BENCH_CHROMIUM", chromium())
            .env("BENCH_PLAYWRIGHT", playwright())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut page = Self {
            child,
            lines,
            seen: BTreeMap::new(),
        };
        while page.line().await != "READY" {}
        page
    }

    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(30), self.lines.next_line());
        line.await
            .expect("the page says nothing")
            .unwrap()
            .expect("the page ended")
    }

    async fn seen(&mut self, id: &str) -> Drawn {
        loop {
            if let Some(at) = self.seen.get(id) {
                return *at;
            }
            let line = self.line().await;
            let words: Vec<&str> = line.split(' ').collect();
            let at = |place: usize| words[place].parse().unwrap();
            let drawn = Drawn {
                at: at(2),
                fetch_began: at(3),
                fetch_ended: at(4),
            };
            self.seen.insert(words[1].to_owned(), drawn);
        }
    }

    async fn close(mut self) {
        drop(self.child.stdin.take());
        self.child.wait().await.unwrap();
    }
}

fn report(what: &str, times: &mut [f64]) {
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part).round() as usize];
    println!(
        "{what}: median {:.1} ms, p99 {:.1} ms, longest {:.1} ms of {}",
        at(0.5),
        at(0.99),
        at(1.0),
        times.len()
    );
}
