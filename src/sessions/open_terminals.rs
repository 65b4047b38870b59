//! Terminals that a person asks for: interactive ones, views of a session, and their addresses.

use super::agents::Agents;
use super::drivers::codex::tui;
use crate::access::Lease;
use crate::core::Refused;
use crate::domain::event::Event;
use crate::domain::ids::{SessionId, TerminalId};
use crate::domain::refusal::Refusal;
use crate::domain::sentence::{Sentence, say};
use crate::domain::session::{Outcome, Session, Signal};
use crate::domain::state::Terminal;
use crate::governance::render::printable;
use chrono::{DateTime, Utc};
use codex_terminal::descriptor::{Mode, State as Program};
use codex_terminal::spec::{Source, Spec};
use serde::Serialize;

/// Longer ones would leave no room for anything else in a tab.
const MAX_TITLE_CHARS: usize = 120;

/// A terminal, as the API shows it.
#[derive(Debug, Clone, Serialize)]
pub struct TerminalView {
    /// Its id.
    pub id: TerminalId,
    /// Its title.
    pub title: String,
    /// `running` or `exited`; what an exited program showed last can still be looked at.
    pub status: &'static str,
    /// How its program ended, when it ended by itself.
    pub exit_code: Option<i32>,
    /// The signal that ended its program.
    pub exit_signal: Option<i32>,
    /// The session it shows.
    pub session_id: Option<SessionId>,
    /// Whether it can only be looked at.
    pub read_only: bool,
    /// When it was opened.
    pub started_at: DateTime<Utc>,
    /// Its address; only for those who may open it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// How a session's program fares: what the view of its transcript says of it.
fn program_of(session: &Session) -> Program {
    match session.outcome() {
        None => Program::Running,
        Some(Outcome::Exited { code, signal }) => Program::Exited {
            code: *code,
            signal: signal.as_ref().and_then(Signal::number),
        },
        Some(_) => Program::Exited {
            code: None,
            signal: None,
        },
    }
}

/// What may be asked of terminals.
pub struct OpenTerminals<'a>(&'a Agents);

impl Agents {
    /// Terminals that a person asks for.
    pub fn open_terminals(&self) -> OpenTerminals<'_> {
        OpenTerminals(self)
    }
}

