//! `zhongshu` and `zhongshu serve`: start, say where, run until the end.

use super::browser::open_browser;
use super::error::CommandError;
use crate::cli::{Cli, ExitCode};
use crate::config::Config;
use crate::domain::sentence::say;
use crate::domain::words;
use crate::paths::Environment;
use crate::server::{self, Server, Signals};
use local_os::tell;
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::path::Path;

/// Runs the server until it is stopped.
///
/// # Errors
/// When the configuration is wrong or the start fails.
pub async fn run(
    cli: &Cli,
    cwd: &Path,
    environment: Environment,
    out: &mut (impl Write + Send),
) -> Result<ExitCode, CommandError> {
    let config = Config::load(&cli.flags(), cwd, environment.clone())?;
    for warning in &config.warnings {
        tell!("zhongshu: {warning}");
    }
    let mut signals = Signals::catch()?;
    let server = server::start(config).await?;
    if let Err(error) = announce(&server, out) {
        // Nobody reads where the dashboard is; what has been started must not stay behind.
        let keep = server.config().keep_sessions;
        server.stop(keep).await;
        return Err(error.into());
    }
    if server.config().open_browser && std::io::stdout().is_terminal() {
        // The link was printed; a browser that does not open is no reason to stop.
        open_browser(&server.config().places, server.login_url(), &environment).ok();
    }
    let ran = server.run(&mut signals).await;
    ran.map_err(|broken| CommandError::Failed(broken.to_string()))?;
    Ok(ExitCode::Ok)
}

fn announce(server: &Server, out: &mut impl Write) -> std::io::Result<()> {
    let config = server.config();
    if config.json {
        let line = json!({
            "url": server.url(),
            "login_url": server.login_url(),
            "pid": std::process::id(),
            "state_dir": config.places.state,
        });
        writeln!(out, "{line}")?;
    } else {
        let repo = config.repo().display();
        let url = server.login_url();
        let language = config.language();
        let end = match config.keep_sessions {
            true => words::text(language, "serve.ctrl_c_ends_server"),
            false => words::text(language, "serve.ctrl_c_ends_everything"),
        };
        let said = say!("serve.works_on", repo, url, end).text(language);
        writeln!(out, "{said}")?;
    }
    out.flush()
}
