//! What waits for a person: one list for API, streams and command line, whose actions are requests that can be sent as they stand.

use super::agent::Agent;
use super::http::Answer;
use super::world::World;
use serde_json::{Value, json};

/// What waits, but for the notice that the test's state folder lies where agents can write. Something may come in between two looks, so the
/// count is held against a list that stood before and after it.
fn list(world: &World) -> Vec<Value> {
    let look = || {
        let answer = world.get("/api/attention").ok();
        let items = answer["items"].as_array().unwrap().clone();
        assert_eq!(answer["count"], json!(items.len()));
        items
    };
    let mut items = world.wait_for("a count that agrees with its list", || {
        let before = look();
        let counted = world.status()["attention_count"] == json!(before.len());
        let ids = |items: &[Value]| items.iter().map(|it| it["id"].clone()).collect::<Vec<_>>();
        let after = look();
        (counted && ids(&before) == ids(&after)).then_some(after)
    });
    items.retain(|item| item["kind"] != "settings");
    items
}

fn kinds(world: &World) -> Vec<String> {
    let items = list(world);
    let kinds = items.iter().map(|item| item["kind"].as_str().unwrap());
    kinds.map(str::to_owned).collect()
}

fn plan(world: &World, planner: &str, task: &str) {
    let lines = json!([
        { "department": "lingyubu", "task": task },
        { "department": "menxia", "task": "not now", "selected": false },
    ]);
    let body = json!({ "session_id": planner, "summary": "two parts", "assignments": lines });
    world.post("/api/report_zhongshu_plan", &body).ok();
}

/// Does what the item says, with what a person fills in.
fn act(world: &World, item: &Value, action: &str, filled: &Value) -> Answer {
    let actions = item["actions"].as_array().unwrap();
    let action = actions.iter().find(|it| it["id"] == action);
    let action = action.unwrap_or_else(|| panic!("{item:#}"));
    let mut body = action["body"].clone();
    for (name, value) in filled.as_object().unwrap() {
        body[name] = value.clone();
    }
    assert_eq!(action["method"], "POST");
    world.post(action["path"].as_str().unwrap(), &body)
}

#[test]
fn a_plan_is_confirmed_by_what_its_item_says_and_is_gone_then() {
    let world = World::serving();
    assert_eq!(kinds(&world), [""; 0]);
    let planner = world.planner("plan it");
    plan(&world, &planner.id, "first");
    let items = list(&world);
    assert_eq!(items.len(), 1, "{items:#?}");
    let item = &items[0];
    let id = item["id"].as_str().unwrap();
    assert_eq!(id, format!("plan_to_confirm-{}-1", planner.id));
    assert_eq!(item["urgency"], "blocks_queue");
    assert_eq!(item["planner_id"], json!(planner.id));
    assert_eq!(item["what"]["lines"][0]["task"], "first");
    assert_eq!(item["link"], format!("/#item={id}"));
    let one = world.get(&format!("/api/attention/{id}?lang=zh")).ok();
    assert_eq!(one["item"]["title"], "方案第 1 版等待您决定");
    // Rejected with the reason it needs, and not without.
    act(&world, item, "reject", &json!({})).refused(400, "invalid_field");
    act(&world, item, "reject", &json!({ "reason": "smaller" })).ok();
    assert_eq!(kinds(&world), [""; 0]);
    world
        .get(&format!("/api/attention/{id}"))
        .refused(404, "unknown_item");
    // What is confirmed as it is proposed is what was selected.
    plan(&world, &planner.id, "second");
    let item = list(&world).remove(0);
    act(&world, &item, "confirm", &json!({})).ok();
    let queued = world.events_named("assignment_queued");
    let tasks: Vec<_> = queued.iter().map(|event| &event["task"]).collect();
    assert_eq!(tasks, [&json!("second")]);
    assert_eq!(kinds(&world), [""; 0]);
}

#[test]
fn a_confirmation_without_lines_names_the_plan_that_it_takes_them_from() {
    let world = World::serving();
    let planner = world.planner("plan it");
    plan(&world, &planner.id, "first");
    let confirm = |sha256: Value| {
        let body = json!({ "parent_session_id": planner.id, "plan_sha256": sha256 });
        world.post("/api/start_assignments", &body)
    };
    confirm(Value::Null).refused(400, "invalid_field");
    confirm(json!("00")).refused(404, "unknown_plan");
    assert_eq!(world.events_named("assignment_queued").len(), 0);
}

