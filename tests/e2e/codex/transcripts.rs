//! The transcript of a session, through every door: the API's pages, one step whole, the stream, Markdown, the command line, the page.

use crate::support::script::{assignment, fails, hang, on_message, plan, planner, reports, told};
use crate::support::{GOVERNANCE, House};
use futures_util::StreamExt as _;
use mock_model::{Call, Script, Step};
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use zhongshu::client::ClientError;

fn script() -> Script {
    let slow = Step {
        say: Some("one two three four five six".to_owned()),
        chunk_delay_ms: Some(150),
        ..Step::default()
    };
    let many = "for i in $(seq 1 20000); do echo line $i; done; exit 3";
    Script::new([
        on_message(
            "run",
            "RUN",
            vec![Step::call(Call::shell(many)), Step::say("It ran.")],
        ),
        on_message("slow", "SLOW", vec![slow]),
        on_message("fail", "FAIL", vec![fails("flooded")]),
        on_message("hang", "HANG", vec![hang()]),
        told("told", "", vec![Step::say("**Noted.**")]),
        planner(plan([assignment("lingyubu", "works")])),
        reports("lingyubu", "DONE"),
    ])
}

/// All rows of a session, oldest first.
async fn rows(house: &House, id: &str) -> Vec<Value> {
    let page = house
        .get(&format!("/api/thread?id={id}&order=oldest&limit=100"))
        .await;
    assert_eq!(page["next_cursor"], Value::Null);
    let turns = page["turns"].as_array().unwrap().iter();
    turns
        .flat_map(|turn| turn["rows"].as_array().unwrap().clone())
        .collect()
}

/// The rows, once there is one that fits.
async fn once(house: &House, id: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let look = async || rows(house, id).await.into_iter().find(|row| fits(row));
    house.wait_for(what, look).await
}

async fn say(house: &House, id: &str, text: &str) {
    let body = json!({ "session_id": id, "input": text });
    house.post("/api/session_input", body).await;
}

async fn idle(house: &House, id: &str) {
    house
        .session(id, "it rests", |session| session["activity"] == "idle")
        .await;
}

