//! The form of every answer: which fields it has and of which kind, so that no change of the code behind it changes what clients read.
//!
//! `INSTA_UPDATE=always cargo nextest run snapshots` writes them anew; look at the difference before it is committed.

use super::agent::Agent;
use super::world::World;
use serde_json::{Map, Value, json};

/// Kinds instead of values. A list has each kind of entry once.
fn form(value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("bool"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("string"),
        Value::Array(items) => {
            let mut forms: Vec<Value> = Vec::new();
            for item in items.iter().map(form) {
                if !forms.contains(&item) {
                    forms.push(item);
                }
            }
            forms.sort_by_key(Value::to_string);
            Value::Array(forms)
        }
        Value::Object(fields) => {
            let forms = fields
                .iter()
                .map(|(name, value)| (name.clone(), form(value)));
            Value::Object(forms.collect::<Map<_, _>>())
        }
    }
}

fn check(name: &str, value: &Value) {
    insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false, sort_maps => true }, {
        insta::assert_json_snapshot!(name, form(value));
    });
}

/// The status, once so many terminals are left: one whose program has ended goes a moment later.
fn status_with(world: &World, terminals: usize) -> Value {
    world.wait_for("the terminals that are left", || {
        let status = world.status();
        let left = status["browser_terminals"].as_array()?.len();
        (left == terminals).then_some(status)
    })
}

#[test]
fn every_answer_keeps_its_form() {
    let world = World::serving();
    check("report_none", &world.get("/api/report").ok());
    let planner = world.planner("plan it");
    check(
        "zhongshu_plan_none",
        &world
            .get(&format!("/api/zhongshu_plan?id={}", planner.id))
            .ok(),
    );
    let plan = json!({ "session_id": planner.id, "plan": { "summary": "s", "assignments": [
        { "id": "one", "department": "menxia", "task": "look", "verify_commands": ["true"], "files": ["README.md"],
          "reason": "r", "model": "beta", "model_reason": "m" },
        { "department": "gongchengbu", "task": "build", "after": ["one"], "files": ["src/**"] }] } });
    let reported = world.post("/api/report_zhongshu_plan", &plan).ok();
    check("report_zhongshu_plan", &reported);
    let waiting = world
        .get(&format!("/api/zhongshu_plan?id={}", planner.id))
        .ok();
    check("zhongshu_plan", &waiting);
    let proposal = waiting["plan"]["assignments"].clone();
    let wish = json!({ "session_id": planner.id, "assignments": proposal });
    check("check_plan", &world.post("/api/check_plan", &wish).ok());
    check(
        "read_files",
        &world
            .post(
                "/api/read_files",
                &json!({ "files": ["README.md", "src/**"] }),
            )
            .ok(),
    );
    check(
        "plan_assignments",
        &world
            .post("/api/plan_assignments", &json!({ "task": "tidy up" }))
            .ok(),
    );
    let confirmed = json!({ "session_id": planner.id, "plan_sha256": reported["plan_sha256"], "assignments": proposal });
    let started = world.post("/api/start_assignments", &confirmed).ok();
    check("start_assignments", &started);
    let one = started["assignments"][0]["assignment_id"].as_str().unwrap();
    let one = Agent::ready(&world, &world.session_of(one), 1);
    world.wait_session(&one.id, "status", "running");
    check("status_working", &status_with(&world, 2));
    check(
        "browser_terminals",
        &world.get("/api/browser_terminals").ok(),
    );
    let terminal = world
        .post("/api/browser_terminal/start", &json!({ "title": "mine" }))
        .ok();
    check("browser_terminal_start", &terminal);
    let id = terminal["terminal"]["id"].clone();
    check(
        "terminal_ticket",
        &world
            .post(
                "/api/terminal_ticket",
                &json!({ "id": id, "mode": "write" }),
            )
            .ok(),
    );
    check(
        "browser_terminal_close",
        &world
            .post("/api/browser_terminal/close", &json!({ "id": id }))
            .ok(),
    );
    check(
        "queue_pause",
        &world.post("/api/queue/pause", &json!({})).ok(),
    );
    one.reports(
        json!({ "summary": "looked", "changed_files": ["README.md"], "risks": ["none"],
        "verifications_run": ["true"], "verifications_skipped": ["x"], "next_action": "n" }),
    );
    let result = world.wait_for("the comparison of the report", || {
        let result = world.result_of(&one.id)?;
        (!result["conformance"].is_null()).then_some(result)
    });
    one.tell("exit 0");
    world.wait_session(&one.id, "status", "reported");
    check("zhongshu_inbox", &world.peek(&planner.id));
    check(
        "read_inbox",
        &world
            .post("/api/zhongshu_inbox", &json!({ "session_id": planner.id }))
            .ok(),
    );
    check(
        "verify_result",
        &world
            .post(
                "/api/verify_result",
                &json!({ "report_id": result["report_id"] }),
            )
            .ok(),
    );
    world.wait_for("what its checks said", || {
        let result = world.result_of(&one.id)?;
        (!result["evidence"].as_array()?.is_empty()).then_some(())
    });
    check(
        "ack_result",
        &world
            .post(
                "/api/ack_result",
                &json!({ "report_id": result["report_id"] }),
            )
            .ok(),
    );
    check("status_reported", &status_with(&world, 1));
    for (name, path) in [
        ("zhongshu_sessions", "/api/zhongshu_sessions".to_owned()),
        (
            "zhongshu_context",
            format!("/api/zhongshu_context?id={}", planner.id),
        ),
        ("plans", format!("/api/plans?session_id={}", planner.id)),
        ("audit", "/api/audit?after=0&limit=1".to_owned()),
        ("tokens", "/api/tokens".to_owned()),
    ] {
        check(name, &world.get(&path).ok());
    }
    check(
        "notify_zhongshu",
        &world
            .post(
                "/api/notify_zhongshu",
                &json!({ "session_id": planner.id, "message": "hear" }),
            )
            .ok(),
    );
    check(
        "session_input",
        &world
            .post(
                "/api/session_input",
                &json!({ "session_id": planner.id, "input": "hear" }),
            )
            .ok(),
    );
    world.write("README.md", "# another project\n");
    world.stage("README.md");
    check("report", &world.get("/api/report").ok());
    check("report_staged", &world.get("/api/report?mode=staged").ok());
    let review = world.get("/api/review").ok();
    check("review", &review);
    let word = json!({ "tree": review["tree"], "reason": "so" });
    check(
        "reviews_reject",
        &world.post("/api/reviews/reject", &word).ok(),
    );
    check(
        "gate",
        &world
            .post("/api/gate", &json!({ "mode": "warn", "reason": "so" }))
            .ok(),
    );
    check(
        "stop_session",
        &world
            .post("/api/stop_session", &json!({ "session_id": planner.id }))
            .ok(),
    );
    world.wait_session(&planner.id, "status", "stopped");
    check("status_stopped", &status_with(&world, 0));
    check(
        "resume_session",
        &world
            .post("/api/resume_session", &json!({ "session_id": planner.id }))
            .ok(),
    );
    Agent::ready(&world, &planner.id, 2);
    check(
        "preferences",
        &world
            .post("/api/preferences", &json!({ "theme": "dark" }))
            .ok(),
    );
}
