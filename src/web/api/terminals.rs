//! Terminals: open, look, close.

use super::sessions::OfSession;
use crate::access::Lease;
use crate::domain::ids::TerminalId;
use crate::sessions::open_terminals::TerminalView;
use crate::web::app::App;
use crate::web::body::Body;
use crate::web::caller::{Opener, RequirePerson, RequireReader};
use crate::web::error::ApiError;
use crate::web::success::{DONE, Done, Success};
use axum::extract::State;
use codex_terminal::colours::Theme;
use codex_terminal::descriptor::Mode;
use serde::{Deserialize, Serialize};

/// Open terminals, newest first.
#[derive(Debug, Serialize)]
pub struct TerminalList {
    browser_terminals: Vec<TerminalView>,
}

/// A terminal that was opened.
#[derive(Debug, Serialize)]
pub struct TerminalOpened {
    /// Where to watch and type.
    url: Option<String>,
    id: TerminalId,
    terminal: TerminalView,
}

impl From<TerminalView> for TerminalOpened {
    fn from(terminal: TerminalView) -> Self {
        Self {
            url: terminal.url.clone(),
            id: terminal.id.clone(),
            terminal,
        }
    }
}

pub async fn list(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Opener(opener): Opener,
) -> Success<TerminalList> {
    Success(TerminalList {
        browser_terminals: app.agents.open_terminals().views(opener.as_ref()),
    })
}

/// Strict: whoever writes `args` for `shell_args` would get a shell without them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartTerminal {
    #[serde(default)]
    shell: Option<String>,
    #[serde(default)]
    shell_args: Vec<String>,
    #[serde(default)]
    title: Option<String>,
}

pub async fn start(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<StartTerminal>,
) -> Result<Success<TerminalOpened>, ApiError> {
    let actor = caller.actor();
    let terminal = app
        .agents
        .open_terminals()
        .open_shell(
            &actor,
            Some(&opener),
            wish.shell,
            wish.shell_args,
            wish.title,
        )
        .await?;
    Ok(Success(terminal.into()))
}

#[derive(Debug, Deserialize)]
pub struct OfTerminal {
    id: TerminalId,
}

pub async fn close(
    State(app): State<App>,
    RequirePerson(_): RequirePerson,
    Body(wish): Body<OfTerminal>,
) -> Result<Done, ApiError> {
    app.agents.open_terminals().close(&wish.id).await?;
    Ok(DONE)
}

pub async fn view_session(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<OfSession>,
) -> Result<Success<TerminalOpened>, ApiError> {
    let terminal = app
        .agents
        .open_terminals()
        .view_session(&caller.actor(), Some(&opener), &wish.session_id)
        .await?;
    Ok(Success(terminal.into()))
}

#[derive(Debug, Deserialize)]
pub struct Ticket {
    id: TerminalId,
    mode: TicketMode,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TicketMode {
    Read,
    Write,
}

/// An address that opens a terminal once.
#[derive(Debug, Serialize)]
pub struct TicketView {
    url: String,
}

pub async fn ticket(
    State(app): State<App>,
    RequirePerson(_): RequirePerson,
    opener: Lease,
    Body(wish): Body<Ticket>,
) -> Result<Success<TicketView>, ApiError> {
    let mode = match wish.mode {
        TicketMode::Read => Mode::Read,
        TicketMode::Write => Mode::Write,
    };
    let url = app.agents.open_terminals().url(&wish.id, mode, &opener)?;
    Ok(Success(TicketView { url }))
}

#[derive(Debug, Deserialize)]
pub struct ThemeChoice {
    theme: Theme,
}

/// Nothing that the journal must remember: the next page says it again.
pub async fn theme(
    State(app): State<App>,
    RequirePerson(_): RequirePerson,
    Body(look): Body<ThemeChoice>,
) -> Done {
    app.agents.terminals.set_theme(look.theme);
    DONE
}
