//! Menxia before the person, on the running program: started by itself, heard by its file, overruled by a person.

use super::agent::Agent;
use super::world::World;
use serde_json::{Value, json};

/// A launcher that has every plan reviewed.
pub fn reviewing(veto_limit: usize) -> World {
    World::governed(|governance| {
        governance["plan_review"] = json!("menxia");
        governance["veto_limit"] = json!(veto_limit);
    })
}

fn plan(summary: &str) -> Value {
    json!({ "summary": summary, "assignments": [
        { "id": "a", "department": "lingyubu", "task": "a", "files": ["src/a"], "verify": ["true"] },
        { "department": "zhilibu", "task": "b", "files": ["docs/"], "verify": ["true"], "after": ["a"] },
    ]})
}

/// The planner's newest plan as the API shows it.
pub fn newest(world: &World, planner: &str) -> Value {
    let answer = world.get(&format!("/api/zhongshu_plan?id={planner}")).ok();
    answer["plan"].clone()
}

/// Waits until the newest plan has this version and this state of its review.
#[track_caller]
pub fn wait_review(world: &World, planner: &str, version: u64, state: &str) -> Value {
    world.wait_for(&format!("version {version}, {state}"), || {
        let plan = newest(world, planner);
        (plan["version"] == version && plan["review"]["state"] == state).then_some(plan)
    })
}

/// The session that reviews this version, once its agent runs.
#[track_caller]
pub fn reviewer<'w>(world: &'w World, version: u64) -> Agent<'w> {
    let id = world.wait_for("a session that reviews", || {
        let status = world.status();
        let sessions = status["department_sessions"].as_array().unwrap();
        let found = sessions
            .iter()
            .find(|it| it["reviews_plan"]["plan_version"] == version)?;
        Some(found["id"].as_str().unwrap().to_owned())
    });
    Agent::ready(world, &id, 1)
}

/// A person has the newest plan reviewed, which nobody is known to have written.
#[track_caller]
pub fn have_reviewed(world: &World, planner: &str, version: u64) -> Value {
    let plan = wait_review(world, planner, version, "author_unknown");
    let wish =
        json!({ "session_id": planner, "version": version, "plan_sha256": plan["plan_sha256"] });
    world.post("/api/review_plan", &wish).ok();
    wait_review(world, planner, version, "waiting")
}

pub fn verdict(agent: &Agent<'_>, verdict: &str) -> Value {
    let session = agent.world.session(&agent.id);
    json!({
        "parent_session_id": session["parent_session_id"],
        "department_session_id": agent.id,
        "plan_version": session["reviews_plan"]["plan_version"],
        "plan_sha256": session["reviews_plan"]["plan_sha256"],
        "verdict": verdict,
        "checked": [{ "line": "a", "point": "src/a is its own" }, { "line": 2, "point": "docs are not code" }],
        "reasons": ["nothing proves it"],
    })
}

pub fn confirmation(planner: &str, plan: &Value) -> Value {
    json!({ "parent_session_id": planner, "assignments": plan["assignments"], "plan_sha256": plan["plan_sha256"] })
}

