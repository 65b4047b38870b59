//! What a crash of the launcher, or of everything, leaves behind, and what the next start makes of it.

use super::agent::Agent;
use super::processes;
use super::world::World;
use serde_json::{Value, json};
use std::io::Write as _;

#[test]
fn after_a_crash_everything_is_there_and_goes_on() {
    let mut world = World::new();
    world.start();
    let (planner, first, second, waiting, shell) = {
        let planner = world.planner("plan it");
        let first = world.department(&planner.id, "lingyubu", "one");
        let second = world.department(&planner.id, "menxia", "two");
        let waiting = world.confirm(
            &planner.id,
            json!([{ "department": "zhilibu", "task": "three" }]),
        );
        first.reports(json!({ "summary": "not read yet" }));
        let shell = world
            .post("/api/browser_terminal/start", &json!({ "title": "mine" }))
            .ok();
        let first = (first.id.clone(), first.pid());
        (
            planner.id.clone(),
            first,
            second.id.clone(),
            waiting[0].clone(),
            shell,
        )
    };
    let before = world.status();
    world.kill();
    assert!(processes::is_alive(first.1), "agents outlive the launcher");
    world.start();
    world.wait_for("every terminal to be found again", || {
        let status = world.status();
        let terminals = status["browser_terminals"].as_array().unwrap();
        let open = terminals
            .iter()
            .filter(|it| it["status"] == "running")
            .count();
        (open == 4).then_some(())
    });
    let after = world.status();
    for field in [
        "queue",
        "slots_taken",
        "active_sessions_total",
        "queue_paused",
    ] {
        assert_eq!(after[field], before[field], "{field}");
    }
    assert_eq!(after["queue"][0]["assignment_id"], json!(waiting));
    let inbox = world.peek(&planner);
    assert_eq!(inbox["unread_results"][0]["summary"], "not read yet");
    // The person's own terminal is where it was.
    let write = json!({ "id": shell["id"], "mode": "write" });
    let ticket = world.post("/api/terminal_ticket", &write).ok();
    let place = |opened: &Value| {
        let url = opened["url"].as_str().unwrap();
        url.split_once('#').unwrap().0.to_owned()
    };
    assert_eq!(place(&ticket), place(&shell));
    // And everybody can be talked to, and ends as ever.
    for id in [&planner, &first.0, &second] {
        let input = json!({ "session_id": id, "input": "still there?" });
        world.post("/api/session_input", &input).ok();
        let agent = Agent::ready(&world, id, 1);
        agent.wait_typed("still there?");
        assert_eq!(agent.starts().len(), 1, "nobody was started anew");
    }
    Agent::ready(&world, &first.0, 1).tell("exit 0");
    world.wait_session(&first.0, "status", "reported");
    Agent::ready(&world, &world.session_of(&waiting), 1);
    world.wait_session(&world.session_of(&waiting), "status", "running");
    let started = world.events_named("session_started").len();
    assert_eq!(started, 4, "each once");
}

#[test]
fn an_end_that_nobody_saw_is_recorded_at_the_next_start() {
    let mut world = World::new();
    world.start();
    let (child, packet) = {
        let planner = world.planner("plan it");
        let child = world.department(&planner.id, "lingyubu", "one");
        let pid = child.pid();
        (child.id.clone(), pid)
    };
    world.kill();
    Agent::ready(&world, &child, 1).tell("exit 6");
    world.wait_for("the end of the agent", || {
        (!processes::is_alive(packet)).then_some(())
    });
    world.start();
    let ended = world.wait_session(&child, "status", "exited");
    assert_eq!(ended["exit_code"], 6);
    assert_eq!(
        world.result_of(&child).unwrap()["source"],
        "launcher_fallback"
    );
}

