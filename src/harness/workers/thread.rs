//! The thread of a worker: begun when its first job comes, loaded for each, and begun anew when Codex does not have it any more.

use super::diary::{Diary, Entry};
use super::{LABEL, Task};
use crate::codex::CallError;
use crate::core::LAUNCHER;
use crate::domain::harness::event::Event;
use crate::domain::harness::state::State;
use crate::domain::harness::worker::Owner;
use crate::domain::sentence::say;
use crate::harness::queue::run::Failure;
use crate::harness::refused::Refused;
use crate::harness::suggesting::failure;
use crate::harness::{Decision, Harness};
use crate::threads::{PASSED_ON_LIMIT, has_nothing_left, is_archived};
use serde_json::{Value, json};

/// What holds in it, whatever Codex's configuration says. A search of the web is a way out that no sandbox sees.
fn walls() -> Value {
    json!({
        "approvalPolicy": "never",
        "sandbox": "read-only",
        "config": { "web_search": "disabled" },
    })
}

impl Harness {
    /// The worker's thread, loaded and listened to.
    pub(super) async fn worker_thread(
        &self,
        task: &Task<'_>,
        diary: &mut Diary<'_>,
    ) -> Result<String, Failure> {
        let known = self.worker(&task.owner);
        let Some(worker) = known else {
            let thread_id = self.begin_worker(task).await?;
            diary.note(Entry::Begun, &thread_id).await;
            return Ok(thread_id);
        };
        let thread_id = worker.thread_id;
        match self.load_worker(&thread_id).await {
            Ok(()) => {
                diary.note(Entry::Goes, &thread_id).await;
                Ok(thread_id)
            }
            Err(error) if has_nothing_left(true, &error) || is_archived(&error) => {
                let thread_id = self.begin_worker(task).await?;
                diary.note(Entry::Anew, &thread_id).await;
                Ok(thread_id)
            }
            Err(error) => Err(failure(Refused::of_codex(&error))),
        }
    }

    async fn load_worker(&self, thread_id: &str) -> Result<(), CallError> {
        let mut resume = walls();
        resume["threadId"] = json!(thread_id);
        resume["excludeTurns"] = Value::Bool(true);
        let codex = self.reached()?.within(PASSED_ON_LIMIT);
        codex.call_raw("thread/resume", &resume).await.map(drop)
    }

    /// Begins one. Before anything was said in it and before it has a name Codex keeps nothing of it: a server that is killed here leaves nothing.
    async fn begin_worker(&self, task: &Task<'_>) -> Result<String, Failure> {
        let source = self.index.get(&task.wish.source_session_id);
        let folder = source.map(|it| it.cwd).filter(|it| it.is_dir());
        let mut start = walls();
        start["cwd"] = json!(folder.as_ref().unwrap_or(&self.core.place.repo));
        start["threadSource"] = json!(LABEL);
        let opened = self.call("thread/start", start).await.map_err(failure)?;
        let thread_id = opened["thread"]["id"].as_str().unwrap_or_default();
        let (owner, begun) = (task.owner.clone(), thread_id.to_owned());
        let recorded = self.decide(LAUNCHER, move |state| begin(state, owner, begun));
        recorded.await.map_err(failure)?;
        let agent = task.owner.agent.as_str();
        let language = self.core.policy().catalog.language;
        let title = say!("harness.worker.title", agent).text(language);
        let named = match self.threads.thread(thread_id) {
            Some(thread) => thread.name(&title).await,
            None => Ok(()),
        };
        named.map_err(|error| failure(Refused::of_codex(&error)))?;
        Ok(thread_id.to_owned())
    }

    /// Listens to it no more; what still runs in it is broken off, where nobody waits for it.
    pub(super) async fn let_worker_go(&self, thread_id: &str, broken_off: bool) {
        let Some(thread) = self.threads.thread(thread_id) else {
            return;
        };
        let gone = async {
            if broken_off {
                thread.interrupt_running().await?;
            }
            if let Ok(codex) = &self.threads.codex {
                codex.unsubscribe(&thread.id).await?;
            }
            Ok::<_, CallError>(())
        };
        if let Err(error) = gone.await {
            // It goes with the connection, and before the next job it is looked at again.
            tracing::info!(thread.id = %thread_id, %error, "a worker was not let go");
        }
    }
}

fn begin(state: &State, owner: Owner, thread_id: String) -> Decision<()> {
    let project_id = &owner.project_id;
    match project_id.session() {
        Some(session_id) => {
            if let Some(tombstone) = state.deleted.get(session_id) {
                return Err(Refused::deleted(session_id, tombstone));
            }
        }
        None if !state.projects.contains_key(project_id) => {
            return Err(Refused::unknown_project(&project_id.0));
        }
        None => {}
    }
    let begun = Event::WorkerBegun {
        project_id: owner.project_id,
        agent: owner.agent,
        thread_id,
    };
    Ok((vec![begun], ()))
}
