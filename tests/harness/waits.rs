//! What waits in a session: listed in its three lists, decided once, and the same as in everybody's.

use crate::rig::script;
use crate::support::script::{assignment, department, hang, on_message, plan, planner, told};
use crate::support::{GOVERNANCE, House};
use mock_model::{Call, Script, Step};
use serde_json::{Value, json};
use std::path::Path;

/// A message at which the model does what the test wants.
pub const ASK: &str = "PLEASE ASK";

/// A command that wants to leave the sandbox.
pub fn touches(path: &Path) -> Step {
    Step::call(Call::Shell {
        cmd: format!("touch '{}'", path.display()),
        workdir: None,
        escalate: Some("The greeter needs this file.".to_owned()),
        yield_time_ms: None,
    })
}

/// A call of a function by its plain name.
pub fn calls(name: &str, arguments: Value) -> Step {
    Step::call(Call::Function {
        namespace: None,
        name: name.to_owned(),
        arguments,
    })
}

/// A house whose model does this at [`ASK`], and then says that it is done.
pub async fn asking(steps: impl FnOnce(&House) -> Vec<Step>) -> House {
    asking_with(GOVERNANCE, "", steps).await
}

/// The same with another `governance.yaml`, and with more features in Codex's configuration.
pub async fn asking_with(
    governance: &str,
    features: &str,
    steps: impl FnOnce(&House) -> Vec<Step>,
) -> House {
    let mut house = House::build(Script::default(), governance).await;
    let config = house.codex_home.join("config.toml");
    // The last table of it is that of the features.
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text + features).unwrap();
    let mut steps = steps(&house);
    steps.push(Step::say("Done."));
    let rule = on_message("asks", ASK, steps);
    house.model.set_script(script([rule]));
    house.start(&[]).await;
    house.allow().await;
    house.knows_sessions().await;
    house
}

impl House {
    /// The first thing in a list of a session, once there is one.
    pub async fn pending(&self, id: &str, list: &str) -> Value {
        let path = format!("/sessions/{id}/{list}");
        self.wait_for(&format!("{id}: {list}"), async || {
            let page = self.look(&path).await;
            page["data"].as_array().unwrap().first().cloned()
        })
        .await
    }

    /// Says the word; the turn, and what it asks.
    pub async fn asks(&self, id: &str, list: &str) -> (String, Value) {
        let said = self.says(id, json!({ "text": ASK })).await;
        let turn = said["turnId"].as_str().unwrap().to_owned();
        (turn, self.pending(id, list).await)
    }
}

/// Where an approval is decided.
pub fn decision_of(approval: &Value) -> String {
    format!(
        "/approvals/{}/decision",
        approval["approvalId"].as_str().unwrap()
    )
}

