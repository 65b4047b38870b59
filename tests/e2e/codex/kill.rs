//! Kill -9 at many moments: the launcher alone, the app-server alone, everything. Nothing that was decided or reported is
//! forgotten, and nothing is said twice.

use super::{count, last_of};
use crate::support::script::{
    assert_nothing_said_twice, assignment, by_file, by_tool, department, hang, hang_then,
    on_message, plan, planner, reports, told,
};
use crate::support::thread::app_server_pid;
use crate::support::{GOVERNANCE, House};
use mock_model::{Call, Rule, Script, Step};
use serde_json::{Value, json};
use std::time::Duration;
use zhongshu::process::{Identity, Signal};

fn three() -> Rule {
    planner(plan([
        assignment("lingyubu", "by tool"),
        assignment("zhilibu", "by file"),
        assignment("menxia", "by tool, later"),
    ]))
}

fn script() -> Script {
    Script::new([
        told("told", "", vec![Step::say("Noted.")]),
        three(),
        department(
            "lingyubu",
            vec![hang_then(by_tool("BY-TOOL")), Step::say("Done.")],
        ),
        department(
            "zhilibu",
            vec![hang_then(by_file("BY-FILE")), Step::say("Done.")],
        ),
        reports("menxia", "LATER"),
    ])
}

async fn two_at_work(house: &House) -> String {
    let planner = house.at_work().await;
    house
        .requests("two departments at work", |requests| {
            count(requests, "lingyubu") == 1 && count(requests, "zhilibu") == 1
        })
        .await;
    planner
}

/// The planner and two departments are shown in the real TUI.
async fn three_terminals(house: &House) {
    let look = async || (house.processes().with(" resume ").len() == 3).then_some(());
    house.wait_for("three terminals", look).await;
}

