//! The real TUI of a Codex session, in a terminal of its own: a view that comes and goes while its session goes on.

use crate::core::LAUNCHER;
use crate::core::done::Done;
use crate::domain::event::Event;
use crate::domain::ids::{SessionId, TerminalId};
use crate::domain::sentence::say;
use crate::domain::session::{Session, Status};
use crate::paths::TUI_PREFIX;
use crate::sessions::agents::Agents;
use codex_terminal::spec::{Relay, Source, Spec};
use std::collections::BTreeMap;
use std::path::Path;

/// Shows a session's thread in the real TUI, in a terminal of its own.
pub async fn open(agents: &Agents, session: &Session) -> Done {
    if let Err(reason) = show(agents, session).await {
        tracing::warn!(session.id = %session.id(), %reason, "the terminal of a session could not be opened");
        agents
            .core
            .live
            .update(session.id(), |observed| observed.notice = Some(reason));
    }
    Done::Settled
}

/// Starts the TUI of a session.
///
/// # Errors
/// A sentence when the session has no thread or its terminal cannot be started.
pub async fn show(agents: &Agents, session: &Session) -> Result<TerminalId, String> {
    let thread_id = session
        .thread_id
        .clone()
        .ok_or(say!("reason.no_thread_yet").to_string())?;
    let id = TerminalId::fresh(TUI_PREFIX);
    // Not the app-server's own socket: what is decided in the TUI is heard on the way.
    let relay = Relay {
        socket: agents.core.place.terminal(&id).relay,
        upstream: agents.core.place.app_server_socket(),
    };
    let mut spec = spec(agents, session, &id, &thread_id, &relay.socket);
    spec.relay = Some(relay);
    let (session_id, key, title) = (session.id().clone(), id.clone(), spec.title.clone());
    // Recorded first, so that it can be found and ended whatever happens next, and only while nobody ends the session.
    let recorded = agents.core.decide(LAUNCHER, move |state| {
        let started = Event::TerminalStarted {
            terminal_id: key,
            session_id: Some(session_id.clone()),
            title,
            preview: false,
        };
        let running = state.session(&session_id).is_some_and(|session| {
            session.status == Status::Running && session.terminal_id.is_none()
        });
        Ok((Vec::from_iter(running.then_some(started)), running))
    });
    match recorded.await {
        Ok(true) => {}
        Ok(false) => return Err(say!("reason.session_ending").to_string()),
        Err(error) => return Err(error.to_string()),
    }
    if let Err(error) = agents.terminals.start(&id, spec).await {
        let reason = say!("reason.failed", error).to_string();
        agents.terminal_closed(&id, &reason).await;
        return Err(reason);
    }
    // Asked in turn with what is being recorded: an end on its way counts.
    let key = id.clone();
    let wanted = agents.core.decide(LAUNCHER, move |state| {
        Ok((Vec::new(), state.terminals.contains_key(&key)))
    });
    if !wanted.await.unwrap_or(false) {
        // The session was ended while its terminal was starting.
        agents
            .end_terminal(&id, &say!("reason.terminal.session_ended").to_string())
            .await;
        return Err(say!("reason.session_over").to_string());
    }
    agents
        .core
        .live
        .update(session.id(), |observed| observed.shown = true);
    Ok(id)
}

/// The terminal of a TUI that shows a thread by way of this socket, where the session works.
pub fn spec(
    agents: &Agents,
    session: &Session,
    id: &TerminalId,
    thread_id: &str,
    socket: &Path,
) -> Spec {
    let argv = vec![
        agents.threads.program.display().to_string(),
        "resume".to_owned(),
        thread_id.to_owned(),
        "--remote".to_owned(),
        format!("unix://{}", socket.display()),
    ];
    let root = agents.core.root_of(&session.brief).to_owned();
    let mut spec = Spec::program(id.as_str(), argv, root);
    spec.title = session.brief.title.clone();
    if let Source::Program {
        env_set,
        env_remove,
        ..
    } = &mut spec.source
    {
        *env_set = BTreeMap::from([
            (
                "CODEX_HOME".to_owned(),
                agents.core.place.tui_home().display().to_string(),
            ),
            ("TERM".to_owned(), "xterm-256color".to_owned()),
        ]);
        *env_remove = vec!["NO_COLOR".to_owned()];
    }
    spec
}

/// The TUI ended by itself; its session goes on.
pub async fn exited(agents: &Agents, session: &Session) {
    if let Some(terminal_id) = &session.terminal_id {
        agents
            .core
            .live
            .update(session.id(), |observed| observed.shown = false);
        agents
            .end_terminal(
                terminal_id,
                &say!("reason.terminal.program_ended").to_string(),
            )
            .await;
    }
}

/// Finds a TUI of an earlier launcher again, or records that it is gone.
pub async fn adopt(agents: &Agents, id: &SessionId, terminal_id: &TerminalId) {
    if agents.terminals.is_open(terminal_id) || agents.terminals.adopt(terminal_id).await.is_ok() {
        agents
            .core
            .live
            .update(id, |observed| observed.shown = true);
    } else {
        agents
            .end_terminal(terminal_id, &say!("reason.terminal.gone").to_string())
            .await;
    }
}
