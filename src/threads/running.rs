//! What the turns that run now have said so far. Codex gives an item to nobody who comes late before it is complete, so the pieces are
//! kept here, in memory alone, until the turn is over; then Codex has all of it.

use super::rows::{Frame, row};
use crate::codex::events::{Delta, ItemChanged, Notification};
use crate::codex::items::Item;
use crate::domain::transcript::{Cut, Row, TEXT_BYTES, Text, Turn, What};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Bytes that are kept of one thread.
const THREAD_BYTES: usize = 256 << 10;
/// What is left of a text when there is no more room.
const SHORT_BYTES: usize = 4 << 10;

/// The running turns of all threads.
#[derive(Debug, Default)]
pub struct Running {
    threads: Mutex<HashMap<String, Heard>>,
    /// Counts what was heard, so that whoever follows knows when to look again.
    heard: watch::Sender<u64>,
}

/// What was heard of one thread.
#[derive(Debug, Default)]
struct Heard {
    turn: Option<RunningTurn>,
    /// The turn that Codex took our words for, until it is heard of: Codex itself knows of none in the meantime.
    accepted: Option<String>,
    /// The turn that ended last; a command of it may come to its end later.
    ended: Option<String>,
    /// The last thing that makes its history another one, and when.
    changed: Option<(u64, Change)>,
}

#[derive(Debug)]
struct RunningTurn {
    id: String,
    started_at: Option<DateTime<Utc>>,
    rows: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    row: Row,
    /// When it changed last.
    number: u64,
    /// Part of the thoughts that is being told.
    part: u32,
}

/// What happened to a history, so that it has to be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A turn ended.
    TurnEnded,
    /// Turns were taken back.
    Reverted,
    /// It was made shorter.
    Compacted,
    /// It is gone.
    Deleted,
    /// Codex was lost, or came back: what was kept is void.
    Reconnected,
}

/// What is new to somebody who follows a thread.
#[derive(Debug, Default)]
pub struct News {
    /// Where they stand after it.
    pub number: u64,
    /// Why the history has to be read again, if so.
    pub changed: Option<Change>,
    /// The running turn, with the rows that are new or have grown.
    pub turn: Option<Turn>,
}

