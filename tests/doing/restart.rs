//! What is known of a turn that ran before anybody listened.

use crate::support::House;
use crate::support::script::{hang, on_message};
use crate::told::Told;
use mock_model::{Call, Rule, Script, Step};
use serde_json::{Value, json};

const GOVERNANCE: &str =
    "version: 1\nlanguage: en\nsilent_after_seconds: 4\ntuis_started_with_session: 0\n";

fn script() -> Script {
    let sleeps = Call::Shell {
        cmd: "sleep 12".to_owned(),
        workdir: None,
        escalate: None,
        yield_time_ms: Some(30_000),
    };
    Script::new([
        on_message(
            "sleeps",
            "SLEEP",
            vec![Step::call(sleeps), Step::say("Slept.")],
        ),
        on_message("hangs", "HANG", vec![hang(), Step::say("Back.")]),
        Rule {
            name: "planner".to_owned(),
            steps: vec![Step::say("Ready.")],
            ..Rule::default()
        },
    ])
}

async fn is(house: &House, planner: &str, state: &str) -> Value {
    let is = |it: &Value| it["doing"]["state"] == state;
    house.session(planner, state, is).await
}

async fn say(house: &House, planner: &str, text: &str) {
    let body = json!({ "session_id": planner, "input": text });
    house.post("/api/session_input", body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_what_runs_is_found_again_and_what_is_not_known_says_so() {
    let mut house = House::open(script(), GOVERNANCE).await;
    let planner = house.planner("Make the greeter louder.").await;
    is(&house, &planner, "idle").await;
    say(&house, &planner, "SLEEP").await;
    is(&house, &planner, "tool").await;
    house.kill_launcher().await;
    house.start(&[]).await;
    let mut told = Told::of(&house, &planner).await;
    let tool = told.until(&house, "tool").await;
    assert_eq!(
        (&tool["doing"]["tool"], &tool["doing"]["since"]),
        (&json!("sleep 12"), &Value::Null)
    );
    let reason = tool["doing"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("since before zhongshu"), "{reason}");
    told.until(&house, "idle").await;
    let alarms = told.states();
    assert!(!alarms.contains(&"silent".to_owned()), "{alarms:?}");

    let before = house.model.requests().len();
    say(&house, &planner, "HANG").await;
    house.requests("it hangs", |all| all.len() > before).await;
    house.kill_launcher().await;
    house.start(&[]).await;
    let mut told = Told::of(&house, &planner).await;
    let working = told.until(&house, "working").await;
    assert_eq!(
        (&working["activity"], &working["doing"]["since"]),
        (&json!("working"), &Value::Null)
    );
    assert!(working["doing"]["reason"].is_string(), "{working}");
    told.until(&house, "silent").await;
    house.model.release();
    told.until(&house, "idle").await;
    house.close().await;
}
