//! What a person's yes stands for as time goes on: over restarts, when the file takes something out and puts it back, and when
//! what a command line names is changed.

use super::agent::SCRIPT;
use super::review::wait_review;
use super::world::World;
use serde_json::{Value, json};

fn asked(world: &World) -> Value {
    world.status()["powers"].clone()
}

/// The line of the question about this entry, if there is one.
fn line(world: &World, entry: &str) -> Value {
    let lines = asked(world)["lines"].clone();
    let found = lines.as_array().unwrap().iter();
    let mut found = found.filter(|line| line["entry"] == entry);
    found.next().cloned().unwrap_or_default()
}

/// Writes another file as an agent would, and waits until the question is another one.
#[track_caller]
fn rewrite(world: &World, governance: &Value) {
    let before = asked(world)["sha256"].clone();
    world.write("governance.yaml", &governance.to_string());
    world.wait_for("the new file is read", || {
        (asked(world)["sha256"] != before).then_some(())
    });
}

/// Waits until so many times in all the yes has become narrower for good.
#[track_caller]
fn narrowed(world: &World, times: usize) -> Value {
    world.wait_for("the yes is narrower for good", || {
        let events = world.events_named("powers_narrowed");
        (events.len() >= times).then(|| events.last().unwrap()["powers"].clone())
    })
}

