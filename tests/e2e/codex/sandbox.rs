//! Sandbox and approvals: each department has its own, and a person answers in the real TUI.

use super::{count, last_of};
use crate::support::script::{assignment, by_tool, department, plan, planner, told};
use crate::support::{GOVERNANCE, House};
use codex_terminal::control::Request;
use codex_terminal::descriptor::Descriptor;
use codex_terminal::signals::AgentActivity;
use mock_model::{Call, Script, Step};
use serde_json::{Value, json};
use std::path::Path;

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

/// Types into a session's terminal, as its page does, once the dialog is open there.
async fn answer(house: &House, session: &Value, keys: &str) {
    let id = session["browser_terminal_id"].as_str().unwrap();
    let path = house.state.join("terminals").join(format!("{id}.json"));
    let socket = Descriptor::read(&path).unwrap().control_socket.unwrap();
    let (client, _events) = codex_terminal::client::connect(&socket).await.unwrap();
    let look = async || {
        let view = client.request(Request::State).await.unwrap().unwrap();
        let says = view.agent_state.map(|state| state.state);
        (says == Some(AgentActivity::Blocked)).then_some(())
    };
    house.wait_for("the dialog in the terminal", look).await;
    let input = Request::Input {
        data: keys.to_owned(),
        base64: false,
    };
    client.request(input).await.unwrap();
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

async fn blocked(house: &House) -> Value {
    house
        .department("lingyubu", "it asks in its terminal", |session| {
            session["activity"] == "blocked" && session["browser_terminal_status"] == "running"
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_asks_for_permission_and_a_person_answers_in_the_terminal() {
    let mut house = House::build(Script::default(), GOVERNANCE).await;
    let path = house.codex_home.join("outside.txt");
    house.model.set_script(asks(&path));
    house.start(&[]).await;
    house.allow().await;
    let planner = house.at_work().await;
    let session = blocked(&house).await;
    let notice = session["status_reason"].as_str().unwrap();
    assert!(notice.contains("permission"), "{notice}");
    assert!(!path.exists());
    // Whoever restarts the launcher meanwhile is still asked.
    house.kill_launcher().await;
    house.start(&[]).await;
    let session = blocked(&house).await;
    assert!(
        session["status_reason"]
            .as_str()
            .unwrap()
            .contains("permission"),
        "{session}"
    );
    answer(&house, &session, "y").await;
    let look = async || path.exists().then_some(());
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
