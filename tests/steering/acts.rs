//! Each act from the API, and what comes of it.

use crate::rig::idle_planner;
use crate::support::House;
use crate::support::screen::Screen;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn codex_what_runs_is_broken_off_and_what_was_said_for_later_goes_on() {
    let (house, id) = idle_planner().await;
    house.stands_still(&id).await;
    let later = json!({ "input": "Tell me later.", "when": "after" });
    let sent = house.act("/api/session_input", &id, later).await;
    let sent = json!({ "message_id": sent["message_id"] });
    let waits = house
        .session(&id, "the message waits", |it| {
            it["messages_waiting"][0]["begins"] == "Tell me later."
        })
        .await;
    assert_eq!(waits["activity"], "working");
    let heard = |house: &House| {
        let requests = house.model.requests();
        let mut texts = requests.iter().flat_map(|it| &it.user_texts);
        texts.any(|it| it.contains("later"))
    };
    assert!(!heard(&house), "it waits for the turn");
    // What waits can be taken back; what does not wait cannot.
    let never = json!({ "input": "Tell me never.", "when": "after" });
    let never = house.act("/api/session_input", &id, never).await;
    let never = json!({ "message_id": never["message_id"] });
    let taken = house
        .act("/api/take_back_message", &id, never.clone())
        .await;
    let waiting = taken["session"]["messages_waiting"].as_array().unwrap();
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    let code = house
        .no("/api/take_back_message", &id, never.clone(), 409)
        .await;
    assert_eq!(code, "message_sent");
    let audit = house.audit().await;
    let dropped = audit.iter().find(|it| it["event"] == "message_dropped");
    let dropped = dropped.unwrap();
    assert_eq!(dropped["message_id"], never["message_id"]);
    assert_eq!(
        (&dropped["actor"], &dropped["reason"]),
        (
            &json!("person:cli"),
            &json!("it was taken back before it was sent")
        )
    );
    // What would break the turn off says so first.
    for (path, more) in [
        ("/api/compact_session", json!({})),
        ("/api/review_session", json!({ "target": "uncommitted" })),
        (
            "/api/revert_session",
            json!({ "turn_id": house.turns(&id).await[0]["id"] }),
        ),
    ] {
        let code = house.no(path, &id, more, 409).await;
        assert_eq!(code, "turn_running", "{path}");
    }
    let seq = house.seq().await;
    let done = house
        .act("/api/interrupt_session", &id, json!({ "background": true }))
        .await;
    assert!(done["turn_id"].is_string(), "{done}");
    let said = house.event_after(seq, "session_steered").await;
    assert_eq!(said["act"], "interrupt");
    assert_eq!(said["actor"], "person:cli");
    house
        .wait_for("the message for later", async || {
            heard(&house).then_some(())
        })
        .await;
    let session = house.idle(&id).await;
    assert_eq!(session["messages_waiting"], Value::Null);
    let code = house.no("/api/take_back_message", &id, sent, 409).await;
    assert_eq!(code, "message_sent");
    let requests = house.model.requests();
    let mut texts = requests.iter().flat_map(|it| &it.user_texts);
    assert!(
        !texts.any(|it| it.contains("Tell me never.")),
        "it was taken back"
    );
    let code = house
        .no("/api/interrupt_session", &id, json!({}), 409)
        .await;
    assert_eq!(code, "no_turn_running");
    // With the word for it, a turn is broken off on the way.
    house.stands_still(&id).await;
    let seq = house.seq().await;
    house
        .act("/api/compact_session", &id, json!({ "interrupt": true }))
        .await;
    house.event_after(seq, "thread_compacted").await;
    house.idle(&id).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_turns_are_taken_back_and_settings_changed_and_a_review_made() {
    let (house, id) = idle_planner().await;
    house.say(&id, "Tell me one thing.").await;
    house
        .wait_for("both turns", async || {
            (house.turns(&id).await.len() == 2).then_some(())
        })
        .await;
    house.idle(&id).await;
    let turns = house.turns(&id).await;
    let seq = house.seq().await;
    let newest = turns[0]["id"].clone();
    house
        .act("/api/revert_session", &id, json!({ "turn_id": newest }))
        .await;
    house.event_after(seq, "thread_reverted").await;
    let left = house.turns(&id).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["id"], turns[1]["id"]);
    let code = house
        .no(
            "/api/revert_session",
            &id,
            json!({ "turn_id": newest }),
            404,
        )
        .await;
    assert_eq!(code, "unknown_turn");

    let renamed = house
        .act("/api/rename_session", &id, json!({ "title": "Louder" }))
        .await;
    assert_eq!(renamed["session"]["thread_name"], "Louder");
    let names = house.audit().await;
    let names = names.iter().filter(|it| it["event"] == "thread_renamed");
    assert_eq!(
        names.count(),
        1,
        "it is recorded once, and not at the start"
    );

    house
        .status("what each model can", |status| {
            status["model_choices_detail"][0]["efforts"][0]["effort"].is_string()
        })
        .await;
    let settings = json!({ "effort": "low", "approval": "untrusted" });
    house.act("/api/session_settings", &id, settings).await;
    let session = house
        .session(&id, "the settings", |it| {
            it["thread_settings"]["approval"] == "untrusted"
        })
        .await;
    assert_eq!(session["thread_settings"]["effort"], "low");
    assert_eq!(session["thread_settings"]["wider"], json!([]));
    let wide = json!({ "sandbox": "danger-full-access" });
    let code = house.no("/api/session_settings", &id, wide, 409).await;
    assert_eq!(code, "needs_confirmation");
    let seq = house.seq().await;
    let wide = json!({ "sandbox": "danger-full-access", "confirm": "wider" });
    house.act("/api/session_settings", &id, wide).await;
    let said = house.event_after(seq, "session_steered").await;
    assert_eq!(said["wider"], json!(["sandbox"]));
    let in_force = house.event_after(seq, "thread_settings_changed").await;
    assert_eq!(in_force["sandbox"], "danger-full-access");
    let session = house
        .session(&id, "what is wider", |it| {
            it["thread_settings"]["wider"] == json!(["sandbox"])
        })
        .await;
    assert_eq!(session["sandbox"], "read-only", "that was confirmed");

    let target = json!({ "target": "custom", "instructions": "Tell me what is odd." });
    let review = house.act("/api/review_session", &id, target).await;
    let turn = review["turn_id"].clone();
    house
        .wait_for("the review", async || {
            let turns = house.turns(&id).await;
            let of = turns.iter().find(|it| it["id"] == turn)?;
            let rows = of["rows"].as_array()?.iter();
            let mut rows = rows.filter(|row| row["kind"] == "review");
            rows.next().map(drop)
        })
        .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_thread_is_copied_put_away_fetched_back_and_deleted() {
    let (house, id) = idle_planner().await;
    let done = house.act("/api/fork_session", &id, json!({})).await;
    let fork = done["fork_id"].as_str().unwrap().to_owned();
    assert_eq!(done["session"]["forks"], json!([fork]));
    assert_eq!(house.turns(&fork).await.len(), house.turns(&id).await.len());
    let of_fork = json!({ "fork_id": fork });
    let path = "/api/session_browser_terminal/fork";
    let shown = house.act(path, &id, of_fork.clone()).await;
    let view = json!({ "browser_terminal_url": shown["url"] });
    let mut screen = Screen::open(&view).await;
    screen.until("The plan is reported.").await;
    drop(screen);
    let terminal = json!({ "id": shown["terminal"]["id"] });
    house.post("/api/browser_terminal/close", terminal).await;

    for path in ["/api/archive_session", "/api/delete_session"] {
        let code = house.no(path, &id, json!({}), 409).await;
        assert_eq!(code, "session_live");
    }
    house
        .post("/api/stop_session", json!({ "session_id": id }))
        .await;
    let ended = |it: &Value| !it["ended_at"].is_null();
    house.session(&id, "it has ended", ended).await;
    let code = house.no("/api/delete_session", &id, json!({}), 409).await;
    assert_eq!(code, "thread_has_forks");
    house.act("/api/delete_session", &id, of_fork.clone()).await;
    let code = house.no("/api/delete_session", &id, of_fork, 404).await;
    assert_eq!(code, "unknown_fork");

    let away = house.act("/api/archive_session", &id, json!({})).await;
    assert_eq!(away["session"]["thread_fate"], "archived");
    let code = house.no("/api/fork_session", &id, json!({}), 409).await;
    assert_eq!(code, "thread_archived");
    let seq = house.seq().await;
    house
        .post("/api/resume_session", json!({ "session_id": id }))
        .await;
    house.event_after(seq, "thread_unarchived").await;
    house.idle(&id).await;
    house
        .post("/api/stop_session", json!({ "session_id": id }))
        .await;
    house.session(&id, "it has ended again", ended).await;
    let gone = house.act("/api/delete_session", &id, json!({})).await;
    assert_eq!(gone["session"]["thread_fate"], "deleted");
    let code = house
        .no("/api/rename_session", &id, json!({ "title": "x" }), 409)
        .await;
    assert_eq!(code, "thread_deleted");
    house.close().await;
}
