//! The command line of the real program: what it prints, how it ends, what it leaves behind.

use super::agent::Agent;
use super::http::{self, Door};
use super::processes;
use super::world::World;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

#[test]
fn serve_says_on_one_line_where_it_is_and_a_second_one_names_the_first() {
    let mut world = World::serving();
    let announced = world.announced().clone();
    let fields: Vec<&String> = announced.line.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["login_url", "pid", "state_dir", "url"]);
    assert_eq!(announced.line["pid"], world.server_pid());
    assert_eq!(
        announced.line["url"],
        format!("http://127.0.0.1:{}/", announced.port)
    );
    let state = announced.line["state_dir"].as_str().unwrap();
    assert!(
        state.starts_with(world.root().join("xdg/zhongshu/repo-").to_str().unwrap()),
        "{state}"
    );

    let second = world
        .run(&[
            "serve",
            "--port",
            "0",
            "--no-open",
            "--allow-writable-state",
        ])
        .exits(3);
    assert!(
        second.contains(&format!("process {}", world.server_pid())),
        "{second}"
    );
    // Another state folder, and the same through a link, are still the same repository.
    let other = world.root().join("other-state");
    let other = other.to_str().unwrap();
    let third = world
        .run(&[
            "serve",
            "--port",
            "0",
            "--allow-writable-state",
            "--state-dir",
            other,
        ])
        .exits(3);
    assert!(third.contains("zhongshu stop"), "{third}");
    let link = world.root().join("link");
    std::os::unix::fs::symlink(world.repo(), &link).unwrap();
    world
        .run(&[
            "--repo",
            link.to_str().unwrap(),
            "--port",
            "0",
            "--allow-writable-state",
        ])
        .exits(3);
    world.status();
    assert_eq!(world.terminate().0, Some(0));
    // After a crash the next start is no second one.
    world.start();
    world.kill();
    world.start();
}

#[test]
fn a_taken_port_a_folder_without_repository_and_bad_values_start_nothing() {
    let mut world = World::new();
    let outside = world.root().join("home");
    let said = world.run(&["--repo", outside.to_str().unwrap()]).exits(2);
    assert!(
        said.contains("not in a Git repository") && said.contains("git init"),
        "{said}"
    );
    let said = world.run(&["--repo", "/no/such/folder"]).exits(2);
    assert!(said.contains("/no/such/folder"), "{said}");
    let inside = world.repo().join("state");
    let said = world
        .run(&["--state-dir", inside.to_str().unwrap()])
        .exits(2);
    assert!(
        said.contains("lies inside the repository") && said.contains("--state-dir"),
        "{said}"
    );
    assert!(!inside.exists());
    world.run(&["--port", "70000"]).exits(2);

    for (name, value) in [
        ("CODEX_GOVERNANCE_MAX_DEPARTMENTS", "none"),
        ("CODEX_GOVERNANCE_MAX_DEPARTMENTS", "0"),
        ("CODEX_GOVERNANCE_MAX_DEPARTMENTS", "-1"),
        ("CODEX_GOVERNANCE_DEPARTMENT_STALE_SECONDS", "5m"),
        ("CODEX_GOVERNANCE_MODELS", "a b,,c"),
        ("CODEX_GOVERNANCE_PROJECT_NAME", ""),
        ("CODEX_GOVERNANCE_WORKFLOW_DOC", "../x.md"),
        ("CODEX_GOVERNANCE_ZHONGSHU_MODEL", "-x"),
        ("CODEX_GOVERNANCE_DEPARTMENT_MODEL", "\t"),
        ("CODEX_BIN", "/no/codex"),
        ("CODEX_HOME", "/no/home"),
    ] {
        world.variables = vec![(name.to_owned(), value.to_owned())];
        let said = world
            .run(&[
                "serve",
                "--port",
                "0",
                "--no-open",
                "--allow-writable-state",
            ])
            .exits(2);
        assert!(said.contains(name), "{name}={value}: {said}");
    }
    world.variables.clear();
    assert!(
        !world.root().join("xdg/zhongshu").exists(),
        "something was begun"
    );
}

