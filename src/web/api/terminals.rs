//! Terminals: open, look, close.

use super::sessions::OfSession;
use super::{done, ok};
use crate::access::Lease;
use crate::domain::ids::TerminalId;
use crate::web::app::App;
use crate::web::body::Body;
use crate::web::caller::{Opener, RequirePerson, RequireReader};
use crate::web::error::ApiError;
use axum::Json;
use axum::extract::State;
use codex_terminal::colours::Theme;
use codex_terminal::descriptor::Mode;
use serde::Deserialize;
use serde_json::{Value, json};

pub async fn list(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Opener(opener): Opener,
) -> Json<Value> {
    ok(json!({ "browser_terminals": app.office.terminal_views(opener.as_ref()) }))
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
) -> Result<Json<Value>, ApiError> {
    let actor = caller.actor();
    let terminal = app
        .office
        .open_shell(
            &actor,
            Some(&opener),
            wish.shell,
            wish.shell_args,
            wish.title,
        )
        .await?;
    Ok(ok(
        json!({ "url": terminal.url, "id": terminal.id, "terminal": terminal }),
    ))
}

#[derive(Debug, Deserialize)]
pub struct OfTerminal {
    id: TerminalId,
}

pub async fn close(
    State(app): State<App>,
    RequirePerson(_): RequirePerson,
    Body(wish): Body<OfTerminal>,
) -> Result<Json<Value>, ApiError> {
    app.office.close_terminal(&wish.id).await?;
    Ok(done())
}

pub async fn view_session(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<OfSession>,
) -> Result<Json<Value>, ApiError> {
    let terminal = app
        .office
        .view_session(&caller.actor(), Some(&opener), &wish.session_id)
        .await?;
    Ok(ok(
        json!({ "url": terminal.url, "id": terminal.id, "terminal": terminal }),
    ))
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

pub async fn ticket(
    State(app): State<App>,
    RequirePerson(_): RequirePerson,
    opener: Lease,
    Body(wish): Body<Ticket>,
) -> Result<Json<Value>, ApiError> {
    let mode = match wish.mode {
        TicketMode::Read => Mode::Read,
        TicketMode::Write => Mode::Write,
    };
    Ok(ok(
        json!({ "url": app.office.terminal_url(&wish.id, mode, &opener)? }),
    ))
}

#[derive(Debug, Deserialize)]
pub struct Look {
    theme: Theme,
}

/// Nothing that the journal must remember: the next page says it again.
pub async fn theme(
    State(app): State<App>,
    RequirePerson(_): RequirePerson,
    Body(look): Body<Look>,
) -> Json<Value> {
    app.office.terminals.set_theme(look.theme);
    done()
}
