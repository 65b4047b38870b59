//! Departments at work: held back, stopped, spoken to, left running.

use super::{count, last_of};
use crate::support::script::{
    assignment, by_tool, department, findings, hang, hang_then, plan, planner, reports, told,
};
use crate::support::{GOVERNANCE, House};
use mock_model::{Call, Script, Step};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn codex_work_waits_for_a_person_when_a_result_asks_for_one() {
    let mut asks = findings("WHICH WAY?");
    asks["needs_user_confirmation"] = json!(true);
    let asks = Call::mcp("zhongshu", "report_result", asks);
    let script = Script::new([
        told("told", "", vec![Step::say("I wait.")]),
        planner(plan([
            assignment("lingyubu", "asks"),
            assignment("zhilibu", "waits"),
        ])),
        department("lingyubu", vec![Step::call(asks), Step::say("Done.")]),
        reports("zhilibu", "WENT ON"),
    ]);
    let house = House::open(
        script,
        &GOVERNANCE.replace("max_departments: 2", "max_departments: 1"),
    )
    .await;
    let planner = house.at_work().await;
    let result = house.result(&planner, "lingyubu").await;
    let requests = house
        .requests("the planner is told", |requests| {
            count(requests, "told") == 1
        })
        .await;
    let heard = last_of(&requests, "told")
        .unwrap()
        .user_texts
        .last()
        .unwrap()
        .clone();
    assert!(heard.contains("wait for the person"), "{heard}");
    house
        .department("lingyubu", "its slot is free", |session| {
            session["status"] == "reported"
        })
        .await;
    let status = house.get("/api/status").await;
    assert_eq!(status["slots_taken"], 0);
    assert_eq!(
        (
            &status["queue"][0]["department"],
            &status["queue"][0]["hold"]
        ),
        (&json!("zhilibu"), &json!("waits_for_person"))
    );
    assert_eq!(count(&house.model.requests(), "zhilibu"), 0);

    house
        .post(
            "/api/ack_result",
            json!({ "report_id": result["report_id"] }),
        )
        .await;
    assert_eq!(
        house.result(&planner, "zhilibu").await["summary"],
        "WENT ON"
    );
    house.close().await;
}

fn sleeper() -> Script {
    let sleep = Call::shell("touch begun.txt; sleep 300; touch over.txt");
    Script::new([
        told("told", "", vec![Step::say("Noted.")]),
        planner(plan([
            assignment("lingyubu", "sleeps"),
            assignment("zhilibu", "thinks"),
        ])),
        department("lingyubu", vec![Step::call(sleep), hang()]),
        department(
            "zhilibu",
            vec![hang_then(by_tool("AFTER ALL")), Step::say("Done.")],
        ),
    ])
}

