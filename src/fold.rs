//! The state is the fold of the journal: this line joins the two, which know nothing of each other.

use crate::domain::event::Event;
use crate::domain::state::State;
use crate::journal::{Fold, Record};

impl Fold for State {
    type Event = Event;

    fn apply(&mut self, record: &Record<Event>) {
        State::apply(self, record.seq, record.ts, &record.event);
    }
}
