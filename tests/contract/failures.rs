//! The first nine failures of the first implementation, on the running product.

use super::agent::Agent;
use super::http::{self, Door};
use super::world::World;
use serde_json::{Value, json};

/// Ids in a list of views.
fn ids(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap();
    list.iter().map(|it| it["id"].as_str().unwrap()).collect()
}

#[test]
fn contract_01_plans_start_nothing_without_confirmation() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let plan = json!({
        "session_id": planner.id, "summary": "all at once", "confirmed": true, "start": true,
        "assignments": [{ "department": "lingyubu", "task": "write it", "selected": true }],
    });
    planner.drops("plan-1.json", &plan.to_string());
    world.wait_session(&planner.id, "plan_status", "pending");
    // The same over the API is one more report, and no more.
    let receipt = world.post("/api/report_zhongshu_plan", &plan).ok();
    assert_eq!(
        (&receipt["version"], &receipt["new"]),
        (&json!(1), &json!(false))
    );
    // What the reconciler does after the plan is done once this was typed.
    let input = json!({ "session_id": planner.id, "input": "are you there" });
    world.post("/api/session_input", &input).ok();
    planner.wait_typed("are you there");
    let status = world.status();
    assert_eq!(status["department_sessions"], json!([]));
    assert_eq!(status["queue"], json!([]));
    assert_eq!(world.events_named("session_registered").len(), 1);
    assert!(world.events_named("assignment_queued").is_empty());

    let shown = world
        .get(&format!("/api/zhongshu_plan?id={}", planner.id))
        .ok();
    let confirmation = json!({
        "parent_session_id": planner.id,
        "assignments": shown["plan"]["assignments"],
        "plan_sha256": shown["plan"]["plan_sha256"],
    });
    let started = world.post("/api/start_assignments", &confirmation).ok();
    let assignment = started["assignments"][0]["assignment_id"].as_str().unwrap();
    Agent::ready(&world, &world.session_of(assignment), 1);
    assert_eq!(world.session(&planner.id)["plan_status"], "confirmed");
}

#[test]
fn contract_02_files_and_verify_reach_the_departments_prompt() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let order = json!([{
        "department": "gongchengbu", "task": "mend the gate",
        "files": ["gate/one.rs", "gate/two.rs"], "verify_commands": ["make gate-check"],
    }]);
    let assignment = &world.confirm(&planner.id, order)[0];
    let agent = Agent::ready(&world, &world.session_of(assignment), 1);
    let prompt = agent.prompt();
    for part in [
        "mend the gate",
        "gate/one.rs",
        "gate/two.rs",
        "make gate-check",
    ] {
        assert!(prompt.contains(part), "{part} is not in:\n{prompt}");
    }
    let session = world.session(&agent.id);
    assert_eq!(session["files"], json!(["gate/one.rs", "gate/two.rs"]));
    assert_eq!(session["verify"], json!(["make gate-check"]));
}

#[test]
fn contract_03_sessions_of_one_second_have_their_own_prompts() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let tasks = ["the first task", "the second task"];
    let orders = json!([
        { "department": "lingyubu", "task": tasks[0] },
        { "department": "lingyubu", "task": tasks[1] },
    ]);
    let assignments = world.confirm(&planner.id, orders);
    let mut paths = Vec::new();
    for (mine, other) in [(0, 1), (1, 0)] {
        let agent = Agent::ready(&world, &world.session_of(&assignments[mine]), 1);
        let prompt = agent.prompt();
        assert!(prompt.contains(tasks[mine]), "{prompt}");
        assert!(!prompt.contains(tasks[other]), "{prompt}");
        let path = world.session(&agent.id)["prompt_path"].clone();
        assert_eq!(
            std::fs::read_to_string(path.as_str().unwrap()).unwrap(),
            prompt
        );
        paths.push(path);
    }
    assert_ne!(paths[0], paths[1]);
}

