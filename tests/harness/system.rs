//! Codex as a whole, jobs and extensions: each request with its status, and its answer held against the document.

use crate::document::{fits, operations};
use crate::rig::{PREFIX, house, script};
use crate::support::{GOVERNANCE, House};
use serde_json::{Value, json};

/// A request, what it is answered with, and what else must hold of the answer.
struct Case {
    method: &'static str,
    path: &'static str,
    body: Option<Value>,
    status: u16,
    holds: fn(&Value) -> bool,
}

fn get(path: &'static str, status: u16, holds: fn(&Value) -> bool) -> Case {
    Case {
        method: "GET",
        path,
        body: None,
        status,
        holds,
    }
}

fn post(path: &'static str, body: Value, status: u16, holds: fn(&Value) -> bool) -> Case {
    Case {
        method: "POST",
        path,
        body: Some(body),
        status,
        holds,
    }
}

/// The description of whatever answers at a path.
fn described(document: &Value, method: &str, path: &str) -> Value {
    let path = path.split('?').next().unwrap_or_default();
    let wanted: Vec<_> = format!("{PREFIX}{path}")
        .split('/')
        .map(str::to_owned)
        .collect();
    let matches = |template: &str| {
        let parts: Vec<_> = template.split('/').collect();
        let pairs = parts.iter().zip(&wanted);
        parts.len() == wanted.len() && pairs.into_iter().all(|(a, b)| a.starts_with('{') || a == b)
    };
    let mut found: Vec<_> = operations(document)
        .into_iter()
        .filter(|(is, template, _)| is == method && matches(template))
        .collect();
    found.sort_by_key(|(_, template, _)| template.matches('{').count());
    let (_, _, operation) = found
        .into_iter()
        .next()
        .unwrap_or_else(|| panic!("{method} {path} is not described"));
    operation
}

/// A house whose Codex can be asked.
async fn ready_house() -> House {
    let house = house([]).await;
    house
        .wait_for("Codex", async || {
            let (status, _) = house.ask("GET", "/health?ready=true", None).await;
            (status == 200).then_some(())
        })
        .await;
    house
}

