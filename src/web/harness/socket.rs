//! One reader of the stream, from its `ready` to its end. What it says is read while it is being told: a reader that does not take what it is
//! told waits for itself, and nobody and nothing waits for it.

use super::App;
use super::commands::{Command, Notice};
use crate::access::Lease;
use crate::harness::stream::cursor::Cursor;
use crate::harness::stream::reach::Filter;
use crate::harness::stream::reader::{Names, Reader, Told};
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Between two pings. A third of what a reader may be silent, so that two may be lost.
const PING_EVERY: Duration = Duration::from_secs(20);
/// A reader from which nothing at all comes for so long is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// What a reader has said and was not answered yet; more than this it is not read.
const UNANSWERED: usize = 16;
/// What a reader gets to take its last frame.
const FAREWELL: Duration = Duration::from_millis(250);

/// What a reader asked for when it came.
#[derive(Debug)]
pub struct Wanted {
    /// The thread that it follows.
    pub thread_id: Option<String>,
    /// Where it stood.
    pub after: Option<Cursor>,
    /// How much it is told of each event.
    pub names: Names,
    /// Whether it is answered when it says something.
    pub ack: bool,
}

/// Why a socket ends.
struct Ended {
    code: u16,
    reason: &'static str,
}

impl Ended {
    /// It has gone by itself.
    const GONE: Self = Self {
        code: close_code::NORMAL,
        reason: "",
    };
}

type Heard = Mutex<Instant>;

/// Tells a reader until one of both has enough.
pub async fn serve(app: &App, wanted: Wanted, lease: Lease, socket: WebSocket) {
    let (mut sink, mut stream) = socket.split();
    let (said, hears) = mpsc::channel(UNANSWERED);
    let heard = Mutex::new(Instant::now());
    let ended = tokio::select! {
        ended = listen(&mut stream, &said, &heard) => ended,
        ended = tell(app, wanted, &mut sink, hears) => ended,
        () = silent(&heard) => Ended {
            code: close_code::POLICY,
            reason: "nothing was heard for a minute",
        },
        () = lease.ended.cancelled() => Ended {
            code: close_code::AWAY,
            reason: "the credential has ended, or the server stops",
        },
    };
    let frame = CloseFrame {
        code: ended.code,
        reason: ended.reason.into(),
    };
    // Whoever does not take its last frame must not hold anything up.
    let farewell = async {
        if sink.send(Message::Close(Some(frame))).await.is_ok() {
            // What it still says is read: an end with something unread would take the last frame back.
            while let Some(Ok(_)) = stream.next().await {}
        }
    };
    tokio::time::timeout(FAREWELL, farewell).await.ok();
}

/// Returns when nothing was heard for too long.
async fn silent(heard: &Heard) {
    loop {
        let deadline = *heard.lock().unwrap_or_else(PoisonError::into_inner) + SILENCE;
        if Instant::now() >= deadline {
            return;
        }
        tokio::time::sleep_until(deadline).await;
    }
}

/// Reads what is said.
async fn listen(
    stream: &mut SplitStream<WebSocket>,
    said: &mpsc::Sender<Option<Command>>,
    heard: &Heard,
) -> Ended {
    while let Some(message) = stream.next().await {
        *heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let text = match &message {
            Ok(Message::Text(text)) => text.as_bytes(),
            Ok(Message::Binary(bytes)) => bytes.as_ref(),
            Ok(Message::Ping(_) | Message::Pong(_)) => continue,
            Ok(Message::Close(_)) => return Ended::GONE,
            Err(error) => return broken(error),
        };
        if !text.is_empty() && said.send(Command::read(text)).await.is_err() {
            return Ended::GONE;
        }
    }
    Ended::GONE
}

/// How a socket ends whose frames are none of the protocol, or larger than is read.
fn broken(error: &axum::Error) -> Ended {
    use std::error::Error as _;
    use tokio_tungstenite::tungstenite::Error;
    let (code, reason) = match error.source().and_then(|it| it.downcast_ref()) {
        Some(Error::Capacity(_)) => (close_code::SIZE, "a message is too large"),
        Some(Error::Utf8(_)) => (close_code::INVALID, "a text is not UTF-8"),
        Some(Error::Protocol(_)) => (close_code::PROTOCOL, "a frame is not of the protocol"),
        _ => return Ended::GONE,
    };
    Ended { code, reason }
}

/// Answers, and tells what happens.
async fn tell(
    app: &App,
    wanted: Wanted,
    sink: &mut SplitSink<WebSocket, Message>,
    mut hears: mpsc::Receiver<Option<Command>>,
) -> Ended {
    let mut reader = app.reader(wanted.after.as_ref(), wanted.names);
    if let Some(id) = &wanted.thread_id {
        reader.follow(Filter::of([id.clone()])).await;
    }
    let ready = Notice::Ready {
        thread_id: wanted.thread_id.as_deref(),
        cursor: reader.cursor().to_string(),
    };
    if sink.send(Message::text(ready.text())).await.is_err() {
        return Ended::GONE;
    }
    let mut pings = tokio::time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    loop {
        let sent = tokio::select! {
            biased;
            command = hears.recv() => match command {
                Some(command) => {
                    let answer = obey(&mut reader, command, wanted.ack).await;
                    match answer {
                        Some(answer) => sink.send(Message::text(answer.text())).await,
                        None => Ok(()),
                    }
                }
                None => return Ended::GONE,
            },
            _ = pings.tick() => sink.send(Message::Ping(Bytes::new())).await,
            told = reader.next() => send(sink, told).await,
        };
        if sent.is_err() {
            return Ended::GONE;
        }
    }
}

async fn obey(reader: &mut Reader, command: Option<Command>, ack: bool) -> Option<Notice<'static>> {
    let Some(command) = command else {
        return Some(Notice::INVALID);
    };
    let name = command.name();
    match command {
        Command::Ping => return Some(Notice::Pong),
        Command::Subscribe(filter) => reader.follow(filter).await,
        Command::Unsubscribe => reader.follow(Filter::Everything).await,
    }
    ack.then_some(Notice::Ok { command: name })
}

async fn send(sink: &mut SplitSink<WebSocket, Message>, told: Told) -> Result<(), axum::Error> {
    match told {
        Told::Reset(cursor) => {
            let notice = Notice::reset(&cursor);
            sink.send(Message::text(notice.text())).await
        }
        Told::Frames(texts) => {
            for text in texts {
                sink.send(Message::Text(shared(text))).await?;
            }
            Ok(())
        }
    }
}

/// A text as it is sent, without a copy of it for each reader.
fn shared(text: Arc<str>) -> Utf8Bytes {
    struct Shared(Arc<str>);
    impl AsRef<[u8]> for Shared {
        fn as_ref(&self) -> &[u8] {
            self.0.as_bytes()
        }
    }
    let bytes = Bytes::from_owner(Shared(text));
    Utf8Bytes::try_from(bytes).expect("a text is UTF-8")
}