async fn asleep(house: &House) -> String {
    let planner = house.at_work().await;
    house
        .wait_for("the command in the sandbox", async || {
            (house.repo.join("begun.txt").exists()
                && !house.processes().with("sleep 300").is_empty())
            .then_some(())
        })
        .await;
    house
        .requests("the other one thinks", |requests| {
            count(requests, "zhilibu") == 1
        })
        .await;
    house
        .status("three terminals", |status| {
            status["sessions"]
                .as_array()
                .unwrap()
                .iter()
                .all(|session| session["browser_terminal_status"] == "running")
        })
        .await;
    planner
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_stopped_session_takes_its_command_and_its_terminal_along() {
    let house = House::open(sleeper(), GOVERNANCE).await;
    let planner = asleep(&house).await;
    let session = house
        .department("lingyubu", "it works", |session| {
            session["activity"] == "working"
        })
        .await;
    let tui = format!(" resume {} ", session["thread_id"].as_str().unwrap());
    assert_eq!(house.processes().with(&tui).len(), 1, "its TUI");
    house
        .post("/api/stop_session", json!({ "session_id": session["id"] }))
        .await;
    house
        .department("lingyubu", "it is stopped", |session| {
            session["status"] == "stopped"
        })
        .await;
    house
        .wait_for("the command's end", async || {
            house.processes().with("sleep 300").is_empty().then_some(())
        })
        .await;
    assert!(house.processes().with(&tui).is_empty(), "its TUI is gone");
    assert!(!house.repo.join("over.txt").exists());
    assert_eq!(
        house.result(&planner, "lingyubu").await["source"],
        "launcher_fallback"
    );
    // The other one was not disturbed.
    house.model.release();
    assert_eq!(
        house.result(&planner, "zhilibu").await["summary"],
        "AFTER ALL"
    );
    let again = house
        .refused("/api/stop_session", json!({ "session_id": session["id"] }))
        .await;
    assert_eq!(again, (409, "session_ended".to_owned()));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_person_steers_a_running_turn() {
    let house = House::open(sleeper(), GOVERNANCE).await;
    house.at_work().await;
    let requests = house
        .requests("the department thinks", |requests| {
            count(requests, "zhilibu") == 1
        })
        .await;
    let turn = last_of(&requests, "zhilibu").unwrap().turn_id.clone();
    let session = house
        .department("zhilibu", "it works", |session| {
            session["activity"] == "working"
        })
        .await;
    let words = "Please also say \"hello\"; $HOME is no variable here.\nSecond line.";
    house
        .post(
            "/api/session_input",
            json!({ "session_id": session["id"], "input": words }),
        )
        .await;
    let requests = house
        .requests("the words arrive in the same turn", |requests| {
            requests.iter().any(|request| {
                request.turn_id == turn && request.user_texts.iter().any(|text| text == words)
            })
        })
        .await;
    let times = requests
        .last()
        .unwrap()
        .user_texts
        .iter()
        .filter(|text| *text == words)
        .count();
    assert!(times <= 1);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_an_orderly_stop_in_the_middle_of_work_leaves_nothing() {
    let mut house = House::open(sleeper(), GOVERNANCE).await;
    let planner = asleep(&house).await;
    house.stop_launcher().await;
    let left = house.processes();
    assert!(left.is_empty(), "{left:#?}");
    // The next launcher knows what was stopped.
    house.start(&[]).await;
    let status = house.get("/api/status").await;
    let sessions = status["sessions"].as_array().unwrap();
    assert!(
        sessions
            .iter()
            .all(|session| session["status"] == "stopped"),
        "{sessions:#?}"
    );
    assert_eq!(
        house.result(&planner, "lingyubu").await["source"],
        "launcher_fallback"
    );
    house.close().await;
}

/// A sandbox that is killed while it is being put together leaves what is inside it behind.
#[tokio::test(flavor = "multi_thread")]
async fn codex_a_stop_while_a_command_is_starting_leaves_nothing() {
    let house = House::open(sleeper(), GOVERNANCE).await;
    house.at_work().await;
    house
        .wait_for("the first sign of the command", async || {
            (!house.processes().with("linux-sandbox").is_empty()).then_some(())
        })
        .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_sessions_that_are_kept_are_adopted_by_the_next_launcher() {
    let mut house = House::build(sleeper(), GOVERNANCE).await;
    house.start(&["--keep-sessions"]).await;
    house.allow().await;
    let planner = asleep(&house).await;
    // What it can do it says once, by a process that ends.
    house
        .status("it is known what Codex can do", |status| {
            status["codex"]["lacks"].is_array()
        })
        .await;
    let before: Vec<_> = house
        .processes()
        .with("codex")
        .iter()
        .map(|found| found.identity)
        .collect();
    house.stop_launcher().await;
    assert!(
        before.iter().all(|identity| identity.is_alive()),
        "a process of Codex ended"
    );
    house.start(&[]).await;
    house
        .status("both are found at work", |status| {
            let sessions = status["department_sessions"].as_array().unwrap();
            sessions.iter().all(|session| {
                session["activity"] == "working" && session["browser_terminal_status"] == "running"
            })
        })
        .await;
    house.model.release();
    assert_eq!(house.result(&planner, "zhilibu").await["verified"], true);
    house.close().await;
}
