//! Start, adoption, death, restart and end of the app-server.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use serde_json::json;
use zhongshu::{
    codex::{
        CallError, Codex, Incoming, Status,
        calls::{ThreadResume, TurnStart},
        items::TurnStatus,
    },
    process::{Identity, Signal},
};

use super::rig::{PATIENCE, Rig, connected, members, next, status, turn_end};

fn program(rig: &Rig, text: &str) -> PathBuf {
    let path = rig.path("fake-codex");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test]
async fn nothing_runs_before_it_may_begin() {
    let rig = Rig::new().await;
    let (codex, mut events, supervision) = Codex::idle(rig.settings());
    tokio::spawn(supervision.run());
    // Neither does what is asked of it meanwhile start anything.
    codex.retry().await;
    codex.restart().await;
    assert_eq!(*codex.status().borrow(), Status::Idle);
    assert!(!rig.settings().descriptor.exists());
    codex.begin().await;
    codex.ready(PATIENCE).await.unwrap();
    let (_, server, _) = connected(&mut events).await;
    codex.begin().await;
    codex.stop(PATIENCE).await.unwrap();
    assert!(!server.is_alive());
}

#[tokio::test]
async fn a_killed_app_server_fails_its_calls_and_comes_back() {
    let rig = Rig::new().await;
    let (codex, mut events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    let (_, first, _) = connected(&mut events).await;
    let thread = codex.start_thread(&rig.thread()).await.unwrap().thread.id;
    rig.model.will_run("true", true);
    codex
        .start_turn(&TurnStart::text(thread.clone(), "go"))
        .await
        .unwrap();
    let key = next("a request", &mut events, |event| match event {
        Incoming::Request { key, .. } => Some(key),
        _ => None,
    })
    .await;
    let pending = {
        let codex = codex.clone();
        let params = json!({"command": ["sleep", "60"], "cwd": rig.path("repo"), "sandboxPolicy": {"type": "dangerFullAccess"}});
        tokio::spawn(async move { codex.call_raw("command/exec", &params).await })
    };
    let began = tokio::time::Instant::now();
    while members(first).len() < 2 {
        assert!(began.elapsed() < PATIENCE, "the command never started");
        tokio::task::yield_now().await;
    }
    assert!(first.signal(Signal::Kill));
    let lost = tokio::time::timeout(Duration::from_secs(5), pending)
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert!(matches!(&lost, CallError::Closed { .. }), "{lost}");
    let (generation, reason) = next("the loss", &mut events, |event| match event {
        Incoming::Disconnected {
            generation,
            reason,
            server_ended: true,
        } => Some((generation, reason)),
        _ => None,
    })
    .await;
    assert_eq!(generation, 1);
    assert!(reason.contains("ended by signal 9"), "{reason}");
    let (generation, second, adopted) = connected(&mut events).await;
    assert_eq!((generation, adopted), (2, false));
    assert_ne!(first, second);
    assert_eq!(members(first), Vec::<u32>::new());
    assert_eq!(
        codex.answer(&key, &json!({"decision": "accept"})).await,
        Err(CallError::Outdated)
    );
    let resumed = codex
        .resume_thread(&ThreadResume::new(thread.clone()))
        .await
        .unwrap();
    assert_eq!(resumed.thread.id, thread);
    assert_eq!(
        codex.turns(&thread, 1).await.unwrap().data[0].status,
        TurnStatus::Interrupted
    );
    codex
        .start_turn(&TurnStart::text(thread.clone(), "again"))
        .await
        .unwrap();
    assert_eq!(
        turn_end(&mut events, &thread).await.status,
        TurnStatus::Completed
    );
    rig.end(&codex).await;
}

#[tokio::test]
async fn the_next_launcher_adopts_it_with_its_threads() {
    let rig = Rig::new().await;
    let (codex, mut events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    let (_, first, adopted) = connected(&mut events).await;
    assert!(!adopted);
    let mode = |name: &str| fs::metadata(rig.path(name)).unwrap().permissions().mode() & 0o777;
    let modes = [
        "run",
        "run/app.sock",
        "state/app-server.json",
        "state/app-server.log",
    ]
    .map(mode);
    assert_eq!(
        modes.map(|mode| format!("{mode:o}")),
        ["700", "600", "600", "600"]
    );
    let thread = codex.start_thread(&rig.thread()).await.unwrap().thread.id;
    codex.name_thread(&thread, "kept").await.unwrap();
    codex.detach().await;
    assert!(matches!(
        codex.account().await,
        Err(CallError::Closed { .. })
    ));
    let (codex, mut events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    assert_eq!(connected(&mut events).await, (1, first, true));
    assert_eq!(codex.loaded_threads().await.unwrap(), [thread]);
    // Its death is noticed although it is no child of this supervisor.
    assert!(first.signal(Signal::Kill));
    let (generation, second, adopted) = connected(&mut events).await;
    assert_eq!((generation, adopted), (2, false));
    assert_ne!(first, second);
    rig.end(&codex).await;
}

#[tokio::test]
async fn dropping_every_handle_leaves_it_running() {
    let rig = Rig::new().await;
    let (codex, mut events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    let (_, first, _) = connected(&mut events).await;
    drop(codex);
    while events.recv().await.is_some() {}
    assert!(first.is_alive());
    let (codex, _events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    assert_eq!(rig.server(), Some(first));
    rig.end(&codex).await;
}

#[tokio::test]
async fn one_with_other_settings_or_without_a_descriptor_is_replaced() {
    let rig = Rig::new().await;
    let (codex, _events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    let first = rig.server().unwrap();
    codex.detach().await;
    let mut other = rig.settings();
    other
        .config_overrides
        .push("model_reasoning_effort=\"low\"".into());
    let (codex, mut events) = Codex::start(other.clone());
    codex.ready(PATIENCE).await.unwrap();
    let (_, second, adopted) = connected(&mut events).await;
    assert!(!adopted && !first.is_alive() && second != first);
    codex.detach().await;
    fs::remove_file(rig.path("state/app-server.json")).unwrap();
    let (codex, mut events) = Codex::start(other);
    codex.ready(PATIENCE).await.unwrap();
    let (_, third, adopted) = connected(&mut events).await;
    assert!(!adopted && !second.is_alive() && third != second);
    rig.end(&codex).await;
}

#[tokio::test]
async fn a_foreign_program_on_the_socket_is_left_alone_and_named() {
    let rig = Rig::new().await;
    fs::create_dir(rig.path("run")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(rig.path("run/app.sock")).unwrap();
    let (codex, _events) = Codex::start(rig.settings());
    let reason = codex.ready(PATIENCE).await.unwrap_err();
    assert!(
        reason.contains(&format!("Another program (pid {})", std::process::id())),
        "{reason}"
    );
    assert!(rig.path("run/app.sock").exists());
}

#[tokio::test]
async fn a_missing_program_is_said_and_a_retry_finds_the_one_installed_since() {
    let rig = Rig::new().await;
    let mut settings = rig.settings();
    settings.codex_bin = rig.path("late-codex");
    let (codex, _events) = Codex::start(settings);
    let reason = codex.ready(PATIENCE).await.unwrap_err();
    assert!(
        reason.contains("late-codex") && reason.contains("npm install -g @openai/codex@0.169.0"),
        "{reason}"
    );
    let refused = codex.account().await.unwrap_err();
    assert!(
        matches!(&refused, CallError::Closed { reason } if reason.contains("npm install")),
        "{refused}"
    );
    std::os::unix::fs::symlink(super::rig::codex_program(), rig.path("late-codex")).unwrap();
    codex.retry().await;
    status(&codex, "readiness", |now| {
        matches!(now, Status::Ready { .. })
    })
    .await;
    rig.end(&codex).await;
}

#[tokio::test]
async fn one_that_ends_at_once_opens_the_circuit_and_a_retry_closes_it() {
    let rig = Rig::new().await;
    let mut settings = rig.settings();
    settings.codex_bin = program(
        &rig,
        "#!/bin/sh\necho x >>\"$HOME/starts\"\necho 'bad \x1b[31mconfig\x1b[0m' >&2\nexit 0\n",
    );
    let starts = || {
        fs::read_to_string(rig.path("starts"))
            .unwrap_or_default()
            .lines()
            .count()
    };
    let (codex, _events) = Codex::start(settings);
    let down = status(&codex, "the first death", |now| {
        matches!(now, Status::Down { .. })
    })
    .await;
    let Status::Down { reason, retry_at } = down else {
        unreachable!()
    };
    assert!(
        reason.contains("exited with code 0") && reason.contains("bad config"),
        "{reason}"
    );
    assert!(retry_at > chrono::Utc::now() - chrono::TimeDelta::seconds(5));
    let reason = codex.ready(PATIENCE).await.unwrap_err();
    assert!(
        reason.contains("failed 5 times within 60 s") && reason.contains("bad config"),
        "{reason}"
    );
    assert_eq!(starts(), 5);
    codex.retry().await;
    status(&codex, "the sixth death", |now| {
        matches!(now, Status::Down { .. })
    })
    .await;
    codex.stop(Duration::ZERO).await.unwrap();
    assert_eq!(*codex.status().borrow(), Status::Stopped);
}

#[tokio::test]
async fn one_that_hangs_is_ended_and_started_again() {
    let rig = Rig::new().await;
    let mut settings = rig.settings();
    settings.timing.ready_limit = Duration::from_millis(300);
    settings.codex_bin = program(
        &rig,
        "#!/bin/sh\necho $$ >>\"$HOME/pids\"\ntrap '' TERM\nwhile :; do sleep 1; done\n",
    );
    let (codex, _events) = Codex::start(settings);
    status(&codex, "the first failure", |now| {
        matches!(now, Status::Down { reason, .. } if reason.contains("was not ready in time"))
    })
    .await;
    let first: u32 = fs::read_to_string(rig.path("pids"))
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(Identity::of(first).is_none_or(|identity| !identity.is_alive()));
    codex.stop(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_folder_with_a_long_name_gets_a_clear_error() {
    let rig = Rig::new().await;
    let mut settings = rig.settings();
    settings.socket = rig.path(&"d".repeat(200)).join("app.sock");
    let (codex, _events) = Codex::start(settings);
    let reason = codex.ready(PATIENCE).await.unwrap_err();
    assert!(
        reason.contains("this system allows") && reason.contains("shorter runtime folder"),
        "{reason}"
    );
    assert!(!rig.path(&"d".repeat(200)).exists());
    // Only the socket has a limit: with it elsewhere, the same folder serves.
    let mut settings = rig.settings();
    settings.descriptor = rig.path(&"d".repeat(200)).join("app-server.json");
    settings.log = rig.path(&"d".repeat(200)).join("app-server.log");
    let (codex, _events) = Codex::start(settings);
    codex.ready(PATIENCE).await.unwrap();
    codex.stop(Duration::from_secs(2)).await.unwrap();
}

#[tokio::test]
async fn a_runtime_folder_that_others_can_change_is_refused() {
    let rig = Rig::new().await;
    fs::create_dir(rig.path("run")).unwrap();
    fs::set_permissions(rig.path("run"), fs::Permissions::from_mode(0o777)).unwrap();
    let (codex, _events) = Codex::start(rig.settings());
    let reason = codex.ready(PATIENCE).await.unwrap_err();
    assert!(
        reason.contains("can be changed by other users") && reason.contains("chmod 700"),
        "{reason}"
    );
}

#[tokio::test]
async fn stop_ends_running_turns_and_their_commands() {
    let rig = Rig::new().await;
    let (codex, mut events) = Codex::start(rig.settings());
    codex.ready(PATIENCE).await.unwrap();
    let (_, server, _) = connected(&mut events).await;
    let thread = codex.start_thread(&rig.thread()).await.unwrap().thread.id;
    let script = format!(
        "echo $$ > {}; trap '' TERM HUP; while :; do sleep 1; done",
        rig.path("repo/pid").display()
    );
    rig.model.will_run(&script, false);
    codex
        .start_turn(&TurnStart::text(thread, "go"))
        .await
        .unwrap();
    let began = tokio::time::Instant::now();
    while !rig.path("repo/pid").exists() {
        assert!(began.elapsed() < PATIENCE, "the command never started");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let tree = zhongshu::process::Tree::of(server);
    assert!(tree.members().len() > 1);
    let began = std::time::Instant::now();
    codex.stop(Duration::from_millis(500)).await.unwrap();
    println!("stopped after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(6));
    for member in tree.members() {
        assert!(!member.is_alive(), "{member:?} survived");
    }
    next("the loss", &mut events, |event| {
        matches!(event, Incoming::Disconnected { .. }).then_some(())
    })
    .await;
    while events.recv().await.is_some() {}
    assert!(!rig.path("run/app.sock").exists());
}

#[tokio::test]
async fn twenty_deaths_in_a_row_lose_no_thread() {
    let rig = Rig::new().await;
    let mut settings = rig.settings();
    settings.timing.backoff_first = Duration::from_millis(1);
    settings.timing.backoff_longest = Duration::from_millis(5);
    settings.timing.deaths_allowed = 100;
    let (codex, mut events) = Codex::start(settings);
    let mut server = connected(&mut events).await.1;
    let thread = codex.start_thread(&rig.thread()).await.unwrap().thread.id;
    codex
        .start_turn(&TurnStart::text(thread.clone(), "go"))
        .await
        .unwrap();
    turn_end(&mut events, &thread).await;
    for round in 2..=21 {
        assert!(server.signal(Signal::Kill));
        let (generation, next, _) = connected(&mut events).await;
        assert_eq!(generation, round);
        server = next;
        codex
            .resume_thread(&ThreadResume::new(thread.clone()))
            .await
            .unwrap();
    }
    codex
        .start_turn(&TurnStart::text(thread.clone(), "still there?"))
        .await
        .unwrap();
    assert_eq!(
        turn_end(&mut events, &thread).await.status,
        TurnStatus::Completed
    );
    rig.end(&codex).await;
}

#[tokio::test]
async fn a_frozen_app_server_is_noticed_and_replaced_and_an_idle_one_kept() {
    let rig = Rig::new().await;
    let mut settings = rig.settings();
    settings.timing.silence_limit = Duration::from_secs(1);
    settings.timing.ready_limit = Duration::from_secs(4);
    let (codex, mut events) = Codex::start(settings);
    let (_, first, _) = connected(&mut events).await;
    // Nothing but pings for several limits: the connection must still be the first one afterwards.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(matches!(
        &*codex.status().borrow(),
        Status::Ready { generation: 1, .. }
    ));
    assert!(first.signal(Signal::Stop));
    // It may still answer before the signal reaches each of its threads.
    let unanswered = async {
        loop {
            if let Err(error) = codex.account().await {
                return error;
            }
        }
    };
    let limit = Duration::from_secs(20);
    let pending = tokio::time::timeout(limit, unanswered).await.unwrap();
    assert!(
        matches!(&pending, CallError::Closed { reason } if reason.contains("silent")),
        "{pending}"
    );
    let (_, second, adopted) = connected(&mut events).await;
    assert!(!adopted && second != first && !first.is_alive());
    rig.end(&codex).await;
}
