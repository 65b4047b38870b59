//! Bad input: every wish that cannot be granted gets its status, its code and a sentence that names the field, and leaves
//! no trace in the journal.

use super::agent::Agent;
use super::http::{self, Door};
use super::world::World;
use serde_json::{Value, json};

/// A request, and the no that it must get: status, code, and a part of the sentence.
type Case = (&'static str, Value, u16, &'static str, &'static str);

/// Everything that can be named wrongly.
struct Scene<'w> {
    planner: Agent<'w>,
    child: Agent<'w>,
    reported: Agent<'w>,
    ended: String,
    running_assignment: String,
    waiting: Vec<String>,
    cancelled: String,
}

impl<'w> Scene<'w> {
    fn set(world: &'w World) -> Self {
        let ended = world.planner("over soon");
        world
            .post("/api/stop_session", &json!({ "session_id": ended.id }))
            .ok();
        world.wait_session(&ended.id, "status", "stopped");
        let planner = world.planner("plan it");
        let reported = world.department(&planner.id, "menxia", "report");
        reported.reports(json!({}));
        reported.tell("exit 0");
        world.wait_session(&reported.id, "status", "reported");
        let running = world.confirm(
            &planner.id,
            json!([{ "department": "lingyubu", "task": "run" }]),
        );
        let child = Agent::ready(world, &world.session_of(&running[0]), 1);
        let task = json!({ "department": "menxia", "task": "wait" });
        let mut waiting = world.confirm(&planner.id, json!([task, task, task]));
        let cancelled = waiting.pop().unwrap();
        let cancel = json!({ "assignment_id": cancelled });
        world.post("/api/queue/cancel", &cancel).ok();
        let ended = ended.id;
        world.wait_session(&child.id, "status", "running");
        Self {
            planner,
            child,
            reported,
            ended,
            running_assignment: running[0].clone(),
            waiting,
            cancelled,
        }
    }
}

