//! The orderly end: nothing new is taken, sessions end or are left to the next launcher, the journal is sealed.

use super::Server;
use crate::codex::orphan::Orphan;
use crate::core::LAUNCHER;
use crate::domain::event::Event;
use crate::domain::flow;
use crate::domain::ids::TerminalId;
use crate::domain::session::Outcome;
use crate::ledger::Health;
use crate::paths::{Places, ServerFile};
use crate::sessions::agents::Agents;
use crate::terminal::CLOSE_GRACE;
use crate::threads::end_commands;
use crate::watchdog;
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::Instant;

/// Sessions get so long to end; what is left then is ended by force with its terminal.
const SESSIONS_LIMIT: Duration = Duration::from_secs(10);
/// A pause before the journal is listened to again.
const LISTEN_AGAIN: Duration = Duration::from_millis(100);
/// What Codex gets for its running turns.
const CODEX_GRACE: Duration = Duration::from_secs(3);

impl Server {
    /// Ends in good order. `keep` leaves sessions, terminals and the app-server to the next launcher.
    pub async fn stop(self, keep: bool) {
        tracing::info!(keep, "stopping");
        self.closing.cancel();
        if let Some(front) = self.front
            && let Err(error) = front.await
        {
            tracing::error!(%error, "the front door did not close well");
        }
        // Ends the task that journals who got access.
        drop(self.access);
        if !keep {
            // The reconciler still runs: it ends the sessions as it ends any other.
            end_sessions(&self.agents).await;
        }
        self.acting.cancel();
        for actor in self.actors {
            if tokio::time::timeout(CLOSE_GRACE, actor).await.is_err() {
                tracing::warn!("a task did not end in time");
            }
        }
        if keep {
            if let Some(codex) = &self.codex {
                codex.detach().await;
            }
        } else {
            end_terminals(&self.agents).await;
            if let Some(codex) = &self.codex
                && let Err(error) = codex.stop(CODEX_GRACE).await
            {
                tracing::error!(%error, "Codex's app-server could not be ended");
            }
            end_orphan(&self.config.places).await;
            // A command that was just being started when its session ended shows only now.
            end_commands(threads(&self.agents)).await;
            watchdog::end(&self.config.places).await;
        }
        self.agents
            .core
            .record(vec![Event::ServerStopped {
                sessions_kept: keep,
            }])
            .await;
        if let Err(error) = ServerFile::remove(&self.config.places) {
            tracing::warn!(%error, "the server file could not be removed");
        }
        self.agents.core.ledger.close().await;
        // With a socket in it, of a session that was kept, it stays.
        std::fs::remove_dir(&self.config.places.runtime).ok();
        drop(self.lock);
    }
}

async fn end_sessions(agents: &Agents) {
    // All in one step: otherwise a slot that becomes free would be given away meanwhile.
    let wish = agents.core.decide(LAUNCHER, |state| {
        flow::sessions::request_close_all(state, &Outcome::Stopped)
    });
    if let Err(error) = wish.await {
        tracing::warn!(?error, "the sessions could not be told to end");
    }
    let deadline = Instant::now() + SESSIONS_LIMIT;
    let mut records = agents.core.ledger.subscribe(None).ok();
    let mut status = agents.core.ledger.status();
    while agents
        .core
        .ledger
        .read(|state| state.live_sessions().next().is_some())
    {
        if status.borrow_and_update().health != Health::Writable {
            tracing::warn!("the journal cannot be written, so no session's end can be awaited");
            return;
        }
        let heard = async {
            match &mut records {
                Some(subscription) => subscription.recv().await.is_ok(),
                None => false,
            }
        };
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(deadline) => {
                tracing::error!("not every session ended in time");
                return;
            }
            changed = status.changed() => if changed.is_err() {
                tracing::error!("the journal ended before the sessions");
                return;
            },
            alive = heard => if !alive {
                // We fell behind, or the journal ends.
                tokio::time::sleep(LISTEN_AGAIN).await;
                records = agents.core.ledger.subscribe(None).ok();
            },
        }
    }
}

fn threads(agents: &Agents) -> Vec<String> {
    agents.core.ledger.read(|state| {
        let sessions = state.sessions.values();
        sessions
            .filter_map(|session| session.thread_id.clone())
            .collect()
    })
}

async fn end_terminals(agents: &Agents) {
    // One that the journal has closed may have been opened by a start that was under way.
    let mut open: HashSet<TerminalId> = agents.terminals.open_ids().into_iter().collect();
    agents
        .core
        .ledger
        .read(|state| open.extend(state.terminals.keys().cloned()));
    let ends = open
        .iter()
        .map(|id| agents.end_terminal(id, "zhongshu stopped"));
    futures_util::future::join_all(ends).await;
}

/// An app-server of an earlier launcher that this one had no use for.
async fn end_orphan(places: &Places) {
    if let Some(orphan) = Orphan::find(&places.app_server_descriptor())
        && let Err(error) = orphan.end().await
    {
        tracing::error!(%error, "the app-server of an earlier launcher could not be ended");
    }
}
