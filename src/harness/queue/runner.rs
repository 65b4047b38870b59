//! The task that begins jobs, watches them and records their ends.
//!
//! # After a crash
//!
//! A job that the ledger says runs when this task begins was broken off: it is put into the queue again. So it is after an orderly stop, and
//! after this task itself fell over. Whatever of an older attempt is left over cannot record an end: an end is taken only of the attempt
//! that runs.

use super::run::{Failure, Hands, Outcome, Run};
use super::whole;
use crate::core::LAUNCHER;
use crate::domain::harness::event::Event;
use crate::domain::harness::job::{Job, JobId, JobState, Unfit};
use crate::domain::harness::queue::{self, End};
use crate::domain::harness::state::State;
use crate::domain::sentence::{Sentence, say};
use crate::harness::{Harness, Ledger};
use crate::ledger::TransactError;
use chrono::Utc;
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{self, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// What a job that is taken back, or whose time is over, still has until it is ended.
const GRACE: Duration = Duration::from_millis(1500);
/// A pause before the journal is written to again that could not be, and before the setting is looked at again that is off.
const AGAIN: Duration = Duration::from_secs(1);
/// The longest pause between two looks: a clock that was set back must not keep a job from its second attempt for ever.
const LONGEST: Duration = Duration::from_secs(30);

impl Harness {
    /// Does what is in the queue, until the end.
    pub async fn run_jobs(self: Arc<Self>, end: CancellationToken) {
        let (ledger, wake) = (self.ledger.clone(), Arc::clone(&self.queue.wake));
        Runner::new(ledger, wake, self).run(end).await;
    }
}

/// What begins jobs and watches them.
pub(super) struct Runner<H> {
    ledger: Ledger,
    wake: Arc<Notify>,
    hands: Arc<H>,
    running: JoinSet<()>,
    /// What ends each attempt. By the attempt: a job may be tried again before the one before has been noticed to be over.
    cancels: HashMap<task::Id, (JobId, CancellationToken)>,
}

impl<H: Hands> Runner<H> {
    pub(super) fn new(ledger: Ledger, wake: Arc<Notify>, hands: Arc<H>) -> Self {
        Self {
            ledger,
            wake,
            hands,
            running: JoinSet::new(),
            cancels: HashMap::new(),
        }
    }

    /// Goes on until the end; what runs then is left as it is in the ledger, and begun again with the next start.
    pub(super) async fn run(mut self, end: CancellationToken) {
        tokio::select! {
            () = self.go_on() => {}
            () = end.cancelled() => {}
        }
    }

    async fn go_on(&mut self) {
        let hands = Arc::clone(&self.hands);
        let recover = move |state: &State| put_back(state, &*hands);
        record(&self.ledger, recover).await;
        loop {
            self.cancel_those_asked();
            let pause = self.begin_what_may().await;
            tokio::select! {
                () = self.wake.notified() => {}
                Some(ended) = self.running.join_next_with_id(), if !self.running.is_empty() => {
                    // Whatever the work did, its end was recorded: only a defect of this file ends otherwise.
                    let (attempt, ()) = ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
                    self.cancels.remove(&attempt);
                }
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn cancel_those_asked(&self) {
        let asked = self.ledger.read(|state| {
            let asked = state.jobs.active().filter(|it| it.canceled.is_some());
            asked.map(|it| it.id.clone()).collect::<HashSet<_>>()
        });
        for (id, token) in self.cancels.values() {
            if asked.contains(id) {
                token.cancel();
            }
        }
    }

    /// Begins what may begin. How long there is nothing to do, unless something happens.
    async fn begin_what_may(&mut self) -> Duration {
        if !self.hands.is_on() {
            return AGAIN;
        }
        let now = Utc::now();
        let (any, wakes_at) = self.ledger.read(|state| {
            let any = !queue::next(&state.jobs, now).is_empty();
            (any, queue::wakes_at(&state.jobs, now))
        });
        if any {
            let begin = move |state: &State| {
                let jobs = queue::next(&state.jobs, now);
                let ids: Vec<_> = jobs.into_iter().map(|job| job.id.clone()).collect();
                let started = ids
                    .iter()
                    .cloned()
                    .map(|job_id| Event::JobStarted { job_id });
                (started.collect(), ids)
            };
            for id in record(&self.ledger, begin).await {
                self.begin(id);
            }
        }
        let pause = wakes_at.and_then(|at| (at - now).to_std().ok());
        pause.unwrap_or(LONGEST).min(LONGEST)
    }

    fn begin(&mut self, id: JobId) {
        // Only what is over is ever forgotten.
        let Some(job) = self.ledger.read(|state| state.jobs.get(&id).cloned()) else {
            return;
        };
        let cancel = CancellationToken::new();
        let token = cancel.clone();
        let (ledger, hands) = (self.ledger.clone(), Arc::clone(&self.hands));
        let attempt = self.running.spawn(async move {
            let done = attempt(&ledger, &hands, &job, &cancel).await;
            let end = move |state: &State| (over(state, &job, done, hands.consequences()), ());
            record(&ledger, end).await;
        });
        self.cancels.insert(attempt.id(), (id, token));
    }
}

/// Does the work once, within its time and until it is taken back.
async fn attempt<H: Hands>(
    ledger: &Ledger,
    hands: &Arc<H>,
    job: &Job,
    cancel: &CancellationToken,
) -> Result<Outcome, Failure> {
    let run = Run {
        job: job.clone(),
        cancel: cancel.clone(),
        ledger: ledger.clone(),
        hands: Arc::clone(hands) as Arc<dyn Hands>,
    };
    let limit = hands.limit(job);
    let mut work = AbortOnDropHandle::new(tokio::spawn(Arc::clone(hands).work(run)));
    let failure = tokio::select! {
        done = &mut work => return done.unwrap_or_else(|error| Err(fallen(job, error))),
        () = cancel.cancelled() => Failure::new("canceled", say!("reason.job_canceled")),
        () = tokio::time::sleep(limit) => {
            cancel.cancel();
            let seconds = limit.as_secs();
            Failure::passing("timeout", say!("reason.job_timeout", seconds))
        }
    };
    let found = ledger.read(|state| {
        let job = state.jobs.get(&job.id);
        job.map(|job| job.running_context.clone())
    });
    let interrupted = Arc::clone(hands).interrupt(found.unwrap_or_default());
    let ends = async {
        let (done, ()) = tokio::join!(&mut work, interrupted);
        done
    };
    match tokio::time::timeout(GRACE, ends).await {
        // It was quicker than whoever took it back.
        Ok(Ok(Ok(outcome))) => Ok(outcome),
        _ => Err(failure),
    }
}

fn fallen(job: &Job, error: JoinError) -> Failure {
    tracing::error!(job.id = %job.id, %error, "a job fell over");
    Failure::new("internal", say!("refusal.internal"))
}

/// What is recorded of an attempt that ended; nothing when it is not the one that runs.
fn over(
    state: &State,
    attempt: &Job,
    done: Result<Outcome, Failure>,
    consequences: fn(&State, &Job, &[Event]) -> Vec<Event>,
) -> Vec<Event> {
    let now = Utc::now();
    let known = state.jobs.get(&attempt.id);
    let is_it =
        |job: &&Job| job.state == attempt.state && job.last_attempt_at == attempt.last_attempt_at;
    let Some(job) = known.filter(is_it) else {
        return Vec::new();
    };
    let (end, effects) = match done.and_then(|outcome| fits(state, job, outcome)) {
        Ok(outcome) => (End::Result(outcome.result), outcome.effects),
        Err(failure) => {
            let end = End::Failure {
                code: failure.code,
                message: failure.message.to_string(),
                passes: failure.passes,
            };
            (end, Vec::new())
        }
    };
    let end = queue::ended(job, end, now);
    whole(state, job, effects, end, now, consequences)
}

/// Whether what came of a job is what may come of it, and there is room for it.
fn fits(state: &State, job: &Job, outcome: Outcome) -> Result<Outcome, Failure> {
    job.work.takes(&outcome.result).map_err(|unfit| {
        let path = match unfit {
            Unfit::Field { path, .. } => path,
            Unfit::UnknownType(kind) => kind,
        };
        Failure::new("invalid_result", say!("reason.job_result", path))
    })?;
    for effect in &outcome.effects {
        let Event::RowUpserted { session_id, entry } = effect else {
            continue;
        };
        if state.deleted.contains_key(session_id) {
            let message = say!("reason.job_session_deleted");
            return Err(Failure::new("session_deleted", message));
        }
        if !state.has_room_for(session_id, entry) {
            let message = say!("refusal.harness.rows_full");
            return Err(Failure::new("rows_full", message));
        }
    }
    Ok(outcome)
}

/// Puts what was broken off into the queue again.
fn put_back<H: Hands>(state: &State, hands: &H) -> (Vec<Event>, ()) {
    let now = Utc::now();
    let active = state.jobs.active();
    let running = active.filter(|job| job.state == JobState::Running);
    let all = running.flat_map(|job| {
        let end = queue::ended(job, End::Interruption, now);
        whole(state, job, Vec::new(), end, now, hands.consequences())
    });
    (all.collect(), ())
}

/// Records, however long the journal cannot be written. Never returns when it is closed.
async fn record<T: Send + 'static>(
    ledger: &Ledger,
    decide: impl FnOnce(&State) -> (Vec<Event>, T) + Clone + Send + 'static,
) -> T {
    loop {
        let decide = decide.clone();
        let done = ledger.transact(LAUNCHER, move |state| Ok::<_, Infallible>(decide(state)));
        match done.await {
            Ok(value) => return value,
            Err(TransactError::ReadOnly { reason }) => {
                tracing::warn!(reason, "the queue of jobs waits for the journal");
                tokio::time::sleep(AGAIN).await;
            }
            Err(TransactError::Closed) => return std::future::pending().await,
            Err(error @ TransactError::Panicked) => {
                let reason = Sentence::recognised(&error.to_string());
                panic!("a step of a job was not recorded: {reason}");
            }
            Err(TransactError::Refused(never)) => match never {},
        }
    }
}
