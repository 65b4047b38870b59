//! One WebSocket: its token, what it gets and what it may send. Pulls output from the feed at its own pace; never
//! makes anybody else wait.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;

use crate::control::Over;
use crate::doorkeeper::{Entry, Grant};
use crate::feed::CHUNK_BYTES;
use crate::input::Refused;
use crate::terminal::Terminal;
use crate::token::Mode;
use crate::viewer_output::send;
use crate::viewers::{Admission, Attachment, Viewer};
use crate::wire::{self, Binary, FromPage, Refusal, close_code};

/// Time for the first message. A page sends it as soon as it is connected.
const ATTACH_WITHIN: Duration = Duration::from_secs(3);
/// Answers to one viewer that it has not read; when it is full its messages are not read either.
const ANSWER_QUEUE: usize = 64;

/// Where a viewer's frames go.
pub type Sink = SplitSink<WebSocket, Message>;

/// What the reading half tells the writing half.
pub enum Note {
    Taken(u32),
    Busy(u32),
    Refused(Refusal),
    Consumed(u64),
    Alive,
}

/// How a connection is to be closed.
pub struct Ended {
    pub code: u16,
    pub reason: &'static str,
}

impl Ended {
    /// The other side is not there any more.
    pub const GONE: Self = Self {
        code: close_code::GOING_AWAY,
        reason: "",
    };

    const LATE: Self = Self {
        code: close_code::TOO_LATE,
        reason: "no attach message came in time",
    };
}

impl From<Over> for Ended {
    fn from(over: Over) -> Self {
        let (code, reason) = match over {
            Over::LoggedOut => (
                close_code::LOGGED_OUT,
                "the browser was logged out that this address was given to",
            ),
            Over::Revoked => (
                close_code::REVOKED,
                "the token was revoked for which this address was made",
            ),
            Over::Restarted => (
                close_code::RESTARTED,
                "zhongshu was started again; log in and open the terminal again",
            ),
        };
        Self { code, reason }
    }
}

/// What a page asked for with its token.
pub struct Attach {
    pub offset: Option<u64>,
    pub window: u64,
}

/// Serves one socket to its end.
pub async fn serve(terminal: Arc<Terminal>, admission: Admission, socket: WebSocket) {
    let mut cut = terminal.cut.subscribe();
    cut.mark_unchanged();
    let (mut sink, mut stream) = socket.split();
    let ended = match attach(&terminal, admission, &mut stream).await {
        Err(ended) => ended,
        Ok((attachment, grant, attach)) => {
            let (notes_tx, notes) = mpsc::channel(ANSWER_QUEUE);
            let viewer = &attachment.viewer;
            tokio::select! {
                ended = receive(&terminal, viewer, &mut stream, notes_tx) => ended,
                ended = send(&terminal, viewer, &attach, &mut sink, notes) => ended,
                _ = cut.changed() => cut_off(&terminal),
                over = grant.over() => over.into(),
            }
        }
    };
    let frame = CloseFrame {
        code: ended.code,
        reason: ended.reason.into(),
    };
    // A viewer that does not read its last frame must not hold anything up.
    let farewell = sink.send(Message::Close(Some(frame)));
    tokio::time::timeout(Duration::from_millis(250), farewell)
        .await
        .ok();
}

/// Viewers are cut off at the very end too, after the program's last output was sent.
fn cut_off(terminal: &Terminal) -> Ended {
    if terminal.close.borrow().is_some() {
        Ended {
            code: close_code::GOING_AWAY,
            reason: "the terminal was closed",
        }
    } else {
        Ended {
            code: close_code::CUT,
            reason: "the viewers were cut off",
        }
    }
}

