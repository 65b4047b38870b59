//! The journal's records, as the mailbox task listens to them.

use crate::domain::event::Event;
use crate::domain::session::Kind;
use crate::domain::state::State;
use crate::hub::{SubscribeError, Subscription};
use crate::ledger::Ledger;

/// Listens from here on; `None` when the ledger is closed.
pub(super) fn subscribe(ledger: &Ledger<State>) -> (Option<Subscription<Event>>, u64) {
    match ledger.subscribe(None) {
        Ok(subscription) => {
            let seq = subscription.after();
            (Some(subscription), seq)
        }
        Err(_) => (None, 0),
    }
}

/// The next event; an error when this listener fell behind or the ledger is closed.
pub(super) async fn next(
    records: &mut Option<Subscription<Event>>,
) -> Result<Event, SubscribeError> {
    match records {
        Some(records) => Ok(records.recv().await?.record.event.clone()),
        None => Err(SubscribeError::Closed),
    }
}

/// Whether there is a mailbox that was not there before.
pub(super) fn is_new_mailbox(event: &Event) -> bool {
    matches!(event, Event::SessionRegistered { brief, .. } if brief.session_kind == Kind::Zhongshu)
}