/// Everybody has reported, was told of and is gone; the audit log is whole.
async fn all_done(house: &House, planner: &str, departments: &[&str]) {
    for key in departments {
        let result = house.result(planner, key).await;
        assert_eq!(result["source"], "mailbox", "{result}");
        assert_eq!(result["revision"], 1, "{result}");
    }
    house
        .audited(
            "every message is delivered, every department ended",
            |audit| {
                let of = |name: &str| audit.iter().filter(|event| event["event"] == name).count();
                of("message_delivered") == of("message_queued")
                    && of("message_queued") >= departments.len()
                    && of("session_closed") == departments.len()
            },
        )
        .await;
    house
        .requests("the planner was told of all", |requests| {
            let texts = last_of(requests, "told").map(|request| request.user_texts.join("\n"));
            texts.is_some_and(|texts| {
                texts.matches("A department reported (").count() == departments.len()
            })
        })
        .await;
    assert_nothing_said_twice(&house.model.requests());
    let (code, said, error) = house.run(&["audit", "verify"]).await;
    assert_eq!(code, Some(0), "{said}{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_pending_plan_outlives_a_killed_launcher() {
    let mut house = House::open(script(), GOVERNANCE).await;
    let planner = house.planner("Make the greeter louder.").await;
    let plan = house.plan(&planner, 1).await;
    let before = house
        .session(&planner, "its terminal is open", |session| {
            session["activity"] == "idle" && session["browser_terminal_status"] == "running"
        })
        .await;
    let requests = house.model.requests().len();
    let (server, tuis) = (app_server_pid(&house), house.processes().with(" resume "));

    house.kill_launcher().await;
    house.start(&[]).await;
    let after = house
        .session(&planner, "it is found again", |session| {
            session["activity"] == "idle" && session["browser_terminal_status"] == "running"
        })
        .await;
    assert_eq!(after["browser_terminal_id"], before["browser_terminal_id"]);
    assert_eq!(app_server_pid(&house), server, "the app-server was adopted");
    let pids = |found: Vec<crate::support::Found>| {
        found
            .iter()
            .map(|found| found.identity.pid)
            .collect::<Vec<_>>()
    };
    assert_eq!(pids(house.processes().with(" resume ")), pids(tuis));
    assert_eq!(house.plan(&planner, 1).await, plan);
    assert_eq!(
        house.model.requests().len(),
        requests,
        "nothing was said again"
    );

    house.confirm(&planner, &plan).await;
    house
        .requests("two departments at work", |requests| {
            count(requests, "lingyubu") == 1 && count(requests, "zhilibu") == 1
        })
        .await;
    house.model.release();
    all_done(&house, &planner, &["lingyubu", "zhilibu", "menxia"]).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_running_turns_and_the_queue_outlive_a_killed_launcher() {
    let mut house = House::open(script(), GOVERNANCE).await;
    let planner = two_at_work(&house).await;
    house.kill_launcher().await;
    house.start(&[]).await;
    let status = house
        .status("both are found at work", |status| {
            let sessions = status["department_sessions"].as_array().unwrap();
            sessions
                .iter()
                .all(|session| session["activity"] == "working")
        })
        .await;
    assert_eq!(status["department_sessions"].as_array().unwrap().len(), 2);
    assert_eq!(status["queue"][0]["department"], "menxia");
    assert_eq!(status["slots_taken"], 2);
    house.model.release();
    all_done(&house, &planner, &["lingyubu", "zhilibu", "menxia"]).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_reports_made_while_no_launcher_runs_are_taken_later() {
    let mut house = House::open(script(), GOVERNANCE).await;
    let planner = two_at_work(&house).await;
    house.kill_launcher().await;
    house.model.release();
    house
        .requests("both departments say that they are done", |requests| {
            count(requests, "lingyubu") == 2 && count(requests, "zhilibu") == 2
        })
        .await;
    let requests = house.model.requests();
    let answer = &last_of(&requests, "lingyubu")
        .unwrap()
        .tool_outputs
        .last()
        .unwrap()
        .output;
    assert!(answer.contains("zhongshu is not running"), "{answer}");
    let incoming = house
        .repo
        .join(".tmp/codex_governance_mailbox")
        .join(&planner)
        .join("incoming");
    assert_eq!(std::fs::read_dir(&incoming).unwrap().count(), 2);

    house.start(&[]).await;
    all_done(&house, &planner, &["lingyubu", "zhilibu", "menxia"]).await;
    assert_eq!(house.result(&planner, "lingyubu").await["verified"], true);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_message_owed_to_a_busy_planner_outlives_a_killed_launcher() {
    let mut script = script();
    let busy = told(
        "busy",
        "BY-TOOL",
        vec![hang(), Step::say("Thought about it.")],
    );
    script.rules.insert(0, busy);
    script.rules.retain(|rule| rule.name != "lingyubu");
    script.rules.push(reports("lingyubu", "BY-TOOL"));
    let mut house = House::open(script, GOVERNANCE).await;
    let planner = house.at_work().await;
    house
        .requests("the planner is busy", |requests| {
            count(requests, "busy") == 1
        })
        .await;
    let later = house.result(&planner, "menxia").await;
    let owed = |audit: &[Value]| {
        let of = |name: &str| audit.iter().filter(|event| event["event"] == name).count();
        of("message_queued") - of("message_delivered")
    };
    // What is owed waits for the end of the planner's own turn.
    house
        .audited("word of menxia is owed", |audit| owed(audit) == 1)
        .await;
    house.kill_launcher().await;
    // Another result comes in while nobody is there to take it.
    house
        .requests("the last department at work", |requests| {
            count(requests, "zhilibu") == 1
        })
        .await;
    house.model.release();
    house
        .requests("it is done", |requests| count(requests, "zhilibu") == 2)
        .await;
    house.start(&[]).await;
    house
        .requests("the planner was told of all", |requests| {
            let mine = last_of(requests, "told").map(|request| request.user_texts.join("\n"));
            mine.is_some_and(|texts| {
                texts.contains("BY-FILE") && texts.contains(later["report_id"].as_str().unwrap())
            })
        })
        .await;
    all_done(&house, &planner, &["lingyubu", "zhilibu", "menxia"]).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_launcher_killed_again_and_again_finishes_the_job() {
    let slow = |call: Call| {
        let first = Step {
            delay_ms: 400,
            ..Step::call(call)
        };
        vec![
            first,
            Step {
                delay_ms: 300,
                ..Step::say("Done.")
            },
        ]
    };
    let noted = Step {
        delay_ms: 250,
        ..Step::say("Noted.")
    };
    let script = Script::new([
        told("told", "", vec![noted]),
        three(),
        department("lingyubu", slow(by_tool("BY-TOOL"))),
        department("zhilibu", slow(by_file("BY-FILE"))),
        department("menxia", slow(by_tool("LATER"))),
    ]);
    let mut house = House::open(script, GOVERNANCE).await;
    let planner = house.planner("Make the greeter louder.").await;
    // Different lives, so that the kills fall into different moments of each step.
    for life_ms in [60, 110, 90, 130, 40] {
        tokio::time::sleep(Duration::from_millis(life_ms)).await;
        house.kill_launcher().await;
        house.start(&[]).await;
    }
    let plan = house.plan(&planner, 1).await;
    house.confirm(&planner, &plan).await;
    for life_ms in [20, 45, 70, 95, 120, 170, 30, 210, 55, 260, 80, 140] {
        tokio::time::sleep(Duration::from_millis(life_ms)).await;
        house.kill_launcher().await;
        house.start(&[]).await;
    }
    all_done(&house, &planner, &["lingyubu", "zhilibu", "menxia"]).await;
    let status = house.get("/api/status").await;
    let open = status["browser_terminals"].as_array().unwrap().len();
    let tuis = house.processes().with(" resume ").len();
    assert_eq!(
        (open, tuis),
        (1, 1),
        "only the planner's terminal is left\n{}",
        house.scene().await
    );
    house.close().await;
}

/// What departments do when they are reminded.
fn reports_when_reminded() -> Rule {
    on_message(
        "reminded",
        "Reminder 1",
        vec![
            Step::call(by_tool("AFTER THE REMINDER")),
            Step::say("Done."),
        ],
    )
}

fn script_of_the_interrupted() -> Script {
    Script::new([
        told("told", "", vec![Step::say("Noted.")]),
        reports_when_reminded(),
        planner(plan([
            assignment("lingyubu", "one"),
            assignment("zhilibu", "two"),
        ])),
        department("lingyubu", vec![hang()]),
        department("zhilibu", vec![hang()]),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_killed_app_server_comes_back_and_its_tools_still_work() {
    let house = House::open(script_of_the_interrupted(), GOVERNANCE).await;
    let planner = two_at_work(&house).await;
    three_terminals(&house).await;
    let before = app_server_pid(&house);
    assert!(Identity::of(before).unwrap().signal(Signal::Kill));
    house
        .wait_for("another app-server", async || {
            (app_server_pid(&house) != before).then_some(())
        })
        .await;
    // The turns are broken off, the launcher asks, and the answer comes by tool.
    for key in ["lingyubu", "zhilibu"] {
        let result = house.result(&planner, key).await;
        assert_eq!(
            (&result["verified"], &result["summary"]),
            (&json!(true), &json!("AFTER THE REMINDER"))
        );
    }
    all_done(&house, &planner, &["lingyubu", "zhilibu"]).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_sessions_come_back_after_everything_was_killed() {
    let mut house = House::open(script_of_the_interrupted(), GOVERNANCE).await;
    let planner = two_at_work(&house).await;
    three_terminals(&house).await;
    house.kill_launcher().await;
    house.processes().kill();
    assert!(house.processes().is_empty());
    house.start(&[]).await;
    all_done(&house, &planner, &["lingyubu", "zhilibu"]).await;
    house
        .session(&planner, "its terminal is open again", |session| {
            session["browser_terminal_status"] == "running" && session["activity"] == "idle"
        })
        .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_session_whose_thread_is_gone_is_lost_and_can_be_resumed() {
    let script = Script::new([
        told("told", "", vec![Step::say("Noted.")]),
        planner(plan([assignment("lingyubu", "one")])),
        department(
            "lingyubu",
            vec![hang_then(by_tool("BY-TOOL")), Step::say("Done.")],
        ),
    ]);
    let mut house = House::open(script, GOVERNANCE).await;
    let planner = house.at_work().await;
    house
        .requests("the department works", |requests| {
            count(requests, "lingyubu") == 1
        })
        .await;
    let department = house
        .department("lingyubu", "it works", |session| {
            session["activity"] == "working"
        })
        .await;
    let id = department["id"].as_str().unwrap();
    // One that was not prompted would begin anew.
    house
        .audited("its prompt is in its history", |audit| {
            let mut audit = audit.iter();
            audit.any(|it| it["event"] == "session_prompted" && it["session_id"] == id)
        })
        .await;
    house.kill_launcher().await;
    house.processes().kill();
    // Codex has forgotten the department's thread.
    forget_thread(&house, department["thread_id"].as_str().unwrap());
    house.start(&[]).await;
    let lost = house
        .session(id, "it is lost", |session| session["status"] == "lost")
        .await;
    assert!(
        lost["status_reason"]
            .as_str()
            .unwrap()
            .contains("resume it"),
        "{lost}"
    );
    assert_eq!(lost["can_resume"], true);
    assert_eq!(
        house.result(&planner, "lingyubu").await["source"],
        "launcher_fallback"
    );

    house
        .post("/api/resume_session", json!({ "session_id": id }))
        .await;
    house
        .requests("it works again", |requests| {
            count(requests, "lingyubu") == 2
        })
        .await;
    house.model.release();
    let look = async || {
        let result = house.result(&planner, "lingyubu").await;
        (result["source"] == "mailbox").then_some(result)
    };
    let result = house.wait_for("its own report", look).await;
    assert_eq!(
        (&result["summary"], &result["verified"]),
        (&json!("BY-TOOL"), &json!(true))
    );
    house
        .session(id, "it has reported", |session| {
            session["status"] == "reported"
        })
        .await;
    house.close().await;
}

/// Removes the thread's files from Codex's folder.
fn forget_thread(house: &House, thread_id: &str) {
    let mut removed = 0;
    for entry in walkdir::WalkDir::new(house.codex_home.join("sessions")) {
        let entry = entry.unwrap();
        if entry.file_name().to_string_lossy().contains(thread_id) {
            std::fs::remove_file(entry.path()).unwrap();
            removed += 1;
        }
    }
    assert!(removed > 0, "the thread {thread_id} had no file");
}
