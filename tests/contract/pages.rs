//! What was is read in pages, and no answer grows with it.

use crate::world::World;
use serde_json::{Value, json};

#[test]
fn sessions_that_were_are_read_in_pages() {
    let world = World::serving();
    let planners: Vec<String> = (0..11)
        .map(|number| {
            let planner = world.planner(&format!("plan {number}"));
            let stop = json!({ "session_id": planner.id });
            world.post("/api/stop_session", &stop).ok();
            world.wait_session(&planner.id, "status", "stopped");
            planner.id.clone()
        })
        .collect();
    let status = world.status();
    assert_eq!(status["sessions"].as_array().unwrap().len(), 8);
    assert_eq!(status["older_sessions"], 3);
    assert_eq!(status["active_sessions_total"], 0);
    let listed = |page: &Value| -> Vec<String> {
        let all = page["sessions"].as_array().unwrap().iter();
        all.map(|it| it["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = world.get("/api/sessions?limit=6").ok();
    assert_eq!(first["older_sessions"], 5);
    let last = listed(&first).pop().unwrap();
    let rest = world
        .get(&format!("/api/sessions?limit=6&before={last}"))
        .ok();
    assert_eq!(rest["older_sessions"], 0);
    let seen = [listed(&first), listed(&rest)].concat();
    assert_eq!(seen, planners.iter().rev().cloned().collect::<Vec<_>>());
    let list = world.get("/api/zhongshu_sessions").ok();
    assert_eq!(
        (listed(&list).len(), &list["older_sessions"]),
        (8, &json!(3))
    );
    for wrong in ["limit=0", "limit=1001", "limit=x", "before=../x"] {
        let refused = world.get(&format!("/api/sessions?{wrong}"));
        assert_eq!(refused.status, 400, "{wrong}");
    }
    // What is on no list is there all the same.
    let oldest = world
        .get(&format!("/api/zhongshu_context?id={}", planners[0]))
        .ok();
    assert_eq!(oldest["session"]["id"], planners[0].as_str());
    let said = world.run(&["ps"]).out();
    assert!(said.contains("and 3 older ones"), "{said}");
}
