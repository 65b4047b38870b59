//! What the queue waits for, as a person sees it and lifts it: results before its own, and results that wait for eyes.

use super::agent::Agent;
use super::world::World;
use serde_json::{Value, json};

/// The queue's entry for an assignment, once it is held for this.
#[track_caller]
fn held(world: &World, id: &str, hold: &str) -> Value {
    world.wait_for(&format!("{id} held: {hold}"), || {
        let status = world.status();
        let queue = status["queue"].as_array().unwrap();
        let item = queue.iter().find(|item| item["assignment_id"] == id)?;
        (item["hold"] == hold).then(|| item.clone())
    })
}

#[test]
fn what_comes_after_something_waits_says_why_and_can_be_forced() {
    let mut world = World::serving();
    let planner = world.planner("plan it");
    let planner = planner.id.clone();
    let ids = world.confirm(
        &planner,
        json!([
            { "id": "api", "department": "lingyubu", "task": "a" },
            { "id": "page", "after": ["api"], "department": "gongchengbu", "task": "b" },
            { "after": ["page"], "department": "menxia", "task": "c" },
        ]),
    );
    let item = held(&world, &ids[1], "waits_for");
    assert_eq!(item["hold_for"], json!([ids[0]]));
    assert_eq!(
        (&item["plan_line"], &item["after"]),
        (&json!("page"), &json!([ids[0]]))
    );
    let reason = item["hold_reason"].as_str().unwrap();
    assert!(reason.contains("(api)"), "{reason}");

    // It ends without a word: only the launcher speaks for it.
    Agent::ready(&world, &world.session_of(&ids[0]), 1).tell("exit 3");
    let item = held(&world, &ids[1], "dependency_failed");
    assert_eq!(item["can_be_forced"], true);
    world.kill();
    world.start();
    held(&world, &ids[1], "dependency_failed");
    let unknown = json!({ "assignment_id": "assignment-none" });
    world
        .post("/api/queue/force", &unknown)
        .refused(404, "unknown_assignment");
    let token = world.token("looker", "read");
    let wish = json!({ "assignment_id": ids[1] });
    world
        .tcp(&token, "POST", "/api/queue/force", Some(&wish))
        .refused(403, "read_only_token");
    held(&world, &ids[1], "dependency_failed");
    world.post("/api/queue/force", &wish).ok();
    let page = Agent::ready(&world, &world.session_of(&ids[1]), 1);
    held(&world, &ids[2], "waits_for");
    page.announces("working");
    page.reports(json!({}));
    held(&world, &ids[2], "waits_for");
    page.announces("done");
    Agent::ready(&world, &world.session_of(&ids[2]), 1);
    assert_eq!(world.events_named("assignment_forced").len(), 1);
}

#[test]
fn an_order_that_cannot_be_kept_is_refused_at_every_door() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let circle = json!([
        { "id": "a", "after": ["b"], "department": "lingyubu", "task": "a" },
        { "id": "b", "after": ["a"], "department": "lingyubu", "task": "b" },
    ]);
    let body = json!({ "parent_session_id": planner.id, "assignments": circle });
    let sentence = world
        .post("/api/start_assignments", &body)
        .refused(400, "dependency_cycle");
    assert!(
        sentence.contains("`a` waits for `b`, `b` waits for `a`"),
        "{sentence}"
    );
    let plan = json!({ "session_id": planner.id, "summary": "s", "assignments": circle });
    world
        .post("/api/report_zhongshu_plan", &plan)
        .refused(400, "dependency_cycle");
    planner.drops("plan-1.json", &plan.to_string());
    let rejected = world.wait_for("the rejection", || {
        world.events_named("mailbox_file_rejected").pop()
    });
    let reason = rejected["reason"].as_str().unwrap();
    assert!(reason.contains("`a` waits for `b`"), "{reason}");
    assert_eq!(world.status()["queue"], json!([]));
}

#[test]
fn a_confirmed_plan_shows_what_was_confirmed_beside_what_was_proposed() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let plan = json!({ "session_id": planner.id, "summary": "s", "assignments": [
        { "department": "menxia", "task": "never started" },
        { "department": "lingyubu", "task": "code", "files": ["src/"], "verify": ["true"] },
    ]});
    world.post("/api/report_zhongshu_plan", &plan).ok();
    let path = format!("/api/zhongshu_plan?id={}", planner.id);
    let proposed = world.get(&path).ok();
    assert_eq!(
        (&proposed["plan"]["confirmed"], &proposed["findings"]),
        (&Value::Null, &json!([]))
    );
    let mut lines = proposed["plan"]["assignments"].clone();
    lines[0]["selected"] = json!(false);
    lines[1]["files"] = json!(["src/", "../x"]);
    let wish = json!({
        "parent_session_id": planner.id, "plan_sha256": proposed["plan"]["plan_sha256"], "assignments": lines,
    });
    world.post("/api/start_assignments", &wish).ok();
    let shown = world.get(&path).ok();
    let confirmed = &shown["plan"]["confirmed"];
    assert_eq!(
        (&confirmed["edited"], &confirmed["overlap_allowed"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(confirmed["assignments"], json!([lines[1]]));
    assert_eq!(
        shown["plan"]["assignments"],
        proposed["plan"]["assignments"]
    );
    let finding = &shown["findings"][0];
    assert_eq!(
        (&finding["check"], &finding["assignments"], &finding["path"]),
        (&json!("outside_repository"), &json!([0]), &json!("../x"))
    );
    assert_eq!(shown["findings"], confirmed["findings"]);
}

#[test]
fn results_that_wait_for_eyes_stop_the_queue_at_the_limit() {
    let world = World::governed(|governance| {
        governance["review_limit"] = json!(1);
        governance["max_departments"] = json!(1);
    });
    let planner = world.planner("plan it");
    let task = |task: &str| json!({ "department": "lingyubu", "task": task });
    let ids = world.confirm(&planner.id, json!([task("a"), task("b")]));
    let first = Agent::ready(&world, &world.session_of(&ids[0]), 1);
    first.reports(json!({}));
    first.announces("done");
    world.wait_session(&first.id, "status", "reported");
    let item = held(&world, &ids[1], "review_limit");
    let reason = item["hold_reason"].as_str().unwrap();
    assert!(reason.contains("“Got it”: 1, at most 1"), "{reason}");
    let status = world.status();
    assert_eq!(
        (&status["unreviewed_results"], &status["review_limit"]),
        (&json!(1), &json!(1))
    );
    let report = world.result_of(&first.id).unwrap()["report_id"].clone();
    world
        .post("/api/ack_result", &json!({ "report_id": report }))
        .ok();
    Agent::ready(&world, &world.session_of(&ids[1]), 1);
}
