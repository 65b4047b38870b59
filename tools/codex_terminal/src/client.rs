//! The launcher's side of a control socket: one request at a time awaited, events in a bounded channel. Never
//! retries or reconnects by itself.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};

use crate::control::{Event, MAX_LINE_BYTES, Request, RequestLine, StateView};

/// Events come a few per second; whoever leaves 256 unread has stopped reading. Output events are skipped then,
/// any other ends the connection, so that a launcher never believes an old state.
const EVENT_QUEUE: usize = 256;
/// The sidecar answers within milliseconds; a paste may wait 5 s for a program that does not read.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing listens there.
    #[error("connect to the terminal's control socket {path}")]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The sidecar said no, and why.
    #[error("{0}")]
    Refused(String),
    /// The connection ended.
    #[error("the terminal closed its control connection")]
    Closed,
    /// No answer came in time.
    #[error("the terminal did not answer")]
    TimedOut,
}

type Answer = Result<Option<StateView>, String>;

#[derive(Default)]
struct Waiting {
    answers: HashMap<u64, oneshot::Sender<Answer>>,
    states: HashMap<u64, StateView>,
    closed: bool,
}

/// A connection to one terminal. Dropping all clones closes it.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    writer: tokio::sync::Mutex<OwnedWriteHalf>,
    waiting: Arc<Mutex<Waiting>>,
    next_id: AtomicU64,
    reader: tokio::task::AbortHandle,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Connects; the first event is `hello`.
pub async fn connect(path: &Path) -> Result<(Client, mpsc::Receiver<Event>), Error> {
    let stream = UnixStream::connect(path)
        .await
        .map_err(|source| Error::Connect {
            path: path.to_owned(),
            source,
        })?;
    let (reader, writer) = stream.into_split();
    let (events_tx, events) = mpsc::channel(EVENT_QUEUE);
    let waiting: Arc<Mutex<Waiting>> = Arc::default();
    let task = tokio::spawn(read(reader, events_tx, waiting.clone()));
    let inner = Inner {
        writer: tokio::sync::Mutex::new(writer),
        waiting,
        next_id: AtomicU64::new(1),
        reader: task.abort_handle(),
    };
    Ok((
        Client {
            inner: Arc::new(inner),
        },
        events,
    ))
}

impl Client {
    /// Sends one request and waits for its answer; `state` gives the state.
    pub async fn request(&self, request: Request) -> Result<Option<StateView>, Error> {
        let id = self.inner.next_id.fetch_add(1, Ordering::Relaxed);
        let line = RequestLine {
            id: Some(id),
            request,
        };
        let mut line = serde_json::to_vec(&line).expect("a request is plain data");
        line.push(b'\n');
        let (tx, rx) = oneshot::channel();
        {
            let mut waiting = lock(&self.inner.waiting);
            if waiting.closed {
                return Err(Error::Closed);
            }
            waiting.answers.insert(id, tx);
        }
        let exchange = async {
            let mut writer = self.inner.writer.lock().await;
            writer.write_all(&line).await.map_err(|_| Error::Closed)?;
            drop(writer);
            rx.await.map_err(|_| Error::Closed)?.map_err(Error::Refused)
        };
        let result = tokio::time::timeout(ANSWER_WITHIN, exchange).await;
        lock(&self.inner.waiting).answers.remove(&id);
        result.unwrap_or(Err(Error::TimedOut))
    }

    /// Types text.
    pub async fn input(&self, text: impl Into<String>) -> Result<(), Error> {
        let data = text.into();
        let base64 = false;
        self.request(Request::Input { data, base64 })
            .await
            .map(drop)
    }

    /// Pastes text and, if wanted, Enter.
    pub async fn paste(&self, text: impl Into<String>, submit: bool) -> Result<(), Error> {
        let (text, once) = (text.into(), None);
        self.request(Request::Paste { text, submit, once })
            .await
            .map(drop)
    }

    /// Pastes text and Enter, unless that was done under this name before.
    pub async fn submit_once(
        &self,
        name: impl Into<String>,
        text: impl Into<String>,
    ) -> Result<(), Error> {
        let (text, once, submit) = (text.into(), Some(name.into()), true);
        self.request(Request::Paste { text, submit, once })
            .await
            .map(drop)
    }

    /// The terminal at this moment.
    pub async fn state(&self) -> Result<StateView, Error> {
        self.request(Request::State).await?.ok_or(Error::Closed)
    }

    /// Begins the end of the terminal; [`Client::closed`] waits for it.
    pub async fn close(&self, grace: Duration) -> Result<(), Error> {
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        self.request(Request::Close { grace_ms }).await.map(drop)
    }

    /// Returns when the sidecar has closed the connection.
    pub async fn closed(&self) {
        let (tx, rx) = oneshot::channel();
        {
            let mut waiting = lock(&self.inner.waiting);
            if waiting.closed {
                return;
            }
            let id = self.inner.next_id.fetch_add(1, Ordering::Relaxed);
            waiting.answers.insert(id, tx);
        }
        // Nobody answers this id: the sender is dropped when the connection ends.
        rx.await.ok();
    }
}

fn lock(waiting: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Closes the books however the reading ends, also when its task is aborted.
struct Closing(Arc<Mutex<Waiting>>);

impl Drop for Closing {
    fn drop(&mut self) {
        let mut waiting = lock(&self.0);
        waiting.closed = true;
        waiting.answers.clear();
    }
}

async fn read(reader: OwnedReadHalf, events: mpsc::Sender<Event>, waiting: Arc<Mutex<Waiting>>) {
    let closing = Closing(waiting);
    let mut lines = BufReader::with_capacity(4 << 10, reader);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = (&mut lines).take(MAX_LINE_BYTES as u64);
        match limited.read_until(b'\n', &mut line).await {
            Ok(count) if count > 0 && line.ends_with(b"\n") => {}
            _ => return,
        }
        let Ok(event) = serde_json::from_slice::<Event>(&line) else {
            // A newer sidecar may say more than we know.
            continue;
        };
        if !deliver(event, &events, &closing.0) {
            return;
        }
    }
}

fn deliver(event: Event, events: &mpsc::Sender<Event>, waiting: &Mutex<Waiting>) -> bool {
    let mut books = lock(waiting);
    match event {
        Event::Ack { id } => {
            let state = books.states.remove(&id);
            if let Some(answer) = books.answers.remove(&id) {
                // The asker may have given up.
                answer.send(Ok(state)).ok();
            }
        }
        Event::Error {
            id: Some(id),
            message,
        } => {
            if let Some(answer) = books.answers.remove(&id) {
                answer.send(Err(message)).ok();
            }
        }
        Event::State(state) => {
            if let Some(id) = state.id.filter(|id| books.answers.contains_key(id)) {
                books.states.insert(id, state);
            }
        }
        event => {
            // Anybody can make a terminal ask whose a token is: a question too many is lost, never the connection.
            let skippable = matches!(event, Event::Output { .. } | Event::Presented { .. });
            return match events.try_send(event) {
                Ok(()) => true,
                Err(mpsc::error::TrySendError::Full(_)) => skippable,
                // Whoever only sends requests may drop the receiver.
                Err(mpsc::error::TrySendError::Closed(_)) => true,
            };
        }
    }
    true
}
