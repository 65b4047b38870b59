//! Secrets stay where they belong: after a day's work none is found in anything that others read, and the files that hold
//! them are the user's alone.

use super::http::{self, Door};
use super::processes;
use super::world::World;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = std::fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            found.extend(files(&path));
        }
        if kind.is_file() {
            found.push(path);
        }
    }
    found
}

/// The secret part of an address.
fn fragment(url: &Value) -> String {
    let (_, fragment) = url.as_str().unwrap().split_once('#').unwrap();
    fragment.rsplit('=').next().unwrap().to_owned()
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes
        .windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

#[test]
fn no_issued_secret_is_found_where_others_look() {
    let mut world = World::new();
    world.variables = vec![("ZHONGSHU_LOG".to_owned(), "trace".to_owned())];
    world.start();
    let port = world.announced().port;
    let mut secrets = vec![fragment(&json!(world.announced().login_url))];
    // A browser logs in, is let in, and asks for another link.
    let own = format!("http://127.0.0.1:{port}");
    let kind = Some("application/json");
    let login = json!({ "key": secrets[0] }).to_string();
    let headers = [("Origin", own.as_str())];
    let door = Door::Tcp(port, &headers);
    let answer = http::send(&door, "POST", "/api/login", kind, Some(login.as_bytes())).ok();
    let session = answer["session"].as_str().unwrap().to_owned();
    let headers = [
        ("Origin", own.as_str()),
        ("X-Zhongshu-Session", session.as_str()),
    ];
    let door = Door::Tcp(port, &headers);
    http::send(&door, "GET", "/api/status", None, None).ok();
    let link = http::send(&door, "POST", "/api/login_key", kind, Some(b"{}")).ok();
    secrets.push(fragment(&link["login_url"]));
    secrets.push(session);
    let opened = world.run(&["open", "--no-open"]);
    secrets.push(fragment(&json!(opened.out().trim())));
    for scope in ["read", "human"] {
        let made = world.run(&["token", "create", scope, "--scope", scope]);
        secrets.push(made.out().trim().to_owned());
    }
    world
        .tcp(&secrets[5], "POST", "/api/queue/pause", Some(&json!({})))
        .ok();
    world
        .tcp(&secrets[5], "POST", "/api/queue/resume", Some(&json!({})))
        .ok();
    world
        .tcp("not-a-token-at-all", "GET", "/api/status", None)
        .refused(401, "token_unknown");
    // Work is done, reported, watched.
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "write it");
    child.reports(json!({}));
    let shell = world.post("/api/browser_terminal/start", &json!({})).ok();
    let watched = world
        .post(
            "/api/session_browser_terminal/start",
            &json!({ "session_id": child.id }),
        )
        .ok();
    for url in [&shell["url"], &watched["url"]] {
        secrets.push(fragment(url));
    }
    for mode in ["read", "write"] {
        let ticket = json!({ "id": shell["id"], "mode": mode });
        secrets.push(fragment(
            &world.post("/api/terminal_ticket", &ticket).ok()["url"],
        ));
    }
    for id in [&planner.id, &child.id] {
        secrets.push(fragment(&world.session(id)["browser_terminal_url"]));
    }
    secrets.sort();
    secrets.dedup();
    assert!(
        secrets.len() >= 10 && secrets.iter().all(|it| it.len() >= 20),
        "{secrets:?}"
    );

    // What every agent can read: the repository with transcripts, prompts, audit copy; processes; the launcher's log.
    let mut looked_at: Vec<(String, Vec<u8>)> = Vec::new();
    let mut places = files(&world.repo());
    places.extend(files(&world.root().join("tmp")));
    // A sandboxed agent can read the state folder: the tokens of living terminals do not lie there either.
    places.extend(files(&world.state_dir()));
    for path in places {
        looked_at.push((
            path.display().to_string(),
            std::fs::read(&path).unwrap_or_default(),
        ));
    }
    looked_at.push(("the launcher's log".to_owned(), world.log().into_bytes()));
    looked_at.push((
        "the audit".to_owned(),
        json!(world.audit()).to_string().into_bytes(),
    ));
    let everybody = processes::marked(world.mark());
    assert!(everybody.len() >= 7, "{everybody:?}");
    for process in &everybody {
        for what in ["cmdline", "environ"] {
            let bytes = std::fs::read(format!("/proc/{}/{what}", process.pid)).unwrap_or_default();
            looked_at.push((format!("{what} of {}", process.command), bytes));
        }
    }
    assert!(looked_at.len() > 30);
    for (place, bytes) in &looked_at {
        for secret in &secrets {
            assert!(!holds(bytes, secret), "a secret is in {place}");
        }
    }
    // The scan can find something: it finds a secret that is put there.
    let planted = world.state_dir().join("terminals").join("planted");
    std::fs::write(&planted, &secrets[0]).unwrap();
    assert!(files(&world.state_dir()).contains(&planted));
    assert!(holds(&std::fs::read(&planted).unwrap(), &secrets[0]));
}

#[test]
fn private_files_are_the_users_alone_whatever_the_umask() {
    let mut world = World::new();
    world.umask = Some("0000");
    world.start();
    let planner = world.planner("plan it");
    let child = world.department(&planner.id, "lingyubu", "write it");
    child.reports(json!({}));
    world.token("script", "read");
    world.post("/api/browser_terminal/start", &json!({})).ok();
    let runtime = world.socket().parent().unwrap().to_owned();
    let mut open = Vec::new();
    let mut check = |path: &Path| {
        let found = std::fs::symlink_metadata(path).unwrap();
        if !found.is_symlink() && found.permissions().mode() & 0o077 != 0 {
            open.push(format!(
                "{:o} {}",
                found.permissions().mode() & 0o7777,
                path.display()
            ));
        }
    };
    let tmp = world.repo().join(".tmp");
    let shared = [
        tmp.join("codex_governance_prompts"),
        tmp.join("codex_governance_logs"),
        tmp.join("codex_governance_mailbox"),
    ];
    let mut folders = vec![world.state_dir(), runtime];
    folders.extend(shared);
    while let Some(folder) = folders.pop() {
        check(&folder);
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            check(&path);
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    // What the agent itself wrote has the mode that the agent gave it.
    open.retain(|line| !line.ends_with(".json") || !line.contains("/archive/"));
    assert!(open.is_empty(), "open to others:\n{}", open.join("\n"));
}
