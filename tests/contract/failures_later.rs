//! The other nine failures of the first implementation, on the running product.

use super::agent::Agent;
use super::processes;
use super::world::World;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

#[test]
fn contract_10_a_handoff_names_the_real_task() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "carve the seal of the department");
    child.reports(json!({
        "summary": "carved", "changed_files": ["seal.txt"], "verifications_run": ["ls seal.txt"],
        "verifications_skipped": ["the fire test"], "risks": ["it may break"], "next_action": "stamp it",
    }));
    let result = world.result_of(&child.id).unwrap();
    let path = result["handoff_packet"].as_str().unwrap();
    let asked = format!("/api/handoff?id={}", result["report_id"].as_str().unwrap());
    // It is written anew when the report has been held against what really changed, perhaps between two looks.
    let (page, answer) = world.wait_for("the packet that the API shows", || {
        let page = std::fs::read_to_string(world.repo().join(path)).ok()?;
        let answer = world.get(&asked).ok();
        (answer["markdown"] == json!(page)).then_some((page, answer))
    });
    assert_eq!(answer["path"], json!(path));
    let mut sections = page.split("\n## ");
    let head = sections.next().unwrap();
    assert!(head.starts_with("# Codex Department Handoff\n"), "{head}");
    for line in [
        format!("- parent_session_id: {}", planner.id),
        format!("- department_session_id: {}", child.id),
        "- department: lingyubu".to_owned(),
        "- source: mailbox".to_owned(),
    ] {
        assert!(head.lines().any(|it| it == line), "{line} is not in {head}");
    }
    assert!(head.contains("- reported_at: 20"), "{head}");
    let expected = [
        ("Objective", "carve the seal of the department"),
        ("Summary", "carved"),
        ("Changed Files", "seal.txt"),
        ("Verification", "the fire test"),
        ("Risks", "it may break"),
        ("Next Action", "stamp it"),
    ];
    for ((title, content), section) in expected.into_iter().zip(sections) {
        assert!(section.starts_with(title), "{title}: {section}");
        assert!(section.contains(content), "{content}: {section}");
    }
}

#[test]
fn contract_11_a_wrong_ref_or_id_is_answered() {
    let world = World::serving();
    for base in [
        "no-such-branch",
        "HEAD%7E99",
        "..%2Fx",
        "-rf",
        "%00",
        "a%20b",
    ] {
        let answer = world.get(&format!("/api/report?mode=base&base={base}"));
        let sentence = answer.refused(400, "unknown_revision");
        assert!(sentence.contains("base"), "{sentence}");
    }
    for path in [
        "/api/zhongshu_plan?id=",
        "/api/plans?session_id=",
        "/api/zhongshu_inbox?id=",
        "/api/zhongshu_context?id=",
        "/api/session_stream?id=",
    ] {
        world
            .get(&format!("{path}zhongshu-0"))
            .refused(404, "unknown_session");
        world
            .get(&format!("{path}..%2Fx"))
            .refused(400, "invalid_query");
    }
    world
        .get("/api/handoff?id=report-0")
        .refused(404, "unknown_report");
    // And the connection that comes next is served.
    world.status();
}

