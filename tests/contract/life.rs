//! The life of sessions, the queue and results under the command driver.

use super::agent::Agent;
use super::processes;
use super::world::World;
use serde_json::{Value, json};

/// Assignment ids in the queue, next first.
fn queue(world: &World) -> Vec<String> {
    let status = world.status();
    let queue = status["queue"].as_array().unwrap();
    let ids = queue
        .iter()
        .map(|item| item["assignment_id"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}

#[test]
fn a_third_department_waits_for_a_slot_and_gets_the_first_free_one() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let task = |task: &str| json!({ "department": "lingyubu", "task": task });
    let ids = world.confirm(&planner.id, json!([task("a"), task("b"), task("c")]));
    let first = Agent::ready(&world, &world.session_of(&ids[0]), 1);
    Agent::ready(&world, &world.session_of(&ids[1]), 1);
    let status = world.status();
    assert_eq!(
        (
            &status["slots_taken"],
            &status["active_department_sessions"]
        ),
        (&json!(2), &json!(2))
    );
    assert_eq!(queue(&world), [ids[2].clone()]);
    // A manual start says that it waits.
    let manual = json!({ "department": "menxia", "task": "d" });
    let answer = world.post("/api/start_department", &manual).ok();
    assert_eq!(answer["queued"], true);
    assert_eq!(answer["assignment"]["parent_session_id"], json!(planner.id));
    first.tell("exit 0");
    Agent::ready(&world, &world.session_of(&ids[2]), 1);
    assert_eq!(
        queue(&world),
        [answer["assignment"]["assignment_id"].as_str().unwrap()]
    );
}

#[test]
fn a_paused_queue_starts_nothing_and_a_moved_one_starts_in_its_new_order() {
    let world = World::governed(|governance| governance["max_departments"] = json!(1));
    let planner = world.planner("plan it");
    world.post("/api/queue/pause", &json!({})).ok();
    assert_eq!(world.status()["queue_paused"], true);
    let task = |task: &str| json!({ "department": "lingyubu", "task": task });
    let ids = world.confirm(&planner.id, json!([task("a"), task("b"), task("c")]));
    world
        .post(
            "/api/queue/move",
            &json!({ "assignment_id": ids[0], "before": null }),
        )
        .ok();
    assert_eq!(
        queue(&world),
        [ids[1].clone(), ids[2].clone(), ids[0].clone()]
    );
    world
        .post("/api/queue/cancel", &json!({ "assignment_id": ids[1] }))
        .ok();
    // What the reconciler would do is done once this was typed.
    let input = json!({ "session_id": planner.id, "input": "tick" });
    world.post("/api/session_input", &input).ok();
    planner.wait_typed("tick");
    assert_eq!(world.status()["department_sessions"], json!([]));
    world.post("/api/queue/resume", &json!({})).ok();
    let second = Agent::ready(&world, &world.session_of(&ids[2]), 1);
    second.tell("exit 0");
    Agent::ready(&world, &world.session_of(&ids[0]), 1);
    assert_eq!(
        world.status()["department_sessions"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_manual_start_needs_exactly_one_planner() {
    let world = World::serving();
    let wish = json!({ "department": "menxia", "task": "look" });
    let none = world
        .post("/api/start_department", &wish)
        .refused(409, "no_planner");
    assert!(none.contains("parent_session_id"), "{none}");
    let (one, _two) = (world.planner("one"), world.planner("two"));
    let several = world
        .post("/api/start_department", &wish)
        .refused(400, "ambiguous_planner");
    assert!(several.contains("parent_session_id"), "{several}");
    let mut named = wish.clone();
    named["parent_session_id"] = json!(one.id);
    let answer = world.post("/api/start_department", &named).ok();
    assert_eq!(answer["queued"], false);
}

#[test]
fn a_file_in_the_middle_of_a_turn_ends_nothing_and_the_end_of_the_turn_does() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "write it");
    child.announces("working");
    world.wait_session(&child.id, "activity", "working");
    child.reports(json!({ "summary": "so far" }));
    // The planner is told once what is reported was compared; of one that a newer one overtakes before that it hears nothing.
    planner.wait_typed("so far");
    child.reports(json!({ "summary": "finally" }));
    let result = world.result_of(&child.id).unwrap();
    assert_eq!(
        (&result["revision"], &result["verified"]),
        (&json!(2), &json!(false))
    );
    assert_eq!(world.session(&child.id)["status"], "running");
    assert_eq!(world.status()["slots_taken"], 1);
    child.announces("done");
    let ended = world.wait_session(&child.id, "status", "reported");
    assert_eq!(ended["auto_closed"], true);
    assert_eq!(ended["auto_close_reason"], "reported");
    assert_eq!(ended["report_status"], "reported");
    assert_eq!(ended["last_report_id"], result["report_id"]);
    world.wait_for("the end of its process", || {
        (!processes::is_alive(child.pid())).then_some(())
    });
    assert_eq!(world.status()["slots_taken"], 0);
    // The planner was told of both.
    planner.wait_typed("finally");
}

#[test]
fn results_are_read_once_and_acknowledged_by_name() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "write it");
    child.reports(json!({}));
    let unread = || world.session(&planner.id)["unread_result_count"].clone();
    assert_eq!(unread(), 1);
    world.peek(&planner.id);
    assert_eq!(unread(), 1, "peeking reads nothing");
    // A token that may only look cannot mark anything as read.
    let looker = world.token("looker", "read");
    let path = format!("/api/zhongshu_inbox?id={}", planner.id);
    assert_eq!(
        world.tcp(&looker, "GET", &path, None).ok()["unread_count"],
        1
    );
    assert_eq!(unread(), 1);
    let inbox = world.get(&path).ok();
    assert_eq!(
        (
            &inbox["unread_count"],
            inbox["unread_results"].as_array().unwrap().len(),
            inbox["read_results"].as_array().unwrap().len()
        ),
        (&json!(0), 1, 0),
        "what this look has read is not unread any more"
    );
    let again = world.get(&path).ok();
    assert_eq!(
        (
            &again["unread_count"],
            again["read_results"].as_array().unwrap().len()
        ),
        (&json!(0), 1)
    );
    assert_eq!(again["read_results"][0]["read"], true);
    assert_eq!(again["read_results"][0]["acknowledged"], false);
    let id = json!({ "report_id": again["read_results"][0]["report_id"] });
    world.post("/api/ack_result", &id).ok();
    world.post("/api/ack_result", &id).ok();
    assert_eq!(world.result_of(&child.id).unwrap()["acknowledged"], true);
    assert_eq!(world.events_named("result_acknowledged").len(), 1);
    assert_eq!(world.events_named("results_read").len(), 1);
}