#[test]
fn a_plan_is_vetoed_mended_approved_and_confirmed() {
    let world = reviewing(3);
    let planner = world.planner("plan it");
    planner.drops("plan-1.json", &plan("first").to_string());
    let first = have_reviewed(&world, &planner.id, 1);
    let menxia = reviewer(&world, 1);
    let session = world.wait_session(&menxia.id, "status", "running");
    assert_eq!(session["department"], "menxia");
    assert_eq!(session["assignment_id"], Value::Null);
    assert_eq!(world.status()["slots_taken"], 0);
    let digest = first["plan_sha256"].as_str().unwrap();
    assert!(menxia.prompt().contains(&format!("plan_sha256: {digest}")));
    let wish = confirmation(&planner.id, &first);
    world
        .post("/api/start_assignments", &wish)
        .refused(409, "verdict_missing");

    menxia.drops("verdict-1.json", &verdict(&menxia, "veto").to_string());
    let vetoed = wait_review(&world, &planner.id, 1, "vetoed");
    let said = &vetoed["review"]["verdict"];
    assert_eq!(said["verified"], false, "a file could be anybody's");
    assert_eq!(said["checked"][1]["line"], 2);
    planner.wait_typed("nothing proves it");
    world
        .post("/api/start_assignments", &wish)
        .refused(409, "plan_vetoed");
    let mut around = wish.clone();
    around.as_object_mut().unwrap().remove("plan_sha256");
    world
        .post("/api/start_assignments", &around)
        .refused(409, "plan_vetoed");
    assert_eq!(world.session(&planner.id)["plan_review"], "vetoed");
    assert_eq!(world.session(&planner.id)["vetoes"], 1);

    planner.drops("plan-2.json", &plan("second").to_string());
    have_reviewed(&world, &planner.id, 2);
    world.wait_session(&menxia.id, "status", "reported");
    let second = reviewer(&world, 2);
    // The first one's word counts for the first version only.
    let inbox = world
        .mailbox(&planner.id, "incoming")
        .join("verdict-9.json");
    let late = verdict(&second, "approve")
        .to_string()
        .replace(&second.id, &menxia.id);
    planner.does(&format!("printf '%s' '{late}' >'{}'", inbox.display()));
    let rejected = world.wait_for("the rejection", || {
        world.events_named("mailbox_file_rejected").pop()
    });
    assert_eq!(rejected["file"], "verdict-9.json");
    second.drops("verdict-2.json", &verdict(&second, "approve").to_string());
    let approved = wait_review(&world, &planner.id, 2, "approved");
    assert_eq!(
        world.status()["queue"],
        json!([]),
        "an approval starts nothing"
    );
    let answer = world
        .post(
            "/api/start_assignments",
            &confirmation(&planner.id, &approved),
        )
        .ok();
    assert_eq!(answer["queued_count"], 2);
    let order = &answer["assignments"][0]["assignment_id"];
    Agent::ready(&world, &world.session_of(order.as_str().unwrap()), 1);
    // Its plan is decided: nobody needs it any more.
    world.wait_session(&second.id, "status", "reported");
}

#[test]
fn a_plan_from_nobody_known_is_reviewed_when_a_person_says_so() {
    let world = reviewing(3);
    let planner = world.planner("plan it");
    planner.drops("plan-1.json", &plan("whose").to_string());
    let held = wait_review(&world, &planner.id, 1, "author_unknown");
    assert_eq!(
        (&held["status"], &held["verified"]),
        (&json!("pending"), &json!(false))
    );
    let reason = held["review"]["reason"].as_str().unwrap();
    assert!(reason.contains("no review was started"), "{reason}");
    let events = world.events_named("plan_review_withheld");
    assert_eq!((events.len(), &events[0]["reason"]), (1, &json!(reason)));
    let said = world.run(&["ps"]).exits(0);
    assert!(said.contains("no review was started"), "{said}");
    for (lang, sentence, button) in [
        ("en", "no review was started", "Have menxia review it"),
        ("zh", "没有启动复核", "送门下省复核"),
    ] {
        let path = format!("/ui/work?lang={lang}&session_id={}", planner.id);
        let page = world.get(&path).body;
        assert!(page.contains(sentence) && page.contains(button), "{page}");
        assert!(page.contains("data-do=\"plan-review\""), "{page}");
        assert!(page.contains("name=\"override_reason\""), "{page}");
    }
    let wish = confirmation(&planner.id, &held);
    world
        .post("/api/start_assignments", &wish)
        .refused(409, "verdict_missing");
    // Exactly this version and digest.
    let mut ask =
        json!({ "session_id": planner.id, "version": 2, "plan_sha256": held["plan_sha256"] });
    world
        .post("/api/review_plan", &ask)
        .refused(409, "plan_changed");
    ask["version"] = json!(1);
    ask["plan_sha256"] = json!("0");
    world
        .post("/api/review_plan", &ask)
        .refused(409, "plan_changed");
    let reviews = |world: &World| {
        let status = world.status();
        let mut sessions = status["department_sessions"].as_array().unwrap().iter();
        sessions.any(|it| !it["reviews_plan"].is_null())
    };
    assert!(!reviews(&world), "a file from nobody starts a session");
    have_reviewed(&world, &planner.id, 1);
    let asked = world.events_named("plan_review_requested");
    assert_eq!((asked.len(), &asked[0]["actor"]), (1, &json!("person:cli")));
    let menxia = reviewer(&world, 1);
    menxia.drops("verdict-1.json", &verdict(&menxia, "approve").to_string());
    wait_review(&world, &planner.id, 1, "approved");
    world.post("/api/start_assignments", &wish).ok();
    ask["plan_sha256"] = held["plan_sha256"].clone();
    world
        .post("/api/review_plan", &ask)
        .refused(409, "plan_decided");
}