#[tokio::test]
async fn a_command_is_allowed_declined_or_ends_its_turn() {
    let house = asking(|house| vec![touches(&house.codex_home.join("file"))]).await;
    let file = house.codex_home.join("file");
    for (decision, status, runs) in [
        ("accept", "completed", true),
        ("decline", "completed", false),
        ("cancel", "interrupted", false),
    ] {
        let id = house.chat().await;
        let (turn, approval) = house.asks(&id, "approvals").await;
        assert_eq!(
            (
                &approval["threadId"],
                &approval["turnId"],
                &approval["status"]
            ),
            (&json!(id), &json!(turn), &json!("pending"))
        );
        assert_eq!(approval["method"], "item/commandExecution/requestApproval");
        assert!(approval["itemId"].is_string() && approval["createdAt"].is_string());
        // The request as it came, whole.
        let details = &approval["details"];
        assert_eq!(details["reason"], "The greeter needs this file.");
        assert!(details["startedAtMs"].is_i64(), "{details}");
        assert!(approval["summary"].as_str().unwrap().contains("touch"));
        let offered = approval["availableDecisions"].as_array().unwrap();
        for one in ["accept", "decline", "cancel"] {
            assert!(offered.contains(&json!(one)), "{offered:?}");
        }
        // It waits in everybody's list as well, under the same id.
        let everybody = house.get("/api/attention").await;
        let items = everybody["items"].as_array().unwrap();
        assert!(items.iter().any(|it| it["id"] == approval["approvalId"]));
        for empty in ["tool-input", "tool-calls"] {
            let list = house.look(&format!("/sessions/{id}/{empty}")).await;
            assert_eq!(list, json!({ "data": [] }));
        }

        let path = decision_of(&approval);
        let wrong = house.denied("POST", &path, Some(json!({ "decision": "maybe" })), 400);
        assert_eq!(wrong.await["issues"][0]["path"], "decision");
        let done = house.make(&path, json!({ "decision": decision })).await;
        assert_eq!(
            done,
            json!({ "status": "ok", "approvalId": approval["approvalId"], "threadId": id })
        );
        assert_eq!(house.over(&id, &turn).await["status"], status, "{decision}");
        assert_eq!(file.exists(), runs, "{decision}");
        let _ = std::fs::remove_file(&file);
        // The turn may be over before it is on record that Codex has the answer.
        house
            .wait_for("the answer is with Codex", async || {
                let audit = house.audit().await;
                let mut settled = audit.iter().filter(|it| it["event"] == "ask_settled");
                settled
                    .any(|it| it["ask_id"] == approval["approvalId"])
                    .then_some(())
            })
            .await;
        let again = house.denied("POST", &path, Some(json!({ "decision": decision })), 409);
        let again = again.await;
        assert_eq!(
            (
                &again["status"],
                &again["code"],
                &again["approvalId"],
                &again["threadId"]
            ),
            (
                &json!("reconciled"),
                &json!("already_resolved"),
                &approval["approvalId"],
                &json!(id)
            )
        );
        let list = house.look(&format!("/sessions/{id}/approvals")).await;
        assert_eq!(list, json!({ "data": [] }));
    }
    let audit = house.audit().await;
    let answered: Vec<_> = audit
        .iter()
        .filter(|it| it["event"] == "ask_answered")
        .collect();
    let decisions: Vec<_> = answered.iter().map(|it| &it["decision"]).collect();
    assert_eq!(decisions, ["accept", "decline", "cancel"]);
    assert!(
        answered.iter().all(|it| it["by"] == "person:cli"),
        "{answered:?}"
    );
    house.close().await;
}

#[tokio::test]
async fn a_yes_for_the_session_is_not_asked_for_again() {
    let house = asking(|house| vec![touches(&house.codex_home.join("file"))]).await;
    let file = house.codex_home.join("file");
    let id = house.chat().await;
    let (turn, approval) = house.asks(&id, "approvals").await;
    let yes = json!({ "decision": "accept", "scope": "session" });
    house.make(&decision_of(&approval), yes).await;
    house.over(&id, &turn).await;
    std::fs::remove_file(&file).unwrap();
    house.talks(&id, ASK).await;
    assert!(file.exists(), "it ran without a question");
    let audit = house.audit().await;
    let raised = audit.iter().filter(|it| it["event"] == "ask_raised");
    assert_eq!(raised.count(), 1);
    house.close().await;
}