#[test]
fn reviews_that_say_less_wait_for_the_persons_yes_over_a_restart() {
    let mut world = World::governed(|governance| {
        governance["plan_review"] = json!("menxia");
        governance["veto_limit"] = json!(5);
        governance["review_limit"] = json!(3);
    });
    world.terminate();
    let strict = world.governance.clone();
    let mut loose = strict.clone();
    loose["plan_review"] = json!("off");
    loose["review_limit"] = json!(900);
    world.write("governance.yaml", &loose.to_string());
    world.start_unanswered();
    let question = asked(&world);
    assert_eq!(question["needed"], true, "{question}");
    let review = line(&world, "plan_review");
    assert_eq!(
        (&review["now"], &review["before"], &review["approved"]),
        (&json!("off"), &json!("menxia"), &json!(false))
    );
    let limit = line(&world, "review_limit");
    assert_eq!(
        (&limit["now"], &limit["before"]),
        (&json!("900"), &json!("3"))
    );
    let said = world.run(&["ps"]).exits(0);
    for part in ["plan_review: off", "approved before: menxia"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    // What was in force is in force.
    assert_eq!(world.status()["review_limit"], 3);
    let planner = world.planner("plan it");
    let plan = json!({ "summary": "it", "assignments": [
        { "department": "lingyubu", "task": "a", "files": ["src/a"], "verify": ["true"] },
    ]});
    let wish = json!({ "session_id": planner.id, "plan": plan });
    world.post("/api/report_zhongshu_plan", &wish).ok();
    wait_review(&world, &planner.id, 1, "waiting");

    world.approve_powers();
    assert_eq!(asked(&world)["needed"], false);
    assert_eq!(world.status()["review_limit"], 900);
    // What says more needs no yes, and is what holds from then on.
    let times = world.events_named("powers_narrowed").len();
    let mut fewer = strict;
    fewer["veto_limit"] = json!(4);
    rewrite(&world, &fewer);
    assert_eq!(asked(&world)["needed"], false);
    assert_eq!(world.status()["review_limit"], 3);
    narrowed(&world, times + 1);
    let mut fewest = fewer.clone();
    fewest["veto_limit"] = json!(1);
    rewrite(&world, &fewest);
    let vetoes = line(&world, "veto_limit");
    assert_eq!(
        (&vetoes["now"], &vetoes["before"]),
        (&json!("1"), &json!("4"))
    );
}

#[test]
fn what_was_taken_out_of_the_file_needs_a_new_yes_to_come_back() {
    let mut world = World::governed(|governance| governance["run_verify"] = json!(true));
    let full = world.governance.clone();
    let without = |what: &dyn Fn(&mut Value)| {
        let mut less = full.clone();
        what(&mut less);
        less
    };
    let no_driver = without(&|less| {
        less["drivers"].as_object_mut().unwrap().remove("nothing");
        less["departments"] = json!({});
    });
    rewrite(&world, &no_driver);
    assert_eq!(asked(&world)["needed"], false, "less needs no yes");
    let left = narrowed(&world, 1);
    assert!(left["commands"].get("nothing").is_none(), "{left}");
    rewrite(&world, &full);
    assert_eq!(asked(&world)["needed"], true);
    assert_eq!(line(&world, "drivers.nothing.command")["approved"], false);
    assert_eq!(line(&world, "drivers.puppet.command")["approved"], true);
    world.approve_powers();

    // The same while nobody looked: the start sees what is gone.
    world.terminate();
    let no_verify = without(&|less| less["run_verify"] = json!(false));
    world.write("governance.yaml", &no_verify.to_string());
    world.start_unanswered();
    assert_eq!(asked(&world)["needed"], false);
    world.terminate();
    world.write("governance.yaml", &full.to_string());
    world.start_unanswered();
    assert_eq!(asked(&world)["needed"], true);
    assert_eq!(line(&world, "run_verify")["approved"], false);
}

#[test]
fn a_moment_without_the_file_costs_no_yes() {
    let world = World::governed(|governance| governance["run_verify"] = json!(true));
    let file = world.repo().join("governance.yaml");
    let full = world.governance.clone();
    let digest = asked(&world)["sha256"].clone();
    // A machine that stands still for two seconds in between makes a moment of it no more.
    let came_back = (0..5).any(|_| {
        world.approve_powers();
        let before = world.events_named("powers_narrowed").len();
        std::fs::remove_file(&file).unwrap();
        world.wait_for("what is there holds at once", || {
            (asked(&world)["lines"] == json!([])).then_some(())
        });
        world.write("governance.yaml", &full.to_string());
        world.wait_for("the file is back", || {
            (asked(&world)["sha256"] == digest).then_some(())
        });
        world.events_named("powers_narrowed").len() == before
    });
    assert!(came_back, "each look took the yes back");
    assert_eq!(asked(&world)["needed"], false);
    // What stays away is gone for good.
    let times = world.events_named("powers_narrowed").len();
    std::fs::remove_file(&file).unwrap();
    narrowed(&world, times + 1);
    world.write("governance.yaml", &full.to_string());
    world.wait_for("the file is asked about", || {
        (asked(&world)["needed"] == true).then_some(())
    });
}

/// A world whose agents are run by a script inside of the repository.
fn with_a_script_of_its_own() -> World {
    let mut world = World::new();
    world.write("tools/agent.sh", SCRIPT);
    world.governance["drivers"]["puppet"]["command"][1] = json!("{repo}/tools/agent.sh");
    world.write_governance();
    world.commit_all();
    world.start();
    world
}

#[test]
fn a_script_that_a_command_line_names_is_part_of_what_was_approved() {
    let world = with_a_script_of_its_own();
    world.planner("plan it");
    let entry = "drivers.puppet.command: tools/agent.sh";
    assert_eq!(line(&world, entry)["approved"], true);
    let trap = world.root().join("trap");
    world.write(
        "tools/agent.sh",
        &format!("touch {}\n{SCRIPT}", trap.display()),
    );
    world.wait_for("the change is asked about", || {
        (asked(&world)["needed"] == true).then_some(())
    });
    let file = line(&world, entry);
    assert_eq!(
        (&file["approved"], &file["file"]),
        (&json!(false), &json!("changed")),
        "{file}"
    );
    assert_ne!(file["now"], file["before"]);
    let task = json!({ "task": "plan more" });
    let message = world
        .post("/api/start_zhongshu_session", &task)
        .refused(409, "powers_required");
    assert!(message.contains("tools/agent.sh"), "{message}");
    let said = world.run(&["ps"]).exits(0);
    for (language, sentence) in [("en", "changed since your yes"), ("zh", "已变化")] {
        let page = world.get(&format!("/ui/work?lang={language}")).body;
        for part in [sentence, "tools/agent.sh"] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
    }
    for part in ["changed since your yes", "tools/agent.sh"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    assert!(!trap.exists());
    world.approve_powers();
    world.planner("plan more");
    assert!(trap.exists());
}

#[test]
fn a_script_that_changes_unseen_is_noticed_when_its_program_is_about_to_start() {
    let world = with_a_script_of_its_own();
    let planner = world.planner("plan it");
    let trap = world.root().join("trap");
    // The same length, and the same time: nobody notices by a look at the folder.
    let script = world.repo().join("tools/agent.sh");
    let changed_at = std::fs::metadata(&script).unwrap().modified().unwrap();
    let evil = format!("touch {}; exit\n", trap.display());
    let rest = "#".repeat(SCRIPT.len() - evil.len());
    world.write("tools/agent.sh", &format!("{evil}{rest}"));
    let file = std::fs::File::options().write(true).open(&script).unwrap();
    file.set_modified(changed_at).unwrap();
    let ids = world.confirm(
        &planner.id,
        json!([{ "department": "lingyubu", "task": "write it" }]),
    );
    world.wait_for("the change is asked about", || {
        (asked(&world)["needed"] == true).then_some(())
    });
    let session = world.wait_for("the session says what it waits for", || {
        let session = world.session(&world.session_of(&ids[0]));
        session["status_reason"].is_string().then_some(session)
    });
    assert_eq!(session["status"], "starting");
    let reason = session["status_reason"].as_str().unwrap();
    assert!(reason.contains("tools/agent.sh"), "{reason}");
    assert!(!trap.exists());
    // The person puts the script back: that is what the yes was for.
    world.write("tools/agent.sh", SCRIPT);
    world.wait_session(session["id"].as_str().unwrap(), "status", "running");
    assert!(!trap.exists());
}

#[test]
fn a_file_that_nobody_can_look_through_is_never_approved() {
    let mut world = World::new();
    world.write("tools/large", &"#".repeat((1 << 20) + 1));
    world.governance["drivers"]["nothing"]["command"][0] = json!("tools/large");
    world.write_governance();
    world.start();
    let file = line(&world, "drivers.nothing.command: tools/large");
    assert_eq!(file["file"], "unread", "{file}");
    assert_eq!(file["approved"], false);
    assert_eq!(asked(&world)["needed"], true);
    // The rest holds.
    let planner = world.planner("plan it");
    let work = json!({
        "parent_session_id": planner.id,
        "assignments": [{ "department": "broken", "task": "write it" }],
    });
    let message = world
        .post("/api/start_assignments", &work)
        .refused(409, "powers_required");
    assert!(message.contains("tools/large"), "{message}");
}

#[test]
fn a_command_line_that_leads_to_a_file_only_for_its_session_does_not_start() {
    let world = World::governed(|governance| {
        let command = json!(["/bin/sh", "{mailbox}/../run.sh", "{prompt_file}"]);
        governance["drivers"]["stray"] = json!({ "command": command });
        governance["departments"]["strays"] = json!({ "driver": "stray", "title": "Strays" });
    });
    let planner = world.planner("plan it");
    // When the person was asked, no session was known, and nothing lay there.
    let trap = world.root().join("trap");
    let script = format!(".tmp/codex_governance_mailbox/{}/run.sh", planner.id);
    world.write(&script, &format!("touch {}\n", trap.display()));
    let work = json!([{ "department": "strays", "task": "write it" }]);
    let ids = world.confirm(&planner.id, work);
    let id = world.session_of(&ids[0]);
    let ended = world.wait_session(&id, "status", "failed");
    let reason = ended["status_reason"].as_str().unwrap();
    for part in [script.as_str(), "not what was approved"] {
        assert!(reason.contains(part), "{part} is not in {reason}");
    }
    assert!(!trap.exists());
}
