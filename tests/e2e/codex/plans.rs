//! Plans in a person's hands: rejected, replaced, edited; and a planner that is replaced with all that it had.

use super::{count, events, last_of};
use crate::support::GOVERNANCE;
use crate::support::House;
use crate::support::script::{
    assert_nothing_said_twice, assignment, by_file, by_tool, department, hang, hang_then, plan,
    planner, replans, reports, told,
};
use mock_model::{Rule, Script, Step, When};
use serde_json::{Value, json};

fn two_lines(task: &str) -> Value {
    plan([
        assignment("lingyubu", task),
        assignment("zhilibu", "the rest"),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_plan_is_rejected_replaced_and_edited_before_it_is_confirmed() {
    let script = Script::new([
        replans("The person rejected version 1", two_lines("the second try")),
        replans("think once more", two_lines("the third try")),
        planner(plan([assignment("lingyubu", "the first try")])),
        department("lingyubu", vec![hang()]),
    ]);
    let house = House::open(script, GOVERNANCE).await;
    let planner = house.planner("Make the greeter louder.").await;
    let first = house.plan(&planner, 1).await;

    // The reason reaches the planner as a turn of its own, and its next plan is another version.
    let reason = "Too loud; greet \"politely\".";
    house
        .post(
            "/api/reject_plan",
            json!({ "session_id": planner, "reason": reason }),
        )
        .await;
    let second = house.plan(&planner, 2).await;
    let requests = house.model.requests();
    let heard = last_of(&requests, "The person rejected version 1").unwrap();
    assert!(heard.user_texts.last().unwrap().contains(reason));
    assert_ne!(heard.turn_id, requests[0].turn_id);
    let body = json!({ "parent_session_id": planner, "assignments": first["assignments"], "plan_sha256": first["plan_sha256"] });
    assert_eq!(
        house.refused("/api/start_assignments", body).await,
        (409, "plan_changed".to_owned())
    );

    // A plan that nobody has decided yet is superseded by the next.
    house
        .post(
            "/api/notify_zhongshu",
            json!({ "session_id": planner, "message": "Please think once more." }),
        )
        .await;
    let third = house.plan(&planner, 3).await;
    let plans = house.get(&format!("/api/plans?session_id={planner}")).await;
    let states: Vec<&Value> = plans["plans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|plan| &plan["status"])
        .collect();
    assert_eq!(states, ["pending", "superseded", "rejected"]);
    assert_eq!(plans["plans"][2]["reason"], reason);
    let body = json!({ "parent_session_id": planner, "assignments": second["assignments"], "plan_sha256": second["plan_sha256"] });
    assert_eq!(
        house.refused("/api/start_assignments", body).await,
        (409, "plan_changed".to_owned())
    );
    assert_eq!(
        house.get("/api/status").await["department_sessions"],
        json!([])
    );

    // What the person changed is what the department gets; what they left out does not start.
    let mut edited = third.clone();
    edited["assignments"][0]["task"] = json!("the person's own words");
    edited["assignments"][1]["selected"] = json!(false);
    house.confirm(&planner, &edited).await;
    let requests = house
        .requests("the department works", |requests| {
            count(requests, "lingyubu") == 1
        })
        .await;
    let prompt = &last_of(&requests, "lingyubu").unwrap().user_texts[0];
    assert!(
        prompt.contains("the person's own words") && !prompt.contains("the third try"),
        "{prompt}"
    );
    let audit = house.audit().await;
    let confirmed = events(&audit, "plan_confirmed");
    assert_eq!(
        (confirmed.len(), &confirmed[0]["edited"]),
        (1, &json!(true))
    );
    assert_eq!(events(&audit, "assignment_queued").len(), 1);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_new_planner_takes_children_queue_results_and_plan_along() {
    let takes_over = Rule {
        name: "successor".to_owned(),
        when: When {
            first_user_contains: "You take over from another planner".into(),
            ..When::default()
        },
        steps: vec![Step::say("I took over.")],
        ..Rule::default()
    };
    let script = Script::new([
        told("told", "", vec![Step::say("Noted.")]),
        takes_over,
        planner(plan([
            assignment("zhilibu", "reports before"),
            assignment("lingyubu", "reports by tool, after"),
            assignment("menxia", "reports by file, after"),
            assignment("gongchengbu", "waits"),
        ])),
        reports("zhilibu", "BEFORE"),
        department(
            "lingyubu",
            vec![hang_then(by_tool("AFTER, BY TOOL")), Step::say("Done.")],
        ),
        department(
            "menxia",
            vec![hang_then(by_file("AFTER, BY FILE")), Step::say("Done.")],
        ),
        reports("gongchengbu", "LAST"),
    ]);
    let house = House::open(script, GOVERNANCE).await;
    let old = house.at_work().await;
    house.result(&old, "zhilibu").await;
    house
        .department("zhilibu", "it is gone", |session| {
            session["status"] == "reported"
        })
        .await;
    house
        .requests("two departments at work", |requests| {
            count(requests, "lingyubu") == 1 && count(requests, "menxia") == 1
        })
        .await;
    let answer = house
        .post(
            "/api/restart_zhongshu_session",
            json!({ "session_id": old }),
        )
        .await;
    let new = answer["session"]["id"].as_str().unwrap().to_owned();
    let ended = house
        .session(&old, "the old planner ends", |session| {
            session["status"] == "replaced"
        })
        .await;
    assert_eq!(ended["replaced_by_session_id"], json!(new));
    let session = house
        .session(&new, "the new planner has spoken", |session| {
            session["activity"] == "idle"
        })
        .await;
    assert_eq!(session["resumed_from_session_id"], json!(old));
    assert_eq!(session["child_department_ids"].as_array().unwrap().len(), 2);
    let status = house.get("/api/status").await;
    assert_eq!(status["queue"][0]["parent_session_id"], json!(new));
    assert_eq!(house.plan(&new, 1).await["status"], "confirmed");
    let inbox = house.inbox(&new).await;
    assert_eq!(inbox["unread_results"][0]["summary"], "BEFORE");
    assert_eq!(inbox["running_departments"].as_array().unwrap().len(), 2);
    assert_eq!(inbox["queued_departments"].as_array().unwrap().len(), 1);
    let requests = house.model.requests();
    let prompt = &last_of(&requests, "successor").unwrap().user_texts[0];
    for part in [old.as_str(), "BEFORE", "reports by tool, after"] {
        assert!(
            prompt.contains(part),
            "the successor is not told of {part}: {prompt}"
        );
    }

    // Reports of the children reach the new planner, even those for the old mailbox.
    house.model.release();
    for (key, summary, verified) in [
        ("lingyubu", "AFTER, BY TOOL", true),
        ("menxia", "AFTER, BY FILE", false),
        ("gongchengbu", "LAST", true),
    ] {
        let result = house.result(&new, key).await;
        assert_eq!(
            (&result["summary"], &result["verified"]),
            (&json!(summary), &json!(verified))
        );
    }
    let requests = house
        .requests("the new planner was told of all", |requests| {
            let texts = last_of(requests, "told").map(|request| request.user_texts.join("\n"));
            texts.is_some_and(|texts| {
                texts.contains("You take over")
                    && ["AFTER, BY TOOL", "AFTER, BY FILE", "LAST"]
                        .iter()
                        .all(|part| texts.contains(part))
            })
        })
        .await;
    assert_nothing_said_twice(&requests);
    house.close().await;
}
