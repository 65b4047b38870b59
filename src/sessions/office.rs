//! What everything about sessions shares: the journal, what is observed, the drivers' tools, and the bell that wakes
//! the reconciler.

use super::duties::{Duty, Troubles, caught};
use super::live::{Activity, Live};
use super::policy::{CODEX, Policies, Policy};
use super::reconciler::Done;
use crate::codex::{self, Codex};
use crate::config::Config;
use crate::domain::department::Localized;
use crate::domain::event::Event;
use crate::domain::fault::Shared;
use crate::domain::flow::holds::Limits;
use crate::domain::flow::{self, Decision};
use crate::domain::ids::{SessionId, TerminalId};
use crate::domain::message::Setback;
use crate::domain::refusal::Refusal;
use crate::domain::session::{Outcome, Session};
use crate::domain::state::State;
use crate::governance::plan_checks::PlanBench;
use crate::ledger::{self, TransactError};
use crate::mailbox::Nudge;
use crate::paths::Places;
use crate::reader::Reader;
use crate::terminal::Terminals;
use chrono::{DateTime, Utc};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// The ledger of this program.
pub type Ledger = ledger::Ledger<State>;

/// Why a decision did not come about.
pub type Refused = TransactError<Refusal>;

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A file counts when it has been quiet for 150 ms; a loaded machine gets several times that.
const LAST_CALL: Duration = Duration::from_secs(1);

/// Failures of one duty that are journalled one by one; later ones at each doubling of their number.
const JOURNALLED_FAILURES: u32 = 8;

/// Who acts when the launcher itself does.
pub const LAUNCHER: &str = "launcher";

/// Codex, or the sentence that says why there is none. Reasons that go on record are English.
pub type CodexOrReason = Result<Codex, Localized>;

/// Everything that sessions need.
pub struct Office {
    /// Paths.
    pub place: Places,
    /// What flags, environment and `governance.yaml` say.
    pub config: Arc<Config>,
    /// What of it is in force; [`Office::renew`] makes the next one.
    pub policies: Policies,
    /// The journal.
    pub ledger: Ledger,
    /// What is observed.
    pub live: Arc<Live>,
    /// Terminals.
    pub terminals: Terminals,
    /// Codex.
    pub codex: CodexOrReason,
    /// The codex program, for TUIs.
    pub codex_bin: PathBuf,
    /// This program, for children of ours.
    program: PathBuf,
    /// When this launcher started: what is older may have been done by the one before.
    pub boot: DateTime<Utc>,
    /// Held while the policy is made anew.
    pub(super) renewing: tokio::sync::Mutex<()>,
    /// Makes the checks of plans.
    pub bench: Arc<PlanBench>,
    bell: Notify,
    /// Wakes the mailbox.
    mailbox: OnceLock<Nudge>,
    connected: Mutex<HashSet<SessionId>>,
    /// Whose transcript could not be written, and was complained about.
    untranscribed: Mutex<HashSet<SessionId>>,
    logged_in: Mutex<Option<bool>>,
    /// Tasks of the launcher that ended unexpectedly.
    pub troubles: Troubles,
    /// One at a time looks for a new login: that restarts the app-server.
    pub login_check: tokio::sync::Mutex<()>,
}

impl Office {
    /// Puts the parts together. Nothing runs yet.
    pub fn new(
        config: Arc<Config>,
        ledger: Ledger,
        terminals: Terminals,
        codex: CodexOrReason,
        codex_bin: PathBuf,
        program: PathBuf,
        bench: PlanBench,
    ) -> Arc<Self> {
        let approved = ledger.read(|state| state.powers.clone());
        let policy = Policy::of(&config, None, &bench).held_to(&approved);
        Arc::new(Self {
            place: config.places.clone(),
            policies: watch::Sender::new(Arc::new(policy)),
            config,
            ledger,
            live: Arc::default(),
            terminals,
            codex,
            codex_bin,
            program,
            boot: Utc::now(),
            renewing: tokio::sync::Mutex::default(),
            bench: Arc::new(bench),
            bell: Notify::new(),
            mailbox: OnceLock::new(),
            connected: Mutex::default(),
            untranscribed: Mutex::default(),
            logged_in: Mutex::default(),
            troubles: Troubles::default(),
            login_check: tokio::sync::Mutex::default(),
        })
    }

