//! What jobs and extensions cost beside what they stand on, with the real Codex and a model on loopback. Not a test: it needs a quiet
//! machine, and prints numbers for a person to judge.
//!
//!     cargo build --release && cargo run --release --example jobs
//!
//! - accepted: from the wish for a job to the answer that it is durable, and a look at that job over the same door;
//! - suggestion: beside what the model takes, and beside the same question by a client of the app-server;
//! - handler: from the moment in which another client of Codex hears of an event to the first line of an extension's handler;
//! - idle: what 50 extensions take that have nothing to do: of the server, of the processes that keep them, and themselves;
//! - reload: of 20 extensions, and the start of as many of the same program alone;
//! - hanging: from the end of its time until nothing of an extension and of what it started is there.
#![allow(clippy::unwrap_used, dead_code, unused_imports)]

#[path = "../../tests/harness/extensions/rig.rs"]
mod extensions;
mod figures;
mod memory;
#[path = "../../tests/harness/rig.rs"]
mod rig;
#[path = "../../tests/e2e/support/mod.rs"]
mod support;

use extensions::{Extension, NOTHING, governance, is_alive, manifest};
use figures::report;
use memory::pss_kib;
use mock_model::Step;
use serde_json::{Value, json};
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::House;
use support::script::{hang, on_message};
use support::thread::Stranger;

const RUNS: usize = 60;
const IDLE: usize = 50;
const RELOADED: usize = 20;
const RELOADS: usize = 5;
const HANGS: usize = 3;
/// What the model takes for a suggestion.
const MODEL: Duration = Duration::from_millis(200);
/// How long a handler may take that hangs.
const LIMIT: Duration = Duration::from_millis(400);
/// Words of our prompt, in English.
const ASKED: &str = "Suggest what I could ask of you next";

#[tokio::main]
async fn main() {
    let later = Step {
        delay_ms: MODEL.as_millis().try_into().unwrap(),
        ..Step::say("Write the tests.")
    };
    let suggests = on_message("suggests", ASKED, vec![later.clone()]);
    let asked = on_message("asked", "What next?", vec![later]);
    let mut house = rig::house_with([suggests, asked], &governance()).await;
    suggestion(&house).await;
    accepted(&house).await;
    handler(&house).await;
    hanging(&house).await;
    let program = greeter(&house);
    alone(&program);
    reload(&house, &program).await;
    idle(&mut house, &program).await;
    house.close().await;
}

