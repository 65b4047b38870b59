//! What comes of a worker's turn: its last message, and what it wants done, which is done in the scope of its job.

use super::turn::Done;
use super::{Task, failed};
use crate::domain::ask::cut_to;
use crate::domain::harness::action::{ActionResult, ActionStatus, ActionType, Doer};
use crate::domain::harness::job::Expect;
use crate::domain::harness::row::MAX_CONTENT_BYTES;
use crate::domain::harness::worker::answer::{self, Intent};
use crate::domain::sentence::{Sentence, say};
use crate::harness::Harness;
use crate::harness::queue::run::{Failure, Outcome};
use crate::harness::suggesting::failure;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Items of a turn among which its last message is.
const LAST_ITEMS: u32 = 20;

impl Harness {
    /// What a job comes to whose turn is over.
    pub(super) async fn outcome(
        self: &Arc<Self>,
        task: &Task<'_>,
        done: &Done,
    ) -> Result<Outcome, Failure> {
        let expected = task.wish.expect_response;
        let said = match (&done.said, expected) {
            (_, Expect::None) => None,
            (Some(said), _) => Some(said.clone()),
            (None, _) => self.last_message(done).await?,
        };
        let said = said.filter(|it| !it.trim().is_empty());
        if let Some(text) = &said {
            let progress = json!({"stage": "assistant_output", "status": "complete", "text": text});
            task.run.progress(&progress);
        }
        let mut result = Map::from_iter([("status".to_owned(), json!("ok"))]);
        match (expected, said) {
            (Expect::None, _) => {}
            (_, None) => {
                return Err(Failure::new("no_output", say!("reason.worker.no_output")));
            }
            (Expect::AssistantText, Some(said)) => {
                result.insert("outputText".to_owned(), json!(cut(said)));
            }
            (Expect::ActionIntents, Some(said)) => {
                self.perform_intents(task, done, &said, &mut result).await?;
            }
        }
        Ok(Outcome {
            result: Value::Object(result),
            effects: Vec::new(),
        })
    }

    async fn perform_intents(
        self: &Arc<Self>,
        task: &Task<'_>,
        done: &Done,
        said: &str,
        result: &mut Map<String, Value>,
    ) -> Result<(), Failure> {
        let answer = answer::read(said).map_err(|reason| {
            let reason = Sentence::recognised(&reason);
            let message = say!("reason.worker.bad_output", reason => reason);
            Failure::new("invalid_output", message)
        })?;
        if let Some(text) = answer.output_text.filter(|it| !it.trim().is_empty()) {
            result.insert("outputText".to_owned(), json!(cut(text)));
        }
        if answer.action_intents.is_empty() {
            return Ok(());
        }
        let (mut intents, mut results) = (Vec::new(), Vec::new());
        for (index, intent) in answer.action_intents.into_iter().enumerate() {
            intents.push(json!({"actionType": intent.action_type, "payload": intent.payload}));
            // Whoever comes after a crash reads the same turn, and does nothing of it twice.
            let key = format!("{}:{index}", done.turn_id);
            let one = self.perform_intent(task, intent, key).await;
            task.run.progress(&json!({
                "stage": "action_intent",
                "index": index,
                "actionType": one.action_type,
                "status": one.status,
            }));
            results.push(json!(one));
        }
        result.insert("actionIntents".to_owned(), Value::Array(intents));
        result.insert("actionResults".to_owned(), Value::Array(results));
        Ok(())
    }

    async fn perform_intent(
        self: &Arc<Self>,
        task: &Task<'_>,
        intent: Intent,
        key: String,
    ) -> ActionResult {
        let kind = ActionType::named(&intent.action_type);
        if kind == Some(ActionType::QueueEnqueue) {
            // Nothing that an agent says begins work.
            let message = say!("reason.worker.no_jobs");
            return ActionResult::not(&intent.action_type, ActionStatus::Forbidden, &message);
        }
        let doer = Doer::Worker(task.owner.agent.clone());
        self.act(&doer, &task.scope(), intent.action(key)).await
    }

    /// The last message of a turn that ended while nobody listened.
    async fn last_message(&self, done: &Done) -> Result<Option<String>, Failure> {
        let list = json!({
            "threadId": done.thread_id,
            "turnId": done.turn_id,
            "limit": LAST_ITEMS,
            "sortDirection": "desc",
        });
        let page = self.call("thread/items/list", list).await;
        let page = page.map_err(failure)?;
        let Some(items) = page["data"].as_array() else {
            return Err(failed(None));
        };
        let last = items
            .iter()
            .map(|it| &it["item"])
            .find(|it| it["type"] == "agentMessage");
        Ok(last.and_then(|it| it["text"].as_str()).map(str::to_owned))
    }
}

/// As much of a text as a row takes.
fn cut(mut text: String) -> String {
    cut_to(&mut text, MAX_CONTENT_BYTES);
    text
}
