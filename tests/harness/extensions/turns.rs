//! What extensions are told, and what comes of what they answer.

use super::rig::{Extension, NOTHING, governance, house};
use crate::support::House;
use crate::waits::asking_with;
use mock_model::{Call, Step};
use serde_json::{Value, json};
use std::path::Path;

#[tokio::test]
async fn signals_and_the_ends_of_turns_are_told_in_order() {
    let house = house().await;
    let listener = Extension {
        id: "listener",
        events: json!([
            "turn.completed",
            {"event": "app_server.turn.started", "priority": 1},
            "app_server.item.agent_message.delta",
        ]),
        declares: json!({"events": ["*"]}),
        code: NOTHING,
    };
    house.runs(&listener).await;
    let (id, turn) = house.session_with_turn().await;
    let is_end = |it: &&Value| it["event"] == "turn.completed";
    let heard = house
        .wait_for("the end of the turn", async || {
            let heard = house.noted("listener", "heard");
            heard.iter().find(is_end).is_some().then_some(heard)
        })
        .await;
    let names: Vec<_> = heard
        .iter()
        .map(|it| it["event"].as_str().unwrap())
        .collect();
    assert_eq!(names.first(), Some(&"app_server.turn.started"), "{names:?}");
    assert_eq!(names.last(), Some(&"turn.completed"), "{names:?}");
    let signal = &heard[0]["payload"];
    assert_eq!(
        (
            &signal["source"],
            &signal["context"]["threadId"],
            &signal["session"]["id"]
        ),
        (&json!("app_server"), &json!(id), &json!(id))
    );
    let end = &heard.iter().find(is_end).unwrap()["payload"];
    let context = &end["context"];
    assert_eq!(
        (
            &context["turnId"],
            &context["sourceSessionId"],
            &context["projectId"]
        ),
        (&json!(turn), &json!(id), &json!(format!("session:{id}")))
    );
    assert_eq!(context["userRequest"], "Hello.");
    let told = end["turnTranscriptSnapshot"].as_str().unwrap();
    assert!(told.contains("Told."), "{told}");
    assert_eq!(end["hadFileChangeRequests"], false);
    house.close().await;
}

/// Asks the API with what its environment has, and writes down the statuses.
const ASKS_BACK: &str = r#"
import os, urllib.error, urllib.request

def ask(path, method="GET", data=None):
    headers = {"Authorization": "Bearer " + os.environ["ZHONGSHU_TOKEN"]}
    request = urllib.request.Request(os.environ["ZHONGSHU_URL"] + path, method=method, headers=headers, data=data)
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code

def handle(event, payload):
    own = "/sessions/" + payload["context"]["threadId"]
    note("asked", [ask(own), ask(own + "/settings"), ask(own + "/session-controls"), ask("/sessions"), ask("/sessions/other"),
                   ask(own + "/interrupt", "POST"), ask("/agents/extensions")])
    note("token", os.environ["ZHONGSHU_TOKEN"])
    note("names", sorted(os.environ))
    return []
"#;

#[tokio::test]
async fn its_token_reads_the_session_of_its_event_while_that_is_handled() {
    let house = house().await;
    house.runs(&Extension::of_turns("reader", ASKS_BACK)).await;
    let (id, _) = house.session_with_turn().await;
    let asked = house.noted_times("reader", "asked", 1).await;
    assert_eq!(asked[0], json!([200, 200, 200, 403, 403, 403, 403]));
    // Of the server's environment it has what it needs, and nothing else.
    let names = house.noted_times("reader", "names", 1).await;
    let names = names[0].as_array().unwrap();
    let servers = std::fs::read(format!("/proc/{}/environ", house.launcher_pid())).unwrap();
    let servers = String::from_utf8_lossy(&servers);
    let servers = servers.split('\0').filter_map(|it| it.split('=').next());
    let shared: Vec<_> = servers.filter(|it| names.contains(&json!(it))).collect();
    // A `python3` that is a script of the shell adds its own.
    let is_of_a_script = |it: &str| ["PWD", "SHLVL", "_"].contains(&it) || it.contains("PYENV");
    let expected = ["HOME", "LANG", "PATH", "LC_CTYPE"];
    for name in shared {
        assert!(expected.contains(&name) || is_of_a_script(name), "{name}");
    }
    assert!(!names.contains(&json!("CODEX_HOME")));
    let token = house.noted("reader", "token")[0]
        .as_str()
        .unwrap()
        .to_owned();
    house
        .wait_for("the end of the pass", async || {
            let (status, _) = crate::bot::Bot::with(&house, &token)
                .get(&format!("/sessions/{id}"))
                .await;
            (status == 401).then_some(())
        })
        .await;
    house.close().await;
}

