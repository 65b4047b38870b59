//! Menxia has Codex review in its own thread, by its tool: after the turn that asks, and before the verdict.

use crate::support::script::{assignment, department, on_message, plan, planner};
use crate::support::{GOVERNANCE, House};
use mock_model::{Call, Script, Step};
use serde_json::{Value, json};

const LOOK: &str = "Look for what is odd.";

fn script() -> Script {
    let review = |target: Value| Step::call(Call::mcp("zhongshu", "review_code", target));
    let verdict = json!({ "verdict": "approve", "checked": [{ "line": 1, "point": "Nothing is odd." }], "reasons": [] });
    let verdict = Step::call(Call::mcp("zhongshu", "report_verdict", verdict));
    let mut planner = planner(plan([assignment("lingyubu", "works")]));
    planner
        .steps
        .insert(0, review(json!({ "target": "uncommitted" })));
    let custom = json!({ "target": "custom", "instructions": LOOK });
    let menxia = vec![
        review(json!({ "target": "commit", "commit": "--all" })),
        review(custom.clone()),
        review(custom),
        Step::say("I wait for it."),
    ];
    Script::new([
        on_message("reviews", LOOK, vec![Step::say("It is all in order.")]),
        on_message(
            "goes on",
            "that you asked for is over",
            vec![verdict, Step::say("Said.")],
        ),
        planner,
        department("menxia", menxia),
    ])
}

fn outputs(house: &House, rule: &str) -> Vec<String> {
    let requests = house.model.requests();
    let last = requests.iter().rfind(|it| it.rule.as_deref() == Some(rule));
    let outputs = last.map(|it| it.tool_outputs.iter().map(|it| it.output.clone()));
    outputs.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_reviews_for_menxia_after_its_turn_and_before_its_verdict() {
    let house = House::open(script(), &format!("{GOVERNANCE}plan_review: menxia\n")).await;
    let planner = house.planner("Make the greeter louder.").await;
    let audit = house
        .audited("the verdict", |all| {
            all.iter().any(|it| it["event"] == "plan_approved")
        })
        .await;
    let refused = outputs(&house, "planner");
    assert!(refused[0].contains("department `menxia`"), "{refused:?}");
    let said = outputs(&house, "menxia");
    assert!(said[0].contains("commit"), "an odd name: {said:?}");
    assert!(
        said[1].contains("it begins when your turn ends"),
        "{said:?}"
    );
    assert!(said[2].contains("is not over"), "one at a time: {said:?}");

    let names = [
        "codex_review_asked",
        "codex_review_begun",
        "codex_review_ended",
        "plan_approved",
    ];
    let of_it: Vec<&Value> = audit
        .iter()
        .filter(|it| names.iter().any(|name| it["event"] == *name))
        .collect();
    let order: Vec<&str> = of_it
        .iter()
        .map(|it| it["event"].as_str().unwrap())
        .collect();
    assert_eq!(order, names);
    let menxia = of_it[0]["session_id"].as_str().unwrap();
    assert_eq!(of_it[0]["actor"], menxia);
    assert_eq!(of_it[0]["instructions"], LOOK);
    assert_eq!(of_it[2]["reason"], Value::Null);
    assert!(menxia != planner);
    let reminders = audit.iter().filter(|it| it["event"] == "reminder_sent");
    assert_eq!(reminders.count(), 0, "it was not forgotten, it waited");
    // The turn that asked was not broken off, and what was found stands in the same thread. Codex lists what it told the reviewer as a turn, too.
    let turns = house.turns(menxia).await;
    let states: Vec<&Value> = turns.iter().map(|it| &it["status"]).collect();
    assert!(
        states.iter().all(|status| **status != "interrupted"),
        "{states:?}"
    );
    assert_eq!(states.last(), Some(&&json!("completed")));
    let found = |turn: &Value| turn["rows"].to_string().contains("It is all in order.");
    assert!(turns.iter().any(found), "{turns:?}");
    house.close().await;
}
