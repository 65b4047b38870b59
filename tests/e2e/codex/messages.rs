//! Messages to Codex sessions: each arrives exactly once, whatever ends in the middle of it. What was said is read from Codex's own
//! records.

use super::{count, events};
use crate::support::script::{
    assignment, by_tool, department, hang_then, on_message, plan, planner, told,
};
use crate::support::thread::{Stranger, app_server_pid};
use crate::support::{GOVERNANCE, House};
use mock_model::{Call, Script, Step};
use serde_json::{Value, json};
use zhongshu::process::{Identity, Signal};

/// A command that runs until the test writes the file `go`; it only reads.
fn until_go() -> Step {
    Step::call(Call::Shell {
        cmd: "while [ ! -e go ]; do sleep 0.05; done; echo gone-on".to_owned(),
        workdir: None,
        escalate: None,
        yield_time_ms: Some(30_000),
    })
}

fn script() -> Script {
    Script::new([
        on_message("busy", "BUSY", vec![until_go(), Step::say("Went on.")]),
        planner(plan([assignment("lingyubu", "works")])),
    ])
}

/// A planner that has reported its plan and waits, and its thread.
async fn idle_planner(house: &House) -> (String, String) {
    let id = house.planner("Make the greeter louder.").await;
    house.plan(&id, 1).await;
    let session = house
        .session(&id, "it is idle", |session| session["activity"] == "idle")
        .await;
    (id, session["thread_id"].as_str().unwrap().to_owned())
}

/// The planner is in the middle of a command.
async fn make_busy(house: &House, id: &str) {
    say(house, id, "BUSY").await;
    let look = async || {
        let runs = house.processes().with("echo gone-on");
        (!runs.is_empty()).then_some(())
    };
    house.wait_for("the command runs", look).await;
}

async fn say(house: &House, id: &str, text: &str) {
    let body = json!({ "session_id": id, "input": text });
    house.post("/api/session_input", body).await;
}

/// Somebody has begun to hand over the message with this text.
async fn handing_over(house: &House, text: &str) {
    house
        .audited("the message is on its way", |audit| {
            let queued = events(audit, "message_queued").into_iter();
            let mut ids = queued.filter(|event| event["text"] == text);
            ids.any(|queued| {
                let attempts = events(audit, "message_attempted").into_iter();
                attempts
                    .map(|event| &event["message_id"])
                    .any(|id| *id == queued["message_id"])
            })
        })
        .await;
}

/// The thread was told exactly this after its first prompt, and the journal knows that all of it arrived.
async fn was_told(house: &House, thread: &str, expected: &[&str]) {
    let look = async || {
        let said = house.said_to(thread);
        (said.len() > expected.len()).then_some(())
    };
    house.wait_for("everything was said", look).await;
    house
        .audited("the journal knows", |audit| {
            events(audit, "message_delivered").len() == events(audit, "message_queued").len()
        })
        .await;
    assert_eq!(house.said_to(thread)[1..], *expected);
}

