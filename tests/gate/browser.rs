//! The whole way of a commit: refused, reviewed in a real browser, let through, and refused again after one byte more.

use super::rig::{Ground, Server};
use serde_json::json;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// It takes some ten seconds; a machine that is busy with other tests gets many times that.
const PATIENCE: Duration = Duration::from_secs(120);

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn program(variable: &str, names: &[&str]) -> PathBuf {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .or_else(|| names.iter().find_map(|name| on_path(name)))
        .unwrap_or_else(|| {
            panic!(
                "this test needs {} on PATH, or its path in {variable}",
                names[0]
            )
        })
}

fn playwright() -> PathBuf {
    let installed =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(".tmp/tools/node_modules/playwright-core");
    let folder = std::env::var_os("PLAYWRIGHT_CORE").map_or(installed, PathBuf::from);
    assert!(
        folder.join("package.json").is_file(),
        "this test needs the npm package playwright-core: run ./tools/test, which installs it, or name its folder in PLAYWRIGHT_CORE"
    );
    folder
}

fn lines(reader: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// What the person asks for, done with git and our own program: an exit code and what was said.
fn obey<'a>(ground: &'a Ground, server: &mut Option<Server<'a>>, wish: &str) -> (i32, String) {
    let said = match wish.split_once(' ').unwrap_or((wish, "")) {
        ("stage", path) => ground.git(&["add", path]),
        ("commit", message) => ground.commit(&["-m", message]),
        ("around", _) => ground.commit(&["--no-verify", "-m", "went around"]),
        ("stop", _) => {
            server.take().unwrap().stop();
            return (0, String::new());
        }
        ("start", _) => {
            let started = ground.serve();
            let login = started.ready["login_url"].as_str().unwrap().to_owned();
            *server = Some(started);
            return (0, login);
        }
        _ => panic!("the review asks for {wish:?}"),
    };
    (said.code, said.out + &said.err)
}

#[test]
fn a_refused_commit_is_reviewed_in_the_browser_and_passes() {
    let ground = Ground::guarded();
    let many: String = (1..=2_000).map(|n| format!("{n}\n")).collect();
    ground.stage("src/lib.rs", "fn main() {\n    let answer = 41;\n}\n");
    ground.commit(&["--no-verify", "-m", "before"]).ok();
    ground.stage(
        "src/lib.rs",
        "fn main() {\n    let answer = 42;\n}\n// \u{202e} turned\n// <img src=x>\n",
    );
    ground.stage("src/many.txt", &many);
    let mut server = Some(ground.serve());
    ground.wait_head();
    let login = server.as_ref().unwrap().ready["login_url"].clone();
    let mut walk = Command::new(program("NODE", &["node"]))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gate/review.mjs"))
        .env("WALK_LOGIN", login.as_str().unwrap())
        .env("WALK_REPO", ground.repo())
        .env(
            "WALK_CHROMIUM",
            program(
                "CHROMIUM_BIN",
                &["chromium", "chromium-browser", "google-chrome"],
            ),
        )
        .env("WALK_PLAYWRIGHT", playwright())
        .env(
            "WALK_PICTURE",
            std::env::temp_dir().join("zhongshu-review-failed.png"),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = walk.stdin.take().unwrap();
    let said = lines(walk.stdout.take().unwrap());
    let faults = lines(walk.stderr.take().unwrap());
    let deadline = Instant::now() + PATIENCE;
    let mut story = Vec::new();
    loop {
        match said.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => match line.strip_prefix("PLEASE ") {
                Some(wish) => {
                    let (code, said) = obey(&ground, &mut server, wish);
                    writeln!(stdin, "{}", json!({ "code": code, "said": said })).unwrap();
                }
                None => story.push(line),
            },
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                story.push(format!("the review took longer than {PATIENCE:?}"));
                walk.kill().unwrap();
                break;
            }
        }
    }
    let ended = walk.wait().unwrap();
    let faults: Vec<String> = faults.iter().collect();
    assert!(
        ended.success(),
        "the review failed:\n{}\n{}",
        story.join("\n"),
        faults.join("\n")
    );
    let approved = ground.events("tree_approved");
    assert_eq!(approved.len(), 3, "{approved:#?}");
    assert!(approved.iter().all(|event| event["by"] == "person"));
    assert_eq!(ground.events("commit_unapproved").len(), 1);
    assert_eq!(ground.events("commit_accepted").len(), 1);
}