#[test]
fn a_department_that_asks_or_ends_without_a_word_is_in_the_list_until_somebody_takes_notice() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let asks = world.department(&planner.id, "lingyubu", "ask");
    asks.reports(json!({ "summary": "two ways", "needs_user_confirmation": true }));
    world.wait_for("the question", || {
        (kinds(&world) == ["result_needs_person"]).then_some(())
    });
    let ends = json!({ "department": "zhilibu", "task": "end", "parent_session_id": planner.id });
    world.post("/api/start_department", &ends).ok();
    let item = list(&world).remove(0);
    assert_eq!(item["department"], "lingyubu");
    act(&world, &item, "acknowledge", &json!({})).ok();
    let status = world.wait_for("the next department", || {
        let status = world.status();
        let running = status["department_sessions"].as_array().unwrap();
        running
            .iter()
            .find(|it| it["department"] == "zhilibu")
            .cloned()
    });
    let ends = Agent::ready(&world, status["id"].as_str().unwrap(), 1);
    ends.tell("exit 3");
    world.wait_for("the fallback", || {
        (kinds(&world) == ["fallback"]).then_some(())
    });
    let item = list(&world).remove(0);
    assert_eq!(item["session_id"], json!(ends.id));
    act(&world, &item, "acknowledge", &json!({})).ok();
    assert_eq!(kinds(&world), [""; 0]);
}

#[test]
fn the_stream_of_sessions_tells_how_many_wait_whenever_that_changes() {
    let world = World::serving();
    let mut stream = world.events("/api/session_stream");
    let first = stream.until("the list", |event| event.name == "attention");
    let first = first.json();
    let planner = world.planner("plan it");
    plan(&world, &planner.id, "first");
    let id = format!("plan_to_confirm-{}-1", planner.id);
    let second = stream.until("the plan", |event| event.name == "attention");
    let second = second.json();
    assert_eq!(second["count"], json!(first["count"].as_u64().unwrap() + 1));
    assert_eq!(second["ids"][0], json!(id));
    let reject = json!({ "session_id": planner.id, "reason": "no" });
    world.post("/api/reject_plan", &reject).ok();
    let third = stream.until("the end", |event| event.name == "attention");
    assert_eq!(third.json(), first);
}

#[test]
fn the_command_line_lists_shows_and_says_what_is_gone() {
    let world = World::serving();
    let out = world.run(&["attention"]).exits(0);
    assert!(!out.contains("plan"), "{out}");
    let planner = world.planner("plan it");
    plan(&world, &planner.id, "first");
    let id = format!("plan_to_confirm-{}-1", planner.id);
    let out = world.run(&["attention", "list"]).exits(0);
    assert!(
        out.contains("Version 1 of the plan waits for your decision\n"),
        "{out}"
    );
    assert!(out.contains(&id), "{out}");
    let out = world.run(&["attention", "show", &id]).exits(0);
    assert!(out.contains("task: first\n"), "{out}");
    assert!(
        out.contains("zhongshu api POST /api/reject_plan --data"),
        "{out}"
    );
    let listed = world.run(&["attention", "--json"]).json();
    assert_eq!(listed["items"][0]["id"], json!(id));
    let out = world.run(&["attention", "show", "login-codex"]).exits(1);
    assert!(out.contains("nothing with this id waits"), "{out}");
}

#[test]
fn whoever_may_look_sees_the_list_and_nobody_else() {
    let world = World::serving();
    let reader = world.token("reader", "read");
    world.tcp(&reader, "GET", "/api/attention", None).ok();
    world
        .tcp("nonsense", "GET", "/api/attention", None)
        .refused(401, "token_unknown");
}

/// Writes each item to a line of `told.txt`, and what it inherits to `env.txt`: in the state folder, where it works. Several run at once, so a
/// line is written in one piece.
const TELL: &str = r#"item=$(cat); printf '%s\n' "$item" >> told.txt; env > env.txt"#;

fn told(world: &World) -> Vec<Value> {
    let text = std::fs::read_to_string(world.state_dir().join("told.txt")).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.is_empty());
    let items = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    items.filter(|item| item["kind"] != "settings").collect()
}

#[test]
fn a_program_of_the_persons_is_told_once_of_each_item_and_not_again_after_a_restart() {
    let notify = json!(["/bin/sh", "-c", TELL]);
    let mut world = World::governed(|governance| governance["notify"] = notify);
    let planner = world.planner("plan it").id.clone();
    let token = format!("ghp_{}", "aB3dE5gH7jK9mN1pQ3sT5vW7xY9zA1cD3eF5");
    plan(&world, &planner, &format!("use {token}"));
    let id = format!("plan_to_confirm-{}-1", planner);
    let items = world.wait_for("the item", || {
        Some(told(&world)).filter(|it| !it.is_empty())
    });
    assert_eq!(items.len(), 1, "{items:#?}");
    assert_eq!(items[0]["id"], json!(id));
    assert!(!items[0].to_string().contains(&token), "{items:#?}");
    let variables = std::fs::read_to_string(world.state_dir().join("env.txt")).unwrap();
    let names = variables.lines().filter_map(|line| line.split_once('='));
    for (name, _) in names {
        let own = [
            "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR",
        ];
        let given = [
            "XDG_RUNTIME_DIR",
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "DBUS_SESSION_BUS_ADDRESS",
            "ZHONGSHU_NOTIFY",
            "PWD",
            "OLDPWD",
            "SHLVL",
            "_",
        ];
        assert!(own.contains(&name) || given.contains(&name), "{name}");
    }
    world.kill();
    world.start();
    plan(&world, &planner, "second");
    let second = format!("plan_to_confirm-{}-2", planner);
    world.wait_for("the second", || {
        told(&world)
            .iter()
            .any(|item| item["id"] == json!(second))
            .then_some(())
    });
    let ids: Vec<Value> = told(&world).iter().map(|item| item["id"].clone()).collect();
    assert_eq!(ids, [json!(id), json!(second)]);
}

