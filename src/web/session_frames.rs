//! What every reader of `/api/session_stream` is sent: the event of each session, made once per change and shared by all of
//! them. It never knows a reader, and no task runs for it: who looks first after a change makes what the others are given.

use crate::access::Lease;
use crate::domain::ids::{SessionId, TerminalId};
use crate::domain::session::Session;
use crate::sessions::agents::Agents;
use crate::web::events::Frame;
use crate::web::views::{SessionView, ViewContext};
use axum::body::Bytes;
use codex_terminal::descriptor::Mode;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A working agent changes many times a second. Half of it would double what a flood costs; twice as much could be noticed.
const PACE: Duration = Duration::from_millis(25);
/// Everything is made again after so long even when nothing was heard: seconds without a sign of life turn into `stalled`.
pub const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Events that are kept. A reader that stands so far behind has missed that something ended hours ago.
const KEPT: usize = 1_000;

/// The event of one session as it is now.
#[derive(Debug, Clone)]
pub struct SessionFrame {
    /// Counts the changes of all sessions: the higher, the newer.
    number: u64,
    /// The whole event, as it goes to those who may not open terminals.
    event: Bytes,
    /// Its terminal, where that can be opened.
    terminal: Option<TerminalId>,
    /// Of everything in it but the clock's part, which is no change.
    digest: [u8; 32],
}

/// What changed since a reader looked last.
#[derive(Debug)]
pub struct News {
    /// Where the reader stands after it.
    pub number: u64,
    /// Sessions that changed, each as it is now.
    pub frames: Vec<SessionFrame>,
    /// The newest record of the journal in it.
    pub seq: u64,
    /// When to look again, if something happened since.
    pub again: Option<Instant>,
}

/// The newest event of every session that goes on, or went on while somebody looked.
#[derive(Debug, Default)]
pub struct SessionFrames {
    made: Mutex<Made>,
}

#[derive(Debug, Default)]
struct Made {
    /// When; `None` before the first reader.
    at: Option<Instant>,
    seq: u64,
    observed: u64,
    number: u64,
    /// What lived then.
    lived: BTreeSet<SessionId>,
    /// What a reader asked for by its id.
    asked: BTreeSet<SessionId>,
    frames: BTreeMap<SessionId, SessionFrame>,
}

