//! One session through everything that it can be doing. What depends on the clock alone, silence, has a house of its own with a short
//! threshold: in the other one a machine that is busy with something else would be silent, too.

use crate::page::Watcher;
use crate::support::House;
use crate::support::script::{hang, on_message};
use crate::support::thread::Stranger;
use crate::told::Told;
use chrono::{DateTime, Utc};
use mock_model::{Call, Fail, RecordedRequest, Rule, Script, Step};
use serde_json::{Value, json};
use std::time::Duration;

const PATIENT: &str = "version: 1\nlanguage: en\nsilent_after_seconds: 600\nlooping_after: 5\n\
                       tuis_started_with_session: 0\n";
const SILENT_AFTER: i64 = 4;
const IMPATIENT: &str =
    "version: 1\nlanguage: en\nsilent_after_seconds: 4\ntuis_started_with_session: 0\n";
/// Runs until the test says so.
const WAITS: &str = "until [ -e go ]; do sleep 0.1; done";

fn fails(status: u16, error: Value) -> Step {
    let body = json!({ "error": error });
    Step {
        fail: Some(Fail { status, body }),
        ..Step::default()
    }
}

fn shell(cmd: &str, escalate: Option<&str>) -> Step {
    Step::call(Call::Shell {
        cmd: cmd.to_owned(),
        workdir: None,
        escalate: escalate.map(str::to_owned),
        yield_time_ms: Some(30_000),
    })
}

fn script(outside: &str) -> Script {
    let writes = Step {
        hang: true,
        chunk_delay_ms: Some(150),
        ..Step::say("one word after the other until everything is said")
    };
    let mut loops = vec![shell("echo same; false", None); 5];
    loops.extend([hang(), Step::say("Enough.")]);
    let broken = json!({ "message": "the provider is out of order", "type": "server_error" });
    let limit =
        json!({ "message": "You have hit your usage limit.", "type": "usage_limit_reached" });
    Script::new([
        on_message("writes", "WRITE", vec![writes]),
        on_message(
            "runs",
            "RUN",
            vec![shell(WAITS, None), Step::say("It ran.")],
        ),
        on_message("loops", "LOOP", loops),
        on_message(
            "asks",
            "ASK",
            vec![
                shell(&format!("touch '{outside}'"), Some("why not")),
                Step::say("Asked."),
            ],
        ),
        on_message("hangs", "HANG", vec![hang(), Step::say("Back.")]),
        on_message("fails", "FAIL", vec![fails(500, broken)]),
        on_message("limit", "LIMIT", vec![fails(429, limit)]),
        on_message("stops", "STOP", vec![hang()]),
        Rule {
            name: "planner".to_owned(),
            steps: vec![Step::say("Ready.")],
            ..Rule::default()
        },
    ])
}

