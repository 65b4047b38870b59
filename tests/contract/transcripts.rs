//! The transcript of a session that has no thread: a program of a `command` driver shows its terminal instead, and that is said.

use super::world::World;

#[test]
fn a_program_has_no_thread_and_the_answer_says_where_its_log_is() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let log = world.session(&planner.id)["log_path"].clone();
    let log = log.as_str().unwrap();
    for path in ["/api/thread?id=", "/api/thread_stream?id="] {
        let answer = world.get(&format!("{path}{}", planner.id));
        let sentence = answer.refused(409, "no_transcript");
        assert!(
            sentence.contains(log) && sentence.contains("`puppet`"),
            "{sentence}"
        );
    }
    world
        .get(&format!("/api/thread/item?id={}&item=a/b", planner.id))
        .refused(409, "no_transcript");
    world.get("/api/thread").refused(400, "invalid_query");
    world
        .get("/api/thread?id=menxia-0")
        .refused(404, "unknown_thread");
    world
        .get("/api/thread?id=..%2F..%2Fetc")
        .refused(404, "unknown_thread");
    let page = world
        .get(&format!("/ui/thread?id={}&lang=zh", planner.id))
        .body;
    assert!(page.contains("它没有线程"), "{page}");
}
