//! The command line's way to a running server: HTTP over its unix socket. Whoever reaches that socket acts as the
//! person, so no credential is needed and none is kept. A server that a person gave an address and a token of is reached
//! at a port of this machine, and only there.
//!
//! - `door`: the socket or the port; `websocket`: what is no request and answer; `events`: a stream of them

mod door;
mod events;
mod websocket;

pub use door::{Port, PortError};
pub use events::ServerEvent;
pub use websocket::WebSocket;

use crate::paths::{PathError, Places, ServerFile, running};
use door::Door;
use events::EventReader;
use futures_util::stream::{self, Stream};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the server may take to begin an answer. A report on a large repository takes the longest, ten seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Why the server could not be asked, or what it said instead of yes. Display is a whole sentence.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// None runs.
    #[error("no zhongshu runs for {0}; start it with `zhongshu`")]
    NotRunning(PathBuf),
    /// One runs and does not answer.
    #[error(
        "zhongshu runs (process {pid}) but its socket {socket} does not answer: {source}; if it has just been started, try again"
    )]
    NoAnswer {
        /// Its process.
        pid: u32,
        /// Its socket.
        socket: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// Nobody listens at the port.
    #[error("no zhongshu answers at {address}: {source}")]
    NobodyThere {
        /// The port.
        address: String,
        /// What happened.
        source: io::Error,
    },
    /// The socket is not ours.
    #[error("the socket {0} belongs to another user; nothing was sent")]
    ForeignSocket(PathBuf),
    /// Our own files cannot be read.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The connection broke.
    #[error("the connection to zhongshu broke: {0}; it may have been stopped")]
    Broken(String),
    /// It took too long.
    #[error("zhongshu did not answer within {} seconds; its log says what it does", .0.as_secs())]
    Slow(Duration),
    /// The path or the method cannot be sent.
    #[error("this is no request: {0}")]
    BadRequest(String),
    /// The server said no.
    #[error("{message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The slug of the reason.
        code: String,
        /// The server's sentence.
        message: String,
    },
    /// The server said something that is not its API.
    #[error("zhongshu answered something that this version does not understand (status {0})")]
    Strange(u16),
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: StatusCode,
    /// The body.
    pub body: Bytes,
}

/// A way to one running server. Each request is a connection of its own.
#[derive(Debug, Clone)]
pub struct Client {
    door: Door,
    patience: Duration,
    thread_id: Option<String>,
    key: Option<String>,
}

impl Client {
    /// The server of this repository.
    ///
    /// # Errors
    /// When none runs.
    pub fn find(places: &Places) -> Result<Self, ClientError> {
        let server = ServerFile::read(places)?
            .filter(|_| running(places).is_ok_and(|holder| holder.is_some()))
            .ok_or_else(|| ClientError::NotRunning(places.repo.clone()))?;
        Ok(Self::through(Door::Socket {
            path: server.socket,
            pid: server.pid,
            repo: places.repo.clone(),
        }))
    }

    /// The server at this socket.
    pub fn at(socket: &Path) -> Self {
        Self::through(Door::Socket {
            path: socket.to_owned(),
            pid: 0,
            repo: PathBuf::new(),
        })
    }

    /// The server at this port.
    pub fn at_port(port: Port) -> Self {
        Self::through(Door::Port(port))
    }

    fn through(door: Door) -> Self {
        Self {
            door,
            patience: ANSWER_TIMEOUT,
            thread_id: None,
            key: None,
        }
    }

    /// Waits so long for an answer to begin.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Speaks for the agent of this Codex thread, and has that agent's rights only.
    #[must_use]
    pub fn for_thread(mut self, thread_id: &str) -> Self {
        self.thread_id = Some(thread_id.to_owned());
        self
    }

