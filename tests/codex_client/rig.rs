//! What the tests stand on: a scripted model, a CODEX_HOME of its own, and an app-server whose end is certain.

use std::{
    collections::VecDeque,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;
use zhongshu::{
    codex::{
        Codex, Incoming, Settings, Status, Timing,
        calls::{ApprovalPolicy, ClientInfo, SandboxMode, ThreadStart},
        wire::ThreadId,
    },
    process::{Identity, terminate_tree},
};

pub use crate::codex_program::codex_program;

pub const PATIENCE: Duration = Duration::from_secs(30);

/// The scripted model: answers each request with the next line of the script, then with a plain message.
#[derive(Clone, Default)]
pub struct Model {
    script: Arc<Mutex<VecDeque<Value>>>,
    requests: Arc<Mutex<Vec<Value>>>,
    port: u16,
}

impl Model {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let model = Self {
            port: listener.local_addr().unwrap().port(),
            ..Self::default()
        };
        let app = Router::new()
            .route("/v1/responses", post(respond))
            .with_state(model.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        model
    }

    /// The next answer runs a command; `escalated` asks for leave to do it outside the sandbox.
    pub fn will_run(&self, command: &str, escalated: bool) {
        let mut arguments = json!({"cmd": command});
        if escalated {
            arguments["sandbox_permissions"] = json!("require_escalated");
            arguments["justification"] = json!("the test wants to be asked");
        }
        self.script.lock().unwrap().push_back(json!({
            "type": "function_call", "call_id": format!("call-{command}"), "name": "exec_command",
            "arguments": arguments.to_string(),
        }));
    }

    /// The next answer consists of so many messages.
    pub fn will_say(&self, count: usize) {
        let items = (0..count).map(|number| message(&format!("message {number}")));
        self.script.lock().unwrap().push_back(items.collect());
    }

    /// The next answer changes files; needs [`Rig::with_catalog`].
    pub fn will_patch(&self, patch: &str) {
        self.script.lock().unwrap().push_back(json!({
            "type": "custom_tool_call", "call_id": "call-patch", "name": "apply_patch", "input": patch,
        }));
    }

    /// The next request fails.
    pub fn will_fail(&self) {
        self.script.lock().unwrap().push_back(Value::Null);
    }

    /// The next answer streams the beginning of a message, and nothing more for a long time.
    pub fn will_stop_after(&self, text: &str) {
        self.script
            .lock()
            .unwrap()
            .push_back(json!({ "begins": text }));
    }

    pub fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }
}

fn message(text: &str) -> Value {
    json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]})
}

async fn respond(State(model): State<Model>, body: String) -> Response {
    model
        .requests
        .lock()
        .unwrap()
        .push(serde_json::from_str(&body).unwrap());
    let next = model.script.lock().unwrap().pop_front();
    let items = match next.unwrap_or_else(|| message("done")) {
        Value::Array(items) => items,
        Value::Null => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        item if item.get("begins").is_some() => return begins(&item["begins"]),
        item => vec![item],
    };
    let mut events: Vec<_> = items
        .into_iter()
        .map(|item| json!({"type": "response.output_item.done", "item": item}))
        .collect();
    events.push(json!({"type": "response.completed", "response": {"id": "r"}}));
    let text: String = events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    ([("content-type", "text/event-stream")], text).into_response()
}

/// An answer whose end never comes.
fn begins(text: &Value) -> Response {
    let item = json!({"type": "message", "id": "m", "role": "assistant", "content": []});
    let events = [
        json!({"type": "response.created", "response": {"id": "r"}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": item}),
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "item_id": "m", "delta": text}),
    ];
    let text: String = events
        .iter()
        .map(|event| {
            format!(
                "event: {}\ndata: {event}\n\n",
                event["type"].as_str().unwrap()
            )
        })
        .collect();
    let first = futures_util::stream::once(async { Ok::<_, std::io::Error>(text) });
    let body = Body::from_stream(first.chain(futures_util::stream::pending()));
    ([("content-type", "text/event-stream")], body).into_response()
}

/// A folder with everything, and the end of whatever app-server is left in it.
pub struct Rig {
    pub home: tempfile::TempDir,
    pub model: Model,
}

impl Rig {
    pub async fn new() -> Self {
        let rig = Self {
            home: tempfile::Builder::new().prefix("zs").tempdir().unwrap(),
            model: Model::start().await,
        };
        fs::create_dir_all(rig.path("codex")).unwrap();
        fs::create_dir_all(rig.path("repo")).unwrap();
        let config = format!(
            "model = \"mock-model\"\nmodel_provider = \"mock\"\ncheck_for_update_on_startup = false\ncli_auth_credentials_store = \"file\"\n\
             [model_providers.mock]\nname = \"mock\"\nbase_url = \"http://127.0.0.1:{}/v1\"\nwire_api = \"responses\"\n\
             requires_openai_auth = false\nrequest_max_retries = 0\nstream_max_retries = 0\n\
             [analytics]\nenabled = false\n[features]\ndaemon_auto_start = false\n",
            rig.model.port
        );
        fs::write(rig.path("codex/config.toml"), config).unwrap();
        rig
    }

