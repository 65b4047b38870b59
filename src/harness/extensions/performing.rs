//! Does what an extension asks for, as far as it declares that and it concerns the event.

use super::diary::Level;
use super::happening::Happening;
use super::worker::Worker;
use crate::domain::harness::action::{Action, ActionResult, ActionStatus, ActionType, Doer, Scope};
use crate::domain::harness::extension::mode::{Allowed, allowed};
use crate::domain::harness::extension::reply::Reply;
use crate::domain::harness::project::ProjectId;
use crate::domain::sentence::{Sentence, say};
use crate::harness::Harness;
use serde_json::Value;
use std::sync::Arc;

/// The action that queues a job.
const ENQUEUE: &str = "queue.enqueue";

impl Harness {
    /// Does what one result asks for, and writes down what was not done.
    pub(super) async fn perform(
        self: &Arc<Self>,
        worker: &Worker,
        event: &Happening,
        reply: Reply,
    ) {
        match reply {
            Reply::Done => {}
            Reply::Failed(said) => {
                let event = event.name.as_str();
                note(
                    worker,
                    "handler_error",
                    &say!("reason.extension.handler_error", event, said),
                );
            }
            Reply::Invalid(reason) => {
                let event = event.name.as_str();
                note(
                    worker,
                    "invalid",
                    &say!("reason.extension.invalid_result", event, reason => reason),
                );
            }
            Reply::Action {
                action_type,
                payload,
                idempotency_key,
            } => {
                self.act_for(worker, event, action_type, payload, idempotency_key)
                    .await
            }
            Reply::Enqueue {
                job,
                idempotency_key,
            } => {
                self.act_for(worker, event, ENQUEUE.to_owned(), job, idempotency_key)
                    .await
            }
        }
    }

    async fn act_for(
        self: &Arc<Self>,
        worker: &Worker,
        event: &Happening,
        action_type: String,
        payload: Value,
        idempotency_key: Option<String>,
    ) {
        let action: String = action_type.chars().take(80).collect();
        match allowed(
            worker.mode,
            &worker.manifest.capabilities.actions,
            &action_type,
        ) {
            Allowed::Declared => {}
            Allowed::Warned => {
                let message = say!("reason.extension.undeclared_action_told", action);
                worker
                    .diary
                    .note(Level::Warning, "undeclared", message.to_string());
            }
            Allowed::Denied => {
                note(
                    worker,
                    "forbidden",
                    &say!("reason.extension.undeclared_action", action),
                );
                return;
            }
        }
        let is_deciding = ActionType::named(&action_type).is_some_and(ActionType::decides);
        if is_deciding && event.is_decided() {
            note(
                worker,
                "not_eligible",
                &say!("reason.extension.decided_before", action),
            );
            return;
        }
        let result = match scope(event) {
            Some(scope) => {
                let wanted = Action {
                    action_type,
                    payload,
                    idempotency_key,
                };
                let doer = Doer::Extension(worker.agent_id.clone());
                self.act(&doer, &scope, wanted).await
            }
            // What is about no session lets nothing be done.
            None => ActionResult::not(
                &action_type,
                ActionStatus::Forbidden,
                &say!("reason.extension.no_session"),
            ),
        };
        if result.status == ActionStatus::Performed {
            if is_deciding {
                event.decided();
            }
            return;
        }
        let reason = result.details["reason"].as_str();
        let reason = reason.map_or_else(|| result.details.to_string(), str::to_owned);
        let (reason, event) = (Sentence::recognised(&reason), event.name.as_str());
        let message = say!("reason.extension.not_done", action, event, reason => reason);
        note(worker, result.status.name(), &message);
    }
}

/// What may be reached at an event.
fn scope(event: &Happening) -> Option<Scope> {
    let place = &event.place;
    Some(Scope {
        project_id: ProjectId(place.project_id.clone()?),
        session_id: place.session_id.clone()?,
        turn_id: place.turn_id.clone(),
    })
}

fn note(worker: &Worker, code: &'static str, message: &Sentence) {
    worker.diary.note(Level::Warning, code, message.to_string());
}