fn posts(scene: &Scene<'_>) -> Vec<Case> {
    let (planner, child, ended) = (&scene.planner.id, &scene.child.id, &scene.ended);
    let good = json!({ "department": "menxia", "task": "t" });
    let with = |field: &str, value: Value| {
        let mut order = good.clone();
        order[field] = value;
        json!({ "parent_session_id": planner, "assignments": [order] })
    };
    let plan = |summary: Value, assignments: Value| json!({ "session_id": planner, "summary": summary, "assignments": assignments });
    let start = "/api/start_zhongshu_session";
    let confirm = "/api/start_assignments";
    let report = "/api/report_zhongshu_plan";
    let manual = "/api/start_department";
    let long = "x".repeat(300 * 1024);
    vec![
        // Planners.
        (start, json!({}), 400, "invalid_field", "`task`"),
        (start, json!({ "task": "" }), 400, "empty_task", "task"),
        (start, json!({ "task": " \n\t" }), 400, "empty_task", "task"),
        (start, json!({ "task": long }), 400, "text_too_long", "task"),
        (start, json!({ "task": 7 }), 400, "invalid_field", "`task`"),
        (
            start,
            json!({ "task": null }),
            400,
            "invalid_field",
            "`task`",
        ),
        (
            start,
            json!({ "task": ["x"] }),
            400,
            "invalid_field",
            "`task`",
        ),
        (
            start,
            json!({ "task": "x", "model": "gamma" }),
            400,
            "unknown_model",
            "model: there is no model `gamma`; known are alpha, beta",
        ),
        (
            start,
            json!({ "task": "x", "model": "--yolo" }),
            400,
            "unknown_model",
            "model",
        ),
        (
            start,
            json!({ "task": "x", "model": 3 }),
            400,
            "invalid_field",
            "`model`",
        ),
        (
            "/api/start_zhongshu",
            json!({ "task": "" }),
            400,
            "empty_task",
            "task",
        ),
        (
            "/api/restart_zhongshu_session",
            json!({}),
            400,
            "invalid_field",
            "`session_id`",
        ),
        (
            "/api/restart_zhongshu_session",
            json!({ "session_id": "zhongshu-0" }),
            404,
            "unknown_session",
            "zhongshu-0",
        ),
        (
            "/api/restart_zhongshu_session",
            json!({ "session_id": child }),
            400,
            "not_a_planner",
            "session_id",
        ),
        (
            "/api/restart_zhongshu_session",
            json!({ "session_id": planner, "model": "gamma" }),
            400,
            "unknown_model",
            "model",
        ),
        // Plans.
        (
            report,
            json!({ "session_id": planner }),
            400,
            "invalid_plan",
            "`assignments`",
        ),
        (
            report,
            json!({ "session_id": "../x", "summary": "s", "assignments": [] }),
            400,
            "invalid_field",
            "`session_id`",
        ),
        (
            report,
            json!({ "session_id": "zhongshu-0", "summary": "s", "assignments": [good] }),
            404,
            "unknown_session",
            "zhongshu-0",
        ),
        (
            report,
            json!({ "session_id": child, "summary": "s", "assignments": [good] }),
            400,
            "not_a_planner",
            "session_id",
        ),
        (
            report,
            json!({ "session_id": ended, "summary": "s", "assignments": [good] }),
            409,
            "planner_ended",
            "ended",
        ),
        (
            report,
            plan(json!(" "), json!([good])),
            400,
            "empty_summary",
            "summary",
        ),
        (
            report,
            plan(json!("s"), json!([])),
            400,
            "no_assignments",
            "assignments",
        ),
        (
            report,
            plan(json!("s"), json!({})),
            400,
            "invalid_field",
            "`assignments`",
        ),
        (
            report,
            plan(json!("s"), json!([{ "department": "nobu", "task": "t" }])),
            400,
            "unknown_department",
            "assignments[0].department: there is no department `nobu`",
        ),
        (
            report,
            plan(
                json!("s"),
                json!([good, { "department": "menxia", "task": "" }]),
            ),
            400,
            "empty_task",
            "assignments[1].task",
        ),
        (
            report,
            plan(json!("s"), json!([good, { "department": "menxia" }])),
            400,
            "invalid_field",
            "`assignments[1]",
        ),
        (
            report,
            plan(json!("s"), json!(vec![good.clone(); 101])),
            400,
            "list_too_long",
            "assignments",
        ),
        (
            report,
            json!({ "session_id": planner, "plan": { "summary": "s" } }),
            400,
            "invalid_field",
            "`plan",
        ),
        // Confirmations.
        (
            confirm,
            json!({ "assignments": [good] }),
            400,
            "invalid_field",
            "`parent_session_id`",
        ),
        (
            confirm,
            json!({ "parent_session_id": planner }),
            400,
            "invalid_field",
            "`assignments`",
        ),
        (
            confirm,
            json!({ "parent_session_id": planner, "assignments": [] }),
            400,
            "no_assignments",
            "assignments",
        ),
        (
            confirm,
            with("selected", json!(false)),
            400,
            "nothing_selected",
            "assignments",
        ),
        (
            confirm,
            with("selected", json!("yes")),
            400,
            "invalid_field",
            "`assignments[0].selected`",
        ),
        (
            confirm,
            with("department", json!("nobu")),
            400,
            "unknown_department",
            "assignments[0].department",
        ),
        (
            confirm,
            with("department", json!("zhongshu")),
            400,
            "unknown_department",
            "assignments[0].department",
        ),
        (
            confirm,
            with("task", json!("")),
            400,
            "empty_task",
            "assignments[0].task",
        ),
        (
            confirm,
            with("model", json!("gamma")),
            400,
            "unknown_model",
            "assignments[0].model",
        ),
        (
            confirm,
            with("files", json!("a.rs")),
            400,
            "invalid_field",
            "`assignments[0].files`",
        ),
        (
            confirm,
            with("files", json!(vec!["f"; 257])),
            400,
            "list_too_long",
            "assignments[0].files",
        ),
        (
            confirm,
            with("verify", json!([1])),
            400,
            "invalid_field",
            "`assignments[0].verify[0]`",
        ),
        (
            confirm,
            with("reason", json!("x".repeat(20_000))),
            400,
            "text_too_long",
            "assignments[0].reason",
        ),
        (
            confirm,
            json!({ "parent_session_id": "zhongshu-0", "assignments": [good] }),
            404,
            "unknown_session",
            "zhongshu-0",
        ),
        (
            confirm,
            json!({ "parent_session_id": child, "assignments": [good] }),
            400,
            "not_a_planner",
            "parent_session_id",
        ),
        (
            confirm,
            json!({ "parent_session_id": ended, "assignments": [good] }),
            409,
            "planner_ended",
            "ended",
        ),
        (
            confirm,
            json!({ "parent_session_id": planner, "assignments": [good], "plan_sha256": "0" }),
            409,
            "no_plan",
            "plan",
        ),
        (
            confirm,
            json!({ "parent_session_id": planner, "assignments": [{ "department": "gongchengbu", "task": "a", "verify": ["make", "true \u{202e}#"] }] }),
            400,
            "hidden_character",
            "assignments[0].verify[1]: U+202E",
        ),
        (
            "/api/read_files",
            json!({ "files": ["src/\u{200b}a"] }),
            400,
            "hidden_character",
            "files[0]: U+200B",
        ),
        (
            "/api/review_plan",
            json!({ "session_id": planner, "version": 1, "plan_sha256": "0" }),
            409,
            "no_plan",
            "has not reported a plan",
        ),
        (
            "/api/take_plan_file",
            json!({ "session_id": planner, "plan_sha256": "0" }),
            404,
            "unknown_plan_file",
            "GET /api/zhongshu_plan",
        ),
        (
            "/api/discard_plan_file",
            json!({ "session_id": planner, "plan_sha256": "0" }),
            404,
            "unknown_plan_file",
            "plan_sha256",
        ),
        (
            "/api/reject_plan",
            json!({ "session_id": planner, "reason": "no" }),
            409,
            "no_plan",
            "plan",
        ),
        (
            "/api/reject_plan",
            json!({ "session_id": planner }),
            400,
            "invalid_field",
            "`reason`",
        ),
        (
            "/api/reject_plan",
            json!({ "session_id": planner, "reason": "" }),
            400,
            "invalid_reason",
            "reason",
        ),
        (
            "/api/reject_plan",
            json!({ "session_id": "zhongshu-0", "reason": "no" }),
            404,
            "unknown_session",
            "zhongshu-0",
        ),
        (
            "/api/plan_assignments",
            json!({}),
            400,
            "invalid_field",
            "`task`",
        ),
        (
            "/api/plan_assignments",
            json!({ "task": "" }),
            400,
            "empty_task",
            "task",
        ),
        // Manual starts.
        (
            manual,
            json!({ "task": "t" }),
            400,
            "invalid_field",
            "`department`",
        ),
        (
            manual,
            json!({ "department": "nobu", "task": "t" }),
            400,
            "unknown_department",
            "department: there is no department",
        ),
        (
            manual,
            json!({ "department": "menxia", "task": "" }),
            400,
            "empty_task",
            "task",
        ),
        (
            manual,
            json!({ "department": "menxia", "task": "t", "model": "gamma" }),
            400,
            "unknown_model",
            "model",
        ),
        (
            manual,
            json!({ "department": "menxia", "task": "t", "files": 1 }),
            400,
            "invalid_field",
            "files",
        ),
        (
            manual,
            json!({ "department": "menxia", "task": "t", "parent_session_id": 5 }),
            400,
            "invalid_field",
            "parent_session_id",
        ),
        (
            "/api/start_department_for_zhongshu",
            good.clone(),
            400,
            "missing_parent",
            "parent_session_id",
        ),
        // Sessions.
        (
            "/api/stop_session",
            json!({}),
            400,
            "invalid_field",
            "`session_id`",
        ),
        (
            "/api/stop_session",
            json!({ "session_id": "menxia-0" }),
            404,
            "unknown_session",
            "menxia-0",
        ),
        (
            "/api/stop_session",
            json!({ "session_id": "" }),
            400,
            "invalid_field",
            "`session_id`",
        ),
        (
            "/api/stop_session",
            json!({ "session_id": ended }),
            409,
            "session_ended",
            "already ended",
        ),
        (
            "/api/resume_session",
            json!({ "session_id": "menxia-0" }),
            404,
            "unknown_session",
            "menxia-0",
        ),
        (
            "/api/resume_session",
            json!({ "session_id": child }),
            409,
            "session_live",
            "nothing to resume",
        ),
        (
            "/api/resume_session",
            json!({ "session_id": scene.reported.id }),
            409,
            "already_reported",
            "reported",
        ),
        (
            "/api/session_input",
            json!({ "session_id": child }),
            400,
            "invalid_field",
            "`input`",
        ),
        (
            "/api/session_input",
            json!({ "session_id": child, "input": "" }),
            400,
            "invalid_input",
            "input",
        ),
        (
            "/api/session_input",
            json!({ "session_id": child, "input": long }),
            400,
            "text_too_long",
            "input",
        ),
        (
            "/api/session_input",
            json!({ "session_id": "menxia-0", "input": "x" }),
            404,
            "unknown_session",
            "menxia-0",
        ),
        (
            "/api/session_input",
            json!({ "session_id": ended, "input": "x" }),
            409,
            "session_ended",
            "ended",
        ),
        (
            "/api/notify_zhongshu",
            json!({ "session_id": planner }),
            400,
            "invalid_field",
            "`message`",
        ),
        (
            "/api/notify_zhongshu",
            json!({ "session_id": child, "message": "x" }),
            400,
            "not_a_planner",
            "session_id",
        ),
        (
            "/api/notify_zhongshu",
            json!({ "session_id": "zhongshu-0", "message": "x" }),
            404,
            "unknown_session",
            "zhongshu-0",
        ),
        // The queue.
        (
            "/api/queue/cancel",
            json!({}),
            400,
            "invalid_field",
            "`assignment_id`",
        ),
        (
            "/api/queue/cancel",
            json!({ "assignment_id": "assignment-0" }),
            404,
            "unknown_assignment",
            "assignment-0",
        ),
        (
            "/api/queue/cancel",
            json!({ "assignment_id": scene.running_assignment }),
            409,
            "already_dispatched",
            "runs in session",
        ),
        (
            "/api/queue/cancel",
            json!({ "assignment_id": scene.cancelled }),
            409,
            "already_cancelled",
            "cancelled",
        ),
        (
            "/api/queue/move",
            json!({ "assignment_id": "assignment-0" }),
            404,
            "unknown_assignment",
            "assignment-0",
        ),
        (
            "/api/queue/move",
            json!({ "assignment_id": scene.waiting[0], "before": "assignment-0" }),
            404,
            "unknown_assignment",
            "assignment-0",
        ),
        (
            "/api/queue/move",
            json!({ "assignment_id": scene.waiting[0], "before": scene.waiting[0] }),
            400,
            "same_assignment",
            "before",
        ),
        (
            "/api/queue/move",
            json!({ "assignment_id": scene.waiting[0], "before": 1 }),
            400,
            "invalid_field",
            "`before`",
        ),
        // Results, terminals, the rest.
        (
            "/api/ack_result",
            json!({}),
            400,
            "invalid_field",
            "`report_id`",
        ),
        (
            "/api/ack_result",
            json!({ "report_id": "report-0" }),
            404,
            "unknown_report",
            "report-0",
        ),
        (
            "/api/browser_terminal/close",
            json!({}),
            400,
            "invalid_field",
            "`id`",
        ),
        (
            "/api/browser_terminal/close",
            json!({ "id": "terminal-0" }),
            404,
            "unknown_terminal",
            "terminal-0",
        ),
        (
            "/api/browser_terminal/start",
            json!({ "shell": "/bin/sh -c true" }),
            400,
            "invalid_shell",
            "shell",
        ),
        (
            "/api/browser_terminal/start",
            json!({ "shell": "" }),
            400,
            "invalid_shell",
            "shell",
        ),
        (
            "/api/browser_terminal/start",
            json!({ "shell_args": "x" }),
            400,
            "invalid_field",
            "`shell_args`",
        ),
        (
            "/api/browser_terminal/start",
            json!({ "shell": "/bin/sh", "args": ["-c", "true"] }),
            400,
            "invalid_field",
            "`args`",
        ),
        (
            "/api/browser_terminal/start",
            json!({ "title": "two\nlines" }),
            400,
            "invalid_title",
            "title",
        ),
        (
            "/api/browser_terminal/start",
            json!({ "shell_args": ["\u{0}"] }),
            400,
            "invalid_shell_args",
            "shell_args",
        ),
        (
            "/api/session_browser_terminal/start",
            json!({ "session_id": "menxia-0" }),
            404,
            "unknown_session",
            "menxia-0",
        ),
        (
            "/api/terminal_ticket",
            json!({ "id": "terminal-0", "mode": "read" }),
            404,
            "unknown_terminal",
            "terminal-0",
        ),
        (
            "/api/terminal_ticket",
            json!({ "id": "terminal-0", "mode": "steal" }),
            400,
            "invalid_field",
            "`mode`",
        ),
        (
            "/api/terminal_theme",
            json!({ "theme": "pink" }),
            400,
            "invalid_field",
            "`theme`",
        ),
        ("/api/trust", json!({}), 400, "invalid_field", "`accept`"),
        (
            "/api/trust",
            json!({ "accept": false }),
            400,
            "not_accepted",
            "accept",
        ),
        ("/api/powers", json!({}), 400, "invalid_field", "`sha256`"),
        (
            "/api/powers",
            json!({ "sha256": "ab", "accept": false }),
            400,
            "not_accepted",
            "accept",
        ),
        (
            "/api/powers",
            json!({ "sha256": "ab", "accept": true }),
            409,
            "powers_changed",
            "sha256",
        ),
        ("/api/login", json!({}), 400, "invalid_field", "`key`"),
        (
            "/api/tokens",
            json!({ "name": "a", "scope": "root" }),
            400,
            "invalid_field",
            "`scope`",
        ),
        (
            "/api/tokens",
            json!({ "name": "a b", "scope": "read" }),
            400,
            "token_name",
            "`name`",
        ),
        (
            "/api/tokens/revoke",
            json!({ "name": "nobody" }),
            404,
            "unknown_token",
            "nobody",
        ),
        (
            "/api/shutdown",
            json!({ "keep_sessions": "no" }),
            400,
            "invalid_field",
            "`keep_sessions`",
        ),
    ]
}

