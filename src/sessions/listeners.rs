//! What terminals say by themselves, and to whom it matters.

use super::agents::Agents;
use super::drivers;
use crate::domain::ids::TerminalId;
use crate::domain::sentence::say;
use crate::domain::session::{Session, Status};
use crate::terminal::TerminalEvent;
use codex_terminal::control::Event as Said;
use codex_terminal::descriptor::State as Program;
use codex_terminal::relay::report::Report;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

/// Listens to the terminals until the launcher ends. Whoever listens again goes on where this one ended.
pub async fn terminals(agents: Arc<Agents>, events: Arc<Mutex<mpsc::Receiver<TerminalEvent>>>) {
    let mut events = events.lock().await;
    while let Some(TerminalEvent { terminal_id, event }) = events.recv().await {
        let (known, session) = agents.core.ledger.read(|state| {
            let known = state.terminals.get(&terminal_id).cloned();
            let of = known
                .as_ref()
                .filter(|terminal| !terminal.preview)
                .and_then(|terminal| terminal.session_id.clone());
            (
                known.is_some(),
                of.and_then(|id| state.session(&id).cloned()),
            )
        });
        match (event, session) {
            (
                Some(Said::Hello {
                    descriptor,
                    agent_state,
                    ..
                }),
                Some(session),
            ) => {
                if let Some(state) = agent_state {
                    drivers::said(&agents, &session, &state);
                }
                // What was printed before is no sign of life now, but it is what can be seen.
                drivers::printed(&agents, &session, false);
                if let Program::Exited { code, signal } = descriptor.state {
                    program_ended(&agents, session, code, signal);
                }
            }
            (Some(Said::Exited { code, signal }), Some(session)) => {
                program_ended(&agents, session, code, signal)
            }
            (Some(Said::Output { .. }), Some(session)) => {
                drivers::printed(&agents, &session, true);
            }
            (Some(Said::AgentState(state)), Some(session)) => {
                drivers::said(&agents, &session, &state)
            }
            (Some(Said::Relayed(report)), Some(session)) => {
                relayed(&agents, terminal_id, session, report);
            }
            (None, Some(session)) if known => gone(&agents, session),
            (None, None) if known => {
                let at_work = Arc::clone(&agents);
                agents.core.errand(async move {
                    at_work.end_terminal(&terminal_id, "it ended").await;
                    at_work.core.ring();
                });
            }
            _ => {}
        }
        agents.core.ring();
    }
}

/// The next report comes when this one is dealt with: so they stay in order although nothing waits for them here.
fn relayed(agents: &Arc<Agents>, terminal_id: TerminalId, session: Session, report: Report) {
    let at_work = Arc::clone(agents);
    agents.core.errand(async move {
        drivers::relayed(&at_work, &terminal_id, &session, report).await;
        at_work.core.ring();
    });
}

/// Ending a terminal takes a moment: it must not hold up what the other terminals say.
fn program_ended(agents: &Arc<Agents>, session: Session, code: Option<i32>, signal: Option<i32>) {
    let at_work = Arc::clone(agents);
    agents.core.errand(async move {
        drivers::exited(&at_work, &session, code, signal).await;
        at_work.core.ring();
    });
}

/// A sidecar ended that nobody told to. What it ran may have survived it.
fn gone(agents: &Arc<Agents>, session: Session) {
    if !session.is_live() || !agents.is_connected(session.id()) {
        return;
    }
    agents
        .core
        .live
        .update(session.id(), |observed| observed.shown = false);
    let at_work = Arc::clone(agents);
    agents.core.errand(async move {
        let agents = at_work;
        let closing = matches!(session.status, Status::Closing { .. });
        if let Some(terminal_id) = &session.terminal_id {
            let reason = match closing {
                true => say!("reason.terminal.session_ended"),
                false => say!("reason.terminal.process_ended"),
            };
            agents.end_terminal(terminal_id, &reason.to_string()).await;
        }
        if !closing {
            drivers::lost(&agents, &session).await;
        }
        agents.core.ring();
    });
}