async fn suggestion(house: &House) {
    let (id, turn) = house.session_with_turn().await;
    let path = format!("/sessions/{id}/suggested-request");
    let mut stranger = Stranger::connect(house).await;
    let (mut ours, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..RUNS / 2 {
        let begin = Instant::now();
        house.make(&path, json!({})).await;
        ours.push(begin.elapsed().saturating_sub(MODEL));
        let begin = Instant::now();
        let sample = json!({ "threadId": id, "expectedTurnId": turn, "prompt": "What next?" });
        stranger.call("thread/sample", sample).await;
        alone.push(begin.elapsed().saturating_sub(MODEL));
    }
    report("suggestion beside the model's time", &mut ours);
    report("the same question, Codex alone", &mut alone);
}

async fn accepted(house: &House) {
    let (id, _) = house.session_with_turn().await;
    // One that runs, so that the others wait.
    let held = [on_message("suggests", ASKED, vec![hang()])];
    let before = rig::script(held);
    house.model.set_script(before);
    let (mut made, mut read) = (Vec::new(), Vec::new());
    for number in 0..RUNS {
        let payload = json!({ "sessionId": id, "requestKey": format!("k{number}") });
        let wish = json!({ "type": "suggest_request", "payload": payload, "dedupe": "none" });
        let begin = Instant::now();
        let queued = house
            .granted("POST", "/orchestrator/jobs", Some(wish), 202)
            .await;
        made.push(begin.elapsed());
        let path = format!(
            "/orchestrator/jobs/{}",
            queued["job"]["id"].as_str().unwrap()
        );
        let begin = Instant::now();
        house.look(&path).await;
        read.push(begin.elapsed());
    }
    report("a job is accepted and durable", &mut made);
    report("a look at it", &mut read);
    let path = format!("/sessions/{id}");
    house.granted("DELETE", &path, None, 200).await;
    house.model.release();
}

/// Writes down when it hears of something.
const NOTES_TIME: &str = r#"
def handle(event, payload):
    note("times", time.time_ns())
    return []
"#;

async fn handler(house: &House) {
    let event = "app_server.turn.started";
    house
        .runs(&Extension {
            id: "timed",
            events: json!([event]),
            declares: json!({"events": [event]}),
            code: NOTES_TIME,
        })
        .await;
    let id = house.chat().await;
    let mut stranger = Stranger::connect(house).await;
    house.has_turn(&id, "Hello.").await;
    let resume = json!({ "threadId": id, "excludeTurns": true });
    stranger.call("thread/resume", resume).await;
    let mut times = Vec::new();
    for number in 1..=RUNS {
        let text = json!([{ "type": "text", "text": "Hello." }]);
        let start = json!({ "threadId": id, "input": text });
        stranger.call("turn/start", start).await;
        stranger.told("turn/started").await;
        let told = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        stranger.told("turn/completed").await;
        let noted = house.noted_times("timed", "times", number + 1).await;
        let noted = Duration::from_nanos(noted[number].as_u64().unwrap());
        times.push(noted.saturating_sub(told));
    }
    // The first are no warm ones.
    report("event → handler", &mut times[5..]);
    gone(house, "timed").await;
}

/// Starts something that outlives it, and hangs.
const HANGS_AT_ONCE: &str = r#"
import subprocess
def handle(event, payload):
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    note("hung", [time.time_ns(), os.getpid(), child.pid])
    time.sleep(600)
"#;

async fn hanging(house: &House) {
    let mut times = Vec::new();
    for number in 0..HANGS {
        let id = format!("hanging{number}");
        let milliseconds = u64::try_from(LIMIT.as_millis()).unwrap();
        let event = json!({"event": "turn.completed", "timeoutMs": milliseconds});
        house
            .runs(&Extension {
                events: json!([event]),
                ..Extension::of_turns(&id, HANGS_AT_ONCE)
            })
            .await;
        house.session_with_turn().await;
        let hung = house.noted_times(&id, "hung", 1).await;
        while is_alive(&hung[0][1]) || is_alive(&hung[0][2]) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let began = Duration::from_nanos(hung[0][0].as_u64().unwrap());
        times.push(now.saturating_sub(began + LIMIT));
        gone(house, &id).await;
    }
    report("a hanging one is gone, after its time", &mut times);
}

async fn reload(house: &House, program: &Path) {
    for number in 0..RELOADED {
        lies_idle(house, program, number);
    }
    trusts_all(house, RELOADED).await;
    let mut times = Vec::new();
    for _ in 0..RELOADS {
        let begin = Instant::now();
        let (status, answer) = house.reloads().await;
        times.push(begin.elapsed());
        assert_eq!(
            (status, &answer["loadedCount"]),
            (200, &json!(RELOADED)),
            "{answer}"
        );
    }
    report(&format!("reload of {RELOADED}"), &mut times);
}

async fn idle(house: &mut House, program: &Path) {
    for number in 0..RELOADED {
        gone(house, &name(number)).await;
    }
    let before = settled(house, 0).await;
    for number in 0..IDLE {
        lies_idle(house, program, number);
    }
    trusts_all(house, IDLE).await;
    let after = settled(house, IDLE).await;
    let (mut keepers, mut theirs) = (0, 0);
    for keeper in children(house.launcher_pid()) {
        let own: u64 = children(keeper).into_iter().map(pss_kib).sum();
        if own > 0 && command(keeper).contains("keep") {
            keepers += pss_kib(keeper);
            theirs += own;
        }
    }
    println!(
        "{IDLE} idle extensions: the server has {after} KiB, without them {before} KiB; {keepers} KiB of what keeps them, {theirs} KiB themselves"
    );
}

/// What the server takes a moment after a start, with so many extensions: none of what it took to trust them is in it.
async fn settled(house: &mut House, count: usize) -> u64 {
    house.stop_launcher().await;
    house.start(&[]).await;
    house.knows_sessions().await;
    let running = async || {
        let list = house.look("/agents/extensions").await;
        let all = list["modules"].as_array().unwrap().iter();
        (all.filter(|it| it["state"] == "running").count() == count).then_some(())
    };
    house.wait_for("all of them", running).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    pss_kib(house.launcher_pid())
}

/// An extension of which nothing is slow but what we do.
fn greeter(house: &House) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = source.join("tests/harness/extensions/samples/greeter.rs");
    let program = house.root.join("an-extension");
    let mut built = Command::new("rustc");
    built.args(["--edition", "2024", "-O", "-C", "strip=symbols", "-o"]);
    assert!(built.args([&program, &source]).status().unwrap().success());
    program
}

/// What it takes to start the program and to ask it what it is, for as many as are reloaded, one after the other.
fn alone(program: &Path) {
    let begin = Instant::now();
    for _ in 0..RELOADED {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
        for question in [
            r#"{"id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#,
            r#"{"id":1,"method":"tools/list","params":{}}"#,
        ] {
            writeln!(input, "{question}").unwrap();
            let mut answer = String::new();
            output.read_line(&mut answer).unwrap();
            assert!(answer.contains("result"), "{answer}");
        }
        drop(input);
        child.wait().unwrap();
    }
    println!("the start of {RELOADED} alone: {:.1?}", begin.elapsed());
}

fn name(number: usize) -> String {
    format!("idle{number:02}")
}

fn lies_idle(house: &House, program: &Path, number: usize) {
    let id = name(number);
    let declares = json!({"events": ["turn.completed"], "actions": ["transcript.upsert"]});
    let mut says = manifest(&id, &declares);
    says["command"] = json!(["./greeter"]);
    house.writes(&id, &[("extension.manifest.json", &says.to_string())]);
    let copy = house.extension_folder(&id).join("greeter");
    std::fs::copy(program, copy).unwrap();
}

/// Says yes to all that lie there and do not run.
async fn trusts_all(house: &House, count: usize) {
    house.reloads().await;
    for number in 0..count {
        let module = house.module(&name(number)).await;
        let yes = json!({"agentId": module["agentId"], "digest": module["trust"]["digest"]});
        house.make("/agents/extensions/trust", yes).await;
    }
}

/// Takes an extension away, with its process.
async fn gone(house: &House, id: &str) {
    std::fs::remove_dir_all(house.extension_folder(id)).unwrap();
    assert_eq!(house.reloads().await.0, 200);
}

fn children(pid: u32) -> Vec<u32> {
    let mut all = Vec::new();
    for thread in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        let path = thread.unwrap().path().join("children");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        all.extend(text.split_whitespace().map(|it| it.parse::<u32>().unwrap()));
    }
    all
}

fn command(pid: u32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default()
}