#[test]
fn sessions_whose_sidecars_died_too_are_lost_and_can_be_resumed() {
    let mut world = World::new();
    world.start();
    let (planner, child) = {
        let planner = world.planner("plan it");
        let child = world.department(&planner.id, "lingyubu", "one");
        world.post("/api/browser_terminal/start", &json!({})).ok();
        (planner.id.clone(), child.id.clone())
    };
    world.kill();
    assert!(
        processes::sweep(world.mark()).len() >= 5,
        "sidecars, agents, a shell"
    );
    world.start();
    for id in [&planner, &child] {
        let lost = world.wait_session(id, "status", "lost");
        assert!(
            lost["status_reason"].as_str().unwrap().contains("resume"),
            "{lost}"
        );
        assert_eq!(
            (&lost["can_resume"], &lost["pid"]),
            (&json!(true), &Value::Null)
        );
    }
    assert_eq!(world.status()["browser_terminals"], json!([]));
    for id in [&planner, &child] {
        world
            .post("/api/resume_session", &json!({ "session_id": id }))
            .ok();
        Agent::ready(&world, id, 2);
        world.wait_session(id, "status", "running");
    }
    let prompt = Agent::ready(&world, &child, 2).prompt();
    assert!(prompt.contains("# Task\n\none"), "{prompt}");
}

#[test]
fn a_sidecar_that_dies_alone_makes_its_session_lost() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let terminal = world.session(&planner.id)["browser_terminal_id"].clone();
    let part = format!("{}.spec.json", terminal.as_str().unwrap());
    let all = processes::marked(world.mark());
    let sidecar = all
        .iter()
        .find(|process| process.command.contains(&part))
        .unwrap();
    sidecar.kill();
    let lost = world.wait_session(&planner.id, "status", "lost");
    assert!(
        lost["status_reason"].as_str().unwrap().contains("resume"),
        "{lost}"
    );
    world.wait_for("the end of what it ran", || {
        (!processes::is_alive(planner.pid())).then_some(())
    });
    world
        .post("/api/resume_session", &json!({ "session_id": planner.id }))
        .ok();
    Agent::ready(&world, &planner.id, 2);
}

#[test]
fn a_torn_journal_is_mended_and_said() {
    let mut world = World::serving();
    world.planner("plan it");
    world.post("/api/shutdown", &json!({})).ok();
    assert_eq!(world.wait_end(), Some(0));
    let journal = world.state_dir().join("journal.jsonl");
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&journal)
        .unwrap();
    file.write_all(b"{\"seq\":99,\"ts\":\"2026-0").unwrap();
    drop(file);
    assert!(world.run(&["audit", "verify"]).exits(1).contains("end"));
    world.start();
    let findings = world.events_named("server_started").last().unwrap()["findings"].clone();
    let finding = findings[0].as_str().unwrap();
    assert!(
        finding.contains("not whole") && finding.contains("22 bytes"),
        "{finding}"
    );
    assert_eq!(world.status()["sessions"].as_array().unwrap().len(), 1);
    world.run(&["audit", "verify"]).exits(0);
}

#[test]
fn a_damaged_journal_is_served_read_only() {
    let mut world = World::serving();
    let (planner, child) = {
        let planner = world.planner("plan it");
        let child = world.department(&planner.id, "lingyubu", "one");
        child.reports(json!({}));
        (planner.id.clone(), child.id.clone())
    };
    world.terminate();
    let journal = world.state_dir().join("journal.jsonl");
    let mut bytes = std::fs::read(&journal).unwrap();
    let near_end = bytes.len() - 200;
    let place = near_end
        + bytes[near_end..]
            .iter()
            .position(u8::is_ascii_lowercase)
            .unwrap();
    bytes[place] ^= 1;
    std::fs::write(&journal, &bytes).unwrap();
    world.start();
    let status = world.status();
    let warning = status["warnings"].to_string();
    assert!(
        warning.contains("damaged") && warning.contains("audit repair"),
        "{warning}"
    );
    // What can be read is there.
    world.session(&planner);
    world.session(&child);
    assert_eq!(world.peek(&planner)["unread_count"], 1);
    world.get("/api/report").ok();
    for (path, body) in [
        ("/api/start_zhongshu", json!({ "task": "x" })),
        ("/api/queue/pause", json!({})),
        (
            "/api/session_input",
            json!({ "session_id": planner, "input": "x" }),
        ),
        ("/api/resume_session", json!({ "session_id": planner })),
        ("/api/browser_terminal/start", json!({})),
    ] {
        let sentence = world.post(path, &body).refused(507, "read_only");
        assert!(sentence.contains("damaged"), "{sentence}");
    }
    // Reading an inbox would mark it as read; looking on without that still works.
    let path = format!("/api/zhongshu_inbox?id={planner}");
    world.get(&path).refused(507, "read_only");
    assert_eq!(
        std::fs::read(&journal).unwrap(),
        bytes,
        "nothing was written"
    );
    assert!(world.run(&["audit", "verify"]).exits(1).contains("BAD"));
    // Not while a server has it.
    let refused = world.run(&["audit", "repair", "--yes"]);
    assert!(refused.exits(3).contains("runs already"));
    assert_eq!(std::fs::read(&journal).unwrap(), bytes);
    let (_, took) = world.terminate();
    assert!(took.as_secs() < 5, "{took:?}");

    // The copy is sound. Without a yes nothing happens; with one everything is back.
    assert!(world.run(&["audit", "repair"]).exits(2).contains("--yes"));
    assert_eq!(std::fs::read(&journal).unwrap(), bytes);
    let told = world.run(&["audit", "repair", "--from-copy", "--yes"]);
    assert!(told.exits(0).contains("journal.jsonl.damaged-1"));
    world.run(&["audit", "repair", "--yes"]).exits(0);
    world.start();
    assert!(!world.status()["warnings"].to_string().contains("damaged"));
    world.post("/api/queue/pause", &json!({})).ok();
    world.get(&path).ok();
    let kept = world.state_dir().join("journal.jsonl.damaged-1");
    assert_eq!(std::fs::read(kept).unwrap(), bytes);
}