fn let_go(house: &House) {
    std::fs::write(house.repo.join("go"), "").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_message_is_not_taken_for_one_that_contains_its_words() {
    let mut house = House::open(script(), GOVERNANCE).await;
    let (id, thread) = idle_planner(&house).await;
    let long = "MSG0001 please continue with step number 1 of the job";
    // Codex takes the message only when nobody is there any more to hear that.
    let server = Identity::of(app_server_pid(&house)).unwrap();
    server.signal(Signal::Stop);
    say(&house, &id, long).await;
    handing_over(&house, long).await;
    house.kill_launcher().await;
    server.signal(Signal::Continue);
    house.start(&[]).await;
    say(&house, &id, "step number 1 of").await;
    was_told(&house, &thread, &[long, "step number 1 of"]).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_words_into_a_running_turn_arrive_once_over_a_killed_launcher() {
    let mut house = House::open(script(), GOVERNANCE).await;
    let (id, thread) = idle_planner(&house).await;
    make_busy(&house, &id).await;
    for text in ["ONE", "TWO", "THREE"] {
        say(&house, &id, text).await;
    }
    handing_over(&house, "THREE").await;
    house.kill_launcher().await;
    house.start(&[]).await;
    // Nobody can see what waits inside of the turn; the page says that it is waited for.
    house
        .session(&id, "it says why it waits", |session| {
            let reason = session["status_reason"].as_str().unwrap_or_default();
            reason.contains("may wait inside of the turn")
        })
        .await;
    say(&house, &id, "FOUR").await;
    let_go(&house);
    was_told(&house, &thread, &["BUSY", "ONE", "TWO", "THREE", "FOUR"]).await;
    house
        .session(&id, "nothing waits any more", |session| {
            session["status_reason"] == Value::Null
        })
        .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_message_that_an_interrupted_turn_took_with_it_is_said_again() {
    let house = House::open(script(), GOVERNANCE).await;
    let (id, thread) = idle_planner(&house).await;
    make_busy(&house, &id).await;
    say(&house, &id, "ONE").await;
    handing_over(&house, "ONE").await;
    let mut stranger = Stranger::connect(&house).await;
    let newest = json!({ "threadId": thread, "limit": 1 });
    let turns = stranger.call("thread/turns/list", newest).await;
    let interrupt = json!({ "threadId": thread, "turnId": turns["data"][0]["id"] });
    stranger.call("turn/interrupt", interrupt).await;
    was_told(&house, &thread, &["BUSY", "ONE"]).await;
    let_go(&house);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_message_that_died_with_the_app_server_is_said_again() {
    let house = House::open(script(), GOVERNANCE).await;
    let (id, thread) = idle_planner(&house).await;
    make_busy(&house, &id).await;
    say(&house, &id, "ONE").await;
    handing_over(&house, "ONE").await;
    let server = Identity::of(app_server_pid(&house)).unwrap();
    server.signal(Signal::Kill);
    was_told(&house, &thread, &["BUSY", "ONE"]).await;
    let_go(&house);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_stopped_planner_hears_on_resume_of_what_came_meanwhile() {
    let script = Script::new([
        told("told", "", vec![Step::say("Noted.")]),
        planner(plan([assignment("lingyubu", "by tool")])),
        department(
            "lingyubu",
            vec![hang_then(by_tool("MEANWHILE")), Step::say("Done.")],
        ),
    ]);
    let house = House::open(script, GOVERNANCE).await;
    let planner = house.at_work().await;
    house
        .requests("the department is at work", |requests| {
            count(requests, "lingyubu") == 1
        })
        .await;
    let stop = json!({ "session_id": planner });
    house.post("/api/stop_session", stop.clone()).await;
    let thread = house
        .session(&planner, "it is stopped", |session| {
            session["status"] == "stopped"
        })
        .await["thread_id"]
        .clone();
    let thread = thread.as_str().unwrap();
    house.model.release();
    house
        .audited("the department has reported", |audit| {
            events(audit, "result_registered").len() == 1
                && events(audit, "session_closed").len() == 2
        })
        .await;
    assert_eq!(house.said_to(thread).len(), 1, "it is not there to hear it");
    house.post("/api/resume_session", stop.clone()).await;
    let look = async || {
        let said = house.said_to(thread);
        said.iter()
            .any(|text| text.contains("MEANWHILE"))
            .then_some(())
    };
    house.wait_for("the planner hears of it", look).await;
    house
        .audited("the journal knows", |audit| {
            events(audit, "message_delivered").len() == 1
        })
        .await;
    // Once: another stop and resume says nothing again.
    house.post("/api/stop_session", stop.clone()).await;
    house
        .session(&planner, "it is stopped again", |session| {
            session["status"] == "stopped"
        })
        .await;
    house.post("/api/resume_session", stop).await;
    say(&house, &planner, "LAST").await;
    let look = async || {
        let said = house.said_to(thread);
        said.iter().any(|text| text == "LAST").then_some(said)
    };
    let said = house.wait_for("the last word", look).await;
    let told = said.iter().filter(|text| text.contains("MEANWHILE"));
    assert_eq!(told.count(), 1, "{said:#?}");
    house.close().await;
}

/// A department that asks for more than its sandbox allows.
fn asking() -> Script {
    let ask = Step::call(Call::Shell {
        cmd: "touch asked-for".to_owned(),
        workdir: None,
        escalate: Some("The greeter needs this file.".to_owned()),
        yield_time_ms: None,
    });
    Script::new([
        on_message(
            "reminded",
            "Reminder 1 of 2",
            vec![Step::call(by_tool("AFTER-ALL"))],
        ),
        told("told", "", vec![Step::say("Noted.")]),
        planner(plan([assignment("lingyubu", "asks")])),
        department("lingyubu", vec![ask, Step::say("I stop here.")]),
    ])
}

const ASKING: &str = "version: 1\nlanguage: en\ndepartments:\n  lingyubu: {approval: on-request}\n";

/// The department waits for an answer; its thread.
async fn waits_for_answer(house: &House) -> (String, String) {
    let planner = house.at_work().await;
    let session = house
        .department("lingyubu", "it asks", |session| {
            session["activity"] == "blocked"
        })
        .await;
    (planner, session["thread_id"].as_str().unwrap().to_owned())
}

async fn reminded_of(house: &House, planner: &str, thread: &str, words: &str) {
    let result = house.result(planner, "lingyubu").await;
    assert_eq!(result["summary"], "AFTER-ALL", "{result}");
    let said = house.said_to(thread);
    let reminder = said.iter().find(|text| text.contains("Reminder 1 of 2"));
    let reminder = reminder.unwrap_or_else(|| panic!("{said:#?}"));
    assert!(reminder.starts_with(words), "{reminder}");
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_department_whose_approval_was_declined_hears_that() {
    let house = House::open(asking(), ASKING).await;
    let (planner, thread) = waits_for_answer(&house).await;
    let mut stranger = Stranger::connect(&house).await;
    stranger
        .answer(&thread, json!({ "decision": "decline" }))
        .await;
    let words = "An approval that you asked for was declined.";
    reminded_of(&house, &planner, &thread, words).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_department_whose_app_server_died_hears_that() {
    let house = House::open(asking(), ASKING).await;
    let (planner, thread) = waits_for_answer(&house).await;
    let server = Identity::of(app_server_pid(&house)).unwrap();
    server.signal(Signal::Kill);
    let words = "Codex ended in the middle of your last turn";
    reminded_of(&house, &planner, &thread, words).await;
    house.close().await;
}
