//! The recorder thread: takes everything from the feed in order, writes the transcript, keeps the screen model and
//! renders snapshots for viewers. The only one that touches the model.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::colours::Colour;
use crate::descriptor::State;
use crate::feed::{Cursor, Feed, Mark, Pull};
use crate::model::Model;
use crate::signals::AgentState;
use crate::transcript::Transcript;

/// What others may know of the recorder's work at any time.
#[derive(Debug, Default)]
pub struct Recorded {
    /// The program wants pastes bracketed.
    pub bracketed_paste: AtomicBool,
    /// The transcript could not be written any more.
    pub transcript_failed: AtomicBool,
}

/// Called on the recorder thread, in stream order.
pub trait Observer: Send + 'static {
    /// The program announced a state.
    fn agent_state(&mut self, state: AgentState);
    /// The program asked for a colour, shortly before byte `offset`.
    fn colour_asked(&mut self, colour: Colour, offset: u64);
    /// The program ended and all it wrote before is recorded.
    fn exited(&mut self, state: State);
}

/// Everything the thread works on.
pub struct Recorder<O> {
    /// Where it reads.
    pub feed: Arc<Feed>,
    /// The screen, of the feed's first size.
    pub model: Model,
    /// The transcript, if one is kept.
    pub transcript: Option<Transcript>,
    /// What it publishes.
    pub recorded: Arc<Recorded>,
    /// Whom it tells.
    pub observer: O,
}

impl<O: Observer> Recorder<O> {
    /// Works until the feed is closed and read to its end.
    pub fn run(mut self) {
        let mut cursor = Cursor::default();
        let mut bytes = Vec::new();
        while let Some(turn) = self.feed.record(&mut cursor, &mut bytes) {
            match turn.pull {
                Pull::Data(_) => self.record(&bytes, cursor.offset),
                Pull::Mark(Mark::Size { cols, rows }) => self.model.set_size(cols, rows),
                Pull::Mark(Mark::Exit(state)) => self.observer.exited(state),
                // The feed never overtakes its recorder; would it ever, the screen goes on from what is left.
                Pull::Gap(start) => {
                    tracing::error!(start, "output was lost before it was recorded");
                    match self.feed.resume(start) {
                        Some((next, _)) => cursor = next,
                        None => continue,
                    }
                }
                Pull::Idle => {}
            }
            let turn_was_small = bytes.len() < KEPT_BYTES;
            bytes.clear();
            if turn_was_small {
                bytes.shrink_to(KEPT_BYTES);
            }
            // Asked for while idle or busy, a snapshot is always as new as the last recorded byte.
            let wanted: Vec<_> = turn
                .requests
                .into_iter()
                .filter(|request| !request.is_closed())
                .collect();
            if !wanted.is_empty() {
                let snapshot = self.model.snapshot();
                for request in wanted {
                    // A viewer that left meanwhile needs no answer.
                    request.send(snapshot.clone()).ok();
                }
            }
        }
    }

    /// `end` is the offset behind the last of these bytes.
    fn record(&mut self, bytes: &[u8], end: u64) {
        if let Some(transcript) = &mut self.transcript
            && let Err(error) = transcript.write(bytes)
        {
            tracing::warn!(%error, "the transcript ends here");
            self.recorded
                .transcript_failed
                .store(true, Ordering::Relaxed);
            self.transcript = None;
        }
        self.model.feed(bytes);
        self.recorded
            .bracketed_paste
            .store(self.model.bracketed_paste(), Ordering::Relaxed);
        for state in self.model.signals().take_agent_states() {
            self.observer.agent_state(state);
        }
        for colour in self.model.signals().take_colour_queries() {
            self.observer.colour_asked(colour, end);
        }
    }
}

/// An idle terminal keeps no buffer of a whole chunk.
const KEPT_BYTES: usize = 4 << 10;
