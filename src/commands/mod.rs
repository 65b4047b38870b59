//! Commands that ask a running server, or read what is on disk, and print. Each takes where to print, so that it can be
//! tested; none of them keeps anything.

pub mod api;
pub mod attention;
pub mod audit;
pub mod browser;
pub mod demo;
pub mod demo_agent;
pub mod doctor;
pub mod dossier;
mod error;
pub mod gate;
pub mod harness;
pub mod history;
pub mod hook;
mod input;
pub mod keep;
pub mod mcp;
pub mod open;
pub mod ps;
pub mod reader;
pub mod report;
pub mod serve;
pub mod session;
pub mod stop;
mod table;
pub mod token;
pub mod transcript;
pub mod usage;

use crate::cli::{Cli, Command, ExitCode};
use crate::paths::{Environment, Places, find_repository};
pub use error::CommandError;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// What still reads from a closed pipe or a hung disk does not hold up the end for longer.
const END_LIMIT: Duration = Duration::from_secs(1);

/// Runs the command to its end, on a runtime of its own. Here and not where it is called, so that all of it is compiled once.
///
/// # Errors
/// With a sentence and an exit code.
pub fn run_to_end(
    cli: &Cli,
    environment: &Environment,
    out: &mut (dyn Write + Send),
) -> Result<ExitCode, CommandError> {
    let cwd = std::env::current_dir()?;
    // The launcher waits far more than it computes; a thread per core would only cost memory.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let ended = runtime.block_on(run(cli, &cwd, environment, out));
    out.flush()?;
    runtime.shutdown_timeout(END_LIMIT);
    ended
}

/// Runs the command.
///
/// # Errors
/// With a sentence and an exit code.
pub async fn run(
    cli: &Cli,
    cwd: &Path,
    environment: &Environment,
    mut out: &mut (dyn Write + Send),
) -> Result<ExitCode, CommandError> {
    let out = &mut out;
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
            demo::run(cli, *codex, *exit, cwd, environment, out).await
        }
        Some(Command::Open { no_open, address }) => {
            open::run(&places()?, *address, !no_open, environment, out).await
        }
        Some(Command::Ps { json }) => ps::run(&places()?, *json, out).await,
        Some(Command::History(wanted)) => history::run(&places()?, wanted, out).await,
        Some(Command::Attention(arguments)) => attention::run(&places()?, arguments, out).await,
        Some(Command::Usage(wanted)) => usage::run(&places()?, wanted, out).await,
        Some(Command::Budget(wanted)) => usage::budget(&places()?, wanted, out).await,
        Some(Command::Session(arguments)) => session::run(&places()?, arguments, out).await,
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
        Some(Command::Harness(harness)) => {
            harness::run(cli, &harness.line, cwd, environment, out).await
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
        Some(Command::Transcript(wanted)) => {
            let language = crate::config::locale_language(environment);
            transcript::run(&places()?, wanted, language, out).await
        }
        Some(Command::Doctor { json }) => doctor::run(cli, *json, cwd, environment, out).await,
        Some(Command::Hook { command }) => hook::run(&places()?, *command, out).await,
        Some(
            Command::Mcp
            | Command::Terminal(_)
            | Command::DemoAgent { .. }
            | Command::Gate(_)
            | Command::Reader
            | Command::Keep { .. },
        ) => {
            unreachable!("main runs these itself")
        }
    }
}