#[tokio::test]
async fn an_amendment_is_one_of_what_is_offered_and_words_go_with_a_no() {
    let house = asking(|house| vec![touches(&house.codex_home.join("file"))]).await;
    let id = house.chat().await;
    let (turn, approval) = house.asks(&id, "approvals").await;
    let path = decision_of(&approval);
    let offered = approval["availableDecisions"].as_array().unwrap();
    let rule = offered.iter().find(|it| it.is_object()).unwrap();
    for body in [
        json!({ "decision": "accept", "amendment": { "acceptWithExecpolicyAmendment": { "execpolicy_amendment": ["rm"] } } }),
        json!({ "decision": "decline", "amendment": rule }),
        json!({ "decision": "accept", "words": "Go on." }),
    ] {
        house.denied("POST", &path, Some(body), 400).await;
    }
    let yes = json!({ "decision": "accept", "amendment": rule });
    house.make(&path, yes).await;
    house.over(&id, &turn).await;
    let rules = std::fs::read_to_string(house.codex_home.join("rules/default.rules")).unwrap();
    assert!(rules.contains("prefix_rule"), "{rules}");

    // The rule is for this file: another session is asked about another one.
    std::fs::remove_dir_all(house.codex_home.join("rules")).unwrap();
    let other = house.codex_home.join("other");
    let rule = on_message("asks", ASK, vec![touches(&other), Step::say("Done.")]);
    house.model.set_script(script([rule]));
    let id = house.chat().await;
    let (_, approval) = house.asks(&id, "approvals").await;
    let no = json!({ "decision": "cancel", "words": "Leave that alone." });
    house.make(&decision_of(&approval), no).await;
    let heard = |all: &[mock_model::RecordedRequest]| {
        let mine = all.iter().filter(|it| it.thread_id == id);
        mine.flat_map(|it| &it.user_texts)
            .any(|it| it == "Leave that alone.")
    };
    house.requests("the words", heard).await;
    assert!(!other.exists());
    house.close().await;
}

#[tokio::test]
async fn a_patch_outside_is_asked_about_with_what_it_changes() {
    let patch = |house: &House| {
        let path = house.codex_home.join("file");
        let patch = format!(
            "*** Begin Patch\n*** Add File: {}\n+louder\n*** End Patch\n",
            path.display()
        );
        vec![Step::call(Call::ApplyPatch { patch })]
    };
    let house = asking(patch).await;
    let file = house.codex_home.join("file");
    for (decision, is_there) in [("decline", false), ("accept", true)] {
        // Temporary folders, in one of which all this is, are open to every other sandbox.
        let begin = json!({ "filesystemSandbox": "read-only" });
        let begun = house.make("/sessions", begin).await;
        let id = begun["session"]["sessionId"].as_str().unwrap().to_owned();
        let (turn, approval) = house.asks(&id, "approvals").await;
        assert_eq!(approval["method"], "item/fileChange/requestApproval");
        assert!(approval["summary"].as_str().unwrap().contains("file"));
        let body = json!({ "decision": decision });
        house.make(&decision_of(&approval), body).await;
        assert_eq!(house.over(&id, &turn).await["status"], "completed");
        assert_eq!(file.exists(), is_there);
    }
    house.close().await;
}

pub fn question() -> Step {
    let options = json!([{ "label": "Red", "description": "Loud." }, { "label": "Blue", "description": "Quiet." }]);
    let question = json!({ "id": "colour", "header": "Colour", "question": "Which colour?", "options": options });
    calls("request_user_input", json!({ "questions": [question] }))
}

pub const QUESTIONS: &str = "default_mode_request_user_input = true\n";

