//! The dossier of a whole job: a vetoed plan that a person confirms all the same, work that goes on after its report, a
//! rejected and an approved review, and commits with and without an approval.

use super::agent::Agent;
use super::world::World;
use serde_json::{Value, json};

/// What is staged, as a decision names it.
fn staged(world: &World) -> (Value, Value) {
    let review = world.get("/api/review?brief=1").ok();
    (review["tree"].clone(), review["report"]["digest"].clone())
}

#[track_caller]
fn commits(world: &World, event: &str, count: usize) -> Value {
    world.wait_for(&format!("{event}, {count} times"), || {
        let mut found = world.events_named(event);
        (found.len() >= count).then(|| found.pop().unwrap())
    })
}

fn section<'p>(page: &'p str, title: &str) -> &'p str {
    let from = page
        .find(&format!("\n## {title}\n"))
        .unwrap_or_else(|| panic!("no section {title:?} in\n{page}"));
    let rest = &page[from + 1..];
    rest.find("\n## ").map_or(rest, |end| &rest[..end])
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

#[test]
fn a_dossier_tells_who_let_the_work_pass_and_what_was_committed() {
    let mut world = World::governed(|governance| {
        governance["plan_review"] = json!("menxia");
        governance["gate"] = json!("enforce");
    });
    let planner = world.planner("plan it").id;
    let mut body = json!({ "session_id": planner, "summary": "one thing", "assignments": [
        { "department": "lingyubu", "task": "code", "files": ["src/"], "verify": ["true"] },
    ]});
    world.post("/api/report_zhongshu_plan", &body).ok();
    let menxia = super::review::reviewer(&world, 1);
    let mut verdict = super::review::verdict(&menxia, "veto");
    verdict["checked"] = json!([{ "line": 1, "point": "`true` proves nothing" }]);
    menxia.drops("verdict-1.json", &verdict.to_string());
    let plan = super::review::wait_review(&world, &planner, 1, "vetoed");
    body = super::review::confirmation(&planner, &plan);
    body["override_reason"] = json!("it is a draft");
    let answer = world.post("/api/start_assignments", &body).ok();
    let order = answer["assignments"][0]["assignment_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let work = Agent::ready(&world, &world.session_of(&order), 1);
    work.announces("working");
    work.does("mkdir -p src; echo one >src/a");
    work.reports(json!({ "changed_files": ["src/a"] }));
    commits(&world, "result_judged", 1);
    work.does("echo two >src/a");
    work.announces("done");
    commits(&world, "result_rejudged", 1);

    world.stage("src/a");
    let (tree, digest) = staged(&world);
    let no = json!({ "tree": tree, "reason": "say why two" });
    world.post("/api/reviews/reject", &no).ok();
    let yes = json!({ "tree": tree, "report_digest": digest, "note": "two it is" });
    let report = world.post("/api/reviews/approve", &yes).ok()["report_id"].clone();
    world.commit_all();
    let approved = commits(&world, "commit_recorded", 1);
    assert_eq!(approved["report_id"], report);
    world.write("src/b", "around\n");
    world.commit_all();
    let around = commits(&world, "commit_unapproved", 1);
    let seen = json!({ "commit": around["commit"], "reason": "a slip" });
    world.post("/api/reviews/accept_commit", &seen).ok();
    // Nothing but a message.
    world.commit_all();
    commits(&world, "commit_recorded", 2);
    // A stranger reads it, and no server is there.
    world.terminate();
    let page = world.run(&["dossier", &planner]).exits(0);

    let text = |value: &Value| value.as_str().unwrap().to_owned();
    says(
        section(&page, "Verdicts on the plan (menxia)"),
        &[
            "### Version 1",
            &format!(
                "- vetoed by {} (author not verified)",
                plan["review"]["session_id"].as_str().unwrap()
            ),
            "nothing proves it",
            "line 1: `true` proves nothing",
            "- overruled by `person:cli`",
            "`it is a draft`",
        ],
    );
    says(
        section(&page, "Work"),
        &[
            "- changed after the report: `src/a`",
            "- inside the assignment: `src/a`",
        ],
    );
    says(
        section(&page, "Reviews of what was staged"),
        &[
            &format!("- rejected: tree {}, `person:cli`", text(&tree)),
            "`say why two`",
            &format!("- approved: tree {}, `person:cli`", text(&tree)),
            &text(&report),
            "`two it is`",
        ],
    );
    let commits = section(&page, "Commits");
    says(
        commits,
        &[
            &format!("- {} ", text(&approved["commit"])),
            &format!("approved under `{}`", text(&report)),
            &format!("- {} ", text(&around["commit"])),
            "NOT APPROVED, made around the gate (enforce)",
            "noticed by `person:cli` `a slip`",
            "changes no file; nothing to approve",
        ],
    );
    says(
        section(&page, "What happened"),
        &[
            "plan_vetoed 1",
            "plan_review_overruled 1",
            "tree_rejected",
            "tree_approved",
            "commit_recorded",
            "commit_unapproved",
            "commit_accepted",
        ],
    );

    // Another planner's dossier has none of it.
    world.start();
    let other = world.planner("something else").id;
    let page = world.run(&["dossier", &other]).exits(0);
    says(section(&page, "Reviews of what was staged"), &["None."]);
    says(section(&page, "Commits"), &["None."]);
    assert!(!page.contains("menxia"), "{page}");
}
