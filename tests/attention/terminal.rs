//! What is answered in a session's own terminal: gone here at once, and the history says what it was.

use crate::asking::{decision, path_of, wants_outside};
use crate::support::screen::Screen;
use serde_json::Value;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn codex_an_answer_in_the_terminal_is_told_with_what_it_was() {
    let (house, path, planner) = wants_outside().await;
    let ask = house.ask(0).await;
    let shown = |session: &Value| {
        session["activity"] == "blocked" && session["browser_terminal_status"] == "running"
    };
    let session = house.department("lingyubu", "its terminal", shown).await;
    let mut screen = Screen::open(&session).await;
    screen.until("Yes, proceed").await;
    // For a moment after a dialog opens Codex ignores keys.
    let look = async || {
        screen.press("y").await;
        screen.look(Duration::from_secs(1)).await;
        path.exists().then_some(())
    };
    house.wait_for("the file", look).await;
    let look = async || {
        let settled = house.settled(&ask).await;
        let reply = &settled["reply"];
        (reply["decision"] == "accept" && reply["inferred"].is_null()).then_some(settled)
    };
    let settled = house.wait_for("what was answered", look).await;
    assert_eq!(settled["how"], "in_terminal");
    let (status, code) = house.refused(&path_of(&ask), decision("decline")).await;
    assert_eq!((status, code.as_str()), (409, "ask_answered"));
    house.goes_on(&planner).await;
    house.close().await;
}