#[test]
fn a_result_that_needs_the_person_holds_the_rest_of_the_plan() {
    let world = World::governed(|governance| governance["max_departments"] = json!(1));
    let planner = world.planner("plan it");
    let task = |task: &str| json!({ "department": "lingyubu", "task": task });
    let ids = world.confirm(&planner.id, json!([task("a"), task("b")]));
    let first = Agent::ready(&world, &world.session_of(&ids[0]), 1);
    first.reports(json!({ "summary": "which colour?", "needs_user_confirmation": true }));
    planner.wait_typed("wait for the person");
    first.tell("exit 0");
    world.wait_session(&first.id, "status", "reported");
    let status = world.status();
    assert_eq!(status["slots_taken"], 0);
    assert_eq!(status["queue"][0]["hold"], "waits_for_person");
    let report = world.result_of(&first.id).unwrap();
    assert_eq!(report["needs_user_confirmation"], true);
    world
        .post(
            "/api/ack_result",
            &json!({ "report_id": report["report_id"] }),
        )
        .ok();
    Agent::ready(&world, &world.session_of(&ids[1]), 1);
}

#[test]
fn an_end_without_a_report_says_how_it_ended() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let code = world.department(&planner.id, "lingyubu", "fail");
    let signal = world.department(&planner.id, "menxia", "crash");
    code.tell("exit 42");
    signal.tell("kill -KILL $$");
    let ended = world.wait_session(&code.id, "status", "exited");
    assert_eq!(
        (&ended["exit_code"], &ended["pid"]),
        (&json!(42), &Value::Null)
    );
    assert_eq!(ended["heartbeat_status"], "exited");
    assert_eq!(ended["report_status"], "pending");
    let killed = world.wait_session(&signal.id, "status", "exited");
    assert_eq!(killed["exit_code"], Value::Null);
    assert!(
        killed["status_reason"].as_str().unwrap().contains('9'),
        "{killed}"
    );
    for (agent, part) in [(&code, "42"), (&signal, "signal 9")] {
        let result = world.result_of(&agent.id).unwrap();
        assert_eq!(result["source"], "launcher_fallback");
        assert!(
            result["summary"].as_str().unwrap().contains(part),
            "{result}"
        );
        planner.wait_typed(&agent.id);
    }
    world.wait_for("only the planner's terminal", || {
        (world.status()["browser_terminals"]
            .as_array()
            .unwrap()
            .len()
            == 1)
            .then_some(())
    });
}