#[test]
fn nothing_is_told_before_a_yes_nor_by_what_agents_can_write() {
    let mut world = World::new();
    world.write("tell.sh", "#!/bin/sh\necho told >> told.txt\n");
    world.governance["notify"] = json!(["/bin/sh", "tell.sh"]);
    world.write_governance();
    world.commit_all();
    world.start();
    let warnings = world.status()["warnings"].to_string();
    assert!(
        warnings.contains("`tell.sh`, which its command line names, lies where agents can write"),
        "{warnings}"
    );
    world.governance["notify"] = json!(["/bin/sh", "-c", TELL]);
    world.write_governance();
    let item = world.wait_for("the question", || {
        list(&world)
            .into_iter()
            .find(|item| item["kind"] == "powers")
    });
    let planner = world.planner("plan it");
    plan(&world, &planner.id, "first");
    assert!(told(&world).is_empty());
    act(&world, &item, "accept", &json!({})).ok();
    world.wait_for("the plan", || (!told(&world).is_empty()).then_some(()));
}

#[test]
fn a_decision_about_what_has_changed_meanwhile_is_refused() {
    let world = World::serving();
    let planner = world.planner("plan it");
    plan(&world, &planner.id, "first");
    let seen = list(&world).remove(0);
    plan(&world, &planner.id, "second");
    let no = json!({ "reason": "smaller" });
    act(&world, &seen, "reject", &no).refused(409, "plan_changed");
    assert_eq!(world.events_named("plan_rejected").len(), 0);
    let now = list(&world).remove(0);
    act(&world, &now, "reject", &no).ok();

    // A department that asks, and then asks something else; it changed what is not its own, and then more of it.
    let lines = json!([{ "department": "lingyubu", "task": "ask", "files": ["src/"] }]);
    let ids = world.confirm(&planner.id, lines);
    let asks = Agent::ready(&world, &world.session_of(&ids[0]), 1);
    asks.announces("working");
    let waits = |kind: &str, revision: u32| {
        world.wait_for(&format!("{kind} {revision}"), || {
            let mut items = list(&world).into_iter();
            items.find(|item| item["kind"] == kind && item["what"]["revision"] == revision)
        })
    };
    asks.does("echo x >stray.txt");
    asks.reports(json!({ "summary": "two ways", "needs_user_confirmation": true }));
    let asked = waits("result_needs_person", 1);
    let outside = waits("outside_scope", 1);
    asks.reports(json!({ "summary": "three ways", "needs_user_confirmation": true }));
    let again = waits("result_needs_person", 2);
    let outside_again = waits("outside_scope", 2);
    act(&world, &asked, "acknowledge", &json!({})).refused(409, "result_changed");
    act(&world, &outside, "accept", &no).refused(409, "result_changed");
    assert_eq!(world.events_named("result_acknowledged").len(), 0);
    assert_eq!(world.events_named("changes_accepted").len(), 0);
    act(&world, &again, "acknowledge", &json!({})).ok();
    act(&world, &outside_again, "accept", &no).ok();
}

/// Tells nothing before another that runs beside it has begun.
const TELL_TOGETHER: &str = "echo > began.$$; until [ $(ls began.* | wc -l) -ge 2 ]; do sleep 0.05; done; item=$(cat); printf '%s\\n' \"$item\" >> told.txt";

#[test]
fn what_comes_at_once_is_told_side_by_side() {
    let mut world = World::serving();
    for task in ["one", "two"] {
        let planner = world.planner(task);
        plan(&world, &planner.id, task);
    }
    world.governance["notify"] = json!(["/bin/sh", "-c", TELL_TOGETHER]);
    world.write_governance();
    let question = world.wait_for("the question", || {
        let mut items = list(&world).into_iter();
        items.find(|item| item["kind"] == "powers")
    });
    act(&world, &question, "accept", &json!({})).ok();
    let plans = |world: &World| {
        told(world)
            .iter()
            .filter(|it| it["kind"] == "plan_to_confirm")
            .count()
    };
    world.wait_for("both plans", || (plans(&world) == 2).then_some(()));
}
