//! The listener on loopback: takes requests, records them, plays the engine's answers, and stops when dropped.
//! Never decides what to answer and never reaches out.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::answer::{self, Frame};
use crate::conversation::Conversation;
use crate::engine::{Engine, Play};
use crate::limits::Limits;
use crate::record::{Outcome, RecordedRequest, RequestSummary, WaitError};
use crate::script::{Fail, Script};

/// The longest request body: a long conversation with tool outputs has a few MB; at a tenth such a test would fail,
/// at ten times a mistaken client could take the machine's memory.
const MAX_BODY_BYTES: usize = 64 << 20;

/// Events that wait for a slow client before the playing task waits too; a handful keeps pauses honest.
const STREAM_SLOTS: usize = 8;

/// How long an orderly shutdown waits for open connections before it cuts them.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// Requests whose raw bodies are kept (about 40 KB each), so that a long run does not grow without end.
const KEPT_BODIES: usize = 256;

/// A running mock model. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    port: u16,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<std::io::Result<()>>,
}

/// What the handlers share.
///
/// # Release invariant
/// A stream takes its release ticket under the lock under which its request is recorded: a caller that
/// has seen the request in the record and then calls `release` therefore always releases it.
#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    /// Counts changes of the record; waiters look again.
    changed: watch::Sender<u64>,
    /// Counts calls of `release`.
    released: watch::Sender<u64>,
    stopped: watch::Sender<bool>,
}

#[derive(Debug)]
struct Inner {
    engine: Engine,
    requests: Vec<RecordedRequest>,
}

impl Server {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(script: Script) -> std::io::Result<Self> {
        Self::start_on(0, script).await
    }

