//! Every endpoint's yes: the fields that the contract lists, the names that older clients use, the order of lists and the
//! form of times.

use super::agent::Agent;
use super::world::World;
use serde_json::{Value, json};

/// Asserts that an object has all of these fields.
#[track_caller]
fn has(object: &Value, fields: &str) {
    let missing: Vec<&str> = fields
        .split([',', ' ', '\n'])
        .filter(|field| !field.is_empty() && object.get(field).is_none())
        .collect();
    assert!(missing.is_empty(), "{missing:?} are not in {object:#}");
}

/// Asserts that every `…_at`, `ts` is RFC 3339 with a zone, wherever it stands.
fn times_are_rfc3339(value: &Value, at: &str) -> usize {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let is_time = name.ends_with("_at") || name == "ts";
                match value {
                    Value::String(text) if is_time => {
                        let parsed = chrono::DateTime::parse_from_rfc3339(text);
                        assert!(parsed.is_ok(), "{at}.{name}: {text}");
                        1
                    }
                    value => times_are_rfc3339(value, &format!("{at}.{name}")),
                }
            })
            .sum(),
        Value::Array(items) => items.iter().map(|item| times_are_rfc3339(item, at)).sum(),
        _ => 0,
    }
}

/// Asserts that a list is newest first, and that there is something to order.
#[track_caller]
fn newest_first(list: &Value, time: &str) {
    let times: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item[time].as_str().unwrap())
        .collect();
    assert!(times.len() > 1, "{list:#}");
    assert!(times.windows(2).all(|pair| pair[0] >= pair[1]), "{times:?}");
}

const STATUS: &str = "ok, api_version, repo, project_name, workflow_doc, departments, active_terminals, \
    active_department_sessions, active_zhongshu_sessions, active_sessions_total, max_terminals, \
    max_department_sessions, model_choices, zhongshu_model, department_model, browser_terminals, queue, \
    department_queue, sessions, zhongshu_sessions, department_sessions, queue_paused, codex, trust, powers, seq, \
    language, warnings, unapproved_commits";
const SESSION: &str = "id, department, role, session_kind, title, pid, model, prompt_path, log_path, status, \
    started_at, ended_at, task, heartbeat_status, idle_seconds, last_activity_at, browser_terminal_id, \
    browser_terminal_status, browser_terminal_url, browser_terminal_title, mailbox, parent_session_id, \
    transcript_preview";
const PLANNER: &str = "unread_result_count, child_department_ids, plan_status, plan_reported_at, \
    resumed_from_session_id, rejected_files, rejected_files_counted, rejected_files_removed";
const DEPARTMENT: &str =
    "report_status, reported_at, last_report_id, auto_closed, auto_close_reason";
const RESULT: &str = "report_id, parent_session_id, department_session_id, department, summary, changed_files, \
    verifications_run, verifications_skipped, risks, needs_user_confirmation, next_action, reported_at, source, \
    read, mailbox_file, handoff_packet, revision";
const INBOX: &str = "ok, session, unread_results, read_results, running_departments, completed_departments, \
    queued_departments, unread_count";