impl SessionFrames {
    /// The sessions, or the one, that changed after `number`; 0 stands before everything.
    pub fn after(&self, number: u64, agents: &Agents, only: Option<&SessionId>) -> News {
        let mut made = self.lock();
        let due = made.at.is_none_or(|at| at.elapsed() >= PACE);
        let is_new = only.is_some_and(|id| made.asked.insert(id.clone()));
        if is_new || due && made.is_stale(agents) {
            made.renew(agents, is_new);
        }
        let wanted = made
            .frames
            .iter()
            .filter(|(id, frame)| frame.number > number && only.is_none_or(|only| only == *id));
        News {
            number: made.number,
            frames: wanted.map(|(_, frame)| frame.clone()).collect(),
            seq: made.seq,
            again: made
                .at
                .filter(|_| made.is_stale(agents))
                .map(|at| at + PACE),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Made> {
        // What a panic leaves behind is older, and made again after the next change.
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Made {
    fn is_stale(&self, agents: &Agents) -> bool {
        self.is_old()
            || self.seq != agents.core.ledger.snapshot_seq()
            || self.observed != agents.core.live.count()
    }

    fn is_old(&self) -> bool {
        self.at.is_none_or(|at| at.elapsed() >= LOOK_AGAIN)
    }

    fn renew(&mut self, agents: &Agents, is_wider: bool) {
        // Read before the state is: what changes meanwhile is made once more.
        let (observed, touched) = agents.core.live.changed_since(self.observed);
        let is_old = self.is_old();
        let (views, seq, lived) = agents.core.ledger.read_at(|state, seq| {
            let scene = ViewContext::of(agents, state, None);
            let any = is_old || is_wider || seq != self.seq;
            // What lived when somebody looked last may be over, and is told of once more.
            let lived = self.lived.iter().chain(&self.asked);
            let lived = lived.filter_map(|id| state.session(id));
            let touched = touched.iter().filter_map(|id| state.session(id));
            let mut changed: BTreeMap<&SessionId, &Session> = BTreeMap::new();
            changed.extend(touched.map(|it| (it.id(), it)));
            if any {
                let recent = state.recent_sessions().shown;
                changed.extend(recent.into_iter().chain(lived).map(|it| (it.id(), it)));
            }
            let views: Vec<_> = changed.values().map(|it| scene.session(it)).collect();
            let live = state.live_sessions().map(|it| it.id().clone());
            (views, seq, BTreeSet::from_iter(live))
        });
        for view in views {
            self.take(agents, view);
        }
        self.forget();
        (self.seq, self.observed, self.lived) = (seq, observed, lived);
        self.at = Some(Instant::now());
    }

    /// Lets go of what changed longest ago and is over.
    fn forget(&mut self) {
        let too_many = self.frames.len().saturating_sub(KEPT);
        if too_many == 0 {
            return;
        }
        let over = self.frames.iter();
        let over = over.filter(|(id, _)| !self.lived.contains(id) && !self.asked.contains(id));
        let mut over = Vec::from_iter(over.map(|(id, frame)| (frame.number, id.clone())));
        over.sort();
        for (_, id) in over.into_iter().take(too_many) {
            self.frames.remove(&id);
        }
    }

    fn take(&mut self, agents: &Agents, mut view: SessionView) {
        let is_running = view.browser_terminal_status == "running";
        let terminal = view.browser_terminal_id.clone();
        let terminal = terminal.filter(|id| is_running && agents.terminals.is_open(id));
        let clock = (view.idle_seconds.take(), view.last_activity_at.take());
        let timeless = Sha256::new().chain_update(json(&view));
        let digest = timeless.chain_update([u8::from(terminal.is_some())]);
        let digest = digest.finalize().into();
        let known = self.frames.get(&view.id);
        if known.is_some_and(|known| known.digest == digest) {
            return;
        }
        (view.idle_seconds, view.last_activity_at) = clock;
        self.number += 1;
        let frame = SessionFrame {
            number: self.number,
            event: event(&json(&view)),
            terminal,
            digest,
        };
        self.frames.insert(view.id, frame);
    }
}

impl SessionFrame {
    /// The event for one reader: with the terminal's address for who may open it.
    pub fn for_reader(&self, agents: &Agents, opener: Option<&Lease>) -> Bytes {
        let address = self.terminal.as_ref().zip(opener);
        let address =
            address.and_then(|(id, opener)| agents.terminals.url(id, Mode::Write, opener));
        match address {
            Some(address) => with_address(&self.event, &address),
            None => self.event.clone(),
        }
    }
}

fn json(view: &SessionView) -> String {
    serde_json::to_string(view).expect("a view is plain data")
}

fn event(data: &str) -> Bytes {
    let (id, event) = (None, "session");
    Frame { id, event, data }.bytes()
}

/// Puts the address into an event that was made without one. Inside of a text in it no quotation mark stands unescaped, so the
/// name of the field is found nowhere else.
fn with_address(event: &Bytes, address: &str) -> Bytes {
    const NONE: &str = "\"browser_terminal_url\":null";
    let whole = String::from_utf8_lossy(event);
    let address = serde_json::to_string(address).expect("a text is plain data");
    Bytes::from(whole.replacen(NONE, &format!("\"browser_terminal_url\":{address}"), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_put_into_its_field_alone() {
        let text = r#"{"task":"\"browser_terminal_url\":null","browser_terminal_url":null,"x":1}"#;
        let with = with_address(&event(text), "http://127.0.0.1:1/#token=a");
        let expected = "event: session\ndata: {\"task\":\"\\\"browser_terminal_url\\\":null\",\
                        \"browser_terminal_url\":\"http://127.0.0.1:1/#token=a\",\"x\":1}\n\n";
        assert_eq!(with, expected);
    }
}
