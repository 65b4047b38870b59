//! What runs an agent: a file (or folder) for each driver, a function for each step. What is only known about a driver, and not done,
//! stands in `domain::driver`.

pub mod codex;
pub mod command;

use super::agents::Agents;
use crate::core::done::Done;
use crate::core::policy::Policy;
use crate::domain::driver::Driver;
use crate::domain::ids::TerminalId;
use crate::domain::session::Session;
use codex_terminal::relay::report::Report;
use codex_terminal::signals::AgentState;
use std::sync::Arc;

/// Starts a session, or resumes it, and gives it its prompt. `policy` is the one by which it may start.
pub async fn start(agents: &Arc<Agents>, policy: &Policy, session: &Session) -> Done {
    match &session.brief.driver {
        Driver::Codex => codex::start(agents, session).await,
        Driver::Command(name) => command::start(agents, policy, session, name).await,
    }
}

/// Finds what runs a session again, after a restart of the launcher or of what it runs in.
pub async fn reconnect(agents: &Agents, session: &Session) -> Done {
    match session.brief.driver {
        Driver::Codex => codex::reconnect(agents, session).await,
        Driver::Command(_) => command::reconnect(agents, session).await,
    }
}

/// Hands over what is owed to a session.
pub async fn deliver(agents: &Agents, session: &Session) -> Done {
    match session.brief.driver {
        Driver::Codex => codex::messages::deliver(agents, session).await,
        Driver::Command(_) => command::deliver(agents, session).await,
    }
}

/// Interrupts a session's turn. What is no Codex takes no tokens that we count.
pub async fn interrupt(agents: &Agents, session: &Session) {
    match session.brief.driver {
        Driver::Codex => codex::interrupt(agents, session).await,
        Driver::Command(_) => {}
    }
}

/// Ends a session with everything that it started; then its end is recorded.
pub async fn close(agents: &Agents, session: &Session) -> Done {
    match session.brief.driver {
        Driver::Codex => codex::close(agents, session).await,
        Driver::Command(_) => command::close(agents, session).await,
    }
}

/// Shows a session in a terminal, where that is only a view.
pub async fn show(agents: &Agents, session: &Session) -> Done {
    match session.brief.driver {
        Driver::Codex => codex::tui::open(agents, session).await,
        Driver::Command(_) => Done::Settled,
    }
}

/// Something was printed in the session's terminal: `just_now`, or before anybody listened.
pub fn printed(agents: &Agents, session: &Session, just_now: bool) {
    match session.brief.driver {
        // What it says comes by protocol.
        Driver::Codex => {}
        Driver::Command(_) => command::printed(agents, session, just_now),
    }
}

/// The program in the session's terminal says what it is doing.
pub fn said(agents: &Agents, session: &Session, state: &AgentState) {
    match session.brief.driver {
        // It tells more, and more exactly, by protocol.
        Driver::Codex => {}
        Driver::Command(_) => command::said(agents, session, state),
    }
}

/// The program in the session's terminal said something to its server.
pub async fn relayed(agents: &Agents, terminal_id: &TerminalId, session: &Session, report: Report) {
    match session.brief.driver {
        Driver::Codex => codex::relayed::take(agents, terminal_id, session, report).await,
        // No server of ours is behind it.
        Driver::Command(_) => {}
    }
}

/// The program in the session's terminal ended by itself.
pub async fn exited(agents: &Agents, session: &Session, code: Option<i32>, signal: Option<i32>) {
    match session.brief.driver {
        Driver::Codex => codex::tui::exited(agents, session).await,
        Driver::Command(_) => command::exited(agents, session, code, signal).await,
    }
}

/// The session's terminal is gone although nobody ended it (nor the session).
pub async fn lost(agents: &Agents, session: &Session) {
    match session.brief.driver {
        Driver::Codex => {}
        Driver::Command(_) => command::lost(agents, session).await,
    }
}