#[test]
fn a_report_of_the_last_moment_is_no_fallback() {
    let world = World::serving();
    let planner = world.planner("plan it");
    for (number, leave) in ["exit 0", "exit 3", "kill -KILL $$"]
        .into_iter()
        .enumerate()
    {
        let child = world.department(&planner.id, "lingyubu", "write and go");
        let summary = format!("words number {number}");
        let result = child.result(json!({ "summary": summary })).to_string();
        child.tell(&format!(
            "{}; {leave}",
            child.drop_command("last.json", &result)
        ));
        let ended = world.wait_session(&child.id, "status", "reported");
        assert_eq!(ended["report_status"], "reported");
        let result = world.result_of(&child.id).unwrap();
        assert_eq!(
            (&result["summary"], &result["revision"]),
            (&json!(summary), &json!(1))
        );
        planner.wait_typed(&summary);
    }
    assert!(!planner.typed().contains("launcher_fallback"));
}

#[test]
fn a_silent_department_is_reminded_twice_and_then_ended() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "say nothing");
    child.announces("idle");
    child.wait_typed("Reminder 1 of 2");
    child.announces("working");
    child.announces("idle");
    child.wait_typed("Reminder 2 of 2");
    let ended = world.wait_session(&child.id, "status", "silent");
    assert_eq!(
        (&ended["auto_closed"], &ended["auto_close_reason"]),
        (&json!(true), &json!("silent"))
    );
    assert_eq!(ended["reminders"], 2);
    assert_eq!(
        world.result_of(&child.id).unwrap()["source"],
        "launcher_fallback"
    );
    assert!(!processes::is_alive(child.pid()));
}

#[test]
fn stop_ends_the_whole_tree_even_of_a_program_that_ignores_it() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "resist");
    child.does("setsid bash -c 'trap \"\" TERM HUP INT; echo $$ >\"'$base'.far\"; while :; do sleep 1; done' &");
    let far = world.control().join(format!("{}.far", child.id));
    let far: u32 = world.wait_for("the far child", || {
        std::fs::read_to_string(&far).ok()?.trim().parse().ok()
    });
    child.does("trap '' TERM HUP INT");
    world
        .post("/api/stop_session", &json!({ "session_id": child.id }))
        .ok();
    let ended = world.wait_session(&child.id, "status", "stopped");
    assert!(ended["ended_at"].is_string());
    assert!(
        !processes::is_alive(child.pid()),
        "the program is still there"
    );
    assert!(!processes::is_alive(far), "what it started is still there");
    let resumed = world
        .post("/api/resume_session", &json!({ "session_id": child.id }))
        .ok();
    assert_eq!(resumed["session"]["ended_at"], Value::Null);
    let again = Agent::ready(&world, &child.id, 2);
    assert_eq!(
        world.wait_session(&child.id, "status", "running")["pid"],
        json!(again.pid())
    );
    // What it says now takes the fallback's place.
    again.reports(json!({ "summary": "second life" }));
    assert_eq!(
        world.result_of(&child.id).unwrap()["summary"],
        "second life"
    );
}

#[test]
fn an_exited_session_can_be_resumed_only_into_a_free_slot() {
    let world = World::governed(|governance| governance["max_departments"] = json!(1));
    let planner = world.planner("plan it");
    let first = world.department(&planner.id, "lingyubu", "one");
    first.tell("exit 1");
    assert_eq!(
        world.wait_session(&first.id, "status", "exited")["can_resume"],
        true
    );
    let second = world.department(&planner.id, "menxia", "two");
    let wish = json!({ "session_id": first.id });
    world
        .post("/api/resume_session", &wish)
        .refused(409, "no_free_slot");
    second.tell("exit 0");
    world.wait_session(&second.id, "status", "exited");
    world.post("/api/resume_session", &wish).ok();
    let again = Agent::ready(&world, &first.id, 2);
    again.announces("working");
    world.wait_session(&first.id, "activity", "working");
    // A planner is resumed as well.
    planner.tell("exit 0");
    world.wait_session(&planner.id, "status", "exited");
    world
        .post("/api/resume_session", &json!({ "session_id": planner.id }))
        .ok();
    Agent::ready(&world, &planner.id, 2);
}

