//! The queue of jobs: work that clients, extensions and the server itself ask for, done one after the other beside whatever the sessions do.
//!
//! Every step of a job is an event of the harness's journal, and which one begins follows from what is recorded alone (`domain::harness::queue`):
//! a server that was killed goes on where it ended. What a job does to our own state is recorded in the same batch as its end, so that it is
//! done once however often the job is begun.
//!
//! - `run`: one attempt, and what comes of it; `work`: what each type of job does
//! - `runner`: the task that begins jobs, watches them and records their ends

pub mod run;
mod runner;
#[cfg(test)]
mod tests;
mod work;

use self::run::{Failure, Hands, Outcome, Run};
use super::refused::Refused;
use super::{Decision, Harness};
use crate::domain::harness::event::Event;
use crate::domain::harness::job::{
    Again, Canceled, Job, JobId, JobState, NewJob, Unfit, Work, rows,
};
use crate::domain::harness::jobs::Counts;
use crate::domain::harness::project::ProjectId;
use crate::domain::harness::queue::{self, Admitted};
use crate::domain::harness::state::State;
use crate::domain::harness::worker::targets;
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::Notify;

/// What the runner is woken with.
#[derive(Debug, Default)]
pub struct Queue {
    /// Something is otherwise than it was; what is true stands in the ledger.
    wake: Arc<Notify>,
}

/// A job that somebody wanted to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Enqueued {
    /// It came into the queue.
    New(Job),
    /// This one takes its place.
    Already(Job),
}

impl Enqueued {
    /// The job that will be done, or was.
    pub fn into_job(self) -> Job {
        match self {
            Self::New(job) | Self::Already(job) => job,
        }
    }
}

impl Harness {
    /// Puts a job into the queue, unless another one takes its place.
    ///
    /// # Errors
    /// When the queue is off or full, the payload does not fit, its session was deleted, or its project is not there.
    pub async fn enqueue(&self, actor: &str, new: NewJob) -> Result<Enqueued, Refused> {
        self.queue_must_be_on()?;
        new.work.check().map_err(|unfit| unfit_job(&unfit))?;
        let (now, id) = (Utc::now(), JobId::fresh());
        let decide = move |state: &State| admit(state, new, id, now);
        let enqueued = self.decide(actor, decide).await?;
        self.queue.wake.notify_one();
        Ok(enqueued)
    }

    /// Whether jobs are done.
    pub fn queue_is_on(&self) -> bool {
        self.core.policy().queue.is_on()
    }

    /// # Errors
    /// When the queue is off.
    pub fn queue_must_be_on(&self) -> Result<(), Refused> {
        match self.queue_is_on() {
            true => Ok(()),
            false => Err(Refused::queue_is_off()),
        }
    }

    /// The project that the jobs of a session are in; what stands for one where it has none.
    pub fn project_of(&self, session_id: &str) -> ProjectId {
        let own = self.ledger.read(|state| {
            let session = state.sessions.get(session_id);
            session.and_then(|it| it.project_id.clone())
        });
        own.unwrap_or_else(|| ProjectId::of_session(session_id))
    }

    /// How many jobs are how far.
    pub fn job_counts(&self) -> Counts {
        self.ledger.read(|state| state.jobs.counts())
    }

    /// The jobs of a project, or all, the oldest first. One that was deleted has none, although some that it had may go on.
    pub fn jobs(&self, project_id: Option<&ProjectId>, how_far: Option<JobState>) -> Vec<Job> {
        let wanted = |job: &&Job| {
            project_id.is_none_or(|it| &job.project_id == it)
                && how_far.is_none_or(|it| job.state == it)
        };
        let mut jobs: Vec<Job> = self.ledger.read(|state| {
            let is_there =
                |it: &ProjectId| it.session().is_some() || state.projects.contains_key(it);
            match project_id.is_none_or(is_there) {
                true => state.jobs.iter().filter(wanted).cloned().collect(),
                false => Vec::new(),
            }
        });
        jobs.sort_by_key(|job| job.created_at);
        jobs
    }

    /// A job.
    ///
    /// # Errors
    /// When there is none, or it was over so long ago that it is not known any more.
    pub fn job(&self, id: &JobId) -> Result<Job, Refused> {
        self.ledger.read(|state| known(state, id).cloned())
    }

    /// Takes a job back: at once while it waits; one that runs is interrupted, and may still say so in the answer.
    ///
    /// # Errors
    /// When there is none, or it is over.
    pub async fn cancel_job(&self, actor: &str, id: &JobId) -> Result<Job, Refused> {
        let (now, wanted) = (Utc::now(), id.clone());
        let decide = move |state: &State| -> Decision<()> {
            let job = known(state, &wanted)?;
            if job.state.is_over() {
                return Err(Refused::job_is_over(job));
            }
            let canceled = queue::cancel(job, Canceled::Asked);
            Ok((recorded(state, job, canceled, now), ()))
        };
        self.decide(actor, decide).await?;
        self.queue.wake.notify_one();
        self.job(id)
    }

    /// Puts a job that failed or was taken back into the queue again, as if it were new.
    ///
    /// # Errors
    /// When there is none, it is not over or has its result, its session is gone, another one is the same, or the queue is off or full.
    pub async fn retry_job(&self, actor: &str, id: &JobId) -> Result<Job, Refused> {
        self.queue_must_be_on()?;
        let wanted = id.clone();
        let decide = move |state: &State| again(state, &wanted);
        self.decide(actor, decide).await?;
        self.queue.wake.notify_one();
        self.job(id)
    }

