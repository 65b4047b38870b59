//! Which jobs may begin, whether another one fits in, and what follows when one ends. Pure: whoever asks says what time it is.
//!
//! Two run at once, and one of each project. In a project the oldest interactive one goes first; a background one that has waited for
//! [`PATIENCE`] goes before it once three interactive ones have begun in a row. Between projects the oldest goes first, where a background
//! one that has not waited so long comes after the others.

use super::event::Event;
use super::job::{
    Again, Canceled, Dedupe, Job, JobState, JobType, MAX_INTERRUPTIONS, NewJob, Priority,
};
use super::jobs::Jobs;
use super::project::ProjectId;
use crate::domain::sentence::say;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, HashSet};

/// Jobs that run at the same time.
pub const AT_ONCE: usize = 2;
/// Jobs of a project that wait or run.
pub const MAX_PER_PROJECT: usize = 100;
/// Jobs that wait or run.
pub const MAX_IN_ALL: usize = 500;
/// How long a background job lets others go before it.
pub const PATIENCE: TimeDelta = TimeDelta::seconds(15);
/// How many interactive jobs begin before a background one that waits.
pub const IN_A_ROW: u32 = 3;
/// The pause before a second attempt; before each further one it is twice as long.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(2);

/// The jobs that may begin now, in their order.
pub fn next(jobs: &Jobs, now: DateTime<Utc>) -> Vec<&Job> {
    let running: HashSet<&ProjectId> = jobs.active().filter_map(running).collect();
    let mut waiting: BTreeMap<&ProjectId, Vec<&Job>> = BTreeMap::new();
    for job in jobs.active().filter(|job| is_due(job, now)) {
        if !running.contains(&job.project_id) {
            waiting.entry(&job.project_id).or_default().push(job);
        }
    }
    let firsts = waiting.into_iter().filter_map(|(project_id, waiting)| {
        let in_a_row = jobs.in_a_row(project_id);
        first(&waiting, in_a_row, now)
    });
    let mut firsts: Vec<&Job> = firsts.collect();
    firsts.sort_by_key(|job| (!is_urgent(job, now), job.created_at, &job.id));
    firsts.truncate(AT_ONCE.saturating_sub(running.len()));
    firsts
}

/// When the next job may begin that waits for nothing but the time.
pub fn wakes_at(jobs: &Jobs, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let waiting = jobs.active().filter(|job| job.state == JobState::Queued);
    let times = waiting.filter_map(|job| job.next_attempt_at);
    times.filter(|at| *at > now).min()
}

fn running(job: &Job) -> Option<&ProjectId> {
    (job.state == JobState::Running).then_some(&job.project_id)
}

fn is_due(job: &Job, now: DateTime<Utc>) -> bool {
    job.state == JobState::Queued && job.next_attempt_at.is_none_or(|at| at <= now)
}

fn is_urgent(job: &Job, now: DateTime<Utc>) -> bool {
    job.priority == Priority::Interactive || now - job.created_at >= PATIENCE
}

/// Which of a project's jobs goes first.
fn first<'a>(waiting: &[&'a Job], in_a_row: u32, now: DateTime<Utc>) -> Option<&'a Job> {
    let oldest = |priority| {
        let such = waiting.iter().filter(|job| job.priority == priority);
        such.min_by_key(|job| (job.created_at, &job.id)).copied()
    };
    let background = oldest(Priority::Background);
    let is_its_turn = in_a_row >= IN_A_ROW;
    let before = background.filter(|job| is_its_turn && is_urgent(job, now));
    before
        .or_else(|| oldest(Priority::Interactive))
        .or(background)
}

/// What becomes of a job that somebody wants to be done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Admitted<'a> {
    /// It comes into the queue.
    New,
    /// Another one takes its place.
    Already(&'a Job),
    /// Another one that waits takes its place, and takes over what it asks for.
    Merged(&'a Job),
}

/// Why no further job fits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// As many of its project wait or run as may.
    Project,
    /// As many of all projects do.
    All,
}