    /// Gives what changes something this key instead of a fresh one, so that a request whose answer was lost can be repeated.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Process of the server, where it is known.
    pub fn pid(&self) -> u32 {
        self.door.pid()
    }

    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<&str>,
    ) -> Result<Reply, ClientError> {
        let exchange = async {
            let response = self.send(method, path, body).await?;
            let status = response.status();
            let collected = response.into_body().collect().await;
            let body = collected
                .map_err(|error| ClientError::Broken(error.to_string()))?
                .to_bytes();
            Ok(Reply { status, body })
        };
        self.patiently(exchange).await
    }

    /// `GET`, and the answer as JSON.
    ///
    /// # Errors
    /// When the server cannot be reached or says no.
    pub async fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.request("GET", path, None).await?.accepted()?.json()
    }

    /// `POST`, and the answer as JSON.
    ///
    /// # Errors
    /// When the server cannot be reached or says no.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        let body = body.to_string();
        let reply = self.request("POST", path, Some(&body)).await?;
        reply.accepted()?.json()
    }

    /// `GET` of an event stream: its `data` lines as they come, until the server ends it.
    ///
    /// # Errors
    /// When the server cannot be reached or says no.
    pub async fn events(
        &self,
        path: &str,
    ) -> Result<impl Stream<Item = Result<ServerEvent, ClientError>> + use<>, ClientError> {
        let response = self.patiently(self.send("GET", path, None)).await?;
        let status = response.status();
        if !status.is_success() {
            let body = response.into_body().collect().await;
            let body = body
                .map_err(|error| ClientError::Broken(error.to_string()))?
                .to_bytes();
            return Err(Reply { status, body }.refusal());
        }
        Ok(stream::unfold(
            (response.into_body(), EventReader::default()),
            |(mut body, mut reader)| async move {
                loop {
                    if let Some(event) = reader.next() {
                        return Some((Ok(event), (body, reader)));
                    }
                    match body.frame().await? {
                        Ok(frame) => {
                            if let Some(data) = frame.data_ref() {
                                reader.feed(data);
                            }
                        }
                        Err(error) => {
                            let broken = ClientError::Broken(error.to_string());
                            return Some((Err(broken), (body, reader)));
                        }
                    }
                }
            },
        ))
    }

    /// Sends a request and gives the status and then the body as it comes, however long that takes.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn stream(
        &self,
        method: &str,
        path: &str,
        body: Option<&str>,
    ) -> Result<(StatusCode, Pieces), ClientError> {
        let response = self.patiently(self.send(method, path, body)).await?;
        Ok((response.status(), Pieces(response.into_body())))
    }

    async fn patiently<T>(
        &self,
        exchange: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        tokio::time::timeout(self.patience, exchange)
            .await
            .map_err(|_| ClientError::Slow(self.patience))?
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&str>,
    ) -> Result<Response<Incoming>, ClientError> {
        let bad = |error: &dyn std::fmt::Display| ClientError::BadRequest(error.to_string());
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
            .map_err(|error| bad(&error))?;
        if !path.starts_with('/') {
            return Err(bad(&"a path begins with `/`, such as /api/status"));
        }
        let changes = !matches!(method, Method::GET | Method::HEAD);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.door.authority());
        if let Some(bearer) = self.door.bearer() {
            request = request.header(AUTHORIZATION, bearer);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if changes {
            let fresh = || uuid::Uuid::new_v4().to_string();
            let key = self.key.clone().unwrap_or_else(fresh);
            request = request.header(crate::web::body::IDEMPOTENCY_KEY, key);
        }
        if let Some(thread_id) = &self.thread_id {
            request = request.header(crate::web::guard::THREAD_HEADER, thread_id);
        }
        let body = Full::new(Bytes::from(body.unwrap_or_default().to_owned()));
        let request = request.body(body).map_err(|error| bad(&error))?;
        let mut sender = self.connect().await?;
        sender
            .send_request(request)
            .await
            .map_err(|error| ClientError::Broken(error.to_string()))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, ClientError> {
        let stream = self.door.open().await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| ClientError::Broken(error.to_string()))?;
        // It ends with the answer's body, or when the server goes; the request reports what went wrong.
        tokio::spawn(connection);
        Ok(sender)
    }
}

impl Reply {
    /// The reply, if the server said yes.
    ///
    /// # Errors
    /// What it said instead.
    pub fn accepted(self) -> Result<Self, ClientError> {
        match self.status.is_success() {
            true => Ok(self),
            false => Err(self.refusal()),
        }
    }

    fn json(&self) -> Result<Value, ClientError> {
        serde_json::from_slice(&self.body).map_err(|_| ClientError::Strange(self.status.as_u16()))
    }

    fn refusal(&self) -> ClientError {
        let status = self.status.as_u16();
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        match (body["error"].as_str(), body["code"].as_str()) {
            (Some(message), code) => ClientError::Refused {
                status,
                code: code.unwrap_or_default().to_owned(),
                message: message.to_owned(),
            },
            _ => ClientError::Strange(status),
        }
    }
}

/// The pieces of a body.
#[derive(Debug)]
pub struct Pieces(Incoming);

impl Pieces {
    /// The next one; `None` at the end.
    ///
    /// # Errors
    /// When the connection broke.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        while let Some(frame) = self.0.frame().await {
            let frame = frame.map_err(|error| ClientError::Broken(error.to_string()))?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}
