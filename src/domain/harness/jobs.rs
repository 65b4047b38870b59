//! Every job that is known, as the events of the journal leave them. Those that are over are kept for a while: whoever asked may come later.

use super::event::Event;
use super::job::{Job, JobId, JobState, Priority};
use super::project::ProjectId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// Jobs of one project that are kept when they are over.
pub const ENDED_PER_PROJECT: usize = 200;
/// Jobs that are kept when they are over. Sessions without a project count as one each, of which there may be thousands.
pub const ENDED_IN_ALL: usize = 2_000;

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Jobs {
    all: BTreeMap<JobId, Job>,
    /// Those that wait or run.
    active: BTreeSet<JobId>,
    /// The others, in the order they were over.
    ended: VecDeque<JobId>,
    /// How many of those each project has.
    ended_in: HashMap<ProjectId, usize>,
    /// How many interactive ones began in each project since the last other one.
    in_a_row: HashMap<ProjectId, u32>,
}

/// How many are how far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that wait.
    pub queued: usize,
    /// Those that run.
    pub running: usize,
    /// Those with a result.
    pub completed: usize,
    /// Those without one.
    pub failed: usize,
    /// Those that were taken back.
    pub canceled: usize,
    /// The projects that they are in.
    pub projects: usize,
}

impl Jobs {
    /// One.
    pub fn get(&self, id: &JobId) -> Option<&Job> {
        self.all.get(id)
    }

    /// All of them, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Job> {
        self.all.values()
    }

    /// Those that wait or run, the oldest first.
    pub fn active(&self) -> impl Iterator<Item = &Job> {
        self.active.iter().filter_map(|id| self.all.get(id))
    }

    /// Those that wait or run for a session.
    pub fn active_of<'a>(&'a self, session_id: &'a str) -> impl Iterator<Item = &'a Job> {
        let of_session = move |job: &&Job| job.source_session_id.as_deref() == Some(session_id);
        self.active().filter(of_session)
    }

    /// How many interactive ones began in a project since the last other one.
    pub fn in_a_row(&self, project_id: &ProjectId) -> u32 {
        self.in_a_row.get(project_id).copied().unwrap_or_default()
    }

    /// How many are how far.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let mut projects = BTreeSet::new();
        for job in self.all.values() {
            projects.insert(&job.project_id);
            match job.state {
                JobState::Queued => counts.queued += 1,
                JobState::Running => counts.running += 1,
                JobState::Completed => counts.completed += 1,
                JobState::Failed => counts.failed += 1,
                JobState::Canceled => counts.canceled += 1,
            }
        }
        counts.projects = projects.len();
        counts
    }

    /// Takes in what happened to a job at `ts`; other events are none of its business.
    pub fn apply(&mut self, ts: DateTime<Utc>, event: &Event) {
        if let Event::JobQueued { job } = event {
            self.active.insert(job.id.clone());
            self.all.insert(job.id.clone(), Job::clone(job));
            return;
        }
        let Some(job) = event.job_id().and_then(|id| self.all.get_mut(id)) else {
            return;
        };
        let was_over = job.state.is_over();
        job.take(ts, event);
        let (id, project_id) = (job.id.clone(), job.project_id.clone());
        let (is_over, priority) = (job.state.is_over(), job.priority);
        if matches!(event, Event::JobStarted { .. }) {
            self.started(&project_id, priority);
        }
        match (was_over, is_over) {
            (false, true) => self.ended(id, &project_id),
            (true, false) => {
                self.ended.retain(|it| it != &id);
                self.active.insert(id);
                self.one_ended_less(&project_id);
            }
            _ => {}
        }
    }

    fn started(&mut self, project_id: &ProjectId, priority: Priority) {
        match priority {
            Priority::Interactive => {
                *self.in_a_row.entry(project_id.clone()).or_default() += 1;
            }
            Priority::Background => {
                self.in_a_row.remove(project_id);
            }
        }
    }

    fn ended(&mut self, id: JobId, project_id: &ProjectId) {
        self.active.remove(&id);
        self.ended.push_back(id);
        *self.ended_in.entry(project_id.clone()).or_default() += 1;
        if !self.active().any(|it| &it.project_id == project_id) {
            self.in_a_row.remove(project_id);
        }
        self.prune(project_id);
    }

    /// Forgets the oldest of a project that is over, and of all, beyond what is kept.
    fn prune(&mut self, project_id: &ProjectId) {
        let of_project = self.ended_in.get(project_id).copied().unwrap_or_default();
        let is_oldest = |id: &JobId| {
            let job = self.all.get(id);
            job.is_some_and(|job| &job.project_id == project_id)
        };
        let oldest = match of_project > ENDED_PER_PROJECT {
            true => self.ended.iter().position(is_oldest),
            false => (self.ended.len() > ENDED_IN_ALL).then_some(0),
        };
        let Some(id) = oldest.and_then(|at| self.ended.remove(at)) else {
            return;
        };
        if let Some(gone) = self.all.remove(&id) {
            self.one_ended_less(&gone.project_id);
        }
    }

    fn one_ended_less(&mut self, project_id: &ProjectId) {
        if let Some(count) = self.ended_in.get_mut(project_id) {
            *count -= 1;
            if *count == 0 {
                self.ended_in.remove(project_id);
            }
        }
    }
}