#[tokio::test]
async fn questions_are_answered_or_end_their_turn() {
    let house = asking_with(GOVERNANCE, QUESTIONS, |_| vec![question()]).await;
    let id = house.chat().await;
    let (turn, asked) = house.asks(&id, "tool-input").await;
    assert_eq!(asked["method"], "item/tool/requestUserInput");
    assert_eq!(
        (&asked["turnId"], &asked["threadId"]),
        (&json!(turn), &json!(id))
    );
    let one = &asked["questions"][0];
    assert_eq!(
        (
            &one["id"],
            &one["question"],
            &one["options"][1]["label"],
            &one["isSecret"]
        ),
        (
            &json!("colour"),
            &json!("Which colour?"),
            &json!("Blue"),
            &json!(false)
        )
    );
    let approvals = house.look(&format!("/sessions/{id}/approvals")).await;
    assert_eq!(approvals, json!({ "data": [] }));
    let request = asked["requestId"].as_str().unwrap();
    let path = format!("/tool-input/{request}/decision");
    for answers in [
        json!({}),
        json!({ "size": { "answers": ["Red"] } }),
        json!({ "colour": { "answers": [] } }),
    ] {
        let body = json!({ "decision": "accept", "answers": answers });
        let no = house.denied("POST", &path, Some(body), 400).await;
        assert_eq!(
            (&no["code"], &no["requestId"]),
            (&json!("invalid_request"), &json!(request))
        );
    }
    let answers = json!({ "colour": { "answers": ["Blue"] } });
    let body = json!({ "decision": "accept", "answers": answers });
    let done = house.make(&path, body.clone()).await;
    assert_eq!(
        done,
        json!({ "status": "ok", "requestId": request, "threadId": id })
    );
    assert_eq!(house.over(&id, &turn).await["status"], "completed");
    let outputs = house
        .model
        .requests()
        .into_iter()
        .flat_map(|it| it.tool_outputs);
    assert!(outputs.into_iter().any(|it| it.output.contains("Blue")));
    let late = house.denied("POST", &path, Some(body), 409).await;
    assert_eq!(
        (&late["status"], &late["requestId"]),
        (&json!("reconciled"), &json!(request))
    );

    for decision in ["decline", "cancel"] {
        let id = house.chat().await;
        let (turn, asked) = house.asks(&id, "tool-input").await;
        let path = format!(
            "/tool-input/{}/decision",
            asked["requestId"].as_str().unwrap()
        );
        house.make(&path, json!({ "decision": decision })).await;
        assert_eq!(house.over(&id, &turn).await["status"], "interrupted");
        let requests = house.model.requests();
        let mine = requests.iter().filter(|it| it.thread_id == id);
        assert_eq!(mine.count(), 1, "the model is told nothing");
    }
    house.close().await;
}

#[tokio::test]
async fn permissions_are_listed_with_their_own_method() {
    let wanted = json!({ "permissions": { "file_system": { "read": ["/etc"] } }, "reason": "to look around" });
    let features = "request_permissions_tool = true\n";
    let house = asking_with(GOVERNANCE, features, |_| {
        vec![calls("request_permissions", wanted)]
    })
    .await;
    for (body, decision) in [
        (json!({ "decision": "accept" }), "grant_turn"),
        (
            json!({ "decision": "accept", "scope": "session" }),
            "grant_session",
        ),
        (json!({ "decision": "decline" }), "decline"),
        (json!({ "decision": "cancel" }), "cancel"),
    ] {
        let id = house.chat().await;
        let (turn, approval) = house.asks(&id, "approvals").await;
        assert_eq!(approval["method"], "item/permissions/requestApproval");
        assert_eq!(
            approval["availableDecisions"],
            json!(["accept", "acceptForSession", "decline"])
        );
        house.make(&decision_of(&approval), body).await;
        let status = match decision {
            "cancel" => "interrupted",
            _ => "completed",
        };
        assert_eq!(house.over(&id, &turn).await["status"], status, "{decision}");
        let audit = house.audit().await;
        let answered = audit.iter().rev().find(|it| it["event"] == "ask_answered");
        assert_eq!(answered.unwrap()["decision"], decision);
    }
    house.close().await;
}

#[tokio::test]
async fn of_two_decisions_at_once_one_counts() {
    let house = asking(|house| vec![touches(&house.codex_home.join("file"))]).await;
    for _ in 0..3 {
        let id = house.chat().await;
        let (turn, approval) = house.asks(&id, "approvals").await;
        let path = decision_of(&approval);
        let decide =
            |decision: &str| house.ask("POST", &path, Some(json!({ "decision": decision })));
        let ((a, first), (b, second)) = tokio::join!(decide("accept"), decide("decline"));
        let mut both = [a, b];
        both.sort_unstable();
        assert_eq!(both, [200, 409], "{first:#} {second:#}");
        let loser = if a == 409 { first } else { second };
        assert_eq!(loser["status"], "reconciled");
        house.over(&id, &turn).await;
    }
    house.close().await;
}

