//! What `governance.yaml` asks for beyond the safe defaults runs only with the person's yes to exactly that. Agents write
//! this file.

use super::agent::Agent;
use super::world::World;
use serde_json::{Value, json};

/// The line of the question about this entry of the file.
#[track_caller]
fn line(world: &World, entry: &str) -> Value {
    let asked = world.status()["powers"].clone();
    let lines = asked["lines"].as_array().unwrap();
    let found = lines.iter().find(|line| line["entry"] == entry);
    found
        .unwrap_or_else(|| panic!("no line about {entry} in {asked:#}"))
        .clone()
}

/// Rewrites the file as an agent would, and waits until the launcher asks about it.
#[track_caller]
fn rewrite(world: &World, change: impl FnOnce(&mut Value)) -> Value {
    let before = world.status()["powers"]["sha256"].clone();
    let mut governance = world.governance.clone();
    change(&mut governance);
    world.write("governance.yaml", &governance.to_string());
    world.wait_for("the new file is read", || {
        let asked = world.status()["powers"].clone();
        (asked["sha256"] != before).then_some(asked)
    })
}

#[track_caller]
fn refused_planner(world: &World) -> String {
    let task = json!({ "task": "plan it" });
    world
        .post("/api/start_zhongshu_session", &task)
        .refused(409, "powers_required")
}

#[test]
fn a_program_that_the_file_names_waits_for_the_persons_yes() {
    let mut world = World::new();
    world.start_unanswered();
    let message = refused_planner(&world);
    assert!(message.contains("puppet"), "{message}");
    assert!(message.contains("POST /api/powers"), "{message}");
    assert_eq!(World::names(&world.control()), Vec::<String>::new());

    // The question shows what would run, wherever a person looks.
    let script = world.root().join("agent.sh").display().to_string();
    let asked = world.status()["powers"].clone();
    assert_eq!(asked["needed"], true);
    let puppet = line(&world, "drivers.puppet.command");
    assert!(
        puppet["now"].as_str().unwrap().contains(&script),
        "{puppet}"
    );
    assert_eq!(
        (&puppet["before"], &puppet["approved"]),
        (&Value::Null, &json!(false))
    );
    assert_eq!(line(&world, "planner")["now"], "puppet");
    let said = world.run(&["ps"]).exits(0);
    let sha256 = asked["sha256"].as_str().unwrap();
    for part in [script.as_str(), sha256, "zhongshu api POST /api/powers"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    for (language, title) in [("en", "Before programs start"), ("zh", "在程序启动之前")] {
        let page = world.get(&format!("/ui/work?lang={language}")).body;
        for part in [title, script.as_str(), sha256] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
    }

    // Only a person answers, and only to what is asked.
    let yes = json!({ "sha256": sha256, "accept": true });
    let reader = world.token("reader", "read");
    let answer = world.tcp(&reader, "POST", "/api/powers", Some(&yes));
    assert_eq!(answer.status, 403, "{}", answer.body);
    let no = json!({ "sha256": sha256, "accept": false });
    world.post("/api/powers", &no).refused(400, "not_accepted");
    let other = json!({ "sha256": "0".repeat(64), "accept": true });
    let said = world
        .post("/api/powers", &other)
        .refused(409, "powers_changed");
    assert!(said.contains("sha256"), "{said}");
    assert_eq!(world.events_named("powers_approved").len(), 0);

    world.post("/api/powers", &yes).ok();
    let events = world.events_named("powers_approved");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["sha256"], sha256);
    assert!(
        events[0]["powers"].to_string().contains(&script),
        "{}",
        events[0]
    );
    assert_eq!(world.status()["powers"]["needed"], false);
    let planner = world.planner("plan it");

    // Said once, it holds; and what no sandbox holds is named.
    world.post("/api/powers", &yes).ok();
    assert_eq!(world.events_named("powers_approved").len(), 1);
    let bare = world.status()["powers"]["unsandboxed"].clone();
    assert!(bare.to_string().contains("puppet"), "{bare}");
    let page = world.get("/ui/work?lang=en").body;
    assert!(page.contains("Without a sandbox"), "{page}");
    let said = world.run(&["ps"]).exits(0);
    assert!(said.contains("no sandbox") && said.contains("T0"), "{said}");
    planner.tell("exit 0");
    world.wait_session(&planner.id, "status", "exited");
    world.terminate();
    world.start_unanswered();
    assert_eq!(world.status()["powers"]["needed"], false);
    world.planner("plan more");
}

