//! What Codex asks, from the request to its end: durable, shown, decided, durable, sent, settled. Nothing is answered twice, and nothing is
//! refused that another client may answer: an error of ours would settle it for everybody.
//!
//! The journal says what was asked and decided; this holds what only matters while it waits.

mod heard;

use super::CodexOrReason;
use crate::codex::items::FileChange;
use crate::codex::wire::{ThreadId, TurnId};
use crate::codex::{CallError, Codex, RequestKey as CodexKey, asks as wire};
use crate::core::live::Activity;
use crate::core::{Core, Refused};
use crate::domain::ask::asked::{Asked, Stage};
use crate::domain::ask::given::{Checked, Given};
use crate::domain::ask::{Ask, RequestKey};
use crate::domain::flow::asks as flow;
use crate::domain::ids::{AskId, SessionId};
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// Time to hold what was filled into a form against its schema.
const CHECK_LIMIT: Duration = Duration::from_secs(2);

/// Everything about asks that is not in the journal.
pub struct OpenAsks {
    core: Arc<Core>,
    codex: CodexOrReason,
    /// Whether the tools of a thread are those of a client; nobody's are, as long as nobody says so.
    clients_tools: OnceLock<OfClients>,
    in_flight: Mutex<InFlight>,
}

/// Tells of a thread whether a client of ours performs its tools.
pub type OfClients = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// What is in flight while asks wait.
#[derive(Default)]
struct InFlight {
    /// The app-server that is connected, and its name in the domain.
    server: Option<String>,
    /// How the requests of open asks are answered.
    keys: HashMap<AskId, CodexKey>,
    /// The changes of items that have begun, by thread and item: a request names the item only.
    changes: HashMap<(String, String), Vec<FileChange>>,
    /// What Codex is to be told, until it has it. The only place that ever holds a secret answer.
    results: HashMap<AskId, wire::Told>,
    /// The parameters of requests that wait, whole, as they came.
    params: HashMap<AskId, Value>,
    /// Those whose answer has been handed over.
    sent: HashSet<AskId>,
    /// Requests that came, or came again, over this connection.
    seen: HashSet<RequestKey>,
    /// What terminals say was answered, until Codex says that something was.
    told: HashMap<RequestKey, Value>,
    /// Requests that could not be recorded; they are not shown before they are.
    unrecorded: HashSet<RequestKey>,
}

impl OpenAsks {
    /// Nothing waits yet, but for what the journal says.
    pub fn new(core: Arc<Core>, codex: CodexOrReason) -> Arc<Self> {
        Arc::new(Self {
            core,
            codex,
            clients_tools: OnceLock::new(),
            in_flight: Mutex::default(),
        })
    }

    /// From now on calls of tools of these threads are asks. Whose the others are answers them.
    pub fn tools_of(&self, clients: OfClients) {
        // Said once, by the one who knows.
        let _ = self.clients_tools.set(clients);
    }

    /// The parameters of the request behind an ask, as they came; once it is over, or before it came again, as far as they are kept.
    pub fn params(&self, ask: &Ask) -> Value {
        let came = self.in_flight().params.get(&ask.id).cloned();
        came.unwrap_or_else(|| wire::params(ask))
    }

    /// Somebody decides. When this returns the decision is durable, and Codex has been told, or is told when it can be reached again.
    ///
    /// # Errors
    /// When it is unknown, was decided before or does not fit, Codex cannot be reached, or the journal cannot be written: the ask stays.
    pub async fn answer(
        self: &Arc<Self>,
        by: String,
        id: &AskId,
        given: Given,
    ) -> Result<Asked, Refused> {
        let (wanted, by_whom) = (id.clone(), by.clone());
        self.must_be_reachable(id)?;
        let rule = given.rule.clone();
        let (ask, checked) = self.check(id, given).await?;
        let told = wire::answer(&ask.what, &checked);
        let (asks, claim) = (Arc::clone(self), Arc::new(AtomicBool::new(false)));
        let claimed = Arc::clone(&claim);
        let decided = self.core.decide(by, move |state| {
            let (events, ask) = flow::answer(state, &by_whom, &wanted, &checked, rule)?;
            // With the claim, not after it: should the request come again this moment, an answer that is kept nowhere is here already.
            asks.in_flight().results.insert(ask.id.clone(), told);
            claimed.store(true, Ordering::Relaxed);
            Ok((events, ask))
        });
        let ask = match decided.await {
            Ok(ask) => ask,
            Err(error) => {
                // It could not be recorded: nobody has answered.
                if claim.load(Ordering::Relaxed) {
                    self.in_flight().results.remove(id);
                }
                return Err(error);
            }
        };
        self.send(&ask).await;
        self.refresh(ask.session_id.as_ref());
        self.core.ring();
        let asked = self.core.ledger.read(|state| state.asks.find(id).cloned());
        Ok(asked.unwrap_or(Asked {
            ask,
            stage: Stage::Open,
        }))
    }