/// Paths that are looked at, and the no that they must get.
fn gets(scene: &Scene<'_>) -> Vec<(String, u16, &'static str, &'static str)> {
    let child = &scene.child.id;
    let mut cases: Vec<(String, u16, &'static str, &'static str)> = Vec::new();
    for path in [
        "/api/zhongshu_plan",
        "/api/plans",
        "/api/zhongshu_inbox",
        "/api/zhongshu_context",
    ] {
        cases.push((path.to_owned(), 400, "invalid_query", "`id`"));
        cases.push((
            format!("{path}?id=zhongshu-0"),
            404,
            "unknown_session",
            "zhongshu-0",
        ));
        cases.push((format!("{path}?id=a%20b"), 400, "invalid_query", "id"));
        cases.push((
            format!("{path}?id={child}"),
            400,
            "not_a_planner",
            "is a department",
        ));
    }
    let more = [
        ("/api/handoff", 400, "invalid_query", "`id`"),
        (
            "/api/handoff?id=report-0",
            404,
            "unknown_report",
            "report-0",
        ),
        (
            "/api/session_stream?id=menxia-0",
            404,
            "unknown_session",
            "menxia-0",
        ),
        ("/api/report?mode=all", 400, "unknown_mode", "mode"),
        ("/api/report?mode=base", 400, "missing_base", "base"),
        (
            "/api/report?mode=base&base=nowhere",
            400,
            "unknown_revision",
            "base",
        ),
        ("/api/audit?limit=0", 400, "invalid_limit", "limit"),
        ("/api/audit?limit=1001", 400, "invalid_limit", "limit"),
        ("/api/audit?after=x", 400, "invalid_query", "`after`"),
        ("/api/events?after=-1", 400, "invalid_query", "`after`"),
        ("/api/nothing", 404, "unknown_path", "/api/nothing"),
        ("/api", 404, "unknown_path", "/api"),
        ("/api/status/", 404, "unknown_path", "/api/status/"),
        ("/index.html", 404, "unknown_path", "/index.html"),
    ];
    cases.extend(more.map(|(path, status, code, part)| (path.to_owned(), status, code, part)));
    cases
}

