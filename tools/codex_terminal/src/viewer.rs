//! One WebSocket: its token, what it gets and what it may send. Pulls output from the feed at its own pace; never
//! makes anybody else wait.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use crate::descriptor::State;
use crate::feed::{CHUNK_BYTES, Cursor, Mark, Pull};
use crate::input::Refused;
use crate::terminal::{Admission, Attachment, Terminal, Viewer};
use crate::token::Mode;
use crate::wire::{self, Binary, Exit, FromPage, OUTPUT_HEADER, Refusal, ToPage, close_code};

/// Time for the first message.
const ATTACH_WITHIN: Duration = Duration::from_secs(10);
const PING_EVERY: Duration = Duration::from_secs(20);
/// Three missed pings. Also how long one frame may take: a viewer that reads nothing for so long is gone.
const SILENT_AFTER: Duration = Duration::from_secs(60);
/// Acknowledgements of keystrokes ride along with others instead of costing a frame each.
const ACK_DELAY: Duration = Duration::from_millis(30);
/// Answers to one viewer that it has not read; when it is full its messages are not read either.
const ANSWER_QUEUE: usize = 64;
/// A page's made-up name.
const MAX_CLIENT_NAME: usize = 64;

type Sink = SplitSink<WebSocket, Message>;

/// What the reading half tells the writing half.
enum Note {
    Taken(u32),
    Busy(u32),
    Refused(Refusal),
    Consumed(u64),
    Alive,
}

/// How a connection is to be closed.
struct Ended {
    code: u16,
    reason: &'static str,
}

impl Ended {
    const GONE: Self = Self {
        code: close_code::GOING_AWAY,
        reason: "",
    };
}

struct Attach {
    offset: Option<u64>,
    client: String,
    window: u64,
}

