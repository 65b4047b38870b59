//! Extensions that are modules of Node: the host runs them as they are.

use super::rig::{Extension, NOTHING, house, is_alive};
use crate::support::House;
use serde_json::{Value, json};

/// Writes a line into a file in its home.
const NOTE: &str = r#"
import { appendFileSync } from "node:fs";
const note = (name, value) => appendFileSync(`${process.env.HOME}/${name}`, `${JSON.stringify(value)}\n`);
"#;

/// Settings of the session, a job, words on the console, and two handlers of one event, of which the first fails.
const WHOLE: &str = r#"
export async function registerAgentEvents(registry) {
  registry.on("turn.completed", async (event, tools) => {
    note("late", Date.now());
    console.log("said", { loudly: true });
    process.stdout.write("and once more\n");
    tools.logger.info("logged");
    const session = event.payload.context.sourceSessionId;
    note("settings", [await tools.getSessionSettings(session), await tools.getSessionSetting(session, "mood"),
                      await tools.getSessionSetting("another", "mood").catch((error) => error.message)]);
    const { turnId, projectId } = event.payload.context;
    const job = await tools.enqueueJob({
      type: "agent_instruction",
      payload: { agent: "modular", jobKind: "look", projectId, sourceSessionId: session, threadId: session, turnId,
                 instructionText: "Look." },
    });
    return { ...job, status: "enqueued" };
  }, { priority: 200 });
  registry.on("turn.completed", (event) => {
    note("early", [Date.now(), event.type]);
    throw new Error("not today");
  }, { priority: 5, timeoutMs: 5000 });
}
"#;

impl House {
    /// Writes a module and its manifest, which names no program.
    fn writes_module(&self, id: &str, file: &str, code: &str) {
        let manifest = json!({
            "name": id, "version": "1.0.0", "agentId": id, "displayName": id,
            "runtime": {"coreApiVersion": 1, "profiles": [{"name": "codex-manager", "versionRange": "^1.0.0"}]},
            "entrypoints": {"events": file},
            "capabilities": {"events": ["turn.completed"], "actions": ["queue.enqueue", "transcript.upsert"]},
        });
        let manifest = manifest.to_string();
        self.writes(id, &[("extension.manifest.json", &manifest), (file, code)]);
    }

    async fn runs_module(&self, id: &str, file: &str, code: &str) -> Value {
        self.writes_module(id, file, code);
        let module = self.trusts(id).await;
        assert_eq!(module["state"], "running", "{module:#}");
        module
    }
}

#[tokio::test]
async fn a_module_runs_as_it_is_and_its_handlers_stand_in_one_order_with_all_others() {
    let house = house().await;
    let module = house
        .runs_module("modular", "events.mjs", &format!("{NOTE}{WHOLE}"))
        .await;
    assert_eq!(module["events"], json!(["turn.completed"]));
    // In whole milliseconds, as the others.
    let between = "import time\ndef handle(event, payload):\n    note('at', int(time.time() * 1000))\n    return []\n";
    house.runs(&Extension::of_turns("between", between)).await;
    let id = house.chat().await;
    let settings = json!({"scope": "session", "settings": {"mood": "calm"}});
    house
        .granted(
            "POST",
            &format!("/sessions/{id}/settings"),
            Some(settings),
            200,
        )
        .await;
    house.has_turn(&id, "Hello.").await;
    let read = house.noted_times("modular", "settings", 1).await;
    assert_eq!(
        (&read[0][0]["mood"], &read[0][1]),
        (&json!("calm"), &json!("calm"))
    );
    assert!(read[0][2].is_string(), "{read:?}");
    let at = |value: &Value| value.as_f64().unwrap();
    let (early, late) = (
        house.noted("modular", "early"),
        house.noted("modular", "late"),
    );
    let between = house.noted("between", "at");
    assert!(at(&early[0][0]) <= at(&between[0]) && at(&between[0]) <= at(&late[0]));
    assert_eq!(
        (early.len(), late.len(), &early[0][1]),
        (1, 1, &json!("turn.completed"))
    );
    let jobs = house
        .wait_for("the job", async || {
            let jobs = house
                .look(&format!("/projects/session:{id}/orchestrator/jobs"))
                .await;
            let jobs = jobs["data"].as_array().unwrap().clone();
            (!jobs.is_empty()).then_some(jobs)
        })
        .await;
    assert_eq!(
        (jobs.len(), &jobs[0]["type"]),
        (1, &json!("agent_instruction"))
    );
    let module = house
        .module_that("modular", "its failure is told", |it| {
            it["diagnostics"].to_string().contains("not today")
        })
        .await;
    // What it prints is no part of the conversation.
    assert_eq!(module["state"], "running");
    assert!(house.recorded("extension_ended").is_empty());
    house.close().await;
}

