//! Keeps what runs in step with the journal: looks at what is due, does it, looks again.
//!
//! Each step runs as a task of its own, so a slow start delays nobody. A step that fails for a passing reason stays
//! due and is tried again after a pause.

use super::agents::Agents;
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
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, debug_span};

/// Pause before a step that failed for a passing reason is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Pause before a step that panicked is tried again: it is a defect, and most likely panics again.
const PANIC_PAUSE: Duration = Duration::from_secs(10);
/// Looks again even when nothing happened: a missed bell may cost this much, never more.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The reconciler. Clones share what runs, so that one that is started again begins nothing twice.
#[derive(Clone)]
pub struct Reconciler {
    agents: Arc<Agents>,
    running: Arc<Mutex<HashSet<Step>>>,
    resting: Arc<Mutex<HashMap<Step, Instant>>>,
    tui_tried: Arc<Mutex<HashSet<SessionId>>>,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

impl Reconciler {
    /// Nothing is done before [`Reconciler::run`].
    pub fn new(agents: Arc<Agents>, cancel: CancellationToken) -> Self {
        Self {
            agents,
            running: Arc::default(),
            resting: Arc::default(),
            tui_tried: Arc::default(),
            tasks: TaskTracker::new(),
            cancel,
        }
    }

    /// Works until it is cancelled; then waits for the steps that run.
    pub async fn run(self) {
        let mut records = self.agents.core.ledger.subscribe(None).ok();
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
                        records = self.agents.core.ledger.subscribe(None).ok();
                    }
                }
                () = self.agents.core.rung() => {}
                () = tokio::time::sleep(wait) => {}
                () = self.cancel.cancelled() => break,
            }
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn pass(&self) -> Duration {
        // What cannot be recorded must not be done: it would be done again at every look.
        if self.agents.core.ledger.status().borrow().health != Health::Writable {
            return LOOK_AGAIN;
        }
        let policy = self.agents.core.policy();
        let (steps, wake) = self
            .agents
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
                .agents
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
        let agents = Arc::clone(&self.agents);
        let (running, resting) = (Arc::clone(&self.running), Arc::clone(&self.resting));
        let cancel = self.cancel.clone();
        self.tasks.spawn(async move {
            // However the step ends, a panic included, it may be begun again.
            let finished = Finished {
                running,
                step: step.clone(),
            };
            let work = perform(&agents, &step, &cancel).instrument(debug_span!("step", ?step));
            let pause = match caught(work).await {
                Ok(Done::Settled) => None,
                Ok(Done::Again) => Some(RETRY_PAUSE),
                Err(reason) => {
                    agents
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
            agents.core.ring();
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
        self.agents.core.live.observed(id)
    }

    fn is_connected(&self, id: &SessionId) -> bool {
        self.agents.is_connected(id)
    }

    fn answered_at(&self, id: &SessionId) -> Option<DateTime<Utc>> {
        self.agents.core.live.answered_at(id)
    }

    fn heard_tokens(&self) -> BTreeMap<SessionId, u64> {
        self.agents.core.live.heard_tokens()
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

async fn perform(agents: &Arc<Agents>, step: &Step, cancel: &CancellationToken) -> Done {
    match step {
        Step::Dispatch => dispatch(agents).await,
        Step::Judge => conformance::judge(&agents.core, &agents.threads).await,
        Step::GoOn => go_on(agents).await,
        Step::Verify => evidence::verify(&agents.core, &agents.threads, cancel).await,
        Step::Review(id) => review(agents, id).await,
        Step::CallOff(id) => {
            let has_spoken = agents.core.ledger.read(|state| {
                let session = state.session(id);
                session.is_some_and(|it| flow::plan_reviews::has_spoken(state, it))
            });
            let outcome = match has_spoken {
                true => Outcome::Reported,
                false => Outcome::NotNeeded,
            };
            request_close(agents, id, outcome).await
        }
        Step::Remind(id) => {
            let (policy, id) = (agents.core.policy(), id.clone());
            let setback = agents.core.live.observed(&id).setback;
            let asked = agents
                .core
                .decide(LAUNCHER, move |state| {
                    flow::sessions::remind(state, &policy.catalog, &id, setback)
                })
                .await;
            Done::of(asked)
        }
        Step::Dismiss(id) => request_close(agents, id, Outcome::Reported).await,
        Step::GiveUp(id) => give_up(agents, id).await,
        Step::Start(id)
        | Step::Reconnect(id)
        | Step::Deliver(id)
        | Step::Close(id)
        | Step::Interrupt(id)
        | Step::BeginReview(id)
        | Step::EndReview(id)
        | Step::OpenTui(id) => {
            let Some(session) = agents.core.session(id) else {
                return Done::Settled;
            };
            if !is_still_due(agents, step, &session) {
                return Done::Settled;
            }
            match step {
                Step::Start(_) => start(agents, &session).await,
                Step::Reconnect(_) => drivers::reconnect(agents, &session).await,
                Step::Deliver(_) => drivers::deliver(agents, &session).await,
                Step::Close(_) => drivers::close(agents, &session).await,
                Step::Interrupt(_) => interrupt(agents, &session).await,
                Step::BeginReview(_) => agents.steering().begin_own_review(&session).await,
                Step::EndReview(_) => agents.steering().end_own_review(&session).await,
                _ => drivers::show(agents, &session).await,
            }
        }
    }
}

/// Starts a session by the very policy that did not withhold it.
async fn start(agents: &Arc<Agents>, session: &Session) -> Done {
    let policy = policy_to_start(agents, session).await;
    if let Some(done) = withheld(agents, &policy, session).await {
        return done;
    }
    if conformance::baseline(&agents.core, session).await == Done::Again {
        return Done::Again;
    }
    // To look at the repository takes its time: what is approved may be another thing by now.
    let policy = policy_to_start(agents, session).await;
    if let Some(done) = withheld(agents, &policy, session).await {
        return done;
    }
    drivers::start(agents, &policy, session).await
}

/// What holds at this moment. Files that a program's command line names are read for it: an agent may have changed them since
/// somebody looked.
async fn policy_to_start(agents: &Agents, session: &Session) -> Arc<Policy> {
    if session.brief.driver.program().is_some() {
        agents.core.renew(None).await;
    }
    agents.core.policy()
}

/// What the file asked for when a session was registered may wait for the person's yes by now: then so does the session.
async fn withheld(agents: &Arc<Agents>, policy: &Policy, session: &Session) -> Option<Done> {
    let reason = policy.withheld(&session.brief)?.to_string();
    if policy.has_question() {
        agents
            .core
            .live
            .update(session.id(), |observed| observed.notice = Some(reason));
        return Some(Done::Again);
    }
    Some(
        agents
            .closed(session.id(), Outcome::Failed { reason })
            .await,
    )
}

/// Between the look and the deed another task may have done it already.
fn is_still_due(agents: &Agents, step: &Step, session: &Session) -> bool {
    match step {
        Step::Start(_) => session.status == Status::Starting,
        Step::Reconnect(id) => session.status == Status::Running && !agents.is_connected(id),
        Step::Close(_) => matches!(session.status, Status::Closing { .. }),
        _ => true,
    }
}

/// A department that stays silent because its model fails is told apart from one that has nothing to say.
async fn give_up(agents: &Arc<Agents>, id: &SessionId) -> Done {
    let Some(reason) = agents.core.live.observed(id).turn_failure else {
        return request_close(agents, id, Outcome::Silent).await;
    };
    if let Some(session) = agents.core.session(id) {
        let shared = Shared::Model {
            driver: session.brief.driver.clone(),
            model: session.brief.model.clone(),
        };
        agents.queue().hold_back(shared, &session, &reason).await;
    }
    request_close(agents, id, Outcome::Failed { reason }).await
}

/// The next session that stood still at a limit goes on.
async fn go_on(agents: &Arc<Agents>) -> Done {
    let policy = agents.core.policy();
    let (bounds, language) = (agents.core.bounds(&policy), policy.catalog.language);
    let at_work = Arc::clone(agents);
    let told = agents.core.decide(LAUNCHER, move |state| {
        let answered_at = |id: &SessionId| at_work.core.live.answered_at(id);
        flow::usage::go_on(state, &bounds, language, Utc::now(), answered_at)
    });
    Done::of(told.await)
}

/// Recorded first: what is interrupted goes on when the budget is raised, whatever happens in between.
async fn interrupt(agents: &Arc<Agents>, session: &Session) -> Done {
    let id = session.id().clone();
    let recorded = agents
        .core
        .decide(LAUNCHER, move |state| flow::usage::exhausted(state, &id));
    if recorded.await.is_ok() {
        drivers::interrupt(agents, session).await;
    }
    // Until its end is heard it is interrupted again.
    Done::Again
}

async fn dispatch(agents: &Arc<Agents>) -> Done {
    // Work that cannot run stays in the queue, instead of failing piece by piece.
    let (policy, place, limits) = (
        agents.core.policy(),
        agents.core.place.clone(),
        agents.queue().limits(),
    );
    let waits_for_codex = limits.codex_down.is_some();
    let given = agents.core.decide(LAUNCHER, move |state| {
        flow::queue::dispatch(state, &limits, |assignment| {
            briefs::department(&policy, &place, assignment)
        })
    });
    match given.await {
        Ok(None) if waits_for_codex => Done::Again,
        other => Done::of(other),
    }
}

async fn review(agents: &Arc<Agents>, planner: &SessionId) -> Done {
    let policy = agents.core.policy();
    let allowed = agents.core.ledger.read(|state| state.trusted.is_some());
    // The plan waits, and the person can overrule meanwhile.
    if policy.waits(REVIEWS, policy.driver_of(MENXIA)) {
        return Done::Again;
    }
    if policy.driver_of(MENXIA).needs_codex() && !(allowed && agents.threads.down().is_none()) {
        return Done::Again;
    }
    let (place, planner) = (agents.core.place.clone(), planner.clone());
    let begun = agents.core.decide(LAUNCHER, move |state| {
        flow::plan_reviews::begin(state, &planner, |planner, plan| {
            briefs::review(&policy, &place, planner, plan)
        })
    });
    Done::of(begun.await)
}

async fn request_close(agents: &Arc<Agents>, id: &SessionId, outcome: Outcome) -> Done {
    let id = id.clone();
    Done::of(
        agents
            .core
            .decide(LAUNCHER, move |state| {
                flow::sessions::request_close(state, &id, outcome)
            })
            .await,
    )
}
