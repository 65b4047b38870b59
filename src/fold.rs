//! A state is the fold of its journal: this joins the two, which know nothing of each other.

use crate::domain::event::Event;
use crate::domain::harness;
use crate::domain::state::State;
use crate::journal::{Codec, Fold, Record};

/// Names the code that folds, so that a snapshot of another version is not taken for the same state (`build.rs`).
const MEANING: &str = env!("ZHONGSHU_FOLD");

impl Fold for State {
    type Event = Event;

    const SNAPSHOTS: Option<Codec<Self>> = Some(Codec::json(MEANING));

    fn apply(&mut self, record: &Record<Event>) {
        State::apply(self, record.seq, record.ts, &record.event);
    }
}

impl Fold for harness::state::State {
    type Event = harness::event::Event;

    fn apply(&mut self, record: &Record<Self::Event>) {
        Self::apply(self, record.ts, &record.event);
    }
}
