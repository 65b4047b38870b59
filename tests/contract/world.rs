//! One test's world: a repository, a home, a launcher that serves it, and everything that runs because of it.

use super::agent::{Agent, SCRIPT};
use super::files;
use super::http::{self, Answer, Door, Events};
use super::processes::{self, MARK};
use super::repository::commit_all;
use super::serving::Serving;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Nothing takes longer unless it is broken, however loaded the machine is.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(15);

/// What `serve --json` said.
#[derive(Debug, Clone)]
pub struct Announced {
    pub port: u16,
    pub login_url: String,
    pub line: Value,
}

pub struct World {
    ground: TempDir,
    mark: String,
    pub governance: Value,
    /// Variables on top of the usual ones.
    pub variables: Vec<(String, String)>,
    /// Arguments on top of the usual ones.
    pub arguments: Vec<String>,
    /// Octal mask for new files of the server, when it matters.
    pub umask: Option<&'static str>,
    /// Where the server's next start says what it says, instead of into a file.
    pub stderr: Option<File>,
    server: Option<Serving>,
    announced: Option<Announced>,
    /// How often it was started.
    starts: usize,
    /// The test has left processes behind on purpose.
    pub leaves_processes: bool,
}

impl World {
    /// A repository with one commit and a `governance.yaml`; nothing runs.
    pub fn new() -> Self {
        let ground = tempfile::Builder::new().prefix("zc").tempdir().unwrap();
        let root = ground.path().canonicalize().unwrap();
        for folder in ["home", "xdg", "run", "tmp", "control", "repo"] {
            std::fs::create_dir(root.join(folder)).unwrap();
        }
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(root.join("run"), private).unwrap();
        std::fs::write(root.join("agent.sh"), SCRIPT).unwrap();
        let command = json!([
            "/bin/bash",
            root.join("agent.sh"),
            root.join("control"),
            "{prompt_file}"
        ]);
        let governance = json!({
            "driver": "puppet",
            "drivers": {
                "puppet": { "command": command },
                "nothing": { "command": [root.join("no-such-program"), "{prompt_file}"] },
            },
            "departments": { "broken": { "driver": "nothing", "title": "Broken", "duty": "never starts" } },
            "language": "en",
            "models": ["alpha", "beta"],
            "max_departments": 2,
            "max_terminals": 2,
            "reminder_grace_seconds": 1,
        });
        let mark = root.file_name().unwrap().to_str().unwrap().to_owned();
        let world = Self {
            ground,
            mark,
            governance,
            variables: Vec::new(),
            arguments: Vec::new(),
            umask: None,
            stderr: None,
            server: None,
            announced: None,
            starts: 0,
            leaves_processes: false,
        };
        world.write("README.md", "# a project\n");
        world.write_governance();
        world.commit_all();
        world
    }

    /// What the launcher starts from now on shows its files to the test.
    pub fn traceable(&mut self) {
        let name = local_os::platform::TRACEABLE.to_owned();
        self.variables.push((name, "1".to_owned()));
    }

    /// A world whose launcher serves.
    pub fn serving() -> Self {
        let mut world = Self::new();
        world.start();
        world
    }

    /// The same with another `governance.yaml`.
    pub fn governed(change: impl FnOnce(&mut Value)) -> Self {
        let mut world = Self::new();
        change(&mut world.governance);
        world.write_governance();
        world.commit_all();
        world.start();
        world
    }

    pub fn root(&self) -> PathBuf {
        self.ground.path().canonicalize().unwrap()
    }

    pub fn repo(&self) -> PathBuf {
        self.root().join("repo")
    }

    pub fn control(&self) -> PathBuf {
        self.root().join("control")
    }

    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// Writes a file of the repository.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.repo().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// JSON is YAML.
    pub fn write_governance(&self) {
        let text = serde_json::to_string_pretty(&self.governance).unwrap();
        self.write("governance.yaml", &text);
    }

    /// Stages and commits everything.
    pub fn commit_all(&self) {
        commit_all(&self.repo(), "work");
    }

    /// What `git mv` does.
    pub fn stage_move(&self, from: &str, to: &str) {
        std::fs::rename(self.repo().join(from), self.repo().join(to)).unwrap();
        self.in_index(|index| {
            index.remove_path(Path::new(from)).unwrap();
            index.add_path(Path::new(to)).unwrap();
        });
    }

