//! What extensions and agents want done: performed inside the scope of what they were told of, by the same ways as what clients ask for.
//!
//! # Once
//!
//! An action with a key is claimed in the journal before it is performed, and its result recorded after that. The same one again is answered
//! with that result, another one under the key with `conflict`, over restarts too. One that was begun and of which no result is known (the
//! server ended in between) is `conflict` as well: it may have been done, and is not done twice.

use super::Harness;
use super::ceilings::By;
use super::queue::read_work;
use super::refused::Refused;
use super::waits::Group;
use super::waits::decisions::{ApprovalWish, Reach, Verdict};
use crate::domain::ask::{Ask, cut_to};
use crate::domain::harness::action::{
    Action, ActionResult, ActionStatus, ActionType, Doer, KeyId, MAX_KEY, Scope,
};
use crate::domain::harness::actions::Before;
use crate::domain::harness::automatic::{self, Risk, Side, Wanted};
use crate::domain::harness::event::Event;
use crate::domain::harness::job::{Dedupe, NewJob, Priority};
use crate::domain::harness::row::TranscriptEntry;
use crate::domain::harness::state::State;
use crate::domain::sentence::{Sentence, say};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;

/// Characters of a name, as for everybody who names a session.
const MAX_TITLE: usize = 200;
/// Bytes of a reason that are kept.
const MAX_REASON: usize = 2000;

/// What an approval is decided with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Decide {
    approval_id: String,
    decision: VerdictWord,
    #[serde(default)]
    scope: ReachWord,
    #[serde(default)]
    risk: Option<Risk>,
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum VerdictWord {
    Accept,
    Decline,
    Cancel,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ReachWord {
    #[default]
    Turn,
    Session,
}

/// What is said in a turn.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Steer {
    #[serde(default)]
    turn_id: Option<String>,
    input: String,
}

/// What a session is to be called.
#[derive(Deserialize)]
struct Name {
    title: String,
}

/// A job.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Enqueue {
    #[serde(rename = "type", alias = "jobType")]
    kind: String,
    payload: Value,
    #[serde(default = "single_flight")]
    dedupe: Dedupe,
    #[serde(default)]
    dedupe_key: Option<String>,
    #[serde(default)]
    priority: Priority,
}

const fn single_flight() -> Dedupe {
    Dedupe::SingleFlight
}

impl Harness {
    /// Performs an action, or says why not.
    pub async fn act(self: &Arc<Self>, doer: &Doer, scope: &Scope, action: Action) -> ActionResult {
        let name = action.action_type.clone();
        let not = |status, reason: Sentence| ActionResult::not(&name, status, &reason);
        let Some(kind) = ActionType::named(&action.action_type) else {
            return not(ActionStatus::Invalid, say!("reason.action.unknown"));
        };
        if !scope.has(&action.payload) {
            return not(ActionStatus::Forbidden, say!("reason.action.out_of_scope"));
        }
        if let Err(refused) = self.drivable(&scope.session_id) {
            return not(status_of(&refused), refused.message);
        }
        let Some(key) = &action.idempotency_key else {
            return self.perform_action(doer, scope, kind, action).await;
        };
        if key.trim().is_empty() || key.chars().count() > MAX_KEY {
            let message = say!("reason.action.bad_key", most = MAX_KEY);
            return not(ActionStatus::Invalid, message);
        }
        let key = KeyId {
            actor: doer.actor(),
            session_id: scope.session_id.clone(),
            key: key.clone(),
        };
        let (wanted, claimed) = (key.clone(), action.clone());
        let decide = move |state: &State| {
            let before = state.actions.before(&wanted, &claimed);
            let events = match before {
                Before::New => vec![Event::ActionClaimed {
                    key: wanted,
                    digest: claimed.digest(),
                }],
                Before::Done(_) | Before::Begun | Before::Other => Vec::new(),
            };
            Ok::<_, Refused>((events, before))
        };
        match self.decide(doer.actor(), decide).await {
            Ok(Before::New) => {}
            Ok(Before::Done(result)) => return result,
            Ok(Before::Begun) => return not(ActionStatus::Conflict, say!("reason.action.begun")),
            Ok(Before::Other) => {
                return not(
                    ActionStatus::Conflict,
                    say!("reason.action.other_under_key"),
                );
            }
            Err(refused) => return not(ActionStatus::Failed, refused.message),
        }
        let result = self.perform_action(doer, scope, kind, action).await;
        let done = Event::ActionDone {
            key,
            result: result.clone(),
        };
        if let Err(refused) = self
            .decide(doer.actor(), move |_| Ok((vec![done], ())))
            .await
        {
            tracing::warn!(error = %refused.message, "what came of an action is not on record");
        }
        result
    }

