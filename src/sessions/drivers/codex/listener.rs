//! What Codex says by itself, turned into observations and, where it matters, into events.

use super::lanes::{Lane, in_lanes};
use super::{messages, threads};
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

/// Listens to Codex until its supervisor ends. `connected` runs after every (re)connection. Whoever listens again goes on where this one
/// ended.
pub async fn listen(
    agents: Arc<Agents>,
    incoming: Arc<Mutex<mpsc::Receiver<Incoming>>>,
    connected: Arc<impl Fn() + Send + Sync>,
) {
    let mut incoming = incoming.lock().await;
    let hear = |event| hear(Arc::clone(&agents), event, Arc::clone(&connected));
    in_lanes(&mut incoming, lane_of, hear).await;
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
            agents.disconnect_codex();
            agents.asks.connected(&server).await;
            connected();
            agents.core.ring();
        }
        Incoming::Disconnected { server_ended, .. } => {
            agents.threads.lost();
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
                    observed.turn_failure.clone_from(&failure);
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
        Notification::AgentMessageDelta(delta)
        | Notification::CommandOutputDelta(delta)
        | Notification::ReasoningDelta(delta)
        | Notification::PlanDelta(delta) => {
            // Many times a second: the name is enough, a copy of the session with its plans is not needed.
            let owner = agents.core.ledger.read(|state| {
                let session = state.session_of_thread(&delta.thread_id.0);
                session.map(|session| session.id().clone())
            });
            if let Some(id) = owner {
                agents.core.live.touch(&id);
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
        Notification::ThreadClosed(mention) | Notification::ThreadArchived(mention) => {
            if let Some(session) = owner(agents, &mention.thread_id)
                && session.status == Status::Running
                && agents.is_connected(session.id())
            {
                thread_ended(agents, session);
            }
        }
        _ => {}
    }
}

/// A session whose thread is gone is over; so is the terminal that showed it.
fn thread_ended(agents: &Arc<Agents>, session: Session) {
    let at_work = Arc::clone(agents);
    agents.core.errand(async move {
        let agents = at_work;
        let outcome = Outcome::Exited {
            code: None,
            signal: None,
        };
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