#[tokio::test]
async fn what_waits_is_the_same_after_a_crash() {
    let mut house = asking(|house| vec![touches(&house.codex_home.join("file"))]).await;
    let id = house.chat().await;
    let (turn, before) = house.asks(&id, "approvals").await;
    house.kill_launcher().await;
    house.start(&[]).await;
    house.knows_sessions().await;
    let after = house.pending(&id, "approvals").await;
    for field in [
        "approvalId",
        "threadId",
        "turnId",
        "itemId",
        "createdAt",
        "summary",
    ] {
        assert_eq!(after[field], before[field], "{field}");
    }
    let yes = json!({ "decision": "accept" });
    house
        .wait_for("Codex can be reached", async || {
            let (status, _) = house
                .ask("POST", &decision_of(&after), Some(yes.clone()))
                .await;
            (status == 200).then_some(())
        })
        .await;
    assert_eq!(house.over(&id, &turn).await["status"], "completed");
    assert!(house.codex_home.join("file").exists());
    house.close().await;
}

#[tokio::test]
async fn nobody_answers_what_is_not_there() {
    let house = asking(|house| vec![touches(&house.codex_home.join("file"))]).await;
    let chat = house.chat().await;
    let (_, approval) = house.asks(&chat, "approvals").await;
    let approval = approval["approvalId"].as_str().unwrap();
    for id in ["nope", "a b", "ask-0", approval] {
        let id = id.replace(' ', "%20");
        for (path, field) in [
            (format!("/approvals/{id}/decision"), "approvalId"),
            (format!("/tool-input/{id}/decision"), "requestId"),
            (format!("/tool-calls/{id}/response"), "requestId"),
        ] {
            if path.starts_with("/approvals/ask-") && id == approval {
                continue;
            }
            let no = house.denied("POST", &path, None, 404).await;
            assert_eq!(
                (&no["status"], &no[field]),
                (&json!("not_found"), &json!(id.replace("%20", " "))),
                "{path}"
            );
        }
    }
    for list in ["approvals", "tool-input", "tool-calls"] {
        let no = house
            .denied("GET", &format!("/sessions/nope/{list}"), None, 404)
            .await;
        assert_eq!(no["sessionId"], "nope");
    }
    let no = json!({ "decision": "cancel" });
    house
        .make(&format!("/approvals/{approval}/decision"), no)
        .await;
    house.close().await;
}

#[tokio::test]
async fn what_the_launcher_drives_is_answered_elsewhere() {
    let governance = "version: 1\nlanguage: en\ndepartments:\n  lingyubu: {approval: on-request}\n";
    let mut house = House::build(Script::default(), governance).await;
    let steps = vec![touches(&house.codex_home.join("file")), hang()];
    house.model.set_script(Script::new([
        told("told", "", vec![Step::say("Noted.")]),
        planner(plan([assignment("lingyubu", "asks")])),
        department("lingyubu", steps),
    ]));
    house.start(&[]).await;
    house.allow().await;
    house.knows_sessions().await;
    house.at_work().await;
    let raised = |all: &[Value]| all.iter().any(|it| it["event"] == "ask_raised");
    let audit = house.audited("the ask", raised).await;
    let ask = audit.iter().find(|it| it["event"] == "ask_raised").unwrap();
    let (id, thread) = (
        ask["ask_id"].as_str().unwrap(),
        ask["thread_id"].as_str().unwrap(),
    );
    let path = format!("/approvals/{id}/decision");
    let no = house
        .denied("POST", &path, Some(json!({ "decision": "accept" })), 403)
        .await;
    assert_eq!(
        (&no["code"], &no["sessionId"]),
        (&json!("system_session"), &json!(thread))
    );
    let no = house
        .denied("GET", &format!("/sessions/{thread}/approvals"), None, 403)
        .await;
    assert_eq!(no["code"], "system_session");
    assert!(!house.codex_home.join("file").exists());
    house.close().await;
}
