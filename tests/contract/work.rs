//! The work behind what is staged, as `GET /api/review` answers it for the running program.

use super::agent::Agent;
use super::world::World;
use serde_json::{Value, json};

/// Who changed a staged file: departments, and whether what is staged is something else by now.
fn whose(review: &Value, path: &str) -> Vec<(Value, Value, Value)> {
    let files = review["whose"].as_array().unwrap();
    let file = files.iter().find(|file| file["path"] == path).unwrap();
    let by = file["by"].as_array().unwrap().iter();
    by.map(|it| {
        (
            it["department"].clone(),
            it["how"].clone(),
            it["changed_since"].clone(),
        )
    })
    .collect()
}

fn verdicts(assignment: &Value) -> Vec<Value> {
    let list = assignment["verify"].as_array().unwrap().iter();
    list.map(|it| it["verdict"].clone()).collect()
}

#[test]
fn a_review_says_whose_each_file_is_and_what_became_of_the_plan() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let plan = json!({ "summary": "two things", "assignments": [
        { "department": "lingyubu", "task": "code", "files": ["src/"], "verify": ["test -f src/a", "test -f src/none"] },
        { "department": "zhilibu", "task": "docs", "files": ["docs/"], "verify": ["true"] },
    ]});
    let mut body = plan.clone();
    body["session_id"] = json!(planner.id);
    world.post("/api/report_zhongshu_plan", &body).ok();
    let newest = super::review::newest(&world, &planner.id);
    let wish = json!({
        "parent_session_id": planner.id, "plan_sha256": newest["plan_sha256"],
        "assignments": newest["assignments"], "run_verify": true,
    });
    let answer = world.post("/api/start_assignments", &wish).ok();
    let id = |at: usize| {
        answer["assignments"][at]["assignment_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let code = Agent::ready(&world, &world.session_of(&id(0)), 1);
    let docs = Agent::ready(&world, &world.session_of(&id(1)), 1);
    docs.announces("working");
    code.announces("working");
    code.does("mkdir -p src docs; echo one >src/a; echo one >src/b; echo mine >docs/page.md");
    world.write("notes", "a person's\n");
    code.reports(json!({ "changed_files": ["src/a", "src/b", "src/never"], "verifications_run": ["test -f src/none: fine"] }));
    code.announces("done");
    world.wait_for("both checks", || {
        (world.events_named("verification_run").len() == 2).then_some(())
    });
    world.write("src/b", "a person's\n");
    for path in ["src/a", "src/b", "docs/page.md", "notes"] {
        world.stage(path);
    }

    let review = world.get("/api/review").ok();
    let seen = |changed: bool| (json!("lingyubu"), json!("seen"), json!(changed));
    assert_eq!(whose(&review, "src/a"), [seen(false)]);
    assert_eq!(whose(&review, "src/b"), [seen(true)]);
    // A file in the other one's scope, which still works: nobody claims it, and it comes into question.
    let at_work = (json!("zhilibu"), json!("at_work"), Value::Null);
    assert_eq!(whose(&review, "docs/page.md"), [at_work]);
    let notes = whose(&review, "notes");
    assert!(
        notes
            .iter()
            .all(|(department, ..)| department == "lingyubu")
    );

    assert_eq!(review["plans"], json!([format!("{}/1", planner.id)]));
    let work = review["work"].as_array().unwrap();
    assert_eq!(
        (work.len(), &work[0]["plan"]["summary"]),
        (1, &json!("two things"))
    );
    let (code, docs) = (&work[0]["assignments"][0], &work[0]["assignments"][1]);
    assert_eq!(
        (&code["department"], &code["status"]),
        (&json!("lingyubu"), &json!("reported"))
    );
    assert_eq!(verdicts(code), ["holds", "refuted"]);
    assert_eq!(code["changed_since"], json!(["src/b"]));
    assert_eq!(code["verify"][1]["claim"], "test -f src/none: fine");
    assert_eq!(
        (&docs["status"], &docs["result"]),
        (&json!("running"), &Value::Null)
    );
    assert_eq!(
        (verdicts(docs), &docs["staged"]),
        (vec![json!("not_run")], &json!(["docs/page.md"]))
    );

    // What was committed is nobody's business any more, once its planner has ended.
    world.commit_all();
    world.wait_for("the commit", || {
        let seen = world.events_named("commit_recorded");
        let around = world.events_named("commit_unapproved");
        (seen.len() + around.len() > 0).then_some(())
    });
    world
        .post("/api/stop_session", &json!({ "session_id": planner.id }))
        .ok();
    world.wait_session(&planner.id, "status", "stopped");
    world.write("src/a", "three\n");
    world.stage("src/a");
    let review = world.get("/api/review").ok();
    assert_eq!(
        (&review["work"], whose(&review, "src/a")),
        (&json!([]), vec![])
    );
}

#[test]
fn a_handoff_packet_says_what_the_launcher_saw() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let plan = json!({ "session_id": planner.id, "summary": "code", "assignments": [
        { "department": "lingyubu", "task": "code", "files": ["src/"], "verify": ["test -f src/a", "test -f src/none"] },
    ]});
    world.post("/api/report_zhongshu_plan", &plan).ok();
    let newest = super::review::newest(&world, &planner.id);
    let wish = json!({
        "parent_session_id": planner.id, "plan_sha256": newest["plan_sha256"],
        "assignments": newest["assignments"], "run_verify": true,
    });
    let answer = world.post("/api/start_assignments", &wish).ok();
    let id = answer["assignments"][0]["assignment_id"].as_str().unwrap();
    let code = Agent::ready(&world, &world.session_of(id), 1);
    code.announces("working");
    code.does("mkdir -p src docs; echo one >src/a; echo stray >docs/page.md");
    code.reports(json!({ "changed_files": ["src/a", "src/never"],
        "verifications_run": ["test -f src/a: fine", "test -f src/none: fine"] }));
    code.announces("done");
    world.wait_for("both checks", || {
        (world.events_named("verification_run").len() == 2).then_some(())
    });

    let result = world.result_of(&code.id).unwrap();
    let packet = result["handoff_packet"].as_str().unwrap();
    let read = |path: &str| std::fs::read_to_string(world.repo().join(path)).unwrap();
    let page = read(packet);
    for line in [
        "- conformance: outside\n",
        "- evidence: 1 confirmed, 1 refuted\n",
        "- outside the assignment: `docs/page.md`\n",
        "- changed, not reported: `docs/page.md`\n",
        "- reported, not changed: `src/never`\n",
        "- confirmed: `test -f src/a` (exit code 0, ",
        "- refuted: `test -f src/none` (exit code 1, ",
    ] {
        assert!(page.contains(line), "{line:?} in {page}");
    }
    let id = result["report_id"].as_str().unwrap();
    let answer = world.get(&format!("/api/handoff?id={id}")).ok();
    assert_eq!(answer["markdown"], page);

    // Each thing that changes it writes it anew.
    let reason = json!({ "report_id": id, "reason": "the page belongs to it" });
    world.post("/api/accept_changes", &reason).ok();
    let page = read(packet);
    assert!(page.contains("- conformance: outside_accepted\n"), "{page}");
    assert!(page.contains("the page belongs to it"), "{page}");
    world
        .post("/api/verify_result", &json!({ "report_id": id }))
        .ok();
    world.wait_for("both checks again", || {
        (world.events_named("verification_run").len() == 4).then_some(())
    });
    let answer = world.get(&format!("/api/handoff?id={id}")).ok();
    assert_eq!(answer["markdown"], read(packet));
}