/// Serves one socket to its end.
pub async fn serve(terminal: Arc<Terminal>, admission: Admission, socket: WebSocket) {
    let mut cut = terminal.cut.subscribe();
    cut.mark_unchanged();
    let (mut sink, mut stream) = socket.split();
    let ended = match attach(&terminal, admission, &mut stream).await {
        Err(ended) => ended,
        Ok((attachment, attach)) => {
            let (notes_tx, notes) = mpsc::channel(ANSWER_QUEUE);
            let viewer = &attachment.viewer;
            tokio::select! {
                ended = receive(&terminal, viewer, &attach.client, &mut stream, notes_tx) => ended,
                ended = send(&terminal, viewer, &attach, &mut sink, notes) => ended,
                _ = cut.changed() => cut_off(&terminal),
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
    admission: Admission,
    stream: &mut SplitStream<WebSocket>,
) -> Result<(Attachment, Attach), Ended> {
    let unauthorised = Ended {
        code: close_code::UNAUTHORISED,
        reason: "the first message must be an attach with a valid token",
    };
    let first = match tokio::time::timeout(ATTACH_WITHIN, stream.next()).await {
        Err(_) => {
            return Err(Ended {
                code: close_code::TOO_LATE,
                reason: "no attach message came in time",
            });
        }
        Ok(Some(Ok(Message::Text(text)))) => serde_json::from_str(&text).ok(),
        Ok(_) => None,
    };
    let Some(FromPage::Attach {
        token,
        offset,
        mut client,
        window,
    }) = first
    else {
        return Err(unauthorised);
    };
    let Some(mode) = terminal.check_token(&token) else {
        return Err(unauthorised);
    };
    let attachment = admission.attach(mode).ok_or(Ended {
        code: close_code::FULL,
        reason: "eight viewers are the most",
    })?;
    if client.is_empty() || client.len() > MAX_CLIENT_NAME {
        client = format!("viewer {}", attachment.viewer.number);
    }
    let attach = Attach {
        offset,
        client,
        window: window.map_or(u64::MAX, |window| window.max(CHUNK_BYTES as u64)),
    };
    Ok((attachment, attach))
}

async fn receive(
    terminal: &Terminal,
    viewer: &Viewer,
    client: &str,
    stream: &mut SplitStream<WebSocket>,
    notes: mpsc::Sender<Note>,
) -> Ended {
    let foreign = Ended {
        code: close_code::POLICY,
        reason: "a message is not of this protocol",
    };
    while let Some(Ok(message)) = stream.next().await {
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
                    match terminal.numbered_input(client, number, data) {
                        Ok(next) => Some(Note::Taken(next)),
                        Err(Refused::Busy) => Some(Note::Busy(terminal.next_input(client))),
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

fn refuse(viewer: &Viewer, refusal: Refusal) -> Option<Note> {
    viewer.dropped.fetch_add(1, Ordering::Relaxed);
    Some(Note::Refused(refusal))
}

/// The writing half's own state.
struct Out<'a> {
    terminal: &'a Terminal,
    viewer: &'a Viewer,
    sink: &'a mut Sink,
    cursor: Cursor,
    consumed: u64,
    window: u64,
    heard_at: Instant,
    ack: Option<(u32, Instant)>,
    refused_told: Option<Refusal>,
}

async fn send(
    terminal: &Terminal,
    viewer: &Viewer,
    attach: &Attach,
    sink: &mut Sink,
    notes: mpsc::Receiver<Note>,
) -> Ended {
    let mut out = Out {
        terminal,
        viewer,
        sink,
        cursor: Cursor::default(),
        consumed: 0,
        window: attach.window,
        heard_at: Instant::now(),
        ack: None,
        refused_told: None,
    };
    match out.run(attach, notes).await {
        Ok(ended) => ended,
        Err(error) => {
            tracing::debug!(%error, "a viewer's connection ended");
            Ended::GONE
        }
    }
}

impl Out<'_> {
    async fn run(
        &mut self,
        attach: &Attach,
        mut notes: mpsc::Receiver<Note>,
    ) -> Result<Ended, axum::Error> {
        let mut version = self.terminal.feed.watch();
        let mut owner = self.terminal.owner.subscribe();
        let mut owning = self.terminal.is_owner(self.viewer);
        let mut ping = tokio::time::interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.tick().await;
        if !self.greet(attach, owning).await? {
            return Ok(Ended::GONE);
        }
        loop {
            version.borrow_and_update();
            let open = self.window_open();
            while let Ok(note) = notes.try_recv() {
                self.note(note).await?;
            }
            if open && self.pull().await? {
                // One viewer of a flooding program must not starve the control socket.
                tokio::task::yield_now().await;
                continue;
            }
            let ack_at = self.ack.map(|(_, at)| at);
            tokio::select! {
                note = notes.recv() => match note {
                    Some(note) => self.note(note).await?,
                    None => return Ok(Ended::GONE),
                },
                changed = version.changed(), if open => {
                    if changed.is_err() {
                        return Ok(Ended::GONE);
                    }
                }
                changed = owner.changed() => {
                    let now = self.terminal.is_owner(self.viewer);
                    if changed.is_ok() && now != owning {
                        owning = now;
                        self.text(&ToPage::Owner { owner: now }).await?;
                    }
                }
                _ = ping.tick() => {
                    if self.heard_at.elapsed() > SILENT_AFTER {
                        return Ok(Ended::GONE);
                    }
                    self.message(Message::Ping(axum::body::Bytes::new())).await?;
                }
                () = tokio::time::sleep_until(ack_at.unwrap_or(self.heard_at)), if ack_at.is_some() => {
                    if let Some((next, _)) = self.ack.take() {
                        self.binary(wire::input_frame(false, next)).await?;
                    }
                }
            }
        }
    }

    fn window_open(&self) -> bool {
        self.cursor.offset.saturating_sub(self.consumed) < self.window
    }

    /// Says hello and finds where output begins. `false`: the terminal is ending.
    async fn greet(&mut self, attach: &Attach, owner: bool) -> Result<bool, axum::Error> {
        let descriptor = self.terminal.descriptor();
        let resumed = attach
            .offset
            .and_then(|offset| self.terminal.feed.resume(offset));
        let (cols, rows) = resumed.map_or_else(|| self.terminal.feed.size(), |(_, size)| size);
        let hello = ToPage::Hello {
            mode: self.viewer.mode,
            title: descriptor.title,
            cols,
            rows,
            state: descriptor.state,
            owner,
            next_input: self.terminal.next_input(&attach.client),
            resumed: resumed.is_some(),
            file: self.terminal.program.is_none(),
        };
        self.text(&hello).await?;
        match resumed {
            Some((cursor, _)) => {
                self.cursor = cursor;
                self.consumed = cursor.offset;
                Ok(true)
            }
            None => match attach.offset {
                Some(offset) => self.gap(offset).await,
                None => self.snapshot().await,
            },
        }
    }

    async fn gap(&mut self, from: u64) -> Result<bool, axum::Error> {
        self.viewer.gaps.fetch_add(1, Ordering::Relaxed);
        let Some((snapshot, cursor)) = self.rendered().await else {
            return Ok(false);
        };
        self.binary(wire::gap_frame(from, snapshot.offset)).await?;
        self.begin_at(&snapshot, cursor).await?;
        Ok(true)
    }

    async fn snapshot(&mut self) -> Result<bool, axum::Error> {
        let Some((snapshot, cursor)) = self.rendered().await else {
            return Ok(false);
        };
        self.begin_at(&snapshot, cursor).await?;
        Ok(true)
    }

    async fn begin_at(
        &mut self,
        snapshot: &crate::model::Snapshot,
        cursor: Cursor,
    ) -> Result<(), axum::Error> {
        self.cursor = cursor;
        self.consumed = cursor.offset;
        self.binary(wire::snapshot_frame(snapshot)).await
    }

    /// A rendered screen whose following output is still there.
    async fn rendered(&self) -> Option<(crate::model::Snapshot, Cursor)> {
        loop {
            let snapshot = self.terminal.feed.request_snapshot().await.ok()?;
            if let Some((cursor, _)) = self.terminal.feed.resume(snapshot.offset) {
                return Some((snapshot, cursor));
            }
        }
    }

    /// Sends the next thing; `false` when there was nothing.
    async fn pull(&mut self) -> Result<bool, axum::Error> {
        let mut frame = Vec::with_capacity(256);
        frame.resize(OUTPUT_HEADER, 0);
        let left = self.window
            - self
                .cursor
                .offset
                .saturating_sub(self.consumed)
                .min(self.window);
        let max = usize::try_from(left).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
        let before = self.cursor.offset;
        match self.terminal.feed.pull(&mut self.cursor, max, &mut frame) {
            Pull::Idle => return Ok(false),
            Pull::Data(offset) => {
                wire::set_output_header(&mut frame, offset);
                self.binary(frame).await?;
            }
            Pull::Mark(Mark::Size { cols, rows }) => {
                self.text(&ToPage::Size { cols, rows }).await?
            }
            Pull::Mark(Mark::Exit(State::Exited { code, signal })) => {
                self.text(&ToPage::Exited(Exit { code, signal })).await?;
            }
            Pull::Mark(Mark::Exit(State::Running)) => {}
            Pull::Gap(_) => return self.gap(before).await,
        }
        Ok(true)
    }

    async fn note(&mut self, note: Note) -> Result<(), axum::Error> {
        self.heard_at = Instant::now();
        match note {
            Note::Alive => {}
            Note::Consumed(offset) => {
                self.consumed = self.consumed.max(offset.min(self.cursor.offset));
            }
            Note::Taken(next) => {
                let at = self
                    .ack
                    .map_or_else(|| Instant::now() + ACK_DELAY, |(_, at)| at);
                self.ack = Some((next, at));
            }
            Note::Busy(expected) => {
                self.ack = None;
                self.binary(wire::input_frame(true, expected)).await?;
            }
            Note::Refused(reason) => {
                // Said once for each reason: a page that floods us is not to be flooded back.
                if self.refused_told.replace(reason) != Some(reason) {
                    let dropped = self.viewer.dropped.load(Ordering::Relaxed);
                    self.text(&ToPage::Refused { reason, dropped }).await?;
                }
            }
        }
        Ok(())
    }

    async fn text(&mut self, message: &ToPage) -> Result<(), axum::Error> {
        let text = serde_json::to_string(message).expect("a message is plain data");
        self.message(Message::Text(text.into())).await
    }

    async fn binary(&mut self, frame: Vec<u8>) -> Result<(), axum::Error> {
        self.message(Message::Binary(frame.into())).await
    }

    async fn message(&mut self, message: Message) -> Result<(), axum::Error> {
        match tokio::time::timeout(SILENT_AFTER, self.sink.send(message)).await {
            Ok(result) => result,
            Err(elapsed) => Err(axum::Error::new(elapsed)),
        }
    }
}
