//! More happens than an extension keeps up with.

use super::rig::{Extension, governance};
use crate::support::House;
use crate::waits::asking_with;
use mock_model::{Call, Step};
use serde_json::json;

/// Signals that may wait for one extension.
const ROOM: usize = 1000;
const PIECES: usize = ROOM + 500;
const DELTA: &str = "app_server.item.agent_message.delta";
const ASKED: &str = "file_change.approval_requested";

/// Stands still at its first event until the test lets it go on.
const SLOW: &str = r#"
def handle(event, payload):
    while not os.path.exists(os.path.join(HOME, "go")):
        time.sleep(0.01)
    return []
"#;

#[tokio::test]
async fn of_more_signals_than_may_wait_the_oldest_are_left_out_and_no_question_is() {
    let talks_and_asks = |house: &House| {
        let words: Vec<_> = (0..PIECES).map(|it| format!("word{it}")).collect();
        let file = house.codex_home.join("file");
        let patch = format!(
            "*** Begin Patch\n*** Add File: {}\n+louder\n*** End Patch\n",
            file.display()
        );
        vec![Step {
            say: Some(words.join(" ")),
            chunk_delay_ms: Some(1),
            ..Step::call(Call::ApplyPatch { patch })
        }]
    };
    let house = asking_with(&governance(), "", talks_and_asks).await;
    house
        .runs(&Extension {
            id: "slow",
            events: json!([DELTA, ASKED]),
            declares: json!({"events": ["*"]}),
            code: SLOW,
        })
        .await;
    let begin = json!({ "filesystemSandbox": "read-only" });
    let begun = house.make("/sessions", begin).await;
    let id = begun["session"]["sessionId"].as_str().unwrap().to_owned();
    let (_, waiting) = house.asks(&id, "approvals").await;
    let is_behind = |it: &serde_json::Value| it["dropped"].as_u64() >= Some(400);
    house.module_that("slow", "it is behind", is_behind).await;
    std::fs::write(house.extension_home("slow").join("go"), "").unwrap();
    let heard = house
        .wait_for("the question", async || {
            let heard = house.noted("slow", "heard");
            let asked = heard.iter().any(|it| it["event"] == ASKED);
            asked.then_some(heard)
        })
        .await;
    let question = heard.iter().find(|it| it["event"] == ASKED).unwrap();
    assert_eq!(
        question["payload"]["context"]["approvalId"],
        waiting["approvalId"]
    );
    // The one that it had at hand, and those that waited.
    let signals = heard.iter().filter(|it| it["event"] == DELTA).count();
    assert!((2..=ROOM + 1).contains(&signals), "{signals}");
    let dropped = house.module("slow").await["dropped"].as_u64().unwrap();
    assert!(
        dropped as usize + signals <= PIECES + 1,
        "{dropped} {signals}"
    );
    // In order, with the oldest left out: what came last is there.
    let last = heard.iter().rev().find(|it| it["event"] == DELTA).unwrap();
    assert!(
        last.to_string().contains(&format!("word{}", PIECES - 1)),
        "{last:#}"
    );
    assert!(!house.log().contains("panicked"));
    house.close().await;
}
