//! What clients decide about what waits: put into the words of everybody's list, held against the ceilings, and answered there. Whoever is
//! first is recorded before Codex hears of it; whoever comes second is told so.

use super::super::Harness;
use super::super::ceilings::By;
use super::super::refused::Refused;
use super::super::turns::Message;
use super::Group;
use crate::codex::asks::decision_name;
use crate::core;
use crate::domain::ask::asked::{Asked, Stage};
use crate::domain::ask::decision::{Decision, Needs};
use crate::domain::ask::given::{Answers, Given};
use crate::domain::ask::{Ask, What};
use crate::domain::harness::controls::Wish;
use crate::domain::ids::AskId;
use crate::domain::refusal::{Kind, Refusal};
use crate::domain::sentence::say;
use crate::hub::SubscribeError;
use crate::ledger::TransactError;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Codex says within moments that it has an answer, and that a turn that is broken off is over.
const HEARD_LIMIT: Duration = Duration::from_secs(30);

/// Yes or no, in the words of the harness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Accept,
    /// No; the turn goes on.
    Decline,
    /// No, and the turn is broken off.
    Cancel,
}

/// How far a yes reaches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    /// This once, or until the turn ends.
    #[default]
    Turn,
    /// Until the session ends.
    Session,
}

/// What somebody decides about an approval.
#[derive(Debug, Clone)]
pub struct ApprovalWish {
    /// Yes or no.
    pub verdict: Verdict,
    /// How far a yes reaches.
    pub reach: Reach,
    /// One of what may be decided, instead of a plain yes or no.
    pub amendment: Option<Value>,
    /// What the agent is told with a no.
    pub words: Option<String>,
}

/// What a client's tool came to.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolResult {
    /// Whether it did what it should.
    pub success: bool,
    /// What the model is given, as Codex takes it.
    pub content_items: Vec<Value>,
}

impl Harness {
    /// Somebody decides about an approval.
    ///
    /// # Errors
    /// When it was decided before, cannot be decided so, or gives more than whoever decides may.
    pub async fn decide_approval(
        self: &Arc<Self>,
        by: &By,
        ask: &Ask,
        wish: ApprovalWish,
    ) -> Result<(), Refused> {
        self.still_waits(ask)?;
        let decision = chosen(ask, &wish)?;
        if wish.words.is_some() && decision.allows() {
            let message = say!("refusal.ask.words_with_no");
            return Err(about(Refused::invalid("words", message), ask));
        }
        self.may_give(by, ask, &decision, wish.words.is_some())
            .await?;
        let given = Given {
            decision: decision.id().to_owned(),
            ..Given::default()
        };
        self.answer(by, ask, given).await?;
        if let Some(words) = wish.words {
            self.say_afterwards(by.clone(), ask, &decision, words);
        }
        Ok(())
    }

    /// Somebody answers questions; without answers nothing is answered, and the turn is broken off.
    ///
    /// # Errors
    /// When they were answered before, or the answers do not fit.
    pub async fn decide_tool_input(
        &self,
        by: &By,
        ask: &Ask,
        answers: Option<Answers>,
    ) -> Result<(), Refused> {
        self.still_waits(ask)?;
        let decision = match answers {
            Some(_) => Decision::Answer,
            None => Decision::Cancel,
        };
        self.may_give(by, ask, &decision, false).await?;
        let given = Given {
            decision: decision.id().to_owned(),
            answers: answers.unwrap_or_default(),
            ..Given::default()
        };
        self.answer(by, ask, given).await
    }

    /// A client has performed its tool, or has failed to.
    ///
    /// # Errors
    /// When somebody else has, or Codex waits for it no more.
    pub async fn answer_tool_call(
        &self,
        by: &By,
        ask: &Ask,
        result: ToolResult,
    ) -> Result<(), Refused> {
        self.still_waits(ask)?;
        self.may_give(by, ask, &Decision::Answer, false).await?;
        self.answer(by, ask, tool_answer(result)).await
    }

    /// Whoever decides about what is over is told so, whatever they decide.
    fn still_waits(&self, ask: &Ask) -> Result<(), Refused> {
        let waits = |state: &crate::domain::state::State| {
            crate::domain::flow::asks::waiting(state, &ask.id).map(drop)
        };
        let waits = self.core.ledger.read(waits);
        waits.map_err(|refusal| self.not_answered(ask, refusal))
    }

    async fn answer(&self, by: &By, ask: &Ask, given: Given) -> Result<(), Refused> {
        let answered = self.asks.answer(by.actor.clone(), &ask.id, given).await;
        let refused = match answered {
            Ok(_) => return Ok(()),
            Err(core::Refused::Refused(refusal)) => self.not_answered(ask, refusal),
            Err(TransactError::ReadOnly { reason }) => {
                about(TransactError::ReadOnly { reason }.into(), ask)
            }
            Err(TransactError::Closed) => about(TransactError::Closed.into(), ask),
            Err(TransactError::Panicked) => about(TransactError::Panicked.into(), ask),
        };
        Err(refused)
    }

    fn not_answered(&self, ask: &Ask, refusal: Refusal) -> Refused {
        let stage = self.core.ledger.read(|state| {
            let asked = state.asks.find(&ask.id);
            asked.map(|it| it.stage.clone())
        });
        let refused = match (refusal.kind, stage) {
            (Kind::Conflict, Some(stage)) => return settled(ask, &stage, refusal),
            (Kind::Unavailable, _) => {
                let refused = Refused::codex_unavailable(String::new());
                Refused {
                    message: refusal.message,
                    ..refused
                }
            }
            (Kind::NotFound, _) | (_, None) => {
                let group = Group::of(&ask.what);
                return Refused::unknown_pending(group.id_field(), ask.id.as_str());
            }
            (Kind::Invalid | Kind::Forbidden, _) => does_not_fit(ask, refusal),
        };
        about(refused, ask)
    }

