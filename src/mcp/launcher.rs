//! The launcher over its unix socket, asked in the name of the thread that calls.

use super::Answer;
use crate::web::guard::THREAD_HEADER;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::UnixStream;

/// An inbox is made from memory; whoever needs longer than this is stuck.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Longest answer that is handed to an agent. Hundreds of reports fit; ten times as much would fill any context.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// Where the launcher listens, as it wrote it down.
#[derive(Debug, Deserialize)]
struct ServerFile {
    socket: PathBuf,
}

const NOT_RUNNING: &str = "zhongshu is not running at the moment, so it cannot be asked; try again later, results are not lost";

async fn connect(state_dir: &Path) -> Option<UnixStream> {
    let bytes = std::fs::read(state_dir.join("server.json")).ok()?;
    let server: ServerFile = serde_json::from_slice(&bytes).ok()?;
    let connected = tokio::time::timeout(ANSWER_WITHIN, UnixStream::connect(server.socket)).await;
    connected.ok()?.ok()
}

/// Whether a launcher accepts connections.
pub(super) async fn launcher_answers(state_dir: &Path) -> bool {
    connect(state_dir).await.is_some()
}

/// Reads the inbox of the planner that owns this thread.
pub(super) async fn inbox(state_dir: &Path, thread_id: &str, peek: bool) -> Answer {
    let request = Request::get(format!("/mcp/inbox?peek={}", u8::from(peek)));
    let request = request.body(Full::default());
    ask(state_dir, thread_id, request).await
}

/// Sends the planner's words to the launcher.
pub(super) async fn post(
    state_dir: &Path,
    thread_id: &str,
    path: &str,
    body: &impl Serialize,
) -> Answer {
    let body = serde_json::to_vec(body).expect("arguments are plain data");
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::from(body));
    ask(state_dir, thread_id, request).await
}

async fn ask(
    state_dir: &Path,
    thread_id: &str,
    request: Result<Request<Full<Bytes>>, hyper::http::Error>,
) -> Answer {
    let stream = connect(state_dir)
        .await
        .ok_or_else(|| NOT_RUNNING.to_owned())?;
    match tokio::time::timeout(ANSWER_WITHIN, exchange(stream, thread_id, request)).await {
        Ok(answer) => answer,
        Err(_) => Err("zhongshu did not answer in time; try again".into()),
    }
}

async fn exchange(
    stream: UnixStream,
    thread_id: &str,
    request: Result<Request<Full<Bytes>>, hyper::http::Error>,
) -> Answer {
    let failed =
        |error: &dyn std::fmt::Display| format!("zhongshu could not be asked: {error}; try again");
    let mut request = request.map_err(|error| failed(&error))?;
    let thread_id = thread_id
        .parse()
        .map_err(|_| failed(&"a thread id that cannot be sent"))?;
    request.headers_mut().insert(THREAD_HEADER, thread_id);
    request
        .headers_mut()
        .insert(HOST, HeaderValue::from_static("localhost"));
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(&error))?;
    let exchange = async {
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| failed(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES)
            .collect()
            .await;
        let body = body.map_err(|error| failed(&error))?.to_bytes();
        let text = String::from_utf8(body.to_vec()).map_err(|error| failed(&error))?;
        match status.is_success() {
            true => Ok(text),
            false => Err(refusal(&text).unwrap_or_else(|| failed(&status))),
        }
    };
    // The connection has to be driven while the exchange goes on; it ends with it.
    tokio::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        ended = connection => match ended {
            Ok(()) => exchange.await,
            Err(error) => Err(failed(&error)),
        },
    }
}

/// The sentence in the launcher's error shape.
fn refusal(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    serde_json::from_str::<Refusal>(text)
        .ok()
        .map(|refusal| refusal.error)
}