#[test]
fn contract_12_renames_and_paths_are_reported_as_what_they_are() {
    let world = World::governed(|governance| {
        governance["departments"]["papers"] =
            json!({ "globs": ["**/README.md"], "title": "Papers" });
    });
    for (path, text) in [
        ("src/old name.py", "a\nb\nc\nd\n"),
        ("config.env.py", "x = 1\n"),
        ("myoutput/x", "1\n"),
        ("output/y", "1\n"),
        (".env", "A=1\n"),
        ("deep/er/README.md", "# deep\n"),
    ] {
        world.write(path, text);
    }
    world.commit_all();
    world.stage_move("src/old name.py", "src/new name.py");
    for path in [
        "config.env.py",
        "myoutput/x",
        "output/y",
        ".env",
        "README.md",
        "deep/er/README.md",
    ] {
        world.write(path, "changed\n");
    }
    let report = world.get("/api/report").ok();
    let changed = report["changed_files"].as_array().unwrap();
    let of = |path: &str| {
        let found = changed.iter().find(|file| file["path"] == path);
        found.unwrap_or_else(|| panic!("{path} is not in {report:#}"))
    };
    let moved = of("src/new name.py");
    assert_eq!(moved["old_path"], "src/old name.py");
    assert_eq!(moved["status"], "renamed");
    let risks = |path: &str| of(path)["risks"].to_string();
    assert!(risks(".env").contains("secret_files"));
    assert!(!risks("config.env.py").contains("secret_files"));
    assert!(risks("output/y").contains("build_output"));
    assert!(!risks("myoutput/x").contains("build_output"));
    for path in ["README.md", "deep/er/README.md"] {
        assert!(
            of(path)["departments"].to_string().contains("papers"),
            "{path}"
        );
    }
}

#[test]
fn contract_13_messages_are_typed_and_never_touch_the_clipboard() {
    let mut world = World::new();
    let bin = world.root().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let canary = world.root().join("clipboard-was-used");
    for name in [
        "xclip", "xsel", "wl-copy", "pbcopy", "clip.exe", "xdotool", "tmux", "screen",
    ] {
        let script = format!("#!/bin/sh\necho {name} >>'{}'\n", canary.display());
        std::fs::write(bin.join(name), script).unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(bin.join(name), mode).unwrap();
    }
    let path = format!("{}:/usr/bin:/bin", bin.display());
    world.variables = vec![
        ("PATH".to_owned(), path),
        ("DISPLAY".to_owned(), ":99".to_owned()),
        ("WAYLAND_DISPLAY".to_owned(), "wayland-9".to_owned()),
    ];
    world.start();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "write it");
    let notice = json!({ "session_id": planner.id, "message": "a word from 门下省: halt" });
    world.post("/api/notify_zhongshu", &notice).ok();
    planner.wait_typed("a word from 门下省: halt\n");
    child.reports(json!({ "summary": "told by keystrokes" }));
    planner.wait_typed("told by keystrokes");
    // Once, not twice.
    world.wait_for("both messages to be recorded as delivered", || {
        (world.events_named("message_delivered").len() == 2).then_some(())
    });
    assert_eq!(planner.typed().matches("a word from").count(), 1);
    // The agent's standard input is a terminal of its own.
    planner.does("readlink /proc/self/fd/3 >\"$base.tty\"");
    let tty = std::fs::read_to_string(world.control().join(format!("{}.tty", planner.id))).unwrap();
    assert!(tty.starts_with("/dev/pts/"), "{tty}");
    assert!(
        !canary.exists(),
        "{}",
        std::fs::read_to_string(&canary).unwrap()
    );
}

#[test]
fn contract_14_closing_the_terminal_never_ends_the_planner() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let (pid, terminal) = (
        planner.pid(),
        world.session(&planner.id)["browser_terminal_id"].clone(),
    );
    let refused = world.post("/api/browser_terminal/close", &json!({ "id": terminal }));
    let sentence = refused.refused(409, "session_terminal");
    assert!(sentence.contains("stop_session"), "{sentence}");
    let view = json!({ "session_id": planner.id });
    let seen = world
        .post("/api/session_browser_terminal/start", &view)
        .ok();
    assert_eq!(seen["terminal"]["read_only"], true);
    world
        .post("/api/browser_terminal/close", &json!({ "id": seen["id"] }))
        .refused(409, "session_terminal");
    planner.does("true");
    assert_eq!(planner.pid(), pid);
    assert!(processes::is_alive(pid));
    assert_eq!(world.session(&planner.id)["status"], "running");
}

