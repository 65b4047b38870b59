//! Many at once, more than there is room for, and an end in the middle: nobody is left without an answer, and what was answered holds.

use crate::frozen::Frozen;
use crate::rig::house;
use crate::support::{House, PATIENCE};
use crate::waits::{asking, decision_of, touches};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Requests at one moment.
const CROWD: usize = 200;
/// The longest content and details of a row; some 500 such rows are all there is room for.
const LARGE: usize = 64 << 10;
/// Requests that wait for each other's disk.
const WIDTH: usize = 16;

fn row(name: &str, content: &str) -> Value {
    json!({ "messageId": name, "turnId": "none", "role": "system", "type": "note", "content": content,
        "details": content, "status": "complete" })
}

#[tokio::test]
async fn of_two_hundred_at_once_each_is_answered_and_none_fails() {
    let house = house([]).await;
    let id = house.chat().await;
    house.talks(&id, "Hello").await;
    let mut all = JoinSet::new();
    for number in 0..CROWD {
        let (about, name) = (format!("/sessions/{id}"), format!("n{number}"));
        let get = |path: &str| house.sends("GET", path, None);
        let post = |path: &str, body: Value| house.sends("POST", path, Some(body));
        let set = json!({ "scope": "session", "key": name, "value": number });
        match number % 8 {
            0 => all.spawn(get(&about)),
            1 => all.spawn(get("/sessions")),
            2 => all.spawn(get("/models")),
            3 => all.spawn(get("/config")),
            4 => all.spawn(post("/projects", json!({ "name": name }))),
            5 => all.spawn(post(&format!("{about}/rename"), json!({ "title": name }))),
            6 => all.spawn(post(&format!("{about}/transcript/upsert"), row(&name, "c"))),
            _ => all.spawn(post(&format!("{about}/settings"), set)),
        };
    }
    let answers = timeout(PATIENCE, all.join_all()).await;
    let answers = answers.expect("all are answered").into_iter();
    let answers: Vec<_> = answers.map(Result::unwrap).collect();
    let wrong: Vec<_> = answers.iter().filter(|it| it.status != 200).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let settings = house.look(&format!("/sessions/{id}/settings")).await;
    assert_eq!(settings["settings"].as_object().unwrap().len(), CROWD / 8);
    let projects = house.look("/projects").await;
    assert_eq!(projects["data"].as_array().unwrap().len(), CROWD / 8);
    house.close().await;
}

#[tokio::test]
async fn of_two_copies_at_once_both_are_whole() {
    let house = house([]).await;
    let id = house.chat().await;
    house.talks(&id, "Hello").await;
    let path = format!("/sessions/{id}/fork");
    let fork = || house.ask("POST", &path, None);
    let ((a, first), (b, second)) = tokio::join!(fork(), fork());
    assert_eq!((a, b), (200, 200), "{first:#} {second:#}");
    let mut copies = BTreeSet::new();
    for made in [first, second] {
        let copy = made["session"]["sessionId"].as_str().unwrap().to_owned();
        let whole = house.look(&format!("/sessions/{copy}")).await;
        assert_eq!(whole["transcript"][0]["content"], "Hello", "{whole:#}");
        house.talks(&copy, "Once more").await;
        copies.insert(copy);
    }
    assert_eq!(copies.len(), 2);
    // Of a copy and an end at once the end counts, whoever comes first.
    let path = format!("/sessions/{id}");
    let ((deleted, _), (forked, copy)) = tokio::join!(house.ask("DELETE", &path, None), fork());
    assert_eq!(deleted, 200);
    assert!([200, 404, 409, 410].contains(&forked), "{forked} {copy:#}");
    house.denied("GET", &path, None, 410).await;
    for copy in &copies {
        house.talks(copy, "Still here").await;
    }
    house.close().await;
}

/// Writes large rows until there is no room; how many there was room for.
async fn fill(house: &House, id: &str) -> usize {
    let content = "x".repeat(LARGE);
    let (mut written, mut next, mut is_full) = (0, 0, false);
    let mut under_way = JoinSet::new();
    loop {
        while !is_full && under_way.len() < WIDTH {
            let path = format!("/sessions/{id}/transcript/upsert");
            let large = row(&format!("r{next}"), &content);
            under_way.spawn(house.sends("POST", &path, Some(large)));
            next += 1;
        }
        let Some(answer) = under_way.join_next().await else {
            return written;
        };
        let answer = answer.unwrap().unwrap();
        match answer.status {
            200 => written += 1,
            507 => {
                assert_eq!(answer.body["code"], "rows_full", "{:#}", answer.body);
                assert_eq!(answer.body["sessionId"], id);
                is_full = true;
            }
            _ => panic!("{answer:#?}"),
        }
    }
}

