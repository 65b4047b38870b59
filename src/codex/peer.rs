//! Owns one connection to the app-server: calls and their replies, the events that come by themselves, and the end of it all. It starts and restarts
//! nothing; that is the supervisor's.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use serde_json::Value;
use tokio::{
    net::UnixStream,
    sync::{Semaphore, mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval_at, timeout, timeout_at},
};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, debug_span};

use super::{
    calls::{Call, Initialize, Initialized},
    events::{Notification, ServerRequest},
    overheard::Overheard,
    transport::{Connection, MAX_MESSAGE_BYTES},
    wire::{Frame, OVERLOADED, RequestId, RpcError},
};
use crate::domain::sentence::say;

/// Calls under way at once. The app-server refuses bursts of more than about 200 (300 lost half); far fewer are ever needed.
const MAX_CALLS: usize = 64;
/// Messages waiting to be written. With `MAX_CALLS` and a few answers it is never full unless the app-server stops reading.
const OUTGOING: usize = 128;
/// How often an overloaded app-server is asked again.
const OVERLOAD_RETRIES: u32 = 6;
/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// There is no connection, or it ended before the reply came. The call may or may not have had its effect.
    #[error("{}", say!("reason.codex.unreachable", reason))]
    Closed {
        /// What happened to the connection.
        reason: String,
    },
    /// No reply in time. The call may still have its effect.
    #[error("{}", say!("reason.codex.timed_out", method, seconds))]
    TimedOut {
        /// The method.
        method: String,
        /// The limit.
        seconds: u64,
    },
    /// The app-server refused.
    #[error("{method}: {message} ({code})")]
    Refused {
        /// The method.
        method: String,
        /// The JSON-RPC code.
        code: i64,
        /// What the app-server says.
        message: String,
        /// More, for programs.
        data: Option<Value>,
    },
    /// The reply does not have the expected form.
    #[error("{}", say!("reason.codex.malformed", method, reason))]
    Malformed {
        /// The method.
        method: String,
        /// What is wrong.
        reason: String,
    },
    /// The message is larger than the app-server takes.
    #[error("{}", say!("reason.codex.too_large", method, bytes, max_message_bytes = MAX_MESSAGE_BYTES))]
    TooLarge {
        /// The method.
        method: String,
        /// Its size.
        bytes: usize,
    },
    /// The request that should be answered belongs to an app-server that has ended.
    #[error("{}", say!("reason.codex.outdated"))]
    Outdated,
}

impl CallError {
    fn refused(method: &str, said: RpcError) -> Self {
        let RpcError {
            code,
            message,
            data,
        } = said;
        let method = method.to_owned();
        Self::Refused {
            method,
            code,
            message,
            data,
        }
    }

    /// Whether the app-server refused with a message that contains `text`.
    pub fn is_refusal(&self, text: &str) -> bool {
        matches!(self, Self::Refused { message, .. } if message.contains(text))
    }
}

/// Where a connection hands over what comes by itself.
pub(super) trait Sink: Send + Sync + 'static {
    /// Takes an event without waiting; an error closes the connection.
    fn notification(&self, notification: Notification) -> Result<(), String>;
    /// Takes a request without waiting; an error closes the connection.
    fn request(&self, id: RequestId, request: ServerRequest) -> Result<(), String>;
    /// Is told of either as it came, before it is read.
    fn overheard(&self, _: &Overheard<'_>) {}
}

type Replies = HashMap<i64, oneshot::Sender<Result<Value, RpcError>>>;

enum State {
    Open(Replies),
    Closed(String),
}

/// One connection. Clones share it.
///
/// # No-waiting-reader invariant
/// The task that reads never waits: replies go to oneshots, events to a sink that does not block. So a person who takes an hour for an
/// approval, or an owner that is itself inside a call, never keeps a reply from its caller.
#[derive(Clone)]
pub(super) struct Peer {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    outgoing: mpsc::Sender<Message>,
    permits: Semaphore,
    next_id: AtomicI64,
    closed: CancellationToken,
}

impl Peer {
    /// Takes a fresh connection into service.
    pub(super) fn start(connection: Connection, sink: impl Sink, silence_limit: Duration) -> Self {
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        let shared = Arc::new(Shared {
            state: Mutex::new(State::Open(HashMap::new())),
            outgoing,
            permits: Semaphore::new(MAX_CALLS),
            next_id: AtomicI64::new(1),
            closed: CancellationToken::new(),
        });
        let (write, read) = connection.socket.split();
        tokio::spawn(write_all(
            Arc::clone(&shared),
            write,
            queue,
            silence_limit * 2 / 5,
        ));
        tokio::spawn(read_all(Arc::clone(&shared), read, sink, silence_limit));
        Self { shared }
    }

