//! One house per test: a folder of its own with a repository, a CODEX_HOME, a model and a launcher in it, and nothing of
//! it left when the test ends. Owns no assertion about the product.

mod api;
pub mod browser;
#[path = "../../support/codex.rs"]
mod codex;
mod history;
mod processes;
mod program;
mod random;
#[path = "../../support/repository.rs"]
mod repository;
pub mod screen;
pub mod script;
#[path = "../../support/serving.rs"]
mod serving;
pub mod thread;
mod walk;

pub use codex::codex_program;
pub use processes::{Found, Processes};

pub use random::Random;

use mock_model::{RecordedRequest, Script, Server as Model};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use zhongshu::client::Client;

/// Nothing here takes longer on a busy machine unless it never happens.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks. Only the length of a test depends on it, never its outcome.
pub const LOOK: Duration = Duration::from_millis(20);

/// What every test starts from; a test adds its own lines.
pub const GOVERNANCE: &str = "version: 1\nlanguage: en\nmax_departments: 2\n";

pub struct House {
    ground: TempDir,
    /// The real path of everything below.
    pub root: PathBuf,
    pub repo: PathBuf,
    pub codex_home: PathBuf,
    pub model: Model,
    /// The state folder, once the launcher has named it.
    pub state: PathBuf,
    /// What launchers log.
    pub log: &'static str,
    launcher: Option<program::Launcher>,
    starts: usize,
    codex_bin: Option<PathBuf>,
}

impl House {
    /// Sets everything up; nothing runs yet but the model.
    pub async fn build(script: Script, governance: &str) -> Self {
        let model = Model::start(script).await.unwrap();
        let ground = tempfile::Builder::new().prefix("zs").tempdir().unwrap();
        let root = ground.path().canonicalize().unwrap();
        for folder in ["home", "tmp", "run", "state", "codex"] {
            std::fs::create_dir(root.join(folder)).unwrap();
        }
        let codex_home = root.join("codex");
        mock_model::write_codex_home(&codex_home, &model.base_url(), None).unwrap();
        let repo = root.join("greeter");
        program::make_repository(&repo, governance);
        Self {
            ground,
            repo,
            codex_home,
            model,
            state: root.join("state"),
            root,
            log: program::LOG,
            launcher: None,
            starts: 0,
            codex_bin: Some(codex_program()),
        }
    }

    /// A house with a launcher that may use Codex.
    pub async fn open(script: Script, governance: &str) -> Self {
        let mut house = Self::build(script, governance).await;
        house.start(&[]).await;
        house.allow().await;
        house
    }

    /// From now on another program stands for Codex, or none.
    pub fn use_codex(&mut self, program: Option<&Path>) {
        self.codex_bin = program.map(Path::to_owned);
    }

    /// Allows Codex to work in the repository, and what its `governance.yaml` asks for.
    pub async fn allow(&self) {
        self.post("/api/trust", serde_json::json!({ "accept": true }))
            .await;
        let asked = self.get("/api/status").await["powers"].clone();
        if asked["needed"] == true {
            let yes = serde_json::json!({ "sha256": asked["sha256"], "accept": true });
            self.post("/api/powers", yes).await;
        }
    }

    /// Starts a launcher and waits until it answers.
    pub async fn start(&mut self, arguments: &[&str]) {
        assert!(self.launcher.is_none(), "a launcher runs already");
        self.starts += 1;
        let launcher = program::Launcher::start(self, self.starts, arguments).await;
        self.state = launcher.state.clone();
        self.launcher = Some(launcher);
    }

    /// Ends the launcher and nothing else, as a crash does.
    pub async fn kill_launcher(&mut self) {
        let launcher = self.launcher.take().expect("no launcher runs");
        launcher.kill();
    }

    /// Asks the launcher to end and waits for it.
    pub async fn stop_launcher(&mut self) {
        let launcher = self.launcher.take().expect("no launcher runs");
        let code = launcher.terminate().await;
        assert_eq!(
            code,
            Some(0),
            "the launcher did not end well\n{}",
            self.log()
        );
    }

    /// The launcher's own process; what is measured, not tested.
    #[allow(dead_code)]
    pub fn launcher_pid(&self) -> u32 {
        self.launcher.as_ref().expect("no launcher runs").pid
    }