/// Everything below a folder that looks like a file which was never finished.
fn drafts(root: &std::path::Path) -> Vec<std::path::PathBuf> {
    let files = walkdir::WalkDir::new(root).into_iter().flatten();
    let files = files.filter(|entry| entry.file_type().is_file());
    let files = files.map(walkdir::DirEntry::into_path);
    files
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.ends_with(".tmp") || name.starts_with(".tmp")
        })
        .collect()
}

#[test]
fn what_a_kill_left_half_written_is_swept_at_the_next_start() {
    let mut world = World::serving();
    let planner = world.planner("plan it");
    let id = planner.id.clone();
    let department = world.department(&id, "lingyubu", "write it");
    department.reports(json!({ "summary": "it is written" }));
    world.wait_for("its result", || world.result_of(&department.id));
    world.kill();
    // As a kill in the middle of each kind of write leaves them.
    let (state, scratch) = (world.state_dir(), world.repo().join(".tmp"));
    let mailbox = scratch.join("codex_governance_mailbox").join(&id);
    let folders = [
        state.clone(),
        state.join("threads"),
        state.join("trees"),
        state.join("receipts"),
        state.join("terminals"),
        scratch.join("codex_governance_prompts"),
        mailbox.join("archive"),
        mailbox.join("rejected"),
        mailbox.join("incoming"),
    ];
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 60 * 60);
    let leave = |path: &std::path::Path, old: bool| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = std::fs::File::create(path).unwrap();
        if old {
            file.set_modified(long_ago).unwrap();
        }
    };
    for folder in &folders {
        let is_ours = !["receipts", "terminals", "incoming"]
            .contains(&folder.file_name().unwrap().to_str().unwrap());
        leave(&folder.join(".a1b2c3.tmp"), !is_ours);
    }
    leave(&state.join("threads/.tmpAb1Cd2"), false);
    leave(&state.join("terminals/shell-1.json.4711.tmp"), true);
    // What an agent is writing, what is somebody's own, and what a link leads to stays.
    leave(&mailbox.join("incoming/.result.json.tmp"), false);
    leave(&scratch.join(".mine.tmp"), true);
    let elsewhere = world.root().join("elsewhere");
    leave(&elsewhere.join(".precious.tmp"), true);
    std::fs::remove_dir_all(mailbox.join("rejected")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, mailbox.join("rejected")).unwrap();
    world.start();
    let mut left = drafts(&state);
    left.extend(drafts(&scratch));
    left.sort();
    let kept = [
        scratch.join(".mine.tmp"),
        mailbox.join("incoming/.result.json.tmp"),
    ];
    assert_eq!(left, kept);
    assert!(elsewhere.join(".precious.tmp").exists());
}
