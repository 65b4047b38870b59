//! kill -9 with asks open: of the launcher, and of Codex.

use crate::asking::{
    GOVERNANCE, READ_ONLY, decision, named, patches, path_of, script, touches, wants_outside,
};
use crate::support::House;
use crate::support::thread::{Stranger, app_server_pid};
use mock_model::Script;
use serde_json::{Value, json};
use zhongshu::process::{Identity, Signal};

#[tokio::test(flavor = "multi_thread")]
async fn codex_asks_survive_the_launcher_with_their_ids_and_the_diff() {
    let mut house = House::build(Script::default(), READ_ONLY).await;
    let outside = house.codex_home.clone();
    let calls = ["a", "b", "c"].map(|name| patches(&outside.join(name)));
    house.model.set_script(script(calls));
    house.start(&[]).await;
    house.allow().await;
    let planner = house.at_work().await;
    let ask = house.ask(0).await;
    house.kill_launcher().await;
    house.start(&[]).await;
    // It came again, and is the same.
    house.waits("it asks to change ").await;
    let raised = named(&house.audit().await, "ask_raised");
    assert_eq!(raised, std::slice::from_ref(&ask));
    assert!(
        ask["what"]["files"][0]["diff"]
            .as_str()
            .unwrap()
            .contains("louder")
    );
    house.decide(&ask, decision("accept")).await;
    assert_eq!(house.settled(&ask).await["how"], "here");

    // Asked while nobody listened: the diff is in the turn that runs, and nowhere else.
    let second = house.ask(1).await;
    assert!(outside.join("a").exists());
    house.kill_launcher().await;
    let mut stranger = Stranger::connect(&house).await;
    let thread = second["thread_id"].as_str().unwrap();
    stranger
        .answer(thread, json!({ "decision": "decline" }))
        .await;
    let asks_again = |requests: &[mock_model::RecordedRequest]| {
        let by = requests
            .iter()
            .filter(|it| it.rule.as_deref() == Some("lingyubu"));
        by.count() == 3
    };
    house.requests("the third patch", asks_again).await;
    house.start(&[]).await;
    let settled = house.settled(&second).await;
    assert!(
        settled["how"] == "in_terminal" || settled["how"] == "elsewhere",
        "{settled}"
    );
    let third = house.ask(2).await;
    let file = &third["what"]["files"][0];
    assert_eq!(
        file["path"],
        outside.join("c").display().to_string(),
        "{third}"
    );
    assert!(file["diff"].as_str().unwrap().contains("louder"), "{third}");
    house.decide(&third, decision("accept")).await;
    house.goes_on(&planner).await;
    assert!(!outside.join("b").exists() && outside.join("c").exists());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_asks_expire_as_declined_when_codex_dies_and_its_numbers_begin_again() {
    let mut house = House::build(Script::default(), GOVERNANCE).await;
    let path = house.codex_home.join("outside.txt");
    house
        .model
        .set_script(script([touches(&path), touches(&path)]));
    house.start(&[]).await;
    house.allow().await;
    let planner = house.at_work().await;
    let first = house.ask(0).await;
    let server = Identity::of(app_server_pid(&house)).unwrap();
    server.signal(Signal::Kill);
    let settled = house.settled(&first).await;
    assert_eq!(settled["how"], "expired");
    let (status, code) = house.refused(&path_of(&first), decision("accept")).await;
    assert_eq!((status, code.as_str()), (409, "ask_expired"));
    assert!(!path.exists(), "nothing ran");
    // It is reminded, and asks once more: the same number of another app-server is another ask.
    let second = house.ask(1).await;
    assert!(second["ask_id"] != first["ask_id"]);
    assert_eq!(
        second["request_key"]["request"],
        first["request_key"]["request"]
    );
    house.decide(&second, decision("accept")).await;
    assert_eq!(house.settled(&second).await["how"], "here");
    house.goes_on(&planner).await;
    assert!(path.exists());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_an_ask_ends_with_its_session() {
    let (house, path, _planner) = wants_outside().await;
    let ask = house.ask(0).await;
    house
        .post(
            "/api/stop_session",
            json!({ "session_id": ask["session_id"] }),
        )
        .await;
    let settled = house.settled(&ask).await;
    assert_eq!(settled["how"], "expired");
    let stopped = |session: &Value| session["status"] == "stopped";
    house.department("lingyubu", "it is over", stopped).await;
    let settled = named(&house.audit().await, "ask_settled");
    assert_eq!(settled.last().unwrap()["how"], "expired");
    assert!(!path.exists());
    house.close().await;
}