    /// Takes back the jobs of a session, in the decision that deletes it.
    pub(super) fn cancel_jobs_of(state: &State, session_id: &str) -> Vec<Event> {
        let jobs = state.jobs.active_of(session_id);
        let canceled = jobs.filter_map(|job| queue::cancel(job, Canceled::SessionDeleted));
        canceled.collect()
    }

    /// Looks at what there is to do.
    pub(super) fn wake_queue(&self) {
        self.queue.wake.notify_one();
    }
}

impl Hands for Harness {
    fn is_on(&self) -> bool {
        self.queue_is_on()
    }

    fn work(self: Arc<Self>, run: Run) -> BoxFuture<'static, Result<Outcome, Failure>> {
        async move { self.run_job(&run).await }.boxed()
    }

    fn interrupt(
        self: Arc<Self>,
        running: crate::domain::harness::job::RunningContext,
    ) -> BoxFuture<'static, ()> {
        async move {
            let (Some(thread_id), Some(turn_id)) = (running.thread_id, running.turn_id) else {
                return;
            };
            if let Some(thread) = self.threads.thread(&thread_id)
                && let Err(error) = thread.interrupt(&turn_id.as_str().into()).await
            {
                // It is over, or goes with Codex.
                tracing::debug!(thread.id = %thread_id, %error, "a job's turn was not interrupted");
            }
        }
        .boxed()
    }

    fn tell_progress(&self, job: &Job, progress: &Value) {
        self.streams.tell_of_job(job, progress);
    }

    fn consequences(&self) -> fn(&State, &Job, &[Event]) -> Vec<Event> {
        work::consequences
    }
}

fn known<'a>(state: &'a State, id: &JobId) -> Result<&'a Job, Refused> {
    let job = state.jobs.get(id);
    job.ok_or_else(|| Refused::unknown_job(&id.0))
}

fn admit(state: &State, new: NewJob, id: JobId, now: DateTime<Utc>) -> Decision<Enqueued> {
    if new.project_id.session().is_none() && !state.projects.contains_key(&new.project_id) {
        return Err(Refused::unknown_project(&new.project_id.0));
    }
    still_there(state, new.source_session_id.as_deref())?;
    let admitted = queue::admit(&state.jobs, &new);
    match admitted.map_err(|full| Refused::queue_full(full, new.source_session_id.as_deref()))? {
        Admitted::New => {
            let job = new.queued(id, now);
            let mut events = vec![Event::JobQueued {
                job: Box::new(job.clone()),
            }];
            events.extend(targets::begun(state, &job, now));
            Ok((events, Enqueued::New(job)))
        }
        Admitted::Already(job) => Ok((Vec::new(), Enqueued::Already(job.clone()))),
        Admitted::Merged(job) => {
            let merged = Event::JobMerged {
                job_id: job.id.clone(),
                work: new.work,
            };
            let mut job = job.clone();
            job.take(now, &merged);
            Ok((vec![merged], Enqueued::Already(job)))
        }
    }
}

fn again(state: &State, id: &JobId) -> Decision<()> {
    let job = known(state, id)?;
    if !matches!(job.state, JobState::Failed | JobState::Canceled) {
        return Err(Refused::job_is_not_to_be_retried(job));
    }
    let source = job.source_session_id.as_deref();
    still_there(state, source)?;
    if let Some(same) = queue::twin(&state.jobs, job) {
        return Err(Refused::job_is_there_already(same));
    }
    queue::has_room(&state.jobs, &job.project_id)
        .map_err(|full| Refused::queue_full(full, source))?;
    let retried = Event::JobRetried {
        job_id: id.clone(),
        why: Again::Asked,
        next_attempt_at: None,
    };
    Ok((vec![retried], ()))
}

fn still_there(state: &State, session_id: Option<&str>) -> Result<(), Refused> {
    let deleted = session_id.and_then(|id| Some((id, state.deleted.get(id)?)));
    match deleted {
        Some((id, tombstone)) => Err(Refused::deleted(id, tombstone)),
        None => Ok(()),
    }
}

/// An event about a job with all that follows from it, where the job is over with it.
fn recorded(state: &State, job: &Job, event: Option<Event>, now: DateTime<Utc>) -> Vec<Event> {
    let Some(event) = event else {
        return Vec::new();
    };
    whole(state, job, Vec::new(), event, now, work::consequences)
}

/// What a job did, its end, and what follows from that.
fn whole(
    state: &State,
    job: &Job,
    effects: Vec<Event>,
    end: Event,
    now: DateTime<Utc>,
    consequences: fn(&State, &Job, &[Event]) -> Vec<Event>,
) -> Vec<Event> {
    let mut after = job.clone();
    after.take(now, &end);
    let mut all = effects;
    all.push(end);
    if after.state.is_over() {
        all.extend(consequences(state, &after, &all));
        all.extend(rows::closed(state, &after, &all, now));
    }
    all
}

/// A payload that no job takes.
pub fn unfit_job(unfit: &Unfit) -> Refused {
    match unfit {
        Unfit::UnknownType(kind) => Refused::unknown_job_type(kind),
        Unfit::Field { path, message } => Refused::invalid_payload(path, message.clone()),
    }
}

/// Reads what somebody wants to be done.
///
/// # Errors
/// When no job is of this type, or the payload does not fit.
pub fn read_work(kind: &str, payload: Value) -> Result<Work, Refused> {
    Work::read(kind, payload).map_err(|unfit| unfit_job(&unfit))
}
