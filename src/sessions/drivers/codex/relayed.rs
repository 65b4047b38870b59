//! What a session's TUI says to Codex, as its terminal heard it: what a person answered there, and whether it still shows the session's
//! thread. Of both the protocol tells nothing.

use super::answered::answered_in_terminal;
use crate::core::done::Done;
use crate::core::{Core, LAUNCHER};
use crate::domain::flow;
use crate::domain::ids::TerminalId;
use crate::domain::session::Session;
use crate::process::Identity;
use crate::sessions::agents::Agents;
use crate::threads::wire::RequestId;
use codex_terminal::relay::report::{Report, Said};
use std::time::Duration;

/// A disk that is full stays so for a while.
const PAUSE: Duration = Duration::from_secs(5);

/// Deals with one report, and says so to the terminal: until then it keeps it, for the next launcher if need be.
pub async fn take(agents: &Agents, terminal_id: &TerminalId, session: &Session, report: Report) {
    let (number, server, lost) = (report.number, report.server, report.lost);
    if lost > 0 {
        tracing::warn!(terminal.id = %terminal_id, lost, "a terminal has heard more than it could keep");
    }
    let own = |thread: &str| session.thread_id.as_deref() == Some(thread);
    let away = match report.said {
        Said::Answered { request, outcome } => {
            let server = server.map(|server| Identity {
                pid: server.pid,
                start_ticks: server.started_at_ticks,
            });
            // Codex knows no others.
            if let Ok(request) = serde_json::from_str::<RequestId>(&request) {
                answered_in_terminal(agents, session, server, &request, outcome).await;
            }
            None
        }
        Said::Started {} => Some(true),
        Said::Resumed { thread_id } | Said::Spoke { thread_id } => Some(!own(&thread_id)),
        Said::Unsubscribed { thread_id } => own(&thread_id).then_some(true),
        Said::Unreadable { reason } => {
            tracing::warn!(terminal.id = %terminal_id, reason, "what is said in a terminal cannot be heard any more");
            None
        }
        Said::Ended {} => None,
    };
    if let Some(away) = away {
        shows(&agents.core, terminal_id, session, away).await;
    }
    if let Err(error) = agents.terminals.heard(terminal_id, number).await {
        // Gone, with all that it kept.
        tracing::debug!(terminal.id = %terminal_id, %error, "a terminal was not told that it was heard");
    }
}

/// Records that the terminal left the session's thread, or is back, unless that is known.
async fn shows(core: &Core, terminal_id: &TerminalId, session: &Session, away: bool) {
    loop {
        let (id, terminal) = (session.id().clone(), terminal_id.clone());
        let noted = core.decide(LAUNCHER, move |state| {
            Ok((flow::sessions::turned(state, &id, &terminal, away), ()))
        });
        match Done::of(noted.await) {
            Done::Settled => return,
            Done::Again => tokio::time::sleep(PAUSE).await,
        }
    }
}
