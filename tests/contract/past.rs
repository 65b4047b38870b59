//! What is over is put away, and is there all the same: every answer about it, and whatever somebody does to it.

use crate::repeat::repeat;
use crate::world::World;
use regex::Regex;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Rounds of a planner with one department; more than the state keeps.
const ROUNDS: usize = 150;

/// A planner whose department reported and was acknowledged, all of it over, again and again: ids, oldest first.
fn long_past(world: &mut World) -> Vec<String> {
    let planner = world.planner("plan the 宫殿");
    let work = world.department(&planner.id, "lingyubu", "draw the east gate");
    let said = json!({ "summary": "东门 is drawn", "changed_files": ["plans/east_gate.svg"] });
    work.reports(said);
    let report = world.wait_for("its result", || world.result_of(&work.id));
    world
        .post(
            "/api/ack_result",
            &json!({ "report_id": report["report_id"] }),
        )
        .ok();
    for id in [&work.id, &planner.id] {
        let stop = json!({ "session_id": id });
        world.post("/api/stop_session", &stop).ok();
        world.wait_for("its end", || {
            world.session(id)["ended_at"].is_string().then_some(())
        });
    }
    world.wait_for("the second look", || {
        (!world.events_named("result_rejudged").is_empty()).then_some(())
    });
    world.terminate();
    let journal = world.state_dir().join("journal.jsonl");
    let lines = std::fs::read_to_string(&journal).unwrap();
    let lines = lines
        .lines()
        .map(|it| serde_json::from_str::<Value>(it).unwrap());
    let all = Vec::from_iter(lines);
    let begin = all
        .iter()
        .position(|it| it["event"] == "session_registered")
        .unwrap();
    let end = all
        .iter()
        .rposition(|it| it["event"] == "server_stopped")
        .unwrap();
    let file = world.state_dir().join("journal.jsonl");
    repeat(&file, &all[begin..end], ROUNDS);
    world.start();
    swept(world);
    let begun = named(world, "session_registered");
    Vec::from_iter(begun.iter().map(|it| it["id"].as_str().unwrap().to_owned()))
}

/// The whole journal, of which the audit log shows pages.
fn journal(world: &World) -> Vec<Value> {
    let lines = std::fs::read_to_string(world.state_dir().join("journal.jsonl")).unwrap();
    let whole = lines.split_inclusive('\n').filter(|it| it.ends_with('\n'));
    whole.map(|it| serde_json::from_str(it).unwrap()).collect()
}

fn named(world: &World, name: &str) -> Vec<Value> {
    let all = journal(world).into_iter();
    all.filter(|it| it["event"] == name).collect()
}

fn away(world: &World) -> usize {
    let left = named(world, "sessions_put_away");
    left.iter()
        .map(|it| it["session_ids"].as_array().unwrap().len())
        .sum()
}

fn swept(world: &World) {
    let all = 2 * (ROUNDS + 1);
    world.wait_for("what is over is put away", || {
        (all - away(world) <= 250).then_some(())
    });
}

/// Every session, page by page.
fn listed(world: &World, limit: usize) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    loop {
        let before = ids
            .last()
            .map_or(String::new(), |it| format!("&before={it}"));
        let page = world
            .get(&format!("/api/sessions?limit={limit}{before}"))
            .ok();
        let page_ids = page["sessions"].as_array().unwrap();
        ids.extend(
            page_ids
                .iter()
                .map(|it| it["id"].as_str().unwrap().to_owned()),
        );
        let older = page["older_sessions"].as_u64().unwrap() as usize;
        assert_eq!(
            ids.len() + older,
            2 * (ROUNDS + 1),
            "what is not shown is counted"
        );
        if older == 0 {
            return ids;
        }
        assert_eq!(page_ids.len(), limit);
    }
}

