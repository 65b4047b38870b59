//! The transcript of a session: what was said and done in it, what was asked, and how its turns ended, each where it happened.

use crate::rig::house;
use crate::support::House;
use crate::support::script::{fails, on_message};
use crate::waits::{asking, decision_of, touches};
use serde_json::{Value, json};

impl House {
    /// The rows of a session.
    async fn rows(&self, id: &str) -> Vec<Value> {
        let seen = self.look(&format!("/sessions/{id}")).await;
        seen["transcript"].as_array().unwrap().clone()
    }

    /// The rows, once they are as wanted.
    async fn rows_with(
        &self,
        id: &str,
        what: &str,
        wanted: impl Fn(&[Value]) -> bool,
    ) -> Vec<Value> {
        self.wait_for(what, async || {
            let rows = self.rows(id).await;
            wanted(&rows).then_some(rows)
        })
        .await
    }
}

fn kinds(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|it| it["type"].as_str().unwrap()).collect()
}

fn has(rows: &[Value], kind: &str) -> bool {
    kinds(rows).contains(&kind)
}

#[tokio::test]
async fn what_was_asked_stands_where_it_was_and_stays_there() {
    let mut house = asking(|house| vec![touches(&house.codex_home.join("file"))]).await;
    let id = house.chat().await;
    house.talks(&id, "Hello.").await;
    let (turn, approval) = house.asks(&id, "approvals").await;
    let waits = house
        .rows_with(&id, "the request", |rows| has(rows, "approval.request"))
        .await;
    let request = waits
        .iter()
        .find(|it| it["type"] == "approval.request")
        .unwrap();
    assert_eq!(
        (&request["status"], &request["turnId"]),
        (&json!("streaming"), &json!(turn))
    );
    assert!(
        has(&waits, "commandExecution"),
        "what runs is shown: {:?}",
        kinds(&waits)
    );

    house
        .make(&decision_of(&approval), json!({ "decision": "accept" }))
        .await;
    house.over(&id, &turn).await;
    let expected = [
        "userMessage",
        "agentMessage",
        "userMessage",
        "commandExecution",
        "approval.request",
        "approval.resolved",
        "agentMessage",
    ];
    let rows = house
        .rows_with(&id, "the decision", |rows| has(rows, "approval.resolved"))
        .await;
    assert_eq!(kinds(&rows), expected, "{rows:#?}");
    for row in &rows {
        assert_eq!(row["status"], "complete", "{row:#}");
        assert!(row["messageId"].is_string() && row["turnId"].is_string());
    }
    let details: Value = serde_json::from_str(rows[5]["details"].as_str().unwrap()).unwrap();
    assert_eq!(
        (
            &details["approvalId"],
            &details["decision"],
            &details["scope"]
        ),
        (&approval["approvalId"], &json!("accept"), &json!("turn"))
    );
    house.kill_launcher().await;
    house.start(&[]).await;
    house.knows_sessions().await;
    assert_eq!(house.rows(&id).await, rows);
    house.close().await;
}

#[tokio::test]
async fn a_refused_command_leaves_its_question_and_its_no() {
    let house = asking(|house| vec![touches(&house.codex_home.join("file"))]).await;
    let id = house.chat().await;
    let (turn, approval) = house.asks(&id, "approvals").await;
    house
        .make(&decision_of(&approval), json!({ "decision": "cancel" }))
        .await;
    house.over(&id, &turn).await;
    let rows = house
        .rows_with(&id, "the end", |rows| {
            has(rows, "approval.resolved") && has(rows, "turn.interrupted")
        })
        .await;
    let last = rows.last().unwrap();
    assert_eq!(
        (&last["type"], &last["status"], &last["role"]),
        (
            &json!("turn.interrupted"),
            &json!("canceled"),
            &json!("system")
        )
    );
    assert!(
        rows.iter().all(|it| it["status"] != "streaming"),
        "{rows:#?}"
    );
    house.close().await;
}

#[tokio::test]
async fn half_a_message_streams_and_a_turn_that_is_broken_off_says_so() {
    let house = house([]).await;
    let id = house.chat().await;
    let turn = house.stands_still(&id).await;
    let rows = house
        .rows_with(&id, "what was said", |rows| has(rows, "userMessage"))
        .await;
    assert!(
        rows.iter().all(|it| it["turnId"] == turn.as_str()),
        "{rows:#?}"
    );
    assert!(!has(&rows, "turn.interrupted"), "{rows:#?}");
    house.act(&id, "interrupt", json!({})).await;
    house.over(&id, &turn).await;
    let rows = house
        .rows_with(&id, "its end", |rows| has(rows, "turn.interrupted"))
        .await;
    assert_eq!(kinds(&rows), ["userMessage", "turn.interrupted"]);
    house.close().await;
}

