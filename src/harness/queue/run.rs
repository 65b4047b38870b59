//! One attempt at a job, as whoever does the work sees it, and what comes of it.

use crate::core::LAUNCHER;
use crate::domain::harness::event::Event;
use crate::domain::harness::job::{Job, RunningContext};
use crate::domain::sentence::Sentence;
use crate::harness::Ledger;
use futures_util::future::BoxFuture;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What the queue needs of whoever does the work.
pub trait Hands: Send + Sync + 'static {
    /// Whether anything may begin.
    fn is_on(&self) -> bool;
    /// How long one attempt may take.
    fn limit(&self, job: &Job) -> Duration {
        job.kind().limit()
    }
    /// Does the work.
    fn work(self: Arc<Self>, run: Run) -> BoxFuture<'static, Result<Outcome, Failure>>;
    /// Breaks off what a job does in Codex.
    fn interrupt(self: Arc<Self>, running: RunningContext) -> BoxFuture<'static, ()>;
    /// Tells of how far a job is.
    fn tell_progress(&self, job: &Job, progress: &Value);
    /// What else is recorded when a job is over, after these events of the same batch.
    fn consequences(
        &self,
    ) -> fn(&crate::domain::harness::state::State, &Job, &[Event]) -> Vec<Event>;
}

/// One attempt.
///
/// # Once
///
/// What an attempt does to our own state it hands over in its [`Outcome`], which is recorded together with the job's end or not at all. What
/// it does in Codex carries the job's id (as `clientUserMessageId` of a turn), so that the attempt after a crash finds what the one before
/// has begun: the job's `running_context` names the thread and the turn, where the one before had come so far.
pub struct Run {
    /// The job, as it was when this began.
    pub job: Job,
    /// Cancelled when the job is to be taken back, or its time is over. What has not ended 1.5 s later is ended.
    pub cancel: CancellationToken,
    pub(super) ledger: Ledger,
    pub(super) hands: Arc<dyn Hands>,
}

impl Run {
    /// Tells whoever listens how far this is. Not recorded.
    pub fn progress(&self, progress: &Value) {
        self.hands.tell_progress(&self.job, progress);
    }

    /// Records where in Codex this runs, so that it can be interrupted, and found after a crash.
    ///
    /// # Errors
    /// When it cannot be recorded: then nothing should be begun.
    pub async fn running(&self, thread_id: &str, turn_id: Option<&str>) -> Result<(), Failure> {
        let begun = Event::JobTurnBegun {
            job_id: self.job.id.clone(),
            thread_id: thread_id.to_owned(),
            turn_id: turn_id.map(str::to_owned),
        };
        let recorded = self.ledger.commit(LAUNCHER, vec![begun]).await;
        recorded.map(drop).map_err(|error| {
            let message = Sentence::recognised(&error.to_string());
            Failure::passing("read_only", message)
        })
    }
}

/// What a job came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What its asker is told; it has to be what [`Work::takes`](crate::domain::harness::job::Work::takes).
    pub result: Value,
    /// What it does to our own state, recorded together with its end.
    pub effects: Vec<Event>,
}

/// Why an attempt came to nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: Sentence,
    /// Whether the cause may be gone at the next attempt.
    pub passes: bool,
}

impl Failure {
    /// One that another attempt would meet again.
    pub fn new(code: &str, message: Sentence) -> Self {
        Self {
            code: code.to_owned(),
            message,
            passes: false,
        }
    }

    /// One that passes.
    pub fn passing(code: &str, message: Sentence) -> Self {
        Self {
            passes: true,
            ..Self::new(code, message)
        }
    }
}