#[test]
fn a_changed_program_is_asked_about_again_and_its_work_waits_meanwhile() {
    let world = World::serving();
    let planner = world.planner("plan it");
    world.post("/api/queue/pause", &json!({})).ok();
    let ids = world.confirm(
        &planner.id,
        json!([{ "department": "lingyubu", "task": "write it" }]),
    );
    let trap = world.root().join("trap").display().to_string();
    let asked = rewrite(&world, |governance| {
        let command = &mut governance["drivers"]["puppet"]["command"];
        command
            .as_array_mut()
            .unwrap()
            .push(json!(format!("$(touch {trap})\u{202e}")));
    });
    assert_eq!(asked["needed"], true);
    let puppet = line(&world, "drivers.puppet.command");
    let (before, now) = (
        puppet["before"].as_str().unwrap(),
        puppet["now"].as_str().unwrap(),
    );
    assert!(!before.contains(&trap) && now.contains(&trap), "{puppet}");
    assert!(
        now.contains("⟨U+202E⟩") && !now.contains('\u{202e}'),
        "{now}"
    );
    // The other driver is as it was.
    assert_eq!(line(&world, "drivers.nothing.command")["approved"], true);

    world.post("/api/queue/resume", &json!({})).ok();
    let waiting = world.wait_for("the line is held", || {
        let item = world.status()["queue"][0].clone();
        (item["hold"] == "powers_required").then_some(item)
    });
    let reason = waiting["hold_reason"].as_str().unwrap();
    assert!(reason.contains("puppet"), "{reason}");
    assert_eq!(waiting["can_be_forced"], false);
    // What runs goes on: it was started with a yes.
    planner.does("echo on it");
    refused_planner(&world);
    assert_eq!(world.status()["department_sessions"], json!([]));

    world.approve_powers();
    let work = Agent::ready(&world, &world.session_of(&ids[0]), 1);
    work.tell("exit 0");
    // An older yes is none to what was said before it.
    let asked = rewrite(&world, |_| {});
    assert_eq!(asked["needed"], true);
    refused_planner(&world);
}

#[test]
fn what_was_written_into_the_file_while_nobody_looked_waits_at_the_next_start() {
    let mut world = World::serving();
    world.terminate();
    let trap = world.root().join("trap");
    let mut governance = world.governance.clone();
    governance["drivers"]["puppet"]["command"] = json!(["/bin/touch", trap]);
    governance["planner"] = json!({ "driver": "codex", "sandbox": "danger-full-access" });
    world.write("governance.yaml", &governance.to_string());
    world.start_unanswered();
    assert_eq!(world.status()["powers"]["needed"], true);
    let planner = line(&world, "planner");
    assert_eq!(planner["before"], "puppet");
    assert_eq!(planner["now"], "danger-full-access, approval on-request");
    assert_eq!(planner["approved"], false);
    assert_eq!(line(&world, "drivers.puppet.command")["approved"], false);
    // The person puts the file back: what was approved before needs no second answer.
    world.write_governance();
    world.wait_for("the question is gone", || {
        (world.status()["powers"]["needed"] == false).then_some(())
    });
    world.planner("plan it");
    assert!(!trap.exists());
}

#[test]
fn an_ended_session_is_not_resumed_with_a_program_that_nobody_approved() {
    let world = World::serving();
    let planner = world.planner("plan it");
    planner.tell("exit 0");
    world.wait_session(&planner.id, "status", "exited");
    rewrite(&world, |governance| {
        governance["drivers"]["puppet"]["command"] = json!(["/bin/false", "{prompt_file}"]);
    });
    let resume = json!({ "session_id": planner.id });
    let message = world
        .post("/api/resume_session", &resume)
        .refused(409, "powers_required");
    assert!(message.contains("puppet"), "{message}");
    let restart = json!({ "session_id": planner.id });
    world
        .post("/api/restart_zhongshu_session", &restart)
        .refused(409, "powers_required");
}

#[test]
fn verify_commands_are_not_run_because_an_unapproved_file_says_so() {
    let world = World::serving();
    let asked = rewrite(&world, |governance| governance["run_verify"] = json!(true));
    assert_eq!(asked["needed"], true);
    assert_eq!(line(&world, "run_verify")["approved"], false);
    let planner = world.planner("plan it");
    let task = json!([{ "department": "lingyubu", "task": "a", "verify": ["true"] }]);
    let ids = world.confirm(&planner.id, task.clone());
    let order = |id: &str| {
        let events = world.events_named("assignment_queued");
        let found = events.into_iter().find(|it| it["assignment_id"] == id);
        found.unwrap()
    };
    assert_eq!(order(&ids[0])["run_verify"], false);
    world.approve_powers();
    let ids = world.confirm(&planner.id, task);
    assert_eq!(order(&ids[0])["run_verify"], true);
}

#[test]
fn a_file_that_asks_for_nothing_brings_no_question() {
    let mut world = World::new();
    world.governance = json!({
        "language": "en",
        "max_departments": 3,
        "planner": { "driver": "codex", "approval": "untrusted" },
        "departments": { "lingyubu": { "sandbox": "read-only" } },
    });
    world.write_governance();
    world.start_unanswered();
    let asked = world.status()["powers"].clone();
    assert_eq!(asked["needed"], false, "{asked}");
    assert_eq!(asked["lines"], json!([]));
    let page = world.get("/ui/work?lang=en").body;
    assert!(!page.contains("Before programs start"), "{page}");
}