fn everything_is_there(world: &World, ids: &[String]) {
    let newest_first = Vec::from_iter(ids.iter().rev().cloned());
    assert_eq!(listed(world, 37), newest_first);
    assert_eq!(listed(world, 1_000), newest_first);
    let status = world.status();
    let shown = status["sessions"].as_array().unwrap().len();
    assert_eq!(
        shown + status["older_sessions"].as_u64().unwrap() as usize,
        ids.len()
    );

    let (planner, work) = (&ids[2], &ids[3]);
    let context = world
        .get(&format!("/api/zhongshu_context?id={planner}"))
        .ok();
    assert_eq!(context["children"][0]["id"], work.as_str());
    assert_eq!(
        (&context["older_children"], &context["older_reports"]),
        (&json!(0), &json!(0))
    );
    let report = context["reports"][0]["report_id"].as_str().unwrap();
    let packet = world.get(&format!("/api/handoff?id={report}")).ok();
    assert!(
        packet["markdown"]
            .as_str()
            .unwrap()
            .contains("东门 is drawn")
    );
    let inbox = world.peek(planner);
    assert_eq!(inbox["completed_departments"][0]["id"], work.as_str());
    assert_eq!(inbox["read_results"][0]["report_id"], report);
    let dossier = world.get(&format!("/api/dossier?id={planner}")).ok();
    assert!(
        dossier["markdown"]
            .as_str()
            .unwrap()
            .contains("draw the east gate")
    );
    // A program has a log in place of a transcript; somebody who does not exist has neither.
    assert_eq!(world.get(&format!("/api/thread?id={work}")).status, 409);
    assert_eq!(world.get("/api/handoff?id=report-none").status, 404);
    let planners = world
        .get(&format!("/api/zhongshu_sessions?limit=3&before={}", ids[8]))
        .ok();
    let planners_ids = planners["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].clone());
    assert_eq!(
        Vec::from_iter(planners_ids),
        [json!(ids[6]), json!(ids[4]), json!(ids[2])]
    );
    assert_eq!(planners["older_sessions"], 1);
    let page = world.in_browser(
        &world.browser(),
        "GET",
        &format!("/ui/work?session_id={planner}"),
        None,
    );
    assert!(
        page.body.contains("东门 is drawn"),
        "the page shows an old planner with its results"
    );
}

#[test]
fn what_is_put_away_is_found_by_every_way_that_leads_to_it() {
    let mut world = World::new();
    world.start();
    let ids = long_past(&mut world);
    everything_is_there(&world, &ids);
    let found = |wish: &str| world.get(&format!("/api/history?{wish}")).ok();
    let count = |found: &Value| {
        let here = found["sessions"].as_array().unwrap().len();
        here + found["older_sessions"].as_u64().unwrap() as usize
    };
    // Of any length, in any script, in any case.
    for said in [
        "q=%E4%B8%9C%E9%97%A8",
        "q=IS%20DRAWN",
        "file=east_gate",
        "q=st&file=svg",
        "department=lingyubu",
    ] {
        assert_eq!(count(&found(said)), ROUNDS + 1, "{said}");
    }
    for said in [
        "q=nobody%20said",
        "file=e%25t",
        "q=%E4%B8%9C%E9%97%A9",
        "department=menxia",
        "until=2020-01-01T00:00:00Z",
    ] {
        assert_eq!(count(&found(said)), 0, "{said}");
    }
    assert_eq!(count(&found("")), ids.len());
    let of_old = found(&format!("planner={}", ids[0]));
    assert_eq!(
        (&of_old["sessions"][0]["id"], count(&of_old)),
        (&json!(ids[1]), 1)
    );
    assert_eq!(of_old["sessions"][0]["summary"], "东门 is drawn");
    let mut seen = BTreeSet::new();
    let mut before = String::new();
    loop {
        let page = found(&format!("q=draw&limit=40{before}"));
        for it in page["sessions"].as_array().unwrap() {
            before = format!("&before={}", it["id"].as_str().unwrap());
            assert!(seen.insert(it["id"].to_string()), "nobody is found twice");
        }
        if page["older_sessions"] == 0 {
            break;
        }
    }
    assert_eq!(seen.len(), ROUNDS + 1);
    let line = world.run(&["history", "EAST", "gate", "--file", "svg", "--limit", "2"]);
    let line = line.out();
    assert!(line.contains("东门 is drawn"), "{line}");
    assert!(
        line.contains(&format!("and {} older ones", ROUNDS - 1)),
        "{line}"
    );
    let none = world
        .run(&["history", "--until", "2020-01-01", "gate"])
        .out();
    assert!(none.contains("nothing of the kind"), "{none}");
    the_page_finds_it_too(&world, &ids);
    for wrong in [
        "limit=0",
        "since=yesterday",
        "planner=../x",
        &format!("q={}", "x".repeat(201)),
    ] {
        assert_eq!(
            world.get(&format!("/api/history?{wrong}")).status,
            400,
            "{wrong}"
        );
    }
}

fn the_page_finds_it_too(world: &World, ids: &[String]) {
    let browser = world.browser();
    let page = |path: &str| world.in_browser(&browser, "GET", path, None).body;
    let rows = |page: &str| page.matches("<li data-key=\"found-").count();
    let first = page("/ui/find?lang=en&q=IS%20DRAWN");
    assert!(first.contains(&format!("{} found", ROUNDS + 1)), "{first}");
    assert_eq!(rows(&first), 50);
    let (newest, oldest) = (ids.last().unwrap(), &ids[1]);
    assert!(first.contains(&format!("href=\"#session/{newest}\"")));
    let last = Regex::new("data-before=\"([^\"]+)\"").unwrap();
    let mut seen = rows(&first);
    let mut at = first;
    while let Some(found) = last.captures(&at) {
        at = page(&format!("/ui/find?q=IS%20DRAWN&before={}", &found[1]));
        seen += rows(&at);
    }
    assert_eq!(seen, ROUNDS + 1);
    assert!(at.contains(&format!("href=\"#session/{oldest}\"")));
    let of_old = page(&format!("/ui/find?lang=en&planner={}", ids[0]));
    assert!(of_old.contains("1 found") && of_old.contains(oldest.as_str()));
    let none = page("/ui/find?lang=en&q=nobody%20said");
    assert!(none.contains("Nothing of the kind"), "{none}");
    // An old planner that the page shows is one of those that are over, and is counted once.
    for path in ["/ui/work?lang=en", "/ui/work?lang=en&planners=58"] {
        let work = page(&format!("{path}&session_id={}", ids[0]));
        assert!(work.contains(&format!("Ended ({})", ROUNDS + 1)), "{path}");
    }
}

#[test]
fn what_is_put_away_comes_back_when_somebody_does_something_to_it() {
    let mut world = World::new();
    world.start();
    let ids = long_past(&mut world);
    let before = away(&world);
    // Looking brings nothing back.
    everything_is_there(&world, &ids);
    assert!(named(&world, "session_taken_out").is_empty());
    let reader = world.token("reader", "read");
    let wish = json!({ "session_id": ids[0] });
    let refused = world.tcp(&reader, "POST", "/api/resume_session", Some(&wish));
    assert_eq!(refused.status, 403);
    assert!(
        named(&world, "session_taken_out").is_empty(),
        "who may not act brings nothing back either"
    );

    world.post("/api/resume_session", &wish).ok();
    world.wait_session(&ids[0], "status", "running");
    let back = named(&world, "session_taken_out");
    assert_eq!(back.len(), 1);
    assert_eq!(back[0]["past"]["session"]["id"], ids[0].as_str());
    world.post("/api/stop_session", &wish).ok();
    world.wait_for("its end", || {
        let context = world.get(&format!("/api/zhongshu_context?id={}", ids[0]));
        (context.ok()["session"]["status"] == "stopped").then_some(())
    });

    // A department comes with its planner.
    let report = world
        .get(&format!("/api/zhongshu_context?id={}", ids[4]))
        .ok()["reports"][0]["report_id"]
        .clone();
    world
        .post("/api/ack_result", &json!({ "report_id": report }))
        .ok();
    let back = named(&world, "session_taken_out");
    let back = back.iter().map(|it| it["past"]["session"]["id"].clone());
    assert_eq!(
        Vec::from_iter(back),
        [json!(ids[0]), json!(ids[4]), json!(ids[5])]
    );
    assert_eq!(
        world
            .post("/api/ack_result", &json!({ "report_id": "report-none" }))
            .status,
        404
    );
    everything_is_there(&world, &ids);

    world.kill();
    world.start();
    everything_is_there(&world, &ids);
    assert_eq!(away(&world), before, "what came back stays for a while");
    let verified = world.run(&["audit", "verify"]);
    verified.exits(0);
}

#[test]
fn the_file_of_what_was_put_away_is_made_again_whatever_became_of_it() {
    let mut world = World::new();
    world.start();
    let ids = long_past(&mut world);
    let file = world.state_dir().join("history.sqlite");
    type Harm = fn(&std::path::Path);
    let harms: [(&str, Harm); 4] = [
        ("it is gone", |file| std::fs::remove_file(file).unwrap()),
        ("it is something else", |file| {
            std::fs::write(file, "no database").unwrap()
        }),
        ("it lacks what was written last", |file| {
            let rows = rusqlite::Connection::open(file).unwrap();
            rows.execute("DELETE FROM past WHERE row % 7 = 0", [])
                .unwrap();
        }),
        ("a row is damaged", |file| {
            let rows = rusqlite::Connection::open(file).unwrap();
            rows.execute(
                "UPDATE past SET data = replace(data, 'east', 'west') WHERE row % 5 = 0",
                [],
            )
            .unwrap();
        }),
    ];
    for (what, harm) in harms {
        world.terminate();
        harm(&file);
        world.start();
        world.wait_for(what, || {
            let all = world.get("/api/sessions?limit=1000");
            (all.status == 200).then_some(())
        });
        everything_is_there(&world, &ids);
    }
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}
