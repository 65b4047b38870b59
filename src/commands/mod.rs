//! Commands that ask a running server, or read what is on disk, and print. Each takes where to print, so that it can be
//! tested; none of them keeps anything.

pub mod api;
pub mod audit;
pub mod browser;
pub mod demo_agent;
pub mod doctor;
pub mod dossier;
pub mod gate;
pub mod hook;
pub mod mcp;
pub mod open;
pub mod ps;
pub mod reader;
pub mod report;
pub mod serve;
pub mod stop;
pub mod token;

use crate::cli::{Cli, Command, ExitCode};
use crate::client::ClientError;
use crate::paths::{Environment, LockError, PathError, Places, find_repository};
use crate::server::StartError;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// Why a command did not work. Display is a whole sentence for the person.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The server.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Nobody knows whether the server has done it.
    #[error(
        "{error}. It may have been done all the same: repeat it with `--idempotency-key {key}`, and work that it starts, or words that it \
             sends, happen once"
    )]
    AnswerLost {
        /// What happened.
        error: ClientError,
        /// The key of the request.
        key: String,
    },
    /// The repository or our folders.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Tokens.
    #[error(transparent)]
    Token(#[from] crate::access::TokenError),
    /// The journal.
    #[error("the journal cannot be read: {0}; `zhongshu audit verify` says more")]
    Journal(#[from] crate::journal::TailError),
    /// The report.
    #[error("there is no report: {0}")]
    Report(#[from] crate::governance::report::ReportError),
    /// `governance.yaml`.
    #[error(transparent)]
    Governance(#[from] crate::governance::GovernanceError),
    /// The hooks.
    #[error(transparent)]
    Hook(#[from] crate::governance::hook::HookError),
    /// The server's start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A process that does not end.
    #[error("failed to {0}")]
    Process(#[from] crate::process::ProcessError),
    /// A variable.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// Reading or printing.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// An argument.
    #[error("{0}")]
    Usage(String),
    /// Anything else that ended it.
    #[error("{0}")]
    Failed(String),
}

impl CommandError {
    /// What the process ends with.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Client(ClientError::NotRunning(_)) => ExitCode::NotRunning,
            Self::Client(ClientError::BadRequest(_))
            | Self::Start(
                StartError::Path(PathError::StateWithinReach { .. })
                | StartError::Repository { .. },
            )
            | Self::Usage(_)
            | Self::Path(_)
            | Self::Config(_)
            | Self::Governance(_) => ExitCode::Usage,
            Self::Start(StartError::Locked(LockError::Held { .. })) => ExitCode::AlreadyRunning,
            // Whoever reads our output has had enough: `zhongshu audit | head`.
            Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::Ok,
            _ => ExitCode::Failed,
        }
    }

    /// Whether there is something to tell; a reader that went away needs no sentence.
    pub fn is_silent(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Runs the command.
///
/// # Errors
/// With a sentence and an exit code.
pub async fn run(
    cli: &Cli,
    cwd: &Path,
    environment: &Environment,
    out: &mut (impl Write + Send),
) -> Result<ExitCode, CommandError> {
    let places = || -> Result<Places, CommandError> {
        let repo = find_repository(cli.global.repo.as_deref(), cwd)?;
        let state = cli.global.state_dir.as_deref();
        Ok(Places::of(&repo, state, cwd, environment)?)
    };
    match cli.command.as_ref() {
        Some(Command::Watchdog { limit_seconds }) => {
            crate::watchdog::watch(&places()?, Duration::from_secs(*limit_seconds)).await?;
            Ok(ExitCode::Ok)
        }
        None | Some(Command::Serve(_)) => serve::run(cli, cwd, environment.clone(), out).await,
        Some(Command::Demo { codex, exit, .. }) => {
            crate::demo::run(cli, *codex, *exit, cwd, environment, out).await
        }
        Some(Command::Open { no_open, address }) => {
            open::run(&places()?, *address, !no_open, environment, out).await
        }
        Some(Command::Ps { json }) => ps::run(&places()?, *json, out).await,
        Some(Command::Stop { id }) => stop::run(&places()?, id.as_deref(), out).await,
        Some(Command::Api {
            method,
            path,
            data,
            idempotency_key,
        }) => {
            let key = idempotency_key.as_deref();
            api::run(&places()?, method, path, data.as_deref(), key, out).await
        }
        Some(Command::Token { command }) => token::run(&places()?, command, out).await,
        Some(Command::Report(arguments)) => {
            // It needs no place of ours, so it works without a home.
            let repo = find_repository(cli.global.repo.as_deref(), cwd)?;
            report::run(&repo, arguments, environment, out)
        }
        Some(Command::Audit {
            command,
            follow,
            json,
        }) => audit::run(&places()?, *command, *follow, *json, out).await,
        Some(Command::Dossier { id }) => {
            let language = crate::config::locale_language(environment);
            dossier::run(&places()?.journal(), id, language, out)
        }
        Some(Command::Doctor { json }) => doctor::run(cli, *json, cwd, environment, out).await,
        Some(Command::Hook { command }) => hook::run(&places()?, *command, out).await,
        Some(
            Command::Mcp
            | Command::Terminal(_)
            | Command::DemoAgent { .. }
            | Command::Gate(_)
            | Command::Reader,
        ) => {
            unreachable!("main runs these itself")
        }
    }
}