    /// Holds a decision against what was asked. A form comes with a schema of strangers: nothing else waits while it is looked at, and whoever
    /// answers does not wait long.
    async fn check(&self, id: &AskId, given: Given) -> Result<(Ask, Checked), Refusal> {
        let ask = self
            .core
            .ledger
            .read(|state| flow::waiting(state, id).cloned())?;
        let check = tokio::task::spawn_blocking(move || {
            let checked = ask.check(given)?;
            Ok((ask, checked))
        });
        match tokio::time::timeout(CHECK_LIMIT, check).await {
            Ok(Ok(checked)) => checked,
            Ok(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // It goes on until it ends, within what a schema may cost.
            _ => {
                let message =
                    say!("refusal.form.unusable", reason => say!("refusal.form.too_slow"));
                Err(Refusal::invalid("form_unusable", message))
            }
        }
    }

    /// An answer that nobody can be given must not be taken: what waits stays open.
    fn must_be_reachable(&self, id: &AskId) -> Result<(), Refusal> {
        let asked_by = self.core.ledger.read(|state| {
            let asked = state.asks.find(id).filter(|it| it.stage == Stage::Open);
            asked.map(|it| it.ask.request_key.server.clone())
        });
        let connected = self.in_flight().server.clone();
        match asked_by {
            Some(server) if connected.as_ref() != Some(&server) => Err(Refusal::unavailable(
                "codex_unavailable",
                say!("refusal.ask.codex_not_reached"),
            )),
            _ => Ok(()),
        }
    }

    /// Tells Codex what was decided. Where that fails the request comes again with the next connection, and is answered then.
    async fn send(&self, ask: &Ask) {
        let (key, result) = {
            let in_flight = self.in_flight();
            let result = in_flight.results.get(&ask.id).cloned();
            (in_flight.keys.get(&ask.id).cloned(), result)
        };
        let (Some(key), Some(result), Ok(codex)) = (key, result, &self.codex) else {
            return;
        };
        let told = match &result {
            wire::Told::Result(result) => codex.answer(&key, result).await,
            wire::Told::Interrupt => self.break_off(codex, ask).await,
        };
        match told {
            Ok(()) => {
                self.in_flight().sent.insert(ask.id.clone());
            }
            // The ask has expired with the app-server that asked.
            Err(CallError::Outdated) => {}
            Err(error) => {
                tracing::warn!(ask.id = %ask.id, %error, "an answer could not be sent yet");
            }
        }
    }

    /// The turn that waits is broken off: its request is settled by that, unanswered.
    async fn break_off(&self, codex: &Codex, ask: &Ask) -> Result<(), CallError> {
        let Some(turn) = &ask.turn_id else {
            return Ok(());
        };
        let thread = ThreadId::from(ask.thread_id.as_str());
        match codex.interrupt(&thread, &TurnId::from(turn.as_str())).await {
            // It is over already.
            Err(CallError::Refused { .. }) => Ok(()),
            done => done.map(drop),
        }
    }

    /// It came again although it was answered: the answer was not sent, or was lost.
    async fn send_again(&self, asked: &Asked) {
        let Stage::Answered { reply, .. } = &asked.stage else {
            return;
        };
        let ask = &asked.ask;
        let known = self.in_flight().results.contains_key(&ask.id);
        if !known {
            let Some(checked) = Checked::of(ask, reply) else {
                let id = ask.id.clone();
                self.note(move |state| flow::reopen(state, &id)).await;
                return self.refresh(ask.session_id.as_ref());
            };
            let result = wire::answer(&ask.what, &checked);
            self.in_flight().results.insert(ask.id.clone(), result);
        }
        self.send(ask).await;
    }

    /// What the session waits for is what it shows: the oldest ask, or nothing.
    fn refresh(&self, session: Option<&SessionId>) {
        let Some(id) = session else { return };
        let language = self.core.policy().catalog.language;
        let first = self.core.ledger.read(|state| {
            let ask = state.asks.first_open_of(id)?;
            Some(ask.title())
        });
        match first {
            Some(title) => {
                self.core.live.set_activity(id, Activity::Blocked);
                let notice = say!("reason.it_asks", what => title).text(language);
                self.core
                    .live
                    .update(id, |observed| observed.notice = Some(notice));
            }
            None => {
                if self.core.live.observed(id).activity == Activity::Blocked {
                    self.core.live.hears(id, Activity::Working);
                }
            }
        }
    }

    /// Records what follows from what was heard. A failure is in the log: what is missing is made up for at the next sign.
    async fn note<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&crate::domain::state::State) -> crate::domain::flow::Decision<T>
        + Send
        + 'static,
    ) -> Option<T> {
        match self.core.decide(crate::core::LAUNCHER, decide).await {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::error!(?error, "what became of an ask could not be recorded");
                None
            }
        }
    }

    /// Keeps nothing in flight for what is over.
    fn tidy(&self) {
        // Looked up only now, so that what is raised meanwhile is kept.
        let mut in_flight = self.in_flight();
        let (waits, requests): (HashSet<AskId>, HashSet<RequestKey>) =
            self.core.ledger.read(|state| {
                let unsettled = state.asks.unsettled().map(|asked| &asked.ask);
                let names = unsettled.map(|ask| (ask.id.clone(), ask.request_key.clone()));
                names.unzip()
            });
        in_flight.seen.retain(|key| requests.contains(key));
        in_flight.keys.retain(|id, _| waits.contains(id));
        in_flight.results.retain(|id, _| waits.contains(id));
        in_flight.params.retain(|id, _| waits.contains(id));
        in_flight.sent.retain(|id| waits.contains(id));
    }

    fn in_flight(&self) -> MutexGuard<'_, InFlight> {
        self.in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