impl Running {
    /// Wakes whenever anything was heard.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.heard.subscribe()
    }

    /// What was heard of a thread after `number`; 0 stands before everything.
    pub fn news(&self, thread: &str, number: u64) -> News {
        let threads = self.lock();
        let heard = threads.get(thread);
        let changed = heard.and_then(|heard| heard.changed);
        let turn = heard.and_then(|heard| heard.turn.as_ref()).map(|turn| {
            let rows = turn.rows.iter().filter(|kept| kept.number > number);
            turn.shown(rows.map(|kept| kept.row.clone()).collect())
        });
        News {
            number: *self.heard.borrow(),
            changed: changed.filter(|(at, _)| *at > number).map(|(_, it)| it),
            turn: turn.filter(|turn| !turn.rows.is_empty()),
        }
    }

    /// The running turn of a thread, as far as it was heard.
    pub fn turn(&self, thread: &str) -> Option<Turn> {
        let threads = self.lock();
        let turn = threads.get(thread)?.turn.as_ref()?;
        Some(turn.shown(turn.rows.iter().map(|kept| kept.row.clone()).collect()))
    }

    /// Takes note that Codex answered with this turn to words of ours. Its beginning, and its end too, may have been heard before.
    pub fn accept(&self, thread: &str, turn_id: &str) {
        let mut threads = self.lock();
        let heard = threads.entry(thread.to_owned()).or_default();
        let runs = heard.turn.as_ref().is_some_and(|it| it.id == turn_id);
        if !runs && heard.ended.as_deref() != Some(turn_id) {
            heard.accepted = Some(turn_id.to_owned());
        }
    }

    /// The turn that Codex took our words for and has not begun, as far as was heard.
    pub fn accepted(&self, thread: &str) -> Option<String> {
        self.lock().get(thread)?.accepted.clone()
    }

    /// Takes note of what Codex said.
    pub fn hear(&self, notification: &Notification) {
        match notification {
            Notification::TurnStarted(started) => self.with(&started.thread_id.0, |heard, _| {
                heard.is_known(&started.turn.id.0);
                let at = started.turn.started_at;
                heard.turn = Some(RunningTurn {
                    id: started.turn.id.0.clone(),
                    started_at: at.and_then(|at| DateTime::from_timestamp(at, 0)),
                    rows: Vec::new(),
                });
            }),
            Notification::ItemStarted(item) | Notification::ItemCompleted(item) => {
                self.with(&item.thread_id.0, |heard, number| {
                    match heard.running(&item.turn_id.0) {
                        Some(turn) => turn.take(item, number),
                        None => heard.changed = Some((number, Change::TurnEnded)),
                    }
                });
            }
            Notification::AgentMessageDelta(delta) => self.grow(delta, |id| Item::AgentMessage {
                id,
                text: String::new(),
                phase: None,
            }),
            Notification::PlanDelta(delta) => self.grow(delta, |id| Item::Plan {
                id,
                text: String::new(),
            }),
            Notification::ReasoningDelta(delta) => self.grow(delta, |id| Item::Reasoning {
                id,
                summary: Vec::new(),
            }),
            Notification::CommandOutputDelta(delta) => {
                self.grow(delta, |id| Item::CommandExecution {
                    id,
                    command: String::new(),
                    cwd: Default::default(),
                    status: "inProgress".to_owned(),
                    aggregated_output: None,
                    exit_code: None,
                    duration_ms: None,
                });
            }
            Notification::TurnCompleted(ended) => self.with(&ended.thread_id.0, |heard, number| {
                heard.is_known(&ended.turn.id.0);
                heard.turn = None;
                heard.ended = Some(ended.turn.id.0.clone());
                heard.changed = Some((number, Change::TurnEnded));
            }),
            Notification::ThreadReverted(it) => self.change(&it.thread_id.0, Change::Reverted),
            Notification::ThreadCompacted(it) => self.with(&it.thread_id.0, |heard, number| {
                // The turn that does it goes on.
                heard.changed = Some((number, Change::Compacted));
            }),
            Notification::ThreadDeleted(it) => self.change(&it.thread_id.0, Change::Deleted),
            _ => {}
        }
    }

    /// Codex was lost, or came back.
    pub fn forget(&self) {
        let threads: Vec<String> = self.lock().keys().cloned().collect();
        for thread in threads {
            self.change(&thread, Change::Reconnected);
        }
    }

    fn change(&self, thread: &str, change: Change) {
        self.with(thread, |heard, number| {
            (heard.turn, heard.accepted) = (None, None);
            heard.changed = Some((number, change));
        });
    }

    fn grow(&self, delta: &Delta, begun: impl FnOnce(crate::codex::wire::ItemId) -> Item) {
        self.with(&delta.thread_id.0, |heard, number| {
            if let Some(turn) = heard.running(&delta.turn_id.0) {
                turn.grow(delta, number, begun);
            }
        });
    }

    fn with(&self, thread: &str, change: impl FnOnce(&mut Heard, u64)) {
        let mut threads = self.lock();
        self.heard.send_modify(|count| {
            *count += 1;
            let heard = threads.entry(thread.to_owned()).or_default();
            change(heard, *count);
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Heard>> {
        // A panic while holding this lock leaves plain data behind.
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    /// Codex knows of this turn.
    fn is_known(&mut self, turn_id: &str) {
        if self.accepted.as_deref() == Some(turn_id) {
            self.accepted = None;
        }
    }

    /// The turn of this name, if it runs; its beginning may have been missed.
    fn running(&mut self, turn_id: &str) -> Option<&mut RunningTurn> {
        if self.ended.as_deref() == Some(turn_id) {
            return None;
        }
        let turn = self.turn.get_or_insert_with(|| RunningTurn {
            id: turn_id.to_owned(),
            started_at: None,
            rows: Vec::new(),
        });
        (turn.id == turn_id).then_some(turn)
    }
}

impl RunningTurn {
    fn shown(&self, rows: Vec<Row>) -> Turn {
        Turn {
            id: self.id.clone(),
            status: "in_progress".to_owned(),
            started_at: self.started_at,
            ended_at: None,
            duration_ms: None,
            rows,
            rows_left_out: false,
        }
    }

    /// The newest row of this item that is not complete.
    fn open(&mut self, item_id: &str) -> Option<&mut Kept> {
        let (first, later) = (
            format!("{}/{item_id}", self.id),
            format!("{}/{item_id}~", self.id),
        );
        self.rows.iter_mut().rev().find(|kept| {
            kept.row.ended_at.is_none() && (kept.row.id == first || kept.row.id.starts_with(&later))
        })
    }

    fn take(&mut self, item: &ItemChanged, number: u64) {
        let frame = Frame {
            turn_id: &self.id.clone(),
            started_ms: item.started_at_ms,
            completed_ms: item.completed_at_ms,
            bytes: TEXT_BYTES,
        };
        let mut new = row(&item.item, frame, self.rows.len());
        let known = item.item.id().map(str::to_owned);
        match known.and_then(|id| self.open(&id)) {
            Some(kept) => {
                new.id.clone_from(&kept.row.id);
                new.at = kept.row.at.or(new.at);
                kept.row = new;
                kept.number = number;
            }
            None => {
                let later = format!("{}~", new.id);
                let same = |kept: &&Kept| kept.row.id == new.id || kept.row.id.starts_with(&later);
                let times = self.rows.iter().filter(same).count();
                if times > 0 {
                    new.id = format!("{later}{}", times + 1);
                }
                self.rows.push(Kept {
                    row: new,
                    number,
                    part: 0,
                });
            }
        }
        self.keep_small();
    }

    fn grow(
        &mut self,
        delta: &Delta,
        number: u64,
        begun: impl FnOnce(crate::codex::wire::ItemId) -> Item,
    ) {
        if self.open(&delta.item_id.0).is_none() {
            // Its beginning was missed: the launcher came back in the middle of it.
            self.take(
                &ItemChanged {
                    thread_id: delta.thread_id.clone(),
                    turn_id: delta.turn_id.clone(),
                    item: begun(delta.item_id.clone()),
                    started_at_ms: None,
                    completed_at_ms: None,
                },
                number,
            );
            if let Some(text) = self.open(&delta.item_id.0).and_then(Kept::growing) {
                text.cut = Some(Cut::Beginning);
            }
        }
        let Some(kept) = self.open(&delta.item_id.0) else {
            return;
        };
        kept.number = number;
        let is_next_part =
            std::mem::replace(&mut kept.part, delta.summary_index) != delta.summary_index;
        if let Some(text) = kept.growing() {
            if is_next_part && !text.text.is_empty() {
                text.text.push_str("\n\n");
            }
            text.text.push_str(&delta.delta);
            // Twice as much at most, so that each byte is moved once on the average.
            if text.text.len() > 2 * TEXT_BYTES {
                text.cut = Some(Cut::Beginning);
                text.shorten(TEXT_BYTES);
            }
        }
        self.keep_small();
    }

    /// What is complete goes first, since Codex has it; then the oldest of the rest becomes short.
    fn keep_small(&mut self) {
        let bytes = |kept: &Kept| {
            let mut bytes = 256;
            kept.row.what.texts(&mut |text| bytes += text.text.len());
            bytes
        };
        let mut all: usize = self.rows.iter().map(bytes).sum();
        while all > THREAD_BYTES {
            let complete = self
                .rows
                .iter()
                .position(|kept| kept.row.ended_at.is_some());
            if let Some(at) = complete.filter(|at| self.rows.len() > at + 1) {
                all -= bytes(&self.rows.remove(at));
                continue;
            }
            let Some(long) = self
                .rows
                .iter_mut()
                .find(|kept| bytes(kept) > 3 * SHORT_BYTES)
            else {
                return;
            };
            let before = bytes(long);
            long.row.what.shorten(SHORT_BYTES);
            all -= before - bytes(long).min(before);
            if bytes(long) >= before {
                return;
            }
        }
    }
}

impl Kept {
    /// The text that grows while the item runs.
    fn growing(&mut self) -> Option<&mut Text> {
        match &mut self.row.what {
            What::Answer { text } | What::Reasoning { text } | What::Plan { text } => Some(text),
            What::Command { output, .. } => Some(output),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
