//! A pipe that Git's settings include keeps whoever reads them waiting for ever: every command that reads them ends all the
//! same, and says why.

use super::rig::Ground;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use zhongshu::domain::review::{GateMode, GitId};
use zhongshu::gate::notes::{Notes, Pass};
use zhongshu::process::Identity;

/// The child gives up after ten seconds, and is ended a second later.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs it with this input; its exit code, and everything that it said.
fn run(mut command: Command, input: &str) -> (Option<i32>, String) {
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let deadline = Instant::now() + LIMIT;
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{command:?} still waits for the pipe");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let said = child.wait_with_output().unwrap();
    let all = [said.stdout, said.stderr].concat();
    (
        said.status.code(),
        String::from_utf8_lossy(&all).into_owned(),
    )
}

/// A repository whose settings include a pipe, and the command that is to read them.
fn stuck(words: &[&str]) -> (Ground, Command, String) {
    let ground = Ground::guarded();
    let head = ground.git(&["rev-parse", "HEAD"]).ok();
    let tree = ground.tree();
    std::fs::create_dir_all(ground.state()).unwrap();
    let pass = Pass {
        git: Identity::of(std::process::id()).unwrap(),
        tree: GitId::parse(&tree).unwrap(),
        mode: GateMode::Enforce,
    };
    Notes::of(&ground.state()).let_pass(&pass).unwrap();
    let pipe = ground.pipe();
    let name = pipe.to_str().unwrap().to_owned();
    ground.git(&["config", "include.path", &name]).ok();
    let mut command = ground.command(env!("CARGO_BIN_EXE_zhongshu"));
    command.args(words).arg("--repo").arg(ground.repo());
    command.arg("--state-dir").arg(ground.state());
    (ground, command, head)
}

#[test]
fn the_gate_sees_no_move_and_says_so() {
    let pid = std::process::id().to_string();
    let (_ground, command, head) = stuck(&["gate", "--moving", "--git", &pid]);
    let line = format!("{head} {head} refs/heads/main\n");
    let (code, said) = run(command, &line);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("gave no answer"), "{said}");
}

#[test]
fn a_report_ends_with_the_reason() {
    let (_ground, command, _) = stuck(&["report"]);
    let (code, said) = run(command, "");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("there is no report"), "{said}");
    assert!(said.contains("gave no answer"), "{said}");
}

#[test]
fn the_hooks_are_left_alone_with_the_reason() {
    let (_ground, command, _) = stuck(&["hook", "status"]);
    let (code, said) = run(command, "");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("gave no answer"), "{said}");
}

#[test]
fn the_doctor_finds_the_repository_unusable() {
    let (_ground, command, _) = stuck(&["doctor"]);
    let (code, said) = run(command, "");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("gave no answer"), "{said}");
}