#[tokio::test]
async fn a_turn_that_failed_says_why() {
    let house = house([on_message(
        "fails",
        "FAIL",
        vec![fails("The model is out."); 20],
    )])
    .await;
    let id = house.chat().await;
    let (_stranger, turn) = house.begins_turn(&id, "FAIL").await;
    let rows = house
        .rows_with(&id, "its end", |rows| has(rows, "turn.error"))
        .await;
    let last = rows.last().unwrap();
    assert_eq!(
        (&last["type"], &last["status"], &last["turnId"]),
        (&json!("turn.error"), &json!("error"), &json!(turn))
    );
    assert!(!last["content"].as_str().unwrap().is_empty());
    let details: Value = serde_json::from_str(last["details"].as_str().unwrap()).unwrap();
    assert!(!details["codexErrorInfo"].is_null(), "{details}");
    house.close().await;
}

#[tokio::test]
async fn rows_go_with_the_turn_that_is_taken_back() {
    let house = asking(|house| vec![touches(&house.codex_home.join("file"))]).await;
    let id = house.chat().await;
    house.talks(&id, "Hello.").await;
    let before = house.rows(&id).await;
    let (turn, approval) = house.asks(&id, "approvals").await;
    house
        .make(&decision_of(&approval), json!({ "decision": "decline" }))
        .await;
    house.over(&id, &turn).await;
    house
        .rows_with(&id, "the decision", |rows| has(rows, "approval.resolved"))
        .await;
    house.act(&id, "rollback", json!({})).await;
    assert_eq!(house.rows(&id).await, before);
    house.close().await;
}

#[tokio::test]
async fn suggestions_and_controls_have_their_rows_in_order() {
    let house = house([]).await;
    let id = house.chat().await;
    house.talks(&id, "Hello.").await;
    let controls = json!({ "model": null, "approvalPolicy": "untrusted", "networkAccess": "restricted", "filesystemSandbox": "read-only" });
    house
        .act(
            &id,
            "session-controls",
            json!({ "scope": "session", "controls": controls }),
        )
        .await;
    house.talks(&id, "And again.").await;
    let told = json!({ "requestKey": "k", "status": "complete", "suggestion": "Write a test." });
    house.act(&id, "suggested-request/upsert", told).await;
    let rows = house.rows(&id).await;
    assert_eq!(
        kinds(&rows),
        [
            "userMessage",
            "agentMessage",
            "session.controls.updated",
            "userMessage",
            "agentMessage",
            "agent.suggestedRequest"
        ],
        "{rows:#?}"
    );
    house.close().await;
}

#[tokio::test]
async fn a_client_writes_rows_of_its_own_where_it_says() {
    let house = house([]).await;
    let id = house.chat().await;
    let turn = house.has_turn(&id, "Hello.").await;
    let path = format!("/sessions/{id}/transcript/upsert");
    let row = |status: &str, started: i64, completed: Option<i64>| {
        json!({
            "messageId": "mine", "turnId": turn, "role": "assistant", "type": "agent.note", "content": "",
            "details": null, "status": status, "startedAt": started, "completedAt": completed,
        })
    };
    let sent = row("complete", 2_000, Some(3_000));
    let put = house.make(&path, sent.clone()).await;
    let mut shown = sent.clone();
    // What is null is not there.
    shown.as_object_mut().unwrap().remove("details");
    assert_eq!(
        (&put["status"], &put["sessionId"], &put["entry"]),
        (&json!("ok"), &json!(id), &shown)
    );
    house.make(&path, row("streaming", 1_000, None)).await;
    let rows = house
        .rows_with(&id, "the row", |rows| has(rows, "agent.note"))
        .await;
    let mine: Vec<_> = rows.iter().filter(|it| it["messageId"] == "mine").collect();
    assert_eq!(mine.len(), 1, "{rows:#?}");
    assert_eq!(
        (
            &mine[0]["status"],
            &mine[0]["startedAt"],
            &mine[0]["completedAt"]
        ),
        (&json!("complete"), &json!(1_000), &json!(3_000))
    );

    let mut nameless = sent.clone();
    nameless["turnId"] = json!(" ");
    let no = house.denied("POST", &path, Some(nameless), 400).await;
    assert_eq!(no["issues"][0]["path"], "turnId");
    for field in ["role", "status"] {
        let mut wrong = sent.clone();
        wrong[field] = json!("somebody");
        let no = house.denied("POST", &path, Some(wrong), 400).await;
        assert_eq!(no["issues"][0]["path"], field);
    }
    let mut long = sent;
    long["content"] = json!("x".repeat(64 * 1024 + 1));
    let no = house.denied("POST", &path, Some(long), 413).await;
    assert_eq!(no["code"], "row_too_large");
    house.close().await;
}