    async fn perform_action(
        self: &Arc<Self>,
        doer: &Doer,
        scope: &Scope,
        kind: ActionType,
        action: Action,
    ) -> ActionResult {
        let payload = action.payload;
        let actor = doer.actor();
        let done = match kind {
            ActionType::TranscriptUpsert => self.act_upsert(&actor, scope, payload).await,
            ActionType::ApprovalDecide => self.act_decide(doer, scope, payload).await,
            ActionType::TurnSteer => self.act_steer(&actor, scope, payload).await,
            ActionType::QueueEnqueue => self.act_enqueue(&actor, scope, payload).await,
            ActionType::SessionName => self.act_name(scope, payload).await,
        };
        let name = action.action_type.as_str();
        match done {
            Ok(details) => ActionResult::performed(name, details),
            Err((status, reason)) => ActionResult::not(name, status, &reason),
        }
    }

    async fn act_upsert(&self, actor: &str, scope: &Scope, mut payload: Value) -> Acted {
        // What stands in the scope need not be said.
        if payload["turnId"].is_null()
            && let Some(turn_id) = &scope.turn_id
        {
            payload["turnId"] = json!(turn_id);
        }
        let entry: TranscriptEntry = read(payload)?;
        let message_id = entry.message_id.clone();
        self.put_row(actor, &scope.session_id, entry)
            .await
            .map_err(refusal)?;
        Ok(json!({ "messageId": message_id }))
    }

    async fn act_decide(self: &Arc<Self>, doer: &Doer, scope: &Scope, payload: Value) -> Acted {
        let wanted: Decide = read(payload)?;
        let ask = self.asked(Group::Approval, &wanted.approval_id);
        let ask = ask.map_err(refusal)?;
        let is_of_turn = match (&scope.turn_id, &ask.turn_id) {
            (Some(scope), Some(turn_id)) => scope == turn_id,
            (Some(_), None) | (None, _) => true,
        };
        if ask.thread_id != scope.session_id || !is_of_turn {
            return Err((ActionStatus::Forbidden, say!("reason.action.out_of_scope")));
        }
        self.hold_decision(doer, &ask, &wanted).await?;
        let wish = ApprovalWish {
            verdict: match wanted.decision {
                VerdictWord::Accept => Verdict::Accept,
                VerdictWord::Decline => Verdict::Decline,
                VerdictWord::Cancel => Verdict::Cancel,
            },
            reach: match wanted.scope {
                ReachWord::Turn => Reach::Turn,
                ReachWord::Session => Reach::Session,
            },
            amendment: None,
            words: None,
        };
        self.decide_approval(&program(&doer.actor()), &ask, wish)
            .await
            .map_err(refusal)?;
        Ok(json!({ "approvalId": wanted.approval_id }))
    }

    /// Holds a decision against what the session's settings allow, and puts on record what came of that.
    async fn hold_decision(&self, doer: &Doer, ask: &Ask, wanted: &Decide) -> Result<(), No> {
        let side = match wanted.decision {
            VerdictWord::Accept => Side::Accept,
            VerdictWord::Decline | VerdictWord::Cancel => Side::Reject,
        };
        let wish = Wanted {
            side,
            is_lasting: matches!(wanted.scope, ReachWord::Session),
            risk: wanted.risk,
        };
        let mut reason = wanted.reason.clone();
        if let Some(reason) = &mut reason {
            cut_to(reason, MAX_REASON);
        }
        let (session_id, role, what) = (ask.thread_id.clone(), doer.role(), ask.what.clone());
        let approval_id = ask.id.as_str().to_owned();
        let decide = move |state: &State| {
            let settings = state.session_controls(&session_id).settings;
            let held = automatic::check(&settings, &what, wish);
            let event = Event::AutomaticDecision {
                session_id,
                approval_id,
                role: role.to_owned(),
                decision: side,
                risk: wish.risk,
                reason,
                threshold: held.ok(),
                result: held.err().map_or("allowed", |it| it.code()).to_owned(),
            };
            Ok((vec![event], held))
        };
        let held = self.decide(doer.actor(), decide).await.map_err(refusal)?;
        match held {
            Ok(_) => Ok(()),
            Err(held) => Err((ActionStatus::Forbidden, held.sentence())),
        }
    }

