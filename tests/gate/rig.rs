//! A repository with the real git, a state folder and a home of its own, and the real program; all of it thrown away.

use crate::serving::Serving;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use zhongshu::domain::event::Event;
use zhongshu::domain::review::{Approval, GitId, RiskCounts, Staged};
use zhongshu::domain::state::State;
use zhongshu::journal::{Journal, system_clock};
use zhongshu::ledger::Ledger;

/// Nothing here takes longer unless something is broken.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Ground {
    _folder: TempDir,
    pub root: PathBuf,
}

/// What a program said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out.trim_end().to_owned()
    }

    /// Refused, with these words.
    #[track_caller]
    pub fn refused(self, words: &str) -> String {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        let all = self.out + &self.err;
        assert!(all.contains(words), "{words:?} is not in:\n{all}");
        all
    }
}

impl Ground {
    /// An empty repository without a commit.
    pub fn unborn() -> Self {
        let folder = tempfile::Builder::new().prefix("zsg").tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in ["home", "run", "repo"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        let ground = Self {
            _folder: folder,
            root,
        };
        ground.git(&["init", "-q", "-b", "main"]).ok();
        ground
    }

    /// A repository with one commit and a gate that refuses.
    pub fn new() -> Self {
        let ground = Self::unborn();
        ground.write("README.md", "# one\n");
        ground.write("src/a.rs", "one\n");
        ground.write(
            "governance.yaml",
            "gate: enforce\nlanguage: en\ndriver: none\ndrivers: {none: {command: [cat]}}\nplanner: {driver: none}\n",
        );
        ground.git(&["add", "-A"]).ok();
        ground.git(&["commit", "-q", "-m", "start"]).ok();
        ground
    }

    /// The same with our hooks.
    pub fn guarded() -> Self {
        let ground = Self::new();
        ground.zhongshu(&["hook", "install"]).ok();
        ground
    }

    pub fn repo(&self) -> PathBuf {
        self.root.join("repo")
    }

    pub fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.repo().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn executable(&self, name: &str, text: &str) -> PathBuf {
        self.write(name, text);
        let path = self.path(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let named = |name: &str, value: OsString| (OsString::from(name), value);
        let mut all: Vec<_> = ["PATH", "TMPDIR"]
            .iter()
            .filter_map(|name| Some(named(name, std::env::var_os(name)?)))
            .collect();
        all.push(named("HOME", self.root.join("home").into()));
        all.push(named("XDG_RUNTIME_DIR", self.root.join("run").into()));
        for (name, value) in [
            ("LANG", "C.UTF-8"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "mei"),
            ("GIT_AUTHOR_EMAIL", "mei@localhost"),
            ("GIT_COMMITTER_NAME", "mei"),
            ("GIT_COMMITTER_EMAIL", "mei@localhost"),
        ] {
            all.push(named(name, value.into()));
        }
        all
    }

    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(self.environment())
            .current_dir(self.repo());
        command
    }

    pub fn git(&self, words: &[&str]) -> Said {
        Said::of(self.command("git").args(words).output().unwrap())
    }

    /// Feeds commits to `git fast-import`, which runs no hook.
    pub fn import(&self, stream: &str) {
        let mut import = self.command("git");
        import
            .args(["fast-import", "--quiet"])
            .stdin(Stdio::piped());
        let mut import = import.spawn().unwrap();
        let mut stdin = import.stdin.take().unwrap();
        stdin.write_all(stream.as_bytes()).unwrap();
        drop(stdin);
        assert!(import.wait().unwrap().success());
    }

    /// A pipe beside the repository, in which nobody writes.
    pub fn pipe(&self) -> PathBuf {
        let pipe = self.root.join("pipe");
        let made = self.command("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        pipe
    }

    pub fn git_in(&self, folder: &Path, words: &[&str]) -> Said {
        let mut command = self.command("git");
        Said::of(command.current_dir(folder).args(words).output().unwrap())
    }

    /// `git commit`; with the hook it says what the gate says.
    pub fn commit(&self, words: &[&str]) -> Said {
        let mut all = vec!["commit", "-q"];
        all.extend(words);
        self.git(&all)
    }

    pub fn stage(&self, name: &str, text: &str) {
        self.write(name, text);
        self.git(&["add", name]).ok();
    }

    pub fn tree(&self) -> String {
        self.git(&["write-tree"]).ok()
    }

    pub fn zhongshu(&self, words: &[&str]) -> Said {
        let mut command = self.command(env!("CARGO_BIN_EXE_zhongshu"));
        command.args(words).arg("--repo").arg(self.repo());
        command.arg("--state-dir").arg(self.state());
        Said::of(command.output().unwrap())
    }

    /// A request to the running server.
    pub fn api(&self, method: &str, path: &str, body: &Value) -> Value {
        let text = body.to_string();
        let mut words = vec!["api", method, path];
        if method != "GET" {
            words.extend(["--data", &text]);
        }
        let said = self.zhongshu(&words);
        serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}{}", said.out, said.err))
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let answer = self.api("GET", path, &Value::Null);
        assert_eq!(answer["ok"], true, "{answer}");
        answer
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.api("POST", path, body);
        assert_eq!(answer["ok"], true, "{answer}");
        answer
    }

    /// Approves what is staged, as the page does: exactly what the review says.
    #[track_caller]
    pub fn approve(&self) -> Value {
        let review = self.get("/api/review?brief=1");
        let body = json!({ "tree": review["tree"], "report_digest": review["report"]["digest"] });
        self.post("/api/reviews/approve", &body)
    }

    /// Approves what is staged by writing the journal, without a server.
    pub fn approve_offline(&self) -> String {
        let tree = self.tree();
        self.record(vec![self.approval(&tree)]);
        tree
    }

    pub fn approval(&self, tree: &str) -> Event {
        let id = |text: &str| GitId::parse(text).unwrap();
        let head = self.git(&["rev-parse", "-q", "--verify", "HEAD^{tree}"]);
        let approval = Approval {
            staged: Staged {
                tree: id(tree),
                base_tree: (head.code == 0).then(|| id(head.out.trim())),
                head: None,
                branch: None,
            },
            report_id: "report-of-a-test".to_owned(),
            report_digest: "sha256:0".to_owned(),
            files: 1,
            risks: RiskCounts::default(),
            plans: vec!["zhongshu-1/2".to_owned()],
            note: None,
            by: "person".to_owned(),
        };
        Event::TreeApproved { approval }
    }

    pub fn record(&self, events: Vec<Event>) {
        let (clock, journal) = (system_clock(), self.state().join("journal.jsonl"));
        let opened = Journal::open::<State>(&journal, None, &clock).unwrap();
        let ledger = Ledger::start(opened, clock).unwrap();
        ledger
            .transact_blocking("person", move |_| Ok::<_, ()>((events, ())))
            .unwrap();
        ledger.close_blocking();
    }

    pub fn serve(&self) -> Server<'_> {
        let mut program = self.command(env!("CARGO_BIN_EXE_zhongshu"));
        program.stderr(Stdio::piped());
        let (repo, state) = (self.repo(), self.state());
        let here = [
            OsStr::new("--repo"),
            repo.as_os_str(),
            OsStr::new("--state-dir"),
            state.as_os_str(),
        ];
        let serving = Serving::start(program, 0, here)
            .unwrap_or_else(|said| panic!("the server did not start: {said}"));
        Server {
            ground: self,
            ready: serving.ready.clone(),
            serving: Some(serving),
        }
    }