    /// What `git add` does.
    pub fn stage(&self, path: &str) {
        self.in_index(|index| index.add_path(Path::new(path)).unwrap());
    }

    /// Changes the index as Git would.
    pub fn in_index(&self, change: impl FnOnce(&mut git2::Index)) {
        let repository = git2::Repository::open(self.repo()).unwrap();
        let mut index = repository.index().unwrap();
        change(&mut index);
        index.write().unwrap();
    }

    /// `zhongshu` with this world's environment and repository, ready for arguments.
    pub fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_zhongshu");
        let mut command = match self.umask {
            None => Command::new(program),
            Some(mask) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", &format!("umask {mask}; exec \"$0\" \"$@\""), program]);
                shell
            }
        };
        let root = self.root();
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", root.join("home"))
            .env("XDG_STATE_HOME", root.join("xdg"))
            .env("XDG_RUNTIME_DIR", root.join("run"))
            .env("TMPDIR", root.join("tmp"))
            .env("LANG", "C.UTF-8")
            .env("SHELL", "/bin/sh")
            .env("ZHONGSHU_LOG", "info")
            .env(MARK, &self.mark)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.repo())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command of the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let child = self
            .command()
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = child.id();
        let (done, waited) = std::sync::mpsc::channel();
        let reader = std::thread::spawn(move || {
            let output = child.wait_with_output().unwrap();
            // The other side may have given up.
            done.send(()).ok();
            output
        });
        if waited.recv_timeout(PATIENCE * 2).is_err() {
            for process in processes::marked(&self.mark) {
                if process.pid == pid {
                    process.kill();
                }
            }
            panic!(
                "zhongshu {arguments:?} did not end: {:?}",
                reader.join().unwrap()
            );
        }
        Ran(reader.join().unwrap())
    }

    /// Starts the launcher, waits until it has said where it is, and allows what `governance.yaml` asks for.
    #[track_caller]
    pub fn start(&mut self) -> Announced {
        let announced = self.start_unanswered();
        self.approve_powers();
        announced
    }

    /// Answers the question about programs and sandboxes as a person who agrees, if there is one.
    #[track_caller]
    pub fn approve_powers(&self) {
        let asked = self.status()["powers"].clone();
        if asked["needed"] == true {
            let yes = json!({ "sha256": asked["sha256"], "accept": true });
            self.post("/api/powers", &yes).ok();
        }
    }

    /// Starts the launcher and waits until it has said where it is. What `governance.yaml` asks for is left open.
    #[track_caller]
    pub fn start_unanswered(&mut self) -> Announced {
        assert!(self.server.is_none(), "it runs already");
        self.starts += 1;
        let log = self.stderr.take();
        let log = log.unwrap_or_else(|| File::create(self.log_path()).unwrap());
        let mut program = self.command();
        program.stderr(log);
        let server = Serving::start(program, 0, &self.arguments)
            .unwrap_or_else(|said| panic!("it did not start: {said:?}\n{}", self.log()));
        let announced = Announced {
            port: server.port(),
            login_url: server.login_url().to_owned(),
            line: server.ready.clone(),
        };
        self.server = Some(server);
        self.announced = Some(announced.clone());
        announced
    }

    fn log_path(&self) -> PathBuf {
        self.root().join(format!("server-{}.log", self.starts))
    }

    /// What the launcher logged since its newest start.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    pub fn server_pid(&self) -> u32 {
        self.server.as_ref().expect("it runs").pid()
    }

    /// Ends the launcher as a crash would.
    pub fn kill(&mut self) {
        self.server.take().expect("it runs").kill();
    }

    /// Sends SIGTERM and waits for the end; returns the exit code and how long it took.
    #[track_caller]
    pub fn terminate(&mut self) -> (Option<i32>, Duration) {
        self.end_by(Signal::TERM)
    }

    /// [`terminate`](Self::terminate) by another signal.
    #[track_caller]
    pub fn end_by(&mut self, signal: Signal) -> (Option<i32>, Duration) {
        let server = self.server.as_ref().expect("it runs");
        let began = Instant::now();
        server.signal(signal);
        let code = self.wait_end();
        (code, began.elapsed())
    }

    /// Waits until the launcher has ended by itself.
    #[track_caller]
    pub fn wait_end(&mut self) -> Option<i32> {
        let server = self.server.take().expect("it runs");
        server
            .end_within(PATIENCE)
            .unwrap_or_else(|_| panic!("the launcher did not end:\n{}", self.log()))
    }

    pub fn announced(&self) -> &Announced {
        self.announced.as_ref().expect("it was started")
    }

    pub fn state_dir(&self) -> PathBuf {
        PathBuf::from(self.announced().line["state_dir"].as_str().unwrap())
    }

    pub fn socket(&self) -> PathBuf {
        let file = std::fs::read(self.state_dir().join("server.json")).unwrap();
        let file: Value = serde_json::from_slice(&file).unwrap();
        PathBuf::from(file["socket"].as_str().unwrap())
    }

    /// A request of the person, over the launcher's socket.
    pub fn get(&self, path: &str) -> Answer {
        http::send(&Door::Socket(&self.socket()), "GET", path, None, None)
    }

    /// A request of the person that changes something.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let kind = Some("application/json");
        let door = self.socket();
        http::send(
            &Door::Socket(&door),
            "POST",
            path,
            kind,
            Some(body.as_bytes()),
        )
    }

    /// Any request over TCP with a bearer token.
    pub fn tcp(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str())];
        let door = Door::Tcp(self.announced().port, &headers);
        let body = body.map(Value::to_string);
        let kind = body.as_ref().map(|_| "application/json");
        http::send(
            &door,
            method,
            path,
            kind,
            body.as_deref().map(str::as_bytes),
        )
    }

    /// Opens an event stream as the person.
    pub fn events(&self, path: &str) -> Events {
        Events::open(&Door::Socket(&self.socket()), path)
    }

    /// A new named token.
    pub fn token(&self, name: &str, scope: &str) -> String {
        let made = self.post("/api/tokens", &json!({ "name": name, "scope": scope }));
        made.ok()["token"].as_str().unwrap().to_owned()
    }

    /// A browser that has logged in: the secret of its session.
    pub fn browser(&self) -> String {
        let link = self.post("/api/login_key", &json!({})).ok();
        let (_, key) = link["login_url"]
            .as_str()
            .unwrap()
            .split_once("key=")
            .unwrap();
        let body = json!({ "key": key });
        let answer = self.in_browser("", "POST", "/api/login", Some(&body)).ok();
        answer["session"].as_str().unwrap().to_owned()
    }

    /// A request as our own page sends it; without a secret nobody is logged in.
    pub fn in_browser(
        &self,
        secret: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let port = self.announced().port;
        let origin = format!("http://127.0.0.1:{port}");
        let mut headers = vec![("Origin", origin.as_str())];
        if !secret.is_empty() {
            headers.push(("X-Zhongshu-Session", secret));
        }
        let body = body.map(Value::to_string);
        let kind = body.as_ref().map(|_| "application/json");
        let body = body.as_deref().map(str::as_bytes);
        http::send(&Door::Tcp(port, &headers), method, path, kind, body)
    }

    #[track_caller]
    pub fn status(&self) -> Value {
        self.get("/api/status").ok()
    }

    pub fn seq(&self) -> u64 {
        self.status()["seq"].as_u64().unwrap()
    }

    /// A session as the status shows it.
    #[track_caller]
    pub fn session(&self, id: &str) -> Value {
        let status = self.status();
        let sessions = status["sessions"].as_array().unwrap();
        let found = sessions.iter().find(|session| session["id"] == id);
        found
            .unwrap_or_else(|| panic!("no session {id} in {status:#}"))
            .clone()
    }

    /// Waits until a session's field has this value.
    #[track_caller]
    pub fn wait_session(&self, id: &str, field: &str, value: &str) -> Value {
        self.wait_for(&format!("{id} with {field} {value}"), || {
            let session = self.session(id);
            (session[field] == value).then_some(session)
        })
    }

    /// Every line of the journal so far.
    pub fn audit(&self) -> Vec<Value> {
        let answer = self.get("/api/audit?after=0&limit=1000").ok();
        answer["events"].as_array().unwrap().clone()
    }

    /// Every line of the journal with this name.
    pub fn events_named(&self, name: &str) -> Vec<Value> {
        let mut events = self.audit();
        events.retain(|event| event["event"] == name);
        events
    }

    /// A planner's inbox, left as it is.
    #[track_caller]
    pub fn peek(&self, planner: &str) -> Value {
        self.get(&format!("/api/zhongshu_inbox?id={planner}&peek=1"))
            .ok()
    }

    /// The result of a session, wherever it is in its planner's inbox.
    pub fn result_of(&self, id: &str) -> Option<Value> {
        let parent = self.session(id)["parent_session_id"].as_str()?.to_owned();
        let inbox = self.peek(&parent);
        ["unread_results", "read_results"]
            .iter()
            .flat_map(|list| inbox[list].as_array().unwrap().clone())
            .find(|result| result["department_session_id"] == id)
    }

    pub fn revision_of(&self, id: &str) -> u64 {
        self.result_of(id)
            .map_or(0, |result| result["revision"].as_u64().unwrap())
    }

    /// Starts a planner and waits for its agent.
    #[track_caller]
    pub fn planner(&self, task: &str) -> Agent<'_> {
        let answer = self.post("/api/start_zhongshu_session", &json!({ "task": task }));
        let id = answer.ok()["session"]["id"].as_str().unwrap().to_owned();
        let agent = Agent::ready(self, &id, 1);
        self.wait_session(&id, "status", "running");
        agent
    }

    /// Confirms work by hand; returns the ids of its assignments.
    #[track_caller]
    pub fn confirm(&self, planner: &str, assignments: Value) -> Vec<String> {
        let body = json!({ "parent_session_id": planner, "assignments": assignments });
        let answer = self.post("/api/start_assignments", &body).ok();
        let orders = answer["assignments"].as_array().unwrap();
        let ids = orders
            .iter()
            .map(|order| order["assignment_id"].as_str().unwrap());
        ids.map(str::to_owned).collect()
    }

    /// The session that does an assignment, once there is one.
    #[track_caller]
    pub fn session_of(&self, assignment: &str) -> String {
        self.wait_for(&format!("a session for {assignment}"), || {
            let status = self.status();
            let sessions = status["department_sessions"].as_array().unwrap();
            let found = sessions.iter().find(|it| it["assignment_id"] == assignment);
            found.map(|it| it["id"].as_str().unwrap().to_owned())
        })
    }

    /// Has a department do a task, and waits for its agent.
    #[track_caller]
    pub fn department(&self, planner: &str, department: &str, task: &str) -> Agent<'_> {
        let ids = self.confirm(planner, json!([{ "department": department, "task": task }]));
        let agent = Agent::ready(self, &self.session_of(&ids[0]), 1);
        self.wait_session(&agent.id, "status", "running");
        agent
    }

    /// Why a file of a mailbox was rejected, once it was. The note is there before it is whole.
    #[track_caller]
    pub fn reason_for(&self, planner: &str, file: &str) -> String {
        let note = self
            .mailbox(planner, "rejected")
            .join(format!("{file}.reason.txt"));
        self.wait_for(&format!("the rejection of {file}"), || {
            let reason = std::fs::read_to_string(&note).ok()?;
            reason.ends_with('\n').then_some(reason)
        })
    }

    /// Waits until the file system's clock, which is a few milliseconds late, has come to now.
    pub fn files_are_younger(&self) {
        files::are_younger(&self.root());
    }

    /// Waits for a condition; when it does not come, shows how things stand.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(value) = condition() {
                return value;
            }
            if Instant::now() > deadline {
                let status = match &self.server {
                    Some(_) => format!("{:#}", self.get("/api/status").json()),
                    None => "no launcher runs".to_owned(),
                };
                panic!("waited in vain for {what}\n{status}\n{}", self.log());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Names in a folder, sorted.
    pub fn names(folder: &Path) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// A folder of a planner's mailbox.
    pub fn mailbox(&self, planner: &str, folder: &str) -> PathBuf {
        let root = self.repo().join(".tmp/codex_governance_mailbox");
        root.join(planner).join(folder)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the launcher's log\n{}", self.log());
            drop(self.server.take());
            processes::sweep(&self.mark);
            return;
        }
        if self.server.is_some() {
            let (code, _) = self.terminate();
            assert_eq!(code, Some(0), "the launcher's end:\n{}", self.log());
        }
        let left = processes::sweep(&self.mark);
        assert!(
            left.is_empty() || self.leaves_processes,
            "left behind: {left:#?}\n{}",
            self.log()
        );
    }
}

/// A command that has ended.
pub struct Ran(Output);

impl Ran {
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    /// Asserts the exit code; returns what was said on both channels.
    #[track_caller]
    pub fn exits(&self, code: i32) -> String {
        let said = format!("{}{}", self.out(), self.err());
        assert_eq!(self.0.status.code(), Some(code), "{said}");
        said
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out()).unwrap_or_else(|_| panic!("{}{}", self.out(), self.err()))
    }
}
