//! The extension that comes with zhongshu, and what the server holds it to.

use super::rig::{Extension, governance, says};
use crate::support::House;
use crate::waits::{asking_with, decision_of};
use crate::workers::works;
use mock_model::{Call, Rule, Step, When};
use serde_json::{Value, json};
use std::path::PathBuf;

const ID: &str = "supervisor";
const EXPLAINED: &str = "fileChange.explainability";
const INSIGHT: &str = "fileChange.supervisorInsight";

/// A house whose model wants to add a file here, with the extension at work.
async fn house(governance: &str, file: impl FnOnce(&House) -> PathBuf) -> House {
    let patch = |house: &House| {
        let patch = format!(
            "*** Begin Patch\n*** Add File: {}\n+louder\n*** End Patch\n",
            file(house).display()
        );
        vec![Step::call(Call::ApplyPatch { patch })]
    };
    let house = asking_with(governance, "", patch).await;
    let (code, said, _) = house.adds().await;
    assert_eq!(code, Some(0), "{said}");
    let module = house.trusts(ID).await;
    assert_eq!(module["state"], "running", "{module:#}");
    // What the command line says is what has to be trusted.
    let digest = module["trust"]["digest"].as_str().unwrap();
    assert!(said.contains(digest), "{said}");
    house
}

fn outside(house: &House) -> PathBuf {
    house.codex_home.join("file")
}

impl House {
    async fn adds(&self) -> (Option<i32>, String, String) {
        self.run(&["harness", "extensions", "add", ID]).await
    }

    /// A session in which every patch is asked about.
    async fn careful(&self) -> String {
        let begun = self
            .make("/sessions", json!({ "filesystemSandbox": "read-only" }))
            .await;
        begun["session"]["sessionId"].as_str().unwrap().to_owned()
    }

    /// The details of a row.
    async fn details(&self, id: &str, kind: &str) -> Value {
        let row = self.row(id, kind).await;
        serde_json::from_str(row["details"].as_str().unwrap()).unwrap()
    }

    /// What was to be decided without a person in a session: who wanted it, and what came of that.
    fn automatic(&self, id: &str) -> Vec<Value> {
        let all = self.recorded("automatic_decision").into_iter();
        all.filter(|it| it["session_id"] == id).collect()
    }

    /// Who has answered, oldest first.
    async fn answered_by(&self) -> Vec<Value> {
        let audit = self.audit().await;
        let answered = audit.iter().filter(|it| it["event"] == "ask_answered");
        answered.map(|it| it["actor"].clone()).collect()
    }
}

#[tokio::test]
async fn it_explains_and_decides_only_as_long_as_the_settings_allow_it() {
    let house = house(&governance(), outside).await;
    // Nothing is set: it says what it would do.
    let id = house.careful().await;
    let (turn, waiting) = house.asks(&id, "approvals").await;
    let explained = house.row(&id, EXPLAINED).await;
    let content = explained["content"].as_str().unwrap();
    let path = outside(&house);
    assert!(
        content.contains(&format!("Adds {}. Lines: 1 new, 0 gone.", path.display())),
        "{content}"
    );
    assert!(content.contains("no model was asked"), "{content}");
    let insight = house.details(&id, INSIGHT).await;
    assert_eq!(
        (
            &insight["proposal"],
            &insight["risk"],
            &insight["decision"],
            &insight["approvalId"]
        ),
        (
            &json!("reject"),
            &json!("high"),
            &Value::Null,
            &waiting["approvalId"]
        )
    );
    house
        .make(&decision_of(&waiting), json!({"decision": "decline"}))
        .await;
    house.over(&id, &turn).await;
    assert!(house.automatic(&id).is_empty());

    // From its threshold on it says no, and it is on record who did and why.
    let second = house.careful().await;
    house.lets_reject(&second).await;
    let said = house
        .says(&second, json!({"text": crate::waits::ASK}))
        .await;
    let turn = said["turnId"].as_str().unwrap();
    assert_eq!(house.over(&second, turn).await["status"], "completed");
    assert!(!path.exists());
    let decided = house.automatic(&second);
    let [decided] = decided.as_slice() else {
        panic!("{decided:#?}")
    };
    for (field, value) in [
        ("actor", "extension:supervisor"),
        ("role", "extension"),
        ("decision", "reject"),
        ("risk", "high"),
        ("threshold", "high"),
        ("result", "allowed"),
    ] {
        assert_eq!(decided[field], value, "{decided:#}");
    }
    assert!(decided["reason"].as_str().unwrap().contains("outside"));
    let answered = house.answered_by().await;
    assert_eq!(answered.last().unwrap(), "extension:supervisor");
    let resolved = house.row(&second, "approval.resolved").await;
    assert_eq!(resolved["content"], "decline, by extension:supervisor");

    // Taken away again, the setting leaves it with words.
    let third = house.careful().await;
    house.lets_reject(&third).await;
    let path = format!("/sessions/{third}/settings/supervisor");
    house.granted("DELETE", &path, None, 200).await;
    let (turn, waiting) = house.asks(&third, "approvals").await;
    assert_eq!(
        house.details(&third, INSIGHT).await["decision"],
        Value::Null
    );
    house
        .make(&decision_of(&waiting), json!({"decision": "decline"}))
        .await;
    house.over(&third, &turn).await;
    assert!(house.automatic(&third).is_empty());
    let module = house.module(ID).await;
    assert_eq!(module["diagnostics"], json!([]), "{module:#}");
    house.close().await;
}

