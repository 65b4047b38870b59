//! Where the repository should have an ordinary file there is something that nobody can read to its end: the start says which, or goes on; it
//! never waits for ever.

use super::world::{PATIENCE, World};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

/// Files that Git, or zhongshu, reads as the launcher starts.
const FILES: [&str; 21] = [
    ".git/HEAD",
    ".git/config",
    ".git/config.worktree",
    ".git/commondir",
    ".git/packed-refs",
    ".git/refs/heads/master",
    ".git/refs/heads/other",
    ".git/logs/HEAD",
    ".git/index",
    ".git/info/exclude",
    ".git/info/attributes",
    ".git/objects/info/alternates",
    ".git/shallow",
    ".gitattributes",
    ".gitmodules",
    "CODEOWNERS",
    "AGENTS.md",
    "governance.yaml",
    ".tmp/codex_governance.lock",
    ".tmp/codex_governance_audit.jsonl",
    ".tmp/codex_governance_mailbox",
];

/// How the start went: it served, or it ended and said why.
enum Start {
    Served,
    Refused(String),
}

fn start(world: &World) -> Start {
    let mut child = world
        .command()
        .args(["serve", "--json", "--port", "0", "--no-open"])
        .arg("--allow-writable-state")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (sender, line) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        // The other side may have given up.
        sender.send(line).ok();
    });
    let line = line.recv_timeout(PATIENCE);
    let served = line.as_ref().is_ok_and(|line| !line.is_empty());
    if let Ok(line) = &line
        && served
    {
        let announced: Value = serde_json::from_str(line).unwrap();
        assert!(announced["url"].is_string());
        let status = world.run(&["api", "GET", "/api/status"]);
        assert!(!status.exits(0).is_empty());
        let id = zhongshu::process::Identity::of(child.id()).unwrap();
        assert!(id.signal(zhongshu::process::Signal::Term));
    }
    if line.is_err() {
        child.kill().unwrap();
    }
    let code = end(&mut child);
    reader.join().unwrap();
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(line.is_ok(), "the start waits for ever: {said}");
    match served {
        true => {
            assert_eq!(code, Some(0), "{said}");
            Start::Served
        }
        false => {
            assert!(matches!(code, Some(1 | 2)), "{code:?}: {said}");
            Start::Refused(said)
        }
    }
}

fn end(child: &mut Child) -> Option<i32> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it does not end");
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// Starts once for each file with that file put out of order; `must_say` are those without which nothing can start.
fn each(put: impl Fn(&Path), must_say: &[&str]) {
    for file in FILES {
        let world = World::new();
        let path = world.repo().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::remove_file(&path).ok();
        put(&path);
        match start(&world) {
            Start::Served => assert!(!must_say.contains(&file), "{file} is used all the same"),
            Start::Refused(said) => {
                let name = path.file_name().unwrap().to_str().unwrap();
                assert!(said.contains(name), "{file} is not named: {said}");
                assert!(!said.contains("panicked"), "{said}");
            }
        }
    }
}

#[test]
fn a_pipe_in_place_of_any_file_holds_up_no_start() {
    let pipe = |path: &Path| {
        let made = Command::new("mkfifo").arg(path).status().unwrap();
        assert!(made.success());
    };
    each(pipe, &[".git/HEAD", ".git/config", "governance.yaml"]);
}

#[test]
fn a_link_to_a_device_in_place_of_any_file_holds_up_no_start() {
    let device = |path: &Path| std::os::unix::fs::symlink("/dev/zero", path).unwrap();
    each(device, &[".git/HEAD", ".git/config", "governance.yaml"]);
}

#[test]
fn a_folder_in_place_of_any_file_holds_up_no_start() {
    let folder = |path: &Path| std::fs::create_dir(path).unwrap();
    each(folder, &[".git/HEAD", ".git/config", "governance.yaml"]);
}

#[test]
fn a_huge_file_in_place_of_any_other_holds_up_no_start() {
    let huge = |path: &Path| File::create(path).unwrap().set_len(1 << 30).unwrap();
    each(huge, &[".git/HEAD", ".git/config", "governance.yaml"]);
}
