//! Extensions that do what they should not: they are ended, it is told why, and the others go on.

use super::rig::{Extension, NOTHING, house, is_alive, manifest, says};
use serde_json::json;
use std::time::{Duration, Instant};

/// Begins a process that leaves its parent, its session and its environment, and then does nothing any more.
const HANGS_ONCE: &str = r#"
import os, time

def hide():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            note("hidden", os.getpid())
            os.execve("/bin/sleep", ["sleep", "600"], {})
        os._exit(0)

def handle(event, payload):
    if not os.path.exists(os.path.join(HOME, "hung")):
        note("hung", 1)
        hide()
        time.sleep(600)
    return []
"#;

#[tokio::test]
async fn one_that_hangs_is_ended_with_its_tree_and_the_others_go_on() {
    let house = house().await;
    let limit = Duration::from_millis(400);
    let hanging = Extension {
        events: json!([{"event": "turn.completed", "timeoutMs": 400, "priority": 1}]),
        ..Extension::of_turns("hanging", HANGS_ONCE)
    };
    house.runs(&hanging).await;
    house.runs(&Extension::of_turns("working", NOTHING)).await;
    house.session_with_turn().await;
    let hung = house.noted_times("hanging", "hidden", 1).await;
    let began = Instant::now();
    let pid = house.noted("hanging", "pids").pop().unwrap();
    assert!(is_alive(&hung[0]) && is_alive(&pid));
    house
        .wait_for("the end of the whole tree", async || {
            (!is_alive(&hung[0]) && !is_alive(&pid)).then_some(())
        })
        .await;
    // A second and a half after its time; the rest is for a machine that does much else.
    let took = began.elapsed();
    assert!(took < limit + Duration::from_secs(4), "{took:?}");
    house.noted_times("working", "heard", 1).await;
    let module = house
        .module_that("hanging", "it is told why", |it| {
            says(it, "process_ended", "400 ms")
        })
        .await;
    assert!(
        says(&module, "handler_error", "turn.completed"),
        "{module:#}"
    );
    assert_eq!(house.recorded("extension_ended").len(), 1);
    // It comes back by itself, and is told of what happens then.
    house
        .module_that("hanging", "it runs again", |it| it["state"] == "running")
        .await;
    house.session_with_turn().await;
    house.noted_times("hanging", "heard", 2).await;
    house.noted_times("working", "heard", 2).await;
    house.close().await;
}

#[tokio::test]
async fn one_that_floods_us_or_ends_is_started_again() {
    let house = house().await;
    let floods = r#"
import sys
def handle(event, payload):
    while True:
        sys.stdout.write("x" * 65536)
"#;
    house.runs(&Extension::of_turns("flooding", floods)).await;
    let ends = "import os\ndef handle(event, payload):\n    sys.stderr.write('I give up.')\n    sys.stderr.flush()\n    os._exit(3)\n";
    let ends = format!("import sys\n{ends}");
    house.runs(&Extension::of_turns("ending", &ends)).await;
    house.session_with_turn().await;
    let module = house
        .module_that("flooding", "it is told why", |it| {
            says(it, "process_ended", "1 MiB")
        })
        .await;
    assert_ne!(module["state"], "off", "{module:#}");
    let module = house
        .module_that("ending", "it is told why", |it| {
            says(it, "process_ended", "turn.completed")
        })
        .await;
    let said = module["diagnostics"].to_string();
    assert!(said.contains("I give up."), "{module:#}");
    let log = house.log();
    assert!(log.len() < 200_000, "{} bytes of log", log.len());
    house.close().await;
}