#[test]
fn a_program_that_ends_at_once_is_recorded_as_ended() {
    let world = World::governed(|governance| {
        governance["drivers"]["instant"] = json!({ "command": ["/bin/sh", "-c", "exit 5"] });
        governance["departments"]["hasty"] = json!({ "driver": "instant", "title": "Hasty" });
    });
    let planner = world.planner("plan it");
    let ids = world.confirm(
        &planner.id,
        json!([{ "department": "hasty", "task": "be quick" }]),
    );
    let id = world.session_of(&ids[0]);
    let ended = world.wait_session(&id, "status", "exited");
    assert_eq!(
        (&ended["exit_code"], &ended["pid"]),
        (&json!(5), &Value::Null)
    );
    let gone = world.wait_session(&id, "browser_terminal_status", "none");
    assert_eq!(
        gone.get("browser_terminal_url"),
        Some(&Value::Null),
        "{gone}"
    );
    assert_eq!(world.events_named("session_closed").len(), 1);
}

#[test]
fn input_is_typed_once_and_streams_tell_of_changes() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "listen");
    let mut stream = world.events(&format!("/api/session_stream?id={}", child.id));
    let first = stream.until("the session", |event| event.name == "session");
    assert_eq!(first.json()["id"], json!(child.id));
    let seq = world.seq();
    let mut journal = world.events(&format!("/api/events?after={seq}"));
    let text = "two lines\nof 输入 with \"quotes\" and \u{1b}[31mcolour";
    world
        .post(
            "/api/session_input",
            &json!({ "session_id": child.id, "input": text }),
        )
        .ok();
    child.wait_typed("of 输入 with \"quotes\"");
    child.does("echo a word for the stream");
    stream.until("the word", |event| {
        event.json()["transcript_preview"]
            .as_str()
            .unwrap()
            .contains("a word for the stream")
    });
    child.announces("blocked");
    stream.until("blocked", |event| event.json()["activity"] == "blocked");
    child.tell("exit 0");
    stream.until("the end", |event| event.json()["status"] == "exited");

    let queued = journal.until("message_queued", |event| event.name == "message_queued");
    assert_eq!(queued.id, Some(seq + 1), "nothing is left out");
    let delivered = journal.until("message_delivered", |event| {
        event.name == "message_delivered"
    });
    let closed = journal.until("session_closed", |event| event.name == "session_closed");
    // A reader that comes back gets exactly what it has not seen.
    let mut back = world.events(&format!("/api/events?after={}", delivered.id.unwrap()));
    let next = back.until("the next", |_| true);
    assert_eq!(next.id, delivered.id.map(|id| id + 1));
    if next.name != "session_closed" {
        assert_eq!(
            back.until("the end", |it| it.name == "session_closed").id,
            closed.id
        );
    }
    assert_eq!(child.typed().matches("two lines").count(), 1);
}

#[test]
fn a_quiet_department_is_stalled_until_it_says_something() {
    let world = World::governed(|governance| governance["department_stale_seconds"] = json!(2));
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "be quiet");
    let stalled = world.wait_session(&child.id, "heartbeat_status", "stalled");
    assert!(stalled["idle_seconds"].as_u64().unwrap() >= 2, "{stalled}");
    assert_eq!(stalled["status"], "running");
    child.does("echo here I am");
    let active = world.wait_session(&child.id, "heartbeat_status", "active");
    assert!(active["idle_seconds"].as_u64().unwrap() < 2, "{active}");
    // Who plans may wait for hours.
    assert_eq!(world.session(&planner.id)["heartbeat_status"], "active");
    child.tell("exit 0");
    let ended = world.wait_session(&child.id, "heartbeat_status", "exited");
    assert_eq!(ended["idle_seconds"], Value::Null);
}

#[test]
fn three_rejected_files_of_one_name_are_told_apart() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let incoming = world.mailbox(&planner.id, "incoming");
    let rejected = || {
        world.session(&planner.id)["rejected_files"]
            .as_array()
            .unwrap()
            .clone()
    };
    for times in 1..=3 {
        std::fs::write(incoming.join("r.json"), format!("{{\"times\": {times}}}")).unwrap();
        world.wait_for("it is rejected", || {
            (rejected().len() == times && World::names(&incoming).is_empty()).then_some(())
        });
    }
    let folder = world.mailbox(&planner.id, "rejected");
    for (at, file) in rejected().iter().enumerate() {
        let text = std::fs::read_to_string(folder.join(file["file"].as_str().unwrap())).unwrap();
        assert_eq!(text, format!("{{\"times\": {}}}", at + 1), "{file}");
    }
}