#[test]
fn every_bad_wish_gets_its_sentence_and_changes_nothing() {
    let world = World::governed(|governance| governance["max_departments"] = json!(1));
    let scene = Scene::set(&world);
    let token = world.token("script", "human");
    world.wait_for("everything before to be in the journal", || {
        let ends = world.events_named("terminal_closed").len();
        (ends == 2 && world.events_named("access_granted").len() == 1).then_some(())
    });
    let seq = world.seq();
    let mut wrong = Vec::new();
    let mut check = |what: String, answer: http::Answer, status: u16, code: &str, part: &str| {
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let sentence = body["error"].as_str().unwrap_or_default();
        let right = answer.status == status
            && body["ok"] == false
            && body["code"] == code
            && sentence.contains(part)
            && answer.header("content-type") == Some("application/json");
        if !right {
            let what: String = what.chars().take(160).collect();
            wrong.push(format!(
                "{what}\n  wanted {status} {code} {part:?}\n  got {} {}",
                answer.status, answer.body
            ));
        }
    };
    for (path, body, status, code, part) in posts(&scene) {
        let what = format!("POST {path} {body}");
        check(
            format!("socket {what}"),
            world.post(path, &body),
            status,
            code,
            part,
        );
        let over_tcp = world.tcp(&token, "POST", path, Some(&body));
        check(format!("tcp {what}"), over_tcp, status, code, part);
    }
    for (path, status, code, part) in gets(&scene) {
        check(format!("GET {path}"), world.get(&path), status, code, part);
        let over_tcp = world.tcp(&token, "GET", &path, None);
        check(format!("tcp GET {path}"), over_tcp, status, code, part);
    }
    // Failed logins are told to the journal as refusals; nothing else may be there.
    let after = world.audit();
    let new: Vec<&Value> = after
        .iter()
        .filter(|it| it["seq"].as_u64().unwrap() > seq)
        .collect();
    assert!(
        new.iter().all(|event| event["event"] == "access_refused"),
        "{new:#?}"
    );
    assert!(
        wrong.is_empty(),
        "{} of the answers are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn bodies_methods_and_types_that_do_not_fit_are_refused_everywhere() {
    let world = World::serving();
    let token = format!("Bearer {}", world.token("script", "human"));
    let headers = [("Authorization", token.as_str())];
    let socket = world.socket();
    world.wait_for("the token to be in the journal", || {
        (world.events_named("access_granted").len() == 1).then_some(())
    });
    let granted = world.events_named("access_granted");
    assert_eq!(granted[0]["actor"], "person:cli");
    let seq = world.seq();
    let posts = [
        "/api/start_zhongshu_session",
        "/api/start_zhongshu",
        "/api/restart_zhongshu_session",
        "/api/report_zhongshu_plan",
        "/api/start_assignments",
        "/api/review_plan",
        "/api/take_plan_file",
        "/api/discard_plan_file",
        "/api/reject_plan",
        "/api/plan_assignments",
        "/api/start_department",
        "/api/start_department_for_zhongshu",
        "/api/trust",
        "/api/powers",
        "/api/shutdown",
        "/api/stop_session",
        "/api/resume_session",
        "/api/session_input",
        "/api/notify_zhongshu",
        "/api/queue/cancel",
        "/api/queue/move",
        "/api/queue/pause",
        "/api/queue/resume",
        "/api/ack_result",
        "/api/reviews/approve",
        "/api/reviews/reject",
        "/api/reviews/accept_commit",
        "/api/gate",
        "/api/browser_terminal/start",
        "/api/browser_terminal/close",
        "/api/session_browser_terminal/start",
        "/api/terminal_ticket",
        "/api/terminal_theme",
        "/api/login",
        "/api/logout",
        "/api/login_key",
        "/api/tokens/revoke",
    ];
    let gets = [
        "/api/status",
        "/api/sessions",
        "/api/zhongshu_sessions",
        "/api/zhongshu_plan",
        "/api/plans",
        "/api/zhongshu_inbox",
        "/api/zhongshu_context",
        "/api/handoff",
        "/api/report",
        "/api/review",
        "/api/audit",
        "/api/events",
        "/api/session_stream",
        "/api/browser_terminals",
        "/healthz",
    ];
    let kind = Some("application/json");
    let huge = vec![b' '; (1 << 20) + 1];
    for door in [
        Door::Socket(&socket),
        Door::Tcp(world.announced().port, &headers),
    ] {
        for path in posts {
            let send = |kind, body: &[u8]| http::send(&door, "POST", path, kind, Some(body));
            for body in ["", "[]", "\"x\"", "7", "null", "true"] {
                let sentence = send(kind, body.as_bytes()).refused(400, "body_not_an_object");
                assert!(sentence.contains("object"), "{sentence}");
            }
            for body in ["{", "{\"", "{,}"] {
                send(kind, body.as_bytes()).refused(400, "invalid_json");
            }
            send(Some("text/plain"), b"{}").refused(415, "content_type");
            send(Some("application/x-www-form-urlencoded"), b"task=x").refused(415, "content_type");
            send(None, b"{}").refused(415, "content_type");
            let answer = send(kind, &huge);
            let sentence = answer.refused(413, "body_too_large");
            assert!(sentence.contains("1024 KiB"), "{sentence}");
            let answer = http::send(&door, "GET", path, None, None);
            answer.refused(405, "method_not_allowed");
            assert_eq!(answer.header("allow"), Some("POST"), "{path}");
        }
        for path in gets {
            for method in ["POST", "PUT", "DELETE", "PATCH"] {
                if (method, path) == ("POST", "/api/zhongshu_inbox") {
                    // It takes both.
                    continue;
                }
                let answer = http::send(&door, method, path, kind, Some(b"{}"));
                answer.refused(405, "method_not_allowed");
                let allow = answer.header("allow").unwrap();
                assert!(allow.contains("GET"), "{method} {path}: {allow}");
            }
        }
        for method in ["GET", "POST", "DELETE"] {
            let body = (method != "GET").then_some(b"{}".as_slice());
            let answer = http::send(&door, method, "/api/no_such_thing", kind, body);
            answer.refused(404, "unknown_path");
        }
    }
    // Wrong content types look like a page's attempt, so the journal knows of them; nothing else may be there.
    let audit = world.audit();
    let new = audit.iter().filter(|it| it["seq"].as_u64().unwrap() > seq);
    // The launcher looks at HEAD for the first time meanwhile.
    let expected = ["access_refused", "head_moved"].map(Value::from);
    let odd: Vec<&Value> = new.filter(|it| !expected.contains(&it["event"])).collect();
    assert!(odd.is_empty(), "{odd:#?}");
}

#[test]
fn why_there_is_no_codex_is_said_in_the_readers_language() {
    let mut world = World::new();
    world.governance["driver"] = json!("codex");
    world.write_governance();
    let nowhere = world.root().join("run").display().to_string();
    world.variables = vec![("PATH".to_owned(), nowhere)];
    world.start();
    for (language, said) in [
        ("en", "Codex was not found on PATH: install it with "),
        ("zh", "PATH 中没有 codex。请用 "),
    ] {
        let page = world.get(&format!("/ui/work?lang={language}")).body;
        assert!(page.contains(said), "{page}");
    }
    let status = world.status();
    let reason = status["codex"]["reason"].as_str().unwrap();
    assert!(reason.ends_with("Then restart zhongshu."), "{reason}");
}

#[test]
fn a_department_that_cannot_start_shows_its_reason() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let order = world.confirm(
        &planner.id,
        json!([{ "department": "broken", "task": "try" }]),
    );
    let id = world.session_of(&order[0]);
    let session = world.wait_session(&id, "status", "failed");
    let reason = session["status_reason"].as_str().unwrap();
    assert!(reason.contains("no-such-program"), "{reason}");
    assert_eq!(session["pid"], Value::Null);
    let result = world.result_of(&id).unwrap();
    assert_eq!(result["source"], "launcher_fallback");
    assert!(
        result["summary"]
            .as_str()
            .unwrap()
            .contains("no-such-program"),
        "{result}"
    );
    planner.wait_typed("no-such-program");
    assert_eq!(world.status()["slots_taken"], 0);
    assert_eq!(
        world.status()["browser_terminals"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // A person who has mended it may resume it; it fails with its reason again.
    world
        .post("/api/resume_session", &json!({ "session_id": id }))
        .ok();
    world.wait_for("the second failure", || {
        (world.events_named("session_closed").len() == 2).then_some(())
    });
    assert_eq!(world.session(&id)["status"], "failed");
}