#[tokio::test]
async fn one_that_cannot_be_loaded_keeps_the_set_before_in_force() {
    let house = house().await;
    house.runs(&Extension::of_turns("greeter", NOTHING)).await;
    let declares = json!({"events": ["turn.completed"]});
    let of = |id: &str| manifest(id, &declares).to_string();
    let silent = "import sys\nfor line in sys.stdin: pass\n";
    for (id, program, code) in [
        ("syntax", "def handle(:\n", "import_failed"),
        ("dying", "import sys\nsys.exit(3)\n", "import_failed"),
        (
            "talking",
            "print('hello'); import sys; sys.stdout.flush(); sys.exit(0)",
            "import_failed",
        ),
    ] {
        house.writes(
            id,
            &[("extension.manifest.json", &of(id)), ("main.py", program)],
        );
        let module = house.trusts(id).await;
        assert_eq!(module["state"], "off");
        assert_eq!(module["diagnostics"][0]["code"], code, "{module:#}");
        let version = house.look("/agents/extensions").await["snapshotVersion"].clone();
        let (status, answer) = house.reloads().await;
        assert_eq!(
            (status, &answer["code"]),
            (400, &json!("reload_failed")),
            "{answer}"
        );
        let errors = answer["errors"].as_array().unwrap();
        assert_eq!(
            (errors.len(), &errors[0]["extension"]),
            (1, &json!(id)),
            "{answer}"
        );
        let now = house.look("/agents/extensions").await["snapshotVersion"].clone();
        assert_eq!(now, version);
        assert_eq!(house.module("greeter").await["state"], "running");
        std::fs::remove_dir_all(house.extension_folder(id)).unwrap();
    }
    let module = house.module("talking").await;
    assert_eq!(module["state"], "off");
    // With the reason in its own words.
    house.writes(
        "syntax",
        &[
            ("extension.manifest.json", &of("syntax")),
            ("main.py", "def handle(:\n"),
        ],
    );
    let (_, answer) = house.reloads().await;
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("SyntaxError"), "{message}");
    // One that never answers would take its time; nothing of it is left when the house closes.
    std::fs::remove_dir_all(house.extension_folder("syntax")).unwrap();
    house.writes(
        "silent",
        &[
            ("extension.manifest.json", &of("silent")),
            ("main.py", silent),
        ],
    );
    house.reloads().await;
    house.close().await;
}

#[tokio::test]
async fn what_is_not_declared_is_refused() {
    let house = house().await;
    let sneaks = Extension {
        declares: json!({"events": ["app_server.warning"]}),
        ..Extension::of_turns("sneaking", NOTHING)
    };
    house.extension(&sneaks);
    let module = house.trusts("sneaking").await;
    assert_eq!(module["state"], "off");
    assert_eq!(
        module["diagnostics"][0]["code"], "trust_denied",
        "{module:#}"
    );
    std::fs::remove_dir_all(house.extension_folder("sneaking")).unwrap();
    let writes = r#"
def handle(event, payload):
    context = payload["context"]
    row = {"messageId": "m", "turnId": context["turnId"], "role": "system", "type": "sneaked", "content": "", "status": "complete"}
    return [{"kind": "action_request", "actionType": "transcript.upsert", "payload": row},
            {"kind": "action_result", "status": "performed"}, {"kind": "handler_error", "message": "Nothing works."}]
"#;
    let writes = Extension {
        declares: json!({"events": ["turn.completed"], "actions": ["approval.decide"]}),
        ..Extension::of_turns("writing", writes)
    };
    house.runs(&writes).await;
    let (id, _) = house.session_with_turn().await;
    let module = house
        .module_that("writing", "it is told", |it| {
            says(it, "handler_error", "Nothing works.")
        })
        .await;
    assert!(
        says(&module, "forbidden", "transcript.upsert"),
        "{module:#}"
    );
    assert!(says(&module, "invalid", "action_result"), "{module:#}");
    let seen = house.look(&format!("/sessions/{id}")).await;
    let mut rows = seen["transcript"].as_array().unwrap().iter();
    assert!(rows.all(|it| it["type"] != "sneaked"));
    house.close().await;
}

#[tokio::test]
async fn nothing_of_them_outlives_the_server() {
    let mut house = house().await;
    let hanging = HANGS_ONCE.replace("time.sleep(600)", "time.sleep(30)");
    house.runs(&Extension::of_turns("hanging", &hanging)).await;
    house.session_with_turn().await;
    let hidden = house.noted_times("hanging", "hidden", 1).await;
    let pid = house.noted("hanging", "pids").pop().unwrap();
    house.kill_launcher().await;
    house
        .wait_for("the end of the extension", async || {
            (!is_alive(&hidden[0]) && !is_alive(&pid)).then_some(())
        })
        .await;
    house.start(&[]).await;
    house.knows_sessions().await;
    house
        .module_that("hanging", "it runs again", |it| it["state"] == "running")
        .await;
    house.close().await;
}
