//! What waits, by commands: listed in one session and in all, decided, and the turn goes on.

use crate::rig::house;
use crate::support::script::on_message;
use mock_model::{Call, Step};
use std::process::Stdio;

#[tokio::test]
async fn an_approval_is_listed_and_decided_and_the_turn_ends() {
    let steps = vec![Step::call(Call::shell("ls")), Step::say("Looked.")];
    let house = house([on_message("asks", "Look around", steps)]).await;
    let begun = house
        .told(&["sessions", "create", "--approval-policy", "untrusted"])
        .await;
    let id = begun["session"]["sessionId"].as_str().unwrap();
    assert_eq!(
        house.works(&["approvals", "list"]).await,
        "there is nothing\n"
    );
    let mut follows = house.zhongshu();
    follows.args(["harness", "sessions", "send", id, "Look around", "--wait"]);
    let follows = follows
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let waits = |it: &serde_json::Value| it["status"] == "waiting_approval" && it["pending"] == 1;
    house.listed(id, "it waits", waits).await;

    let of_one = house.told(&["approvals", "list", id]).await;
    assert_eq!(
        house.told(&["approvals", "list"]).await["data"],
        of_one["data"]
    );
    let approval = of_one["data"][0]["approvalId"].as_str().unwrap();
    let table = house.works(&["approvals", "list"]).await;
    let row = table
        .lines()
        .find(|line| line.starts_with(approval))
        .unwrap();
    assert!(row.contains(id) && row.contains("ls"), "{table}");
    house
        .fails(&["approvals", "decide", approval, "perhaps"], 2)
        .await;
    house
        .fails(&["approvals", "decide", "nope", "accept"], 6)
        .await;
    house
        .works(&["approvals", "decide", approval, "accept"])
        .await;
    let ended = tokio::time::timeout(crate::support::PATIENCE, follows.wait_with_output());
    let ended = ended.await.expect("it does not end").unwrap();
    assert_eq!(String::from_utf8_lossy(&ended.stdout), "Looked.\n");
    assert_eq!(ended.status.code(), Some(0));
    house
        .fails(&["approvals", "decide", approval, "accept"], 7)
        .await;
    house.close().await;
}
