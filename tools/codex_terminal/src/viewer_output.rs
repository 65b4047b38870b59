//! The writing half of a viewer's WebSocket: greets, pulls output at the viewer's pace, passes on answers, pings. Never
//! reads the socket.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::ws::Message;
use futures_util::SinkExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};

use crate::descriptor::State;
use crate::feed::{CHUNK_BYTES, Cursor, Mark, Pull};
use crate::terminal::Terminal;
use crate::viewer::{Attach, Ended, Note, Sink};
use crate::viewers::Viewer;
use crate::wire::{self, Exit, OUTPUT_HEADER, Refusal, ToPage};

/// Pings in the time after which a silent viewer is gone. That two of them got no answer is known when the third is due.
const PINGS: u32 = 3;
/// Acknowledgements of keystrokes ride along with others instead of costing a frame each.
const ACK_DELAY: Duration = Duration::from_millis(30);

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

/// Writes until the connection or the terminal ends.
pub async fn send(
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
        let ping_every = self.terminal.silent_after / PINGS;
        let mut ping = tokio::time::interval(ping_every);
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
                tokio::task::coop::consume_budget().await;
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
                    if self.heard_at.elapsed() > ping_every * (PINGS - 1) {
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
        let rendered = match resumed {
            Some(_) => None,
            None => match self.rendered().await {
                None => return Ok(false),
                rendered => rendered,
            },
        };
        let hello = ToPage::Hello {
            mode: self.viewer.mode,
            title: descriptor.title,
            cols,
            rows,
            state: descriptor.state,
            owner,
            answers_from: self.terminal.reads(self.viewer),
            next_input: self.terminal.next_input(&self.viewer.client),
            resumed: resumed.is_some(),
            file: self.terminal.program.is_none(),
        };
        self.text(&hello).await?;
        if let Some((cursor, _)) = resumed {
            self.cursor = cursor;
            self.consumed = cursor.offset;
        }
        if let Some((snapshot, cursor)) = rendered {
            if let Some(from) = attach.offset {
                self.tell_gap(from, &snapshot).await?;
            }
            self.begin_at(&snapshot, cursor).await?;
        }
        Ok(true)
    }

    async fn gap(&mut self, from: u64) -> Result<bool, axum::Error> {
        let Some((snapshot, cursor)) = self.rendered().await else {
            return Ok(false);
        };
        self.tell_gap(from, &snapshot).await?;
        self.begin_at(&snapshot, cursor).await?;
        Ok(true)
    }

    async fn tell_gap(
        &mut self,
        from: u64,
        snapshot: &crate::model::Snapshot,
    ) -> Result<(), axum::Error> {
        self.viewer.gaps.fetch_add(1, Ordering::Relaxed);
        self.binary(wire::gap_frame(from, snapshot.offset)).await
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
                let told = self.terminal.close.borrow().is_some();
                let exit = Exit { code, signal, told };
                self.text(&ToPage::Exited(exit)).await?;
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
        // A viewer that takes nothing for so long is gone too.
        match tokio::time::timeout(self.terminal.silent_after, self.sink.send(message)).await {
            Ok(result) => result,
            Err(elapsed) => Err(axum::Error::new(elapsed)),
        }
    }
}