#[test]
fn a_session_carries_its_terminal_wherever_it_is_shown() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "write it");
    let id = &planner.id;
    let inbox = world
        .get(&format!("/api/zhongshu_inbox?id={id}&peek=1"))
        .ok();
    let url = |session: &Value| session.get("browser_terminal_url").cloned();
    for shown in [&inbox["session"], &inbox["running_departments"][0]] {
        let expected = world.session(shown["id"].as_str().unwrap());
        assert!(url(shown).is_some_and(|it| it.is_string()), "{shown}");
        assert_eq!(url(shown), url(&expected));
    }
    child.tell("exit 0");
    world.wait_session(&child.id, "status", "exited");
    assert_eq!(url(&world.session(&child.id)), Some(Value::Null));
    // Who may not open a terminal is not shown the way to it.
    let looker = world.token("looker", "read");
    let path = format!("/api/zhongshu_inbox?id={id}");
    let seen = world.tcp(&looker, "GET", &path, None).ok();
    assert_eq!(url(&seen["session"]), Some(Value::Null));
}

#[test]
fn a_driver_that_starts_nothing_holds_back_only_what_needs_it_and_says_why() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let task = |department: &str, task: &str| json!({ "department": department, "task": task });
    let all = json!([
        task("broken", "a"),
        task("broken", "b"),
        task("broken", "c"),
        task("broken", "d"),
        task("lingyubu", "e"),
    ]);
    let ids = world.confirm(&planner.id, all);
    Agent::ready(&world, &world.session_of(&ids[4]), 1);
    let waiting = || world.status()["queue"].as_array().unwrap().clone();
    let held = || {
        let waiting = waiting();
        waiting
            .iter()
            .all(|item| item["hold"] == "driver_failed")
            .then_some(waiting)
    };
    // There are two slots: two of them failed, and no more.
    let left = world.wait_for("the rest is held back", held);
    assert_eq!(left.len(), 2);
    let reason = left[0]["hold_reason"].as_str().unwrap();
    assert!(
        reason.contains("nothing") && reason.contains("no-such-program"),
        "{reason}"
    );
    let events = world.events_named("dispatch_held");
    assert_eq!(events.len(), 1);
    assert_eq!(
        events[0]["shared"],
        json!({ "uses": "driver", "driver": "nothing" })
    );
    assert!(
        events[0]["reason"]
            .as_str()
            .unwrap()
            .contains("no-such-program")
    );
    let status = world.status();
    assert_eq!(status["queue_paused"], false);
    assert!(
        status["warnings"].to_string().contains("no-such-program"),
        "{status}"
    );
    let said = world.run(&["ps"]).exits(0);
    assert!(
        said.contains("no-such-program") && said.contains("/api/queue/resume"),
        "{said}"
    );
    let page = world.get("/ui/work?lang=en").body;
    let (_, queue) = page.split_once("id=\"queue\"").unwrap();
    assert!(
        queue.contains("no-such-program") && queue.contains("data-do=\"queue-resume\""),
        "{queue}"
    );
    // Another planner's work goes on.
    let other = world.planner("plan something else");
    world.department(&other.id, "menxia", "look").tell("exit 0");

    // A person's word is a new try.
    world.post("/api/queue/resume", &json!({})).ok();
    world.wait_for("one more failure", || {
        (world.events_named("dispatch_held").len() == 2).then_some(())
    });
    assert_eq!(world.events_named("dispatch_released").len(), 1);
    assert_eq!(world.wait_for("the last is held back", held).len(), 1);
    // Once it can be started, it is.
    let program = world.root().join("no-such-program");
    let (script, control) = (world.root().join("agent.sh"), world.control());
    let text = format!(
        "#!/bin/bash\nexec /bin/bash '{}' '{}' \"$1\"\n",
        script.display(),
        control.display()
    );
    std::fs::write(&program, text).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&program, executable).unwrap();
    // It lies where agents can write, so it is another question.
    world.wait_for("the program is asked about", || {
        (world.status()["powers"]["needed"] == true).then_some(())
    });
    world.approve_powers();
    world.post("/api/queue/resume", &json!({})).ok();
    Agent::ready(&world, &world.session_of(&ids[3]), 1);
    let warnings = world.status()["warnings"].to_string();
    assert!(!warnings.contains("no-such-program"), "{warnings}");
}