async fn attach(
    terminal: &Arc<Terminal>,
    mut admission: Admission,
    stream: &mut SplitStream<WebSocket>,
) -> Result<(Attachment, Arc<Grant>, Attach), Ended> {
    let unauthorised = Ended {
        code: close_code::UNAUTHORISED,
        reason: "the first message must be an attach with a valid token",
    };
    let first = tokio::select! {
        first = tokio::time::timeout(ATTACH_WITHIN, stream.next()) => first,
        () = admission.lost() => return Err(Ended::LATE),
    };
    let first = match first {
        Err(_) => return Err(Ended::LATE),
        Ok(Some(Ok(Message::Text(text)))) => serde_json::from_str(&text).ok(),
        Ok(Some(Err(error))) => return Err(broken(error)),
        Ok(_) => None,
    };
    let Some(FromPage::Attach {
        token,
        offset,
        client,
        window,
    }) = first
    else {
        return Err(unauthorised);
    };
    let entry = tokio::select! {
        entry = terminal.doorkeeper.enter(&token) => entry,
        () = admission.lost() => return Err(Ended::LATE),
    };
    let grant = match entry {
        Entry::Granted(grant) => grant,
        Entry::Unknown => return Err(unauthorised),
        Entry::Unattended => {
            return Err(Ended {
                code: close_code::UNATTENDED,
                reason: "zhongshu does not run, so nobody new is let in; try again",
            });
        }
    };
    // Nobody writes to a file.
    let mode = match terminal.program {
        Some(_) => grant.mode,
        None => Mode::Read,
    };
    let attachment = admission.attach(mode, client).ok_or(Ended {
        code: close_code::FULL,
        reason: "eight viewers are the most",
    })?;
    let attach = Attach {
        offset,
        window: window.map_or(u64::MAX, |window| window.max(CHUNK_BYTES as u64)),
    };
    Ok((attachment, grant, attach))
}

async fn receive(
    terminal: &Terminal,
    viewer: &Viewer,
    stream: &mut SplitStream<WebSocket>,
    notes: mpsc::Sender<Note>,
) -> Ended {
    let foreign = Ended {
        code: close_code::POLICY,
        reason: "a message is not of this protocol",
    };
    while let Some(message) = stream.next().await {
        let message = match message {
            Ok(message) => message,
            Err(error) => return broken(error),
        };
        let note = match message {
            Message::Binary(bytes) => match wire::parse_binary(&bytes) {
                None => return foreign,
                Some(Binary::Consumed(offset)) => Some(Note::Consumed(offset)),
                Some(_) if viewer.mode == Mode::Read => refuse(viewer, Refusal::ReadOnly),
                Some(Binary::Reply(reply)) => {
                    // Others answer the same query with another size or colour; the program asked once.
                    if terminal.is_owner(viewer) && terminal.input(reply).is_ok() {
                        None
                    } else {
                        viewer.dropped.fetch_add(1, Ordering::Relaxed);
                        None
                    }
                }
                Some(Binary::Input(number, data)) => {
                    terminal.focus(viewer);
                    match terminal.numbered_input(&viewer.client, number, data) {
                        Ok(next) => Some(Note::Taken(next)),
                        Err(Refused::Busy) => Some(Note::Busy(terminal.next_input(&viewer.client))),
                        Err(Refused::Closed) => refuse(viewer, Refusal::Closed),
                    }
                }
            },
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(FromPage::Resize { .. } | FromPage::Focus) if viewer.mode == Mode::Read => {
                    refuse(viewer, Refusal::ReadOnly)
                }
                Ok(FromPage::Resize { cols, rows }) => {
                    if terminal.is_owner(viewer) {
                        terminal.want_size(wire::side(cols), wire::side(rows));
                    }
                    None
                }
                Ok(FromPage::Focus) => {
                    terminal.focus(viewer);
                    None
                }
                Ok(FromPage::Attach { .. }) | Err(_) => return foreign,
            },
            Message::Close(_) => return Ended::GONE,
            Message::Ping(_) | Message::Pong(_) => None,
        };
        if notes.send(note.unwrap_or(Note::Alive)).await.is_err() {
            return Ended::GONE;
        }
    }
    Ended::GONE
}

/// How a connection ends whose frames are none of the WebSocket protocol, or larger than we take.
fn broken(error: axum::Error) -> Ended {
    use tungstenite::Error;
    let (code, reason) = match error.into_inner().downcast_ref() {
        Some(Error::Capacity(_)) => (close_code::TOO_LARGE, "a message is too large"),
        Some(Error::Utf8(_)) => (close_code::NOT_TEXT, "a text is not UTF-8"),
        Some(Error::Protocol(_)) => (close_code::PROTOCOL, "a frame is not of the protocol"),
        _ => return Ended::GONE,
    };
    Ended { code, reason }
}

fn refuse(viewer: &Viewer, refusal: Refusal) -> Option<Note> {
    viewer.dropped.fetch_add(1, Ordering::Relaxed);
    Some(Note::Refused(refusal))
}