    /// Listens on this port of 127.0.0.1; 0 takes a free one.
    ///
    /// # Errors
    /// When the port cannot be bound.
    pub async fn start_on(port: u16, script: Script) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            inner: Mutex::new(Inner {
                engine: Engine::new(script),
                requests: Vec::new(),
            }),
            changed: watch::Sender::new(0),
            released: watch::Sender::new(0),
            stopped: watch::Sender::new(false),
        });
        let router = Router::new()
            .route("/v1/responses", post(respond))
            .route("/__mock/requests", get(admin_requests))
            .route("/__mock/release", post(admin_release))
            .route("/__mock/script", put(admin_script))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(Arc::clone(&shared));
        let (stop, stopping) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            // A dropped sender means the same as a sent one.
            axum::serve(listener, router)
                .with_graceful_shutdown(async { drop(stopping.await) })
                .await
        });
        Ok(Self {
            shared,
            port,
            stop: Some(stop),
            serving,
        })
    }

    /// What belongs into a provider's `base_url`: `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Everything that was asked so far, in order of arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.lock().requests.clone()
    }

    /// Waits until `condition` holds for the record of requests, and returns the record as it then was.
    ///
    /// # Errors
    /// When it does not hold within `deadline`; the error tells what had come.
    pub async fn wait_for(
        &self,
        condition: impl Fn(&[RecordedRequest]) -> bool,
        deadline: Duration,
    ) -> Result<Vec<RecordedRequest>, WaitError> {
        let mut changed = self.shared.changed.subscribe();
        let reached = tokio::time::timeout(deadline, async {
            loop {
                let requests = self.requests();
                if condition(&requests) {
                    return requests;
                }
                // The sender lives as long as `self`.
                drop(changed.changed().await);
            }
        });
        reached.await.map_err(|_| WaitError {
            waited: deadline,
            requests: self.requests().iter().map(RequestSummary::from).collect(),
        })
    }

    /// Lets every answer that hangs now go on.
    pub fn release(&self) {
        self.shared.release();
    }

    /// Replaces the script and forgets all counters. Answers that are being played go on.
    pub fn set_script(&self, script: Script) {
        self.shared.lock().engine = Engine::new(script);
    }

    /// Stops: hanging answers break off, connections close.
    pub async fn shutdown(mut self) {
        self.signal_stop();
        if tokio::time::timeout(SHUTDOWN_GRACE, &mut self.serving)
            .await
            .is_err()
        {
            self.serving.abort();
        }
    }

    fn signal_stop(&mut self) {
        self.shared.stopped.send_replace(true);
        if let Some(stop) = self.stop.take() {
            // The receiver is gone when serving has ended by itself, which is what we want.
            let _ = stop.send(());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal_stop();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn release(&self) {
        // Under the lock, see the invariant.
        let _inner = self.lock();
        self.released.send_modify(|count| *count += 1);
    }

    fn finish(&self, number: usize, outcome: Outcome) {
        if let Some(request) = self.lock().requests.get_mut(number) {
            request.outcome = outcome;
        }
        self.changed.send_modify(|count| *count += 1);
    }

    /// Picks the answer, records the request with it, and takes the release ticket.
    fn record(
        &self,
        conversation: &Conversation,
        body: Bytes,
    ) -> (usize, Play, watch::Receiver<u64>) {
        let mut inner = self.lock();
        let play = inner.engine.pick(conversation);
        let number = inner.requests.len();
        let since_1970 = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        inner.requests.push(RecordedRequest {
            number,
            at: Instant::now(),
            at_unix_ms: u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
            thread_id: conversation.thread_id.clone(),
            turn_id: conversation.turn_id.clone(),
            kind: conversation.kind,
            model: conversation.model.clone(),
            user_texts: conversation.user_texts.clone(),
            tool_names: conversation.tool_names.clone(),
            tool_outputs: conversation.outputs.clone(),
            rule: play.rule.clone(),
            step: play.step_index,
            outcome: Outcome::Answering,
            raw_body: Some(body),
        });
        if let Some(old) = number.checked_sub(KEPT_BODIES) {
            inner.requests[old].raw_body = None;
        }
        let ticket = self.released.subscribe();
        drop(inner);
        self.changed.send_modify(|count| *count += 1);
        (number, play, ticket)
    }
}

async fn admin_requests(State(shared): State<Arc<Shared>>) -> Response {
    Json(&shared.lock().requests).into_response()
}

async fn admin_release(State(shared): State<Arc<Shared>>) -> StatusCode {
    shared.release();
    StatusCode::NO_CONTENT
}

async fn admin_script(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    match serde_json::from_slice(&body) {
        Ok(script) => {
            shared.lock().engine = Engine::new(script);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => refuse(
            StatusCode::BAD_REQUEST,
            &format!("the script is not valid: {error}"),
        ),
    }
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (
        status,
        Json(json!({"error": {"type": "mock_error", "message": message}})),
    )
        .into_response()
}

async fn respond(State(shared): State<Arc<Shared>>, headers: HeaderMap, bytes: Bytes) -> Response {
    let body: Value = match serde_json::from_slice(&bytes) {
        Ok(body) => body,
        Err(error) => {
            return refuse(
                StatusCode::BAD_REQUEST,
                &format!("the request is not JSON: {error}"),
            );
        }
    };
    let conversation = Conversation::read(&headers, &body);
    let (number, play, ticket) = shared.record(&conversation, bytes);
    // From here on the guard says what became of the request, also when the client leaves during a pause.
    let mut finish = Finish {
        shared: Arc::clone(&shared),
        number,
        outcome: Outcome::Abandoned,
    };
    tokio::time::sleep(Duration::from_millis(play.step.delay_ms)).await;
    let limits = play.step.limits.as_ref().map(Limits::headers);
    let limits = limits.unwrap_or_default();
    if let Some(fail) = &play.step.fail {
        finish.outcome = Outcome::Failed;
        return (limits, fail_response(fail)).into_response();
    }
    let frames = match answer::frames(&play.step, &conversation, number) {
        Ok(frames) => frames,
        Err(error) => {
            finish.outcome = Outcome::Failed;
            let rule = play.rule.as_deref().unwrap_or("otherwise");
            return refuse(
                StatusCode::BAD_REQUEST,
                &format!("rule {rule:?}, step {}: {error}", play.step_index),
            );
        }
    };
    let (events, stream) = mpsc::channel(STREAM_SLOTS);
    let hang = play.step.hang.then_some(ticket);
    tokio::spawn(async move {
        // The whole guard moves in here; by itself the block would copy only the fields that it names.
        let mut finish = finish;
        let left = events.clone();
        let mut stopped = finish.shared.stopped.subscribe();
        tokio::select! {
            sent = play_frames(&events, number, frames, hang) => {
                if sent.is_ok() {
                    finish.outcome = Outcome::Answered;
                }
            }
            () = left.closed() => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    });
    let stream = futures_util::stream::unfold(stream, |mut stream: mpsc::Receiver<Bytes>| async {
        let event = stream.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(event), stream))
    });
    (
        limits,
        [(header::CONTENT_TYPE, "text/event-stream")],
        Body::from_stream(stream),
    )
        .into_response()
}

async fn play_frames(
    events: &mpsc::Sender<Bytes>,
    number: usize,
    frames: Vec<Frame>,
    hang: Option<watch::Receiver<u64>>,
) -> Result<(), mpsc::error::SendError<Bytes>> {
    let event = |data: &str| Bytes::from(format!("data: {data}\n\n"));
    events.send(event(&answer::created(number))).await?;
    if let Some(mut ticket) = hang {
        // An error means that the server is gone; the stream then ends as well.
        drop(ticket.changed().await);
    }
    for frame in frames {
        tokio::time::sleep(Duration::from_millis(frame.pause_ms)).await;
        events.send(event(&frame.data)).await?;
    }
    Ok(())
}

fn fail_response(fail: &Fail) -> Response {
    let status = StatusCode::from_u16(fail.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if fail.body.is_null() {
        return refuse(status, "the script says so");
    }
    (status, Json(&fail.body)).into_response()
}

/// Writes the outcome into the record when the answer is over, however it ended.
struct Finish {
    shared: Arc<Shared>,
    number: usize,
    outcome: Outcome,
}

impl Drop for Finish {
    fn drop(&mut self) {
        self.shared.finish(self.number, self.outcome);
    }
}
