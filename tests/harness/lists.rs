//! Pages of sessions: nothing twice, nothing left out, whatever comes and goes between them.

use crate::rig::house;
use crate::support::House;
use crate::support::thread::Stranger;
use serde_json::json;
use std::collections::BTreeSet;

/// A page's ids and where the next one goes on.
async fn page(house: &House, cursor: Option<&str>) -> (Vec<String>, Option<String>) {
    let cursor = cursor.map(|it| format!("&cursor={it}")).unwrap_or_default();
    let page = house.look(&format!("/sessions?limit=60{cursor}")).await;
    let data = page["data"].as_array().unwrap();
    let keys: Vec<_> = data
        .iter()
        .map(|it| (it["createdAt"].as_i64(), it["sessionId"].as_str()))
        .collect();
    assert!(keys.is_sorted_by(|a, b| a > b), "newest first: {keys:?}");
    let ids = data
        .iter()
        .map(|it| it["sessionId"].as_str().unwrap().to_owned());
    (
        ids.collect(),
        page["nextCursor"].as_str().map(str::to_owned),
    )
}

#[tokio::test]
async fn pages_hold_while_sessions_come_and_go() {
    let house = house([]).await;
    let mut stranger = Stranger::connect(&house).await;
    let mut begin = async || {
        let begun = stranger
            .call("thread/start", json!({ "cwd": house.repo }))
            .await;
        let id = begun["thread"]["id"].as_str().unwrap().to_owned();
        stranger
            .call(
                "thread/name/set",
                json!({ "threadId": id, "name": "One of many" }),
            )
            .await;
        stranger
            .call("thread/unsubscribe", json!({ "threadId": id }))
            .await;
        id
    };
    let mut all = BTreeSet::new();
    for _ in 0..250 {
        all.insert(begin().await);
    }
    house
        .listed(all.last().unwrap(), "the last one", |_| true)
        .await;

    let (mut seen, mut cursor) = page(&house, None).await;
    assert_eq!(seen.len(), 60);
    let mut gone = BTreeSet::new();
    while let Some(place) = cursor {
        // The one that the cursor stands behind goes, one that is still to come goes, and a new one comes.
        let behind = seen.last().unwrap().clone();
        house
            .granted("DELETE", &format!("/sessions/{behind}"), None, 200)
            .await;
        let next = all
            .iter()
            .find(|id| !seen.contains(id) && !gone.contains(*id));
        if let Some(next) = next.cloned() {
            house
                .granted("DELETE", &format!("/sessions/{next}"), None, 200)
                .await;
            gone.insert(next);
        }
        let newest = begin().await;
        house.listed(&newest, "the new one", |_| true).await;
        let (more, next) = page(&house, Some(&place)).await;
        seen.extend(more);
        cursor = next;
    }
    let unique: BTreeSet<_> = seen.iter().cloned().collect();
    assert_eq!(unique.len(), seen.len(), "nothing comes twice");
    let expected: BTreeSet<_> = all.difference(&gone).cloned().collect();
    assert_eq!(unique, expected, "nothing is left out");
    house.close().await;
}

#[tokio::test]
async fn a_cursor_is_of_one_list_and_words_are_true_or_false() {
    let house = house([]).await;
    house.chat().await;
    house.chat().await;
    let first = house.look("/sessions?limit=1&archived=false").await;
    assert_eq!(
        (first["data"].as_array().unwrap().len(), &first["archived"]),
        (1, &json!(false))
    );
    let cursor = first["nextCursor"].as_str().unwrap();
    let last = house
        .look(&format!("/sessions?limit=1&cursor={cursor}"))
        .await;
    assert_eq!(last["nextCursor"], json!(null));
    assert_ne!(last["data"][0]["sessionId"], first["data"][0]["sessionId"]);
    for query in [
        format!("archived=true&cursor={cursor}"),
        format!("cursor=x{cursor}"),
        "cursor=".to_owned(),
        "cursor=5".to_owned(),
        "archived=1".to_owned(),
        "includeSystemOwned=yes".to_owned(),
        "limit=0".to_owned(),
        "limit=201".to_owned(),
        "limit=many".to_owned(),
    ] {
        let no = house
            .denied("GET", &format!("/sessions?{query}"), None, 400)
            .await;
        assert_eq!(no["code"], "invalid_request", "{query}");
        assert_eq!(no["issues"].as_array().map(Vec::len), Some(1), "{query}");
    }
    house.close().await;
}
