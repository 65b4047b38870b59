//! What is done in the terminal or by another program is seen, recorded once, and said.

use crate::rig::idle_planner;
use crate::support::House;
use crate::support::screen::Screen;
use crate::support::thread::Stranger;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn codex_what_another_program_does_to_a_thread_is_seen() {
    let (house, id) = idle_planner().await;
    let thread = house.idle(&id).await["thread_id"].clone();
    let mut stranger = Stranger::connect(&house).await;
    let name = json!({ "threadId": thread, "name": "Elsewhere" });
    stranger.call("thread/name/set", name).await;
    house
        .session(&id, "its name", |it| it["thread_name"] == "Elsewhere")
        .await;
    let loose = json!({ "threadId": thread, "approvalPolicy": "never" });
    stranger.call("thread/settings/update", loose).await;
    let session = house
        .session(&id, "what is wider", |it| {
            it["thread_settings"]["wider"] == json!(["approval"])
        })
        .await;
    assert_eq!(session["approval"], "on-request");
    let seq = house.seq().await;
    let turn = house.turns(&id).await[0]["id"].clone();
    let back = json!({ "threadId": thread, "beforeTurnId": turn });
    stranger.call("thread/revert", back).await;
    let event = house.event_after(seq, "thread_reverted").await;
    assert_eq!(event["actor"], "launcher");
    let archive = json!({ "threadId": thread });
    stranger.call("thread/archive", archive).await;
    let session = house
        .session(&id, "its end", |it| !it["ended_at"].is_null())
        .await;
    assert_eq!(session["thread_fate"], "archived");
    let reason = session["status_reason"].as_str().unwrap();
    assert!(reason.contains("archived"), "{reason}");
    house.close().await;
}

async fn terminal(house: &House, id: &str) -> Screen {
    let shown = |it: &Value| it["browser_terminal_status"] == "running";
    let session = house.session(id, "its terminal", shown).await;
    let mut screen = Screen::open(&session).await;
    screen.until("The plan is reported.").await;
    screen
}

/// Types a command of the TUI; it takes Enter only when it has drawn what was typed.
async fn types(screen: &mut Screen, command: &str) {
    screen.press(command).await;
    screen.until(command).await;
    screen.look(Duration::from_millis(300)).await;
    screen.press("\r").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_terminal_that_left_is_told_and_brought_back() {
    let (house, id) = idle_planner().await;
    let mut screen = terminal(&house, &id).await;
    types(&mut screen, "/rename Quieter").await;
    house
        .session(&id, "its name", |it| it["thread_name"] == "Quieter")
        .await;
    types(&mut screen, "/new").await;
    house
        .session(&id, "it left", |it| {
            it["browser_terminal_elsewhere"] == true
        })
        .await;
    let list = house.get("/api/attention").await;
    let left = |item: &&Value| item["kind"] == "terminal_left";
    let items = list["items"].as_array().unwrap();
    let item = items.iter().find(left).unwrap();
    assert_eq!(item["urgency"], "may_wait");
    let action = &item["actions"][0];
    let back = house
        .post(action["path"].as_str().unwrap(), action["body"].clone())
        .await;
    assert!(back["url"].is_string(), "{back}");
    house
        .session(&id, "it is back", |it| {
            it["browser_terminal_elsewhere"].is_null()
                && it["browser_terminal_id"] == back["terminal"]["id"]
        })
        .await;
    terminal(&house, &id).await;
    let code = house
        .no("/api/session_browser_terminal/back", &id, json!({}), 409)
        .await;
    assert_eq!(code, "terminal_not_left");
    house.close().await;
}
