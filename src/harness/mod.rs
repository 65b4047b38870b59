//! The harness: every thread of Codex that concerns this repository, for clients that are no launcher. Nouns of its own (projects, controls,
//! settings, rows) lie in a ledger of their own; whatever is done to a thread goes through `threads`, and what one asks through the same
//! list of asks as everybody's.
//!
//! - `index`: every thread, as Codex tells of it
//! - `standing`: whose a thread is, and whether it may be driven
//! - `turns`: messages, and what is done to the turn that runs; `acts`: what is done to a thread as a whole
//! - `controls`: what threads run with; `models`: whether somebody offers a model; `ceilings`: the most that a person gives
//! - `filling`: how those are found and followed; `subscriptions`: which of them are listened to
//! - `sessions`: threads begun, listed, named, put away; `deletion`: and deleted; `summary`: one of them in a list; `cursor`: where a list goes on
//! - `transcript`: a thread with its turns, and what was said and done in them as rows
//! - `projects`: groups of threads
//! - `call`: a call to Codex, its refusals by cause
//! - `refused`: everything that may be said no to, and how; `causes`: the one table from Codex's words to answers
//! - `discovery`, `capabilities`, `configuration`, `account`, `commands`: Codex as a whole
//! - `waits`: what waits for an answer in a thread, and is answered
//! - `rows`: what clients write into transcripts; `extensions`: programs of others that take part
//! - `suggestions`: the suggested next request as a row; `suggesting`: how the model is asked for one; `asides`: in copies that leave no trace;
//!   `ears`: what is heard of threads that the server began to have something answered
//! - `actions`: what extensions and agents want done, inside the scope of what they were told of
//! - `workers`: threads in which agents do what jobs say
//! - `queue`: jobs, which the server does by itself beside whatever the sessions do
//! - `stream`: everything that happens, as it happens
//!
//! Knows nothing of HTTP, and nothing of planners and departments but that their threads are not to be driven from here.

mod account;
pub mod actions;
pub mod acts;
mod asides;
pub mod call;
pub mod capabilities;
mod causes;
pub mod ceilings;
pub mod commands;
pub mod configuration;
pub mod controls;
mod cursor;
pub mod deletion;
pub mod discovery;
mod ears;
pub mod extensions;
mod filling;
pub mod index;
pub mod models;
pub mod projects;
pub mod queue;
pub mod refused;
mod rows;
pub mod sessions;
pub mod standing;
pub mod stream;
mod subscriptions;
pub mod suggesting;
pub mod suggestions;
pub mod summary;
pub mod transcript;
pub mod turns;
pub mod waits;
mod workers;

use self::ears::Ears;
use self::index::Index;
use self::refused::Refused;
use self::stream::Streams;
use crate::core::Core;
use crate::domain::harness::event::Event;
use crate::domain::harness::state::State;
use crate::hub::SubscribeError;
use crate::ledger;
use crate::threads::Threads;
use crate::threads::asked::OpenAsks;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// The ledger of the harness.
pub type Ledger = ledger::Ledger<State>;

/// Events, and an answer for the caller; or a no.
pub type Decision<T> = Result<(Vec<Event>, T), Refused>;

/// What every handler of the harness works with.
pub struct Harness {
    /// What everybody shares; of the launcher's state only whose thread is whose.
    pub core: Arc<Core>,
    /// Codex's threads.
    pub threads: Arc<Threads>,
    /// What those ask.
    pub asks: Arc<OpenAsks>,
    /// Our own nouns.
    pub ledger: Ledger,
    /// Every thread.
    pub index: Index,
    /// When all this began.
    pub started_at: DateTime<Utc>,
    /// Everything that happens, for whoever reads it as it happens.
    pub streams: Arc<Streams>,
    asides: Arc<Ears>,
    workers: Arc<Ears>,
    filling: filling::Filling,
    queue: queue::Queue,
    /// Programs of others that take part.
    pub extensions: extensions::Extensions,
    subscriptions: subscriptions::Subscriptions,
}

impl Harness {
    /// Puts the parts together. Nothing is known of Codex's threads before it is connected.
    pub fn new(
        core: Arc<Core>,
        threads: Arc<Threads>,
        asks: Arc<OpenAsks>,
        ledger: Ledger,
    ) -> Arc<Self> {
        let of_clients = ledger.clone();
        asks.tools_of(Box::new(move |thread_id| {
            of_clients.read(|state| {
                state
                    .sessions
                    .get(thread_id)
                    .is_some_and(|it| it.started_here)
            })
        }));
        let waiting = |state: &crate::domain::state::State, seq| {
            let open = state.asks.open().cloned().collect();
            (seq, open)
        };
        let (seq, waiting) = core.ledger.read_at(waiting);
        let asides = Ears::of(asides::LABEL, ledger.read(suggesting::asides_of));
        // Those of an earlier server are in the ledger.
        let workers = Ears::of(workers::LABEL, []);
        let ears = [Arc::clone(&asides), Arc::clone(&workers)];
        let streams = Streams::new(ledger.snapshot_seq(), seq, waiting, ears);
        Arc::new(Self {
            streams: Arc::new(streams),
            asides,
            workers,
            core,
            threads,
            asks,
            ledger,
            index: Index::default(),
            started_at: Utc::now(),
            filling: filling::Filling::default(),
            queue: queue::Queue::default(),
            extensions: extensions::Extensions::default(),
            subscriptions: subscriptions::Subscriptions::default(),
        })
    }

    /// Decides and records; durable when this returns.
    ///
    /// # Errors
    /// When the decision is a no, or the journal of the harness cannot be written.
    pub async fn decide<T: Send + 'static>(
        &self,
        actor: impl Into<String>,
        decide: impl FnOnce(&State) -> Decision<T> + Send + 'static,
    ) -> Result<T, Refused> {
        Ok(self.ledger.transact(actor, decide).await?)
    }

    /// Counts what became otherwise about threads: what Codex says of them, and what lies in our ledger.
    pub fn number(&self) -> u64 {
        *self.index.changes().borrow() + self.ledger.snapshot_seq()
    }

    /// Waits until something is otherwise than it was at `number`.
    pub async fn changed_after(&self, number: u64) {
        let mut index = self.index.changes();
        let own = self.ledger.subscribe(None);
        // Looked at only now: what happens from here on wakes us.
        if self.number() != number {
            return;
        }
        let recorded = async {
            let heard = match own {
                Ok(mut own) => own.recv().await.map(drop),
                Err(closed) => Err(closed),
            };
            if let Err(SubscribeError::Closed) = heard {
                // Nothing is recorded any more.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            _ = index.changed() => {}
            () = recorded => {}
        }
    }
}
