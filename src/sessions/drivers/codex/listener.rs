//! What Codex says by itself, turned into observations and, where it matters, into events.

use super::lanes::{Lane, in_lanes};
use super::{doing, messages, noticed, threads, usage};
use crate::core::duties::Duty;
use crate::core::live::Activity;
use crate::domain::message::Setback;
use crate::domain::sentence::say;
use crate::domain::session::{Outcome, Session, Status};
use crate::domain::state::State;
use crate::sessions::agents::Agents;
use crate::sessions::texts;
use crate::threads::wire::{
    Incoming, Notification, RequestKey, RequestKind, ServerRequest, ThreadId, TurnStatus,
};
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

/// Listens to Codex until its supervisor ends. `connected` runs after every (re)connection, `overheard` at everything that comes, before
/// it means anything here. Whoever listens again goes on where this one ended.
pub async fn listen(
    agents: Arc<Agents>,
    incoming: Arc<Mutex<mpsc::Receiver<Incoming>>>,
    connected: Arc<impl Fn() + Send + Sync>,
    overheard: Arc<impl Fn(&Incoming) + Send + Sync>,
) {
    let mut incoming = incoming.lock().await;
    let hear = |event| {
        let (agents, connected) = (Arc::clone(&agents), Arc::clone(&connected));
        let overheard = Arc::clone(&overheard);
        async move {
            overheard(&event);
            hear(agents, event, connected).await;
        }
    };
    let failed = |reason| {
        let core = Arc::clone(&agents.core);
        async move { core.failed(Duty::Codex, reason).await }
    };
    in_lanes(&mut incoming, lane_of, hear, failed).await;
}

/// Each thread is a lane of its own: what one asks may take a second to find out. What is of no thread keeps its order, too.
fn lane_of(event: &Incoming) -> Lane {
    let thread = match event {
        Incoming::Connected { .. } | Incoming::Disconnected { .. } => return Lane::All,
        Incoming::Notification(notification) => notification.thread_id().map(ToOwned::to_owned),
        Incoming::Request { request, .. } => request.thread_id().map(|id| id.0),
    };
    Lane::Of(thread.unwrap_or_default())
}

async fn hear(agents: Arc<Agents>, event: Incoming, connected: Arc<impl Fn() + Send + Sync>) {
    match event {
        Incoming::Connected { server, .. } => {
            agents.threads.lost();
            agents.codex_is_lost(None);
            agents.disconnect_codex();
            agents.asks.connected(&server).await;
            connected();
            usage::connected(&agents);
            agents.core.ring();
        }
        Incoming::Disconnected {
            reason,
            server_ended,
            ..
        } => {
            agents.threads.lost();
            agents.codex_is_lost(Some(&reason));
            agents.disconnect_codex();
            agents.asks.disconnected(server_ended).await;
        }
        Incoming::Notification(notification) => {
            agents.threads.hear(&notification);
            notified(&agents, notification).await;
        }
        Incoming::Request { key, request } => asked(&agents, key, request).await,
    }
}

fn owner(agents: &Agents, thread_id: &ThreadId) -> Option<Session> {
    agents
        .core
        .ledger
        .read(|state| state.session_of_thread(&thread_id.to_string()).cloned())
}

