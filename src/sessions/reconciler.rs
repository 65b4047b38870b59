//! Keeps what runs in step with the journal: looks at what is due, does it, looks again.
//!
//! Each step runs as a task of its own, so a slow start delays nobody. A step that fails for a passing reason stays
//! due and is tried again after a pause.

use super::office::Office;
use super::steps::{self, Senses, Step};
use super::{briefs, drivers};
use crate::checks::{conformance, evidence};
use crate::core::LAUNCHER;
use crate::core::done::Done;
use crate::core::duties::{Duty, caught};
use crate::core::live::Observed;
use crate::core::policy::Policy;
use crate::domain::department::MENXIA;
use crate::domain::fault::Shared;
use crate::domain::flow;
use crate::domain::ids::SessionId;
use crate::domain::powers::REVIEWS;
use crate::domain::session::{Outcome, Session, Status};
use crate::ledger::Health;
use chrono::Utc;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Pause before a step that failed for a passing reason is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Pause before a step that panicked is tried again: it is a defect, and most likely panics again.
const PANIC_PAUSE: Duration = Duration::from_secs(10);
/// Looks again even when nothing happened: a missed bell may cost this much, never more.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The reconciler. Clones share what runs, so that one that is started again begins nothing twice.
#[derive(Clone)]
pub struct Reconciler {
    office: Arc<Office>,
    running: Arc<Mutex<HashSet<Step>>>,
    resting: Arc<Mutex<HashMap<Step, Instant>>>,
    tui_tried: Arc<Mutex<HashSet<SessionId>>>,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

impl Reconciler {
    /// Nothing is done before [`Reconciler::run`].
    pub fn new(office: Arc<Office>, cancel: CancellationToken) -> Self {
        Self {
            office,
            running: Arc::default(),
            resting: Arc::default(),
            tui_tried: Arc::default(),
            tasks: TaskTracker::new(),
            cancel,
        }
    }