#[test]
fn a_review_without_a_verdict_is_left_to_the_person_who_overrules_it() {
    let mut world = reviewing(3);
    let planner = world.planner("plan it").id;
    let mut body = plan("only");
    body["session_id"] = json!(planner);
    world.post("/api/report_zhongshu_plan", &body).ok();
    reviewer(&world, 1).tell("exit 7");
    let ended = wait_review(&world, &planner, 1, "ended");
    assert_eq!(ended["review"]["outcome"], "exited");
    let id = ended["review"]["session_id"].as_str().unwrap().to_owned();
    assert_eq!(world.session(&id)["can_resume"], true);
    world.kill();
    world.start();
    assert_eq!(newest(&world, &planner)["review"]["state"], "ended");
    world
        .post("/api/resume_session", &json!({ "session_id": id }))
        .ok();
    wait_review(&world, &planner, 1, "waiting");
    let again = Agent::ready(&world, &id, 2);
    let mut wish = confirmation(&planner, &ended);
    world
        .post("/api/start_assignments", &wish)
        .refused(409, "verdict_missing");
    wish["override_reason"] = json!("it is only documentation");
    world.post("/api/start_assignments", &wish).ok();
    let plan = newest(&world, &planner);
    assert_eq!(plan["status"], "confirmed");
    assert_eq!(
        plan["review"]["override_reason"],
        "it is only documentation"
    );
    let events = world.events_named("plan_review_overruled");
    assert_eq!(events[0]["actor"], "person:cli");
    // Nobody waits for menxia any more.
    world.wait_session(&again.id, "status", "not_needed");
    world
        .post("/api/resume_session", &json!({ "session_id": id }))
        .refused(409, "review_over");
}

#[test]
fn a_launcher_that_comes_back_goes_on_with_the_review() {
    let mut world = reviewing(1);
    let planner = world.planner("plan it").id;
    let mut body = plan("only");
    body["session_id"] = json!(planner);
    world.post("/api/report_zhongshu_plan", &body).ok();
    let id = reviewer(&world, 1).id;
    world.kill();
    // Written while nobody looks.
    let prompt = world.control().join(format!("{id}.prompt"));
    let prompt = std::fs::read_to_string(prompt).unwrap();
    let value = |name: &str| {
        let line = prompt.lines().find(|line| line.starts_with(name)).unwrap();
        line.rsplit(' ').next().unwrap().to_owned()
    };
    let verdict = json!({
        "parent_session_id": planner, "department_session_id": id, "plan_version": 1,
        "plan_sha256": value("plan_sha256: "), "verdict": "veto", "reasons": ["no"],
        "checked": [{ "line": 1, "point": "x" }, { "line": 2, "point": "y" }],
    });
    let inbox = world.mailbox(&planner, "incoming");
    std::fs::write(inbox.join("verdict-1.json"), verdict.to_string()).unwrap();
    world.start();
    wait_review(&world, &planner, 1, "vetoed");
    // One veto was the limit: the next version goes to the person.
    body["summary"] = json!("better");
    world.post("/api/report_zhongshu_plan", &body).ok();
    let left = newest(&world, &planner);
    assert_eq!(left["review"]["state"], "left_to_person");
    let events = world.events_named("plan_left_to_person");
    assert_eq!(events[0]["vetoes"], 1);
}