#[test]
fn contract_04_a_restart_forgets_nothing_and_reads_old_mailboxes() {
    let mut world = World::governed(|governance| governance["max_departments"] = json!(1));
    let (planner, running, waiting) = {
        let planner = world.planner("plan it");
        let plan = json!({
            "session_id": planner.id, "summary": "what is to be done",
            "assignments": [{ "department": "menxia", "task": "look at it" }],
        });
        world.post("/api/report_zhongshu_plan", &plan).ok();
        let orders = json!([
            { "department": "lingyubu", "task": "runs" }, { "department": "zhilibu", "task": "waits" },
        ]);
        let assignments = world.confirm(&planner.id, orders);
        let running = Agent::ready(&world, &world.session_of(&assignments[0]), 1);
        running.reports(json!({ "summary": "half of it is done" }));
        (
            planner.id.clone(),
            running.id.clone(),
            assignments[1].clone(),
        )
    };
    let before = world.status();
    world.kill();
    // It comes while nobody is there to read it.
    let late = json!({
        "parent_session_id": planner, "department_session_id": running, "department": "lingyubu",
        "summary": "now all of it is done",
    });
    let incoming = world.mailbox(&planner, "incoming");
    std::fs::write(incoming.join("late.json"), late.to_string()).unwrap();
    world.start();

    world.wait_for("the report that came meanwhile", || {
        (world.revision_of(&running) == 2).then_some(())
    });
    let after = world.status();
    for list in ["sessions", "queue"] {
        assert_eq!(
            after[list].as_array().unwrap().len(),
            before[list].as_array().unwrap().len()
        );
    }
    assert_eq!(after["queue"][0]["assignment_id"], json!(waiting));
    assert_eq!(world.session(&planner)["plan_status"], "pending");
    for id in [&planner, &running] {
        let (old, new) = (find(&before, id), world.session(id));
        for field in [
            "status",
            "pid",
            "task",
            "started_at",
            "parent_session_id",
            "prompt_path",
        ] {
            assert_eq!(new[field], old[field], "{field} of {id}");
        }
    }
    let result = world.result_of(&running).unwrap();
    assert_eq!(result["summary"], "now all of it is done");
    assert_eq!(result["read"], false);
}

fn find<'a>(status: &'a Value, id: &str) -> &'a Value {
    let sessions = status["sessions"].as_array().unwrap();
    sessions.iter().find(|session| session["id"] == id).unwrap()
}

#[test]
fn contract_05_no_web_page_starts_an_agent_or_reads_a_terminals_address() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let port = world.announced().port;
    let bearer = format!("Bearer {}", world.token("script", "human"));
    let bearer = ("Authorization", bearer.as_str());
    let own = format!("http://127.0.0.1:{port}");
    let body = json!({ "task": "evil" }).to_string();
    let json_body = Some("application/json");
    let start = |headers: &[(&str, &str)], kind: Option<&str>| {
        let door = Door::Tcp(port, headers);
        http::send(
            &door,
            "POST",
            "/api/start_zhongshu",
            kind,
            Some(body.as_bytes()),
        )
    };
    let evil_host = ("Host", "evil.example:80");
    let evil_origin = ("Origin", "http://evil.example");
    start(&[("Origin", &own)], json_body).refused(401, "login_required");
    start(&[], json_body).refused(403, "origin_missing");
    start(&[bearer, evil_host], json_body).refused(403, "foreign_host");
    start(&[bearer, evil_origin], json_body).refused(403, "foreign_origin");
    start(&[bearer, ("Sec-Fetch-Site", "cross-site")], json_body).refused(403, "foreign_site");
    // `Sec-Fetch-Mode` alone is also what libraries of programs send; a browser says where it comes from.
    let from_bookmark = ("Sec-Fetch-Site", "none");
    start(&[bearer, from_bookmark], json_body).refused(403, "origin_missing");
    start(&[bearer], Some("text/plain")).refused(415, "content_type");
    start(&[bearer], Some("application/x-www-form-urlencoded")).refused(415, "content_type");
    assert_eq!(ids(&world.status()["sessions"]), [planner.id.as_str()]);

    let look = |headers: &[(&str, &str)]| {
        http::send(&Door::Tcp(port, headers), "GET", "/api/status", None, None)
    };
    look(&[]).refused(401, "login_required");
    look(&[bearer, evil_host]).refused(403, "foreign_host");
    look(&[bearer, evil_origin]).refused(403, "foreign_origin");
    let reader = world.token("looker", "read");
    let seen = world.tcp(&reader, "GET", "/api/status", None);
    assert!(seen.header("access-control-allow-origin").is_none());
    assert!(seen.ok()["sessions"][0]["browser_terminal_url"].is_null());
    let url = world.wait_for("the person sees the address", || {
        let session = world.session(&planner.id);
        session["browser_terminal_url"].as_str().map(str::to_owned)
    });
    let secret = url.split_once('#').unwrap().1;
    assert!(!seen.body.contains(secret));
    // The control: with everything right it works.
    let answer = start(&[bearer, ("Origin", &own)], json_body).ok();
    Agent::ready(&world, answer["session"]["id"].as_str().unwrap(), 1);
}

