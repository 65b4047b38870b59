//! Sandbox and approvals: each department has its own, and a person answers in the real TUI.

use super::{count, last_of};
use crate::support::screen::Screen;
use crate::support::script::{assignment, by_tool, department, plan, planner, told};
use crate::support::{GOVERNANCE, House};
use mock_model::{Call, Rule, Script, Step};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_department_may_be_kept_from_writing() {
    let write = || Call::shell("echo words > written.txt; echo \"exit $?\"");
    let script = Script::new([
        told("told", "", vec![Step::say("Noted.")]),
        planner(plan([
            assignment("menxia", "only reads"),
            assignment("lingyubu", "writes"),
        ])),
        department(
            "menxia",
            vec![
                Step::call(write()),
                Step::call(by_tool("READ")),
                Step::say("Done."),
            ],
        ),
        department(
            "lingyubu",
            vec![
                Step::call(Call::shell("echo words > allowed.txt")),
                Step::call(by_tool("WROTE")),
                Step::say("Done."),
            ],
        ),
    ]);
    let governance = format!(
        "{GOVERNANCE}departments:\n  menxia:\n    sandbox: read-only\n    approval: never\n"
    );
    let house = House::open(script, &governance).await;
    let planner = house.at_work().await;
    assert_eq!(
        house.result(&planner, "menxia").await["verified"],
        true,
        "tools work in any sandbox"
    );
    house.result(&planner, "lingyubu").await;
    assert!(!house.repo.join("written.txt").exists());
    assert_eq!(
        std::fs::read_to_string(house.repo.join("allowed.txt")).unwrap(),
        "words\n"
    );
    let requests = house.model.requests();
    let output = &last_of(&requests, "menxia").unwrap().tool_outputs[0].output;
    assert!(
        output.contains("Read-only file system") || output.contains("Permission denied"),
        "{output}"
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_planner_can_write_nothing_and_still_hand_in_its_plan() {
    let script = Script::new([Rule {
        steps: vec![
            Step::call(Call::shell("echo words > written.txt; echo \"exit $?\"")),
            Step::call(Call::mcp(
                "zhongshu",
                "report_plan",
                plan([assignment("lingyubu", "writes")]),
            )),
            Step::say("The plan is reported."),
        ],
        ..planner(Value::Null)
    }]);
    let house = House::open(script, GOVERNANCE).await;
    let planner = house.planner("Make the greeter louder.").await;
    house.plan(&planner, 1).await;
    assert!(!house.repo.join("written.txt").exists());
    let requests = house.model.requests();
    let output = &last_of(&requests, "planner").unwrap().tool_outputs[0].output;
    assert!(
        output.contains("Read-only file system") || output.contains("Permission denied"),
        "{output}"
    );
    let status = house.get("/api/status").await;
    assert_eq!(status["zhongshu_sessions"][0]["sandbox"], "read-only");
    let (code, said, error) = house.run(&["ps"]).await;
    assert_eq!(code, Some(0), "{error}");
    let row = said.lines().find(|line| line.starts_with(&planner));
    assert!(row.is_some_and(|row| row.contains("read-only")), "{said}");
    house.close().await;
}

fn asks(path: &Path) -> Script {
    let ask = Call::Shell {
        cmd: format!("touch '{}'", path.display()),
        workdir: None,
        escalate: Some("The greeter needs this file.".to_owned()),
        yield_time_ms: None,
    };
    Script::new([
        told("told", "", vec![Step::say("Noted.")]),
        planner(plan([assignment("lingyubu", "asks")])),
        department(
            "lingyubu",
            vec![
                Step::call(ask),
                Step::call(by_tool("ASKED")),
                Step::say("Done."),
            ],
        ),
    ])
}

/// A house whose department asks; with the file that it wants, the planner and its session.
pub(super) async fn asking() -> (House, PathBuf, String, Value) {
    let mut house = House::build(Script::default(), GOVERNANCE).await;
    let path = house.codex_home.join("outside.txt");
    house.model.set_script(asks(&path));
    house.start(&[]).await;
    house.allow().await;
    let planner = house.at_work().await;
    let session = blocked(&house).await;
    (house, path, planner, session)
}

async fn blocked(house: &House) -> Value {
    house
        .department("lingyubu", "it asks in its terminal", |session| {
            session["activity"] == "blocked"
                && session["status_reason"].is_string()
                && session["browser_terminal_status"] == "running"
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_asks_for_permission_and_a_person_answers_in_the_terminal() {
    let (mut house, path, planner, session) = asking().await;
    let notice = session["status_reason"].as_str().unwrap();
    assert!(notice.starts_with("it asks to run: "), "{notice}");
    assert!(!path.exists());
    // Whoever restarts the launcher meanwhile is still asked.
    house.kill_launcher().await;
    house.start(&[]).await;
    let session = blocked(&house).await;
    assert!(
        session["status_reason"]
            .as_str()
            .unwrap()
            .starts_with("it asks to run: "),
        "{session}"
    );
    let mut screen = Screen::open(&session).await;
    screen.until("Yes, proceed").await;
    // For a moment after a dialog opens Codex ignores keys, lest somebody who is typing agrees to something.
    let look = async || {
        screen.press("y").await;
        screen.look(Duration::from_secs(1)).await;
        path.exists().then_some(())
    };
    house.wait_for("the file", look).await;
    assert_eq!(house.result(&planner, "lingyubu").await["summary"], "ASKED");
    let session = house
        .department("lingyubu", "it has reported", |session| {
            session["status"] == "reported"
        })
        .await;
    assert_eq!(session["status_reason"], Value::Null);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_without_approval_refuses_what_its_sandbox_forbids() {
    let governance = format!("{GOVERNANCE}departments:\n  lingyubu:\n    approval: never\n");
    let mut house = House::build(Script::default(), &governance).await;
    let path = house.codex_home.join("outside.txt");
    house.model.set_script(asks(&path));
    house.start(&[]).await;
    house.allow().await;
    let planner = house.at_work().await;
    assert_eq!(house.result(&planner, "lingyubu").await["summary"], "ASKED");
    assert!(!path.exists());
    assert!(count(&house.model.requests(), "lingyubu") >= 2);
    let audit = json!(house.audit().await).to_string();
    assert!(!audit.contains("blocked"));
    house.close().await;
}
