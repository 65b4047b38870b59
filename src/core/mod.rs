//! What everybody shares who acts: the journal, the configuration in force, what is observed, and the bell that wakes whoever looks
//! for work.
//!
//! - `policy`, `powers`: what holds at the moment, and how much of it a person has approved
//! - `narrowing`: when a yes shrinks for good
//! - `workspace`: where a session works
//! - `live`, `duties`: what is observed of sessions, and of our own tasks
//! - `past`: what was put away, to look at and to take out again
//! - `done`: how a step went

pub mod done;
pub mod duties;
pub mod live;
mod narrowing;
pub mod past;
pub mod policy;
pub mod powers;
pub mod workspace;

use self::duties::{Duty, Troubles, caught};
use self::live::Live;
use self::policy::{Policies, Policy};
use crate::config::Config;
use crate::domain::event::Event;
use crate::domain::flow::{self, Decision};
use crate::domain::ids::SessionId;
use crate::domain::refusal::Refusal;
use crate::domain::session::Session;
use crate::domain::state::State;
use crate::domain::usage::budgets::Bounds;
use crate::governance::plan_checks::PlanCheckCache;
use crate::history::History;
use crate::ledger::{self, TransactError};
use crate::paths::Places;
use crate::reader::Reader;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
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

/// Failures of one duty that are journalled one by one; later ones at each doubling of their number.
const JOURNALLED_FAILURES: u32 = 8;

/// Who acts when the launcher itself does.
pub const LAUNCHER: &str = "launcher";

/// What everybody shares.
pub struct Core {
    /// Paths.
    pub place: Places,
    /// What flags, environment and `governance.yaml` say.
    pub config: Arc<Config>,
    /// What of it is in force; [`Core::renew`] makes the next one.
    pub policies: Policies,
    /// The journal.
    pub ledger: Ledger,
    /// What the state holds no longer.
    pub history: History,
    /// Held while sessions leave or come back.
    moving: tokio::sync::Mutex<()>,
    /// What is observed.
    pub live: Live,
    /// Makes the checks of plans.
    pub plan_checks: Arc<PlanCheckCache>,
    /// Tasks of the launcher that ended unexpectedly.
    pub troubles: Troubles,
    /// This program, for children of ours.
    program: PathBuf,
    /// Held while the policy is made anew.
    renewing: tokio::sync::Mutex<narrowing::Narrowing>,
    bell: Notify,
}

impl Core {
    /// Puts the parts together. `program` is this one, for limited children that read.
    pub fn new(
        config: Arc<Config>,
        ledger: Ledger,
        program: PathBuf,
        plan_checks: PlanCheckCache,
    ) -> Self {
        let approved = ledger.read(|state| state.powers.clone());
        let policy = Policy::of(&config, None, &plan_checks).held_to(&approved);
        let history = ledger.read(|state| History::open(&config.places.history(), state));
        Self {
            place: config.places.clone(),
            policies: watch::Sender::new(Arc::new(policy)),
            config,
            history,
            moving: tokio::sync::Mutex::default(),
            ledger,
            live: Live::default(),
            plan_checks: Arc::new(plan_checks),
            troubles: Troubles::default(),
            program,
            renewing: tokio::sync::Mutex::default(),
            bell: Notify::new(),
        }
    }

    /// Reads the repository by way of a limited child of its own, which ends with it.
    pub fn reader(&self) -> Reader {
        Reader::new(self.program.clone(), self.place.repo.clone())
    }

    /// This program, for children of ours.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The configuration in force.
    pub fn policy(&self) -> Arc<Policy> {
        self.policies.borrow().clone()
    }

    /// Wakes the reconciler.
    pub fn ring(&self) {
        self.bell.notify_one();
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

    /// Looks at one session.
    pub fn session(&self, id: &SessionId) -> Option<Session> {
        self.ledger.read(|state| state.session(id).cloned())
    }

    /// A session, or the refusal that says there is none.
    ///
    /// # Errors
    /// When there is none.
    pub fn known_session(&self, id: &SessionId) -> Result<Session, Refusal> {
        self.session(id)
            .ok_or_else(|| flow::named::unknown_session(id))
    }

    /// What a person allows, in tokens. Turns that run are looked at only where something bounds them.
    pub fn bounds(&self, policy: &Policy) -> Bounds {
        let defaults = policy.budgets;
        let are_none = |state: &State| state.usage.budgets.are_none(&defaults);
        Bounds {
            defaults,
            heard: match self.ledger.read(are_none) {
                true => BTreeMap::new(),
                false => self.live.heard_tokens(),
            },
        }
    }

    /// Does something beside everything else; should it break off, that is seen.
    pub fn errand(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) {
        let core = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(reason) = caught(work).await {
                core.failed(Duty::Step, reason).await;
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
}
