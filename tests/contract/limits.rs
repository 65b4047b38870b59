//! One limit for each field, through whichever door its text comes.

use crate::world::World;
use serde_json::{Value, json};
use zhongshu::domain::limits;

/// A plan with one field of such a size.
fn plan(field: &str, bytes: usize) -> Value {
    let mut line = json!({ "department": "lingyubu", "task": "write it" });
    line[field] = json!("x".repeat(bytes));
    json!({ "summary": "s", "assignments": [line] })
}

#[test]
fn a_text_has_one_limit_by_api_and_by_file_and_the_refusal_names_field_size_and_limit() {
    let world = World::serving();
    let planner = world.planner("plan it");
    for (field, limit) in [("task", limits::LONG.1), ("reason", limits::TEXT)] {
        let sentence = format!(
            "assignments[0].{field}: {} bytes; at most {limit} bytes are taken",
            limit + 1
        );
        let with = |bytes: usize| {
            let mut plan = plan(field, bytes);
            plan["session_id"] = json!(planner.id);
            plan
        };
        // By the API.
        world.post("/api/report_zhongshu_plan", &with(limit)).ok();
        let refused = world.post("/api/report_zhongshu_plan", &with(limit + 1));
        assert_eq!(refused.refused(400, "text_too_long"), sentence);
        // By a file.
        let count = || {
            world.session(&planner.id)["plan_file_count"]
                .as_u64()
                .unwrap()
        };
        let before = count();
        planner.drops(
            &format!("plan-{field}-too-long.json"),
            &with(limit + 1).to_string(),
        );
        let reason = world.reason_for(&planner.id, &format!("plan-{field}-too-long.json"));
        assert_eq!(reason.trim_end(), sentence);
        let mut other = with(limit);
        other["summary"] = json!("as long as may be");
        planner.drops(&format!("plan-{field}.json"), &other.to_string());
        world.wait_for("the file beside the plan", || {
            (count() > before).then_some(())
        });
    }
    // A department's words, which come by file alone.
    let department = world.department(&planner.id, "lingyubu", "write it");
    let long = department.result(json!({ "summary": "x".repeat(limits::TEXT + 1) }));
    department.drops("long.json", &long.to_string());
    let many = department.result(json!({ "risks": vec!["r"; limits::ENTRIES + 1] }));
    department.drops("many.json", &many.to_string());
    let reason = |name: &str| world.reason_for(&planner.id, name);
    assert_eq!(
        reason("long.json").trim_end(),
        "summary: 16385 bytes; at most 16384 bytes are taken"
    );
    assert!(reason("many.json").starts_with("risks: more than 256 entries; at most 256"));
    // What a person says to an agent, and a task, may be as long as each other.
    let say = |bytes: usize| {
        world.post(
            "/api/session_input",
            &json!({ "session_id": planner.id, "input": "x".repeat(bytes) }),
        )
    };
    say(limits::LONG.1).ok();
    let sentence = say(limits::LONG.1 + 1).refused(400, "text_too_long");
    assert_eq!(
        sentence,
        "input: 262145 bytes; at most 262144 bytes are taken"
    );
}
