//! `zhongshu demo`: the whole job in a scratch repository, without account or network.
//!
//! The demo plays the person: it runs the same server as `zhongshu serve` and speaks to it over its socket as `zhongshu api`
//! does. Only the agents are scripted (`agent`), or, with `--codex`, only the model behind the real Codex (`model`). There the
//! person is whoever opens the dashboard; `--exit` plays that one too.

pub mod agent;
mod answers;
pub mod checklist;
#[cfg(feature = "demo-codex")]
mod model;
#[cfg(not(feature = "demo-codex"))]
#[path = "demo/no_model.rs"]
mod model;
mod person;
mod repository;
mod story;
#[cfg(feature = "demo-codex")]
mod texts;

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

/// What whoever opens the dashboard of `demo --codex` does there.
const GUIDE: &str = "\
You are the person here; the built-in model plays Codex's. What waits for you stands first on the page:

  1. Allow Codex to work in the scratch repository.
  2. Start a planner with any task. It asks you a question, then reports its plan, always the same one.
  3. Confirm the plan. The departments ask: may a command run, a file change, a permission widen; one has a form filled in.
  4. Read the results, then look at what is staged on the page Review.

No terminal is needed. Ctrl-C ends the demo and removes the scratch repository.";

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

/// Says where the dashboard is, and plays, or says what is to be done there.
async fn show(
    server: &Server,
    repository: &DemoRepository,
    exit: bool,
    out: &mut (impl Write + Send),
) -> Result<(), CommandError> {
    writeln!(out, "The dashboard is at\n\n  {}\n", server.login_url())?;
    out.flush()?;
    if repository.has_codex() && !exit {
        writeln!(out, "{GUIDE}")?;
        return Ok(out.flush()?);
    }
    let client = Client::find(&server.config().places)?;
    person::play(&client, repository.repo(), repository.has_codex(), out).await?;
    if !exit {
        writeln!(
            out,
            "\nEvery step happened. The dashboard stays open; Ctrl-C ends the demo and removes the scratch repository."
        )?;
        out.flush()?;
    }
    Ok(())
}
