//! Workers: threads of Codex in which agents do what jobs say (`agent_instruction`). Each project has one for each agent. It belongs to the
//! server, may read and nothing else, asks nobody, and has a budget of its own.
//!
//! - `thread`: the worker's thread, begun or found again; `turn`: what it is told, and the turn in which it does it
//! - `asks`: what it asks for, which is declined; `answer`: what comes of a turn
//! - `diary`: the row in the session's transcript that says how it went; `ended`: what else is over with a job
//!
//! # Once
//!
//! Each message for a worker has a name, which is on record before Codex has the message. Whether it has arrived, Codex's history says, so
//! that a server which was killed finds the turn again that its job had begun, and tells nobody twice what is told once.

mod answer;
mod asks;
mod diary;
pub(super) mod ended;
mod thread;
mod turn;

use self::diary::Diary;
use super::Harness;
use super::queue::run::{Failure, Outcome, Run};
use super::refused::Refused;
use super::suggesting::failure;
use crate::domain::harness::action::Scope;
use crate::domain::harness::job::AgentInstruction;
use crate::domain::harness::worker::{Mode, Owner, Worker};
use crate::domain::sentence::{Sentence, say};
use std::sync::Arc;

/// How Codex labels them for us.
pub(super) const LABEL: &str = "zhongshu-worker";

/// A job that a worker does.
struct Task<'a> {
    run: &'a Run,
    wish: &'a AgentInstruction,
    owner: Owner,
    /// Tokens that the worker may take in all.
    max_tokens: u64,
}

impl Task<'_> {
    /// What it may have done.
    fn scope(&self) -> Scope {
        Scope {
            project_id: self.owner.project_id.clone(),
            session_id: self.wish.source_session_id.clone(),
            turn_id: Some(self.wish.turn_id.clone()),
        }
    }

    fn may_take(&self, tokens: u64) -> Result<(), Failure> {
        let (most, agent) = (self.max_tokens, self.owner.agent.as_str());
        match tokens < most {
            true => Ok(()),
            false => Err(Failure::new(
                "worker_budget",
                say!("reason.worker.budget", agent, tokens, most),
            )),
        }
    }
}

impl Harness {
    /// Does what such a job asks for.
    ///
    /// # Errors
    /// When workers are switched off, this one has taken all that it may, Codex cannot be asked, or nothing that was asked for comes of it.
    pub(super) async fn instruct(
        self: &Arc<Self>,
        run: &Run,
        wish: &AgentInstruction,
    ) -> Result<Outcome, Failure> {
        let policy = self.core.policy();
        if policy.ceilings.workers == Mode::Off {
            return Err(Failure::new("workers_off", say!("reason.worker.off")));
        }
        let task = Task {
            run,
            wish,
            owner: Owner {
                project_id: run.job.project_id.clone(),
                agent: wish.agent.clone(),
            },
            max_tokens: policy.ceilings.worker_tokens,
        };
        let worker = self.worker(&task.owner);
        task.may_take(worker.map_or(0, |it| it.tokens()))?;
        let done = tokio::select! {
            done = self.work_on(&task) => done,
            () = run.cancel.cancelled() => Err(canceled()),
        };
        if let Some(worker) = self.worker(&task.owner) {
            self.let_worker_go(&worker.thread_id, done.is_err()).await;
        }
        done
    }

    async fn work_on(self: &Arc<Self>, task: &Task<'_>) -> Result<Outcome, Failure> {
        self.may_begin(task).await?;
        let mut diary = Diary::of(self, task);
        let thread_id = self.worker_thread(task, &mut diary).await?;
        let ended = self.turn_of(task, &thread_id, &mut diary).await?;
        self.outcome(task, &ended).await
    }

    async fn may_begin(&self, task: &Task<'_>) -> Result<(), Failure> {
        let wish = task.wish;
        // A job that outlived a server begins before Codex has told of its threads.
        if !self.knows_all().await {
            let reason = self.threads.down().unwrap_or_default();
            return Err(failure(Refused::codex_unavailable(reason)));
        }
        if self.core.ledger.read(|state| state.trusted.is_none()) {
            return Err(failure(Refused::trust_required()));
        }
        self.drivable(&wish.source_session_id).map_err(failure)?;
        self.must_be_logged_in().await.map_err(failure)?;
        if let Some(model) = &wish.model {
            self.check_model(model).await.map_err(failure)?;
        }
        if let Some(effort) = &wish.effort {
            let checked = self.check_effort(wish.model.as_deref(), effort).await;
            checked.map_err(failure)?;
        }
        Ok(())
    }

    /// What is on record of a worker.
    fn worker(&self, owner: &Owner) -> Option<Worker> {
        self.ledger.read(|state| state.workers.of(owner).cloned())
    }
}

fn canceled() -> Failure {
    Failure::new("canceled", say!("reason.job_canceled"))
}

/// Codex is not there any more, or not yet again.
fn lost() -> Failure {
    failure(Refused::codex_unavailable(String::new()))
}

/// A failure of a turn, in the words of whoever tells of it.
fn failed(error: Option<&str>) -> Failure {
    let message = error.map(Sentence::recognised);
    let message = message.unwrap_or_else(|| say!("reason.worker.broken_off"));
    Failure::new("codex_error", message)
}