    /// Reads the repository by way of a limited child of its own, which ends with it.
    pub fn reader(&self) -> Reader {
        Reader::new(self.program.clone(), self.place.repo.clone())
    }

    /// The configuration in force.
    pub fn policy(&self) -> Arc<Policy> {
        self.policies.borrow().clone()
    }

    /// Wakes the reconciler.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// From now on the mailbox can be asked to look at once.
    pub fn set_mailbox(&self, nudge: Nudge) {
        // A second mailbox would be a defect; the first stays.
        self.mailbox.set(nudge).ok();
    }

    /// Asks the mailbox to look, and gives a report that was written a moment ago the time to come in.
    pub async fn last_call(&self, id: &SessionId) {
        let reported = |state: &State| {
            state.session(id).is_none_or(|session| {
                session.report_id.is_some() || flow::plan_reviews::has_spoken(state, session)
            })
        };
        let mut records = self.ledger.subscribe(None).ok();
        if let Some(nudge) = self.mailbox.get() {
            nudge.scan_now();
        }
        let arrives = async {
            while !self.ledger.read(reported) {
                let Some(subscription) = &mut records else {
                    return;
                };
                if subscription.recv().await.is_err() {
                    return;
                }
            }
        };
        // Nothing came: then nothing was written.
        tokio::time::timeout(LAST_CALL, arrives).await.ok();
    }

    /// Adds to a session's transcript, and says whether that worked. A failure is logged once for each session: an agent
    /// can bring it about at will.
    pub fn transcribe(&self, session: &Session, text: &str) -> bool {
        let written =
            super::texts::append_transcript(&self.place.repo, &session.brief.log_path, text);
        let Err(error) = written else {
            return true;
        };
        let mut known = self
            .untranscribed
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if known.insert(session.id().clone()) {
            tracing::warn!(session.id = %session.id(), %error, "the transcript could not be written; the session goes on");
        }
        false
    }