/// A house whose Codex tries again, with a planner that is ready, and what is told of it.
async fn house(governance: &str) -> (House, String, Told) {
    let mut house = House::build(Script::default(), governance).await;
    let outside = house.codex_home.join("outside.txt").display().to_string();
    house.model.set_script(script(&outside));
    let path = house.codex_home.join("config.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    let patient = config.replace("stream_max_retries = 0", "stream_max_retries = 3");
    std::fs::write(&path, patient).unwrap();
    house.start(&[]).await;
    house.allow().await;
    let planner = house.planner("Make the greeter louder.").await;
    let told = Told::of(&house, &planner).await;
    (house, planner, told)
}

async fn say(house: &House, planner: &str, text: &str) {
    let body = json!({ "session_id": planner, "input": text });
    house.post("/api/session_input", body).await;
}

/// Waits until the model hangs in this step: what is let go on before would hang for ever.
async fn hangs(house: &House, rule: &str, step: usize) {
    let is_it = |it: &RecordedRequest| it.rule.as_deref() == Some(rule) && it.step == step;
    house
        .requests("it hangs", |all| all.iter().any(is_it))
        .await;
}

/// What the page of work shows.
async fn page(house: &House) -> String {
    let path = "/ui/work?lang=zh";
    let (_, mut pieces) = house.client().stream("GET", path, None).await.unwrap();
    let mut page = Vec::new();
    while let Some(piece) = pieces.next().await.unwrap() {
        page.extend_from_slice(&piece);
    }
    String::from_utf8(page).unwrap()
}

/// The same state stands in the API, on the page, and in what `zhongshu ps` prints.
async fn everywhere(house: &House, planner: &str, session: &Value, chinese: &str) -> Value {
    let state = session["doing"]["state"].as_str().unwrap();
    let is = |it: &Value| it["doing"]["state"] == state;
    let shown = house.session(planner, state, is).await;
    let page = page(house).await;
    let badge = format!("badge doing d-{state}");
    assert!(
        page.contains(&badge) && page.contains(chinese),
        "{badge}: {page}"
    );
    let (_, text, _) = house.run(&["ps"]).await;
    let line = text.lines().find(|line| line.starts_with(planner));
    assert!(
        line.is_some_and(|line| line.contains(&format!("  {state}"))),
        "{text}"
    );
    shown
}

async fn waiting(house: &House, planner: &str) -> Vec<Value> {
    let list = house.get("/api/attention").await;
    let items = list["items"].as_array().unwrap().iter();
    items
        .filter(|it| it["session_id"] == planner)
        .cloned()
        .collect()
}

/// What it is told to do, in this order.
const LASTING: [&str; 10] = [
    "idle",
    "looping",
    "idle",
    "waiting",
    "idle",
    "retrying",
    "failed",
    "interrupted",
    "rate_limited",
    "ended",
];
/// What the page shows of it for sure: each stands until the test goes on.
const SHOWN: [&str; 5] = [
    "looping",
    "waiting",
    "failed",
    "interrupted",
    "rate_limited",
];

fn lasting(mut states: Vec<(String, i64)>) -> Vec<(String, i64)> {
    let passing = [
        "thinking", "writing", "tool", "starting", "working", "ending",
    ];
    states.retain(|(state, _)| !passing.contains(&state.as_str()));
    states.dedup_by(|later, before| later.0 == before.0);
    states
}

/// What is pushed comes at once; what is only found when somebody looks again comes seconds later. How fast it is is measured elsewhere.
#[track_caller]
fn is_pushed(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let (best, median, worst) = (took[0], took[took.len() / 2], took[took.len() - 1]);
    println!("{what}: best {best:?}, median {median:?}, worst {worst:?}");
    assert!(median < Duration::from_secs(2), "{what}: {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_every_state_is_told_with_its_reason_when_it_is_so() {
    let (house, planner, mut told) = house(PATIENT).await;
    told.until(&house, "idle").await;
    let mut watcher = Watcher::of(&house, &planner).await;

    say(&house, &planner, "WRITE").await;
    let thinking = told.until(&house, "thinking").await;
    assert_eq!(thinking["activity"], "working");
    everywhere(&house, &planner, &thinking, "思考中").await;
    hangs(&house, "writes", 0).await;
    house.model.release();
    let writing = told.until(&house, "writing").await;
    assert!(writing["doing"]["since"].is_string(), "{writing}");
    told.until(&house, "idle").await;

    say(&house, &planner, "LOOP").await;
    let looping = told.until(&house, "looping").await;
    assert_eq!(
        (
            &looping["doing"]["tool"],
            &looping["doing"]["times"],
            &looping["activity"]
        ),
        (&json!("echo same; false"), &json!(5), &json!("working")),
    );
    everywhere(
        &house,
        &planner,
        &looping,
        "反复运行 echo same; false：5 次",
    )
    .await;
    let items = waiting(&house, &planner).await;
    assert_eq!(items[0]["kind"], "looping", "{items:?}");
    let actions: Vec<&Value> = items[0]["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["id"])
        .collect();
    assert_eq!(actions, ["message", "interrupt", "stop"]);
    watcher.until_shown("looping").await;
    hangs(&house, "loops", 5).await;
    house.model.release();
    told.until(&house, "idle").await;

    say(&house, &planner, "ASK").await;
    let asks = told.until(&house, "waiting").await;
    let asks = match asks["doing"]["ask_ids"].is_array() {
        true => asks,
        false => told.until(&house, "waiting").await,
    };
    assert_eq!(asks["activity"], "blocked");
    let shown = everywhere(&house, &planner, &asks, "等待您").await;
    watcher.until_shown("waiting").await;
    let id = shown["doing"]["ask_ids"][0].as_str().unwrap().to_owned();
    let path = format!("/api/attention/{id}");
    house.post(&path, json!({ "decision": "decline" })).await;
    told.until(&house, "idle").await;
    assert_eq!(waiting(&house, &planner).await, [] as [Value; 0]);

    say(&house, &planner, "FAIL").await;
    let again = told.until(&house, "retrying").await;
    assert!(again["doing"]["reason"].is_string(), "{again}");
    let failed = told.until(&house, "failed").await;
    assert_eq!(failed["activity"], "idle");
    let reason = failed["doing"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("its last turn failed"), "{reason}");
    everywhere(&house, &planner, &failed, "失败").await;
    watcher.until_shown("failed").await;

    say(&house, &planner, "STOP").await;
    hangs(&house, "stops", 0).await;
    let thread = house
        .session(&planner, "it works", |it| it["activity"] == "working")
        .await;
    let thread = thread["thread_id"].as_str().unwrap();
    break_off(&house, thread).await;
    let stopped = told.until(&house, "interrupted").await;
    everywhere(&house, &planner, &stopped, "已中断").await;
    watcher.until_shown("interrupted").await;

    say(&house, &planner, "LIMIT").await;
    let limited = told.until(&house, "rate_limited").await;
    assert!(limited["doing"]["reason"].is_string(), "{limited}");
    everywhere(&house, &planner, &limited, "受到限额").await;
    watcher.until_shown("rate_limited").await;

    house
        .post("/api/stop_session", json!({ "session_id": planner }))
        .await;
    let ended = told.until(&house, "ended").await;
    assert_eq!(ended["doing"]["reason"], "stopped", "{ended}");
    assert_eq!(ended["activity"], "unknown");

    let told_of = lasting(told.moments());
    let states: Vec<&str> = told_of.iter().map(|(state, _)| state.as_str()).collect();
    assert_eq!(states, LASTING, "{:?}", told.states());
    let only_shown = |all: Vec<(String, i64)>| {
        let mut all = all;
        all.retain(|(state, _)| SHOWN.contains(&state.as_str()));
        all
    };
    let told_of = only_shown(told_of);
    let seen = watcher.seen().await.into_iter().map(|it| {
        let state = it["state"].as_str().unwrap().to_owned();
        (state, it["at"].as_i64().unwrap())
    });
    let seen = only_shown(lasting(seen.collect()));
    let states: Vec<&str> = seen.iter().map(|(state, _)| state.as_str()).collect();
    assert_eq!(states, SHOWN);
    is_pushed("from Codex to the stream", told.took());
    let later = seen.iter().zip(&told_of);
    let later = later.map(|((_, seen), (_, told))| (seen - told).max(0).unsigned_abs());
    is_pushed(
        "from the stream to the page",
        later.map(Duration::from_millis).collect(),
    );
    house.close().await;
}

/// Another client breaks off the turn that runs; Codex lists one a moment after it has begun.
async fn break_off(house: &House, thread: &str) {
    let mut stranger = Stranger::connect(house).await;
    let turn = house
        .wait_for("the turn is listed", async || {
            let list = json!({ "threadId": thread, "limit": 1 });
            let turns = stranger.call("thread/turns/list", list).await;
            let newest = turns["data"][0].clone();
            (newest["status"] == "inProgress").then(|| newest["id"].clone())
        })
        .await;
    let interrupt = json!({ "threadId": thread, "turnId": turn });
    stranger.call("turn/interrupt", interrupt).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_what_gives_no_sign_is_silent_and_what_runs_is_not() {
    let (house, planner, mut told) = house(IMPATIENT).await;
    told.until(&house, "idle").await;

    say(&house, &planner, "RUN").await;
    let tool = told.until(&house, "tool").await;
    assert_eq!(tool["doing"]["tool"], WAITS, "{tool}");
    everywhere(&house, &planner, &tool, "正在运行 until").await;
    let runs_for_long = |it: &Value| {
        let since = it["doing"]["since"].as_str().unwrap();
        let since: DateTime<Utc> = since.parse().unwrap();
        assert_eq!(it["doing"]["state"], "tool", "{it}");
        (Utc::now() - since).num_seconds() > SILENT_AFTER + 2
    };
    house
        .session(&planner, "it runs for long", runs_for_long)
        .await;
    std::fs::write(house.repo.join("go"), "").unwrap();
    told.until(&house, "idle").await;

    say(&house, &planner, "HANG").await;
    let silent = told.until(&house, "silent").await;
    assert_eq!(
        (&silent["activity"], &silent["heartbeat_status"]),
        (&json!("working"), &json!("stalled")),
    );
    everywhere(&house, &planner, &silent, "没有动静").await;
    assert_eq!(waiting(&house, &planner).await[0]["kind"], "silent");
    hangs(&house, "hangs", 0).await;
    house.model.release();
    told.until(&house, "idle").await;
    assert_eq!(waiting(&house, &planner).await, [] as [Value; 0]);
    house.close().await;
}
