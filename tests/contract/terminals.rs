//! Terminals: interactive ones, views of sessions, their addresses and their ends.

use super::http::{self, Door};
use super::processes;
use super::world::World;
use codex_terminal::control::Event as Said;
use codex_terminal::spec::Spec;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use zhongshu::domain::ids::{MessageId, TerminalId};
use zhongshu::paths::{Lock, Places};
use zhongshu::terminal::{Begin, Front, TerminalEvent, Terminals};

/// The sidecar's answer at the address of a terminal, without its fragment.
fn page(url: &str) -> (u16, String) {
    let (address, _) = url.split_once('#').unwrap();
    let port = address
        .trim_start_matches("http://127.0.0.1:")
        .trim_end_matches('/');
    let door = Door::Tcp(port.parse().unwrap(), &[]);
    let answer = http::send(&door, "GET", "/", None, None);
    (answer.status, answer.body)
}

/// Processes of this world whose command line has this in it.
fn running(world: &World, part: &str) -> Vec<u32> {
    let all = processes::marked(world.mark());
    let found = all
        .into_iter()
        .filter(|process| process.command.contains(part));
    found.map(|process| process.pid).collect()
}

#[test]
fn an_interactive_terminal_lives_until_it_is_closed_with_all_it_started() {
    let world = World::serving();
    let script = "sleep 98761 & setsid sleep 98762 & exec sleep 98763";
    let wish = json!({ "shell": "/bin/sh", "shell_args": ["-c", script], "title": "mine" });
    let opened = world.post("/api/browser_terminal/start", &wish).ok();
    let terminal = &opened["terminal"];
    assert_eq!(
        (
            &terminal["title"],
            &terminal["status"],
            &terminal["read_only"]
        ),
        (&json!("mine"), &json!("running"), &json!(false))
    );
    assert!(
        opened["id"]
            .as_str()
            .unwrap()
            .starts_with("browser-terminal-")
    );
    assert_eq!(opened["url"], terminal["url"]);
    let (status, body) = page(opened["url"].as_str().unwrap());
    assert_eq!(status, 200);
    let secret = opened["url"]
        .as_str()
        .unwrap()
        .split_once("token=")
        .unwrap()
        .1
        .to_owned();
    assert!(!body.contains(&secret), "the page holds its own token");
    world.wait_for("its three programs", || {
        (running(&world, "sleep 9876").len() == 3).then_some(())
    });
    let ticket = |mode: &str| {
        let wish = json!({ "id": opened["id"], "mode": mode });
        let answer = world.post("/api/terminal_ticket", &wish).ok();
        answer["url"].as_str().unwrap().to_owned()
    };
    let (read, write) = (ticket("read"), ticket("write"));
    assert_ne!(read, write);
    assert_eq!(
        read.split_once('#').unwrap().0,
        write.split_once('#').unwrap().0
    );
    // Who may only look sees that it is there, and not where.
    let looker = world.token("looker", "read");
    let list = world
        .tcp(&looker, "GET", "/api/browser_terminals", None)
        .ok();
    assert_eq!(list["browser_terminals"][0]["id"], opened["id"]);
    assert!(list["browser_terminals"][0].get("url").is_none());

    world
        .post(
            "/api/browser_terminal/close",
            &json!({ "id": opened["id"] }),
        )
        .ok();
    world.wait_for("the end of its tree", || {
        running(&world, "sleep 9876").is_empty().then_some(())
    });
    assert_eq!(world.status()["browser_terminals"], json!([]));
    world
        .post(
            "/api/browser_terminal/close",
            &json!({ "id": opened["id"] }),
        )
        .refused(404, "unknown_terminal");
    let ends = world.events_named("terminal_closed");
    assert_eq!(ends.len(), 1);
    assert_eq!(ends[0]["reason"], "a person closed it");
}

