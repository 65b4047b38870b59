//! What the tests with the real Codex share: a home, a repository and a temp folder of their own for each test.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use mock_model::{Script, Server};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

/// Generous: a loaded machine may need seconds for what takes half of one.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// The real Codex binary.
pub fn codex_bin() -> PathBuf {
    if let Some(path) = std::env::var_os("CODEX_BIN") {
        return path.into();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join(".tmp/tools/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex");
    assert!(
        path.exists(),
        "this test needs the real Codex CLI 0.169.0: run tools/test, which installs it, or set CODEX_BIN"
    );
    path
}

/// One test's Codex with its mock.
pub struct World {
    pub server: Server,
    pub dir: TempDir,
}

/// How a `codex exec` ended.
#[derive(Debug)]
pub struct Ended {
    pub success: bool,
    pub events: Vec<Value>,
    pub stderr: String,
}

impl Ended {
    /// The texts of the agent's messages.
    pub fn says(&self) -> Vec<&str> {
        self.items("agent_message")
            .filter_map(|item| item["text"].as_str())
            .collect()
    }

    /// The completed items of one type.
    pub fn items(&self, kind: &'static str) -> impl Iterator<Item = &Value> {
        self.events
            .iter()
            .filter(|event| event["type"] == "item.completed")
            .map(|event| &event["item"])
            .filter(move |item| item["type"] == kind)
    }

    /// The thread that Codex made.
    pub fn thread_id(&self) -> &str {
        self.events
            .iter()
            .find_map(|event| event["thread_id"].as_str())
            .unwrap_or_default()
    }
}

impl World {
    pub async fn new(script: Script) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["home", "repo", "tmp"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let server = Server::start(script).await.unwrap();
        let world = Self { server, dir };
        mock_model::write_codex_home(
            &world.path("codex_home"),
            &world.server.base_url(),
            Some(&world.path("repo")),
        )
        .unwrap();
        let git = world
            .command(Path::new("git"))
            .args(["init", "--quiet"])
            .status()
            .await
            .unwrap();
        assert!(git.success());
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    /// A program in the repository with this test's environment; killed when its handle is dropped.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.path("repo"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("CODEX_HOME", self.path("codex_home"))
            .env("TMPDIR", self.path("tmp"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// `codex exec --json` with a prompt, to its end.
    pub async fn exec(&self, arguments: &[&str], prompt: &str) -> Ended {
        let mut command = self.command(&codex_bin());
        command.args(["exec", "--json"]).args(arguments).arg(prompt);
        let output = tokio::time::timeout(DEADLINE, command.output())
            .await
            .expect("codex exec ends in time")
            .unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        Ended {
            success: output.status.success(),
            events: stdout
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