    /// The agent hears the words once Codex has the no, so that they are not said into the turn that waits for it or is about to end.
    fn say_afterwards(self: &Arc<Self>, by: By, ask: &Ask, decision: &Decision, words: String) {
        let (id, thread_id) = (ask.id.clone(), ask.thread_id.clone());
        let breaks_off = *decision == Decision::Cancel;
        let harness = Arc::clone(self);
        self.core.errand(async move {
            let heard = async {
                harness.is_settled(&id).await;
                if breaks_off {
                    harness.is_idle(&thread_id).await;
                }
            };
            if tokio::time::timeout(HEARD_LIMIT, heard).await.is_err() {
                tracing::warn!(ask.id = %id, "Codex does not say that it has a no; the words that go with it are said all the same");
            }
            let Some(known) = harness.index.get(&thread_id) else {
                return;
            };
            let message = Message {
                text: words,
                effort: None,
                wish: Wish::default(),
            };
            if let Err(refused) = harness.send(&by, &known, message).await {
                tracing::warn!(ask.id = %id, error = %refused.message, "the words that go with a no could not be said");
            }
        });
    }

    async fn is_settled(&self, id: &AskId) {
        loop {
            let Ok(mut news) = self.core.ledger.subscribe(None) else {
                return;
            };
            loop {
                let is_over = |state: &crate::domain::state::State| {
                    state.asks.find(id).is_none_or(Asked::is_settled)
                };
                if self.core.ledger.read(is_over) {
                    return;
                }
                match news.recv().await {
                    Ok(_) => {}
                    Err(SubscribeError::Closed) => return,
                    Err(_) => break,
                }
            }
        }
    }

    async fn is_idle(&self, thread_id: &str) {
        let running = self.threads.running();
        let mut changes = running.changes();
        let is_over = |_: &u64| running.turn(thread_id).is_none();
        // It ends with the server.
        let _ = changes.wait_for(is_over).await;
    }
}

/// An answer with what a tool came to.
pub(in crate::harness) fn tool_answer(result: ToolResult) -> Given {
    Given {
        decision: Decision::Answer.id().to_owned(),
        content: Some(json!({
            "contentItems": result.content_items,
            "success": result.success,
        })),
        ..Given::default()
    }
}

/// Which decision is meant.
fn chosen(ask: &Ask, wish: &ApprovalWish) -> Result<Decision, Refused> {
    let not_eligible = || {
        let message = say!("refusal.harness.not_offered");
        reconciled(Refused::new(409, "not_eligible", message), ask)
    };
    let decision = match &wish.amendment {
        Some(amendment) => {
            let named = |decision: &&Decision| decision_name(decision) == *amendment;
            let offered = ask.offered.iter().find(named).cloned();
            let fits = |it: &Decision| it.allows() == (wish.verdict == Verdict::Accept);
            offered.filter(fits).ok_or_else(|| {
                let message = say!("refusal.harness.unknown_amendment");
                about(Refused::invalid("amendment", message), ask)
            })?
        }
        None => {
            let id = match (wish.verdict, wish.reach, &ask.what) {
                (Verdict::Accept, Reach::Turn, What::Permissions { .. }) => "grant_turn",
                (Verdict::Accept, Reach::Session, What::Permissions { .. }) => "grant_session",
                (Verdict::Accept, Reach::Turn, _) => "accept",
                (Verdict::Accept, Reach::Session, _) => "accept_for_session",
                (Verdict::Decline, ..) => "decline",
                (Verdict::Cancel, ..) => "cancel",
            };
            ask.takes(id).ok_or_else(not_eligible)?
        }
    };
    // What is filled into a form has no place here.
    match decision.needs(&ask.what) {
        Some(Needs::Content | Needs::Answers) => Err(not_eligible()),
        _ => Ok(decision),
    }
}

fn field_of(ask: &Ask) -> &'static str {
    Group::of(&ask.what).id_field()
}

/// A no that names what it is about.
fn about(refused: Refused, ask: &Ask) -> Refused {
    refused.with(field_of(ask), ask.id.as_str())
}

/// Somebody was first, or nothing waits any more.
fn settled(ask: &Ask, stage: &Stage, refusal: Refusal) -> Refused {
    if Group::of(&ask.what) == Group::ToolCall {
        return Refused::tool_call_answered(ask.id.as_str(), refusal.message);
    }
    let refused = match stage {
        Stage::Answered { .. } => Refused::new(409, "conflict", refusal.message),
        Stage::Open | Stage::Settled { .. } => {
            Refused::new(409, "already_resolved", refusal.message)
        }
    };
    reconciled(refused, ask)
}

fn reconciled(refused: Refused, ask: &Ask) -> Refused {
    refused.reconciled(field_of(ask), ask.id.as_str(), &ask.thread_id)
}

/// A field that does not fit what is asked. The sentence begins with it, where it is one of several.
fn does_not_fit(ask: &Ask, refusal: Refusal) -> Refused {
    let text = refusal.message.to_string();
    let named = text.split_once(": ").map(|(field, _)| field);
    let path = named.filter(|it| it.starts_with(field(ask)));
    let refused = Refused::invalid(path.unwrap_or(field(ask)), refusal.message.clone());
    Refused {
        message: refusal.message,
        ..refused
    }
}

/// The field of the request that an answer is in.
fn field(ask: &Ask) -> &'static str {
    match Group::of(&ask.what) {
        Group::Approval => "decision",
        Group::ToolInput => "answers",
        Group::ToolCall => "contentItems",
    }
}