#[tokio::test]
async fn it_says_yes_up_to_its_threshold() {
    let house = house(&governance(), |house| house.repo.join("notes.txt")).await;
    let id = house.careful().await;
    let auto = json!({"approve": {"enabled": true, "threshold": "none"}});
    house.lets(&id, "fileChange", auto).await;
    let said = house.says(&id, json!({"text": crate::waits::ASK})).await;
    let turn = said["turnId"].as_str().unwrap();
    assert_eq!(house.over(&id, turn).await["status"], "completed");
    let decided = house.automatic(&id);
    assert_eq!(
        (&decided[0]["decision"], &decided[0]["risk"]),
        (&json!("accept"), &json!("none")),
        "{decided:#?}"
    );
    assert!(house.repo.join("notes.txt").exists());
    house.close().await;
}

/// Says yes to everything, and has its reasons.
const EAGER: &str = r#"
def handle(event, payload):
    yes = {"approvalId": payload["context"]["approvalId"], "decision": "accept"}
    wishes = [{**yes, "risk": "med"}, yes, {**yes, "risk": "none", "scope": "session"}]
    return [{"kind": "action_request", "actionType": "approval.decide", "payload": it} for it in wishes]
"#;

#[tokio::test]
async fn whatever_an_extension_says_the_settings_hold() {
    let house = house(&governance(), |house| house.repo.join("notes.txt")).await;
    let event = "file_change.approval_requested";
    house
        .runs(&Extension {
            id: "eager",
            events: json!([event]),
            declares: json!({"events": [event], "actions": ["approval.decide"]}),
            code: EAGER,
        })
        .await;
    let auto = json!({"approve": {"enabled": true, "threshold": "low"}});
    let off = ["auto_accept_off"; 3];
    let on = ["above_threshold", "no_risk", "lasting"];
    for (allows, results) in [(false, off), (true, on)] {
        let id = house.careful().await;
        // Without the other one, which would say yes here.
        if allows {
            let no = json!({"agentId": ID, "digest": house.module(ID).await["trust"]["digest"], "accept": false});
            house.make("/agents/extensions/trust", no).await;
            house.lets(&id, "fileChange", auto.clone()).await;
        }
        let (turn, waiting) = house.asks(&id, "approvals").await;
        let decided = house
            .wait_for("three wishes", async || {
                Some(house.automatic(&id)).filter(|it| it.len() == 3)
            })
            .await;
        for (one, result) in decided.iter().zip(results) {
            assert_eq!(
                (&one["actor"], &one["role"], &one["result"]),
                (
                    &json!("extension:eager"),
                    &json!("extension"),
                    &json!(result)
                ),
                "{one:#}"
            );
        }
        let still = house.pending(&id, "approvals").await;
        assert_eq!(still["approvalId"], waiting["approvalId"]);
        house
            .make(&decision_of(&waiting), json!({"decision": "decline"}))
            .await;
        house.over(&id, &turn).await;
    }
    for words in [
        "its risk is med",
        "what the risk is",
        "longer than this once",
    ] {
        house
            .module_that("eager", words, |it| says(it, "forbidden", words))
            .await;
    }
    assert!(!house.repo.join("notes.txt").exists());
    house.close().await;
}

