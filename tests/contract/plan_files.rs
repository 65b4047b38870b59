//! A plan file from nobody known, on the running program: it stands beside the plan on every surface, and a person decides.

use super::world::World;
use serde_json::{Value, json};

fn plan(planner: &str, summary: &str) -> Value {
    json!({
        "session_id": planner,
        "summary": summary,
        "assignments": [{ "department": "gongchengbu", "task": format!("do what {summary} says"), "verify": ["true"] }],
    })
}

fn drop_file(world: &World, planner: &str, name: &str, plan: &Value) {
    let incoming = world.mailbox(planner, "incoming");
    let draft = incoming.join(".draft.tmp");
    std::fs::write(&draft, plan.to_string()).unwrap();
    std::fs::rename(&draft, incoming.join(name)).unwrap();
}

fn look(world: &World, planner: &str) -> Value {
    world.get(&format!("/api/zhongshu_plan?id={planner}")).ok()
}

/// What stands beside the plan, once it is so many.
#[track_caller]
fn beside(world: &World, planner: &str, count: usize) -> Value {
    world.wait_for(&format!("{count} files beside the plan"), || {
        let files = look(world, planner)["plan_files"].clone();
        (files.as_array().unwrap().len() == count).then_some(files)
    })
}

#[test]
fn a_file_from_nobody_stands_beside_until_a_person_decides() {
    let mut world = World::serving();
    let planner = world.planner("plan it").id;
    world
        .post("/api/report_zhongshu_plan", &plan(&planner, "mine"))
        .ok();
    drop_file(
        &world,
        &planner,
        "plan-a.json",
        &plan(&planner, "fore\u{202e}ign"),
    );
    drop_file(&world, &planner, "plan-b.json", &plan(&planner, "another"));
    let files = beside(&world, &planner, 2);
    let newest = look(&world, &planner)["plan"].clone();
    assert_eq!(
        (&newest["summary"], &newest["verified"]),
        (&json!("mine"), &json!(true))
    );
    assert_eq!(
        (&files[1]["why"], &files[1]["file"]),
        (&json!("verified_plan_waits"), &json!("plan-a.json"))
    );
    assert_eq!(
        files[1]["summary"], "fore\u{202e}ign",
        "data for programs is as it came"
    );
    assert_eq!(world.session(&planner)["plan_file_count"], 2);
    let said = world.run(&["ps"]).exits(0);
    let told = said.matches("A plan in a file from nobody known").count();
    assert_eq!(told, 2, "{said}");
    // On the page nobody takes the one for the other, in either language.
    for (lang, mark) in [("en", "author unknown"), ("zh", "作者不明")] {
        let page = world
            .get(&format!("/ui/work?lang={lang}&session_id={planner}"))
            .body;
        let (own, foreign) = page
            .split_once(&format!("data-key=\"plan-files-{planner}\""))
            .unwrap();
        assert!(own.contains("<p class=\"text summary\">mine</p>"), "{own}");
        assert!(!own.contains("another") && !own.contains("ign</p>"));
        assert!(foreign.contains(mark) && foreign.contains("fore⟨U+202E⟩ign"));
    }
    // Only a person can take one; nothing else makes it the plan.
    let wish = json!({ "session_id": planner, "plan_sha256": files[1]["plan_sha256"] });
    let token = world.token("looker", "read");
    for path in ["/api/take_plan_file", "/api/discard_plan_file"] {
        world
            .tcp(&token, "POST", path, Some(&wish))
            .refused(403, "read_only_token");
    }
    world.kill();
    world.start();
    beside(&world, &planner, 2);
    let gone = json!({ "session_id": planner, "plan_sha256": files[0]["plan_sha256"] });
    world.post("/api/discard_plan_file", &gone).ok();
    world
        .post("/api/discard_plan_file", &gone)
        .refused(404, "unknown_plan_file");
    assert_eq!(world.post("/api/take_plan_file", &wish).ok()["version"], 2);
    let taken = look(&world, &planner);
    assert_eq!(taken["plan_files"], json!([]));
    let taken = &taken["plan"];
    assert_eq!(
        (&taken["version"], &taken["status"]),
        (&json!(2), &json!("pending"))
    );
    assert_eq!(
        (&taken["taken"], &taken["verified"]),
        (&json!(true), &json!(false))
    );
    let page = world
        .get(&format!("/ui/work?lang=en&session_id={planner}"))
        .body;
    assert!(page.contains("a file that a person took as the plan: author not verified"));
    // What hides something is told with the plan, and what a person confirms is what was seen.
    let checks = taken["findings"].as_array().unwrap();
    assert!(
        checks.iter().any(|it| it["check"] == "hidden_characters"),
        "{checks:?}"
    );
    let events = |name: &str| world.events_named(name).len();
    assert_eq!(
        (
            events("plan_file_found"),
            events("plan_file_taken"),
            events("plan_file_discarded")
        ),
        (2, 1, 1)
    );
    let audit = world.run(&["audit"]).exits(0);
    assert!(
        audit.contains("fore⟨U+202E⟩ign") && !audit.contains('\u{202e}'),
        "{audit}"
    );
    let archive = World::names(&world.mailbox(&planner, "archive"));
    assert_eq!(archive, ["plan-a.json", "plan-b.json"]);
}
