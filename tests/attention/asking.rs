//! A department that asks something, and what a person sees of it.

use crate::support::House;
use crate::support::script::{assignment, by_tool, department, plan, planner, told};
use mock_model::{Call, Script, Step};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// One department that works without asking, but for what its calls want.
pub const GOVERNANCE: &str =
    "version: 1\nlanguage: en\ndepartments:\n  lingyubu: {approval: on-request}\n";

/// The same, where every patch is asked about.
pub const READ_ONLY: &str = "version: 1\nlanguage: en\ndepartments:\n  lingyubu: {approval: on-request, sandbox: read-only}\n";

/// The department makes these calls, one after the other, then reports.
pub fn script(calls: impl IntoIterator<Item = Call>) -> Script {
    let mut steps: Vec<Step> = calls.into_iter().map(Step::call).collect();
    steps.push(Step::call(by_tool("ASKED")));
    steps.push(Step::say("Done."));
    Script::new([
        told("told", "", vec![Step::say("Noted.")]),
        planner(plan([assignment("lingyubu", "asks")])),
        department("lingyubu", steps),
    ])
}

/// A command that wants to leave the sandbox.
pub fn touches(path: &Path) -> Call {
    Call::Shell {
        cmd: format!("touch '{}'", path.display()),
        workdir: None,
        escalate: Some("The greeter needs this file.".to_owned()),
        yield_time_ms: None,
    }
}

/// A patch that adds a file.
pub fn patches(path: &Path) -> Call {
    let patch = format!(
        "*** Begin Patch\n*** Add File: {}\n+louder\n*** End Patch\n",
        path.display()
    );
    Call::ApplyPatch { patch }
}

/// The events with this name, oldest first.
pub fn named(audit: &[Value], name: &str) -> Vec<Value> {
    let named = audit.iter().filter(|event| event["event"] == name);
    named.cloned().collect()
}

/// A house with a department that wants to make a file outside of its sandbox; with the file and the planner.
pub async fn wants_outside() -> (House, PathBuf, String) {
    let mut house = House::build(Script::default(), GOVERNANCE).await;
    let path = house.codex_home.join("outside.txt");
    house.model.set_script(script([touches(&path)]));
    house.start(&[]).await;
    house.allow().await;
    let planner = house.at_work().await;
    (house, path, planner)
}

impl House {
    /// The ask number `number`, once it was raised, counted from 0.
    pub async fn ask(&self, number: usize) -> Value {
        let look = async || {
            let audit = self.audit().await;
            named(&audit, "ask_raised").get(number).cloned()
        };
        self.wait_for(&format!("ask {number}"), look).await
    }

    /// How an ask came to its end, once it has.
    pub async fn settled(&self, ask: &Value) -> Value {
        let look = async || {
            let audit = self.audit().await;
            let settled = named(&audit, "ask_settled");
            let newest = settled.into_iter().rev();
            newest.into_iter().find(|it| it["ask_id"] == ask["ask_id"])
        };
        self.wait_for("the end of the ask", look).await
    }

    /// Decides, and gets the ask as it stands then.
    pub async fn decide(&self, ask: &Value, body: Value) -> Value {
        self.post(&path_of(ask), body).await["ask"].clone()
    }

    /// It waits, and its session says so.
    pub async fn waits(&self, words: &str) -> Value {
        self.department("lingyubu", "it waits", |session| {
            let says = session["status_reason"].as_str().unwrap_or_default();
            session["activity"] == "blocked" && says.contains(words)
        })
        .await
    }

    /// The department has gone on, and reported.
    pub async fn goes_on(&self, planner: &str) {
        let result = self.result(planner, "lingyubu").await;
        assert_eq!(result["summary"], "ASKED", "{result}");
        let idle = |session: &Value| session["status"] == "reported";
        let session = self.department("lingyubu", "it is over", idle).await;
        assert_eq!(session["status_reason"], Value::Null);
    }
}

/// Where an ask is answered.
pub fn path_of(ask: &Value) -> String {
    format!("/api/attention/{}", ask["ask_id"].as_str().unwrap())
}

/// The ids of what may be decided.
pub fn offered(ask: &Value) -> Vec<&str> {
    let offered = ask["offered"].as_array().unwrap().iter();
    offered.map(|it| it["id"].as_str().unwrap()).collect()
}

/// A decision.
pub fn decision(id: &str) -> Value {
    json!({ "decision": id })
}
