//! Menxia before the person, with real Codex on both sides: its verdict by tool, the planner's next version, and what a
//! person can still decide.

use super::{count, events, last_of};
use crate::support::script::{assignment, department, plan, planner, replans, reports, told};
use crate::support::{GOVERNANCE, House};
use mock_model::{Call, Rule, Script, Step, Texts, When};
use serde_json::{Value, json};

/// A plan of one line, told from others by its task.
fn one_line(task: &str) -> Value {
    plan([assignment("lingyubu", task)])
}

/// What a menxia session calls when it reviews a plan that contains `part`.
fn menxia(part: &str, verdicts: impl IntoIterator<Item = Value>) -> Rule {
    let call = |verdict| Step::call(Call::mcp("zhongshu", "report_verdict", verdict));
    let calls = verdicts.into_iter().map(call);
    let about = ["department: menxia\n", part].map(str::to_owned);
    Rule {
        name: part.to_owned(),
        when: When {
            first_user_contains: Texts(about.to_vec()),
            ..When::default()
        },
        ..department("menxia", calls.chain([Step::say("Said.")]).collect())
    }
}

fn veto(reason: &str) -> Value {
    json!({ "verdict": "veto", "checked": [{ "line": 1, "point": "It names no test." }], "reasons": [reason] })
}

fn governance(veto_limit: usize) -> String {
    format!("{GOVERNANCE}plan_review: menxia\nveto_limit: {veto_limit}\n")
}

/// The planner's plan once this version of it stands so.
async fn reviewed(house: &House, planner: &str, version: u64, state: &str) -> Value {
    let path = format!("/api/zhongshu_plan?id={planner}");
    let look = async || {
        let plan = house.get(&path).await["plan"].clone();
        (plan["version"] == version && plan["review"]["state"] == state).then_some(plan)
    };
    house
        .wait_for(&format!("version {version}, {state}"), look)
        .await
}

fn confirmation(planner: &str, plan: &Value) -> Value {
    json!({ "parent_session_id": planner, "assignments": plan["assignments"], "plan_sha256": plan["plan_sha256"] })
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_menxia_vetoes_a_plan_and_approves_the_next_which_then_runs() {
    let nothing_checked = json!({ "verdict": "approve", "checked": [], "reasons": [] });
    let approval = json!({ "verdict": "approve", "checked": [{ "line": 1, "point": "Now it is tested." }], "reasons": [] });
    let script = Script::new([
        told("told", "TESTED", vec![Step::say("Noted.")]),
        replans("Menxia vetoed version 1", one_line("louder, with a test")),
        planner(one_line("louder, untested")),
        menxia(
            "louder, untested",
            [nothing_checked, veto("Nothing proves it.")],
        ),
        menxia("louder, with a test", [approval]),
        reports("lingyubu", "TESTED"),
    ]);
    let house = House::open(script, &governance(3)).await;
    let planner = house.planner("Make the greeter louder.").await;
    let second = reviewed(&house, &planner, 2, "approved").await;

    // A verdict without a checked point is none, and Codex is told why.
    let requests = house.model.requests();
    let last = last_of(&requests, "louder, untested").unwrap();
    let refusal = &last.tool_outputs[0].output;
    assert!(
        refusal.contains("nothing was checked about line 1"),
        "{refusal}"
    );
    let plans = house.get(&format!("/api/plans?session_id={planner}")).await;
    let first = &plans["plans"][1];
    assert_eq!(
        (&first["status"], &first["review"]["state"]),
        (&json!("superseded"), &json!("vetoed"))
    );
    let said = &first["review"]["verdict"];
    assert_eq!(
        (&said["verified"], &said["source"]),
        (&json!(true), &json!("tool"))
    );
    assert_eq!(said["checked"][0]["point"], "It names no test.");
    // The reasons were a turn of the planner's own.
    let heard = last_of(&requests, "Menxia vetoed version 1").unwrap();
    assert!(
        heard
            .user_texts
            .last()
            .unwrap()
            .contains("Nothing proves it.")
    );

    // An approval starts nothing; the person does.
    let status = house.get("/api/status").await;
    let sessions = status["department_sessions"].as_array().unwrap();
    assert!(
        sessions
            .iter()
            .all(|session| session["department"] == "menxia")
    );
    assert_eq!(count(&house.model.requests(), "lingyubu"), 0);
    house.confirm(&planner, &second).await;
    let result = house.result(&planner, "lingyubu").await;
    assert_eq!(
        (&result["summary"], &result["verified"]),
        (&json!("TESTED"), &json!(true))
    );
    let audit = house
        .audited("both reviews are over", |audit| {
            let ended = events(audit, "session_closed");
            ended
                .iter()
                .filter(|it| it["outcome"]["how"] == "reported")
                .count()
                == 3
        })
        .await;
    assert_eq!(events(&audit, "plan_vetoed").len(), 1);
    assert_eq!(
        events(&audit, "plan_approved")[0]["checked"][0]["point"],
        "Now it is tested."
    );
    assert!(events(&audit, "plan_review_overruled").is_empty());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_after_vetoes_enough_the_person_decides_and_overrules_with_a_reason() {
    let script = Script::new([
        told("told", "DONE", vec![Step::say("Noted.")]),
        replans("Menxia vetoed version 1", one_line("the second try")),
        // It was told to wait for the person, and reports all the same.
        replans("Menxia vetoed version 2", one_line("the third try")),
        planner(one_line("the first try")),
        menxia("the first try", [veto("First no.")]),
        menxia("the second try", [veto("Second no.")]),
        reports("lingyubu", "DONE"),
    ]);
    let house = House::open(script, &governance(2)).await;
    let planner = house.planner("Make the greeter louder.").await;
    let left = reviewed(&house, &planner, 3, "left_to_person").await;
    let requests = house.model.requests();
    let heard = last_of(&requests, "Menxia vetoed version 2").unwrap();
    let text = heard.user_texts.last().unwrap();
    assert!(text.contains("a person decides now"), "{text}");

    let mut wish = confirmation(&planner, &left);
    for blank in [Value::Null, json!(" ")] {
        wish["override_reason"] = blank;
        let refused = house.refused("/api/start_assignments", wish.clone()).await;
        assert_eq!(refused, (409, "verdict_missing".to_owned()));
    }
    wish["override_reason"] = json!("It is only a greeting.");
    house.post("/api/start_assignments", wish).await;
    house.result(&planner, "lingyubu").await;

    let audit = house.audit().await;
    assert_eq!(events(&audit, "plan_vetoed").len(), 2);
    assert_eq!(events(&audit, "plan_left_to_person")[0]["vetoes"], 2);
    let overruled = events(&audit, "plan_review_overruled");
    assert_eq!(overruled[0]["reason"], "It is only a greeting.");
    let mut house = house;
    house.stop_launcher().await;
    let (code, page, complaints) = house.run(&["dossier", &planner]).await;
    assert_eq!(code, Some(0), "{complaints}");
    for part in [
        "Second no.",
        "line 1: It names no test.",
        "`It is only a greeting.`",
    ] {
        assert!(page.contains(part), "no {part:?} in\n{page}");
    }
    house.close().await;
}
