//! `zhongshu demo`: the whole job in a scratch repository, without account or network.
//!
//! The demo plays the person: it runs the same server as `zhongshu serve` and speaks to it over its socket as `zhongshu api`
//! does. Only the agents are scripted (`agent`), or, with `--codex`, only the model behind the real Codex (`model`).

pub mod agent;
#[cfg(feature = "demo-codex")]
mod model;
#[cfg(not(feature = "demo-codex"))]
#[path = "demo/no_model.rs"]
mod model;
mod person;
mod repository;

use crate::cli::{Cli, ExitCode};
use crate::client::Client;
use crate::codex::find;
use crate::commands::error::CommandError;
use crate::config::{Config, Flags};
use crate::paths::Environment;
use crate::server::{self, Server, Signals};
use repository::DemoRepository;
use std::io::Write;
use std::path::Path;

/// Runs the demo; with `exit` it ends when the flow is through.
///
/// # Errors
/// When the repository cannot be set, the server does not start, or a step does not happen.
pub async fn run(
    cli: &Cli,
    with_codex: bool,
    exit: bool,
    cwd: &Path,
    environment: &Environment,
    out: &mut (impl Write + Send),
) -> Result<ExitCode, CommandError> {
    let flags = cli.flags();
    if with_codex {
        let named = flags.codex_bin.as_deref();
        find::resolve(named, environment.get("CODEX_BIN"), environment.get("PATH"))
            .map_err(|error| CommandError::Usage(format!("{error}")))?;
    }
    let mut signals = Signals::catch()?;
    let repository = DemoRepository::set(with_codex, environment).await?;
    let flags = Flags {
        repo: Some(repository.repo().to_owned()),
        state_dir: Some(repository.state()),
        port: flags.port,
        ..flags
    };
    let ended = perform(
        &repository,
        &flags,
        exit,
        cwd,
        environment,
        &mut signals,
        out,
    )
    .await;
    repository.close().await;
    ended.map(|()| ExitCode::Ok)
}

/// From the start of the server to its end: whatever happens between them, the end is orderly.
async fn perform(
    repository: &DemoRepository,
    flags: &Flags,
    exit: bool,
    cwd: &Path,
    environment: &Environment,
    signals: &mut Signals,
    out: &mut (impl Write + Send),
) -> Result<(), CommandError> {
    writeln!(
        out,
        "A scratch repository is ready in {}",
        repository.repo().display()
    )?;
    let config = Config::load(flags, cwd, repository.environment(environment))?;
    let server = server::start(config).await?;
    let places = server.config().places.clone();
    let shown = tokio::select! {
        shown = show(&server, repository, exit, out) => shown,
        () = signals.heard() => Err(CommandError::Failed(
            "the demo was interrupted; everything that it had started was ended".to_owned(),
        )),
    };
    if shown.is_ok() && !exit {
        let ran = server.run(signals).await;
        return ran.map_err(|broken| CommandError::Failed(broken.to_string()));
    }
    server.stop(false).await;
    shown?;
    person::check_journal(&places, out)?;
    writeln!(out, "Every step happened.")?;
    Ok(())
}

/// Says where the dashboard is, and plays.
async fn show(
    server: &Server,
    repository: &DemoRepository,
    exit: bool,
    out: &mut (impl Write + Send),
) -> Result<(), CommandError> {
    writeln!(out, "The dashboard is at\n\n  {}\n", server.login_url())?;
    out.flush()?;
    let client = Client::find(&server.config().places)?;
    person::play(&client, repository.repo(), out).await?;
    if !exit {
        writeln!(
            out,
            "\nEvery step happened. The dashboard stays open; Ctrl-C ends the demo and removes the scratch repository."
        )?;
        out.flush()?;
    }
    Ok(())
}