/// Whether a job comes into the queue. One that another takes the place of is not counted.
///
/// # Errors
/// When there is no room for it.
pub fn admit<'a>(jobs: &'a Jobs, new: &NewJob) -> Result<Admitted<'a>, Full> {
    if let Some(known) = same(jobs, new) {
        return Ok(match new.dedupe {
            Dedupe::MergeDuplicate => Admitted::Merged(known),
            _ => Admitted::Already(known),
        });
    }
    has_room(jobs, &new.project_id).map(|()| Admitted::New)
}

/// Whether one more job of a project fits in.
///
/// # Errors
/// When it does not.
pub fn has_room(jobs: &Jobs, project_id: &ProjectId) -> Result<(), Full> {
    let of_project = jobs.active().filter(|job| &job.project_id == project_id);
    if of_project.count() >= MAX_PER_PROJECT {
        return Err(Full::Project);
    }
    match jobs.active().count() >= MAX_IN_ALL {
        true => Err(Full::All),
        false => Ok(()),
    }
}

/// The job that takes the place of a new one: the newest of its project, type and key.
fn same<'a>(jobs: &'a Jobs, new: &NewJob) -> Option<&'a Job> {
    let key = new.key()?;
    let is_same = |job: &&Job| is_same(job, &new.project_id, new.work.kind(), &key);
    match new.dedupe {
        Dedupe::None => None,
        // One that is about to be taken back does nothing for anybody any more.
        Dedupe::SingleFlight => {
            let same = jobs.active().filter(is_same);
            same.filter(|job| job.cancel_requested_at.is_none()).last()
        }
        Dedupe::MergeDuplicate => {
            let same = jobs.active().filter(is_same);
            same.filter(|job| job.state == JobState::Queued).last()
        }
        Dedupe::DropDuplicate => jobs.iter().filter(is_same).last(),
    }
}

fn is_same(job: &Job, project_id: &ProjectId, kind: JobType, key: &str) -> bool {
    job.project_id == *project_id && job.kind() == kind && job.dedupe_key.as_deref() == Some(key)
}

/// Another job that waits or runs and is the same as this one, which is over.
pub fn twin<'a>(jobs: &'a Jobs, over: &Job) -> Option<&'a Job> {
    let key = over.dedupe_key.as_deref()?;
    let mut active = jobs.active();
    active.find(|job| is_same(job, &over.project_id, over.kind(), key))
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// With a result.
    Result(serde_json::Value),
    /// Without one.
    Failure {
        /// The cause, for programs.
        code: String,
        /// The cause, for people.
        message: String,
        /// Whether it may be gone at the next attempt.
        passes: bool,
    },
    /// With the server.
    Interruption,
}

/// What is recorded of an attempt that ended. A result counts also when somebody asked to take the job back meanwhile: it is there.
pub fn ended(job: &Job, end: End, now: DateTime<Utc>) -> Event {
    let job_id = job.id.clone();
    let (why, next_attempt_at) = match (end, job.canceled) {
        (End::Result(result), _) => return Event::JobCompleted { job_id, result },
        (_, Some(why)) => return Event::JobCanceled { job_id, why },
        (
            End::Failure {
                code,
                message,
                passes,
            },
            None,
        ) => {
            if !passes || job.attempts >= job.max_attempts {
                return Event::JobFailed {
                    job_id,
                    code,
                    message,
                };
            }
            let doubled = 1 << job.attempts.saturating_sub(1).min(8);
            let again = Again::Failed { code, message };
            (again, Some(now + FIRST_PAUSE * doubled))
        }
        (End::Interruption, None) => {
            if job.interruptions >= MAX_INTERRUPTIONS {
                let message = say!("reason.job_interrupted", times = MAX_INTERRUPTIONS);
                return Event::JobFailed {
                    job_id,
                    code: "interrupted".to_owned(),
                    message: message.to_string(),
                };
            }
            (Again::Interrupted, None)
        }
    };
    Event::JobRetried {
        job_id,
        why,
        next_attempt_at,
    }
}

/// What is recorded when a job is to be taken back: its end, or while it runs that somebody asked for that. Nothing when it is over, or
/// somebody asked before.
pub fn cancel(job: &Job, why: Canceled) -> Option<Event> {
    let job_id = job.id.clone();
    match job.state {
        JobState::Queued => Some(Event::JobCanceled { job_id, why }),
        JobState::Running if job.canceled.is_none() => Some(Event::JobCancelAsked { job_id, why }),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
