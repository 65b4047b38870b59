//! Terminals that stream while everything around them goes away: the launcher, a sidecar, the program itself.

use super::agent::Agent;
use super::http::{self, Door};
use super::processes;
use super::viewer::Viewer;
use super::world::World;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Counts for ever, a line every 10 ms.
fn counting(name: &str) -> String {
    format!("n=0; while :; do n=$((n+1)); echo {name}-$n-; sleep 0.01; done")
}

/// The newest number of a counting program that a viewer has seen.
fn count(viewer: &Viewer, name: &str) -> u64 {
    let (text, mark) = (viewer.text(), format!("{name}-"));
    let mut numbers = text
        .rsplit(&mark)
        .filter_map(|rest| rest.split_once('-')?.0.parse().ok());
    numbers.next().unwrap_or(0)
}

/// Waits until a viewer has seen the program count on.
#[track_caller]
fn goes_on(viewer: &mut Viewer, name: &str) {
    let from = count(viewer, name);
    viewer.until("the program to count on", |viewer| {
        count(viewer, name) > from + 20
    });
}

fn shell(world: &World, script: &str) -> Value {
    let wish = json!({ "shell": "/bin/sh", "shell_args": ["-c", script] });
    world.post("/api/browser_terminal/start", &wish).ok()
}

fn url(opened: &Value) -> String {
    opened["url"].as_str().unwrap().to_owned()
}

/// The part of an address that is the terminal's; the rest is made anew by each launcher.
fn place(url: &Value) -> &str {
    url.as_str().unwrap().split_once("#token=").unwrap().0
}

/// A terminal in the list, if it is open.
fn listed(world: &World, id: &Value) -> Option<Value> {
    let list = world.get("/api/browser_terminals").ok();
    let list = list["browser_terminals"].as_array().unwrap().clone();
    list.into_iter().find(|terminal| terminal["id"] == *id)
}

#[track_caller]
fn adopted(world: &World, ids: &[&Value]) {
    world.wait_for("the terminals to be found again", || {
        let running = |id: &&Value| {
            listed(world, id).is_some_and(|it| it["status"] == "running" && it["url"].is_string())
        };
        ids.iter().all(running).then_some(())
    });
}

/// Whether a process of this world has this in its command line.
fn runs(world: &World, part: &str) -> bool {
    let all = processes::marked(world.mark());
    all.iter().any(|process| process.command.contains(part))
}