    /// Introduces us; the first call of every connection.
    pub(super) async fn initialize(
        &self,
        params: &Initialize,
        limit: Duration,
    ) -> Result<Initialized, CallError> {
        let params = to_value(Initialize::METHOD, params)?;
        let reply = self.call(Initialize::METHOD, &params, limit).await?;
        self.send(
            Frame::Notification {
                method: "initialized".to_owned(),
                params: Value::Null,
            },
            limit,
        )
        .await?;
        from_value(Initialize::METHOD, reply)
    }

    /// Calls a method. An overloaded app-server is asked again, with growing, jittered pauses, inside the same limit.
    pub(super) async fn call(
        &self,
        method: &str,
        params: &Value,
        limit: Duration,
    ) -> Result<Value, CallError> {
        let late = || CallError::TimedOut {
            method: method.to_owned(),
            seconds: limit.as_secs(),
        };
        let deadline = Instant::now() + limit;
        let work = async {
            // The semaphore is never closed.
            let _permit = self.shared.permits.acquire().await;
            let mut attempt = 0;
            loop {
                match self.ask(method, params).await {
                    Err(CallError::Refused {
                        code: OVERLOADED, ..
                    }) if attempt < OVERLOAD_RETRIES => {
                        attempt += 1;
                        tokio::time::sleep(jittered(
                            Duration::from_millis(25) * 2_u32.pow(attempt),
                        ))
                        .await;
                    }
                    outcome => return outcome,
                }
            }
        };
        timeout_at(deadline, work)
            .instrument(debug_span!("rpc", method))
            .await
            .unwrap_or_else(|_| Err(late()))
    }

    async fn ask(&self, method: &str, params: &Value) -> Result<Value, CallError> {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        let _entry = self.expect(id, reply)?;
        let frame = Frame::Request {
            id: RequestId::Number(id),
            method: method.to_owned(),
            params: params.clone(),
        };
        self.post(method, frame).await?;
        tracing::trace!("a call is under way");
        match answer.await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(said)) => Err(CallError::refused(method, said)),
            Err(_) => Err(self.shared.gone()),
        }
    }

    /// Sends a message that has no reply.
    pub(super) async fn send(&self, frame: Frame, limit: Duration) -> Result<(), CallError> {
        let name = match &frame {
            Frame::Request { method, .. } | Frame::Notification { method, .. } => method.clone(),
            Frame::Reply { .. } => "an answer".to_owned(),
        };
        match timeout(limit, self.post(&name, frame)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(CallError::TimedOut {
                method: name,
                seconds: limit.as_secs(),
            }),
        }
    }

    async fn post(&self, method: &str, frame: Frame) -> Result<(), CallError> {
        let text = frame.to_string();
        if text.len() > MAX_MESSAGE_BYTES {
            return Err(CallError::TooLarge {
                method: method.to_owned(),
                bytes: text.len(),
            });
        }
        self.shared
            .outgoing
            .send(Message::text(text))
            .await
            .map_err(|_| self.shared.gone())
    }

    fn expect(
        &self,
        id: i64,
        reply: oneshot::Sender<Result<Value, RpcError>>,
    ) -> Result<Entry<'_>, CallError> {
        match &mut *self.shared.lock() {
            State::Open(replies) => {
                replies.insert(id, reply);
                Ok(Entry {
                    shared: &self.shared,
                    id,
                })
            }
            State::Closed(reason) => Err(CallError::Closed {
                reason: reason.clone(),
            }),
        }
    }

    /// Ends the connection; every call under way fails with the reason.
    pub(super) fn close(&self, reason: &str) {
        self.shared.close(reason);
    }

    /// Returns when the connection has ended, with the reason.
    pub(super) async fn closed(&self) -> String {
        self.shared.closed.cancelled().await;
        match &*self.shared.lock() {
            State::Closed(reason) => reason.clone(),
            State::Open(_) => String::new(),
        }
    }
}

