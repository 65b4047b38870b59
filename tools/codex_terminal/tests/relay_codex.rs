//! The real Codex TUI over the relay, with the real app-server behind it and a scripted model behind that.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use codex_terminal::client::Client;
use codex_terminal::control::{Event, Request};
use codex_terminal::descriptor::Mode;
use codex_terminal::relay::report::{Outcome, Report, Said};
use codex_terminal::spec::{Relay, Source, Spec};
use futures_util::{SinkExt, StreamExt};
use mock_model::{Call, Count, Rule, Script, Step, When};
use serde_json::{Value, json};
use support::{DEADLINE, Sidecar, Viewer, wait_until, with_paths};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::sync::mpsc::Receiver;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

fn codex() -> PathBuf {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join(
        "../../.tmp/tools/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex",
    );
    let path = std::env::var_os("CODEX_BIN").map_or(installed, PathBuf::from);
    assert!(path.is_file(), "there is no codex at {}", path.display());
    path.canonicalize().unwrap()
}

/// An app-server; it ends with this.
struct AppServer(Child);

impl AppServer {
    fn start(root: &Path) -> Self {
        let listen = format!("unix://{}", root.join("app.sock").display());
        let child = Command::new(codex())
            .args([
                "-c",
                "features.shell_snapshot=false",
                "-c",
                "allow_login_shell=false",
            ])
            .args(["app-server", "--listen", &listen])
            .env("HOME", root.join("home"))
            .env("CODEX_HOME", root.join("codex"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(root.join("app-server.log")).unwrap())
            .spawn()
            .unwrap();
        let path = root.join("app.sock");
        wait_until("the app-server", || {
            std::os::unix::net::UnixStream::connect(&path).ok()
        });
        Self(child)
    }
}

impl Drop for AppServer {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A client of the app-server, beside the TUI.
struct Rpc {
    socket: WebSocketStream<UnixStream>,
    next: u64,
}

impl Rpc {
    async fn connect(root: &Path) -> Self {
        let stream = UnixStream::connect(root.join("app.sock")).await.unwrap();
        let (socket, _) = tokio_tungstenite::client_async("ws://localhost/rpc", stream)
            .await
            .unwrap();
        let mut rpc = Self { socket, next: 0 };
        let client = json!({ "name": "test", "title": "Test", "version": "0" });
        rpc.call("initialize", json!({ "clientInfo": client }))
            .await;
        rpc.send(json!({ "method": "initialized" })).await;
        rpc
    }

    async fn send(&mut self, message: Value) {
        self.socket
            .send(Message::text(message.to_string()))
            .await
            .unwrap();
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(json!({ "id": id, "method": method, "params": params }))
            .await;
        let answer = async {
            loop {
                let Some(Ok(Message::Text(text))) = self.socket.next().await else {
                    continue;
                };
                let said: Value = serde_json::from_str(&text).unwrap();
                if said["id"] == id && said.get("method").is_none() {
                    return said;
                }
            }
        };
        let answer = tokio::time::timeout(DEADLINE, answer).await.expect(method);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }
}

/// A TUI on a thread that has a past.
struct Rig {
    sidecar: Sidecar,
    server: Option<AppServer>,
    root: PathBuf,
    thread: String,
    rpc: Rpc,
    client: Client,
    events: Receiver<Event>,
    viewer: Viewer,
    model: mock_model::Server,
}

impl Rig {
    async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for folder in ["home", "repo", "codex", "tui"] {
            std::fs::create_dir(root.join(folder)).unwrap();
        }
        let model = mock_model::Server::start(script(&root)).await.unwrap();
        mock_model::write_codex_home(&root.join("codex"), &model.base_url(), None).unwrap();
        let quiet = "check_for_update_on_startup = false\n[analytics]\nenabled = false\n[features]\ndaemon_auto_start = false\n";
        std::fs::write(root.join("tui/config.toml"), quiet).unwrap();
        let server = AppServer::start(&root);
        let mut rpc = Rpc::connect(&root).await;
        let wish = json!({ "cwd": root.join("repo"), "approvalPolicy": "on-request", "sandbox": "workspace-write" });
        let started = rpc.call("thread/start", wish).await;
        let thread = started["thread"]["id"].as_str().unwrap().to_owned();
        rpc.say(&thread, "Remember the past.").await;
        let relay = dir.path().join("relay.sock");
        let argv = vec![
            codex().display().to_string(),
            "resume".to_owned(),
            thread.clone(),
            "--remote".to_owned(),
            format!("unix://{}", relay.display()),
        ];
        let mut spec = with_paths(&dir, Spec::program("tui", argv, root.join("repo")));
        spec.relay = Some(Relay {
            socket: relay,
            upstream: root.join("app.sock"),
        });
        if let Source::Program { env_set, .. } = &mut spec.source {
            env_set.insert("HOME".to_owned(), root.join("home").display().to_string());
            env_set.insert(
                "CODEX_HOME".to_owned(),
                root.join("tui").display().to_string(),
            );
        }
        let sidecar = Sidecar::start(dir, &spec);
        let mut viewer = sidecar.viewer(Mode::Write).await;
        let (client, events) = sidecar.control().await;
        let attend = Request::Attend {
            standing: vec![support::launcher::WRITER.to_owned()],
            frame_ancestors: Vec::new(),
        };
        client.request(attend).await.unwrap();
        viewer.until_screen("THE PAST").await;
        Self {
            sidecar,
            server: Some(server),
            root,
            thread,
            rpc,
            client,
            events,
            viewer,
            model,
        }
    }