#[tokio::test]
async fn one_that_never_comes_back_is_ended_and_its_other_handlers_go_on() {
    let house = house().await;
    let hangs = r#"
export default function (registry) {
  registry.on("turn.completed", () => { note("pid", process.pid); for (;;) {} }, { priority: 1, timeoutMs: 400 });
  registry.on("turn.completed", () => { note("after", 1); return new Promise(() => {}); }, { priority: 2, timeoutMs: 400 });
  registry.on("turn.completed", () => note("last", 1), { priority: 3 });
}
"#;
    house
        .runs_module("hanging", "events.js", &format!("{NOTE}{hangs}"))
        .await;
    house.runs(&Extension::of_turns("working", NOTHING)).await;
    house.session_with_turn().await;
    let pid = house.noted_times("hanging", "pid", 1).await;
    house
        .wait_for("its end", async || (!is_alive(&pid[0])).then_some(()))
        .await;
    house.noted_times("hanging", "after", 1).await;
    house.noted_times("hanging", "last", 1).await;
    house.noted_times("working", "heard", 1).await;
    assert_eq!(house.noted("hanging", "pid").len(), 1);
    assert_eq!(house.recorded("extension_ended").len(), 2);
    house.close().await;
}

#[tokio::test]
async fn what_cannot_be_run_says_why() {
    let house = house().await;
    for (id, file, code, expected, words) in [
        (
            "silent",
            "events.js",
            "export const other = 1;",
            "missing_register",
            "registerAgentEvents",
        ),
        (
            "empty",
            "events.js",
            "export default () => {};",
            "registration_failed",
            "no event",
        ),
        (
            "syntax",
            "events.js",
            "export function registerAgentEvents(registry) {\n  registry.on('turn.completed', (x => 1);\n}\n",
            "import_failed",
            "events.js:2",
        ),
        (
            "mixed",
            "events.js",
            "const fs = require('node:fs');\nexport default () => {};\n",
            "import_failed",
            "events.js:1",
        ),
        (
            "throwing",
            "events.mjs",
            "export default () => {\n  throw new Error('not like this');\n};\n",
            "import_failed",
            "not like this",
        ),
    ] {
        house.writes_module(id, file, code);
        let module = house.trusts(id).await;
        assert_eq!(module["state"], "off");
        let told = &module["diagnostics"][0];
        assert_eq!(told["code"], expected, "{module:#}");
        let message = told["message"].as_str().unwrap();
        assert!(message.contains(words), "{id}: {message}");
        std::fs::remove_dir_all(house.extension_folder(id)).unwrap();
    }
    // Without a program there is nothing to trust.
    house.writes_module("other", "events.py", "");
    let (_, answer) = house.reloads().await;
    let error = &answer["errors"][0];
    assert_eq!(error["code"], "missing_entrypoint", "{answer}");
    assert!(error["message"].as_str().unwrap().contains(".mjs"));
    std::fs::remove_dir_all(house.extension_folder("other")).unwrap();
    // The older form of modules is a module as well.
    let older = r#"
const { appendFileSync } = require("node:fs");
module.exports.registerAgentEvents = (registry) => {
  registry.on("turn.completed", () => appendFileSync(`${process.env.HOME}/heard`, "1\n"));
};
"#;
    house.runs_module("older", "events.js", older).await;
    house.session_with_turn().await;
    house.noted_times("older", "heard", 1).await;
    house.close().await;
}