/// Takes a call off the list when its caller gives up, so that the list cannot grow.
struct Entry<'a> {
    shared: &'a Shared,
    id: i64,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if let State::Open(replies) = &mut *self.shared.lock() {
            replies.remove(&self.id);
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first reason stays. Dropping the senders is what fails the calls.
    fn close(&self, reason: &str) {
        let mut state = self.lock();
        if matches!(*state, State::Open(_)) {
            *state = State::Closed(reason.to_owned());
        }
        drop(state);
        self.closed.cancel();
    }

    fn gone(&self) -> CallError {
        let reason = match &*self.lock() {
            State::Closed(reason) => reason.clone(),
            State::Open(_) => "the connection is ending".to_owned(),
        };
        CallError::Closed { reason }
    }

    fn reply(&self, id: &RequestId, outcome: Result<Value, RpcError>) {
        let waiting = match (&mut *self.lock(), id) {
            (State::Open(replies), RequestId::Number(id)) => replies.remove(id),
            _ => None,
        };
        match waiting {
            // An error means that the caller has given up in this moment.
            Some(reply) => drop(reply.send(outcome)),
            None => tracing::debug!(%id, "a reply that nobody waits for"),
        }
    }
}

type Socket = WebSocketStream<UnixStream>;

async fn write_all(
    shared: Arc<Shared>,
    mut write: SplitSink<Socket, Message>,
    mut queue: mpsc::Receiver<Message>,
    ping_every: Duration,
) {
    let mut pings = interval_at(Instant::now() + ping_every, ping_every);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let ended = async {
        loop {
            let message = tokio::select! {
                Some(message) = queue.recv() => message,
                _ = pings.tick() => Message::Ping(Vec::new().into()),
            };
            if let Err(error) = write.send(message).await {
                return error;
            }
        }
    };
    tokio::select! {
        error = ended => shared.close(&format!("writing failed: {error}")),
        () = shared.closed.cancelled() => {}
    }
    // Saying goodbye is a courtesy; the other side may be gone already.
    let _ = timeout(Duration::from_millis(200), write.close()).await;
}

async fn read_all(
    shared: Arc<Shared>,
    mut read: SplitStream<Socket>,
    sink: impl Sink,
    silence_limit: Duration,
) {
    let ended = async {
        loop {
            let message = match timeout(silence_limit, read.next()).await {
                Err(_) => return format!("codex has been silent for {silence_limit:?}"),
                Ok(None | Some(Ok(Message::Close(_)))) => {
                    return "codex closed the connection".to_owned();
                }
                Ok(Some(Err(error))) => return format!("reading failed: {error}"),
                Ok(Some(Ok(message))) => message,
            };
            let Message::Text(text) = message else {
                continue;
            };
            if let Err(reason) = dispatch(&shared, &sink, &text) {
                return reason;
            }
        }
    };
    tokio::select! {
        reason = ended => shared.close(&reason),
        () = shared.closed.cancelled() => {}
    }
}

fn dispatch(shared: &Shared, sink: &impl Sink, text: &str) -> Result<(), String> {
    match Frame::parse(text) {
        Ok(Frame::Reply { id, outcome }) => {
            shared.reply(&id, outcome);
            Ok(())
        }
        Ok(Frame::Notification { method, params }) => {
            sink.overheard(&Overheard::of(text, &method, &params, None));
            sink.notification(Notification::read(method, params))
        }
        Ok(Frame::Request { id, method, params }) => {
            sink.overheard(&Overheard::of(text, &method, &params, Some(&id)));
            sink.request(id, ServerRequest { method, params })
        }
        // One unreadable message is no reason to drop the connection and every call on it.
        Err(error) => {
            tracing::warn!(%error, bytes = text.len(), "an unreadable message from Codex");
            Ok(())
        }
    }
}

/// The parameters of a call as they go out.
pub(super) fn to_value<T: serde::Serialize>(method: &str, params: &T) -> Result<Value, CallError> {
    serde_json::to_value(params).map_err(|error| CallError::Malformed {
        method: method.to_owned(),
        reason: error.to_string(),
    })
}

/// A reply as its type.
pub(super) fn from_value<T: serde::de::DeserializeOwned>(
    method: &str,
    reply: Value,
) -> Result<T, CallError> {
    serde_json::from_value(reply).map_err(|error| CallError::Malformed {
        method: method.to_owned(),
        reason: error.to_string(),
    })
}

/// A pause between half and all of `pause`, so that several waiters do not come back in step.
pub(super) fn jittered(pause: Duration) -> Duration {
    // Without randomness there is only no jitter.
    let random = getrandom::u32().unwrap_or(u32::MAX);
    pause.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX) / 2.0)
}

#[cfg(test)]
mod tests;
