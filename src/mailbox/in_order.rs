//! Many changes at once, in their order. Knows nothing of files.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Runs futures side by side and begins them in their order, so that the ledger's queue keeps that order.
pub(super) async fn all_in_order<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    enum Slot<F: Future> {
        Running(Pin<Box<F>>),
        Done(Option<F::Output>),
    }
    let mut slots: Vec<Slot<F>> = futures
        .into_iter()
        .map(|future| Slot::Running(Box::pin(future)))
        .collect();
    let mut first_open = 0;
    poll_fn(|context| {
        for slot in &mut slots[first_open..] {
            if let Slot::Running(future) = slot
                && let Poll::Ready(output) = future.as_mut().poll(context)
            {
                *slot = Slot::Done(Some(output));
            }
        }
        while matches!(slots.get(first_open), Some(Slot::Done(_))) {
            first_open += 1;
        }
        match first_open == slots.len() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    let outputs = slots.into_iter().filter_map(|slot| match slot {
        Slot::Done(output) => output,
        Slot::Running(_) => None,
    });
    outputs.collect()
}
