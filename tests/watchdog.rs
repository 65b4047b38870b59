//! What a killed launcher leaves behind does not run for ever (the real Codex, the real program).
#![allow(clippy::unwrap_used)]

#[path = "support/codex.rs"]
mod codex;
#[path = "support/serving.rs"]
mod serving;

use codex::codex_program;
use serde_json::Value;
use serving::Serving;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use zhongshu::process::Identity;

const LIMIT: Duration = Duration::from_secs(30);

struct Ground {
    folder: tempfile::TempDir,
    server: Option<Serving>,
    known: Vec<Identity>,
}

impl Ground {
    fn new(governance: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "codex-home", "repo", "tmp"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        git2::Repository::init(folder.path().join("repo")).unwrap();
        std::fs::write(folder.path().join("repo/governance.yaml"), governance).unwrap();
        let offline = mock_model::config_toml("http://127.0.0.1:9/v1", None);
        std::fs::write(folder.path().join("codex-home/config.toml"), offline).unwrap();
        Self {
            folder,
            server: None,
            known: Vec::new(),
        }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn zhongshu(&self) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_zhongshu"));
        program
            .current_dir(self.folder.path().join("repo"))
            .env("HOME", self.folder.path().join("home"))
            .env("CODEX_HOME", self.folder.path().join("codex-home"))
            .env("TMPDIR", self.folder.path().join("tmp"));
        program
    }

    /// Allows Codex to work here; a second yes changes nothing.
    fn allow(&self) {
        let mut api = self.zhongshu();
        api.args(["api", "POST", "/api/trust", "--data", r#"{"accept":true}"#]);
        api.arg("--state-dir").arg(self.state());
        let output = api.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Starts the launcher, allows Codex and waits until the app-server is written down.
    fn start(&mut self) {
        let mut program = self.zhongshu();
        program.stderr(Stdio::null());
        let (state, codex) = (self.state(), codex_program());
        let here = [
            OsStr::new("--state-dir"),
            state.as_os_str(),
            OsStr::new("--codex-bin"),
            codex.as_os_str(),
        ];
        self.server = Some(Serving::start(program, 0, here).unwrap());
        self.allow();
        let app_server = self.identity("app-server.json");
        let watchdog = self.identity("watchdog.json");
        self.known.extend([app_server, watchdog]);
    }

    fn identity(&self, file: &str) -> Identity {
        let path = self.state().join(file);
        wait_for(file, || {
            let text = std::fs::read(&path).ok()?;
            let value: Value = serde_json::from_slice(&text).ok()?;
            serde_json::from_value(value).ok()
        })
    }

    fn kill(&mut self) {
        self.server.take().unwrap().kill();
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        drop(self.server.take());
        for identity in &self.known {
            identity.signal(zhongshu::process::Signal::Kill);
        }
    }
}

fn wait_for<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "this did not happen in time: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn codex_is_ended_when_no_launcher_comes_back() {
    let mut ground = Ground::new("orphan_exit_seconds: 1\n");
    ground.start();
    let [app_server, watchdog] = ground.known[..] else {
        panic!("two processes")
    };
    assert!(app_server.is_alive() && watchdog.is_alive());
    ground.kill();
    wait_for("the app-server ends", || {
        (!app_server.is_alive()).then_some(())
    });
    wait_for("the watchdog ends", || (!watchdog.is_alive()).then_some(()));
    assert!(!ground.state().join("app-server.json").exists());
}

#[test]
fn codex_is_left_to_the_launcher_that_comes_back_and_an_orderly_stop_ends_the_watchdog() {
    let mut ground = Ground::new("orphan_exit_seconds: 600\n");
    ground.start();
    let before = ground.known.clone();
    ground.kill();
    ground.start();
    assert_eq!(
        ground.known[2..],
        before[..],
        "adopted, and still watched by the same watchdog"
    );
    let server = ground.server.take().unwrap();
    server.signal(rustix::process::Signal::TERM);
    let ended = server.end_within(LIMIT);
    assert!(matches!(ended, Ok(Some(0))), "an orderly end");
    assert!(
        before.iter().all(|identity| !identity.is_alive()),
        "nothing is left"
    );
}