#[test]
fn contract_06_work_of_an_ended_planner_waits_and_holds_up_nobody() {
    let world = World::governed(|governance| governance["max_departments"] = json!(1));
    let (first, second) = (world.planner("one"), world.planner("two"));
    let busy = world.department(&first.id, "lingyubu", "takes the slot");
    let orphan = world.confirm(
        &first.id,
        json!([{ "department": "menxia", "task": "orphan" }]),
    );
    let other = world.confirm(
        &second.id,
        json!([{ "department": "menxia", "task": "other" }]),
    );
    first.tell("exit 0");
    world.wait_session(&first.id, "status", "exited");
    busy.tell("exit 0");
    // The orphan stands first, and is passed over.
    let next = Agent::ready(&world, &world.session_of(&other[0]), 1);
    let queue = world.status()["queue"].clone();
    assert_eq!(queue[0]["assignment_id"], json!(orphan[0]));
    assert_eq!(queue[0]["hold"], "planner_ended");
    let restarted = world.post(
        "/api/restart_zhongshu_session",
        &json!({ "session_id": first.id }),
    );
    let heir = restarted.ok()["session"]["id"].as_str().unwrap().to_owned();
    next.tell("exit 0");
    let agent = Agent::ready(&world, &world.session_of(&orphan[0]), 1);
    assert_eq!(world.session(&agent.id)["parent_session_id"], json!(heir));
}

#[test]
fn contract_07_a_new_planner_gets_the_reports_of_the_old_ones_children() {
    let world = World::serving();
    let old = world.planner("plan it");
    let child = world.department(&old.id, "lingyubu", "write it");
    let restarted = world.post(
        "/api/restart_zhongshu_session",
        &json!({ "session_id": old.id }),
    );
    let heir = restarted.ok()["session"]["id"].as_str().unwrap().to_owned();
    let heir = Agent::ready(&world, &heir, 1);
    world.wait_session(&old.id, "status", "replaced");
    // The child knows only the old planner: its name and its mailbox.
    let result = json!({
        "parent_session_id": old.id, "department_session_id": child.id, "department": "lingyubu",
        "summary": "written for whoever plans now",
    });
    child.drops("result.json", &result.to_string());
    heir.wait_typed("written for whoever plans now");
    let inbox = world.peek(&heir.id);
    assert_eq!(
        inbox["unread_results"][0]["department_session_id"],
        json!(child.id)
    );
    assert_eq!(ids(&inbox["running_departments"]), [child.id.as_str()]);
    assert_eq!(world.peek(&old.id)["unread_count"], 0);
    assert!(!old.typed().contains("written for whoever plans now"));
    assert!(heir.prompt().contains(&child.id), "{}", heir.prompt());
}

