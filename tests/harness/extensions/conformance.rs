//! `zhongshu harness conformance`: extensions tried without a server.

use crate::rig::script;
use crate::support::{GOVERNANCE, House};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/fixtures/extensions").join(name)
}

/// A house in which no server runs.
async fn empty_house() -> House {
    House::build(script([]), GOVERNANCE).await
}

impl House {
    /// The exit code and the report.
    async fn conforms(&self, folder: &Path) -> (Option<i32>, Value) {
        let folder = folder.to_str().unwrap();
        let (code, said, complaints) = self
            .run(&["harness", "conformance", folder, "--json"])
            .await;
        let report = serde_json::from_str(&said);
        (
            code,
            report.unwrap_or_else(|error| panic!("{error}: {said}{complaints}")),
        )
    }

    /// An extension in Python that answers with these results.
    fn answering(&self, id: &str, actions: Value, results: &Value) -> PathBuf {
        let manifest = json!({
            "name": id, "version": "1.0.0", "agentId": id, "displayName": id, "command": ["python3", "main.py"],
            "capabilities": {"events": ["turn.completed"], "actions": actions},
        });
        let code = format!(
            r#"
import json, sys
RESULTS = json.loads({:?})
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message: continue
    result = {{
        "initialize": lambda it: {{"protocolVersion": it["protocolVersion"], "capabilities": {{"tools": {{}}}}, "serverInfo": {{"name": "t", "version": "1"}}}},
        "tools/list": lambda it: {{"tools": [{{"name": "handle_event", "inputSchema": {{"type": "object"}}, "_meta": {{"events": [{{"event": "turn.completed", "timeoutMs": 400}}]}}}}]}},
        "tools/call": lambda it: {{"content": [], "structuredContent": {{"results": RESULTS or exec("while True: pass")}}}},
    }}[message["method"]](message.get("params"))
    print(json.dumps({{"jsonrpc": "2.0", "id": message["id"], "result": result}}), flush=True)
"#,
            results.to_string()
        );
        self.writes(
            id,
            &[
                ("extension.manifest.json", &manifest.to_string()),
                ("main.py", &code),
            ],
        );
        self.extension_folder(id)
    }

    /// Nothing of what ran is left.
    fn left(&self) -> usize {
        let all = std::fs::read_dir(self.root.join("tmp")).unwrap();
        let names = all.map(|it| it.unwrap().file_name());
        names
            .filter(|it| it.to_string_lossy().starts_with("zhongshu-"))
            .count()
    }
}

#[tokio::test]
async fn a_portable_extension_passes_and_one_that_lies_fails() {
    let house = empty_house().await;
    let (code, report) = house.conforms(&fixture("portable")).await;
    assert_eq!(
        (code, &report["portableExtension"]),
        (Some(0), &json!(true)),
        "{report:#}"
    );
    let profiles = report["profiles"].as_array().unwrap();
    assert_eq!(profiles.len(), 2);
    for (profile, id) in profiles.iter().zip(["codex-manager", "generic"]) {
        assert_eq!(
            [
                &profile["profileId"],
                &profile["status"],
                &profile["enqueueStatus"],
                &profile["enqueueJobType"]
            ],
            [
                &json!(id),
                &json!("passed"),
                &json!("enqueued"),
                &json!("agent_instruction")
            ]
        );
        assert_eq!(
            (&profile["loadedModuleCount"], &profile["errors"]),
            (&json!(1), &json!([]))
        );
        assert_eq!(profile["events"].as_array().unwrap().len(), 2);
    }
    let (code, report) = house.conforms(&fixture("lying")).await;
    assert_eq!(
        (code, &report["portableExtension"]),
        (Some(1), &json!(false))
    );
    let profile = &report["profiles"][0];
    assert_eq!(
        (&profile["status"], &profile["loadedModuleCount"]),
        (&json!("failed"), &json!(0))
    );
    assert_eq!(profile["errors"][0]["code"], "trust_denied", "{report:#}");
    // The same in words.
    let folder = fixture("lying");
    let (code, said, _) = house
        .run(&["harness", "conformance", folder.to_str().unwrap()])
        .await;
    assert_eq!(code, Some(1));
    assert!(
        said.contains("codex-manager 1.0.0: failed") && said.contains("agent_message.delta"),
        "{said}"
    );
    assert_eq!(house.left(), 0);
    house.close().await;
}

#[tokio::test]
async fn what_would_not_be_done_is_told() {
    let house = empty_house().await;
    let row = |session: &str| json!([{"kind": "action_request", "actionType": "transcript.upsert", "payload": {"sessionId": session}}]);
    let job = json!([{"kind": "enqueue_result", "job": {"type": "no_such_job", "payload": {}}}]);
    for (id, actions, results, code) in [
        (
            "undeclared",
            json!([]),
            row("01900000-0000-7000-8000-000000000001"),
            "forbidden",
        ),
        ("elsewhere", json!(["*"]), row("another"), "forbidden"),
        ("unknown", json!(["*"]), job, "invalid"),
        (
            "failing",
            json!(["*"]),
            json!([{"kind": "handler_error", "message": "No."}]),
            "handler_error",
        ),
        (
            "ready",
            json!(["*"]),
            json!([{"kind": "action_result"}]),
            "invalid",
        ),
        ("hanging", json!(["*"]), json!([]), "handler_error"),
    ] {
        let folder = house.answering(id, actions, &results);
        let (exit, report) = house.conforms(&folder).await;
        let errors = &report["profiles"][0]["errors"];
        assert_eq!(
            (exit, &errors[0]["code"]),
            (Some(1), &json!(code)),
            "{id}: {report:#}"
        );
    }
    // What is fine here is so without being portable.
    let folder = house.answering("quiet", json!([]), &json!([{"kind": "handler_result"}]));
    let (exit, report) = house.conforms(&folder).await;
    assert_eq!(
        (exit, &report["portableExtension"]),
        (Some(0), &json!(false)),
        "{report:#}"
    );
    assert_eq!(report["profiles"][0]["enqueueStatus"], "not_registered");
    assert_eq!(house.left(), 0);
    house.close().await;
}

#[tokio::test]
async fn without_a_node_that_runs_it_a_module_says_what_to_install() {
    let house = empty_house().await;
    let bin = house.root.join("bin");
    std::fs::create_dir(&bin).unwrap();
    let folder = fixture("portable");
    for (version, words) in [(None, "install Node.js"), (Some("v18.20.4"), "18.20.4")] {
        if let Some(version) = version {
            let node = bin.join("node");
            std::fs::write(&node, format!("#!/bin/sh\necho {version}\n")).unwrap();
            std::fs::set_permissions(&node, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut command = house.zhongshu();
        let line = ["harness", "conformance", folder.to_str().unwrap(), "--json"];
        let output = command.args(line).env("PATH", &bin).output().await.unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let error = &report["profiles"][0]["errors"][0];
        assert_eq!(error["code"], "missing_entrypoint", "{report:#}");
        assert!(
            error["message"].as_str().unwrap().contains(words),
            "{error}"
        );
    }
    house.close().await;
}
