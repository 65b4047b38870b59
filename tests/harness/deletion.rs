//! The end of sessions: once, for ever, and not at the cost of copies.

use crate::rig::{HANG, house};
use crate::support::House;
use crate::support::thread::Stranger;
use serde_json::{Value, json};

/// Every thread that Codex has in its lists.
async fn kept(stranger: &mut Stranger) -> Vec<Value> {
    let mut kept = Vec::new();
    for archived in [false, true] {
        let page = stranger
            .call("thread/list", json!({ "archived": archived }))
            .await;
        kept.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["id"].clone()),
        );
    }
    kept
}

async fn fork(house: &House, stranger: &mut Stranger, of: &str) -> String {
    let copy = stranger
        .call("thread/fork", json!({ "threadId": of }))
        .await;
    let copy = copy["thread"]["id"].as_str().unwrap().to_owned();
    house.listed(&copy, "the copy", |_| true).await;
    copy
}

#[tokio::test]
async fn of_two_deletes_at_once_one_is_told_that_it_is_gone() {
    let house = house([]).await;
    for _ in 0..5 {
        let id = house.chat().await;
        let path = format!("/sessions/{id}");
        let delete = || house.ask("DELETE", &path, None);
        let ((a, first), (b, second)) = tokio::join!(delete(), delete());
        let mut both = [a, b];
        both.sort_unstable();
        assert_eq!(both, [200, 410], "{first:#} {second:#}");
    }
    house.close().await;
}

#[tokio::test]
async fn a_turn_that_runs_is_broken_off() {
    let house = house([]).await;
    let id = house.chat().await;
    let (mut stranger, _) = house.begins_turn(&id, HANG).await;
    house
        .listed(&id, "it works", |it| it["status"] == "running")
        .await;
    house
        .granted("DELETE", &format!("/sessions/{id}"), None, 200)
        .await;
    house
        .denied("GET", &format!("/sessions/{id}"), None, 410)
        .await;
    assert_eq!(kept(&mut stranger).await, [Value::Null; 0]);
    house.close().await;
}

#[tokio::test]
async fn a_session_with_copies_is_gone_at_once_and_removed_with_the_last_of_them() {
    let mut house = house([]).await;
    let first = house.chat().await;
    house.has_turn(&first, "Hello").await;
    let mut stranger = Stranger::connect(&house).await;
    let second = fork(&house, &mut stranger, &first).await;
    let third = fork(&house, &mut stranger, &second).await;
    // Codex lists no copy in which nothing was said, and whoever made it may be the only one who knows it.
    house.has_turn(&third, "Once more").await;

    let deleted = house
        .granted("DELETE", &format!("/sessions/{first}"), None, 200)
        .await;
    assert_eq!(deleted["deletedFileCount"], 0);
    house
        .granted("DELETE", &format!("/sessions/{second}"), None, 200)
        .await;
    house.kill_launcher().await;
    house.start(&[]).await;
    for id in [&first, &second] {
        house
            .denied("GET", &format!("/sessions/{id}"), None, 410)
            .await;
    }
    let copy = house.look(&format!("/sessions/{third}")).await;
    assert_eq!(copy["transcript"][0]["content"], "Hello");
    for archived in ["false", "true"] {
        let list = house.look(&format!("/sessions?archived={archived}")).await;
        let data = list["data"].as_array().unwrap();
        assert!(
            data.iter().all(|it| it["sessionId"] == third.as_str()),
            "{list:#}"
        );
    }
    assert!(kept(&mut stranger).await.contains(&json!(first)));

    let deleted = house
        .granted("DELETE", &format!("/sessions/{third}"), None, 200)
        .await;
    assert_eq!(deleted["deletedFileCount"], 1);
    assert_eq!(kept(&mut stranger).await, [Value::Null; 0]);
    house.kill_launcher().await;
    house.start(&[]).await;
    for id in [&first, &second, &third] {
        house
            .denied("GET", &format!("/sessions/{id}"), None, 410)
            .await;
    }
    house.close().await;
}

#[tokio::test]
async fn the_last_copy_may_be_deleted_by_somebody_else() {
    let house = house([]).await;
    let source = house.chat().await;
    house.has_turn(&source, "Hello").await;
    let mut stranger = Stranger::connect(&house).await;
    let copy = fork(&house, &mut stranger, &source).await;
    house
        .granted("DELETE", &format!("/sessions/{source}"), None, 200)
        .await;
    stranger
        .call("thread/delete", json!({ "threadId": copy }))
        .await;
    let mut stranger = Stranger::connect(&house).await;
    house
        .wait_for("nothing is left", async || {
            kept(&mut stranger).await.is_empty().then_some(())
        })
        .await;
    // Nobody deleted the copy here: it is unknown, not deleted.
    house
        .wait_for("the copy is unknown", async || {
            let (status, _) = house.ask("GET", &format!("/sessions/{copy}"), None).await;
            (status == 404).then_some(())
        })
        .await;
    house.close().await;
}