    /// Deals with reports until one is as wanted.
    async fn report(&mut self, what: &str, wanted: impl Fn(&Said) -> bool) -> Report {
        let mut seen = Vec::new();
        loop {
            let event = tokio::time::timeout(DEADLINE, self.events.recv()).await;
            let Ok(event) = event else {
                panic!("no report of {what}: {seen:?}\n{}", self.viewer.screen());
            };
            if let Event::Relayed(report) = event.expect("the sidecar stays") {
                let number = report.number;
                self.client
                    .request(Request::Heard { number })
                    .await
                    .unwrap();
                if wanted(&report.said) {
                    return report;
                }
                seen.push(report);
            }
        }
    }
}

impl Rpc {
    async fn say(&mut self, thread: &str, text: &str) {
        let input = json!([{ "type": "text", "text": text }]);
        self.call("turn/start", json!({ "threadId": thread, "input": input }))
            .await;
    }
}

fn script(root: &Path) -> Script {
    let rule = |name: &str, contains: &str, steps: Vec<Step>| Rule {
        name: name.to_owned(),
        when: When {
            last_user_contains: contains.into(),
            ..When::default()
        },
        count: Count::Message,
        steps,
        ..Rule::default()
    };
    let ask = Call::Shell {
        cmd: format!("touch '{}'", root.join("outside").display()),
        workdir: None,
        escalate: Some("It is needed.".to_owned()),
        yield_time_ms: None,
    };
    Script::new([
        rule("past", "Remember the past", vec![Step::say("THE PAST")]),
        rule(
            "asks",
            "Ask me",
            vec![Step::call(ask), Step::say("IT WAS ALLOWED")],
        ),
        rule("later", "And now", vec![Step::say("THE PRESENT")]),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_a_tui_works_over_the_relay_and_what_is_decided_in_it_is_told() {
    let mut rig = Rig::start().await;
    let thread = rig.thread.clone();
    let resumed = Said::Resumed {
        thread_id: thread.clone(),
    };
    let report = rig
        .report("the thread it shows", |said| *said == resumed)
        .await;
    let pid = rig.server.as_ref().unwrap().0.id();
    assert_eq!(report.server.unwrap().pid, pid);

    // An approval that is typed in the TUI.
    rig.rpc.say(&thread, "Ask me.").await;
    rig.viewer.until_screen("Yes, proceed").await;
    let outside = rig.root.join("outside");
    // For a moment after a dialog opens Codex ignores keys, lest somebody who is typing agrees to something.
    let answered = async {
        loop {
            rig.viewer.input(b"y").await;
            tokio::time::timeout(DEADLINE / 20, rig.viewer.until_screen("IT WAS ALLOWED"))
                .await
                .ok();
            if outside.exists() {
                return;
            }
        }
    };
    tokio::time::timeout(DEADLINE, answered).await.unwrap();
    let report = rig
        .report("the answer", |said| matches!(said, Said::Answered { .. }))
        .await;
    let Said::Answered { request, outcome } = report.said else {
        unreachable!()
    };
    assert_eq!(request, "0");
    let Outcome::Result(text) = outcome else {
        panic!("{outcome:?}")
    };
    let decided: Value = serde_json::from_str(text.reveal()).unwrap();
    assert_eq!(decided["decision"], "accept");

    // The app-server dies and comes back: so does the TUI, over the same relay.
    rig.server = None;
    rig.server = Some(AppServer::start(&rig.root));
    let report = rig.report("the TUI is back", |said| *said == resumed).await;
    let pid = rig.server.as_ref().unwrap().0.id();
    assert_eq!(report.server.unwrap().pid, pid);
    rig.rpc = Rpc::connect(&rig.root).await;
    rig.rpc
        .call("thread/resume", json!({ "threadId": thread }))
        .await;
    rig.rpc.say(&thread, "And now.").await;
    rig.viewer.until_screen("THE PRESENT").await;

    // Somebody leaves the thread, which Codex refuses until it has shown the end of the turn.
    let ended = ["THE PRESENT", "Worked for"];
    rig.viewer.until_screen_has(&ended).await;
    rig.viewer.input(b"/new").await;
    rig.viewer.until_screen("/new").await;
    rig.viewer.input(b"\r").await;
    rig.report("another thread", |said| *said == Said::Started {})
        .await;
    let left = Said::Unsubscribed { thread_id: thread };
    rig.report("the thread is left", |said| *said == left).await;
    drop(rig.sidecar);
    rig.model.shutdown().await;
}