    /// From the next start on Codex knows its model, and offers it `apply_patch`.
    pub fn with_catalog(self) -> Self {
        let url = format!("http://127.0.0.1:{}/v1", self.model.port);
        mock_model::write_codex_home(&self.path("codex"), &url, None).unwrap();
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn settings(&self) -> Settings {
        Settings {
            codex_bin: codex_program(),
            codex_home: Some(self.path("codex")),
            socket: self.path("run/app.sock"),
            descriptor: self.path("state/app-server.json"),
            log: self.path("state/app-server.log"),
            folder: self.path("state/app-server"),
            config_overrides: vec![
                "features.shell_snapshot=false".into(),
                "allow_login_shell=false".into(),
            ],
            env_set: vec![("HOME".into(), self.home.path().into())],
            env_remove: vec!["CODEX_BIN".into()],
            client: ClientInfo {
                name: "zhongshu-test".into(),
                title: "Test".into(),
                version: "0".into(),
            },
            opt_out: Vec::new(),
            timing: Timing {
                backoff_first: Duration::from_millis(100),
                ..Timing::default()
            },
        }
    }

    pub fn thread(&self) -> ThreadStart {
        ThreadStart {
            cwd: Some(self.path("repo")),
            approval_policy: Some(ApprovalPolicy::OnRequest),
            sandbox: Some(SandboxMode::WorkspaceWrite),
            ..ThreadStart::default()
        }
    }

    /// The identity in the descriptor.
    pub fn server(&self) -> Option<Identity> {
        serde_json::from_slice(&fs::read(self.path("state/app-server.json")).ok()?).ok()
    }

    /// Ends a test: stops the app-server and checks that nothing whatever is left of it.
    pub async fn end(&self, codex: &Codex) {
        let server = self.server();
        codex.stop(Duration::from_secs(2)).await.unwrap();
        assert!(!self.path("run/app.sock").exists(), "the socket is left");
        assert!(
            !self.path("state/app-server.json").exists(),
            "the descriptor is left"
        );
        if let Some(server) = server {
            assert_eq!(members(server), Vec::<u32>::new(), "processes are left");
        }
    }
}

/// Also when a test fails: no app-server stays behind.
impl Drop for Rig {
    fn drop(&mut self) {
        let Some(server) = self.server() else {
            return;
        };
        let ending = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let _ = runtime.block_on(terminate_tree(server, Duration::ZERO));
        };
        let _ = std::thread::spawn(ending).join();
    }
}

/// What runs of a process's tree.
pub fn members(root: Identity) -> Vec<u32> {
    zhongshu::process::Tree::of(root)
        .members()
        .iter()
        .map(|member| member.pid)
        .collect()
}

/// The next event that `pick` takes; the others are dropped.
pub async fn next<T>(
    what: &str,
    events: &mut Receiver<Incoming>,
    mut pick: impl FnMut(Incoming) -> Option<T>,
) -> T {
    let mut seen = Vec::new();
    let found = tokio::time::timeout(PATIENCE, async {
        while let Some(event) = events.recv().await {
            seen.push(format!("{event:?}").chars().take(200).collect::<String>());
            if let Some(found) = pick(event) {
                return found;
            }
        }
        panic!("the events ended before {what}");
    })
    .await;
    found.unwrap_or_else(|_| panic!("waited in vain for {what}; seen: {seen:#?}"))
}

pub async fn connected(events: &mut Receiver<Incoming>) -> (u64, Identity, bool) {
    next("a connection", events, |event| match event {
        Incoming::Connected {
            generation,
            server,
            adopted,
        } => Some((generation, server, adopted)),
        _ => None,
    })
    .await
}

pub async fn turn_end(
    events: &mut Receiver<Incoming>,
    thread: &ThreadId,
) -> zhongshu::codex::items::Turn {
    use zhongshu::codex::events::Notification;
    next("the end of the turn", events, |event| match event {
        Incoming::Notification(Notification::TurnCompleted(done)) if done.thread_id == *thread => {
            Some(done.turn)
        }
        _ => None,
    })
    .await
}

/// The status once it is what `pick` wants.
pub async fn status(codex: &Codex, what: &str, pick: impl FnMut(&Status) -> bool) -> Status {
    let mut watch = codex.status();
    let found = tokio::time::timeout(PATIENCE, watch.wait_for(pick)).await;
    match found {
        Ok(status) => status.unwrap().clone(),
        Err(_) => panic!(
            "waited in vain for {what}; it is {:?}",
            *codex.status().borrow()
        ),
    }
}