async fn notified(agents: &Arc<Agents>, notification: Notification) {
    usage::heard(agents, &notification).await;
    doing::heard(agents, &notification);
    noticed::heard(agents, &notification).await;
    match notification {
        Notification::ThreadStatusChanged(change) => {
            if let Some(session) = owner(agents, &change.thread_id) {
                let activity = threads::activity(&change.status);
                // What it asks is still to be answered, whatever else it does meanwhile.
                let asks = |state: &State| state.asks.first_open_of(session.id()).is_some();
                let activity = match activity {
                    Activity::Working if agents.core.ledger.read(asks) => Activity::Blocked,
                    activity => activity,
                };
                agents.core.live.hears(session.id(), activity);
                agents.core.ring();
            }
        }
        Notification::TurnStarted(change) => {
            if let Some(session) = owner(agents, &change.thread_id) {
                agents
                    .core
                    .live
                    .set_activity(session.id(), Activity::Working);
                agents.core.live.update(session.id(), |observed| {
                    observed.notice = None;
                    observed.setback = None;
                });
                agents.core.live.touch(session.id());
            }
        }
        Notification::TurnCompleted(change) => {
            let interrupted = change.turn.status == TurnStatus::Interrupted;
            agents
                .asks
                .turn_ended(&change.thread_id, &change.turn.id.0, interrupted)
                .await;
            if let Some(session) = owner(agents, &change.thread_id) {
                let is_limit = usage::is_limit(&change.turn);
                let failed = (change.turn.status == TurnStatus::Failed)
                    .then_some(change.turn.error)
                    .flatten();
                agents.core.live.set_activity(session.id(), Activity::Idle);
                let failure = failed
                    .map(|error| say!("reason.turn_failed", error = error.message).to_string());
                agents.core.live.update(session.id(), |observed| {
                    if interrupted && observed.setback.is_none() {
                        observed.setback = Some(Setback::Interrupted);
                    }
                    // At a limit it stands still, and goes on by itself.
                    observed.turn_failure = failure.clone().filter(|_| !is_limit);
                    observed.notice = failure;
                });
                agents.core.live.touch(session.id());
                agents.core.ring();
            }
        }
        Notification::ItemStarted(change) => {
            agents.asks.item_began(&change.thread_id, &change.item);
        }
        Notification::ServerRequestResolved(resolved) => {
            agents
                .asks
                .resolved(&resolved.thread_id, &resolved.request_id)
                .await;
        }
        Notification::ItemCompleted(change) => {
            agents
                .asks
                .item_ended(&change.thread_id, &change.item)
                .await;
            if let Some(session) = owner(agents, &change.thread_id) {
                if change.item.was_declined() {
                    agents.core.live.update(session.id(), |observed| {
                        observed.setback = Some(Setback::Declined);
                    });
                }
                if let Some(client_id) = change.item.client_id() {
                    messages::shown(agents, &session, client_id).await;
                }
                if let Some(text) = texts::of_item(&change.item) {
                    agents.core.live.say(session.id(), &text);
                    agents.transcribe(&session, &text);
                }
            }
        }
        Notification::Error(failure) => {
            if let Some(session) = owner(agents, &failure.thread_id) {
                agents.core.live.update(session.id(), |observed| {
                    let error = failure.error.message;
                    observed.notice = Some(match failure.will_retry {
                        true => say!("reason.codex.tries_again", error).to_string(),
                        false => error,
                    });
                });
            }
        }
        Notification::McpStartup(startup)
            if startup.name == "zhongshu" && startup.error.is_some() =>
        {
            let reason = startup.error.unwrap_or_default();
            tracing::warn!(%reason, "the tool server of a session did not start; it can still report by file");
            if let Some(session) = startup
                .thread_id
                .and_then(|thread_id| owner(agents, &thread_id))
            {
                let notice = say!("reason.tool_server_failed", reason).to_string();
                agents
                    .core
                    .live
                    .update(session.id(), |observed| observed.notice = Some(notice));
            }
        }
        Notification::Other { method, .. } if method == "account/updated" => {
            agents.threads.set_logged_in(None);
        }
        Notification::ThreadClosed(mention) => {
            let outcome = Outcome::Exited {
                code: None,
                signal: None,
            };
            thread_ended(agents, &mention.thread_id, outcome);
        }
        Notification::ThreadArchived(mention) => {
            let reason = say!("reason.thread.archived").to_string();
            thread_ended(agents, &mention.thread_id, Outcome::Lost { reason });
        }
        Notification::ThreadDeleted(mention) => {
            let reason = say!("reason.thread.deleted").to_string();
            thread_ended(agents, &mention.thread_id, Outcome::Lost { reason });
        }
        _ => {}
    }
}

/// A session whose thread is gone is over; so is the terminal that showed it.
fn thread_ended(agents: &Arc<Agents>, thread_id: &ThreadId, outcome: Outcome) {
    let session = owner(agents, thread_id)
        .filter(|session| session.status == Status::Running && agents.is_connected(session.id()));
    let Some(session) = session else {
        return;
    };
    let at_work = Arc::clone(agents);
    agents.core.errand(async move {
        let agents = at_work;
        agents.closed(session.id(), outcome).await;
        if let Some(terminal_id) = &session.terminal_id {
            agents
                .end_terminal(
                    terminal_id,
                    &say!("reason.terminal.session_ended").to_string(),
                )
                .await;
        }
        agents.core.ring();
    });
}

/// A request waits for a person, also one that nothing here knows: its terminal, which can be opened, or another client may, and an error of
/// ours would settle it for all.
async fn asked(agents: &Arc<Agents>, key: RequestKey, request: ServerRequest) {
    // Of no thread at all: whoever made Codex ask it answers it.
    if request.kind() == RequestKind::Unknown && request.thread_id().is_none() {
        return;
    }
    agents.asks.requested(key, request).await;
}