#[tokio::test]
async fn when_there_is_no_room_for_rows_everything_else_goes_on() {
    let house = house([]).await;
    let (id, other) = (house.chat().await, house.chat().await);
    let written = fill(&house, &id).await;
    // 64 MiB of 128 KiB each.
    assert!((500..=512).contains(&written), "{written}");
    let upsert = format!("/sessions/{other}/transcript/upsert");
    let large = "x".repeat(LARGE);
    let no = house
        .denied("POST", &upsert, Some(row("large", &large)), 507)
        .await;
    assert_eq!(no["code"], "rows_full");
    // What is there can be read and said anew, and turns go on.
    let told = house.look(&format!("/sessions/{id}")).await;
    assert_eq!(told["session"]["sessionId"], id.as_str());
    let again = format!("/sessions/{id}/transcript/upsert");
    house.make(&again, row("r0", "shorter")).await;
    house.talks(&id, "Hello").await;
    house.talks(&other, "Hello").await;
    // What is deleted makes room.
    house
        .granted("DELETE", &format!("/sessions/{id}"), None, 200)
        .await;
    house.make(&upsert, row("large", &large)).await;
    house.close().await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let mut house = house([]).await;
    let id = house.chat().await;
    let mut under_way = JoinSet::new();
    for number in 0..120 {
        let name = format!("n{number}");
        let (path, body) = match number % 3 {
            0 => ("/projects".to_owned(), json!({ "name": name })),
            1 => (
                format!("/sessions/{id}/settings"),
                json!({ "scope": "session", "key": name, "value": 1 }),
            ),
            _ => (
                format!("/sessions/{id}/settings"),
                json!({ "scope": "default", "key": name, "value": 1 }),
            ),
        };
        let sent = house.sends("POST", &path, Some(body));
        under_way.spawn(async move { (number, sent.await.ok().map(|it| it.status)) });
    }
    // Some are answered, others are recorded, others have come in, and others are on their way.
    let mut acknowledged = Vec::new();
    while acknowledged.len() < 40 {
        let (number, status) = under_way.join_next().await.unwrap().unwrap();
        assert_eq!(status, Some(200));
        acknowledged.push(number);
    }
    house.kill_launcher().await;
    while let Some(answered) = under_way.join_next().await {
        let (number, status) = answered.unwrap();
        acknowledged.extend((status == Some(200)).then_some(number));
    }
    house.start(&[]).await;
    house.knows_sessions().await;
    let projects = house.look("/projects").await.to_string();
    let own = house.look(&format!("/sessions/{id}/settings")).await["settings"].clone();
    let path = format!("/sessions/{id}/settings?scope=default");
    let of_new = house.look(&path).await["settings"].clone();
    for number in acknowledged {
        let name = format!("n{number}");
        let is_there = match number % 3 {
            0 => projects.contains(&format!("\"{name}\"")),
            1 => own[&name] == 1,
            _ => of_new[&name] == 1,
        };
        assert!(is_there, "{name} was acknowledged and is lost");
    }
    house.close().await;
}

/// Codex does not hear of a decision before the server dies: it does afterwards, once.
#[tokio::test]
async fn a_decision_that_was_taken_has_its_effect_once_whatever_dies_in_between() {
    let mut house = asking(|house| vec![touches(&house.codex_home.join("file"))]).await;
    let id = house.chat().await;
    let (turn, approval) = house.asks(&id, "approvals").await;
    let path = decision_of(&approval);
    let frozen = Frozen::of(&house);
    let yes = json!({ "decision": "accept" });
    house.make(&path, yes.clone()).await;
    assert!(!house.codex_home.join("file").exists());
    house.kill_launcher().await;
    frozen.thaws();
    house.start(&[]).await;
    house.knows_sessions().await;
    assert_eq!(house.over(&id, &turn).await["status"], "completed");
    assert!(house.codex_home.join("file").exists());
    let no = house.denied("POST", &path, Some(yes), 409).await;
    assert_eq!(no["status"], "reconciled");
    let audit = house.audit().await;
    let answered = audit.iter().filter(|it| it["event"] == "ask_answered");
    assert_eq!(answered.count(), 1);
    house.close().await;
}

/// A deletion is recorded before Codex hears of it.
#[tokio::test]
async fn a_deletion_that_was_taken_is_finished_by_the_next_server() {
    let mut house = house([]).await;
    for _ in 0..2 {
        let id = house.chat().await;
        house.talks(&id, "Hello").await;
        let path = format!("/sessions/{id}");
        let sent = tokio::spawn(house.sends("DELETE", &path, None));
        let is_recorded = |house: &House, event: &str| {
            let text = std::fs::read_to_string(house.state.join("harness.jsonl")).unwrap();
            let mut lines = text.lines();
            lines.any(|line| line.contains(event) && line.contains(&id))
        };
        // As soon as it is recorded, whatever came of it since.
        house
            .wait_for("the record", async || {
                is_recorded(&house, "session_deleted").then_some(())
            })
            .await;
        house.kill_launcher().await;
        // It has its answer or none.
        drop(sent.await.unwrap());
        house.start(&[]).await;
        house.knows_sessions().await;
        house.denied("GET", &path, None, 410).await;
        // Codex keeps nothing of it.
        house
            .wait_for("its end in Codex", async || {
                let purged = house.recorded("session_purged");
                let mut purged = purged.iter();
                purged.any(|it| it["session_id"] == *id).then_some(())
            })
            .await;
    }
    house.close().await;
}
