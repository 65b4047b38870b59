//! What a person has not allowed yet: Codex itself, and sandboxes that `governance.yaml` opens.

use crate::support::script::{assignment, plan, planner, reports, told};
use crate::support::{GOVERNANCE, House};
use mock_model::{Script, Step};
use serde_json::json;

fn job() -> Script {
    Script::new([
        told("told", "", vec![Step::say("Noted.")]),
        planner(plan([assignment("lingyubu", "works")])),
        reports("lingyubu", "DONE"),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_does_not_run_before_the_person_allows_it() {
    let mut house = House::build(job(), GOVERNANCE).await;
    let names = |house: &House| {
        let entries = std::fs::read_dir(&house.codex_home).unwrap();
        let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names(&house);
    house.start(&[]).await;
    let status = house.get("/api/status").await;
    assert_eq!(status["codex"]["state"], "untrusted", "{}", status["codex"]);
    let reason = status["codex"]["reason"].as_str().unwrap();
    assert!(
        reason.contains("codex") && reason.contains("models"),
        "{reason}"
    );
    assert_eq!(status["trust"]["needed"], true);
    let refused = house
        .refused("/api/start_zhongshu_session", json!({ "task": "x" }))
        .await;
    assert_eq!(refused, (409, "trust_required".to_owned()));
    let running = format!("{:?}", house.processes());
    assert!(!running.contains("app-server"), "{running}");
    assert_eq!(names(&house), before, "nothing was written for Codex");

    house.allow().await;
    house
        .status("Codex is ready", |status| {
            status["codex"]["state"] == "ready"
        })
        .await;
    let planner = house.at_work().await;
    assert_eq!(house.result(&planner, "lingyubu").await["summary"], "DONE");
    // The yes is remembered: the next launcher begins at once.
    house.stop_launcher().await;
    house.start(&[]).await;
    house
        .status("Codex is ready again", |status| {
            status["codex"]["state"] == "ready"
        })
        .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_nobody_approved_is_not_opened() {
    let open = "planner: {sandbox: danger-full-access, approval: never}\n\
                departments: {lingyubu: {sandbox: danger-full-access, approval: untrusted}}\n";
    let mut house = House::build(job(), &format!("{GOVERNANCE}{open}")).await;
    house.start(&[]).await;
    house.post("/api/trust", json!({ "accept": true })).await;
    let planner = house.at_work().await;
    house.result(&planner, "lingyubu").await;
    let walls = |status: &serde_json::Value| {
        let sessions = status["sessions"].as_array().unwrap().clone();
        let mut walls: Vec<String> = sessions
            .iter()
            .map(|it| format!("{} {} {}", it["department"], it["sandbox"], it["approval"]))
            .collect();
        walls.sort();
        walls
    };
    let status = house.get("/api/status").await;
    let safe = [
        r#""lingyubu" "workspace-write" "untrusted""#,
        r#""zhongshu" "read-only" "on-request""#,
    ];
    for one in safe {
        assert!(
            walls(&status).contains(&one.to_owned()),
            "{:?}",
            walls(&status)
        );
    }
    assert_eq!(status["powers"]["needed"], true);
    assert_eq!(status["powers"]["unsandboxed"], json!([]));

    house.allow().await;
    house.planner("And now without walls.").await;
    let status = house.get("/api/status").await;
    let wide = r#""zhongshu" "danger-full-access" "never""#.to_owned();
    assert!(walls(&status).contains(&wide), "{:?}", walls(&status));
    let bare = status["powers"]["unsandboxed"].to_string();
    assert!(bare.contains("danger-full-access"), "{bare}");
    house.close().await;
}
