//! Jobs, as the page of threads shows them: what waits and runs, and what was over last.

use crate::domain::harness::job::{Canceled, Job, JobState, Priority};
use crate::harness::Harness;
use chrono::{DateTime, Utc};
use std::cmp::Reverse;

/// Jobs that are over and are shown: as many as one looks through.
const ENDED: usize = 20;

/// All that are shown.
#[derive(Debug, Clone, Default)]
pub struct JobList {
    /// Whether they are done.
    pub is_on: bool,
    /// Those that run, then those that wait, the oldest first.
    pub active: Vec<JobItem>,
    /// Those that are over, the newest first.
    pub ended: Vec<JobItem>,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct JobItem {
    /// The job.
    pub job: Job,
    /// What its session is called; none when it has no name, or is gone.
    pub title: Option<String>,
}

impl JobItem {
    /// When it came to be as it is.
    pub fn since(&self) -> DateTime<Utc> {
        let job = &self.job;
        let began = job
            .last_attempt_at
            .filter(|_| job.state == JobState::Running);
        job.completed_at.or(began).unwrap_or(job.created_at)
    }

    /// Whether it can be taken back.
    pub fn may_be_canceled(&self) -> bool {
        !self.job.state.is_over() && self.job.canceled.is_none()
    }

    /// Whether it can be tried again.
    pub fn may_be_retried(&self) -> bool {
        let is_gone = self.job.canceled == Some(Canceled::SessionDeleted);
        matches!(self.job.state, JobState::Failed | JobState::Canceled) && !is_gone
    }

    /// Whether it is about to be taken back.
    pub fn is_ending(&self) -> bool {
        !self.job.state.is_over() && self.job.canceled.is_some()
    }

    /// Whether nobody waits for it.
    pub fn is_background(&self) -> bool {
        self.job.priority == Priority::Background
    }
}

impl JobList {
    /// Them as they are now.
    pub fn of(harness: &Harness) -> Self {
        let item = |job: Job| {
            let id = job.source_session_id.as_deref().unwrap_or_default();
            let known = harness.index.get(id);
            let title = known.map(|known| known.title().to_owned());
            JobItem { job, title }
        };
        let jobs = harness.jobs(None, None);
        let (mut ended, mut active): (Vec<_>, Vec<_>) =
            jobs.into_iter().partition(|job| job.state.is_over());
        active.sort_by_key(|job| (job.state == JobState::Queued, job.created_at));
        ended.sort_by_key(|job| Reverse(job.completed_at));
        ended.truncate(ENDED);
        Self {
            is_on: harness.queue_is_on(),
            active: active.into_iter().map(item).collect(),
            ended: ended.into_iter().map(item).collect(),
        }
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.active.is_empty() && self.ended.is_empty()
    }
}