#[test]
fn three_streaming_terminals_outlive_the_launcher_and_obey_the_next_one() {
    let mut world = World::serving();
    let (session, child_pid) = {
        let planner = world.planner("plan it");
        planner.tell(&counting("session"));
        (planner.id.clone(), planner.pid())
    };
    let session_terminal = world.session(&session)["browser_terminal_id"].clone();
    let session_url = url(&world
        .post(
            "/api/terminal_ticket",
            &json!({ "id": session_terminal, "mode": "write" }),
        )
        .ok());
    // One that is stubborn and has far children, and one that listens.
    let stubborn = format!(
        "trap '' TERM HUP INT; sleep 98771 & setsid sh -c 'trap \"\" TERM HUP; sleep 98772; :' & {}",
        counting("one")
    );
    let one = shell(&world, &stubborn);
    let listening = format!(
        "({}) & while read -r line; do echo \"got $line\"; done",
        counting("two")
    );
    let two = shell(&world, &listening);
    let mut viewers = [
        (Viewer::open(&session_url), "session"),
        (Viewer::open(&url(&one)), "one"),
        (Viewer::open(&url(&two)), "two"),
    ];
    for (viewer, name) in &mut viewers {
        goes_on(viewer, name);
    }
    world.kill();
    for (viewer, name) in &mut viewers {
        goes_on(viewer, name);
    }
    world.start();
    adopted(&world, &[&session_terminal, &one["id"], &two["id"]]);
    for (viewer, name) in &mut viewers {
        goes_on(viewer, name);
    }
    let [(mut on_session, _), (mut on_one, _), (mut on_two, _)] = viewers;
    // They are where they were, the old addresses of who still stands are good, and the pages may be shown by the new
    // dashboard.
    assert_eq!(
        place(&listed(&world, &one["id"]).unwrap()["url"]),
        place(&one["url"])
    );
    drop(Viewer::open(&url(&one)));
    let port = url(&two);
    let port = port
        .rsplit_once("/#")
        .unwrap()
        .0
        .rsplit_once(':')
        .unwrap()
        .1;
    let page = http::send(
        &Door::Tcp(port.parse().unwrap(), &[]),
        "GET",
        "/",
        None,
        None,
    );
    let policy = page.header("content-security-policy").unwrap();
    let dashboard = format!("http://127.0.0.1:{}", world.announced().port);
    assert!(policy.contains(&dashboard), "{policy}");

    // One is closed, with all it started.
    let began = Instant::now();
    world
        .post("/api/browser_terminal/close", &json!({ "id": one["id"] }))
        .ok();
    assert_eq!(on_one.until_closed(), 1001);
    world.wait_for("the end of its tree", || {
        (!runs(&world, "sleep 9877")).then_some(())
    });
    let took = began.elapsed();
    assert!(took < Duration::from_millis(5500), "{took:?}");
    assert!(listed(&world, &one["id"]).is_none());
    // The second hears what is typed, by its old page and by a new one.
    on_two.types("from the old page\n");
    on_two.until_shown("got from the old page");
    let ticket = json!({ "id": two["id"], "mode": "write" });
    let mut anew = Viewer::open(&url(&world.post("/api/terminal_ticket", &ticket).ok()));
    anew.types("from a new page\n");
    on_two.until_shown("got from a new page");
    // The session is stopped.
    world
        .post("/api/stop_session", &json!({ "session_id": session }))
        .ok();
    assert_eq!(on_session.until_closed(), 1001);
    world.wait_session(&session, "status", "stopped");
    assert!(!processes::is_alive(child_pid));
    goes_on(&mut on_two, "two");
    // And a stop ends the rest.
    world.run(&["stop"]).exits(0);
    assert_eq!(world.wait_end(), Some(0));
    assert_eq!(on_two.until_closed(), 1001);
    let left = processes::marked(world.mark());
    assert!(left.is_empty(), "{left:#?}");
}

#[test]
fn a_viewer_looks_on_through_eight_crashes_and_nothing_is_left_after_them() {
    let mut world = World::serving();
    let far = "trap '' TERM HUP; (setsid nohup sh -c 'trap \"\" TERM HUP; while :; do sleep 98781; done' >far 2>&1 &); ";
    let opened = shell(&world, &format!("{far}{}", counting("tick")));
    let session = world.planner("plan it").id;
    let mut viewer = Viewer::open(&url(&opened));
    for crash in 0..8 {
        goes_on(&mut viewer, "tick");
        world.kill();
        goes_on(&mut viewer, "tick");
        world.start();
        if crash % 2 == 0 {
            // Otherwise the next crash comes in the middle of the start.
            let terminal = world.session(&session)["browser_terminal_id"].clone();
            adopted(&world, &[&opened["id"], &terminal]);
        }
    }
    assert_eq!(Agent::ready(&world, &session, 1).starts().len(), 1);
    assert!(runs(&world, "sleep 98781"));
    world.run(&["stop"]).exits(0);
    assert_eq!(world.wait_end(), Some(0));
    viewer.until_closed();
    let left = processes::marked(world.mark());
    assert!(left.is_empty(), "{left:#?}");
}

/// Kills the sidecar of a terminal.
fn kill_sidecar(world: &World, terminal: &Value) {
    let part = format!("{}.spec.json", terminal.as_str().unwrap());
    let all = processes::marked(world.mark());
    let sidecar = all.iter().find(|process| process.command.contains(&part));
    sidecar.unwrap().kill();
}