#[test]
fn everything_a_terminal_of_no_session_printed_is_kept_until_it_is_closed() {
    let world = World::serving();
    let wish = json!({ "shell": "/bin/sh", "shell_args": ["-c", "seq 500000; exec sleep 98764"] });
    let opened = world.post("/api/browser_terminal/start", &wish).ok();
    let folder = world.state_dir().join("terminals");
    let log = folder.join(format!("{}.log", opened["id"].as_str().unwrap()));
    let text = world.wait_for("all of its output", || {
        let text = std::fs::read_to_string(&log).ok()?;
        text.ends_with("\n500000\r\n").then_some(text)
    });
    // More than a terminal keeps in memory.
    assert!(text.len() > 3 << 20, "{}", text.len());
    let mut numbered = text.lines().zip(1..);
    assert!(numbered.all(|(line, number)| line == number.to_string()));
    let mode = std::os::unix::fs::MetadataExt::mode(&log.metadata().unwrap());
    assert_eq!(mode & 0o777, 0o600);
    let close = json!({ "id": opened["id"] });
    world.post("/api/browser_terminal/close", &close).ok();
    assert_eq!(World::names(&folder), Vec::<String>::new());
}

#[test]
fn a_program_that_asks_for_its_colours_before_anybody_looks_hears_those_of_the_persons_pages() {
    let world = World::serving();
    // Up to the backslash that ends an answer.
    let script = r#"stty raw -echo; printf '\033]11;?\033\\'; dd bs=1 count=25 of=answer.new 2>/dev/null; mv answer.new "$0""#;
    for (theme, colour) in [
        ("light", "rgb:fbfb/fbfb/fafa"),
        ("dark", "rgb:1414/1717/1c1c"),
    ] {
        world
            .post("/api/terminal_theme", &json!({ "theme": theme }))
            .ok();
        let file = world.root().join(theme);
        let wish = json!({ "shell": "/bin/sh", "shell_args": ["-c", script, file] });
        world.post("/api/browser_terminal/start", &wish).ok();
        let answer = world.wait_for("the answer", || std::fs::read_to_string(&file).ok());
        assert_eq!(answer, format!("\u{1b}]11;{colour}\u{1b}\\"));
    }
}

#[test]
fn interactive_terminals_have_a_limit_that_sessions_do_not_use_up() {
    let world = World::serving();
    world.planner("plan it");
    let open = || world.post("/api/browser_terminal/start", &json!({}));
    let first = open().ok();
    open().ok();
    let sentence = open().refused(409, "too_many_terminals");
    assert!(sentence.contains("max_terminals"), "{sentence}");
    world
        .post("/api/browser_terminal/close", &json!({ "id": first["id"] }))
        .ok();
    open().ok();
    let missing = json!({ "shell": "/no/such/shell" });
    world
        .post(
            "/api/browser_terminal/close",
            &json!({ "id": world.status()["browser_terminals"][0]["id"] }),
        )
        .ok();
    let open = world.status()["browser_terminals"].clone();
    let answer = world.post("/api/browser_terminal/start", &missing);
    let sentence = answer.refused(503, "terminal_failed");
    assert!(sentence.contains("/no/such/shell"), "{sentence}");
    assert_eq!(world.status()["browser_terminals"], open);
    let ends = world.events_named("terminal_closed");
    let reason = ends.last().unwrap()["reason"].as_str().unwrap();
    assert!(reason.contains("/no/such/shell"), "{reason}");
    // Neither a file of it is left, nor does the sentence name one.
    assert!(!sentence.contains("spec.json"), "{sentence}");
    let id = ends.last().unwrap()["terminal_id"].as_str().unwrap();
    let left = World::names(&world.state_dir().join("terminals"));
    assert!(!left.iter().any(|name| name.starts_with(id)), "{left:?}");
}