    /// Works until it is cancelled; then waits for the steps that run.
    pub async fn run(self) {
        let mut records = self.office.core.ledger.subscribe(None).ok();
        while !self.cancel.is_cancelled() {
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
                        records = self.office.core.ledger.subscribe(None).ok();
                    }
                }
                () = self.office.core.rung() => {}
                () = tokio::time::sleep(wait) => {}
                () = self.cancel.cancelled() => break,
            }
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn pass(&self) -> Duration {
        // What cannot be recorded must not be done: it would be done again at every look.
        if self.office.core.ledger.status().borrow().health != Health::Writable {
            return LOOK_AGAIN;
        }
        let policy = self.office.core.policy();
        let (steps, wake) = self
            .office
            .core
            .ledger
            .read(|state| steps::due(state, &policy, self, Utc::now()));
        let mut wait = wake.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN);
        for step in steps {
            match self.rest_of(&step) {
                Some(rest) => wait = wait.min(rest),
                None if self.must_wait(&step) => {}
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

    /// A program that is being started can only be ended once its start is through: before that nobody knows its process,
    /// and it would be left behind. The end of the start rings, so nothing waits longer than it must. Starting a Codex
    /// session may wait for the app-server, and it looks at the session again before it goes on.
    fn must_wait(&self, step: &Step) -> bool {
        let Step::Close(id) = step else { return false };
        let starts = [Step::Start(id.clone()), Step::Reconnect(id.clone())];
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let is_starting = starts.iter().any(|start| running.contains(start));
        drop(running);
        is_starting
            && self
                .office
                .core
                .session(id)
                .is_some_and(|session| session.brief.driver.lives_in_terminal())
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
        let cancel = self.cancel.clone();
        self.tasks.spawn(async move {
            // However the step ends, a panic included, it may be begun again.
            let finished = Finished {
                running,
                step: step.clone(),
            };
            let pause = match caught(perform(&office, &step, &cancel)).await {
                Ok(Done::Settled) => None,
                Ok(Done::Again) => Some(RETRY_PAUSE),
                Err(reason) => {
                    office
                        .core
                        .failed(Duty::Step, format!("{step:?}: {reason}"))
                        .await;
                    Some(PANIC_PAUSE)
                }
            };
            if let Some(pause) = pause {
                let until = Instant::now() + pause;
                resting
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(step.clone(), until);
            }
            drop(finished);
            office.core.ring();
        });
    }
}

/// Takes a step off the list of those that run.
struct Finished {
    running: Arc<Mutex<HashSet<Step>>>,
    step: Step,
}

impl Drop for Finished {
    fn drop(&mut self) {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.step);
    }
}

impl Senses for Reconciler {
    fn observed(&self, id: &SessionId) -> Observed {
        self.office.core.live.observed(id)
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

async fn perform(office: &Arc<Office>, step: &Step, cancel: &CancellationToken) -> Done {
    match step {
        Step::Dispatch => dispatch(office).await,
        Step::Judge => conformance::judge(&office.core, &office.threads).await,
        Step::Verify => evidence::verify(&office.core, &office.threads, cancel).await,
        Step::Review(id) => review(office, id).await,
        Step::CallOff(id) => {
            let has_spoken = office.core.ledger.read(|state| {
                let session = state.session(id);
                session.is_some_and(|it| flow::plan_reviews::has_spoken(state, it))
            });
            let outcome = match has_spoken {
                true => Outcome::Reported,
                false => Outcome::NotNeeded,
            };
            request_close(office, id, outcome).await
        }
        Step::Remind(id) => {
            let (policy, id) = (office.core.policy(), id.clone());
            let setback = office.core.live.observed(&id).setback;
            let asked = office
                .core
                .decide(LAUNCHER, move |state| {
                    flow::sessions::remind(state, &policy.catalog, &id, setback)
                })
                .await;
            Done::of(asked)
        }
        Step::Dismiss(id) => request_close(office, id, Outcome::Reported).await,
        Step::GiveUp(id) => give_up(office, id).await,
        Step::Start(id)
        | Step::Reconnect(id)
        | Step::Deliver(id)
        | Step::Close(id)
        | Step::OpenTui(id) => {
            let Some(session) = office.core.session(id) else {
                return Done::Settled;
            };
            if !is_still_due(office, step, &session) {
                return Done::Settled;
            }
            match step {
                Step::Start(_) => start(office, &session).await,
                Step::Reconnect(_) => drivers::reconnect(office, &session).await,
                Step::Deliver(_) => drivers::deliver(office, &session).await,
                Step::Close(_) => drivers::close(office, &session).await,
                _ => drivers::show(office, &session).await,
            }
        }
    }
}

/// Starts a session by the very policy that did not withhold it.
async fn start(office: &Arc<Office>, session: &Session) -> Done {
    let policy = policy_to_start(office, session).await;
    if let Some(done) = withheld(office, &policy, session).await {
        return done;
    }
    if conformance::baseline(&office.core, session).await == Done::Again {
        return Done::Again;
    }
    // To look at the repository takes its time: what is approved may be another thing by now.
    let policy = policy_to_start(office, session).await;
    if let Some(done) = withheld(office, &policy, session).await {
        return done;
    }
    drivers::start(office, &policy, session).await
}

/// What holds at this moment. Files that a program's command line names are read for it: an agent may have changed them since
/// somebody looked.
async fn policy_to_start(office: &Office, session: &Session) -> Arc<Policy> {
    if session.brief.driver.program().is_some() {
        office.core.renew(None).await;
    }
    office.core.policy()
}

/// What the file asked for when a session was registered may wait for the person's yes by now: then so does the session.
async fn withheld(office: &Arc<Office>, policy: &Policy, session: &Session) -> Option<Done> {
    let reason = policy.withheld(&session.brief)?.message;
    if policy.has_question() {
        office
            .core
            .live
            .update(session.id(), |observed| observed.notice = Some(reason));
        return Some(Done::Again);
    }
    Some(
        office
            .closed(session.id(), Outcome::Failed { reason })
            .await,
    )
}

/// Between the look and the deed another task may have done it already.
fn is_still_due(office: &Office, step: &Step, session: &Session) -> bool {
    match step {
        Step::Start(_) => session.status == Status::Starting,
        Step::Reconnect(id) => session.status == Status::Running && !office.is_connected(id),
        Step::Close(_) => matches!(session.status, Status::Closing { .. }),
        _ => true,
    }
}

/// A department that stays silent because its model fails is told apart from one that has nothing to say.
async fn give_up(office: &Arc<Office>, id: &SessionId) -> Done {
    let Some(reason) = office.core.live.observed(id).turn_failure else {
        return request_close(office, id, Outcome::Silent).await;
    };
    if let Some(session) = office.core.session(id) {
        let shared = Shared::Model {
            driver: session.brief.driver.clone(),
            model: session.brief.model.clone(),
        };
        office.queue().hold_back(shared, &session, &reason).await;
    }
    request_close(office, id, Outcome::Failed { reason }).await
}

async fn dispatch(office: &Arc<Office>) -> Done {
    // Work that cannot run stays in the queue, instead of failing piece by piece.
    let (policy, place, limits) = (
        office.core.policy(),
        office.core.place.clone(),
        office.queue().limits(),
    );
    let waits_for_codex = limits.codex_down.is_some();
    let given = office.core.decide(LAUNCHER, move |state| {
        flow::queue::dispatch(state, &limits, |assignment| {
            briefs::department(&policy, &place, assignment)
        })
    });
    match given.await {
        Ok(None) if waits_for_codex => Done::Again,
        other => Done::of(other),
    }
}

async fn review(office: &Arc<Office>, planner: &SessionId) -> Done {
    let policy = office.core.policy();
    let allowed = office.core.ledger.read(|state| state.trusted.is_some());
    // The plan waits, and the person can overrule meanwhile.
    if policy.waits(REVIEWS, policy.driver_of(MENXIA)) {
        return Done::Again;
    }
    if policy.driver_of(MENXIA).needs_codex() && !(allowed && office.threads.down().is_none()) {
        return Done::Again;
    }
    let (place, planner) = (office.core.place.clone(), planner.clone());
    let begun = office.core.decide(LAUNCHER, move |state| {
        flow::plan_reviews::begin(state, &planner, |planner, plan| {
            briefs::review(&policy, &place, planner, plan)
        })
    });
    Done::of(begun.await)
}

async fn request_close(office: &Arc<Office>, id: &SessionId, outcome: Outcome) -> Done {
    let id = id.clone();
    Done::of(
        office
            .core
            .decide(LAUNCHER, move |state| {
                flow::sessions::request_close(state, &id, outcome)
            })
            .await,
    )
}