#[test]
fn answers_have_the_fields_of_the_contract_in_the_contracts_order() {
    let world = World::serving();
    let token = world.token("looker", "human");
    let look = |path: &str| {
        let (socket, tcp) = (world.get(path), world.tcp(&token, "GET", path, None));
        // The clock moves between the two; names do not.
        assert_eq!((socket.status, tcp.status), (200, 200), "{path}");
        tcp.json()
    };
    let old = world.planner("an older one");
    let planner = world.planner("plan it");
    let plan = json!({ "zhongshu_session_id": planner.id, "plan": { "summary": "s", "assignments": [
        { "department": "menxia", "task": "look", "verify_commands": ["true"], "files": ["README.md"],
          "reason": "r", "model": "beta", "model_reason": "m" }] } });
    let receipt = world.post("/api/report_zhongshu_plan", &plan).ok();
    has(&receipt, "version, plan_sha256");
    let mut again = plan.clone();
    again["plan"]["summary"] = json!("better");
    assert_eq!(
        world.post("/api/report_zhongshu_plan", &again).ok()["version"],
        2
    );
    let one = world.department(&planner.id, "menxia", "one");
    let two = world.department(&planner.id, "lingyubu", "two");
    world.confirm(
        &planner.id,
        json!([{ "department": "zhilibu", "task": "three" }]),
    );
    one.reports(
        json!({ "files": ["a"], "verification": "make", "needs_user_confirmation": false }),
    );
    two.reports(json!({ "changed_files": ["b"], "verifications_run": ["x"], "next_action": "n" }));

    let status = look("/api/status");
    has(&status, STATUS);
    assert_eq!(status["api_version"], 8);
    assert_eq!(status["repo"], json!(world.repo()));
    assert_eq!(status["project_name"], "repo");
    assert_eq!(status["workflow_doc"], "AGENTS.md");
    assert_eq!(status["model_choices"], json!(["alpha", "beta"]));
    assert_eq!(
        (&status["zhongshu_model"], &status["department_model"]),
        (&json!("alpha"), &json!("beta"))
    );
    assert_eq!(status["active_sessions_total"], 4);
    assert_eq!(status["active_zhongshu_sessions"], 2);
    assert_eq!(status["active_department_sessions"], 2);
    assert_eq!(status["active_terminals"], 4);
    assert_eq!(status["max_department_sessions"], 2);
    assert_eq!(status["department_queue"], status["queue"]);
    has(
        &status["queue"][0],
        "assignment_id, department, task, position, hold, queued_at",
    );
    let keys: Vec<&str> = status["departments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|department| department["key"].as_str().unwrap())
        .collect();
    for key in ["menxia", "zhilibu", "gongchengbu", "lingyubu", "broken"] {
        assert!(keys.contains(&key), "{keys:?}");
    }
    has(&status["departments"][0], "key, title, duty, files, verify");
    for list in [
        "sessions",
        "zhongshu_sessions",
        "department_sessions",
        "browser_terminals",
    ] {
        newest_first(&status[list], "started_at");
    }
    for session in status["sessions"].as_array().unwrap() {
        has(session, SESSION);
        has(&session["mailbox"], "root, incoming, archive");
        let own = if session["session_kind"] == "zhongshu" {
            PLANNER
        } else {
            DEPARTMENT
        };
        has(session, own);
        assert_eq!(session["heartbeat_status"], "active");
        let id = session["id"].as_str().unwrap();
        assert!(id.starts_with(&format!("{}-", session["department"].as_str().unwrap())));
    }
    assert!(times_are_rfc3339(&status, "status") > 10);
    has(&look("/api/sessions"), STATUS);

    let planners = look("/api/zhongshu_sessions");
    newest_first(&planners["zhongshu_sessions"], "started_at");
    let shown = &planners["zhongshu_sessions"][0];
    assert_eq!(shown["id"], json!(planner.id));
    has(shown, "children, unread_result_count");
    has(&shown["children"][0], SESSION);
    assert_eq!(planners["zhongshu_sessions"][1]["id"], json!(old.id));

    let newest = look(&format!("/api/zhongshu_plan?id={}", planner.id));
    has(
        &newest["plan"],
        "version, plan_sha256, status, reported_at, source, summary, assignments",
    );
    has(
        &newest["plan"]["assignments"][0],
        "department, task, model, files, verify, reason, model_reason, selected",
    );
    assert_eq!(newest["plan"]["assignments"][0]["verify"], json!(["true"]));
    has(&newest, "findings, session_id");
    let none = look(&format!("/api/zhongshu_plan?session_id={}", old.id));
    assert_eq!(none["plan"], Value::Null);
    let plans = look(&format!("/api/plans?session_id={}", planner.id));
    newest_first(&plans["plans"], "reported_at");
    assert_eq!(plans["plans"][1]["status"], "superseded");

    let inbox = look(&format!("/api/zhongshu_inbox?id={}&peek=1", planner.id));
    has(&inbox, INBOX);
    newest_first(&inbox["unread_results"], "reported_at");
    for result in inbox["unread_results"].as_array().unwrap() {
        has(result, RESULT);
        assert_eq!(result["read"], false);
        assert_eq!(result["source"], "mailbox");
    }
    assert_eq!(inbox["unread_results"][1]["changed_files"], json!(["a"]));
    assert_eq!(
        inbox["unread_results"][1]["verifications_run"],
        json!(["make"])
    );
    assert_eq!(inbox["queued_departments"].as_array().unwrap().len(), 1);
    assert!(times_are_rfc3339(&inbox, "inbox") > 10);

    let context = look(&format!("/api/zhongshu_context?id={}", planner.id));
    has(&context, "session, task, plan, reports, children");
    assert_eq!(context["task"], "plan it");
    newest_first(&context["reports"], "reported_at");
    newest_first(&context["children"], "started_at");

    let terminals = look("/api/browser_terminals");
    has(
        &terminals["browser_terminals"][0],
        "id, title, status, session_id, started_at, url",
    );

    let report = look("/api/report");
    has(
        &report,
        "ok, mode, changed_files, departments, risks, uncategorised, verify_commands, counts, decision, preflight",
    );
    let scan = &report["preflight"]["checks"]["portability_reference_scan"];
    has(
        scan,
        "decision, scope, scanned_files, violations, exceptions",
    );
    for mode in ["staged", "base&base=HEAD"] {
        has(
            &look(&format!("/api/report?mode={mode}")),
            "mode, changed_files, preflight",
        );
    }
    let proposal = world
        .post("/api/plan_assignments", &json!({ "task": "tidy up" }))
        .ok();
    assert!(proposal["assignments"].is_array());

    let audit = look("/api/audit?after=0&limit=3");
    assert_eq!(audit["events"].as_array().unwrap().len(), 3);
    assert_eq!(audit["next"], 3);
    for line in audit["events"].as_array().unwrap() {
        has(line, "ts, seq, event, actor, prev, hash");
        assert!(line["ts"].as_str().unwrap().ends_with('Z'));
    }
    assert_eq!(look("/healthz"), json!({ "ok": true }));
}

#[test]
fn wishes_are_taken_under_all_their_names() {
    let world = World::serving();
    let token = world.token("script", "human");
    let post = |path: &str, body: Value| world.tcp(&token, "POST", path, Some(&body)).ok();
    let started = post(
        "/api/start_zhongshu",
        json!({ "task": "plan", "model": "" }),
    );
    has(&started["session"], SESSION);
    let planner = Agent::ready(&world, started["session"]["id"].as_str().unwrap(), 1);
    for (field, path) in [
        ("parent_session_id", "/api/start_department_for_zhongshu"),
        ("zhongshu_session_id", "/api/start_department_for_zhongshu"),
        ("session_id", "/api/start_department"),
    ] {
        let body = json!({ field: planner.id, "department": "menxia", "task": field, "verify_commands": ["v"], "files": ["f"] });
        let order = post(path, body)["assignment"].clone();
        assert_eq!(order["parent_session_id"], json!(planner.id));
        assert_eq!(
            (&order["verify"], &order["files"]),
            (&json!(["v"]), &json!(["f"]))
        );
    }
    for field in ["parent_session_id", "zhongshu_session_id", "session_id"] {
        let body =
            json!({ field: planner.id, "assignments": [{ "department": "menxia", "task": "t" }] });
        assert_eq!(post("/api/start_assignments", body)["queued_count"], 1);
    }
    let plan = json!({ "summary": "s", "assignments": [{ "department": "menxia", "task": "t" }] });
    for field in ["session_id", "parent_session_id", "zhongshu_session_id"] {
        let body = json!({ field: planner.id, "plan": plan });
        assert_eq!(post("/api/report_zhongshu_plan", body)["version"], 1);
    }
    let notice = json!({ "zhongshu_session_id": planner.id, "text": "noted by text" });
    has(&post("/api/notify_zhongshu", notice), "message_id");
    planner.wait_typed("noted by text");
    let restarted = post(
        "/api/restart_zhongshu_session",
        json!({ "zhongshu_session_id": planner.id }),
    );
    assert_eq!(
        restarted["session"]["resumed_from_session_id"],
        json!(planner.id)
    );
    // Whoever acts is in the journal by name.
    let actor = &world.events_named("zhongshu_replaced")[0]["actor"];
    assert!(actor.as_str().unwrap().contains("script"), "{actor}");
}