/// The blocks of the document in this language.
fn blocks(language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/extensions.md");
    let text = std::fs::read_to_string(path).unwrap();
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1);
    blocks
        .map(|it| it.split("```").next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_example_of_the_document_works() {
    example_works(&blocks("python")[0]).await;
}

/// Where the SDK lies that the document's second example needs.
const SDK: &str = "ZHONGSHU_TEST_MCP_SDK";

#[tokio::test]
#[ignore = "needs `pip install --target FOLDER mcp`, and ZHONGSHU_TEST_MCP_SDK=FOLDER"]
async fn the_example_with_the_sdk_works() {
    let Some(folder) = std::env::var_os(SDK) else {
        panic!("{SDK} does not say where the SDK lies");
    };
    let program = &blocks("python")[1];
    // Nothing of our environment reaches an extension.
    example_works(&format!(
        "import sys\nsys.path.insert(0, {folder:?})\n{program}"
    ))
    .await;
}

async fn example_works(program: &str) {
    let house = house().await;
    let manifest = &blocks("json")[0];
    house.writes(
        "greeter",
        &[("extension.manifest.json", manifest), ("main.py", program)],
    );
    let module = house.trusts("greeter").await;
    assert_eq!(module["state"], "running", "{module:#}");
    let (id, turn) = house.session_with_turn().await;
    let row = house.row(&id, "greeter.note").await;
    assert_eq!(
        (&row["turnId"], &row["content"], &row["status"]),
        (
            &json!(turn),
            &json!("This turn is over."),
            &json!("complete")
        )
    );
    house.close().await;
}

/// Decides about changes of files.
fn decides(decision: &str) -> String {
    format!(
        r#"
def handle(event, payload):
    note("asked", payload)
    decide = {{"approvalId": payload["context"]["approvalId"], "decision": "{decision}", "risk": "high"}}
    return [{{"kind": "action_request", "actionType": "approval.decide", "payload": decide}}]
"#
    )
}

#[tokio::test]
async fn the_first_that_decides_about_a_change_has_decided() {
    let patch = |house: &House| {
        let file = house.codex_home.join("file");
        let patch = format!(
            "*** Begin Patch\n*** Add File: {}\n+louder\n*** End Patch\n",
            file.display()
        );
        vec![Step::call(Call::ApplyPatch { patch })]
    };
    let house = asking_with(&governance(), "", patch).await;
    let (no, late) = (decides("decline"), decides("cancel"));
    for (id, priority, code) in [("late", 200, &late), ("first", 100, &no)] {
        let event = json!({"event": "file_change.approval_requested", "priority": priority});
        house
            .runs(&Extension {
                id,
                events: json!([event]),
                declares: json!({"events": ["file_change.approval_requested"], "actions": ["approval.decide"]}),
                code,
            })
            .await;
    }
    // Temporary folders, in one of which all this is, are open to every other sandbox.
    let begin = json!({ "filesystemSandbox": "read-only" });
    let begun = house.make("/sessions", begin).await;
    let id = begun["session"]["sessionId"].as_str().unwrap().to_owned();
    house.lets_reject(&id).await;
    let said = house.says(&id, json!({ "text": crate::waits::ASK })).await;
    let turn = said["turnId"].as_str().unwrap().to_owned();
    // The first no lets the turn go on.
    assert_eq!(house.over(&id, &turn).await["status"], "completed");
    let asked = house.noted_times("first", "asked", 1).await;
    let context = &asked[0]["context"];
    assert_eq!(
        (
            &asked[0]["sourceEvent"],
            &asked[0]["fileChangeStatus"],
            &context["turnId"]
        ),
        (
            &json!("approval_request"),
            &json!("pending_approval"),
            &json!(turn)
        )
    );
    let is_late = |it: &Value| it["diagnostics"].to_string().contains("not_eligible");
    house.module_that("late", "it came too late", is_late).await;
    let audit = house.audit().await;
    let answered = audit.iter().find(|it| it["event"] == "ask_answered");
    assert_eq!(
        answered.unwrap()["actor"],
        "extension:first",
        "{answered:?}"
    );
    house.close().await;
}