impl OpenTerminals<'_> {
    /// Every open terminal, newest first, with addresses for `opener`.
    pub fn views(&self, opener: Option<&Lease>) -> Vec<TerminalView> {
        let open: Vec<Terminal> = self
            .0
            .core
            .ledger
            .read(|state| state.terminals.values().rev().cloned().collect());
        open.iter()
            .map(|terminal| self.view(terminal, Mode::Write, opener))
            .collect()
    }

    fn view(&self, terminal: &Terminal, mode: Mode, opener: Option<&Lease>) -> TerminalView {
        let mode = if terminal.preview { Mode::Read } else { mode };
        let url =
            opener.and_then(|opener| self.0.terminals.url(&terminal.terminal_id, mode, opener));
        let (status, exit_code, exit_signal) = match self.0.terminals.program(&terminal.terminal_id)
        {
            Some(Program::Running) => ("running", None, None),
            Some(Program::Exited { code, signal }) => ("exited", code, signal),
            None => ("exited", None, None),
        };
        TerminalView {
            id: terminal.terminal_id.clone(),
            title: terminal.title.clone(),
            status,
            exit_code,
            exit_signal,
            session_id: terminal.session_id.clone(),
            read_only: mode == Mode::Read,
            started_at: terminal.started_at,
            url,
        }
    }

    /// Opens an interactive terminal in the repository.
    ///
    /// # Errors
    /// When too many are open, the shell is no program, or the terminal cannot be started.
    pub async fn open_shell(
        &self,
        actor: &str,
        opener: Option<&Lease>,
        shell: Option<String>,
        args: Vec<String>,
        title: Option<String>,
    ) -> Result<TerminalView, Refused> {
        self.check_room()?;
        let program = shell
            .unwrap_or_else(|| std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".to_owned()));
        if program.trim().is_empty()
            || program.contains(char::is_whitespace)
            || program.contains('\0')
        {
            let message = say!("refusal.invalid_shell");
            return Err(Refusal::invalid("invalid_shell", message).into());
        }
        if args.len() > 256
            || args
                .iter()
                .any(|arg| arg.contains('\0') || arg.len() > 16 * 1024)
        {
            return Err(
                Refusal::invalid("invalid_shell_args", say!("refusal.invalid_shell_args")).into(),
            );
        }
        if let Some(title) = &title
            && (title.trim().is_empty()
                || title.chars().count() > MAX_TITLE_CHARS
                || printable(title) != *title)
        {
            let message = say!("refusal.invalid_title", max_title_chars = MAX_TITLE_CHARS);
            return Err(Refusal::invalid("invalid_title", message).into());
        }
        let id = TerminalId::fresh("browser-terminal");
        let title =
            title.unwrap_or_else(|| program.rsplit('/').next().unwrap_or_default().to_owned());
        let mut spec = Spec::program(
            id.as_str(),
            [vec![program], args].concat(),
            self.0.core.place.repo.clone(),
        );
        spec.title = title.clone();
        if let Source::Program { env_set, .. } = &mut spec.source {
            env_set.insert("TERM".to_owned(), "xterm-256color".to_owned());
        }
        self.open(actor, opener, id, spec, None, title).await
    }

    /// Each terminal that is of no session is one more program that runs until somebody closes it.
    fn check_room(&self) -> Result<(), Refusal> {
        let limit = self.0.core.policy().max_terminals;
        let open = self.0.core.ledger.read(|state| {
            let all = state.terminals.values();
            all.filter(|it| it.session_id.is_none()).count()
        });
        if open >= limit {
            let message = say!("refusal.too_many_terminals", open);
            return Err(Refusal::conflict("too_many_terminals", message));
        }
        Ok(())
    }

    /// Shows a session read-only: its live terminal, or its transcript.
    ///
    /// # Errors
    /// When the session is unknown or its terminal cannot be started.
    pub async fn view_session(
        &self,
        actor: &str,
        opener: Option<&Lease>,
        id: &SessionId,
    ) -> Result<TerminalView, Refused> {
        let session = self.0.core.known_session(id)?;
        if session.is_live()
            && session.terminal_id.is_none()
            && !session.brief.driver.lives_in_terminal()
            && session.thread_id.is_some()
        {
            tui::show(self.0, &session).await.map_err(|reason| {
                Refusal::unavailable("terminal_failed", Sentence::recognised(&reason))
            })?;
        }
        let shown = self.0.core.ledger.read(|state| {
            let live = state
                .session(id)
                .and_then(|session| session.terminal_id.as_ref());
            let open = live.and_then(|terminal| state.terminals.get(terminal));
            let preview = || {
                state
                    .terminals
                    .values()
                    .find(|t| t.preview && t.session_id.as_ref() == Some(id))
            };
            open.or_else(preview).cloned()
        });
        let program = program_of(&session);
        if let Some(terminal) = shown
            && let Some(shows) = self.0.terminals.program(&terminal.terminal_id)
        {
            if !terminal.preview || shows == program {
                return Ok(self.view(&terminal, Mode::Read, opener));
            }
            // The session has gone on since, or has ended.
            self.0
                .end_terminal(
                    &terminal.terminal_id,
                    &say!("reason.terminal.newer_view").to_string(),
                )
                .await;
        }
        let log = session.brief.log_path.clone();
        super::texts::append_transcript(&self.0.core.place.repo, &log, "").map_err(|error| {
            Refusal::unavailable(
                "terminal_failed",
                say!("refusal.no_transcript", path = log.display(), error),
            )
        })?;
        let terminal_id = TerminalId::fresh("terminal");
        let mut spec = Spec::file(terminal_id.as_str(), log, program);
        spec.title = session.brief.title.clone();
        let title = session.brief.title.clone();
        self.open(actor, opener, terminal_id, spec, Some(id.clone()), title)
            .await
    }

    /// Shows a copy of a session's thread in a terminal of nobody's session.
    ///
    /// # Errors
    /// When the session has no such copy, too many terminals are open, or the terminal cannot be started.
    pub async fn open_fork(
        &self,
        actor: &str,
        opener: &Lease,
        id: &SessionId,
        fork_id: &str,
    ) -> Result<TerminalView, Refused> {
        let session = self.0.core.known_session(id)?;
        let forks = &session.thread_state.forks;
        let Some(at) = forks.iter().position(|it| it == fork_id) else {
            let message = say!("refusal.steer.unknown_fork", id);
            return Err(Refusal::not_found("unknown_fork", message).into());
        };
        self.check_room()?;
        let terminal_id = TerminalId::fresh("browser-terminal");
        let socket = self.0.core.place.app_server_socket();
        let mut spec = tui::spec(self.0, &session, &terminal_id, fork_id, &socket);
        let title = format!("{} · fork {}", session.brief.title, at + 1);
        spec.title.clone_from(&title);
        self.open(actor, Some(opener), terminal_id, spec, None, title)
            .await
    }

    /// One terminal, with its address for `opener`.
    ///
    /// # Errors
    /// When it is gone.
    pub fn one(&self, id: &TerminalId, opener: &Lease) -> Result<TerminalView, Refusal> {
        let terminal = self.known_terminal(id)?;
        Ok(self.view(&terminal, Mode::Write, Some(opener)))
    }

    /// Opens an interactive terminal, or with a session the view of its transcript.
    async fn open(
        &self,
        actor: &str,
        opener: Option<&Lease>,
        id: TerminalId,
        spec: Spec,
        session_id: Option<SessionId>,
        title: String,
    ) -> Result<TerminalView, Refused> {
        let event = Event::TerminalStarted {
            terminal_id: id.clone(),
            preview: session_id.is_some(),
            session_id,
            title,
        };
        // Recorded first: whatever happens next, it can be found and ended.
        self.0.core.decide(actor, |_| Ok((vec![event], ()))).await?;
        if let Err(error) = self.0.terminals.start(&id, spec).await {
            let reason = say!("reason.failed", error);
            self.0.terminal_closed(&id, &reason.to_string()).await;
            return Err(Refusal::unavailable("terminal_failed", reason).into());
        }
        let terminal = self
            .0
            .core
            .ledger
            .read(|state| state.terminals.get(&id).cloned());
        let terminal = terminal.ok_or_else(|| {
            Refusal::unavailable("terminal_failed", say!("refusal.terminal_ended_at_once"))
        })?;
        Ok(self.view(&terminal, Mode::Write, opener))
    }

    /// The address of a terminal for looking or for typing, good for as long as the credential that asks.
    ///
    /// # Errors
    /// When it is unknown, gone, or only shows a transcript.
    pub fn url(&self, id: &TerminalId, mode: Mode, opener: &Lease) -> Result<String, Refusal> {
        let terminal = self.known_terminal(id)?;
        if terminal.preview && mode == Mode::Write {
            return Err(Refusal::conflict(
                "read_only_terminal",
                say!("refusal.transcript_only"),
            ));
        }
        let gone = || Refusal::conflict("terminal_gone", say!("refusal.terminal_ended"));
        self.0.terminals.url(id, mode, opener).ok_or_else(gone)
    }

    /// Closes a terminal: an interactive one with everything in it; of a Codex session only the view.
    ///
    /// # Errors
    /// When it is unknown, or it is where a command session runs.
    pub async fn close(&self, id: &TerminalId) -> Result<(), Refusal> {
        let terminal = self.known_terminal(id)?;
        let session = terminal
            .session_id
            .as_ref()
            .filter(|_| !terminal.preview)
            .and_then(|id| self.0.core.session(id));
        if let Some(session) = session
            && session.brief.driver.lives_in_terminal()
            && session.is_live()
        {
            let message = say!("refusal.session_terminal", id = session.id());
            return Err(Refusal::conflict("session_terminal", message));
        }
        if let Some(session_id) = &terminal.session_id {
            self.0
                .core
                .live
                .update(session_id, |observed| observed.shown = false);
        }
        self.0
            .end_terminal(id, &say!("reason.terminal.closed").to_string())
            .await;
        Ok(())
    }

    /// Finds the terminals again that belong to no running session; those that are gone are recorded as closed.
    pub async fn adopt(&self) {
        let orphans: Vec<TerminalId> = self.0.core.ledger.read(|state| {
            let mine = state.terminals.values().filter(|terminal| {
                let live = terminal
                    .session_id
                    .as_ref()
                    .and_then(|id| state.session(id))
                    .is_some_and(|s| s.is_live());
                terminal.preview || !live
            });
            mine.map(|terminal| terminal.terminal_id.clone()).collect()
        });
        for id in orphans {
            if self.0.terminals.adopt(&id).await.is_err() {
                self.0
                    .end_terminal(&id, &say!("reason.terminal.gone").to_string())
                    .await;
            }
        }
    }

    fn known_terminal(&self, id: &TerminalId) -> Result<Terminal, Refusal> {
        let unknown =
            || Refusal::not_found("unknown_terminal", say!("refusal.unknown_terminal", id));
        self.0
            .core
            .ledger
            .read(|state| state.terminals.get(id).cloned())
            .ok_or_else(unknown)
    }
}