    /// The journal's records so far.
    pub fn records(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.state().join("journal.jsonl")).unwrap_or_default();
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    pub fn events(&self, name: &str) -> Vec<Value> {
        let records = self.records();
        records
            .into_iter()
            .filter(|record| record["event"] == name)
            .collect()
    }

    /// Waits until the journal says something.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(
                Instant::now() < deadline,
                "{what} did not come; the journal ends with {:#?}",
                self.records().iter().rev().take(5).collect::<Vec<_>>()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the server has seen where HEAD stands now.
    #[track_caller]
    pub fn wait_head(&self) {
        let head = self.git(&["rev-parse", "HEAD"]).ok();
        self.wait_for("HEAD in the journal", || {
            self.records()
                .iter()
                .any(|record| record["commit"] == head.as_str())
                .then_some(())
        });
    }
}

/// A running server; ends with the test, however it ends.
pub struct Server<'a> {
    ground: &'a Ground,
    serving: Option<Serving>,
    pub ready: Value,
}

impl Server<'_> {
    /// What it logs from now on.
    pub fn log(&mut self) -> Arc<Mutex<String>> {
        let log: Arc<Mutex<String>> = Arc::default();
        let lines = Arc::clone(&log);
        let said = BufReader::new(self.serving.as_mut().unwrap().stderr());
        std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                *lines.lock().unwrap() += &format!("{line}\n");
            }
        });
        log
    }

    /// Lets it write files only up to so many bytes, as a full disk would.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let pid = i32::try_from(self.serving.as_ref().unwrap().pid()).unwrap();
        let limit = Rlimit {
            current: bytes,
            maximum: None,
        };
        prlimit(Pid::from_raw(pid), Resource::Fsize, limit).unwrap();
    }

    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(serving) = self.serving.take() else {
            return;
        };
        let ended = self.ground.zhongshu(&["stop"]);
        if ended.code != 0 {
            eprintln!("zhongshu stop: {}{}", ended.out, ended.err);
            serving.kill();
        } else if serving.end_within(PATIENCE).is_err() {
            eprintln!("zhongshu stop: it does not end");
        }
    }

    /// As a crash would: no goodbye to anybody.
    pub fn kill(mut self) {
        self.serving.take().unwrap().kill();
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        self.end();
    }
}
