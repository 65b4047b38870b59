//! A session that is a program of one's own: it takes Ctrl-C, and the rest is said to need a thread.

use crate::support::House;
use mock_model::Script;
use serde_json::{Value, json};

const GOVERNANCE: &str = "version: 1\nlanguage: en\nplanner: {driver: patient}\ndrivers:\n  patient:\n    command: [sh, -c, \"trap 'echo BROKEN OFF' INT; while :; do sleep 0.1; done\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_interrupted_by_its_terminal_and_has_no_thread() {
    let house = House::open(Script::default(), GOVERNANCE).await;
    let id = house.planner("Wait.").await;
    let runs = |it: &Value| it["status"] == "running";
    house.session(&id, "it runs", runs).await;
    let look = async || {
        house.act("/api/interrupt_session", &id, json!({})).await;
        let heard = |it: &Value| {
            let said = it["transcript_preview"].as_str().unwrap_or_default();
            said.contains("BROKEN OFF")
        };
        let status = house.get("/api/status").await;
        let all = status["sessions"].as_array().unwrap();
        all.iter().any(heard).then_some(())
    };
    house.wait_for("what it says to Ctrl-C", look).await;
    for (path, more) in [
        ("/api/compact_session", json!({})),
        ("/api/revert_session", json!({ "turn_id": "x" })),
        ("/api/fork_session", json!({})),
        ("/api/rename_session", json!({ "title": "x" })),
        ("/api/session_settings", json!({ "effort": "low" })),
        ("/api/review_session", json!({ "target": "uncommitted" })),
        ("/api/session_browser_terminal/back", json!({})),
    ] {
        let code = house.no(path, &id, more, 409).await;
        assert_eq!(code, "no_thread", "{path}");
    }
    house.close().await;
}