#[test]
fn variables_lie_over_the_file_and_a_typing_error_is_told() {
    let mut world = World::new();
    world.variables = [
        ("CODEX_GOVERNANCE_PROJECT_NAME", "a name"),
        ("CODEX_GOVERNANCE_WORKFLOW_DOC", "RULES.md"),
        ("CODEX_GOVERNANCE_MODELS", "one,two,three"),
        ("CODEX_GOVERNANCE_MAX_DEPARTMENTS", "7"),
        ("CODEX_GOVERNANCE_MAX_DEPARTMENT", "7"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    world.start();
    let status = world.status();
    assert_eq!(status["project_name"], "a name");
    assert_eq!(status["workflow_doc"], "RULES.md");
    assert_eq!(status["model_choices"], json!(["one", "two", "three"]));
    assert_eq!(
        (&status["zhongshu_model"], &status["department_model"]),
        (&json!("one"), &json!("three"))
    );
    assert_eq!(status["max_department_sessions"], 7);
    assert!(
        world
            .log()
            .contains("CODEX_GOVERNANCE_MAX_DEPARTMENT is not a variable"),
        "{}",
        world.log()
    );
}

#[test]
fn a_broken_governance_yaml_is_named_by_line_and_never_replaces_a_good_one() {
    let mut world = World::new();
    world.write(
        "governance.yaml",
        "version: 1\ndepartments:\n  papers:\n    globz: [a]\n",
    );
    // What judges a change is not for that file to say, so there is a report, which tells.
    for (arguments, code) in [
        (vec!["serve", "--port", "0"], 2),
        (vec!["report"], 0),
        (vec!["report", "--fail-on", "high"], 1),
        (vec!["report", "--preflight"], 1),
    ] {
        let said = world.run(&arguments).exits(code);
        assert!(
            said.contains("governance.yaml:4") && said.contains("globz"),
            "{said}"
        );
    }
    world.write_governance();
    world.start();
    world.write("governance.yaml", "departments: [\n");
    world.wait_for("the warning", || {
        let warnings = world.status()["warnings"].to_string();
        warnings.contains("governance.yaml:").then_some(())
    });
    let planner = world.planner("plan it");
    world.department(&planner.id, "lingyubu", "as before");
    // A good one counts at once, and takes the warning away.
    world.governance["departments"]["papers"] = json!({ "title": "Papers", "globs": ["*.txt"] });
    world.write_governance();
    world.wait_for("the new department", || {
        let status = world.status();
        (!status["warnings"].to_string().contains("governance.yaml:")
            && status["departments"].to_string().contains("papers"))
        .then_some(())
    });
}

#[test]
fn commands_reach_the_running_server_and_say_when_there_is_none() {
    let mut world = World::new();
    for arguments in [
        vec!["api", "GET", "/api/status"],
        vec!["open", "--no-open"],
        vec!["stop", "menxia-0"],
        vec!["audit", "--follow"],
    ] {
        let said = world.run(&arguments).exits(4);
        assert!(said.contains("no zhongshu runs"), "{arguments:?}: {said}");
    }
    assert!(world.run(&["stop"]).exits(0).contains("no zhongshu runs"));
    assert!(
        world
            .run(&["ps"])
            .exits(0)
            .contains("nothing of it is left")
    );

    world.start();
    assert!(
        world
            .run(&["ps"])
            .exits(0)
            .contains("there are no sessions yet")
    );
    let status = world.run(&["api", "GET", "/api/status"]);
    status.exits(0);
    assert_eq!(status.json()["api_version"], 8);
    let refused = world.run(&[
        "api",
        "POST",
        "/api/start_zhongshu",
        "--data",
        r#"{"task":""}"#,
    ]);
    refused.exits(1);
    assert_eq!(refused.json()["code"], "empty_task");
    world.run(&["api", "get", "/api/nothing"]).exits(1);
    world.run(&["api", "POST", "/api/queue/pause"]).exits(0);
    world.run(&["api", "POST", "/api/queue/resume"]).exits(0);
    world
        .run(&["api", "GET", "/api/status", "--data", "{}"])
        .exits(2);
    world.run(&["api", "GET", "no slash"]).exits(2);
    let (planner, pid) = {
        let planner = world.planner("a task\u{1b}[2J to show");
        (planner.id.clone(), planner.pid())
    };
    let table = world.run(&["ps"]).exits(0);
    assert!(
        table.contains(&planner) && table.contains("to show"),
        "{table}"
    );
    assert!(!table.contains('\u{1b}'), "{table:?}");
    let listed = world.run(&["ps", "--json"]);
    assert_eq!(listed.json()[0]["id"], json!(planner));
    assert!(
        world
            .run(&["stop", "menxia-0"])
            .exits(1)
            .contains("menxia-0")
    );
    world.run(&["stop", &planner]).exits(0);
    world.wait_session(&planner, "status", "stopped");
    assert!(!processes::is_alive(pid));
    world.planner("another");
    assert!(world.run(&["stop"]).exits(0).contains("has stopped"));
    assert_eq!(world.wait_end(), Some(0));
    assert_eq!(processes::sweep(world.mark()), Vec::<String>::new());
    let shown = world.run(&["audit", "--json"]);
    shown.exits(0);
    let last: Value = serde_json::from_str(shown.out().lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "server_stopped");
}

#[test]
fn a_link_logs_in_once() {
    let world = World::serving();
    let printed = world.announced().login_url.clone();
    let opened = world.run(&["open", "--no-open"]);
    opened.exits(0);
    let port = world.announced().port;
    let own = format!("http://127.0.0.1:{port}");
    let login = |url: &str| {
        let key = url.trim().split_once('#').unwrap().1;
        let key = key.split_once('=').map_or(key, |(_, key)| key);
        let headers = [("Origin", own.as_str())];
        let body = json!({ "key": key }).to_string();
        let door = Door::Tcp(port, &headers);
        http::send(
            &door,
            "POST",
            "/api/login",
            Some("application/json"),
            Some(body.as_bytes()),
        )
    };
    for url in [printed.as_str(), opened.out().as_str()] {
        let session = login(url).ok()["session"].as_str().unwrap().to_owned();
        let headers = [
            ("X-Zhongshu-Session", session.as_str()),
            ("Origin", own.as_str()),
        ];
        let door = Door::Tcp(port, &headers);
        http::send(&door, "GET", "/api/status", None, None).ok();
        // Whoever shows the key again has it from somewhere: then nobody keeps what it opened.
        login(url).refused(401, "login_key_reused");
        http::send(&door, "GET", "/api/status", None, None).refused(401, "session_unknown");
    }
    let fresh = world.run(&["open", "--no-open"]);
    let session = login(&fresh.out()).ok()["session"]
        .as_str()
        .unwrap()
        .to_owned();
    let headers = [
        ("X-Zhongshu-Session", session.as_str()),
        ("Origin", own.as_str()),
    ];
    let door = Door::Tcp(port, &headers);
    let kind = Some("application/json");
    http::send(&door, "POST", "/api/logout", kind, Some(b"{}")).ok();
    http::send(&door, "GET", "/api/status", None, None).refused(401, "session_unknown");
    login("x#key=nonsense").refused(401, "login_key_unknown");
}

#[test]
fn tokens_do_what_their_scope_says_until_they_are_revoked() {
    let world = World::serving();
    let make = |name: &str, scope: &str| {
        let made = world.run(&["token", "create", name, "--scope", scope]);
        made.exits(0);
        made.out().trim().to_owned()
    };
    let (read, human) = (make("looker", "read"), make("doer", "human"));
    world
        .run(&["token", "create", "looker", "--scope", "read"])
        .exits(1);
    let list = world.run(&["token", "list"]).exits(0);
    assert!(list.contains("looker") && list.contains("doer"), "{list}");
    assert!(!list.contains(&read) && !list.contains(&human), "{list}");
    world.tcp(&read, "GET", "/api/status", None).ok();
    for path in [
        "/api/start_zhongshu",
        "/api/queue/pause",
        "/api/shutdown",
        "/api/tokens",
        "/api/login_key",
    ] {
        world
            .tcp(&read, "POST", path, Some(&json!({ "task": "x" })))
            .refused(403, "read_only_token");
    }
    world
        .tcp(&read, "GET", "/api/tokens", None)
        .refused(403, "person_only");
    world
        .tcp(&human, "POST", "/api/queue/pause", Some(&json!({})))
        .ok();
    world
        .tcp("wrong", "GET", "/api/status", None)
        .refused(401, "token_unknown");
    world.run(&["token", "revoke", "doer"]).exits(0);
    world
        .tcp(&human, "GET", "/api/status", None)
        .refused(401, "token_unknown");
    world.run(&["token", "revoke", "doer"]).exits(1);
    world.tcp(&read, "GET", "/api/status", None).ok();
}

#[test]
fn report_reads_the_repository_without_a_server() {
    let world = World::new();
    world.write("staged.rs", "fn a() {}\n");
    world.stage("staged.rs");
    world.write("README.md", "# a project\nmore\n");
    let paths = |arguments: &[&str]| -> Vec<String> {
        let ran = world.run(arguments);
        ran.exits(0);
        let report = ran.json();
        let files = report["changed_files"].as_array().unwrap();
        files
            .iter()
            .map(|file| file["path"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(paths(&["report", "--json"]), ["README.md", "staged.rs"]);
    assert_eq!(paths(&["report", "--json", "--staged"]), ["staged.rs"]);
    world.commit_all();
    assert_eq!(paths(&["report", "--json"]), Vec::<String>::new());
    assert_eq!(
        paths(&["report", "--json", "--base", "HEAD~1"]),
        ["README.md", "staged.rs"]
    );
    let said = world.run(&["report", "--base", "no-such-ref"]).exits(1);
    assert!(said.contains("no-such-ref"), "{said}");
    world
        .run(&["report", "--staged", "--base", "HEAD"])
        .exits(2);
    world.run(&["report", "--preflight"]).exits(0);
    world.write(
        "README.md",
        "# a project\nsee [the notes](file:///home/someone/notes.md)\n",
    );
    let found = world.run(&["report", "--preflight"]).exits(1);
    assert!(found.contains("README.md:2"), "{found}");
    let found = world.run(&["report", "--preflight", "--json"]);
    found.exits(1);
    assert_eq!(found.json()["decision"], "REVIEW");
    let text = world.run(&["report"]).exits(0);
    assert!(text.contains("README.md"), "{text}");
    assert!(
        !world.root().join("xdg/zhongshu").exists(),
        "it needs no state"
    );
}

#[test]
fn audit_verify_finds_planted_faults() {
    let mut world = World::serving();
    world.planner("plan it");
    world.run(&["audit", "verify"]).exits(0);
    world.terminate();
    world.run(&["audit", "verify"]).exits(0);
    let copy = world.repo().join(".tmp/codex_governance_audit.jsonl");
    let good = std::fs::read_to_string(&copy).unwrap();
    assert_eq!(
        good,
        std::fs::read_to_string(world.state_dir().join("journal.jsonl")).unwrap()
    );
    let verify = |path: &Path, text: &str| {
        let before = std::fs::read(path).unwrap();
        std::fs::write(path, text).unwrap();
        let said = world.run(&["audit", "verify"]).exits(1);
        std::fs::write(path, before).unwrap();
        said
    };
    let said = verify(&copy, &good.replacen("plan it", "plan xx", 1));
    assert!(said.contains("BAD") && said.contains("line"), "{said}");
    let journal = world.state_dir().join("journal.jsonl");
    let said = verify(&journal, &good.replacen("plan it", "plan xx", 1));
    assert!(said.contains("BAD") && said.contains("hash"), "{said}");
    let mut lines: Vec<&str> = good.lines().collect();
    lines.remove(2);
    let said = verify(&journal, &format!("{}\n", lines.join("\n")));
    assert!(said.contains("BAD"), "{said}");
    world.run(&["audit", "verify"]).exits(0);
}

#[test]
fn a_state_folder_with_a_very_long_path_works() {
    let mut world = World::new();
    let root = world.root().join("s");
    let rest = 200 - root.as_os_str().len() - 1;
    let long = root.join("x".repeat(rest));
    assert_eq!(long.as_os_str().len(), 200);
    let long = long.to_str().unwrap().to_owned();
    world.arguments = vec!["--state-dir".to_owned(), long.clone()];
    world.start();
    assert_eq!(world.announced().line["state_dir"], json!(long));
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "one");
    child.reports(json!({ "summary": "from far down" }));
    planner.wait_typed("from far down");
    world.post("/api/browser_terminal/start", &json!({})).ok();
    let ran = world.run(&["ps", "--json", "--state-dir", &long]);
    ran.exits(0);
    assert_eq!(ran.json().as_array().unwrap().len(), 2);
}

#[test]
fn sigterm_ends_everything_soon_and_keep_sessions_ends_nothing() {
    let mut world = World::serving();
    let (code, took) = world.terminate();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(processes::sweep(world.mark()), Vec::<String>::new());
    assert!(!world.state_dir().join("server.json").exists());

    world.start();
    let started = world
        .post("/api/start_zhongshu", &json!({ "task": "in the middle" }))
        .ok();
    drop(started);
    // In the middle of the start, too.
    assert_eq!(world.terminate().0, Some(0));
    assert_eq!(processes::sweep(world.mark()), Vec::<String>::new());

    world.arguments = vec!["--keep-sessions".to_owned()];
    world.start();
    let (planner, pid) = {
        let planner = world.planner("stays");
        (planner.id.clone(), planner.pid())
    };
    assert_eq!(world.terminate().0, Some(0));
    assert!(processes::is_alive(pid));
    assert!(world.run(&["ps"]).exits(0).contains("these do"));
    world.arguments.clear();
    world.start();
    world.wait_session(&planner, "status", "running");
    Agent::ready(&world, &planner, 1).does("true");
    world
        .post("/api/shutdown", &json!({ "keep_sessions": false }))
        .ok();
    assert_eq!(world.wait_end(), Some(0));
    assert!(!processes::is_alive(pid));
}

#[test]
fn a_closed_window_ends_it_as_sigterm_does() {
    let mut world = World::new();
    world.start();
    let agent = world.planner("plan it");
    let pid = agent.pid();
    assert_eq!(world.end_by(rustix::process::Signal::HUP).0, Some(0));
    assert!(!processes::is_alive(pid));
    assert!(!world.state_dir().join("server.json").exists());

    world.arguments = vec!["--keep-sessions".to_owned()];
    world.start();
    let agent = world.planner("plan it again");
    let (planner, pid) = (agent.id.clone(), agent.pid());
    assert_eq!(world.end_by(rustix::process::Signal::HUP).0, Some(0));
    assert!(processes::is_alive(pid));
    world.arguments.clear();
    world.start();
    world.wait_session(&planner, "status", "running");
    world
        .post("/api/shutdown", &json!({ "keep_sessions": false }))
        .ok();
    assert_eq!(world.wait_end(), Some(0));
    assert!(!processes::is_alive(pid));
}

#[test]
fn an_interrupted_demo_leaves_nothing() {
    let world = World::new();
    let mut demo = world
        .command()
        .args(["demo", "--allow-writable-state"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufReader::new(demo.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("http://") {
        line.clear();
        assert!(
            std::io::BufRead::read_line(&mut said, &mut line).unwrap() > 0,
            "it ended"
        );
    }
    let pid = rustix::process::Pid::from_child(&demo);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    std::io::copy(&mut said, &mut std::io::sink()).unwrap();
    assert_eq!(demo.wait().unwrap().code(), Some(1));
    assert_eq!(
        World::names(&world.root().join("tmp")),
        Vec::<String>::new()
    );
}

#[test]
fn the_demo_ends_well_and_leaves_nothing() {
    let world = World::new();
    let ran = world.run(&["demo", "--exit", "--allow-writable-state"]);
    let said = ran.exits(0);
    assert!(said.contains("Every step happened."), "{said}");
    assert_eq!(
        World::names(&world.root().join("tmp")),
        Vec::<String>::new()
    );
    assert_eq!(
        World::names(&world.root().join("home")),
        Vec::<String>::new()
    );
    assert_eq!(
        World::names(&world.root().join("xdg")),
        Vec::<String>::new()
    );
    assert_eq!(processes::sweep(world.mark()), Vec::<String>::new());
}

#[test]
fn a_state_folder_that_agents_can_write_is_refused_or_warned_of() {
    let mut world = World::new();
    let within_tmp = world.root().join("xdg");
    let said = world.run(&["serve", "--port", "0", "--no-open"]).exits(2);
    assert!(
        said.contains(within_tmp.to_str().unwrap())
            && said.contains("lies below /tmp")
            && said.contains("--state-dir")
            && said.contains("--allow-writable-state"),
        "{said}"
    );
    assert_eq!(
        World::names(&within_tmp),
        Vec::<String>::new(),
        "nothing was made"
    );
    let said = world.run(&["demo", "--exit"]).exits(2);
    assert!(said.contains("lies below /tmp"), "{said}");
    world.start();
    let warnings = world.status()["warnings"].to_string();
    assert!(
        warnings.contains("sandboxed agents can write"),
        "{warnings}"
    );
}

#[test]
fn the_debug_log_tells_one_story_with_times() {
    let mut world = World::new();
    world
        .variables
        .push(("ZHONGSHU_LOG".to_owned(), "zhongshu=debug".to_owned()));
    world.start();
    let planner = world.planner("plan it").id.clone();
    let stopped = json!({ "session_id": planner });
    world.post("/api/stop_session", &stopped).ok();
    let log = world.wait_for("the spans of a request", || {
        let log = world.log();
        let ended = log.lines().any(|line| {
            line.contains("request{id=")
                && line.contains(" method=POST path=\"/api/stop_session\"}")
                && line.contains("close time.busy=")
        });
        ended.then_some(log)
    });
    for span in [
        " method=POST path=\"/api/start_zhongshu_session\"}:transaction{actor=\"person:cli\"}",
        "step{step=Start(",
    ] {
        assert!(log.contains(span), "{span} is not in:\n{log}");
    }
}
