//! `zhongshu demo`: the whole job in a scratch repository, without account or network.
//!
//! The demo plays the person: it runs the same server as `zhongshu serve` and speaks to it over its socket as `zhongshu api`
//! does. Only the agents are scripted (`agent`), or, with `--codex`, only the model behind the real Codex (`script`).

pub mod agent;
mod person;
mod scene;
mod script;

use crate::cli::{Cli, ExitCode};
use crate::client::Client;
use crate::codex::find;
use crate::commands::CommandError;
use crate::config::{Config, Flags};
use crate::paths::{Environment, Places};
use crate::server;
use scene::Scene;
use std::io::Write;
use std::path::Path;

/// Runs the demo; with `exit` it ends when the flow is through.
///
/// # Errors
/// When the scene cannot be set, the server does not start, or a step does not happen.
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
    let scene = Scene::set(with_codex).await?;
    writeln!(
        out,
        "A scratch repository is ready in {}",
        scene.repo().display()
    )?;
    let flags = Flags {
        repo: Some(scene.repo().to_owned()),
        state_dir: Some(scene.state()),
        port: flags.port.or(Some(0)),
        ..flags
    };
    let config = Config::load(&flags, cwd, scene.environment(environment))?;
    let mut server = server::start(config).await?;
    writeln!(out, "The dashboard is at\n\n  {}\n", server.login_url())?;
    out.flush()?;
    let places = server.config().places.clone();
    let client = Client::find(&places)?;
    let played = tokio::select! {
        played = person::play(&client, scene.repo(), out) => played,
        _ = server.asked_to_end() => Err(CommandError::Failed(
            "the demo was interrupted; everything that it started has ended".to_owned(),
        )),
    };
    if exit || played.is_err() {
        server.stop(false).await;
        let checked = played.and_then(|()| person::check_journal(&places, out));
        leave_no_socket_folder(&places);
        scene.close().await;
        checked?;
        writeln!(out, "Every step happened.")?;
        return Ok(ExitCode::Ok);
    }
    writeln!(
        out,
        "\nEvery step happened. The dashboard stays open; Ctrl-C ends the demo and removes the scratch repository."
    )?;
    out.flush()?;
    server.run().await;
    leave_no_socket_folder(&places);
    scene.close().await;
    Ok(ExitCode::Ok)
}

/// The folder for sockets lies outside of the scene, and each demo has one of its own.
fn leave_no_socket_folder(places: &Places) {
    // With a socket in it, of a session that was kept, it stays.
    std::fs::remove_dir(&places.runtime).ok();
}