    /// Waits for the bell.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Decides and records.
    ///
    /// # Errors
    /// When the decision is a refusal, or the journal cannot be written.
    pub async fn decide<T: Send + 'static>(
        &self,
        actor: impl Into<String>,
        decide: impl FnOnce(&State) -> Decision<T> + Send + 'static,
    ) -> Result<T, Refused> {
        self.ledger.transact(actor, decide).await
    }

    /// Records the end of a session, whoever decided it; until that is durable it is still to be done.
    pub async fn closed(&self, id: &SessionId, outcome: Outcome) -> Done {
        let policy = self.policy();
        let key = id.clone();
        let done = self.decide(LAUNCHER, move |state| {
            flow::sessions::close(state, &policy.catalog, &key, outcome)
        });
        if let Err(error) = done.await {
            tracing::error!(session.id = %id, ?error, "could not record the end of a session");
            return Done::Again;
        }
        self.disconnect(id);
        self.live.ended(id);
        Done::Settled
    }

    /// What a department could not be started with, or its model that fails, is seldom broken for it alone: what needs the
    /// same waits, with the reason, and is not spent on the same failure.
    pub async fn hold_back(&self, shared: Shared, session: &Session, reason: &str) {
        let (id, reason) = (session.id().clone(), reason.to_owned());
        let held = self.decide(LAUNCHER, move |state| {
            flow::queue::hold(state, shared, &id, &reason)
        });
        if let Err(error) = held.await {
            tracing::warn!(?error, "work could not be held back");
        }
    }

    /// Does something beside everything else; should it break off, that is seen.
    pub fn errand(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) {
        let office = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(reason) = caught(work).await {
                office.failed(Duty::Step, reason).await;
            }
        });
    }

    /// A task of ours ended although nobody asked it to: the person, the journal and the log hear of it.
    pub async fn failed(&self, duty: Duty, reason: String) {
        let times = self.troubles.note(duty, &reason);
        let task = duty.name();
        tracing::error!(
            task,
            reason,
            "a task ended unexpectedly and is started again"
        );
        // What fails without end must not fill the journal.
        if times <= JOURNALLED_FAILURES || times.is_power_of_two() {
            let task = task.to_owned();
            self.record(vec![Event::TaskFailed { task, reason }]).await;
        }
    }

    /// What bounds dispatch at this moment.
    pub fn limits(&self) -> Limits {
        Limits {
            codex_down: self.codex_down(),
            ..self.policy().limits()
        }
    }

    /// Records events of the launcher's own that need no decision; says whether they are durable now.
    pub async fn record(&self, events: Vec<Event>) -> bool {
        self.record_of(LAUNCHER, events).await
    }

    /// Records what `actor` did, where that needs no decision; says whether it is durable now.
    pub async fn record_of(&self, actor: &str, events: Vec<Event>) -> bool {
        let recorded = self.ledger.commit(actor, events).await;
        if let Err(error) = &recorded {
            tracing::error!(%error, "could not record what happened");
        }
        recorded.is_ok()
    }

    /// Why Codex cannot run anything at the moment and will not by itself, if that is so.
    pub fn codex_trouble(&self) -> Option<String> {
        match &self.codex {
            Err(reason) => Some(reason.en.clone()),
            Ok(codex) => match &*codex.status().borrow() {
                codex::Status::Unavailable { reason } => Some(reason.clone()),
                _ => None,
            },
        }
    }

    /// Why a Codex session that is started now has no chance; `None` when it has.
    pub fn codex_down(&self) -> Option<String> {
        let codex = match &self.codex {
            Err(reason) => return Some(reason.en.clone()),
            Ok(codex) => codex,
        };
        match &*codex.status().borrow() {
            codex::Status::Ready { .. } if self.logged_in() != Some(false) => None,
            codex::Status::Ready { .. } => Some(super::codex_driver::NOT_LOGGED_IN.to_owned()),
            codex::Status::Idle => Some("Codex waits for a person's permission".to_owned()),
            codex::Status::Starting => Some("Codex is being started".to_owned()),
            codex::Status::Stopped => Some("Codex is being stopped".to_owned()),
            codex::Status::Down { reason, .. } | codex::Status::Unavailable { reason } => {
                Some(reason.clone())
            }
        }
    }

    /// Records the end of a terminal, once, whoever saw it first.
    pub async fn terminal_closed(&self, id: &TerminalId, reason: &str) {
        let (id, reason) = (id.clone(), reason.to_owned());
        let done = self.decide(LAUNCHER, move |state| {
            let open = state.terminals.contains_key(&id);
            let event = open.then_some(Event::TerminalClosed {
                terminal_id: id,
                reason,
            });
            Ok((Vec::from_iter(event), ()))
        });
        if let Err(error) = done.await {
            tracing::error!(?error, "the end of a terminal could not be recorded");
        }
    }

    /// Whether this launcher holds the session's driver in its hands.
    pub fn is_connected(&self, id: &SessionId) -> bool {
        self.connections().contains(id)
    }

    /// The session's driver is at hand.
    pub fn connect(&self, id: &SessionId) {
        self.connections().insert(id.clone());
    }

    /// The session's driver is out of reach.
    pub fn disconnect(&self, id: &SessionId) {
        self.connections().remove(id);
    }

    /// Every Codex session must be resumed before it can be spoken to again.
    pub fn disconnect_codex(&self) {
        let lost: Vec<SessionId> = self.ledger.read(|state| {
            let codex = state
                .sessions
                .values()
                .filter(|session| session.is_live() && session.brief.driver == CODEX);
            codex.map(|session| session.id().clone()).collect()
        });
        for id in &lost {
            self.disconnect(id);
            let was_busy = matches!(
                self.live.observed(id).activity,
                Activity::Working | Activity::Blocked
            );
            self.live.set_activity(id, Activity::Unknown);
            // Whether these arrived, the history tells.
            self.live.update(id, |observed| {
                observed.handed.clear();
                if was_busy {
                    observed.setback = Some(Setback::CodexEnded);
                }
            });
        }
    }

    /// Looks at one session.
    pub fn session(&self, id: &SessionId) -> Option<Session> {
        self.ledger.read(|state| state.session(id).cloned())
    }

    /// Whether Codex has the login that its provider needs; `None` while nobody has asked.
    pub fn logged_in(&self) -> Option<bool> {
        *self
            .logged_in
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what Codex said about its login; `None` makes the next session ask again.
    pub fn set_logged_in(&self, is: Option<bool>) {
        *self
            .logged_in
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = is;
    }

    fn connections(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
