//! A server with dummy routes behind the real door, and a client that sends exactly the bytes it is told to.

use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use zhongshu::access::{
    Access, AccessEvent, Address, Caller, OPEN_KEY_LIFE, Scope, TokenStore, Via,
};
use zhongshu::domain::ids::SessionId;
use zhongshu::journal::{Fold, Journal, Record, system_clock};
use zhongshu::ledger::Ledger;
use zhongshu::paths::{Lock, Places, ServerFile};
use zhongshu::web::body::{Body, Query};
use zhongshu::web::caller::{RequireAgent, RequirePerson, RequireReader};
use zhongshu::web::listen::Listener;
use zhongshu::web::mount::Mount;
use zhongshu::web::{events, guard, login};

/// No exchange in these tests takes longer unless something is broken.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A journal with one kind of event.
#[derive(Debug, Clone, Default)]
pub struct Count(pub u64);

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happened {
    ThingDone { number: u32 },
}

impl Fold for Count {
    type Event = Happened;
    fn apply(&mut self, _: &Record<Happened>) {
        self.0 += 1;
    }
}

pub struct House {
    pub port: u16,
    pub access: Arc<Access>,
    pub stop: CancellationToken,
    pub server: JoinHandle<()>,
    pub events: Arc<Mutex<Vec<AccessEvent>>>,
    pub ledger: Ledger<Count>,
    /// How often something was changed.
    pub changes: Arc<AtomicU64>,
    pub places: Places,
    pub ground: TempDir,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thing {
    #[serde(default)]
    number: u32,
}

#[derive(Deserialize)]
struct ById {
    id: SessionId,
}

/// Every route of the house with the methods it takes; the guard must treat all of them alike.
pub const ROUTES: [(&str, &[&str]); 14] = [
    ("/", &["GET"]),
    ("/assets/app.js", &["GET"]),
    ("/healthz", &["GET"]),
    ("/api/status", &["GET"]),
    ("/api/attention", &["GET"]),
    ("/api/thing", &["POST"]),
    ("/api/by_id", &["GET"]),
    ("/api/panic", &["GET"]),
    ("/api/stop_session", &["POST"]),
    ("/api/shutdown", &["POST"]),
    ("/mcp/call", &["POST"]),
    ("/api/events", &["GET"]),
    ("/api/login", &["POST"]),
    ("/api/tokens", &["GET", "POST"]),
];

fn routes(
    changes: Arc<AtomicU64>,
    stop: CancellationToken,
    lock: Arc<Mutex<Option<Lock>>>,
) -> Router {
    let thing = move |RequirePerson(caller): RequirePerson, Body(thing): Body<Thing>| async move {
        changes.fetch_add(1, Ordering::SeqCst);
        Json(json!({ "ok": true, "actor": caller.actor(), "number": thing.number }))
    };
    let shutdown = move |_: RequirePerson, Body(_): Body<Value>| async move {
        stop.cancel();
        lock.lock().unwrap().take();
        Json(json!({ "ok": true }))
    };
    Router::new()
        .route("/", get(async || "shell"))
        .route("/assets/app.js", get(async || "code"))
        .route("/healthz", get(async || Json(json!({ "ok": true }))))
        .route(
            "/api/status",
            get(async |RequireReader(caller): RequireReader| {
                let session =
                    json!({ "id": "zhongshu-1", "department": "zhongshu", "status": "running" });
                Json(json!({ "ok": true, "actor": caller.actor(), "sessions": [session] }))
            }),
        )
        .route(
            "/api/attention",
            get(async |_: RequireReader| {
                Json(json!({ "ok": true, "count": 0, "items": [], "more": 0 }))
            }),
        )
        .route("/api/thing", post(thing))
        .route(
            "/api/by_id",
            get(async |_: RequireReader, Query(ById { id }): Query<ById>| id.to_string()),
        )
        .route("/api/panic", get(panics))
        .route(
            "/api/stop_session",
            post(async |_: RequirePerson, Body(_): Body<Value>| Json(json!({ "ok": true }))),
        )
        .route("/api/shutdown", post(shutdown))
        .route(
            "/mcp/call",
            post(async |RequireAgent(thread): RequireAgent| Json(json!({ "thread": thread }))),
        )
}

async fn panics(_: RequireReader) -> StatusCode {
    panic!("a planted defect")
}

impl House {
    pub async fn open() -> Self {
        Self::with(None).await
    }

    /// With another mount beside our own.
    pub async fn with(other: Option<Mount>) -> Self {
        let ground = tempfile::tempdir().unwrap();
        let root = ground.path().canonicalize().unwrap();
        let repo = root.join("repo");
        git2::Repository::init(&repo).unwrap();
        let places = Places {
            repo,
            state: root.join("state"),
            runtime: root.join("run"),
        };
        places.create().unwrap();
        places.create_scratch().unwrap();
        let lock = Arc::new(Mutex::new(Some(Lock::take(&places).unwrap())));
        let clock = system_clock();
        let copy = places.audit_copy();
        let opened = Journal::open::<Count>(&places.journal(), Some(&copy), &clock).unwrap();
        let ledger = Ledger::start(opened, clock).unwrap();
        let listener = Listener::bind(0, &places.socket()).await.unwrap();
        let port = listener.port();
        let stop = CancellationToken::new();
        let events = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&events);
        let access = Arc::new(Access::new(
            Address::fresh(port).unwrap(),
            TokenStore::open(&places.state).unwrap(),
            stop.clone(),
            Box::new(move |event| log.lock().unwrap().push(event)),
        ));
        // These tests are their own tool server.
        access.trust_tool_servers(Box::new(|pid| pid == std::process::id()));
        let changes = Arc::new(AtomicU64::new(0));
        let app = routes(Arc::clone(&changes), stop.clone(), Arc::clone(&lock))
            .merge(login::routes(Arc::clone(&access)))
            .merge(events::routes(ledger.clone()));
        ServerFile {
            socket: places.socket(),
            url: access.address().url(),
            page_url: access.address().page_url(),
            pid: std::process::id(),
            started_at_ticks: None,
            version: "0".to_owned(),
        }
        .write(&places)
        .unwrap();
        let mounts = std::iter::once(Mount::root(app)).chain(other);
        let app = guard::protect(mounts, Arc::clone(&access), &[20_001]);
        let server = tokio::spawn(listener.serve(app, stop.clone(), Duration::from_secs(2)));
        Self {
            port,
            access,
            stop,
            server,
            events,
            ledger,
            changes,
            places,
            ground,
        }
    }