#[test]
fn contract_08_second_reports_half_files_and_bad_files_are_each_what_they_are() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "write it");
    let names = |folder: &str| World::names(&world.mailbox(&planner.id, folder));

    // Half a file is neither a report nor rubbish.
    let whole = child
        .result(json!({ "summary": "whole at last" }))
        .to_string();
    let (begin, rest) = whole.split_at(whole.len() / 2);
    let incoming = world.mailbox(&planner.id, "incoming");
    std::fs::write(incoming.join("a-half.json"), begin).unwrap();
    // Neither bad bytes nor bad JSON keep others from being read.
    std::fs::write(
        incoming.join("b-bytes.json"),
        b"{\"summary\": \"\xff\xfe\"}",
    )
    .unwrap();
    std::fs::write(incoming.join("c-syntax.json"), "{\"summary\": oops}").unwrap();
    std::fs::write(incoming.join("d-empty.json"), "{}").unwrap();
    let first = child.reports(json!({ "summary": "the first report" }));
    assert_eq!(first["report_status"], "reported");
    world.wait_for("three files to be rejected", || {
        (world.events_named("mailbox_file_rejected").len() == 3).then_some(())
    });
    let bad = ["b-bytes.json", "c-syntax.json", "d-empty.json"];
    world.wait_for("the rejected files with their reasons", || {
        let there = names("rejected");
        let noted = |name: &&str| there.contains(&format!("{name}.reason.txt"));
        (there.len() == 6 && bad.iter().all(noted)).then_some(())
    });
    assert_eq!(names("incoming"), ["a-half.json"]);
    let planners = world.status()["zhongshu_sessions"].clone();
    let told = planners[0]["rejected_files"].as_array().unwrap();
    let told: Vec<&str> = told.iter().map(|it| it["file"].as_str().unwrap()).collect();
    assert_eq!(told, bad);
    assert_eq!(
        world.revision_of(&child.id),
        1,
        "nothing became an empty result"
    );

    let mut half = std::fs::OpenOptions::new()
        .append(true)
        .open(incoming.join("a-half.json"))
        .unwrap();
    std::io::Write::write_all(&mut half, rest.as_bytes()).unwrap();
    world.wait_for("the second report", || {
        (world.revision_of(&child.id) == 2).then_some(())
    });
    let result = world.result_of(&child.id).unwrap();
    assert_eq!(result["summary"], "whole at last");
    assert_eq!(result["report_id"], first["last_report_id"]);
    let events = |name| world.events_named(name).len();
    assert_eq!(
        (events("result_registered"), events("result_updated")),
        (1, 1)
    );
    world.wait_for("both files in the archive", || {
        let there = names("archive")
            .iter()
            .filter(|name| name.ends_with(".json"))
            .count();
        (there == 2 && names("incoming").is_empty()).then_some(())
    });
}

#[test]
fn contract_09_a_forged_file_closes_nobody() {
    let world = World::serving();
    let (planner, stranger) = (world.planner("one"), world.planner("two"));
    let victim = world.department(&planner.id, "menxia", "review it");
    let forger = world.department(&stranger.id, "lingyubu", "write it");
    victim.announces("working");
    let claims = json!({
        "parent_session_id": stranger.id, "department_session_id": victim.id, "department": "menxia",
        "summary": "forged", "changed_files": [],
    });
    // Through the forger's own mailbox: refused, whatever it claims.
    let with = |field: &str, value: &str| {
        let mut claims = claims.clone();
        claims[field] = json!(value);
        claims.to_string()
    };
    forger.drops("f1.json", &claims.to_string());
    forger.drops("f2.json", &with("parent_session_id", &planner.id));
    forger.drops("f3.json", &with("department_session_id", "menxia-0"));
    forger.drops("f4.json", &with("department_session_id", &stranger.id));
    let wrong_department = json!({
        "parent_session_id": stranger.id, "department_session_id": forger.id, "department": "menxia",
        "summary": "forged",
    });
    forger.drops("f5.json", &wrong_department.to_string());
    let rejected = world.wait_for("five rejections", || {
        let events = world.events_named("mailbox_file_rejected");
        (events.len() == 5).then_some(events)
    });
    for event in &rejected {
        assert_eq!(event["session_id"], json!(stranger.id));
        assert!(event["reason"].as_str().unwrap().len() > 20, "{event}");
    }
    let folder = world.mailbox(&stranger.id, "rejected");
    let notes = || {
        let names = World::names(&folder);
        names
            .iter()
            .filter(|name| name.ends_with(".reason.txt"))
            .count()
    };
    world.wait_for("five notes", || (notes() == 5).then_some(()));
    assert!(world.result_of(&victim.id).is_none());
    assert!(world.result_of(&forger.id).is_none());

    // Through the victim's own planner's mailbox a file cannot be told from its own: it counts as what it is.
    let inside = with("parent_session_id", &planner.id);
    let door = world.mailbox(&planner.id, "incoming").join("g.json");
    forger.does(&format!("printf '%s' '{inside}' >'{}'", door.display()));
    let result = world.wait_for("the unverified result", || world.result_of(&victim.id));
    assert_eq!(result["verified"], false);
    forger.does("true");
    let session = world.session(&victim.id);
    assert_eq!(session["status"], "running", "a file ends nobody's turn");
    assert_eq!(world.status()["slots_taken"], 2, "and frees no slot");
    assert!(super::processes::is_alive(victim.pid()));
    // The victim's own report takes its place.
    let own = victim.reports(json!({ "summary": "my own words" }));
    assert_eq!(own["report_status"], "reported");
    assert_eq!(
        world.result_of(&victim.id).unwrap()["summary"],
        "my own words"
    );
}
