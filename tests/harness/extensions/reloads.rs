//! A set is loaded anew while the one before is at work, and by programs that do not come up a second time.

use super::rig::{Extension, house, is_alive, says};
use serde_json::json;

/// Waits for the test at each event, then writes a row.
const WAITS: &str = r#"
def handle(event, payload):
    turn = payload["context"]["turnId"]
    note("began", turn)
    while not os.path.exists(os.path.join(HOME, "go")):
        time.sleep(0.01)
    row = {"messageId": "r" + turn, "turnId": turn, "role": "system", "type": "waited.note", "content": "x", "status": "complete"}
    return [{"kind": "action_request", "actionType": "transcript.upsert", "payload": row, "idempotencyKey": turn}]
"#;

#[tokio::test]
async fn an_event_that_is_being_handled_is_handled_to_its_end_and_the_next_by_the_new_set() {
    let house = house().await;
    house.runs(&Extension::of_turns("waiting", WAITS)).await;
    let (first, turn) = house.session_with_turn().await;
    house.noted_times("waiting", "began", 1).await;
    // These wait behind it, and are taken over.
    let (second, _) = house.session_with_turn().await;
    let (status, answer) = house.reloads().await;
    assert_eq!((status, &answer["loadedCount"]), (200, &json!(1)));
    let pids = house.noted_times("waiting", "pids", 2).await;
    let began = house.noted_times("waiting", "began", 2).await;
    assert_eq!(began[0], json!(turn));
    assert!(is_alive(&pids[0]) && is_alive(&pids[1]), "{pids:?}");
    std::fs::write(house.extension_home("waiting").join("go"), "").unwrap();
    for id in [&first, &second] {
        house.row(id, "waited.note").await;
    }
    house
        .wait_for("the end of the earlier one", async || {
            (!is_alive(&pids[0])).then_some(())
        })
        .await;
    let (third, _) = house.session_with_turn().await;
    house.row(&third, "waited.note").await;
    assert_eq!(house.noted("waiting", "began").len(), 3, "each once");
    assert_eq!(house.noted("waiting", "pids").len(), 2);
    house.close().await;
}

/// Comes up once; later only when it is let.
const ONCE: &str = r#"
import os, sys, time
BAD = os.path.join(os.environ["HOME"], "bad")
if os.path.exists(BAD):
    if open(BAD).read() == "slow":
        time.sleep(1)
    else:
        sys.exit("I do not come up.")
def handle(event, payload):
    if os.path.exists(BAD):
        os._exit(3)
    return []
"#;

#[tokio::test]
async fn what_does_not_come_up_again_leaves_the_set_as_it_was_and_comes_back_by_itself() {
    let house = house().await;
    house.runs(&Extension::of_turns("once", ONCE)).await;
    let bad = house.extension_home("once").join("bad");
    std::fs::write(&bad, "dead").unwrap();
    let version = house.look("/agents/extensions").await["snapshotVersion"].clone();
    let (status, answer) = house.reloads().await;
    assert_eq!((status, &answer["code"]), (400, &json!("reload_failed")));
    let error = &answer["errors"][0];
    assert_eq!(error["code"], "import_failed", "{answer}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("I do not come up."), "{message}");
    let now = house.look("/agents/extensions").await["snapshotVersion"].clone();
    assert_eq!(now, version);
    assert_eq!(house.module("once").await["state"], "running");
    // It dies at its next event, and cannot be started: it is tried again, and told.
    house.session_with_turn().await;
    house
        .module_that("once", "it is told why", |it| {
            says(it, "process_ended", "I do not come up.")
        })
        .await;
    assert_eq!(house.module("once").await["state"], "waiting");
    // Of two wishes at once one is under way.
    std::fs::write(&bad, "slow").unwrap();
    let (one, other) = tokio::join!(house.reloads(), house.reloads());
    let mut both = [one, other];
    both.sort_by_key(|it| it.0);
    assert_eq!((both[0].0, both[1].0), (200, 409), "{both:?}");
    assert_eq!(both[1].1["code"], "reload_in_progress");
    assert_eq!(house.module("once").await["state"], "running");
    std::fs::remove_file(&bad).unwrap();
    let (before, _) = (house.noted("once", "heard").len(), ());
    house.session_with_turn().await;
    house.noted_times("once", "heard", before + 1).await;
    let recorded = house.recorded("extensions_reloaded");
    let results: Vec<_> = recorded.iter().map(|it| &it["result"]).collect();
    assert!(
        results.contains(&&json!("reload_in_progress")),
        "{results:?}"
    );
    house.close().await;
}
