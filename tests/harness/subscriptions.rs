//! Which threads are listened to: what runs and what waits, whoever began it; not what is quiet.

use crate::rig::{HANG, house, script};
use crate::support::House;
use mock_model::{Call, Count, Rule, Step, When};
use serde_json::json;

#[tokio::test]
async fn what_is_quiet_is_let_go_and_what_runs_is_not() {
    let mut house = House::build(script([]), crate::support::GOVERNANCE).await;
    let config = house.codex_home.join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("thread_unload_delay_secs = 1\n{text}")).unwrap();
    house.start(&[]).await;
    house.allow().await;
    house.knows_sessions().await;
    let busy = house.chat().await;
    let (stranger, _) = house.begins_turn(&busy, HANG).await;
    drop(stranger);
    let quiet = house.chat().await;
    house.has_turn(&quiet, "Hello").await;
    house
        .listed(&quiet, "it is out of memory", |it| {
            it["status"] == "notLoaded"
        })
        .await;
    house
        .listed(&busy, "it works", |it| it["status"] == "running")
        .await;
    // It comes back when it is needed.
    house.has_turn(&quiet, "Once more").await;
    let resumed = house
        .granted("POST", &format!("/sessions/{quiet}/resume"), None, 200)
        .await;
    assert_eq!(resumed["session"]["sessionId"], quiet.as_str());
    house
        .granted("DELETE", &format!("/sessions/{busy}"), None, 200)
        .await;
    house.close().await;
}

#[tokio::test]
async fn what_a_thread_asks_is_heard_whoever_began_the_turn_and_after_a_crash() {
    let asks = Rule {
        name: "asks".to_owned(),
        when: When {
            last_user_contains: "Look around".into(),
            ..When::default()
        },
        count: Count::Message,
        steps: vec![Step::call(Call::shell("ls")), Step::say("Looked.")],
        ..Rule::default()
    };
    let mut house = house([asks]).await;
    let begun = house
        .make("/sessions", json!({ "approvalPolicy": "untrusted" }))
        .await;
    let id = begun["session"]["sessionId"].as_str().unwrap().to_owned();
    let (mut stranger, _) = house.begins_turn(&id, "Look around").await;
    let waits = |it: &serde_json::Value| it["status"] == "waiting_approval" && it["pending"] == 1;
    house.listed(&id, "it waits", waits).await;
    house.kill_launcher().await;
    house.start(&[]).await;
    house.listed(&id, "it waits still", waits).await;
    stranger.answer(&id, json!({ "decision": "accept" })).await;
    house
        .listed(&id, "it is done", |it| {
            it["status"] == "idle" && it["pending"] == 0
        })
        .await;
    house.close().await;
}