#[test]
fn a_session_is_watched_live_and_afterwards_in_its_log() {
    let world = World::serving();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "talk");
    let view = json!({ "session_id": child.id });
    let live = world
        .post("/api/session_browser_terminal/start", &view)
        .ok();
    let own = world.session(&child.id);
    assert_eq!(live["id"], own["browser_terminal_id"]);
    assert_eq!(live["terminal"]["read_only"], true);
    assert_ne!(
        live["url"], own["browser_terminal_url"],
        "the person's own address may type"
    );
    let again = world
        .post("/api/session_browser_terminal/start", &view)
        .ok();
    assert_eq!(again["id"], live["id"]);
    let write = json!({ "id": live["id"], "mode": "write" });
    assert_eq!(
        world.post("/api/terminal_ticket", &write).ok()["url"],
        own["browser_terminal_url"]
    );

    child.does("echo the last words");
    child.tell("exit 0");
    world.wait_session(&child.id, "status", "exited");
    world.wait_session(&child.id, "browser_terminal_status", "none");
    let log = world
        .post("/api/session_browser_terminal/start", &view)
        .ok();
    assert_ne!(log["id"], live["id"]);
    assert_eq!(log["terminal"]["read_only"], true);
    assert_eq!(log["terminal"]["session_id"], json!(child.id));
    assert_eq!(
        (&log["terminal"]["status"], &log["terminal"]["exit_code"]),
        (&json!("exited"), &json!(0))
    );
    assert_eq!(page(log["url"].as_str().unwrap()).0, 200);
    let reused = world
        .post("/api/session_browser_terminal/start", &view)
        .ok();
    assert_eq!(reused["id"], log["id"], "one is enough");
    world
        .post(
            "/api/terminal_ticket",
            &json!({ "id": log["id"], "mode": "write" }),
        )
        .refused(409, "read_only_terminal");
    let text = std::fs::read_to_string(own["log_path"].as_str().unwrap()).unwrap();
    assert!(text.contains("the last words"), "{text}");
    // A view of the log does not count as the session's own terminal, and may be closed.
    assert_eq!(world.session(&child.id)["browser_terminal_id"], Value::Null);
    world
        .post("/api/browser_terminal/close", &json!({ "id": log["id"] }))
        .ok();
    assert_eq!(
        world.status()["browser_terminals"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_shell_that_ends_by_itself_leaves_no_terminal_behind_after_it_is_closed() {
    let world = World::serving();
    let wish = json!({ "shell": "/bin/sh", "shell_args": ["-c", "exit 3"] });
    let opened = world.post("/api/browser_terminal/start", &wish).ok();
    // Its last screen stays until the person closes it.
    assert_eq!(page(opened["url"].as_str().unwrap()).0, 200);
    world
        .post(
            "/api/browser_terminal/close",
            &json!({ "id": opened["id"] }),
        )
        .ok();
    assert_eq!(world.status()["browser_terminals"], json!([]));
    assert_eq!(
        World::names(&world.state_dir().join("terminals")),
        Vec::<String>::new()
    );
}

/// Places of a launcher below `root`.
fn places(root: &std::path::Path) -> Places {
    let place = Places {
        repo: root.join("repo"),
        state: root.join("state"),
        runtime: root.join("run"),
    };
    std::fs::create_dir_all(&place.repo).unwrap();
    place.create().unwrap();
    place.create_scratch().unwrap();
    place
}

/// Which port it takes shows only once it has it; pages of the next launcher are told beforehand what they may frame.
#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_is_born_while_its_launcher_is_killed_can_be_shown_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let place = places(&folder.path().canonicalize().unwrap());
    let _lock = Lock::take(&place).unwrap();
    let launcher = || {
        let program = env!("CARGO_BIN_EXE_zhongshu").into();
        let minute = Duration::from_secs(60);
        Terminals::new(place.clone(), program, minute, 0).unwrap()
    };
    let (first, events) = launcher();
    let id = TerminalId::fresh("terminal");
    let spec = Spec::program(
        id.as_str(),
        vec!["sleep".into(), "98754".into()],
        place.repo.clone(),
    );
    first.start(&id, spec).await.unwrap();
    // As it was a moment before, when the first launcher was killed.
    let descriptor = place.terminal(&id).descriptor;
    let aside = place.repo.join("aside");
    std::fs::rename(&descriptor, &aside).unwrap();
    drop((first, events));
    let (second, _events) = launcher();
    std::fs::rename(&aside, &descriptor).unwrap();
    let found = second.adopt(&id).await.unwrap();
    assert!(
        second.ports().contains(&found.port),
        "no page may show port {} in a frame",
        found.port
    );
    // What each launcher adds stays what it is, however many were killed before.
    let own = second.ports().len();
    second.close(&id, Duration::ZERO).await.unwrap();
    let (third, _events) = launcher();
    assert!(third.ports().len() < own && own <= 2 * third.ports().len());
}

/// Terminals without a server.
struct Bare {
    _folder: tempfile::TempDir,
    /// By it the terminals know their launcher.
    _lock: Lock,
    root: std::path::PathBuf,
    place: Places,
    terminals: Terminals,
    events: tokio::sync::mpsc::Receiver<TerminalEvent>,
}

impl Bare {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let place = places(&root);
        let lock = Lock::take(&place).unwrap();
        let program = env!("CARGO_BIN_EXE_zhongshu").into();
        let (terminals, events) =
            Terminals::new(place.clone(), program, Duration::from_secs(60), 0).unwrap();
        Self {
            _folder: folder,
            _lock: lock,
            root,
            place,
            terminals,
            events,
        }
    }

    /// What the terminal says next, other than that something was printed.
    async fn next(&mut self) -> Option<Said> {
        loop {
            let event = tokio::time::timeout(Duration::from_secs(30), self.events.recv()).await;
            match event.expect("the terminal says something").unwrap().event {
                Some(Said::Output { .. }) => {}
                said => return said,
            }
        }
    }
}

