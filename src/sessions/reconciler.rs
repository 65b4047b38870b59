//! Keeps what runs in step with the journal: looks at what is due, does it, looks again.
//!
//! Each step runs as a task of its own, so a slow start delays nobody. A step that fails for a passing reason stays
//! due and is tried again after a pause.

use super::live::Observed;
use super::office::{LAUNCHER, Office};
use super::policy::CODEX;
use super::steps::{self, Senses, Step};
use super::{briefs, codex_driver, codex_messages, codex_tui, command_driver};
use crate::domain::flow;
use crate::domain::ids::SessionId;
use crate::domain::session::Outcome;
use chrono::Utc;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Pause before a step that failed for a passing reason is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Looks again even when nothing happened: a missed bell may cost this much, never more.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It is done, or will never be.
    Settled,
    /// Try again after a pause.
    Again,
}

/// The reconciler.
pub struct Reconciler {
    office: Arc<Office>,
    running: Arc<Mutex<HashSet<Step>>>,
    resting: Arc<Mutex<HashMap<Step, Instant>>>,
    tui_tried: Arc<Mutex<HashSet<SessionId>>>,
    tasks: TaskTracker,
}

impl Reconciler {
    /// Nothing is done before [`Reconciler::run`].
    pub fn new(office: Arc<Office>) -> Self {
        Self {
            office,
            running: Arc::default(),
            resting: Arc::default(),
            tui_tried: Arc::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Works until it is cancelled; then waits for the steps that run.
    pub async fn run(self, cancel: CancellationToken) {
        let mut records = self.office.ledger.subscribe(None).ok();
        while !cancel.is_cancelled() {
            let wait = self.pass();
            let heard = async {
                match &mut records {
                    Some(subscription) => subscription.recv().await.is_ok(),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                alive = heard => {
                    if !alive {
                        // Too slow for the hub: what was missed is in the state already.
                        records = self.office.ledger.subscribe(None).ok();
                    }
                }
                () = self.office.rung() => {}
                () = tokio::time::sleep(wait) => {}
                () = cancel.cancelled() => break,
            }
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn pass(&self) -> Duration {
        let policy = self.office.policy();
        let (steps, wake) = self
            .office
            .ledger
            .read(|state| steps::due(state, &policy, self, Utc::now()));
        let mut wait = wake.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN);
        for step in steps {
            match self.rest_of(&step) {
                Some(rest) => wait = wait.min(rest),
                None => self.begin(step),
            }
        }
        wait.max(Duration::from_millis(1))
    }

    fn rest_of(&self, step: &Step) -> Option<Duration> {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let until = *resting.get(step)?;
        let rest = until.checked_duration_since(Instant::now());
        if rest.is_none() {
            resting.remove(step);
        }
        rest
    }

    fn begin(&self, step: Step) {
        if !self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(step.clone())
        {
            return;
        }
        if let Step::OpenTui(id) = &step {
            self.tui_tried
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(id.clone());
        }
        let office = Arc::clone(&self.office);
        let (running, resting) = (Arc::clone(&self.running), Arc::clone(&self.resting));
        self.tasks.spawn(async move {
            let done = perform(&office, &step).await;
            if done == Done::Again {
                let until = Instant::now() + RETRY_PAUSE;
                resting
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(step.clone(), until);
            }
            running
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&step);
            office.ring();
        });
    }
}

impl Senses for Reconciler {
    fn observed(&self, id: &SessionId) -> Observed {
        self.office.live.observed(id)
    }

    fn is_connected(&self, id: &SessionId) -> bool {
        self.office.is_connected(id)
    }

    fn may_open_tui(&self, id: &SessionId) -> bool {
        // Once per launcher: whoever closes a TUI does not want it back at once.
        !self
            .tui_tried
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(id)
    }
}

async fn perform(office: &Arc<Office>, step: &Step) -> Done {
    match step {
        Step::Dispatch => dispatch(office).await,
        Step::Remind(id) => {
            let (policy, id) = (office.policy(), id.clone());
            let asked = office
                .decide(LAUNCHER, move |state| {
                    flow::sessions::remind(state, &policy.catalog, &id)
                })
                .await;
            settle(asked)
        }
        Step::Dismiss(id) => request_close(office, id, Outcome::Reported).await,
        Step::GiveUp(id) => request_close(office, id, Outcome::Silent).await,
        Step::Start(id)
        | Step::Reconnect(id)
        | Step::Deliver(id)
        | Step::Close(id)
        | Step::OpenTui(id) => {
            let Some(session) = office.session(id) else {
                return Done::Settled;
            };
            let codex = session.brief.driver == CODEX;
            match (step, codex) {
                (Step::Start(_), true) => codex_driver::start(office, &session).await,
                (Step::Start(_), false) => command_driver::start(office, &session).await,
                (Step::Reconnect(_), true) => codex_driver::reconnect(office, &session).await,
                (Step::Reconnect(_), false) => command_driver::reconnect(office, &session).await,
                (Step::Deliver(_), true) => codex_messages::deliver(office, &session).await,
                (Step::Deliver(_), false) => command_driver::deliver(office, &session).await,
                (Step::Close(_), true) => codex_driver::close(office, &session).await,
                (Step::Close(_), false) => command_driver::close(office, &session).await,
                (_, _) => codex_tui::open(office, &session).await,
            }
        }
    }
}

async fn dispatch(office: &Arc<Office>) -> Done {
    // Work that cannot run stays in the queue, instead of failing piece by piece.
    if next_needs_codex(office) && office.codex_trouble().is_some() {
        return Done::Again;
    }
    let (policy, place) = (office.policy(), office.place.clone());
    let given = office.decide(LAUNCHER, move |state| {
        flow::queue::dispatch(state, policy.slots, |assignment| {
            briefs::department(&policy, &place, assignment)
        })
    });
    settle(given.await)
}

fn next_needs_codex(office: &Office) -> bool {
    let policy = office.policy();
    office.ledger.read(|state| {
        let next = flow::queue::next(state, policy.slots);
        next.is_some_and(|assignment| policy.driver_of(&assignment.order.department) == CODEX)
    })
}

async fn request_close(office: &Arc<Office>, id: &SessionId, outcome: Outcome) -> Done {
    let id = id.clone();
    settle(
        office
            .decide(LAUNCHER, move |state| {
                flow::sessions::request_close(state, &id, outcome)
            })
            .await,
    )
}

fn settle<T>(outcome: Result<T, super::office::Refused>) -> Done {
    match outcome {
        Ok(_)
        | Err(crate::ledger::TransactError::Refused(_) | crate::ledger::TransactError::Closed) => {
            Done::Settled
        }
        Err(error) => {
            tracing::warn!(?error, "a step could not be recorded");
            Done::Again
        }
    }
}
