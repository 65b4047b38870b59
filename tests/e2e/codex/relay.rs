//! What happens in a session's TUI, as its terminal hears it on the way to Codex.

use super::events;
use super::sandbox::asking;
use crate::support::screen::Screen;
use crate::support::script::{assignment, plan, planner, told};
use crate::support::{GOVERNANCE, House};
use mock_model::{Script, Step};
use serde_json::{Value, json};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::time::Duration;

fn script() -> Script {
    Script::new([
        told("told", "", vec![Step::say("Noted.")]),
        planner(plan([assignment("lingyubu", "works")])),
    ])
}

/// A planner that rests, with its TUI on the screen.
async fn resting(house: &House) -> (String, Screen) {
    let id = house.planner("Make the greeter louder.").await;
    house.plan(&id, 1).await;
    let session = house
        .session(&id, "it rests in its terminal", |session| {
            session["activity"] == "idle" && session["browser_terminal_status"] == "running"
        })
        .await;
    let mut screen = Screen::open(&session).await;
    screen.until("louder").await;
    (id, screen)
}

async fn leaves(screen: &mut Screen) {
    screen.press("/new").await;
    screen.until("/new").await;
    screen.look(Duration::from_millis(300)).await;
    screen.press("\r").await;
}

async fn elsewhere(house: &House, id: &str) -> Value {
    house
        .session(id, "its terminal shows another thread", |session| {
            session["browser_terminal_elsewhere"] == true
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_terminal_that_left_its_sessions_thread_is_said_and_the_way_back_works() {
    let house = House::open(script(), GOVERNANCE).await;
    let (id, mut screen) = resting(&house).await;
    // Where the TUI goes through is the user's alone.
    let run = walkdir::WalkDir::new(house.root.join("run")).into_iter();
    let sockets: Vec<_> = run
        .flatten()
        .filter(|it| it.file_type().is_socket() && it.file_name().as_encoded_bytes()[0] == b'r')
        .collect();
    assert_eq!(sockets.len(), 1, "{sockets:?}");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let path = sockets[0].path();
    assert_eq!((mode(path), mode(path.parent().unwrap())), (0o600, 0o700));

    leaves(&mut screen).await;
    let session = elsewhere(&house, &id).await;
    let reason = session["status_reason"].as_str().unwrap();
    assert!(reason.contains("open it again"), "{reason}");
    let audit = house.audit().await;
    let left = events(&audit, "thread_left");
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(
        (&left[0]["session_id"], &left[0]["thread_id"]),
        (&json!(id), &session["thread_id"])
    );
    // The session does not mind.
    let words = json!({ "session_id": id, "input": "And quieter again." });
    house.post("/api/session_input", words).await;
    house
        .requests("the words", |requests| {
            requests
                .iter()
                .any(|it| it.user_texts.iter().any(|text| text.contains("quieter")))
        })
        .await;

    // The way back.
    let close = json!({ "id": session["browser_terminal_id"] });
    house.post("/api/browser_terminal/close", close).await;
    assert!(!path.exists(), "its socket is left");
    let view = json!({ "session_id": id });
    house
        .post("/api/session_browser_terminal/start", view)
        .await;
    let session = house
        .session(&id, "its terminal is back", |session| {
            session["browser_terminal_status"] == "running"
        })
        .await;
    assert_eq!(session.get("browser_terminal_elsewhere"), None);
    assert_eq!(session["status_reason"], Value::Null);
    Screen::open(&session).await.until("quieter").await;
    let audit = house.audit().await;
    assert_eq!(events(&audit, "thread_left").len(), 1);
    assert!(events(&audit, "thread_rejoined").is_empty());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_what_happens_in_a_terminal_while_no_launcher_runs_is_told_to_the_next() {
    let mut house = House::open(script(), GOVERNANCE).await;
    let (id, mut screen) = resting(&house).await;
    house.kill_launcher().await;
    leaves(&mut screen).await;
    screen.look(Duration::from_secs(1)).await;
    house.start(&[]).await;
    elsewhere(&house, &id).await;
    // And once only.
    house.kill_launcher().await;
    house.start(&[]).await;
    elsewhere(&house, &id).await;
    let audit = house.audit().await;
    assert_eq!(events(&audit, "thread_left").len(), 1);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_an_answer_in_the_terminal_is_heard_and_not_written_down() {
    let (mut house, path, planner, session) = asking().await;
    let mut screen = Screen::open(&session).await;
    screen.until("Yes, proceed").await;
    house.kill_launcher().await;
    let look = async || {
        screen.press("y").await;
        screen.look(Duration::from_secs(1)).await;
        path.exists().then_some(())
    };
    house.wait_for("the file", look).await;
    house.start(&[]).await;
    let audit = house
        .audited("what was answered, and where", |audit| {
            let told = events(audit, "ask_settled").into_iter().rev();
            told.take(1).any(|it| it["reply"]["decision"] == "accept")
        })
        .await;
    let settled = events(&audit, "ask_settled");
    let last = settled.last().unwrap();
    assert_eq!(last["how"], "in_terminal");
    assert_eq!(last["reply"].get("inferred"), None, "{last}");
    assert_eq!(house.result(&planner, "lingyubu").await["summary"], "ASKED");
    let log = house.log();
    assert!(!log.contains("\"decision\""), "{log}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_terminal_that_comes_back_to_its_sessions_thread_is_said_too() {
    let house = House::open(script(), GOVERNANCE).await;
    let (id, mut screen) = resting(&house).await;
    leaves(&mut screen).await;
    elsewhere(&house, &id).await;
    screen.press("/resume").await;
    screen.until("/resume").await;
    screen.look(Duration::from_millis(300)).await;
    screen.press("\r").await;
    screen.until("Resume a previous session").await;
    screen.until("Zhongshu (planner) · Make the greeter").await;
    screen.press("\r").await;
    let session = house
        .session(&id, "its terminal shows its thread", |session| {
            session.get("browser_terminal_elsewhere").is_none()
        })
        .await;
    assert_eq!(session["status_reason"], Value::Null);
    let audit = house.audit().await;
    let [back] = events(&audit, "thread_rejoined")[..] else {
        panic!("{audit:?}");
    };
    assert_eq!(back["thread_id"], session["thread_id"]);
    house.close().await;
}
