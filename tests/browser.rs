//! One walk through the dashboard: the real binary, a real Chromium, and agents whose every step the walk allows.
//!
//! `tests/browser/walk.mjs` is the person. This side owns the processes: it starts the server, kills it and starts it
//! again when the walk asks, and leaves nothing running.
#![allow(clippy::unwrap_used)]

#[path = "support/repository.rs"]
mod repository;
#[path = "support/serving.rs"]
mod serving;

use repository::commit_all;
use serde_json::{Value, json};
use serving::Serving;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The whole walk takes some twenty seconds; a machine that is busy with other tests gets six times that.
const PATIENCE: Duration = Duration::from_secs(120);

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The program that `variable` names, else the first of `names` on PATH.
fn program(variable: &str, names: &[&str], advice: &str) -> PathBuf {
    if let Some(named) = std::env::var_os(variable) {
        let named = PathBuf::from(named);
        assert!(
            named.is_file(),
            "{variable} names {}, which does not exist",
            named.display()
        );
        return named;
    }
    names
        .iter()
        .find_map(|name| on_path(name))
        .unwrap_or_else(|| {
            panic!(
                "this test needs {} on PATH: {advice}, or name it in {variable}",
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
        "this test needs the npm package playwright-core in {}: run ./tools/test, which installs it, or name its folder in PLAYWRIGHT_CORE",
        folder.display()
    );
    folder
}

/// A repository with a governance file, a state folder and a home, all of them thrown away afterwards.
struct Ground {
    folder: TempDir,
    environment: Vec<(OsString, OsString)>,
}

impl Ground {
    fn new() -> Self {
        let node = program("NODE", &["node"], "install Node.js 20 or newer");
        let folder = tempfile::Builder::new().prefix("zsb").tempdir().unwrap();
        for name in ["home/codex", "control", "run", "repo/src"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let root = folder.path().canonicalize().unwrap();
        let repo = root.join("repo");
        fs::write(repo.join("README.md"), "# walk\n").unwrap();
        fs::write(repo.join("src/lib.rs"), "// Nothing yet.\n").unwrap();
        let agent = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/agent.mjs");
        let governance = json!({
            "project_name": "walk",
            "driver": "walker",
            "drivers": { "walker": { "command": [node, agent, "{prompt_file}", root.join("control")] } },
            "max_departments": 2,
            "language": "en",
        });
        fs::write(repo.join("governance.yaml"), governance.to_string()).unwrap();
        commit_all(&repo, "start");
        let mut environment: Vec<(OsString, OsString)> = ["PATH", "LANG", "TMPDIR"]
            .iter()
            .filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)))
            .collect();
        environment.extend([
            ("HOME".into(), root.join("home").into()),
            ("CODEX_HOME".into(), root.join("home/codex").into()),
            ("XDG_RUNTIME_DIR".into(), root.join("run").into()),
            ("SHELL".into(), "/bin/sh".into()),
            ("PS1".into(), "walk$ ".into()),
        ]);
        Self {
            folder,
            environment,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn zhongshu(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zhongshu"));
        command
            .env_clear()
            .envs(self.environment.iter().cloned())
            .current_dir(self.path("repo"));
        command
    }

    /// Arguments that every command needs to find this ground.
    fn here(&self) -> [OsString; 4] {
        [
            "--repo".into(),
            self.path("repo").into(),
            "--state-dir".into(),
            self.path("state").into(),
        ]
    }

    fn run(&self, words: &[&str]) -> Output {
        self.zhongshu()
            .args(words)
            .args(self.here())
            .output()
            .unwrap()
    }

    fn serve(&self, port: u16) -> Serving {
        let mut program = self.zhongshu();
        program.stderr(Stdio::piped());
        Serving::start(program, port, self.here())
            .unwrap_or_else(|said| panic!("the server did not start: {said}"))
    }
}

/// Everything that runs; ends with the test, however it ends.
struct Running<'a> {
    ground: &'a Ground,
    server: Option<Serving>,
    port: u16,
}

impl<'a> Running<'a> {
    /// Starts it; with the address where a browser logs in.
    fn start(ground: &'a Ground, port: u16) -> (Self, String) {
        let server = ground.serve(port);
        let (port, login_url) = (server.port(), server.login_url().to_owned());
        let server = Some(server);
        (
            Self {
                ground,
                server,
                port,
            },
            login_url,
        )
    }

    fn kill(&mut self) {
        drop(self.server.take());
    }

    fn ask(&self, path: &str) -> Value {
        let answer = self.ground.run(&["api", "GET", path]);
        serde_json::from_slice(&answer.stdout).unwrap()
    }

    /// What the walk asks for, and the answer.
    fn obey(&mut self, wish: &str) -> String {
        match wish {
            "kill" => {
                self.kill();
                "killed".to_owned()
            }
            "restart" => {
                let server = self.ground.serve(self.port);
                let login_url = server.login_url().to_owned();
                self.server = Some(server);
                login_url
            }
            "open" => {
                let answer = self.ground.run(&["open", "--no-open"]);
                String::from_utf8(answer.stdout).unwrap().trim().to_owned()
            }
            // How far the journal is, and which events came after.
            "seq" => self.ask("/api/audit?limit=1")["last"].to_string(),
            other => match other.strip_prefix("since ") {
                Some(seq) => {
                    let path = format!("/api/audit?after={seq}&limit=1000");
                    let events = self.ask(&path)["events"].as_array().cloned().unwrap();
                    let names: Vec<_> = events.iter().map(|it| it["event"].clone()).collect();
                    Value::from(names).to_string()
                }
                None => panic!("the walk asks for {other:?}"),
            },
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // An orderly end takes the agents along; they would outlive a kill.
        if self.server.is_none() {
            self.server = Some(self.ground.serve(0));
        }
        let ended = self.ground.run(&["stop"]);
        if !ended.status.success() {
            eprintln!("zhongshu stop: {}", String::from_utf8_lossy(&ended.stderr));
        }
        let server = self.server.take().unwrap();
        if server.end_within(Duration::from_secs(15)).is_err() {
            eprintln!("the server did not end when it was asked to");
        }
    }
}

/// Lines of a reader, on a thread of its own, so that waiting for one has an end.
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

fn answer(stdin: &mut ChildStdin, text: &str) {
    writeln!(stdin, "{text}").unwrap();
    stdin.flush().unwrap();
}

/// A script that drives a browser, and the processes it asks for.
fn play(script: &str, ground: &Ground, port: u16) {
    let node = program("NODE", &["node"], "install Node.js 20 or newer");
    let chromium = program(
        "CHROMIUM_BIN",
        &["chromium", "chromium-browser", "google-chrome"],
        "install Chromium (apt-get install chromium)",
    );
    let playwright = playwright();
    let (mut running, login_url) = Running::start(ground, port);
    let mut walk = Command::new(&node)
        .arg(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/browser")
                .join(script),
        )
        .env("WALK_LOGIN", &login_url)
        .env("WALK_PORT", running.port.to_string())
        .env("WALK_CONTROL", ground.path("control"))
        .env("WALK_REPO", ground.path("repo"))
        .env("WALK_CHROMIUM", &chromium)
        .env("WALK_PLAYWRIGHT", &playwright)
        .env(
            "WALK_PICTURE",
            std::env::temp_dir().join("zhongshu-walk-failed.png"),
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
                Some(wish) => answer(&mut stdin, &running.obey(wish)),
                None => story.push(line),
            },
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                story.push(format!("the walk took longer than {PATIENCE:?}"));
                walk.kill().unwrap();
                break;
            }
        }
    }
    let ended = walk.wait().unwrap();
    let faults: Vec<String> = faults.iter().collect();
    assert!(
        ended.success(),
        "the walk failed:\n{}\n{}",
        story.join("\n"),
        faults.join("\n")
    );
    drop(running);
}

#[test]
fn a_person_does_the_whole_job_on_the_dashboard() {
    play("walk.mjs", &Ground::new(), 0);
}

/// A browser meets everything that may stand at our port, before we came, beside us and after us.
#[test]
fn whoever_has_the_port_before_or_after_us_gets_nothing_from_the_browser() {
    // A port that stays the same over all starts, as `--port` gives it.
    // Below those that the system gives to others meanwhile.
    let first = 10_000 + u16::try_from(std::process::id() % 9_000).unwrap();
    let free = |port: &u16| {
        TcpListener::bind(("127.0.0.1", *port)).is_ok() && TcpListener::bind(("::1", *port)).is_ok()
    };
    let port = (first..first + 900).find(free).unwrap();
    play("doors.mjs", &Ground::new(), port);
}
