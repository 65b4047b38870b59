//! What each type of job does.

use super::run::{Failure, Outcome, Run};
use crate::domain::harness::event::Event;
use crate::domain::harness::job::{Job, Work};
use crate::domain::harness::state::State;
use crate::domain::sentence::say;
use crate::harness::{Harness, suggesting};

impl Harness {
    /// Does what a job asks for, once.
    ///
    /// # Errors
    /// When nothing comes of it.
    pub(super) async fn run_job(&self, run: &Run) -> Result<Outcome, Failure> {
        match &run.job.work {
            Work::SuggestRequest(wish) => self.suggest(run, wish).await,
            Work::AgentInstruction(_) => Err(not_supported(run)),
        }
    }
}

fn not_supported(run: &Run) -> Failure {
    let kind = run.job.kind().name();
    Failure::new("not_supported", say!("reason.job_not_supported", kind))
}

/// What else is recorded in the moment a job is over, whichever way: it is `job` as it is then. `before` stands in the same batch. Rows that
/// name the job as `jobId` in their details, and still stream, are ended afterwards by themselves.
pub(super) fn consequences(state: &State, job: &Job, _before: &[Event]) -> Vec<Event> {
    match &job.work {
        Work::SuggestRequest(wish) => suggesting::ended(state, job, wish).into_iter().collect(),
        Work::AgentInstruction(_) => Vec::new(),
    }
}
