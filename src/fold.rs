//! A state is the fold of its journal: this joins the two, which know nothing of each other.

use crate::domain::event::Event;
use crate::domain::harness;
use crate::domain::state::State;
use crate::journal::{Fold, Record};

impl Fold for State {
    type Event = Event;

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
