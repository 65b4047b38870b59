//! What is said in a thread, and what is done to its turn that runs. Which one that is, Codex alone knows: what it answers decides each race.

use super::Harness;
use super::ceilings::By;
use super::controls::Target;
use super::index::Known;
use super::refused::Refused;
use crate::codex::CallError;
use crate::domain::harness::change::Wanted;
use crate::domain::harness::controls::{Controls, Wish};
use crate::domain::harness::event::Provenance;
use crate::domain::sentence::say;
use crate::threads::{NotAsked, Thread, not_logged_in};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// A turn may end between the look at it and the words for it, and another begin. Whoever meets that three times in a row meets something else.
const ATTEMPTS: usize = 3;
/// Codex writes a turn down some 10 ms after it has begun; a second is far more than a busy machine needs.
const HISTORY_LIMIT: Duration = Duration::from_secs(1);
/// Between two looks for it.
const HISTORY_LOOK: Duration = Duration::from_millis(20);

/// Something to say.
#[derive(Debug, Clone)]
pub struct Message {
    /// The words.
    pub text: String,
    /// How long the model shall think from now on.
    pub effort: Option<String>,
    /// Controls that shall be otherwise from now on.
    pub wish: Wish,
}

/// It was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The turn that has it.
    pub turn_id: String,
    /// Whether that one ran already.
    pub steered: bool,
}

impl Harness {
    /// Says something in a thread: in the turn that runs, else in a new one. What it wishes otherwise holds from then on, and is recorded once
    /// Codex has the words.
    ///
    /// # Errors
    /// When it may not be, Codex has no login, or refuses.
    pub async fn send(
        &self,
        by: &By,
        known: &Known,
        message: Message,
    ) -> Result<Accepted, Refused> {
        let id = known.id.as_str();
        let of_session = |refused: Refused| refused.of_session(id);
        unless_archived(known)?;
        let before = self.in_force(id).controls.controls;
        let controls = before.clone().with(message.wish.clone());
        if let Some(model) = &message.wish.model
            && before.model.as_ref() != Some(model)
        {
            self.check_model(model).await.map_err(of_session)?;
        }
        if let Some(effort) = &message.effort {
            let model = controls.model.as_deref();
            self.check_effort(model, effort).await.map_err(of_session)?;
        }
        self.allows(by, Some(id), &controls).await?;
        self.must_be_logged_in().await.map_err(of_session)?;
        let accepted = self.say(by, id, &message, &controls).await?;
        let target = Target {
            session_id: id.to_owned(),
            for_new: false,
        };
        let (wanted, turn) = (Wanted::Some(message.wish), Some(accepted.turn_id.clone()));
        let provenance = Provenance::default();
        let changed = self.record(by, target, wanted, provenance, turn).await?;
        if accepted.steered {
            // The turn that runs has others: what is wished is for the next one.
            self.tell(id, &changed, message.effort.as_deref()).await;
        }
        Ok(accepted)
    }

    async fn say(
        &self,
        by: &By,
        id: &str,
        message: &Message,
        controls: &Controls,
    ) -> Result<Accepted, Refused> {
        let thread = self.thread(id)?;
        let refused = |error: CallError| Refused::of_codex(&error).of_session(id);
        let not_taken = |error: CallError| match takes_no_words(&error) {
            true => {
                let message = say!("refusal.harness.not_steerable");
                Refused::invalid_state(message).of_session(id)
            }
            false => refused(error),
        };
        let input = json!([{"type": "text", "text": message.text}]);
        // From here on Codex tells us what happens in it. Where it cannot, it says why to what follows.
        self.hold_quietly(id).await;
        for _ in 0..ATTEMPTS {
            let Some(turn_id) = running_turn(&thread).await.map_err(refused)? else {
                break;
            };
            let held = self.held_by_codex(&thread).await;
            self.may_steer(by, id, held.as_ref()).await?;
            let params = json!({
                "threadId": id,
                "expectedTurnId": turn_id,
                "input": input,
                "clientUserMessageId": Uuid::now_v7(),
            });
            match thread.call_raw("turn/steer", &params).await {
                Ok(_) => {
                    return Ok(Accepted {
                        turn_id,
                        steered: true,
                    });
                }
                // It has ended meanwhile.
                Err(error) if error.is_refusal("active turn") => {}
                Err(error) => return Err(not_taken(error)),
            }
        }
        let mut params = json!({
            "threadId": id,
            "input": input,
            "clientUserMessageId": Uuid::now_v7(),
            "approvalPolicy": controls.approval_policy.for_codex(),
            "sandboxPolicy": controls.sandbox_policy(),
        });
        if let Some(model) = &controls.model {
            params["model"] = Value::from(model.as_str());
        }
        if let Some(effort) = &message.effort {
            params["effort"] = Value::from(effort.as_str());
        }
        let started = thread.call_raw("turn/start", &params).await;
        let started = started.map_err(not_taken)?;
        let turn_id = started["turn"]["id"].as_str().unwrap_or_default();
        self.threads.accept(id, turn_id);
        Ok(Accepted {
            turn_id: turn_id.to_owned(),
            steered: false,
        })
    }

