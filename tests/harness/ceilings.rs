//! What a token has at most: not by asking for more, not by driving what has more, and not by saying yes to it.

use crate::bot::Bot;
use crate::rig::{HANG, house};
use crate::waits::{asking, asking_with, calls, decision_of, touches};
use serde_json::{Value, json};

const WIDER: [(&str, &str, &str); 3] = [
    ("approvalPolicy", "never", "approval"),
    ("networkAccess", "enabled", "network"),
    ("filesystemSandbox", "danger-full-access", "sandbox"),
];

#[tokio::test]
async fn a_token_gets_no_more_than_a_person_allows() {
    let house = house([]).await;
    let bot = Bot::of(&house).await;
    let (status, begun) = bot.post("/sessions", json!({})).await;
    assert_eq!(status, 200, "{begun}");
    let id = begun["session"]["sessionId"].as_str().unwrap();
    for (field, value, ceiling) in WIDER {
        bot.met("/sessions", json!({ field: value }), ceiling).await;
        let message = json!({ "text": "Hello.", field: value });
        bot.met(&format!("/sessions/{id}/messages"), message, ceiling)
            .await;
    }
    let met = house.recorded("ceiling_met");
    assert_eq!(met.len(), 6);
    assert!(met.iter().all(|it| it["actor"] == "harness:bot"), "{met:?}");
    assert!(house.model.requests().is_empty());
    house.close().await;
}

#[tokio::test]
async fn a_token_does_not_speak_into_a_turn_that_has_more() {
    let house = house([]).await;
    let bot = Bot::of(&house).await;
    for (field, value, ceiling) in WIDER {
        let begun = house.make("/sessions", json!({ field: value })).await;
        let id = begun["session"]["sessionId"].as_str().unwrap();
        let turn = house.stands_still(id).await;
        let words = json!({ "input": HANG });
        bot.met(
            &format!("/sessions/{id}/turns/{turn}/steer"),
            words,
            ceiling,
        )
        .await;
        let message = json!({ "text": HANG });
        bot.met(&format!("/sessions/{id}/messages"), message, ceiling)
            .await;
        house.act(id, "interrupt", json!({})).await;
    }
    house.close().await;
}

#[tokio::test]
async fn a_token_does_not_let_a_command_out_of_its_sandbox() {
    let house = asking(|house| vec![touches(&house.codex_home.join("file"))]).await;
    let bot = Bot::of(&house).await;
    let id = house.chat().await;
    let (turn, approval) = house.asks(&id, "approvals").await;
    let path = decision_of(&approval);
    for scope in ["turn", "session"] {
        let yes = json!({ "decision": "accept", "scope": scope });
        bot.met(&path, yes, "sandbox").await;
    }
    let met = house.recorded("ceiling_met");
    assert_eq!((met.len(), &met[0]["session_id"]), (2, &json!(id)));
    // It waits still, and a no is anybody's.
    assert_eq!(
        house.pending(&id, "approvals").await["approvalId"],
        approval["approvalId"]
    );
    let (status, said) = bot.post(&path, json!({ "decision": "decline" })).await;
    assert_eq!(status, 200, "{said}");
    assert_eq!(house.over(&id, &turn).await["status"], "completed");
    assert!(!house.codex_home.join("file").exists());
    let audit = house.audit().await;
    let answered = audit
        .iter()
        .find(|it| it["event"] == "ask_answered")
        .unwrap();
    assert_eq!(answered["by"], "harness:bot");
    house.close().await;
}

#[tokio::test]
async fn a_token_grants_what_its_own_sandbox_would_give() {
    let wanted = |permissions: Value| {
        calls(
            "request_permissions",
            json!({ "permissions": permissions, "reason": "to work" }),
        )
    };
    let features = "request_permissions_tool = true\n";
    let house = asking_with(crate::support::GOVERNANCE, features, |house| {
        vec![
            wanted(json!({ "network": { "enabled": true } })),
            wanted(json!({ "file_system": { "write": [house.codex_home] } })),
            wanted(json!({ "file_system": { "write": [house.repo.join("src")] } })),
        ]
    })
    .await;
    let bot = Bot::of(&house).await;
    let id = house.chat().await;
    let (turn, mut approval) = house.asks(&id, "approvals").await;
    let yes = json!({ "decision": "accept" });
    for ceiling in ["network", "sandbox"] {
        let path = decision_of(&approval);
        bot.met(&path, yes.clone(), ceiling).await;
        let (status, said) = bot.post(&path, json!({ "decision": "decline" })).await;
        assert_eq!(status, 200, "{said}");
        let before = approval["approvalId"].clone();
        approval = house
            .wait_for("the next one", async || {
                let next = house.pending(&id, "approvals").await;
                (next["approvalId"] != before).then_some(next)
            })
            .await;
    }
    let (status, said) = bot.post(&decision_of(&approval), yes).await;
    assert_eq!(status, 200, "{said}");
    assert_eq!(house.over(&id, &turn).await["status"], "completed");
    house.close().await;
}
