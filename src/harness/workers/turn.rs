//! What a worker is told, and the turn in which it does that: begun, or found again after the server was killed, and waited for.

use super::diary::{Diary, Entry};
use super::{Task, failed, lost};
use crate::codex::CallError;
use crate::core::LAUNCHER;
use crate::domain::harness::controls::{
    ApprovalPolicy, Controls, FilesystemSandbox, NetworkAccess,
};
use crate::domain::harness::event::Event;
use crate::domain::harness::job::Expect;
use crate::domain::harness::worker::Worker;
use crate::domain::harness::worker::answer::schema;
use crate::domain::harness::worker::telling::Telling;
use crate::domain::prompts::worker::{instruction, orientation};
use crate::harness::Harness;
use crate::harness::ears::{Ended, Heard, Listening};
use crate::harness::queue::run::Failure;
use crate::harness::refused::Refused;
use crate::harness::suggesting::failure;
use crate::harness::turns::is_active;
use crate::threads::Thread;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A turn of an earlier job that was broken off is over within moments.
const IDLE_LIMIT: Duration = Duration::from_secs(10);
/// Between two looks at whether it is.
const LOOK: Duration = Duration::from_millis(50);
/// Turns among which one of a moment ago is.
const NEWEST: u32 = 10;

/// A turn that is over as it should be.
pub(super) struct Done {
    /// The worker's thread.
    pub thread_id: String,
    /// The turn.
    pub turn_id: String,
    /// What was heard of it; nothing when it ended while nobody listened.
    pub said: Option<String>,
}

/// A turn of the attempt that runs.
struct Begun {
    message_id: String,
    turn_id: String,
}

impl Harness {
    /// Has the worker do what the job says.
    pub(super) async fn turn_of(
        self: &Arc<Self>,
        task: &Task<'_>,
        thread_id: &str,
        diary: &mut Diary<'_>,
    ) -> Result<Done, Failure> {
        let thread = self.thread(thread_id).map_err(failure)?;
        // From before the look on: what ends meanwhile is heard.
        let mut listening = self.workers.listen(thread_id);
        let found = self.turn_before(task, &thread).await?;
        let (begun, over) = match found {
            Some((begun, over)) => {
                diary.note(Entry::Found, thread_id).await;
                (begun, over)
            }
            None => (self.tell_worker(task, &thread).await?, None),
        };
        let said = match over {
            Some(ended) => {
                fine(&ended)?;
                None
            }
            None => {
                let heard = self.wait_for(task, &thread, &begun, &mut listening, diary);
                heard.await?.said
            }
        };
        Ok(Done {
            thread_id: thread_id.to_owned(),
            turn_id: begun.turn_id,
            said,
        })
    }

    /// The turn that this very attempt began before the server was killed, and how it ended, where it has. Notes on the way whether what the
    /// worker was told last has arrived.
    async fn turn_before(
        &self,
        task: &Task<'_>,
        thread: &Thread<'_>,
    ) -> Result<Option<(Begun, Option<Ended>)>, Failure> {
        let refused = |error: CallError| failure(Refused::of_codex(&error));
        let Some(worker) = self.worker(&task.owner) else {
            return Ok(None);
        };
        let Some(told) = worker.told else {
            return Ok(None);
        };
        let (job, running) = (&task.run.job, &task.run.job.running_context);
        let mut turn_id = running.turn_id.clone();
        if !worker.has_arrived {
            let found = thread.turn_with(&told.message_id).await.map_err(refused)?;
            if found.is_some() {
                self.worker_heard(&thread.id.0, &told.message_id).await?;
            }
            turn_id = found.map(|it| it.0);
        }
        let is_ours = told.job_id == job.id && told.attempt == job.attempts;
        let is_here = running.thread_id.as_deref() == Some(thread.id.0.as_str());
        let Some(turn_id) = turn_id.filter(|_| is_ours && is_here) else {
            return Ok(None);
        };
        let params = json!({"threadId": thread.id, "limit": NEWEST, "itemsView": "notLoaded"});
        let page = self.call("thread/turns/list", params).await;
        let page = page.map_err(failure)?;
        let turns = page["data"].as_array();
        let turn = turns
            .into_iter()
            .flatten()
            .find(|it| it["id"] == turn_id.as_str());
        let Some(turn) = turn else {
            return Ok(None);
        };
        let begun = Begun {
            message_id: told.message_id,
            turn_id,
        };
        // One that has just begun looks in the history as if it had been broken off.
        if is_active(thread).await.map_err(refused)? {
            return Ok(Some((begun, None)));
        }
        let ended = Ended::of(turn);
        // It went with Codex, and nobody has heard its end.
        let went = ended.status == "interrupted";
        Ok((!went).then_some((begun, Some(ended))))
    }

