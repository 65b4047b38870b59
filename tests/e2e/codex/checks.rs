//! What the launcher finds out itself: changes outside of an assignment are flagged before the planner is told, and a
//! claim that the launcher cannot confirm is shown as refuted.

use super::events;
use crate::support::script::{assignment, department, findings, plan, planner, told};
use crate::support::{GOVERNANCE, House};
use mock_model::{Call, Script, Step};
use serde_json::{Value, json};

const PASSES: &str = "python3 -m py_compile src/greet.py";
const FAILS: &str = "test -f src/missing.py";

fn report() -> Value {
    let mut report = findings("GREETED");
    report["changed_files"] = json!(["src/greet.py", "docs/never.md"]);
    report["verifications_run"] = json!([format!("{PASSES}: ok"), format!("`{FAILS}` passed")]);
    report
}

fn script() -> Script {
    let mut work = assignment("lingyubu", "Make it louder.");
    work["files"] = json!(["src/"]);
    work["verify"] = json!([PASSES, FAILS]);
    let accept = json!({ "report_id": r#"{{last_after:"report_id\": "}}"#, "reason": "the title belongs to it" });
    Script::new([
        told(
            "told of the work",
            "GREETED",
            vec![
                Step::call(Call::mcp("zhongshu", "accept_changes", accept)),
                Step::say("Accepted."),
            ],
        ),
        planner(plan([work])),
        department(
            "lingyubu",
            vec![
                Step::call(Call::shell(
                    "echo '# loud' >> src/greet.py && echo loud >> README.md",
                )),
                Step::call(Call::mcp("zhongshu", "report_result", report())),
                Step::say("Done."),
            ],
        ),
    ])
}

fn seq(events: &[Value], name: &str) -> u64 {
    let found = super::events(events, name);
    let first = found.first().unwrap_or_else(|| panic!("no {name}"));
    first["seq"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_departments_are_held_against_what_they_really_did() {
    let house = House::open(script(), GOVERNANCE).await;
    // What the person had changed before counts for nobody.
    std::fs::write(house.repo.join("notes.txt"), "mine\n").unwrap();
    let planner = house.planner("Make the greeter louder.").await;
    let plan = house.plan(&planner, 1).await;
    let body = json!({
        "parent_session_id": planner,
        "assignments": plan["assignments"],
        "plan_sha256": plan["plan_sha256"],
        "run_verify": true,
    });
    house.post("/api/start_assignments", body).await;

    let audit = house
        .audited("both checks and the acceptance", |audit| {
            events(audit, "verification_run").len() == 2
                && events(audit, "changes_accepted").len() == 1
        })
        .await;
    let told: Vec<&Value> = events(&audit, "message_queued")
        .into_iter()
        .filter(|event| event["purpose"] == "result")
        .collect();
    assert!(seq(&audit, "tree_recorded") < seq(&audit, "session_started") + 10);
    assert!(seq(&audit, "result_judged") < told[0]["seq"].as_u64().unwrap());
    let text = told[0]["text"].as_str().unwrap();
    assert!(
        text.contains("outside_assignment") && text.contains("README.md"),
        "{text}"
    );

    let result = house.result(&planner, "lingyubu").await;
    let standing = |path: &str| {
        let files = result["conformance"]["files"].as_array().unwrap().iter();
        files
            .clone()
            .find(|file| file["path"] == path)
            .map(|file| file["standing"].clone())
    };
    assert_eq!(standing("README.md"), Some("outside".into()));
    assert_eq!(standing("src/greet.py"), Some("in_scope".into()));
    assert_eq!(standing("docs/never.md"), Some("absent".into()));
    assert_eq!(standing("notes.txt"), None);
    assert_eq!(result["acceptance"]["by"], planner.as_str());
    assert_eq!(result["awaits_acceptance"], false);

    let verdicts: Vec<_> = result["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| (run["command"].clone(), run["verdict"].clone()))
        .collect();
    assert_eq!(
        verdicts,
        [
            (PASSES.into(), "confirmed".into()),
            (FAILS.into(), "refuted".into())
        ],
        "{:#}",
        result["evidence"]
    );
    // It ran in Codex's sandbox, as the department did.
    assert_eq!(result["evidence"][0]["argv"][1], "sandbox");
    let refuted = told.last().unwrap()["text"].as_str().unwrap();
    assert!(
        refuted.contains("refuted") && refuted.contains(FAILS),
        "{refuted}"
    );
    // The whole story, from the journal alone.
    let mut house = house;
    house.stop_launcher().await;
    let (code, page, complaints) = house.run(&["dossier", &planner]).await;
    assert_eq!(code, Some(0), "{complaints}");
    for part in [
        "Make the greeter louder.",
        "### Version 1",
        "outside the assignment: `README.md`",
        "refuted: `test -f src/missing.py`",
        "the title belongs to it",
    ] {
        assert!(page.contains(part), "no {part:?} in\n{page}");
    }
    let (code, _, complaint) = house.run(&["dossier", "zhongshu-none"]).await;
    assert_eq!(code, Some(1), "{complaint}");
    house.close().await;
}