    /// What the launchers wrote to stderr.
    pub fn log(&self) -> String {
        let mut text = String::new();
        for number in 1..=self.starts {
            let path = self.root.join(format!("launcher-{number}.err"));
            let said = std::fs::read_to_string(path).unwrap_or_default();
            let _ = writeln!(text, "--- launcher {number}\n{said}");
        }
        let server = std::fs::read_to_string(self.state.join("app-server.log")).unwrap_or_default();
        let from = server.len().saturating_sub(2000);
        let _ = writeln!(
            text,
            "--- app-server\n{}",
            server.get(from..).unwrap_or(&server)
        );
        text
    }

    /// A way to the launcher as the person.
    pub fn client(&self) -> Client {
        self.launcher
            .as_ref()
            .expect("no launcher runs")
            .client
            .clone()
    }

    /// Every process of this house.
    pub fn processes(&self) -> Processes {
        Processes::of(&self.root)
    }

    /// Ends the house in good order and checks that nothing is left of it.
    pub async fn close(mut self) {
        if self.launcher.is_some() {
            self.stop_launcher().await;
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while !self.processes().is_empty() {
            assert!(
                Instant::now() < deadline,
                "processes are left after the end: {:#?}\n{}",
                self.processes(),
                self.log()
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the model's requests are as wanted.
    pub async fn requests(
        &self,
        what: &str,
        condition: impl Fn(&[RecordedRequest]) -> bool,
    ) -> Vec<RecordedRequest> {
        let look = async || {
            let requests = self.model.requests();
            condition(&requests).then_some(requests)
        };
        self.wait_for(what, look).await
    }

    /// Looks until there is something to see.
    pub async fn wait_for<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look().await {
                return found;
            }
            if Instant::now() > deadline {
                panic!("waited in vain for {what}\n{}", self.scene().await);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Everything that helps to understand a failure.
    pub async fn scene(&self) -> String {
        let mut text = String::new();
        if self.launcher.is_some() {
            match self.client().get("/api/status").await {
                Ok(status) => describe_status(&mut text, &status),
                Err(error) => drop(writeln!(text, "no status: {error}")),
            }
            let audit = self.audit_or_none().await;
            for event in audit.iter().rev().take(40).rev() {
                let line: String = event.to_string().chars().take(400).collect();
                let _ = writeln!(text, "  {line}");
            }
        }
        for request in self.model.requests() {
            let last = request
                .user_texts
                .last()
                .map(String::as_str)
                .unwrap_or_default();
            let last: String = last.chars().take(80).collect();
            let output = request
                .tool_outputs
                .last()
                .map(|output| output.output.as_str());
            let output: String = output.unwrap_or_default().chars().take(300).collect();
            let _ = writeln!(
                text,
                "model #{} {} {:?} {:?}/{} {:?}: {last:?} <- {output:?}",
                request.number,
                request.thread_id,
                request.kind,
                request.rule,
                request.step,
                request.outcome
            );
        }
        let _ = writeln!(text, "{}", self.log());
        text
    }
}

fn describe_status(text: &mut String, status: &Value) {
    for session in status["sessions"].as_array().into_iter().flatten() {
        let pick: Vec<String> = [
            "id",
            "status",
            "status_reason",
            "activity",
            "report_status",
            "reminders",
            "thread_id",
            "browser_terminal_status",
        ]
        .iter()
        .map(|key| format!("{key}={}", session[*key]))
        .collect();
        let _ = writeln!(text, "session {}", pick.join(" "));
    }
    let _ = writeln!(
        text,
        "queue {} codex {} warnings {}",
        status["queue"], status["codex"], status["warnings"]
    );
}

impl Drop for House {
    fn drop(&mut self) {
        // Only a test that failed, or forgot `close`, leaves anything here.
        let left = self.processes();
        let was_clean = left.is_empty();
        left.kill();
        let name = self.ground.path().display();
        if !std::thread::panicking() {
            assert!(was_clean, "{name}: processes were left: {left:#?}");
        } else if std::env::var_os("ZHONGSHU_TEST_KEEP").is_some() {
            eprintln!("kept {name}");
            self.ground.disable_cleanup(true);
        }
    }
}
