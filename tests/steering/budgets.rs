//! A budget that is used up is raised on the card that says so, in a real browser.

use crate::support::House;
use crate::support::script::takes;
use mock_model::{Rule, Script, Step};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn codex_budget_is_raised_from_its_card_in_a_browser() {
    let takes_much = Rule {
        name: "planner".to_owned(),
        steps: vec![takes(5_000, 10, Step::say("Ready."))],
        ..Rule::default()
    };
    let house = House::open(Script::new([takes_much]), crate::support::GOVERNANCE).await;
    let session = house.planner("Make the greeter louder.").await;
    house
        .session(&session, "its turn is counted", |it| {
            it["activity"] == "idle" && it["usage"]["tokens"]["total"] == 5_010
        })
        .await;
    let lower = json!({ "session": session, "tokens": "1k" });
    house.post("/api/budgets", lower.clone()).await;
    let obey = async |wish: &str| {
        match wish {
            "unchanged" => assert_eq!(budgets(&house, &session).await, [1_000]),
            "raised" => assert_eq!(budgets(&house, &session).await, [50_000]),
            _ => drop(house.post("/api/budgets", lower.clone()).await),
        }
        String::new()
    };
    house.walk("budgets.mjs", &session, obey).await;
    let audit = house.audit().await;
    let set: Vec<&Value> = audit
        .iter()
        .filter(|it| it["event"] == "budget_set")
        .collect();
    let by: Vec<&str> = set.iter().map(|it| it["actor"].as_str().unwrap()).collect();
    assert_eq!(by, ["person:cli", "person", "person:cli"]);
    house.close().await;
}

/// The budgets of a session that a person set, in tokens.
async fn budgets(house: &House, session: &str) -> Vec<u64> {
    let usage = house.get("/api/usage").await;
    let set = usage["budgets"]["set"].as_array().unwrap().iter();
    let own = set.filter(|it| it["session_id"] == session);
    own.map(|it| it["tokens"].as_u64().unwrap()).collect()
}
