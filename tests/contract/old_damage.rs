//! A journal that is damaged where a start does not read it: somebody hears of it while there is a sound copy.

use super::world::World;
use serde_json::json;
use std::fs;
use zhongshu::domain::state::State;
use zhongshu::journal::{Journal, system_clock};
use zhongshu::ledger::Ledger;

#[test]
fn damage_before_the_snapshot_is_told_while_work_goes_on_and_the_copy_mends_it() {
    let mut world = World::new();
    world.start();
    let journal = world.state_dir().join("journal.jsonl");
    let planner = world.planner("plan it").id.clone();
    world
        .post("/api/stop_session", &json!({ "session_id": planner }))
        .ok();
    world.wait_session(&planner, "status", "stopped");
    world.terminate();
    // As a longer journal has it: so few records are not worth one.
    let mut opened = Journal::open::<State>(&journal, None, &system_clock()).unwrap();
    opened.pace.at_stop = 0;
    Ledger::start(opened, system_clock())
        .unwrap()
        .close_blocking();
    let sound = fs::read_to_string(&journal).unwrap();
    let damaged = sound.replacen("server_started", "server_stArted", 1);
    fs::write(&journal, damaged).unwrap();

    world.start();
    assert_eq!(world.session(&planner)["status"], "stopped");
    let item = world.wait_for("the damage to be told", || {
        let items = world.get("/api/attention").ok();
        let items = items["items"].as_array().unwrap().iter();
        items
            .clone()
            .find(|it| it["kind"] == "journal_damaged")
            .cloned()
    });
    assert!(
        item["why"].as_str().unwrap().starts_with("line 2 of "),
        "{item}"
    );
    let warnings = world.status()["warnings"].clone();
    assert!(
        warnings.as_array().unwrap().contains(&item["why"]),
        "{warnings}"
    );
    world.planner("plan more");
    let verified = world.run(&["audit", "verify"]).exits(1);
    assert!(verified.contains("line 2 "), "{verified}");
    world.terminate();
    world
        .run(&["audit", "repair", "--from-copy", "--yes"])
        .exits(0);
    world.run(&["audit", "verify"]).exits(0);
    assert!(fs::read_to_string(&journal).unwrap().starts_with(&sound));
    world.start();
    let items = world.get("/api/attention").ok();
    let mut items = items["items"].as_array().unwrap().iter();
    assert!(items.all(|it| it["kind"] != "journal_damaged"));
}