#[tokio::test]
async fn it_names_a_session_after_its_first_turn_and_only_one_without_a_name() {
    let house = house(&governance(), outside).await;
    let names = r#"
def handle(event, payload):
    return [{"kind": "action_request", "actionType": "session.name", "payload": {"title": "Mine"}}]
"#;
    let greedy = json!([{"event": "turn.completed", "priority": 200}]);
    house
        .runs(&Extension {
            events: greedy,
            ..Extension::of_turns("greedy", names)
        })
        .await;
    let id = house.chat().await;
    house
        .has_turn(
            &id,
            "Greet people louder, please, and say goodbye to each of them as well.",
        )
        .await;
    let title = "Greet people louder, please, and say goodbye to each of…";
    let named = house
        .listed(&id, "it is named", |it| it["title"] == title)
        .await;
    assert_eq!(named["sessionId"], id);
    // A name that is there is nobody's to change.
    house
        .module_that("greedy", "it is refused", |it| {
            says(it, "not_eligible", "the session has a name")
        })
        .await;
    let own = house.chat().await;
    let path = format!("/sessions/{own}/rename");
    house.make(&path, json!({"title": "Loud"})).await;
    house.has_turn(&own, "Hello.").await;
    let twice = |it: &Value| it["diagnostics"][0]["times"] == 2;
    house.module_that("greedy", "twice", twice).await;
    house
        .listed(&own, "as it was", |it| it["title"] == "Loud")
        .await;
    let module = house.module(ID).await;
    assert_eq!(module["diagnostics"], json!([]), "{module:#}");
    house.close().await;
}

#[tokio::test]
async fn where_a_session_wants_it_an_agent_looks_as_well() {
    let workers = governance().replace("enforced}", "enforced}, workers: {mode: on}");
    let house = house(&workers, outside).await;
    let looks = Rule {
        when: When {
            last_user_contains: "Explain this change of files".into(),
            ..When::default()
        },
        ..works(vec![Step::say("It makes the greeter louder.")])
    };
    let file = outside(&house);
    let patch = format!(
        "*** Begin Patch\n*** Add File: {}\n+louder\n*** End Patch\n",
        file.display()
    );
    let asks = crate::support::script::on_message(
        "asks",
        crate::waits::ASK,
        vec![Step::call(Call::ApplyPatch { patch }), Step::say("Done.")],
    );
    house.model.set_script(crate::rig::script([looks, asks]));
    let id = house.careful().await;
    let setting =
        json!({"scope": "session", "key": "supervisor", "value": {"fileChange": {"agent": true}}});
    house
        .make(&format!("/sessions/{id}/settings"), setting)
        .await;
    let (turn, waiting) = house.asks(&id, "approvals").await;
    house
        .wait_for("the agent's words", async || {
            let seen = house.look(&format!("/sessions/{id}")).await;
            let mut rows = seen["transcript"].as_array().unwrap().iter();
            let wanted = |it: &&Value| {
                it["type"] == EXPLAINED && it["content"] == "It makes the greeter louder."
            };
            rows.find(wanted).cloned()
        })
        .await;
    house
        .make(&decision_of(&waiting), json!({"decision": "decline"}))
        .await;
    house.over(&id, &turn).await;
    house.close().await;
}

#[tokio::test]
async fn it_is_added_once_and_nothing_of_somebody_else_is_overwritten() {
    let house = House::build(crate::rig::script([]), crate::support::GOVERNANCE).await;
    let main = house.extension_folder(ID).join("main.py");
    let (code, said, _) = house.adds().await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("written") && main.exists(), "{said}");
    let (code, said, _) = house.adds().await;
    assert!(code == Some(0) && said.contains("unchanged"), "{said}");
    let folder = house.extension_folder(ID);
    let folder = folder.to_str().unwrap();
    let (code, said, _) = house.run(&["harness", "conformance", folder]).await;
    assert_eq!(code, Some(0), "{said}");
    std::fs::write(&main, "mine").unwrap();
    let (code, _, complaint) = house.adds().await;
    assert_eq!(code, Some(1));
    assert!(complaint.contains("main.py is there"), "{complaint}");
    assert_eq!(std::fs::read_to_string(&main).unwrap(), "mine");
    // Nor is a link followed.
    std::fs::remove_dir_all(folder).unwrap();
    std::os::unix::fs::symlink(&house.state, folder).unwrap();
    let (code, _, _) = house.adds().await;
    assert_eq!(code, Some(1));
    let (code, _, complaint) = house.run(&["harness", "extensions", "add", "other"]).await;
    assert!(
        code == Some(2) && complaint.contains("supervisor"),
        "{complaint}"
    );
    house.close().await;
}