#[test]
fn what_outlives_a_killed_sidecar_is_found_and_ended() {
    let mut world = World::serving();
    let resist = "trap '' HUP TERM; (setsid sh -c 'trap \"\" HUP TERM; while :; do sleep 98791; done' &); while :; do sleep 98792; done";
    let opened = shell(&world, resist);
    let session = {
        let planner = world.planner("plan it");
        planner.does("trap '' HUP TERM; (setsid sh -c 'trap \"\" HUP TERM; while :; do sleep 98793; done' &)");
        planner.id.clone()
    };
    let all_run = |world: &World| {
        ["sleep 98791", "sleep 98792", "sleep 98793"].map(|part| runs(world, part)) == [true; 3]
    };
    world.wait_for("all of them", || all_run(&world).then_some(()));
    kill_sidecar(&world, &opened["id"]);
    let terminal = world.session(&session)["browser_terminal_id"].clone();
    kill_sidecar(&world, &terminal);
    world.wait_session(&session, "status", "lost");
    world.wait_for("the end of what they ran", || {
        (!runs(&world, "sleep 9879") && world.status()["browser_terminals"] == json!([]))
            .then_some(())
    });
    let folder = world.state_dir().join("terminals");
    assert_eq!(World::names(&folder), Vec::<String>::new());

    // The same while no launcher looks.
    let opened = shell(&world, resist);
    world.wait_for("the next one", || runs(&world, "sleep 98791").then_some(()));
    world.kill();
    kill_sidecar(&world, &opened["id"]);
    world.start();
    world.wait_for("the end of what it ran", || {
        (!runs(&world, "sleep 9879") && listed(&world, &opened["id"]).is_none()).then_some(())
    });
    assert_eq!(World::names(&folder), Vec::<String>::new());
}

#[test]
fn how_a_shell_ended_and_what_it_showed_last_is_kept_over_a_restart() {
    let mut world = World::serving();
    let failed = shell(&world, "printf 'last \\033[1mwords'; exit 3");
    let killed = shell(&world, "printf 'cut short'; kill -9 $$");
    let ended = |world: &World| {
        for (terminal, code, signal) in [
            (&failed, json!(3), Value::Null),
            (&killed, Value::Null, json!(9)),
        ] {
            let shown = world.wait_for("the end of the program", || {
                listed(world, &terminal["id"]).filter(|it| it["status"] == "exited")
            });
            assert_eq!(
                (&shown["exit_code"], &shown["exit_signal"]),
                (&code, &signal)
            );
            assert_eq!(place(&shown["url"]), place(&terminal["url"]));
        }
    };
    ended(&world);
    world.kill();
    world.start();
    adopted_ended(&world, &failed["id"]);
    adopted_ended(&world, &killed["id"]);
    ended(&world);
    let anew = |terminal: &Value| {
        let shown = listed(&world, &terminal["id"]).unwrap();
        Viewer::open(&url(&shown))
    };
    let mut viewer = anew(&failed);
    viewer.until_shown("words");
    assert_eq!(
        viewer.hello["state"],
        json!({ "exited": { "code": 3, "signal": null } })
    );
    let mut viewer = anew(&killed);
    viewer.until_shown("cut short");
    assert_eq!(viewer.hello["state"]["exited"]["signal"], 9);
    for terminal in [&failed, &killed] {
        world
            .post(
                "/api/browser_terminal/close",
                &json!({ "id": terminal["id"] }),
            )
            .ok();
    }
}

#[track_caller]
fn adopted_ended(world: &World, id: &Value) {
    world.wait_for("the ended terminal to be found again", || {
        listed(world, id).filter(|it| it["url"].is_string())
    });
}

#[test]
fn terminals_that_were_opened_and_closed_leave_no_file_and_no_process() {
    let mut world = World::new();
    world.traceable();
    world.start();
    let files = || {
        let folder = format!("/proc/{}/fd", world.server_pid());
        std::fs::read_dir(folder).unwrap().count()
    };
    let round = || {
        let opened = shell(&world, "exec cat");
        let mut viewer = Viewer::open(&url(&opened));
        viewer.types("a word\n");
        viewer.until_shown("a word");
        world
            .post(
                "/api/browser_terminal/close",
                &json!({ "id": opened["id"] }),
            )
            .ok();
        assert_eq!(viewer.until_closed(), 1001);
        // Its token opens nothing any more.
        let address = url(&opened);
        let authority = address
            .trim_start_matches("http://")
            .split_once('/')
            .unwrap()
            .0;
        assert!(std::net::TcpStream::connect(authority).is_err());
    };
    round();
    let idle = files();
    for _ in 0..10 {
        round();
    }
    world.wait_for("every file to be closed", || {
        (files() <= idle).then_some(())
    });
    // The launcher and its watchdog.
    world.wait_for("every process to be gone", || {
        (processes::marked(world.mark()).len() <= 2).then_some(())
    });
}

