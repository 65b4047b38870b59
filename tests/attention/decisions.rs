//! Each decision about commands and patches, from the API and the command line.

use crate::asking::{
    GOVERNANCE, READ_ONLY, decision, named, offered, patches, path_of, script, touches,
};
use crate::support::House;
use mock_model::{Call, Script};
use serde_json::{Value, json};

async fn house(
    governance: &str,
    calls: impl FnOnce(&std::path::Path) -> Vec<Call>,
) -> (House, String) {
    let mut house = House::build(Script::default(), governance).await;
    let outside = house.codex_home.clone();
    house.model.set_script(script(calls(&outside)));
    house.start(&[]).await;
    house.allow().await;
    let planner = house.at_work().await;
    (house, planner)
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_command_is_shown_whole_and_each_decision_does_what_it_says() {
    let files = ["once", "always", "never", "last"];
    let (house, planner) = house(GOVERNANCE, |outside| {
        let touch = |name: &&str| touches(&outside.join(name));
        files.iter().map(touch).collect()
    })
    .await;
    let exists = |name: &str| house.codex_home.join(name).exists();

    let ask = house.ask(0).await;
    let session = house.waits("it asks to run: ").await;
    assert_eq!(ask["session_id"], session["id"]);
    let what = &ask["what"];
    assert_eq!(what["kind"], "command");
    assert!(what["command"].as_str().unwrap().contains("/once"), "{ask}");
    assert_eq!(what["cwd"], house.repo.display().to_string());
    assert_eq!(ask["why"], "The greeter needs this file.");
    assert!(!exists("once"));
    let asked = house.decide(&ask, decision("accept")).await;
    assert!(asked["stage"] != "open", "{asked}");
    let settled = house.settled(&ask).await;
    assert_eq!(settled["how"], "here");
    // Whoever comes second hears who was first, and with what.
    let (status, code) = house.refused(&path_of(&ask), decision("decline")).await;
    assert_eq!((status, code.as_str()), (409, "ask_answered"));

    // A rule of Codex is for this user everywhere; it is offered as that.
    let ask = house.ask(1).await;
    assert!(exists("once"));
    assert!(offered(&ask).contains(&"accept_with_rule"), "{ask}");
    house.decide(&ask, decision("accept_with_rule")).await;

    let ask = house.ask(2).await;
    let rules = house.codex_home.join("rules/default.rules");
    let rules = std::fs::read_to_string(rules).unwrap();
    assert!(rules.contains("prefix_rule"), "{rules}");
    assert!(exists("always"));
    let id = ask["ask_id"].as_str().unwrap();
    let (code, said, error) = house.run(&["attention", "answer", id, "decline"]).await;
    assert_eq!(code, Some(0), "{said}{error}");
    assert!(said.contains("decline"), "{said}");
    assert_eq!(house.settled(&ask).await["how"], "here");

    let ask = house.ask(3).await;
    assert!(!exists("never"));
    // The turn is over, and the words begin the next one.
    let no = json!({ "decision": "cancel", "words": "leave that alone" });
    house.decide(&ask, no).await;
    assert_eq!(house.settled(&ask).await["how"], "here");
    let audit = house.audit().await;
    let answered = named(&audit, "ask_answered");
    let decisions: Vec<&Value> = answered.iter().map(|it| &it["decision"]).collect();
    assert_eq!(
        decisions,
        ["accept", "accept_with_rule", "decline", "cancel"]
    );
    assert!(answered.iter().all(|it| it["by"].is_string()));
    assert_eq!(answered[3]["words"], "leave that alone");
    house.goes_on(&planner).await;
    let thread = audit
        .iter()
        .find(|it| it["session_id"] == ask["session_id"] && it["event"] == "session_thread_opened");
    let said = house.said_to(thread.unwrap()["thread_id"].as_str().unwrap());
    assert!(
        said.iter().any(|text| text == "leave that alone"),
        "{said:#?}"
    );
    assert!(!exists("last"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_patch_is_shown_with_its_diff_and_each_decision_does_what_it_says() {
    let (house, planner) = house(READ_ONLY, |outside| {
        ["one", "two", "three"]
            .map(|name| patches(&outside.join(name)))
            .into()
    })
    .await;
    for (number, (name, id)) in [
        ("one", "accept"),
        ("two", "decline"),
        ("three", "accept_for_session"),
    ]
    .into_iter()
    .enumerate()
    {
        let ask = house.ask(number).await;
        house.waits("it asks to change ").await;
        assert_eq!(ask["what"]["kind"], "patch");
        let file = &ask["what"]["files"][0];
        let path = house.codex_home.join(name);
        assert_eq!(file["path"], path.display().to_string(), "{ask}");
        assert_eq!(file["kind"], "add");
        assert!(file["diff"].as_str().unwrap().contains("louder"), "{ask}");
        assert_eq!(
            offered(&ask),
            ["accept", "accept_for_session", "decline", "cancel"]
        );
        house.decide(&ask, decision(id)).await;
        assert_eq!(house.settled(&ask).await["how"], "here");
    }
    house.goes_on(&planner).await;
    let exists = |name: &str| house.codex_home.join(name).exists();
    assert!(exists("one") && !exists("two") && exists("three"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_what_another_client_answers_is_gone_here() {
    let (house, planner) = house(GOVERNANCE, |outside| vec![touches(&outside.join("a"))]).await;
    let ask = house.ask(0).await;
    let mut stranger = crate::support::thread::Stranger::connect(&house).await;
    let thread = ask["thread_id"].as_str().unwrap();
    stranger
        .answer(thread, json!({ "decision": "decline" }))
        .await;
    let look = async || {
        let settled = house.settled(&ask).await;
        (settled["reply"]["decision"] == "decline").then_some(settled)
    };
    // Nobody tells who it was; that nothing was done tells what it was.
    let settled = house.wait_for("what was decided", look).await;
    assert!(
        settled["how"] != "here" && settled["how"] != "expired",
        "{settled}"
    );
    assert_eq!(settled["reply"]["inferred"], true);
    let (status, code) = house.refused(&path_of(&ask), decision("accept")).await;
    assert_eq!((status, code.as_str()), (409, "ask_answered"));
    house.goes_on(&planner).await;
    house.close().await;
}