    /// Breaks the turn off that runs, or this one; answers which it was.
    ///
    /// # Errors
    /// When none runs, or another.
    pub async fn interrupt(
        &self,
        known: &Known,
        turn_id: Option<String>,
    ) -> Result<String, Refused> {
        let id = known.id.as_str();
        let thread = self.thread(id)?;
        let refused = |error: CallError| Refused::of_codex(&error).of_session(id);
        // Looked at first: what begins between the two looks runs, and is found by the second.
        let accepted = self.threads.accepted(id);
        let turn_id = match turn_id {
            Some(named) => named,
            None => {
                let running = running_turn(&thread).await.map_err(refused)?;
                let known = running.or(accepted);
                known.ok_or_else(|| Refused::no_active_turn(id))?
            }
        };
        let params = json!({"threadId": id, "turnId": turn_id});
        let deadline = Instant::now() + HISTORY_LIMIT;
        loop {
            // We said that it is taken, so that it can be broken off: Codex knows of it a moment later.
            let may_come = self.threads.accepted(id).as_ref() == Some(&turn_id);
            match thread.call_raw("turn/interrupt", &params).await {
                Ok(_) => return Ok(turn_id),
                Err(error)
                    if may_come && error.is_refusal("active turn") && Instant::now() < deadline =>
                {
                    tokio::time::sleep(HISTORY_LOOK).await;
                }
                Err(error) if error.is_refusal("no active turn") => {
                    return Err(Refused::no_active_turn(id));
                }
                Err(error) if error.is_refusal("expected active turn") => {
                    let message = say!("refusal.harness.other_turn");
                    return Err(Refused::invalid_state(message).of_session(id));
                }
                Err(error) => return Err(refused(error)),
            }
        }
    }

    /// Says something in this turn, and answers what Codex says to it.
    ///
    /// # Errors
    /// When another turn runs, none, or one that takes no words.
    pub async fn steer(
        &self,
        by: &By,
        known: &Known,
        turn_id: &str,
        input: &str,
    ) -> Result<Value, Refused> {
        let id = known.id.as_str();
        unless_archived(known)?;
        let thread = self.thread(id)?;
        let held = self.held_by_codex(&thread).await;
        self.may_steer(by, id, held.as_ref()).await?;
        let params = json!({
            "threadId": id,
            "expectedTurnId": turn_id,
            "input": [{"type": "text", "text": input}],
            "clientUserMessageId": Uuid::now_v7(),
        });
        match thread.call_raw("turn/steer", &params).await {
            Ok(answer) => Ok(answer),
            Err(CallError::Refused { message, .. }) if message.contains("active turn") => {
                Err(Refused::steered_another(id, turn_id, &message))
            }
            Err(error) if takes_no_words(&error) => {
                Err(Refused::not_steerable(id, turn_id, &error.to_string()))
            }
            Err(error) => Err(Refused::of_codex(&error).of_session(id)),
        }
    }

    /// A turn that runs may have been given more than its thread has here: by a terminal, or another client.
    pub(super) async fn may_steer(
        &self,
        by: &By,
        id: &str,
        held: Option<&Controls>,
    ) -> Result<(), Refused> {
        match held {
            Some(held) => self.allows(by, Some(id), held).await,
            None => {
                let own = self.in_force(id).controls.controls;
                self.allows(by, Some(id), &own).await
            }
        }
    }

    /// Lets through what needs an answer of the model.
    pub(super) async fn must_be_logged_in(&self) -> Result<(), Refused> {
        let codex = self.codex()?;
        let busy = || self.core.live.any_busy() || self.index.is_any_active();
        match self.threads.look_for_login(codex, busy).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refused::auth_required(not_logged_in())),
            Err(NotAsked::NotReady(reason)) => Err(Refused::codex_unavailable(reason)),
            Err(NotAsked::Failed(error)) => Err(Refused::of_codex(&error)),
        }
    }

    /// Lets through what would break a turn off.
    pub(super) async fn must_be_idle(&self, thread: &Thread<'_>, id: &str) -> Result<(), Refused> {
        let refused = |error: CallError| Refused::of_codex(&error).of_session(id);
        if is_active(thread).await.map_err(refused)?
            || newest_running(thread).await.map_err(refused)?.is_some()
        {
            let message = say!("refusal.harness.turn_runs");
            return Err(Refused::invalid_state(message).of_session(id));
        }
        Ok(())
    }
}

/// Whether a turn runs to which nothing can be said, such as one that sums the thread up. A message for a thread in which one has just begun is
/// refused in other words than one for the turn itself.
fn takes_no_words(error: &CallError) -> bool {
    error.is_refusal("cannot steer") || error.is_refusal("NotSteerable")
}

/// The turn that runs. One that has just begun is not in the history yet, so that a thread at work without one is looked at again.
async fn running_turn(thread: &Thread<'_>) -> Result<Option<String>, CallError> {
    let deadline = Instant::now() + HISTORY_LIMIT;
    loop {
        let (turn, is_active) = tokio::try_join!(newest_running(thread), is_active(thread))?;
        if turn.is_some() || !is_active || Instant::now() > deadline {
            return Ok(turn);
        }
        tokio::time::sleep(HISTORY_LOOK).await;
    }
}

/// The newest turn of the history, if it runs; a thread that nothing was ever said in has none.
async fn newest_running(thread: &Thread<'_>) -> Result<Option<String>, CallError> {
    match thread.running_turn().await {
        Ok(turn) => Ok(turn.map(|id| id.0)),
        Err(error) if is_fresh(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a turn runs in a thread, as Codex says.
pub(super) async fn is_active(thread: &Thread<'_>) -> Result<bool, CallError> {
    let params = json!({"threadId": thread.id, "includeTurns": false});
    let read = thread.call_raw("thread/read", &params).await?;
    Ok(read["thread"]["status"]["type"] == "active")
}

/// Whether Codex has no history of a thread, because it has had no turn.
pub(super) fn is_fresh(error: &CallError) -> bool {
    error.is_refusal("not materialized yet")
}

/// Lets a thread through that is not put away.
pub(super) fn unless_archived(known: &Known) -> Result<(), Refused> {
    match known.archived {
        false => Ok(()),
        true => {
            let message = say!("refusal.harness.archived");
            Err(Refused::invalid_state(message).of_session(&known.id))
        }
    }
}