#[test]
fn long_messages_for_a_program_that_does_not_read_arrive_whole_and_once() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "listen");
    // What reads its terminal stands still.
    child.does("reader=$!; kill -STOP $reader");
    let text = |number: usize| {
        let line = |at: usize| format!("message {number} line {at} 输入 é 🙂\n");
        let lines: String = (0..1300).map(line).collect();
        format!("{lines}end of {number}")
    };
    for number in 0..4 {
        let body = json!({ "session_id": child.id, "input": text(number) });
        world.post("/api/session_input", &body).ok();
    }
    let held = world.get("/api/status").ok();
    assert_eq!(held["ok"], true);
    child.does("kill -CONT $reader");
    child.wait_typed("end of 3");
    world.wait_for("the last delivery", || {
        (world.events_named("message_delivered").len() == 4).then_some(())
    });
    let expected: String = (0..4).map(|number| text(number) + "\n").collect();
    world.wait_for("the last line", || {
        (child.typed().len() >= expected.len()).then_some(())
    });
    let typed = child.typed();
    let differs = typed
        .bytes()
        .zip(expected.bytes())
        .position(|(a, b)| a != b);
    assert!(
        typed == expected,
        "{} of {} bytes, {differs:?}",
        typed.len(),
        expected.len()
    );
}

/// Waits until the session shows what its program printed last.
#[track_caller]
fn seen(world: &World, id: &str) {
    world.wait_for("the last words", || {
        let preview = world.session(id)["transcript_preview"].clone();
        preview.as_str()?.contains("the last words").then_some(())
    });
}

#[test]
fn what_a_program_says_of_itself_is_the_status_of_its_session() {
    let mut world = World::serving();
    let id = {
        let planner = world.planner("plan it");
        let child = world.department(&planner.id, "lingyubu", "say it");
        let tile = |class: &str| {
            let page = world.get("/ui/work").body;
            let begin = page.find(&format!("dep-{}", child.id)).unwrap();
            page[begin..]
                .split("</article>")
                .next()
                .unwrap()
                .contains(class)
        };
        for (state, activity) in [
            ("working", "working"),
            ("blocked:kind=permission", "blocked"),
            ("idle", "idle"),
            ("clear", "unknown"),
            ("working", "working"),
            // What is no state changes nothing.
            ("asleep", "working"),
        ] {
            child.announces(state);
            let session = world.wait_session(&child.id, "activity", activity);
            let reason = session["status_reason"].as_str().unwrap_or_default();
            assert_eq!(
                reason.contains("permission"),
                activity == "blocked",
                "{reason}"
            );
            // Nothing is said of what nobody knows.
            let word = match activity {
                "blocked" => "waiting",
                word => word,
            };
            assert_eq!(session["doing"]["state"], word);
            let badge = format!("doing d-{word}");
            assert_eq!(tile(&badge), activity != "unknown", "{activity}");
            assert_eq!(tile("permission"), activity == "blocked");
        }
        // In two pieces, as a program's writes may cut it.
        child.does("printf '\\033]7501;state=blo'; sleep 0.1; printf 'cked:app=x\\007'");
        world.wait_session(&child.id, "activity", "blocked");
        child.does("echo the last words");
        seen(&world, &child.id);
        child.id.clone()
    };
    // The next launcher hears of it from the terminal.
    world.kill();
    world.start();
    let session = world.wait_session(&id, "activity", "blocked");
    seen(&world, &id);
    assert!(
        session["status_reason"]
            .as_str()
            .unwrap()
            .contains("answer")
    );
    assert_eq!(session["heartbeat_status"], "active");
}