async fn refused(house: &House, path: &str) -> (u16, String, String) {
    match house.client().get(path).await {
        Err(ClientError::Refused {
            status,
            code,
            message,
        }) => (status, code, message),
        other => panic!("{path} should be refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_transcript_is_read_through_every_door() {
    let house = House::open(script(), GOVERNANCE).await;
    let planner = house.planner("Make the greeter louder.").await;
    house.plan(&planner, 1).await;
    idle(&house, &planner).await;
    let mut stream = Box::pin(
        house
            .client()
            .events(&format!("/api/thread_stream?id={planner}"))
            .await
            .unwrap(),
    );
    say(&house, &planner, "RUN it").await;
    let command = once(&house, &planner, "the command", |row| {
        row["kind"] == "command" && !row["ended_at"].is_null()
    })
    .await;
    assert_eq!(command["exit_code"], 3);
    assert_eq!(command["status"], "failed");
    assert_eq!(
        command["output_at_limit"], true,
        "{}",
        command["output"]["left_out"]
    );
    let output = command["output"]["text"].as_str().unwrap();
    assert!(output.ends_with("line 20000\n"));
    idle(&house, &planner).await;
    say(&house, &planner, "FAIL now").await;
    once(&house, &planner, "the failure", |row| {
        row["kind"] == "turn_failed"
    })
    .await;
    // The task came through us, and so did what the person said.
    let all = rows(&house, &planner).await;
    assert_eq!(all[0]["kind"], "message");
    assert_eq!(
        (&all[0]["via"], &all[0]["client_id"]),
        (&json!("zhongshu"), &json!(planner))
    );
    let tool = all.iter().find(|row| row["kind"] == "tool").unwrap();
    assert_eq!(
        (&tool["server"], &tool["tool"]),
        (&json!("zhongshu"), &json!("report_plan"))
    );
    assert!(
        tool["arguments"]["text"]
            .as_str()
            .unwrap()
            .contains("lingyubu")
    );
    // Whoever did not read the stream meanwhile skips to the newest, and hears that the history is another one.
    let mut told = Vec::new();
    while !told.contains(&"history".to_owned()) {
        let event = tokio::time::timeout(crate::support::PATIENCE, stream.next());
        told.push(
            event
                .await
                .expect("the stream is silent")
                .unwrap()
                .unwrap()
                .event,
        );
    }
    assert!(told.contains(&"turn".to_owned()), "{told:?}");
    // A piece of a message is there before the message is.
    say(&house, &planner, "SLOW please").await;
    let half = once(&house, &planner, "a piece of the answer", |row| {
        let text = row["text"]["text"].as_str().unwrap_or_default();
        row["kind"] == "answer" && text.starts_with("one two") && row["ended_at"].is_null()
    })
    .await;
    once(&house, &planner, "the whole answer", |row| {
        row["id"] == half["id"] && row["text"]["text"] == "one two three four five six"
    })
    .await;
    idle(&house, &planner).await;
    // One step, one page after the other, by the name of the thread.
    let id = command["id"].as_str().unwrap();
    let whole = house
        .get(&format!("/api/thread/item?id={planner}&item={id}"))
        .await;
    assert_eq!(whole["row"]["id"], *id);
    let first = house
        .get(&format!("/api/thread?id={planner}&limit=1"))
        .await;
    let thread = first["thread_id"].as_str().unwrap().to_owned();
    let cursor = first["next_cursor"].as_str().unwrap().replace('"', "%22");
    let cursor = cursor.replace('{', "%7B").replace('}', "%7D");
    let second = house
        .get(&format!("/api/thread?id={thread}&limit=1&cursor={cursor}"))
        .await;
    assert_ne!(first["turns"][0]["id"], second["turns"][0]["id"]);
    assert_eq!(second["turns"][0]["status"], "failed");
    // No.
    for (path, expected) in [
        ("/api/thread?id=zhongshu-0", (404, "unknown_thread")),
        (
            &*format!("/api/thread?id={planner}&limit=0"),
            (400, "invalid_limit"),
        ),
        (
            &*format!("/api/thread?id={planner}&limit=101"),
            (400, "invalid_limit"),
        ),
        (
            &*format!("/api/thread?id={planner}&cursor=x"),
            (400, "invalid_cursor"),
        ),
        (
            &*format!("/api/thread?id={planner}&format=pdf"),
            (400, "invalid_query"),
        ),
        (
            &*format!("/api/thread/item?id={planner}&item=a/b"),
            (404, "unknown_item"),
        ),
        ("/api/thread_stream?id=zhongshu-0", (404, "unknown_thread")),
    ] {
        let (status, code, message) = refused(&house, path).await;
        assert_eq!((status, code.as_str()), expected, "{path}: {message}");
    }
    // On the command line, three ways.
    let (code, text, _) = house.run(&["transcript", &planner]).await;
    assert_eq!(code, Some(0));
    for part in [
        "› RUN it",
        "line 20000",
        "exit 3",
        "[the turn failed: ",
        "• one two three",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let (code, json, _) = house.run(&["transcript", &planner, "--json"]).await;
    assert_eq!(code, Some(0));
    let lines: Vec<Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines, rows(&house, &planner).await);
    let (code, page, _) = house.run(&["transcript", &planner, "--markdown"]).await;
    assert_eq!(code, Some(0));
    assert!(
        page.starts_with("# Transcript: ") && page.contains("### Command (failed, exit code 3)"),
        "{page}"
    );
    let (code, _, complaint) = house.run(&["transcript", "zhongshu-0"]).await;
    assert_eq!(code, Some(1));
    assert!(
        complaint.contains("there is no session or thread"),
        "{complaint}"
    );
    let (code, _, complaint) = house.run(&["transcript", "zhongshu-0", "--markdown"]).await;
    assert_eq!(code, Some(1));
    assert!(
        complaint.contains("there is no session or thread"),
        "{complaint}"
    );
    // A session that is over.
    house
        .post("/api/stop_session", json!({ "session_id": planner }))
        .await;
    house
        .session(&planner, "its end", |session| {
            session["status"] == "stopped"
        })
        .await;
    let after = rows(&house, &planner).await;
    assert_eq!(after, lines);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_transcript_is_followed_on_the_command_line_and_tells_of_an_interruption() {
    let house = House::open(script(), GOVERNANCE).await;
    let planner = house.planner("Make the greeter louder.").await;
    house.plan(&planner, 1).await;
    idle(&house, &planner).await;
    let mut follower = house
        .zhongshu()
        .args(["transcript", &planner, "--follow", "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut seen: Vec<Value> = Vec::new();
    let mut until = async |what: &str, fits: &dyn Fn(&Value) -> bool| {
        loop {
            let line = tokio::time::timeout(crate::support::PATIENCE, lines.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("waited in vain for {what}: {seen:#?}"));
            let row: Value = serde_json::from_str(&line.unwrap().unwrap()).unwrap();
            let known = seen.iter().any(|it| it["id"] == row["id"]);
            assert!(!known, "{} was printed twice", row["id"]);
            seen.push(row);
            if fits(seen.last().unwrap()) {
                return;
            }
        }
    };
    until("the answer to the task", &|row| row["kind"] == "answer").await;
    say(&house, &planner, "SLOW please").await;
    until("the slow answer", &|row| {
        row["text"]["text"] == "one two three four five six"
    })
    .await;
    idle(&house, &planner).await;
    say(&house, &planner, "HANG").await;
    let turn = once(&house, &planner, "the turn that hangs", |row| {
        row["text"]["text"]
            .as_str()
            .is_some_and(|text| text.contains("HANG"))
    })
    .await;
    let turn = turn["id"]
        .as_str()
        .unwrap()
        .split_once('/')
        .unwrap()
        .0
        .to_owned();
    let thread = house
        .get(&format!("/api/thread?id={planner}&limit=1"))
        .await["thread_id"]
        .clone();
    let mut stranger = crate::support::thread::Stranger::connect(&house).await;
    let interrupt = json!({ "threadId": thread, "turnId": turn });
    stranger.call("turn/interrupt", interrupt).await;
    until("the interruption", &|row| row["kind"] == "turn_interrupted").await;
    // Taken back behind our back: gone from the pages.
    let before = rows(&house, &planner).await;
    assert!(
        before
            .iter()
            .any(|row| row["id"].as_str().unwrap().starts_with(&turn))
    );
    let revert = json!({ "threadId": thread, "beforeTurnId": turn });
    stranger.call("thread/revert", revert).await;
    let look = async || {
        let rows = rows(&house, &planner).await;
        let gone = |row: &Value| !row["id"].as_str().unwrap().starts_with(&turn);
        rows.iter().all(gone).then_some(())
    };
    house.wait_for("the revert to be followed", look).await;
    follower.kill().await.unwrap();
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_that_is_not_there_is_said_to_keep_the_transcript() {
    let mut house = House::open(script(), GOVERNANCE).await;
    let planner = house.planner("Make the greeter louder.").await;
    house.plan(&planner, 1).await;
    house
        .post("/api/stop_session", json!({ "session_id": planner }))
        .await;
    house
        .session(&planner, "its end", |session| {
            session["status"] == "stopped"
        })
        .await;
    let before = rows(&house, &planner).await;
    house.stop_launcher().await;
    house.start(&[]).await;
    assert_eq!(
        rows(&house, &planner).await,
        before,
        "a start later, unloaded"
    );
    house.stop_launcher().await;
    house.use_codex(None);
    house.start(&[]).await;
    let (status, code, message) = refused(&house, &format!("/api/thread?id={planner}")).await;
    assert_eq!(
        (status, code.as_str()),
        (503, "codex_unavailable"),
        "{message}"
    );
    assert!(
        message.starts_with("Codex keeps this history, and it does not answer: "),
        "{message}"
    );
    let page = house
        .client()
        .request("GET", &format!("/ui/thread?id={planner}"), None)
        .await
        .unwrap();
    assert!(String::from_utf8_lossy(&page.body).contains("it does not answer"));
    house.close().await;
}
