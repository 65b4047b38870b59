//! Events side by side: those of one lane one after the other, in their order; what concerns all lanes when every one of them is through. So one
//! thread that has to be asked something first holds up no other, and one whose event cannot be handled takes no other's along.

use crate::core::duties::caught;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use tokio::sync::mpsc;

/// So many events may wait behind others of their lanes. Then nothing more is taken in, and who sends learns of it.
const MAX_WAITING: usize = 256;

/// Which events keep their order among each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lane {
    /// Those of this name.
    Of(String),
    /// All: what came before is through by then, and what comes after waits.
    All,
}

/// Handles events until nobody can send any more. What panics is told to `failed`, with its words; its lane goes on with the next event.
pub async fn in_lanes<E, F: Future<Output = ()>, R: Future<Output = ()>>(
    incoming: &mut mpsc::Receiver<E>,
    lane_of: impl Fn(&E) -> Lane,
    handle: impl Fn(E) -> F,
    failed: impl Fn(String) -> R,
) {
    let handle = async |event: E| {
        // The call belongs to the work: it may be what panics.
        if let Err(reason) = caught(async { handle(event).await }).await {
            failed(reason).await;
        }
    };
    let step = async |lane: String, event: E| {
        handle(event).await;
        lane
    };
    let mut running = FuturesUnordered::new();
    let mut behind: HashMap<String, VecDeque<E>> = HashMap::new();
    let mut waiting = 0;
    let mut pause = None;
    let mut is_open = true;
    while is_open || !running.is_empty() || pause.is_some() {
        if running.is_empty()
            && let Some(event) = pause.take()
        {
            handle(event).await;
            continue;
        }
        let takes_more = is_open && pause.is_none() && waiting < MAX_WAITING;
        tokio::select! {
            biased;
            Some(lane) = running.next(), if !running.is_empty() => {
                match behind.get_mut(&lane).and_then(VecDeque::pop_front) {
                    Some(event) => {
                        waiting -= 1;
                        running.push(step(lane, event));
                    }
                    None => drop(behind.remove(&lane)),
                }
            }
            event = incoming.recv(), if takes_more => match event {
                None => is_open = false,
                Some(event) => match lane_of(&event) {
                    Lane::All => pause = Some(event),
                    Lane::Of(lane) => match behind.get_mut(&lane) {
                        Some(line) => {
                            waiting += 1;
                            line.push_back(event);
                        }
                        None => {
                            behind.insert(lane.clone(), VecDeque::new());
                            running.push(step(lane, event));
                        }
                    },
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::Mutex;
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn a_lane_that_waits_holds_up_no_other_and_keeps_its_order() {
        let (tell, mut told) = mpsc::channel(16);
        for event in ["a1", "a2", "b1", "b2", "*", "b3", "a3"] {
            tell.send(event).await.unwrap();
        }
        drop(tell);
        let (done, gate) = (Mutex::new(Vec::new()), Semaphore::new(0));
        let handle = async |event: &'static str| {
            if event == "a1" {
                // Opened by the last of the other lane.
                let _open = gate.acquire().await.unwrap();
            }
            if event == "b2" {
                gate.add_permits(1);
            }
            done.lock().unwrap().push(event);
        };
        let lane_of = |event: &&str| match event.split_at(1).0 {
            "*" => Lane::All,
            lane => Lane::Of(lane.to_owned()),
        };
        in_lanes(&mut told, lane_of, handle, async |_| {}).await;
        let done = done.into_inner().unwrap();
        let of = |lane: char| -> Vec<&str> {
            let mine = done.iter().filter(|it| it.starts_with(lane));
            mine.copied().collect()
        };
        assert_eq!(
            (of('a'), of('b')),
            (vec!["a1", "a2", "a3"], vec!["b1", "b2", "b3"])
        );
        assert!(done.iter().position(|it| *it == "b2") < done.iter().position(|it| *it == "a1"));
        assert_eq!(done.iter().position(|it| *it == "*"), Some(4), "{done:?}");
    }

    #[tokio::test]
    async fn an_event_that_cannot_be_handled_takes_no_other_along() {
        let (tell, mut told) = mpsc::channel(16);
        for event in ["a1", "b1", "a2", "*!", "b2"] {
            tell.send(event).await.unwrap();
        }
        drop(tell);
        let (done, failures) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        let handle = async |event: &'static str| {
            tokio::task::yield_now().await;
            assert!(!matches!(event, "a1" | "*!"), "no way to handle {event}");
            done.lock().unwrap().push(event);
        };
        let failed = async |reason: String| failures.lock().unwrap().push(reason);
        let lane_of = |event: &&str| match event.split_at(1).0 {
            "*" => Lane::All,
            lane => Lane::Of(lane.to_owned()),
        };
        in_lanes(&mut told, lane_of, handle, failed).await;
        let mut done = done.into_inner().unwrap();
        done.sort_unstable();
        assert_eq!(done, ["a2", "b1", "b2"]);
        let failures = failures.into_inner().unwrap();
        assert_eq!(failures, ["no way to handle a1", "no way to handle *!"]);
    }
}
