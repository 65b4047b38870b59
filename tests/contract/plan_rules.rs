//! Which rules look at a plan: those that judge a change, whatever an agent has written into `governance.yaml` meanwhile.

use super::world::World;
use serde_json::{Value, json};

/// What the checks find in a line with this file, by their names.
fn found(world: &World, file: &str) -> Vec<String> {
    let lines =
        json!([{ "department": "lingyubu", "task": "a", "files": [file], "verify": ["true"] }]);
    let answer = world.post("/api/check_plan", &json!({ "assignments": lines }));
    let findings = answer.ok()["findings"].clone();
    let findings = findings.as_array().unwrap().iter();
    findings
        .map(|it| it["check"].as_str().unwrap().to_owned())
        .collect()
}

/// Writes these rules into the file as an agent would, and waits until `seen`.
#[track_caller]
fn loosen(world: &World, rules: Value, seen: impl Fn() -> bool) {
    let mut governance = world.governance.clone();
    governance["risk_rules"] = rules;
    world.write("governance.yaml", &governance.to_string());
    world.wait_for("the new rules are read", || seen().then_some(()));
}

const RISKY: &str = ".github/workflows/release.yml";
const HIGH: &str = "high_risk_without_menxia";

#[test]
fn a_looser_file_on_disk_silences_no_finding_of_a_plan_and_a_stricter_one_counts() {
    let mut world = World::serving();
    assert_eq!(found(&world, RISKY), [HIGH]);
    let silent = json!([{ "name": "ci_config", "allow_pattern": "**" }]);
    loosen(&world, silent.clone(), || found(&world, RISKY) != [HIGH]);
    assert_eq!(found(&world, RISKY), [HIGH, "looser_rules"]);
    // Neither does a restart that finds it there.
    world.terminate();
    world.start();
    assert_eq!(found(&world, RISKY), [HIGH, "looser_rules"]);
    // A stored plan says so too.
    let planner = world.planner("plan it");
    let plan = json!({ "summary": "it", "assignments": [
        { "department": "lingyubu", "task": "a", "files": [RISKY], "verify": ["true"] },
    ]});
    planner.drops("plan-1.json", &plan.to_string());
    let stored = world.wait_for("the plan is there", || {
        let events = world.events_named("zhongshu_plan_registered");
        events.into_iter().next_back()
    });
    let stored = stored["findings"].to_string();
    assert!(
        stored.contains(HIGH) && stored.contains("looser_rules"),
        "{stored}"
    );

    // What is stricter counts at once.
    let own =
        json!([{ "name": "own", "level": "high", "pattern": "/precious/", "message": "look" }]);
    loosen(&world, own, || found(&world, "precious/x") == [HIGH]);
    assert_eq!(found(&world, RISKY), [HIGH]);
    // What is loosened counts once the person has committed it.
    loosen(&world, silent, || {
        found(&world, "precious/x").contains(&"looser_rules".to_owned())
    });
    world.commit_all();
    world.wait_for("the commit is noticed", || {
        found(&world, RISKY).is_empty().then_some(())
    });
}