/// What hears a terminal breaks after the first word; what the terminal says meanwhile waits for the next one to hear it.
#[tokio::test(flavor = "multi_thread")]
async fn when_what_hears_a_terminal_breaks_another_goes_on() {
    let mut bare = Bare::new();
    let (heard, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (breaks, begins) = (Arc::clone(&heard), Arc::clone(&go_on));
    let keep = move |over: CancellationToken, begin: Begin| {
        let (breaks, begins) = (Arc::clone(&breaks), Arc::clone(&begins));
        tokio::spawn(async move {
            let first = begin();
            let broken = tokio::spawn(async move {
                tokio::select! {
                    () = first => {}
                    () = breaks.notified() => panic!("on purpose"),
                }
            });
            assert!(broken.await.unwrap_err().is_panic());
            begins.notified().await;
            begin().await;
            assert!(over.is_cancelled(), "it ended in order");
        });
    };
    bare.terminals.set_front(Front {
        keep: Some(Arc::new(keep)),
        ..Front::default()
    });
    let id = TerminalId::fresh("terminal");
    let argv = ["sh", "-c", "read line; exit 7"].map(str::to_owned);
    let spec = Spec::program(id.as_str(), argv.to_vec(), bare.place.repo.clone());
    bare.terminals.start(&id, spec).await.unwrap();
    assert!(matches!(bare.next().await, Some(Said::Hello { .. })));
    heard.notify_one();
    let message = MessageId::parse("message-1").unwrap();
    bare.terminals.submit(&id, &message, "go").await.unwrap();
    go_on.notify_one();
    assert!(matches!(
        bare.next().await,
        Some(Said::Exited { code: Some(7), .. })
    ));
    let sidecar =
        codex_terminal::descriptor::Descriptor::read(&bare.place.terminal(&id).descriptor);
    let pid = i32::try_from(sidecar.unwrap().pid).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    assert!(bare.next().await.is_none(), "its end is told");
    assert!(!bare.terminals.is_open(&id));
}

/// Ends and starts at once, with all that may lie between: the launcher alone knows what it is starting.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_closed_while_it_starts_leaves_nothing() {
    let Bare {
        place,
        root,
        terminals,
        ..
    } = Bare::new();
    // A start takes some 10 ms.
    for round in 0..40_u64 {
        let id = TerminalId::fresh("terminal");
        let argv = ["sleep".to_owned(), format!("98755.{round}")];
        let spec = Spec::program(id.as_str(), argv.to_vec(), place.repo.clone());
        let (starter, key) = (terminals.clone(), id.clone());
        let start = tokio::spawn(async move { starter.start(&key, spec).await });
        tokio::time::sleep(Duration::from_micros(500 * round)).await;
        terminals.close(&id, Duration::ZERO).await.unwrap();
        if start.await.unwrap().is_ok() {
            // Begun after it was closed, or through before.
            terminals.close(&id, Duration::ZERO).await.unwrap();
        }
        assert!(!terminals.is_open(&id));
    }
    let left = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let command = processes::command(pid);
        let ours = command.contains(root.to_str()?) || command.starts_with("sleep 98755.");
        (ours && processes::is_alive(pid)).then_some(command)
    });
    assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new());
    assert_eq!(World::names(&place.terminals()), Vec::<String>::new());
}
