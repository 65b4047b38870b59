//! What each type of job does.

use super::run::{Failure, Outcome, Run};
use crate::domain::harness::event::Event;
use crate::domain::harness::job::{Job, Work};
use crate::domain::harness::state::State;
use crate::harness::workers::ended;
use crate::harness::{Harness, suggesting};
use std::sync::Arc;

impl Harness {
    /// Does what a job asks for, once.
    ///
    /// # Errors
    /// When nothing comes of it.
    pub(super) async fn run_job(self: &Arc<Self>, run: &Run) -> Result<Outcome, Failure> {
        match &run.job.work {
            Work::SuggestRequest(wish) => self.suggest(run, wish).await,
            Work::AgentInstruction(wish) => self.instruct(run, wish).await,
        }
    }
}

/// What else is recorded in the moment a job is over, whichever way: it is `job` as it is then. `before` stands in the same batch. Rows that
/// name the job as `jobId` in their details, and still stream, are ended afterwards by themselves.
pub(super) fn consequences(state: &State, job: &Job, _before: &[Event]) -> Vec<Event> {
    match &job.work {
        Work::SuggestRequest(wish) => suggesting::ended(state, job, wish).into_iter().collect(),
        Work::AgentInstruction(wish) => ended::ended(state, job, wish),
    }
}
