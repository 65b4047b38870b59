//! However the launcher ends, and even when it does not start: what it started ends with it. The real binary, in
//! folders of its own.
#![allow(clippy::unwrap_used)]

#[allow(
    dead_code,
    reason = "shared with the end-to-end tests, which use more of it"
)]
#[path = "e2e/support/processes.rs"]
mod processes;

use processes::Processes;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use zhongshu::process::{Identity, Signal};

/// Generous: the machine may be busy, and what hangs for good hangs longer.
const LIMIT: Duration = Duration::from_secs(60);

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < deadline, "this did not happen: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A folder whose name every process below carries in its arguments or environment.
struct House(tempfile::TempDir);

impl House {
    fn new() -> Self {
        let house = Self(tempfile::tempdir().unwrap());
        for folder in ["home", "codex-home", "tmp", "run"] {
            std::fs::create_dir(house.path(folder)).unwrap();
        }
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(house.path("run"), private).unwrap();
        git2::Repository::init(house.path("repo")).unwrap();
        // It never opens its socket; all that counts here is whether it stays behind.
        let codex = house.path("codex");
        std::fs::write(&codex, "#!/bin/sh\nexec sleep 600\n").unwrap();
        std::fs::set_permissions(&codex, std::fs::Permissions::from_mode(0o755)).unwrap();
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, command: &str) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_zhongshu"));
        program
            .arg(command)
            .current_dir(self.path("repo"))
            .env("HOME", self.path("home"))
            .env("CODEX_HOME", self.path("codex-home"))
            .env("TMPDIR", self.path("tmp"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        program
    }

    fn serve(&self) -> Command {
        let mut program = self.command("serve");
        program
            .args([
                "--no-open",
                "--port",
                "0",
                "--allow-writable-state",
                "--state-dir",
            ])
            .arg(self.path("state"))
            .arg("--codex-bin")
            .arg(self.path("codex"));
        program
    }

    /// No process, no socket and no scratch repository is left.
    fn assert_empty(&self) {
        // A process that was killed needs a moment to be gone.
        let deadline = Instant::now() + Duration::from_secs(5);
        let mut left = Processes::of(self.0.path());
        while !left.is_empty() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
            left = Processes::of(self.0.path());
        }
        assert!(left.is_empty(), "these were left running: {left:?}");
        let scratch: Vec<_> = std::fs::read_dir(self.path("tmp")).unwrap().collect();
        assert!(scratch.is_empty(), "these were left: {scratch:?}");
        let sockets = sockets(self.0.path());
        assert!(sockets.is_empty(), "these were left: {sockets:?}");
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // A test that fails must not leave anything either.
        Processes::of(self.0.path()).kill();
    }
}

fn sockets(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(sockets(&entry.path()));
        } else if kind.is_socket() {
            found.push(entry.path());
        }
    }
    found
}

fn end_of(mut child: Child) -> (ExitStatus, String) {
    let deadline = Instant::now() + LIMIT;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    };
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut said).unwrap();
    }
    (status, said)
}

#[test]
fn a_signal_in_the_middle_of_the_demo_leaves_nothing() {
    let house = House::new();
    let mut demo = house
        .command("demo")
        .arg("--allow-writable-state")
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let started = lines.any(|line| line.unwrap().contains("was started with the task"));
    assert!(started, "the demo began");
    let agents = || Processes::of(house.0.path()).with("demo-agent");
    wait_until("an agent runs", || !agents().is_empty());
    assert!(
        Identity::of(demo.id()).unwrap().signal(Signal::Term),
        "it runs"
    );
    let (status, said) = end_of(demo);
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("the demo was interrupted"), "{said}");
    house.assert_empty();
}

#[test]
fn a_demo_that_nobody_reads_leaves_nothing() {
    let house = House::new();
    let mut demo = house
        .command("demo")
        .args(["--exit", "--allow-writable-state"])
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(demo.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    assert!(first.contains("scratch repository"), "{first}");
    let (status, said) = end_of(demo);
    assert_eq!(status.code(), Some(0), "{said}");
    house.assert_empty();
}

#[test]
fn a_server_that_nobody_reads_leaves_nothing() {
    let house = House::new();
    let mut server = house.serve().spawn().unwrap();
    drop(server.stdout.take());
    let (status, said) = end_of(server);
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(house.path("state/journal.jsonl").exists(), "it had started");
    house.assert_empty();
}

#[test]
fn a_start_that_fails_leaves_nothing() {
    for file in ["tokens.json", "server.json"] {
        let house = House::new();
        let state = house.path("state");
        std::fs::create_dir(&state).unwrap();
        std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o700)).unwrap();
        if file == "tokens.json" {
            std::fs::write(state.join(file), "no tokens").unwrap();
        } else {
            std::fs::create_dir(state.join(file)).unwrap();
        }
        let mut server = house.serve().spawn().unwrap();
        let deadline = Instant::now() + LIMIT;
        while server.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        house.assert_empty();
        let (status, said) = end_of(server);
        assert!(status.code().is_some_and(|code| code != 0), "{said}");
        assert!(said.contains(file), "{said}");
    }
}

/// Which signals a process catches and ignores, as its `SigCgt` and `SigIgn` say.
#[cfg(target_os = "linux")]
fn treats(pid: u32, field: &str, signal: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix(field));
    let mask = u64::from_str_radix(mask.unwrap().trim_matches([':', ' ', '\t']), 16).unwrap();
    mask & (1 << (signal - 1)) != 0
}

#[cfg(target_os = "linux")]
#[test]
fn what_nohup_started_outlives_its_window() {
    const HANG_UP: u32 = 1;
    const TERMINATE: u32 = 15;
    let house = House::new();
    let serve = house.serve();
    let mut program = Command::new("nohup");
    program.arg(serve.get_program()).args(serve.get_args());
    for (name, value) in serve.get_envs() {
        program.env(name, value.unwrap());
    }
    program
        .current_dir(house.path("repo"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = program.spawn().unwrap();
    let pid = child.id();
    wait_until("it serves", || house.path("state/server.json").exists());
    assert!(treats(pid, "SigCgt", TERMINATE));
    assert!(treats(pid, "SigIgn", HANG_UP) && !treats(pid, "SigCgt", HANG_UP));
    let server = Identity::of(pid).unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid.cast_signed()).unwrap(),
        rustix::process::Signal::HUP,
    )
    .unwrap();
    let asked = house
        .command("api")
        .args(["GET", "/api/status", "--state-dir"])
        .arg(house.path("state"))
        .output()
        .unwrap();
    assert!(asked.status.success(), "{asked:?}");
    server.signal(Signal::Term);
    let (status, said) = end_of(child);
    assert!(status.success(), "{status}: {said}");
    house.assert_empty();
}
