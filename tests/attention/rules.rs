//! Rules that answer for a person: made from a decision, used without asking, counted, removed.

use crate::asking::{GOVERNANCE, named, path_of, script, touches};
use crate::support::House;
use mock_model::{Call, Script};
use serde_json::{Value, json};

fn leaves(cmd: &str) -> Call {
    Call::Shell {
        cmd: cmd.to_owned(),
        workdir: None,
        escalate: Some("It must see everything.".to_owned()),
        yield_time_ms: None,
    }
}

async fn rules(house: &House) -> Vec<Value> {
    house.get("/api/rules").await["rules"]
        .as_array()
        .unwrap()
        .clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_rule_answers_until_it_is_removed_and_each_use_is_in_the_journal() {
    let mut house = House::build(Script::default(), GOVERNANCE).await;
    let path = house.codex_home.join("outside.txt");
    house.model.set_script(script([
        leaves("git status"),
        leaves("git status --short"),
        leaves("git status && touch ./inside.txt"),
        touches(&path),
        leaves("git status"),
    ]));
    house.start(&[]).await;
    house.allow().await;
    let planner = house.at_work().await;
    let first = house.ask(0).await;
    let at = path_of(&first);
    for (body, code) in [
        // Nobody can tell whether a command leaves its sandbox: the person says that it may.
        (
            json!({ "decision": "accept", "rule": { "scope": "department" } }),
            "rule_not_possible",
        ),
        (
            json!({ "decision": "accept", "rule": { "scope": "department", "prefix": ["git", "log"], "unsandboxed": true } }),
            "rule_not_possible",
        ),
        (
            json!({ "decision": "accept", "rule": { "scope": "department", "prefix": [], "unsandboxed": true } }),
            "rule_not_possible",
        ),
        (
            json!({ "decision": "accept", "rule": { "scope": "world", "unsandboxed": true } }),
            "invalid_field",
        ),
        (
            json!({ "decision": "decline", "rule": { "scope": "session", "unsandboxed": true } }),
            "field_not_wanted",
        ),
    ] {
        assert_eq!(house.refused(&at, body).await, (400, code.to_owned()));
    }
    let rule = json!({ "scope": "department", "prefix": ["git", "status"], "unsandboxed": true });
    house
        .decide(&first, json!({ "decision": "accept", "rule": rule }))
        .await;
    // The second runs without asking; the third is more than a command with arguments to a shell.
    let second = house.ask(1).await;
    assert_eq!(house.settled(&second).await["how"], "here");
    let third = house.ask(2).await;
    house.waits("git status && touch").await;
    let audit = house.audit().await;
    let answered = named(&audit, "ask_answered");
    let added = named(&audit, "ask_rule_added");
    assert_eq!(answered[1]["ask_id"], second["ask_id"]);
    assert_eq!(answered[1]["by"], "rule");
    assert_eq!(answered[1]["rule_id"], added[0]["rule_id"]);
    assert_eq!(added[0]["by"], "person:cli");
    let standing = &rules(&house).await[0];
    assert_eq!(
        (&standing["uses"], &standing["department"]),
        (&json!(1), &json!("lingyubu"))
    );
    house.decide(&third, json!({ "decision": "decline" })).await;

    // After a restart it holds; after its removal it does not.
    let fourth = house.ask(3).await;
    house.kill_launcher().await;
    house.start(&[]).await;
    house.waits("outside.txt").await;
    assert_eq!(rules(&house).await.len(), 1);
    let gone = json!({ "rule_id": added[0]["rule_id"] });
    house.post("/api/rules/remove", gone.clone()).await;
    let again = house.refused("/api/rules/remove", gone).await;
    assert_eq!(again, (404, "unknown_rule".to_owned()));
    assert!(rules(&house).await.is_empty());
    house
        .decide(&fourth, json!({ "decision": "decline" }))
        .await;
    let fifth = house.ask(4).await;
    house.waits("git status").await;
    house.decide(&fifth, json!({ "decision": "accept" })).await;
    house.goes_on(&planner).await;
    assert!(!house.repo.join("inside.txt").exists());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_rule_of_governance_yaml_answers_once_a_person_has_said_yes_to_it() {
    let allow = "allow:\n  - {command: [git, status], department: lingyubu, unsandboxed: true}\n  - {tool: forms/form}\n";
    let mut house = House::build(Script::default(), &format!("{GOVERNANCE}{allow}")).await;
    house
        .model
        .set_script(script([leaves("git status"), leaves("git status --short")]));
    house.start(&[]).await;
    // Codex may work here; nobody has said yes to the rules yet.
    house.post("/api/trust", json!({ "accept": true })).await;
    let planner = house.at_work().await;
    // Agents can write the file: before a yes it answers nothing.
    let first = house.ask(0).await;
    house.waits("git status").await;
    assert!(rules(&house).await.is_empty());
    let powers = house.get("/api/status").await["powers"].clone();
    let lines = powers["lines"].as_array().unwrap();
    let allows: Vec<&str> = lines
        .iter()
        .filter(|line| line["entry"] == "allow")
        .map(|line| line["now"].as_str().unwrap())
        .collect();
    assert_eq!(
        allows,
        [
            "command: git status, department: lingyubu, unsandboxed: true",
            "tool: forms/form"
        ]
    );
    let yes = json!({ "sha256": powers["sha256"], "accept": true });
    house.post("/api/powers", yes).await;
    let standing = rules(&house).await;
    assert_eq!(standing.len(), 2, "{standing:?}");
    let id = standing[0]["rule_id"].clone();
    house.decide(&first, json!({ "decision": "accept" })).await;
    // The second runs without asking, and the journal names the rule.
    let second = house.ask(1).await;
    assert_eq!(house.settled(&second).await["how"], "here");
    house.goes_on(&planner).await;
    let answered = named(&house.audit().await, "ask_answered");
    assert_eq!(
        (&answered[1]["by"], &answered[1]["rule_id"]),
        (&json!("rule"), &id)
    );
    let used = &rules(&house).await[0];
    assert_eq!(
        (&used["source"], &used["uses"], &used["by"]),
        (
            &json!("governance.yaml"),
            &json!(1),
            &json!("governance.yaml")
        )
    );
    let gone = json!({ "rule_id": id });
    let refused = house.refused("/api/rules/remove", gone).await;
    assert_eq!(refused, (409, "rule_of_file".to_owned()));
    // Its uses are counted over a restart.
    house.kill_launcher().await;
    house.start(&[]).await;
    assert_eq!(rules(&house).await[0]["uses"], 1);
    house.close().await;
}