    /// Tells the worker what to do, in a turn of its own.
    async fn tell_worker(&self, task: &Task<'_>, thread: &Thread<'_>) -> Result<Begun, Failure> {
        let idle = self.make_idle(thread).await;
        idle.map_err(|error| failure(Refused::of_codex(&error)))?;
        let worker = self.worker(&task.owner).unwrap_or_default();
        let (told, text) = self.message(task, &worker);
        let message_id = told.message_id.clone();
        let thread_id = thread.id.0.clone();
        let recorded = Event::WorkerTold {
            thread_id: thread_id.clone(),
            told,
        };
        // Before anything runs in it: whoever comes after a crash looks for what he finds here.
        let recorded = self.decide(LAUNCHER, move |_| Ok((vec![recorded], ())));
        recorded.await.map_err(failure)?;
        task.run.running(&thread_id, None).await?;
        let controls = Controls {
            model: task.wish.model.clone(),
            approval_policy: ApprovalPolicy::Never,
            network_access: NetworkAccess::Restricted,
            filesystem_sandbox: FilesystemSandbox::ReadOnly,
        };
        let mut turn = json!({
            "threadId": thread_id,
            "input": [{"type": "text", "text": text}],
            "clientUserMessageId": message_id,
            "approvalPolicy": controls.approval_policy.for_codex(),
            "sandboxPolicy": controls.sandbox_policy(),
        });
        if let Some(model) = controls.model {
            turn["model"] = Value::String(model);
        }
        if let Some(effort) = &task.wish.effort {
            turn["effort"] = json!(effort);
        }
        if task.wish.expect_response == Expect::ActionIntents {
            turn["outputSchema"] = schema();
        }
        let started = self.call("turn/start", turn).await.map_err(failure)?;
        let turn_id = started["turn"]["id"].as_str().unwrap_or_default();
        task.run.running(&thread_id, Some(turn_id)).await?;
        Ok(Begun {
            message_id,
            turn_id: turn_id.to_owned(),
        })
    }

    /// What the worker is told, in one message: so all of it arrives, or nothing.
    fn message(&self, task: &Task<'_>, worker: &Worker) -> (Telling, String) {
        let (wish, job) = (task.wish, &task.run.job);
        let language = self.core.policy().catalog.language;
        let orients = !worker.is_oriented;
        let bootstrap = wish.bootstrap_instruction.as_ref();
        let bootstrap = bootstrap.filter(|it| !worker.bootstraps.contains(&it.key));
        let parts = [
            orients.then(|| orientation(language, &wish.agent)),
            bootstrap.map(|it| it.instruction_text.trim().to_owned()),
            Some(instruction(language, wish)),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let told = Telling {
            message_id: format!("{}:{}", job.id, Uuid::now_v7().simple()),
            job_id: job.id.clone(),
            attempt: job.attempts,
            orients,
            bootstrap_key: bootstrap.map(|it| it.key.clone()),
        };
        (told, parts.join("\n\n"))
    }

    /// A message for a thread at work would go into the turn that runs.
    async fn make_idle(&self, thread: &Thread<'_>) -> Result<(), CallError> {
        let begin = Instant::now();
        while is_active(thread).await? && begin.elapsed() < IDLE_LIMIT {
            thread.interrupt_running().await?;
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Waits for the end of a turn, and declines what it asks for meanwhile.
    async fn wait_for(
        self: &Arc<Self>,
        task: &Task<'_>,
        thread: &Thread<'_>,
        begun: &Begun,
        listening: &mut Listening,
        diary: &mut Diary<'_>,
    ) -> Result<Heard, Failure> {
        let thread_id = thread.id.0.as_str();
        let mut asked = self.core.ledger.subscribe(None).map_err(|_| lost())?;
        let (mut has_arrived, mut told) = (false, None);
        // What it had taken when it was first told of more than it may.
        let mut beyond = None;
        loop {
            self.decline_asks(thread_id, diary).await;
            let heard = listening.heard.borrow_and_update().clone();
            if !has_arrived && heard.message_id.as_ref() == Some(&begun.message_id) {
                self.worker_heard(thread_id, &begun.message_id).await?;
                has_arrived = true;
            }
            if heard.said.is_some() && heard.said != told {
                told.clone_from(&heard.said);
                task.run.progress(
                    &json!({"stage": "assistant_output", "status": "streaming", "text": told}),
                );
            }
            let ended = heard.ended.as_ref();
            let ended = ended.filter(|it| it.turn_id == begun.turn_id);
            if let Some(tokens) = heard.tokens {
                let worker = self.worker(&task.owner).unwrap_or_default();
                let may_go_on = task.may_take(worker.tokens_with(tokens));
                if ended.is_some() || may_go_on.is_err() {
                    self.worker_used(thread_id, tokens).await?;
                }
                // The answer that went beyond may be its last: what it was asked for is there then, whatever it took.
                if may_go_on.is_err() && ended.is_none() && *beyond.get_or_insert(tokens) < tokens {
                    may_go_on?;
                }
            }
            if let Some(ended) = ended {
                fine(ended)?;
                return Ok(heard);
            }
            tokio::select! {
                changed = listening.heard.changed() => changed.map_err(|_| lost())?,
                news = asked.recv() => {
                    if let Err(crate::hub::SubscribeError::Closed) = news {
                        return Err(lost());
                    }
                    if news.is_err() {
                        asked = self.core.ledger.subscribe(None).map_err(|_| lost())?;
                    }
                }
            }
        }
    }

    async fn worker_heard(&self, thread_id: &str, message_id: &str) -> Result<(), Failure> {
        let heard = Event::WorkerHeard {
            thread_id: thread_id.to_owned(),
            message_id: message_id.to_owned(),
        };
        let recorded = self.decide(LAUNCHER, move |_| Ok((vec![heard], ())));
        recorded.await.map_err(failure)
    }

    async fn worker_used(&self, thread_id: &str, tokens: u64) -> Result<(), Failure> {
        let used = Event::WorkerUsed {
            thread_id: thread_id.to_owned(),
            tokens,
        };
        let recorded = self.decide(LAUNCHER, move |_| Ok((vec![used], ())));
        recorded.await.map_err(failure)
    }
}

/// Whether a turn came to its end.
fn fine(ended: &Ended) -> Result<(), Failure> {
    match ended.status.as_str() {
        "completed" => Ok(()),
        _ => Err(failed(ended.error.as_deref())),
    }
}