#[test]
fn contract_15_a_person_can_stop_cancel_reorder_edit_reject_and_look_back() {
    let world = World::governed(|governance| governance["max_departments"] = json!(1));
    let planner = world.planner("plan it");
    let plan = |task: &str| {
        json!({ "session_id": planner.id, "summary": task,
            "assignments": [{ "department": "lingyubu", "task": task }] })
    };
    world
        .post("/api/report_zhongshu_plan", &plan("too much"))
        .ok();
    let no = json!({ "session_id": planner.id, "reason": "smaller, please" });
    assert_eq!(world.post("/api/reject_plan", &no).ok()["version"], 1);
    planner.wait_typed("smaller, please");
    let second = world.post("/api/report_zhongshu_plan", &plan("a bit")).ok();
    // Edited: another task, and one assignment more.
    let edited = json!({
        "parent_session_id": planner.id, "plan_sha256": second["plan_sha256"],
        "assignments": [
            { "department": "lingyubu", "task": "a bit, by hand" }, { "department": "menxia", "task": "b" },
            { "department": "zhilibu", "task": "c" }, { "department": "zhilibu", "task": "left out", "selected": false },
        ],
    });
    let orders = world.post("/api/start_assignments", &edited).ok();
    let order = |index: usize| orders["assignments"][index]["assignment_id"].clone();
    let first = Agent::ready(&world, &world.session_of(order(0).as_str().unwrap()), 1);
    assert!(first.prompt().contains("a bit, by hand"));
    let queue = || -> Vec<Value> {
        let status = world.status();
        let queue = status["queue"].as_array().unwrap();
        queue
            .iter()
            .map(|item| item["assignment_id"].clone())
            .collect()
    };
    assert_eq!(queue(), [order(1), order(2)]);
    let to_front = json!({ "assignment_id": order(2), "before": order(1) });
    world.post("/api/queue/move", &to_front).ok();
    assert_eq!(queue(), [order(2), order(1)]);
    world
        .post("/api/queue/cancel", &json!({ "assignment_id": order(2) }))
        .ok();
    assert_eq!(queue(), [order(1)]);
    world
        .post("/api/stop_session", &json!({ "session_id": first.id }))
        .ok();
    world.wait_session(&first.id, "status", "stopped");
    assert!(!processes::is_alive(first.pid()));
    Agent::ready(&world, &world.session_of(order(1).as_str().unwrap()), 1);
    let names: Vec<String> = world
        .audit()
        .iter()
        .map(|event| event["event"].as_str().unwrap().to_owned())
        .collect();
    for name in [
        "zhongshu_plan_registered",
        "plan_rejected",
        "plan_confirmed",
        "assignment_queued",
        "assignment_moved",
        "assignment_cancelled",
        "session_close_requested",
        "session_closed",
    ] {
        assert!(
            names.iter().any(|it| it == name),
            "{name} is not in {names:?}"
        );
    }
    let confirmed = &world.events_named("plan_confirmed")[0];
    assert_eq!(confirmed["edited"], true);
    assert_eq!(confirmed["assignments"].as_array().unwrap().len(), 3);
}

#[test]
fn contract_16_no_session_is_spent_on_polling_an_inbox() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let children = [
        world.department(&planner.id, "lingyubu", "one"),
        world.department(&planner.id, "menxia", "two"),
    ];
    for child in &children {
        child.reports(json!({ "summary": format!("news of {}", child.id), "risks": ["some"] }));
        // The planner asks nothing, and is told.
        planner.wait_typed(&format!("news of {}", child.id));
    }
    assert_eq!(world.peek(&planner.id)["unread_count"], 2);
    assert_eq!(world.events_named("session_registered").len(), 3);
    assert_eq!(world.status()["active_sessions_total"], 3);
    let agents = processes::marked(world.mark())
        .into_iter()
        .filter(|process| process.command.contains("agent.sh"))
        .filter(|process| {
            // What an agent's shell forked for a moment is not an agent.
            let starts = children.iter().chain([&planner]).map(Agent::pid);
            !starts.clone().any(|pid| pid == process.pid)
        })
        .map(|process| process.command)
        .collect::<Vec<_>>();
    assert_eq!(agents, Vec::<String>::new(), "somebody else works here");
    assert_eq!(planner.starts().len(), 1);
}

