//! What a department does after it has reported, on the running program: found when its session ends, and told.

use super::agent::Agent;
use super::world::World;
use serde_json::{Value, json};

/// A department that may change `src/`, and its planner.
fn at_work(world: &World) -> (Agent<'_>, Agent<'_>) {
    let planner = world.planner("plan it");
    let work = json!([{ "department": "lingyubu", "task": "a", "files": ["src/"] }]);
    let ids = world.confirm(&planner.id, work);
    let department = Agent::ready(world, &world.session_of(&ids[0]), 1);
    department.announces("working");
    (planner, department)
}

/// The result of a department once it has been looked at so often.
#[track_caller]
fn looked_at(world: &World, department: &Agent<'_>, event: &str, times: usize) -> Value {
    world.wait_for(&format!("{event}, {times} times"), || {
        (world.events_named(event).len() >= times).then_some(())
    });
    world.result_of(&department.id).unwrap()
}

fn standing(result: &Value, path: &str) -> Value {
    let files = result["conformance"]["files"].as_array().unwrap();
    let found = files.iter().find(|file| file["path"] == path);
    found.map_or(Value::Null, |file| file["standing"].clone())
}

#[test]
fn what_a_department_changes_after_its_report_is_judged_again() {
    let world = World::serving();
    let (planner, department) = at_work(&world);
    department.does("mkdir src; echo one >src/a; echo one >src/kept");
    department.reports(json!({ "changed_files": ["src/a", "src/kept"] }));
    let result = looked_at(&world, &department, "result_judged", 1);
    assert_eq!(
        (&result["late"], &result["awaits_acceptance"]),
        (&json!([]), &json!(false))
    );
    department.does("echo two >src/a; echo new >notes; echo one >src/kept");
    department.announces("done");
    let result = looked_at(&world, &department, "result_rejudged", 1);
    assert_eq!(result["late"], json!(["notes", "src/a"]));
    assert_eq!(standing(&result, "notes"), "outside");
    assert_eq!(standing(&result, "src/kept"), "in_scope");
    assert_eq!(result["awaits_acceptance"], true);
    planner.wait_typed("went on changing files after it had reported");
    // What others do afterwards is nobody's late change.
    world.write("src/a", "mine\n");
    assert_eq!(
        world.result_of(&department.id).unwrap()["late"],
        json!(["notes", "src/a"])
    );
}

#[test]
fn the_second_look_survives_a_crash_and_finds_nothing_where_nothing_happened() {
    let mut world = World::serving();
    let (_, department) = at_work(&world);
    department.does("mkdir src; echo one >src/a");
    department.reports(json!({ "changed_files": ["src/a"] }));
    looked_at(&world, &department, "result_judged", 1);
    // Its program goes on while no launcher is there, and ends.
    department.tell("until [ -e \"$control/go\" ]; do sleep 0.05; done; echo two >src/a; exit 0");
    let id = department.id;
    world.kill();
    std::fs::write(world.control().join("go"), "").unwrap();
    world.start();
    world.wait_for("its end", || {
        (world.session(&id)["ended_at"] != Value::Null).then_some(())
    });
    world.wait_for("the second look", || {
        world.events_named("result_rejudged").pop()
    });
    assert_eq!(world.result_of(&id).unwrap()["late"], json!(["src/a"]));

    let (_, other) = at_work(&world);
    other.does("echo one >src/b");
    other.reports(json!({ "changed_files": ["src/b"] }));
    looked_at(&world, &other, "result_judged", 2);
    other.announces("done");
    let result = looked_at(&world, &other, "result_rejudged", 2);
    assert_eq!(result["late"], json!([]));
}
