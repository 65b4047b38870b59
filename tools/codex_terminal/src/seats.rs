//! Places for those that have not shown who they are. There are always enough for the next one: at the bound the oldest
//! gives way, so that a flood costs the flood its own places.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use crate::terminal::lock;

/// So many places.
pub(crate) struct Seats {
    most: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    /// The oldest first.
    strangers: VecDeque<(u64, oneshot::Sender<()>)>,
    /// Those that have shown who they are: they stay.
    known: Vec<(u64, oneshot::Sender<()>)>,
}

impl Seats {
    /// `most` for strangers, and as many again for those that are known.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            taken: Mutex::default(),
        })
    }

    /// A place for a newcomer.
    pub(crate) fn take(self: &Arc<Self>) -> (Seat, Lost) {
        let mut taken = lock(&self.taken);
        while taken.strangers.len() >= self.most {
            // Dropping the sender tells it.
            taken.strangers.pop_front();
        }
        let number = taken.next;
        taken.next += 1;
        let (held, lost) = oneshot::channel();
        taken.strangers.push_back((number, held));
        let seat = Seat {
            seats: Arc::clone(self),
            number,
        };
        (seat, Lost(lost))
    }
}

/// A place, free again when it is dropped.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    number: u64,
}

impl Seat {
    /// Its holder has shown who it is. False when all places of the known are taken, or this one was lost already.
    pub(crate) fn keep(&self) -> bool {
        let mut taken = lock(&self.seats.taken);
        let taken = &mut *taken;
        if taken.known.iter().any(|(number, _)| *number == self.number) {
            return true;
        }
        let at = taken
            .strangers
            .iter()
            .position(|(number, _)| *number == self.number);
        let Some(at) = at.filter(|_| taken.known.len() < self.seats.most) else {
            return false;
        };
        taken.known.extend(taken.strangers.remove(at));
        true
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = lock(&self.seats.taken);
        taken.strangers.retain(|(number, _)| *number != self.number);
        taken.known.retain(|(number, _)| *number != self.number);
    }
}

/// Tells that the place was given to a newer one.
pub(crate) struct Lost(oneshot::Receiver<()>);

impl Lost {
    /// Waits until it was.
    pub(crate) async fn lost(&mut self) {
        // Nothing is ever sent: the sender is dropped.
        (&mut self.0).await.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_stranger_gives_way_and_who_is_known_stays() {
        let seats = Seats::new(2);
        let (first, mut first_lost) = seats.take();
        assert!(first.keep());
        let (second, mut second_lost) = seats.take();
        let (_third, _kept) = seats.take();
        let (_fourth, _kept) = seats.take();
        second_lost.lost().await;
        assert!(!second.keep(), "it was lost");
        assert!(first.keep());
        assert!(
            first_lost
                .0
                .try_recv()
                .is_err_and(|error| error == oneshot::error::TryRecvError::Empty)
        );
        drop(first);
        assert!(lock(&seats.taken).known.is_empty());
    }
}
