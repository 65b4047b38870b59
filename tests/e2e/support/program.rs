//! The programs of a house: the launcher as a process of its own, Codex's binary, and the repository they work in.

use super::repository::commit_all;
use super::serving::Serving;
use super::{House, PATIENCE};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;
use zhongshu::client::Client;

/// What goes wrong, and what is only noted so far.
pub const LOG: &str = "warn,zhongshu::sessions::drivers::codex::answered=info";

/// Our own program: Cargo names it to tests; beside an example it lies one folder up.
pub fn zhongshu_program() -> PathBuf {
    match option_env!("CARGO_BIN_EXE_zhongshu") {
        Some(path) => path.into(),
        None => std::env::current_exe()
            .unwrap()
            .parent()
            .unwrap()
            .with_file_name("zhongshu"),
    }
}

/// A launcher that runs.
pub struct Launcher {
    serving: Serving,
    pub pid: u32,
    pub state: PathBuf,
    pub client: Client,
}

impl Launcher {
    pub async fn start(house: &House, number: usize, arguments: &[&str]) -> Self {
        let log = house.root.join(format!("launcher-{number}.err"));
        let mut program = house.command();
        program.stderr(std::fs::File::create(log).unwrap());
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        let start = move || Serving::start(program, 0, arguments);
        let started = tokio::task::spawn_blocking(start).await.unwrap();
        let serving = started.unwrap_or_else(|said| {
            panic!("the launcher did not start: {said}\n{}", house.log());
        });
        Self {
            pid: serving.pid(),
            state: serving.state_dir(),
            client: Client::at(&serving.socket()),
            serving,
        }
    }

    pub fn kill(self) {
        self.serving.kill();
    }

    pub async fn terminate(self) -> Option<i32> {
        self.serving.signal(rustix::process::Signal::TERM);
        let end = || self.serving.end_within(PATIENCE);
        let ended = tokio::task::spawn_blocking(end).await.unwrap();
        ended.unwrap_or_else(|_| panic!("the launcher does not end"))
    }
}

impl House {
    /// Our own program with this house's environment and no other.
    pub fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(zhongshu_program());
        command
            .env_clear()
            .current_dir(&self.repo)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("HOME", self.root.join("home"))
            .env("TMPDIR", self.root.join("tmp"))
            .env("XDG_STATE_HOME", self.root.join("state"))
            .env("XDG_RUNTIME_DIR", self.root.join("run"))
            .env("CODEX_HOME", &self.codex_home)
            .env("ZHONGSHU_LOG", self.log)
            .envs(self.codex_bin.iter().map(|path| ("CODEX_BIN", path)));
        command
    }

    /// The same, to be waited for; it ends with who waits.
    pub fn zhongshu(&self) -> Command {
        let mut command = Command::from(self.command());
        command.kill_on_drop(true);
        command
    }

    /// Runs one command of ours to its end: exit code, what it said, what it complained about.
    pub async fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = self.zhongshu();
        command.args(arguments).stdin(Stdio::null());
        let output = tokio::time::timeout(PATIENCE, command.output());
        let output = output.await.expect("the command does not end").unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    }
}

/// A small project under Git.
pub fn make_repository(repo: &Path, governance: &str) {
    let files = [
        ("README.md", "# greeter\n"),
        ("src/greet.py", "def greet(name):\n    return name\n"),
        ("governance.yaml", governance),
    ];
    for (file, text) in files {
        let path = repo.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    commit_all(repo, "A small project");
}