    async fn act_name(&self, scope: &Scope, payload: Value) -> Acted {
        let wanted: Name = read(payload)?;
        let title = wanted.title.trim();
        if title.is_empty() || title.chars().count() > MAX_TITLE {
            let message = say!("reason.action.bad_title", most = MAX_TITLE);
            return Err((ActionStatus::Invalid, message));
        }
        let known = self.drivable(&scope.session_id).map_err(refusal)?;
        // What a person has named is theirs.
        if known.is_named() {
            return Err((ActionStatus::NotEligible, say!("reason.action.has_name")));
        }
        let title = title.to_owned();
        self.rename(&known, title.clone()).await.map_err(refusal)?;
        Ok(json!({ "title": title }))
    }

    async fn act_steer(&self, actor: &str, scope: &Scope, payload: Value) -> Acted {
        let wanted: Steer = read(payload)?;
        let input = wanted.input.trim();
        let turn_id = wanted.turn_id.or_else(|| scope.turn_id.clone());
        let (Some(turn_id), false) = (turn_id, input.is_empty()) else {
            return Err((ActionStatus::Invalid, say!("refusal.harness.job_empty")));
        };
        let known = self.drivable(&scope.session_id).map_err(refusal)?;
        let steered = self.steer(&program(actor), &known, &turn_id, input).await;
        steered.map_err(refusal)?;
        Ok(json!({ "turnId": turn_id }))
    }

    async fn act_enqueue(&self, actor: &str, scope: &Scope, payload: Value) -> Acted {
        let wanted: Enqueue = read(payload)?;
        if !scope.has(&wanted.payload) {
            return Err((ActionStatus::Forbidden, say!("reason.action.out_of_scope")));
        }
        let work = read_work(&wanted.kind, wanted.payload).map_err(refusal)?;
        if work.session_id() != scope.session_id {
            return Err((ActionStatus::Forbidden, say!("reason.action.out_of_scope")));
        }
        let new = NewJob {
            project_id: scope.project_id.clone(),
            source_session_id: Some(scope.session_id.clone()),
            work,
            dedupe: wanted.dedupe,
            dedupe_key: wanted.dedupe_key,
            priority: wanted.priority,
        };
        let job = self.enqueue(actor, new).await.map_err(refusal)?.into_job();
        Ok(json!({ "jobId": job.id }))
    }
}

/// What was done, or why nothing was.
type Acted = Result<Value, No>;

/// Why nothing was done.
type No = (ActionStatus, Sentence);

/// No person: whatever ceilings there are hold.
fn program(actor: &str) -> By {
    By {
        actor: actor.to_owned(),
        is_person: false,
    }
}

fn read<T: DeserializeOwned>(payload: Value) -> Result<T, (ActionStatus, Sentence)> {
    serde_path_to_error::deserialize(payload).map_err(|error| {
        let (path, reason) = (error.path().to_string(), error.inner().to_string());
        let message =
            say!("refusal.harness.invalid", path, reason => Sentence::recognised(&reason));
        (ActionStatus::Invalid, message)
    })
}

fn refusal(refused: Refused) -> (ActionStatus, Sentence) {
    (status_of(&refused), refused.message)
}

fn status_of(refused: &Refused) -> ActionStatus {
    match (refused.http, refused.code) {
        (_, "already_resolved") => ActionStatus::AlreadyResolved,
        (_, "not_eligible" | "no_active_turn" | "session_deleted") => ActionStatus::NotEligible,
        (_, "invalid_payload") | (400 | 413, _) => ActionStatus::Invalid,
        (403, _) => ActionStatus::Forbidden,
        (404 | 410, _) => ActionStatus::NotEligible,
        (409 | 423, _) => ActionStatus::Conflict,
        _ => ActionStatus::Failed,
    }
}