async fn assert_answers(house: &House, cases: Vec<Case>) {
    let document = house.look("/openapi.json").await;
    let mut wrong = Vec::new();
    for case in cases {
        let here = format!("{} {} {:?}", case.method, case.path, case.body);
        let operation = described(&document, case.method, case.path);
        let (status, answer) = house.ask(case.method, case.path, case.body).await;
        if status != case.status || !(case.holds)(&answer) {
            wrong.push(format!("{here}: {status} {answer:#}, not {}", case.status));
            continue;
        }
        let told = &operation["responses"][status.to_string()];
        if told.is_null() {
            wrong.push(format!("{here}: {status} is not described"));
            continue;
        }
        let schema = &told["content"]["application/json"]["schema"];
        if let Err(error) = fits(&document, schema, &answer) {
            wrong.push(format!("{here}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn any(_: &Value) -> bool {
    true
}

fn some_data(answer: &Value) -> bool {
    answer["data"]
        .as_array()
        .is_some_and(|data| !data.is_empty())
}

fn is_page(answer: &Value) -> bool {
    answer["data"].is_array() && answer.get("nextCursor").is_some()
}

fn is_done(answer: &Value) -> bool {
    answer["status"] == "ok" && answer["result"].is_object()
}

fn says(code: &'static str) -> impl Fn(&Value) -> bool {
    move |answer| answer["code"] == code && answer["message"].is_string()
}

/// A refusal by its code.
macro_rules! code {
    ($code:literal) => {
        |answer: &Value| says($code)(answer)
    };
}

/// V400, for this field.
macro_rules! issue {
    ($path:literal) => {
        |answer: &Value| answer["code"] == "invalid_request" && answer["issues"][0]["path"] == $path
    };
}

#[tokio::test]
async fn what_codex_offers_is_passed_on() {
    let house = ready_house().await;
    let one = |answer: &Value| answer["data"].as_array().unwrap().len() == 1;
    let cases = vec![
        get("/features/experimental", 200, some_data),
        get("/features/experimental?limit=1", 200, one),
        get("/features/experimental?limit=0", 400, issue!("limit")),
        get("/features/experimental?limit=201", 400, issue!("limit")),
        get(
            "/features/experimental?cursor=x",
            400,
            code!("invalid_params"),
        ),
        get("/collaboration/modes", 200, some_data),
        get("/models?limit=2", 200, some_data),
        get("/mcp/servers", 200, is_page),
        get("/apps?forceRefetch=false", 200, is_page),
        get("/apps?forceRefetch=1", 400, issue!("forceRefetch")),
        get("/skills", 200, is_page),
        get("/skills?cwd=/", 403, code!("above_ceiling")),
        get("/skills?cwd=nowhere", 400, issue!("cwd")),
        get("/skills/remote", 501, code!("method_not_supported")),
        post(
            "/skills/remote",
            json!({"hazelnutId": "h", "isPreload": true}),
            501,
            code!("method_not_supported"),
        ),
        post("/skills/remote", json!({"hazelnutId": "h"}), 400, any),
        post("/skills/config", json!({"path": "x"}), 400, any),
        post(
            "/skills/config",
            json!({"path": "/no/SKILL.md", "enabled": false}),
            200,
            is_done,
        ),
        post("/mcp/reload", json!({}), 200, is_done),
        post(
            "/mcp/servers/none/oauth/login",
            json!({}),
            404,
            code!("not_found"),
        ),
        post(
            "/mcp/servers/none/oauth/login",
            json!({"timeoutSecs": 0}),
            400,
            issue!("timeoutSecs"),
        ),
    ];
    assert_answers(&house, cases).await;
    house.close().await;
}

#[tokio::test]
async fn what_codex_can_do_is_known_without_a_call() {
    let house = ready_house().await;
    let cases = vec![
        get("/capabilities", 200, |answer| {
            let method = |name: &str| answer["methods"][name].clone();
            method("model/list") == "available"
                && method("skills/remote/read") == "disabled"
                && method("feedback/upload") == "disabled"
                && answer["details"]["feedback/upload"]["reason"].is_string()
                && answer["runtime"]["capabilitiesLastUpdatedAt"].is_string()
        }),
        get("/capabilities?refresh=true", 200, |answer| {
            answer["runtime"]["initialized"] == true
                && answer["features"]
                    .as_object()
                    .is_some_and(|it| it.len() > 5)
        }),
        get("/capabilities?refresh=yes", 400, issue!("refresh")),
    ];
    assert_answers(&house, cases).await;
    house.close().await;
}

#[tokio::test]
async fn account_and_configuration_are_read_and_changed_and_secrets_stay() {
    let house = ready_house().await;
    let value = |value: Value| json!({"keyPath": "mcp_servers.x", "mergeStrategy": "replace", "value": value});
    let server = json!({"command": "true", "enabled": false, "env": {"A": "SECRET-1"}, "args": ["--token", "SECRET-2"]});
    let mut stale = value(json!({"command": "true"}));
    stale["expectedVersion"] = "x".into();
    let login = "/account/login/start";
    let cases = vec![
        get("/account", 200, |answer| answer.get("account").is_some()),
        get("/account/rate-limits", 401, code!("auth_required")),
        post(login, json!({}), 400, any),
        post(login, json!({"type": "magic"}), 400, any),
        post(login, json!({"type": "apiKey"}), 400, any),
        post(
            "/account/login/cancel",
            json!({"loginId": ""}),
            400,
            issue!("loginId"),
        ),
        post(
            "/account/login/cancel",
            json!({"loginId": "x"}),
            404,
            code!("not_found"),
        ),
        post(
            "/account/login/cancel",
            json!({"loginId": "01890a5d-ac96-774b-bcce-b302099a8057"}),
            404,
            code!("not_found"),
        ),
        post(
            login,
            json!({"type": "apiKey", "apiKey": "sk-test"}),
            200,
            is_done,
        ),
        post("/account/logout", json!({}), 200, is_done),
        get("/config/requirements", 200, |answer| answer.is_object()),
        post("/config/value", value(server), 200, is_done),
        post("/config/value", stale, 409, code!("invalid_state")),
        post(
            "/config/value",
            json!({"keyPath": "model", "mergeStrategy": "replace", "value": 5}),
            400,
            |answer| {
                answer["code"] == "invalid_params"
                    && answer["details"]["data"]["config_write_error_code"]
                        == "configValidationError"
            },
        ),
        post(
            "/config/value",
            json!({"keyPath": "model", "value": 5}),
            400,
            any,
        ),
        post("/config/batch", json!({"edits": []}), 400, issue!("edits")),
        post(
            "/config/batch",
            json!({"edits": [{"keyPath": "tui.notifications", "mergeStrategy": "upsert", "value": true}]}),
            200,
            is_done,
        ),
        get("/config?includeLayers=true", 200, |answer| {
            let text = answer.to_string();
            answer["config"]["mcp_servers"]["x"]["env"]["A"] == "***" && !text.contains("SECRET")
        }),
        get("/config?cwd=/", 403, code!("above_ceiling")),
        get("/config?includeLayers=1", 400, issue!("includeLayers")),
    ];
    assert_answers(&house, cases).await;
    house.close().await;
}

#[tokio::test]
async fn commands_and_feedback_are_read_before_anything_is_done() {
    let house = ready_house().await;
    let exec = "/commands/exec";
    let cases = vec![
        post(exec, json!({"command": []}), 400, issue!("command")),
        post(
            exec,
            json!({"command": ["ls"], "timeoutMs": 0}),
            400,
            issue!("timeoutMs"),
        ),
        post(
            exec,
            json!({"command": ["ls"], "cwd": "/"}),
            403,
            code!("above_ceiling"),
        ),
        post(
            "/feedback",
            json!({"classification": "bug", "includeLogs": false}),
            403,
            code!("above_ceiling"),
        ),
        post("/feedback", json!({"classification": "bug"}), 400, any),
    ];
    assert_answers(&house, cases).await;
    let journal = std::fs::read_to_string(house.state.join("harness.jsonl")).unwrap();
    let met = journal.lines().filter(|line| line.contains("ceiling_met"));
    assert_eq!(met.count(), 2, "{journal}");
    house.close().await;
}

#[tokio::test]
async fn jobs_are_none_and_extensions_are_none() {
    let house = house([]).await;
    let jobs = "/projects/p/orchestrator/jobs";
    let cases = vec![
        get(jobs, 200, |answer| answer["data"] == json!([])),
        get(
            "/projects/p/orchestrator/jobs?state=lost",
            400,
            issue!("state"),
        ),
        get("/orchestrator/jobs/j", 404, code!("not_found")),
        post(
            "/orchestrator/jobs/j/cancel",
            json!({}),
            404,
            code!("not_found"),
        ),
        post(
            "/orchestrator/jobs",
            json!({"type": "none", "payload": {}}),
            409,
            code!("job_conflict"),
        ),
        get("/agents/extensions", 200, |answer| {
            answer["snapshotVersion"] == "0" && answer["modules"] == json!([])
        }),
        post("/agents/extensions/reload", json!({}), 200, |answer| {
            answer["loadedCount"] == 0 && answer["failedCount"] == 0
        }),
        get("/agents/extensions", 200, |answer| {
            answer["snapshotVersion"] == "1"
        }),
    ];
    assert_answers(&house, cases).await;
    let journal = std::fs::read_to_string(house.state.join("harness.jsonl")).unwrap();
    assert!(journal.contains("extensions_reloaded"), "{journal}");
    house.close().await;
}

#[tokio::test]
async fn without_codex_it_is_said_when_to_come_back_and_what_it_lacks_stays_lacking() {
    let mut house = House::build(script([]), GOVERNANCE).await;
    house.start(&[]).await;
    let cases = vec![
        get("/health", 200, |answer| answer["status"] == "ok"),
        get("/health?ready=false", 200, |answer| {
            answer["codex"]["running"] == false
        }),
        get("/health?ready=true", 503, |answer| {
            answer["status"] == "ok" && answer["codex"]["initialized"] == false
        }),
        get("/models", 503, code!("codex_unavailable")),
        get("/account", 503, code!("codex_unavailable")),
        get("/skills/remote", 501, code!("method_not_supported")),
        get("/capabilities", 200, |answer| {
            answer["runtime"]["initialized"] == false
                && answer["methods"]["model/list"] == "available"
                && answer["features"] == json!({})
        }),
    ];
    assert_answers(&house, cases).await;
    house.close().await;
}

#[tokio::test]
async fn a_suggestion_is_a_row_that_ends_once() {
    let house = ready_house().await;
    let id = house.chat().await;
    let path = format!("/sessions/{id}/suggested-request");
    let upsert = format!("{path}/upsert");
    let told = |status: &str, suggestion: Option<&str>| json!({"requestKey": "k", "status": status, "suggestion": suggestion});
    let put = house.make(&upsert, told("streaming", Some("Go"))).await;
    assert_eq!(put["entry"]["status"], "streaming");
    let refused = house
        .denied("POST", &upsert, Some(told("complete", None)), 400)
        .await;
    assert_eq!(
        (&refused["status"], &refused["code"]),
        (&json!("invalid_request"), &json!("missing_suggestion"))
    );
    let put = house.make(&upsert, told("complete", Some("Go on"))).await;
    assert_eq!(
        (
            &put["sessionId"],
            &put["requestKey"],
            &put["entry"]["suggestion"]
        ),
        (&json!(id), &json!("k"), &json!("Go on"))
    );
    let late = house.make(&upsert, told("streaming", Some("G"))).await;
    assert_eq!(late["entry"], put["entry"]);
    let longer = "x".repeat(8_001);
    house
        .denied("POST", &upsert, Some(told("complete", Some(&longer))), 400)
        .await;
    for run in [path.clone(), format!("{path}/jobs")] {
        let long = json!({"draft": "x".repeat(4_001)});
        house.denied("POST", &run, Some(long), 400).await;
        let nobody = run.replace(&id, "nobody");
        house
            .denied("POST", &nobody, Some(json!({"draft": 5})), 404)
            .await;
    }
    let journal = std::fs::read_to_string(house.state.join("harness.jsonl")).unwrap();
    assert_eq!(
        journal.matches("agent.suggestedRequest").count(),
        2,
        "{journal}"
    );
    house.close().await;
}
