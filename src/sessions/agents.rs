//! What everything about sessions shares beside the core: the drivers' tools.

use crate::core::done::Done;
use crate::core::live::Activity;
use crate::core::{Core, LAUNCHER};
use crate::domain::event::Event;
use crate::domain::flow;
use crate::domain::ids::{SessionId, TerminalId};
use crate::domain::message::Setback;
use crate::domain::sentence::say;
use crate::domain::session::{Outcome, Session};
use crate::domain::state::State;
use crate::mailbox::Nudge;
use crate::terminal::{CLOSE_GRACE, Terminals};
use crate::threads::Threads;
use crate::threads::asked::OpenAsks;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// A file counts when it has been quiet for 150 ms; a loaded machine gets several times that.
const LAST_CALL: Duration = Duration::from_secs(1);

/// A terminal tells one report after the other, each in some milliseconds with its record; one that takes longer holds up its end no further.
const HEARD_WITHIN: Duration = Duration::from_secs(1);
/// Between two looks.
const HEARD_EVERY: Duration = Duration::from_millis(10);

/// Everything that sessions need.
pub struct Agents {
    /// What everybody shares.
    pub core: Arc<Core>,
    /// Codex's threads.
    pub threads: Arc<Threads>,
    /// What those ask.
    pub asks: Arc<OpenAsks>,
    /// Terminals.
    pub terminals: Terminals,
    /// Wakes the mailbox.
    mailbox: OnceLock<Nudge>,
    connected: Mutex<Connections>,
    /// Whose transcript could not be written, and was complained about.
    untranscribed: Mutex<HashSet<SessionId>>,
}

/// Whose drivers this launcher holds in its hands.
#[derive(Default)]
struct Connections {
    sessions: HashSet<SessionId>,
    /// How often Codex was lost or came back. What was begun with one connection says nothing about the next.
    codex: u64,
    /// Why Codex was lost, until it is back.
    lost: Option<String>,
}

impl Agents {
    /// Puts the parts together. Nothing runs yet.
    pub fn new(core: Arc<Core>, terminals: Terminals, threads: Arc<Threads>) -> Arc<Self> {
        let asks = OpenAsks::new(Arc::clone(&core), threads.codex.clone());
        Arc::new(Self {
            core,
            asks,
            threads,
            terminals,
            mailbox: OnceLock::new(),
            connected: Mutex::default(),
            untranscribed: Mutex::default(),
        })
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
        let mut records = self.core.ledger.subscribe(None).ok();
        if let Some(nudge) = self.mailbox.get() {
            nudge.scan_now();
        }
        let arrives = async {
            while !self.core.ledger.read(reported) {
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
            super::texts::append_transcript(&self.core.place.repo, &session.brief.log_path, text);
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

    /// Records the end of a session, whoever decided it; until that is durable it is still to be done.
    pub async fn closed(&self, id: &SessionId, outcome: Outcome) -> Done {
        let policy = self.core.policy();
        let key = id.clone();
        let done = self.core.decide(LAUNCHER, move |state| {
            flow::sessions::close(state, &policy.catalog, &key, outcome)
        });
        if let Err(error) = done.await {
            tracing::error!(session.id = %id, ?error, "could not record the end of a session");
            return Done::Again;
        }
        self.disconnect(id);
        self.core.live.ended(id);
        Done::Settled
    }

    /// Ends a terminal with everything in it; a session that it only shows goes on.
    pub async fn end_terminal(&self, id: &TerminalId, reason: &str) {
        self.hear_out(id).await;
        if let Err(error) = self.terminals.close(id, CLOSE_GRACE).await {
            tracing::error!(terminal.id = %id, %error, "a terminal could not be ended");
        }
        self.terminal_closed(id, reason).await;
    }

    /// What was answered in a terminal, perhaps while no launcher ran, is known to it alone until it was heard.
    async fn hear_out(&self, id: &TerminalId) {
        let told = async {
            while let Ok(true) = self.terminals.has_reports(id).await {
                tokio::time::sleep(HEARD_EVERY).await;
            }
        };
        if tokio::time::timeout(HEARD_WITHIN, told).await.is_err() {
            tracing::warn!(terminal.id = %id, "a terminal is ended before all was heard that was said in it");
        }
    }

    /// Records the end of a terminal, once, whoever saw it first.
    pub async fn terminal_closed(&self, id: &TerminalId, reason: &str) {
        let (id, reason) = (id.clone(), reason.to_owned());
        let done = self.core.decide(LAUNCHER, move |state| {
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
        self.connections().sessions.contains(id)
    }

    /// The session's driver is at in_flight.
    pub fn connect(&self, id: &SessionId) {
        self.connections().sessions.insert(id.clone());
    }

    /// Which connection to Codex this is; see [`Agents::connect_codex`].
    pub fn codex_connection(&self) -> u64 {
        self.connections().codex
    }

    /// The session's thread is at in_flight, unless Codex was lost or came back since `connection`: what was heard of the thread is void
    /// then, and it has to be resumed once more.
    pub fn connect_codex(&self, id: &SessionId, connection: u64) -> bool {
        let mut connections = self.connections();
        let holds = connections.codex == connection;
        if holds {
            connections.sessions.insert(id.clone());
        }
        holds
    }

    /// The session's driver is out of reach.
    pub fn disconnect(&self, id: &SessionId) {
        self.connections().sessions.remove(id);
    }

    /// Codex was lost for this reason, or is back.
    pub fn codex_is_lost(&self, reason: Option<&str>) {
        self.connections().lost = reason.map(str::to_owned);
    }

    /// Why Codex cannot be asked at the moment, if that is so.
    pub fn codex_down(&self) -> Option<String> {
        let down = self.threads.down()?;
        let lost = self.connections().lost.clone();
        Some(match lost {
            Some(reason) => say!("reason.doing.codex_lost", reason).to_string(),
            None => down,
        })
    }

    /// Every Codex session must be resumed before it can be spoken to again.
    pub fn disconnect_codex(&self) {
        self.connections().codex += 1;
        let lost: Vec<SessionId> = self.core.ledger.read(|state| {
            let codex = state
                .sessions
                .values()
                .filter(|session| session.is_live() && session.brief.driver.needs_codex());
            codex.map(|session| session.id().clone()).collect()
        });
        for id in &lost {
            self.disconnect(id);
            let was_busy = matches!(
                self.core.live.observed(id).activity,
                Activity::Working | Activity::Blocked
            );
            self.core.live.set_activity(id, Activity::Unknown);
            self.core.live.hears_nothing(id);
            // Whether these arrived, the history tells.
            self.core.live.update(id, |observed| {
                observed.handed.clear();
                if was_busy {
                    observed.setback = Some(Setback::CodexEnded);
                }
            });
        }
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