/// Bytes that a process has read so far, from files, pipes and sockets alike.
fn bytes_read(pid: u32) -> u64 {
    let io = std::fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    let line = io.lines().find_map(|line| line.strip_prefix("rchar: "));
    line.unwrap().parse().unwrap()
}

#[test]
fn contract_17_status_reads_no_log() {
    const LOG_BYTES: usize = 50 << 20;
    const ASKED: u32 = 20;
    let world = World::serving();
    let planner = world.planner("plan it");
    planner.does("head -c 4000000 /dev/zero | tr '\\0' 'x' | fold -w 100; echo the-end");
    let log = world.session(&planner.id)["log_path"]
        .as_str()
        .unwrap()
        .to_owned();
    world.wait_for("the last line in the preview", || {
        let preview = world.session(&planner.id)["transcript_preview"].clone();
        preview.as_str().unwrap().contains("the-end").then_some(())
    });
    // The sidecar turns its log over at 16 MiB; a larger one can only come from elsewhere, and must not matter either.
    let file = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
    file.set_len(LOG_BYTES as u64).unwrap();
    assert!(std::fs::metadata(&log).unwrap().len() >= LOG_BYTES as u64);
    let (before, began) = (bytes_read(world.server_pid()), Instant::now());
    let mut answered = 0;
    for _ in 0..ASKED {
        answered = world.get("/api/status").body.len();
    }
    let (read, took) = (bytes_read(world.server_pid()) - before, began.elapsed());
    // Each request is some 100 bytes; a single look at the log's tail would be 2 KiB.
    assert!(
        read < u64::from(ASKED) * 1024,
        "{read} bytes were read for {ASKED} answers"
    );
    assert!(answered < 64 << 10, "an answer has {answered} bytes");
    assert!(took / ASKED < Duration::from_millis(100), "{took:?}");
}

#[test]
fn contract_18_fallback_handoff_is_rewritten_by_the_real_report() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "write the song");
    let late = child.result(json!({ "summary": "the song is written after all" }));
    child.tell("exit 7");
    world.wait_session(&child.id, "status", "exited");
    let fallback = world.result_of(&child.id).unwrap();
    assert_eq!(fallback["source"], "launcher_fallback");
    assert_eq!(fallback["revision"], 1);
    assert!(
        fallback["summary"].as_str().unwrap().contains('7'),
        "{fallback}"
    );
    let packet = fallback["handoff_packet"].as_str().unwrap();
    let page = |part: &str| {
        world.wait_for(&format!("{part:?} in the packet"), || {
            let page = std::fs::read_to_string(world.repo().join(packet)).ok()?;
            page.contains(part).then_some(page)
        })
    };
    page("- source: launcher_fallback");
    let incoming = world.mailbox(&planner.id, "incoming");
    world.files_are_younger();
    std::fs::write(incoming.join("late.json"), late.to_string()).unwrap();
    // It is over, so it cannot have written this; once it goes on, it can report.
    let reason = world.reason_for(&planner.id, "late.json");
    assert!(reason.contains("cannot have written it"), "{reason}");
    let wish = json!({ "session_id": child.id });
    world.post("/api/resume_session", &wish).ok();
    Agent::ready(&world, &child.id, 2).drops("result-late.json", &late.to_string());
    let page = page("the song is written after all");
    assert!(page.contains("- source: mailbox"), "{page}");
    assert!(page.contains("- revision: 2"), "{page}");
    assert!(page.contains("write the song"), "{page}");
    assert!(!page.contains("launcher_fallback"), "{page}");
    // The packet is there before anybody hears of the event.
    let real = world.wait_for("revision 2", || {
        let real = world.result_of(&child.id)?;
        (real["revision"] == 2).then_some(real)
    });
    assert_eq!(real["source"], "mailbox");
    assert_eq!(real["report_id"], fallback["report_id"]);
    assert_eq!(world.session(&child.id)["report_status"], "reported");
    planner.wait_typed("the song is written after all");
}