    pub fn socket(&self) -> PathBuf {
        self.places.socket()
    }

    /// A browser that has logged in.
    pub fn session(&self) -> String {
        let key = self.access.mint_login_key(OPEN_KEY_LIFE).unwrap();
        let granted = self.access.login(key.reveal()).unwrap();
        granted.secret.reveal().to_owned()
    }

    pub fn token(&self, name: &str, scope: Scope) -> String {
        let by = Caller::Person {
            via: Via::CommandLine,
        };
        let secret = self.access.create_token(&by, name, scope).unwrap();
        secret.reveal().to_owned()
    }

    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// A request with our Host and no credential.
    pub fn ask(&self, method: &str, target: &str) -> Ask {
        Ask {
            port: self.port,
            line: format!("{method} {target} HTTP/1.1"),
            headers: vec![("Host".to_owned(), format!("127.0.0.1:{}", self.port))],
            body: String::new(),
        }
    }

    /// What our own page sends when it changes something.
    pub fn post(&self, target: &str, body: &Value) -> Ask {
        self.ask("POST", target)
            .header("Origin", &format!("http://127.0.0.1:{}", self.port))
            .json(body)
    }

    /// Ends in good order; the files stay as long as what this returns.
    pub async fn close(self) -> TempDir {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.server)
            .await
            .unwrap()
            .unwrap();
        self.ledger.close().await;
        self.ground
    }
}

/// One request, byte for byte.
#[derive(Clone)]
pub struct Ask {
    port: u16,
    line: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Ask {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with another request line.
    pub fn line(mut self, method: &str, target: &str) -> Self {
        self.line = format!("{method} {target} HTTP/1.1");
        self
    }

    /// Replaces a header, or removes it.
    pub fn instead(mut self, name: &str, value: Option<&str>) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    pub fn session(self, secret: &str) -> Self {
        self.header("X-Zhongshu-Session", secret)
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.body(&body.to_string())
            .header("Content-Type", "application/json")
    }

    pub fn body(mut self, body: &str) -> Self {
        self.body = body.to_owned();
        let length = body.len().to_string();
        self.instead("Content-Length", Some(&length))
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.line);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(&self.body);
        text.into_bytes()
    }

    pub async fn send(self) -> Answer {
        let ask = self.header("Connection", "close");
        raw(ask.port, &ask.bytes()).await
    }

    pub async fn send_over(self, socket: &std::path::Path) -> Answer {
        let bytes = self.header("Connection", "close").bytes();
        let mut stream = UnixStream::connect(socket).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        Answer::parse(&answer)
    }

    /// Sends and leaves the connection open for whoever wants to read a stream.
    pub async fn open(self) -> Stream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.write_all(&self.bytes()).await.unwrap();
        Stream {
            stream,
            text: String::new(),
        }
    }
}

/// Sends bytes and reads until the server closes.
pub async fn raw(port: u16, bytes: &[u8]) -> Answer {
    let exchange = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        // The server may answer and close before everything is sent.
        drop(stream.write_all(bytes).await);
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        Answer::parse(&answer)
    };
    tokio::time::timeout(PATIENCE, exchange)
        .await
        .expect("the server answers and closes")
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok())
            .unwrap_or(0);
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Self {
            status,
            headers,
            body: body.to_owned(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The answer says no, with this status, in the shape that every "no" has.
    #[track_caller]
    pub fn refused(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        let body = self.json();
        assert_eq!(body["ok"], false, "{self:?}");
        assert!(
            body["error"].as_str().is_some_and(|it| it.len() > 10),
            "{self:?}"
        );
        assert!(
            body["code"].as_str().is_some_and(|it| !it.is_empty()),
            "{self:?}"
        );
        self
    }
}

/// An answer that goes on.
pub struct Stream {
    stream: TcpStream,
    pub text: String,
}

impl Stream {
    /// Reads until `part` was seen.
    pub async fn until(&mut self, part: &str) {
        while !self.text.contains(part) {
            assert!(
                self.read().await > 0,
                "ended without {part:?}: {}",
                self.text
            );
        }
    }

    /// Reads until the server ends the stream; returns how long that took.
    pub async fn end(&mut self) -> Duration {
        let started = std::time::Instant::now();
        while !self.text.ends_with("\r\n0\r\n\r\n") && self.read().await > 0 {}
        started.elapsed()
    }

    async fn read(&mut self) -> usize {
        let mut piece = [0; 4096];
        let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut piece))
            .await
            .unwrap_or_else(|_| panic!("nothing more came after: {}", self.text))
            .unwrap();
        self.text.push_str(&String::from_utf8_lossy(&piece[..read]));
        read
    }
}
