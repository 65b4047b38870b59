//! The programs of a house: the launcher as a process of its own, Codex's binary, and the repository they work in.

use super::{House, LOOK, PATIENCE};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;
use tokio::process::{Child, Command};
use zhongshu::client::Client;
use zhongshu::process::{Identity, Signal};

const CODEX: &str =
    ".tmp/tools/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex";

/// The real Codex CLI.
pub fn codex_program() -> PathBuf {
    let named = std::env::var_os("CODEX_BIN").map(PathBuf::from);
    let path = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(CODEX));
    assert!(
        path.is_file(),
        "there is no codex at {}; run ./tools/test once, or set CODEX_BIN",
        path.display()
    );
    path.canonicalize().unwrap()
}

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
    child: Child,
    pub pid: u32,
    pub state: PathBuf,
    pub client: Client,
}

impl Launcher {
    pub async fn start(house: &House, number: usize, arguments: &[&str]) -> Self {
        let file = |end: &str| {
            let path = house.root.join(format!("launcher-{number}.{end}"));
            (std::fs::File::create(&path).unwrap(), path)
        };
        let ((out, out_path), (err, _)) = (file("out"), file("err"));
        let mut child = house
            .zhongshu()
            .args([
                "serve",
                "--json",
                "--port",
                "0",
                "--no-open",
                "--allow-writable-state",
            ])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .unwrap();
        let deadline = Instant::now() + PATIENCE;
        let ready: Value = loop {
            let said = std::fs::read_to_string(&out_path).unwrap();
            if said.ends_with('\n') {
                break serde_json::from_str(&said).unwrap();
            }
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the launcher did not start: {status}\n{}", house.log());
            }
            assert!(
                Instant::now() < deadline,
                "the launcher is not ready\n{}",
                house.log()
            );
            tokio::time::sleep(LOOK / 4).await;
        };
        let state = PathBuf::from(ready["state_dir"].as_str().unwrap());
        let server = std::fs::read(state.join("server.json")).unwrap();
        let server: Value = serde_json::from_slice(&server).unwrap();
        let client = Client::at(Path::new(server["socket"].as_str().unwrap()));
        let pid = child.id().unwrap();
        Self {
            child,
            pid,
            state,
            client,
        }
    }

    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    pub async fn terminate(mut self) -> Option<i32> {
        Identity::of(self.pid).unwrap().signal(Signal::Term);
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("the launcher does not end").unwrap().code()
    }
}

impl House {
    /// Our own program with this house's environment and no other.
    pub fn zhongshu(&self) -> Command {
        let mut command = Command::new(zhongshu_program());
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
            .envs(self.codex_bin.iter().map(|path| ("CODEX_BIN", path)))
            .kill_on_drop(true);
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
    let repository = git2::Repository::init(repo).unwrap();
    let mut index = repository.index().unwrap();
    index
        .add_all(["*"], git2::IndexAddOption::DEFAULT, None)
        .unwrap();
    index.write().unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let author = git2::Signature::now("test", "test@localhost").unwrap();
    let message = "A small project";
    repository
        .commit(Some("HEAD"), &author, &author, message, &tree, &[])
        .unwrap();
}
