//! `zhongshu doctor`: looks at the machine and says what is wrong and how to mend it.

use super::error::CommandError;
use crate::cli::{Cli, ExitCode};
use crate::config::locale_language;
use crate::doctor::{self, Inputs};
use crate::paths::Environment;
use std::io::Write;
use std::path::Path;

/// Runs every check and prints what was found.
///
/// # Errors
/// When nothing can be printed.
pub async fn run(
    cli: &Cli,
    json: bool,
    cwd: &Path,
    environment: &Environment,
    out: &mut (impl Write + Send),
) -> Result<ExitCode, CommandError> {
    let flags = cli.flags();
    let language = locale_language(environment);
    let checks = doctor::run(&Inputs {
        repo: flags.repo,
        cwd: cwd.to_owned(),
        state_dir: flags.state_dir,
        port: flags.port.unwrap_or(0),
        codex_bin: flags.codex_bin,
        environment: environment.clone(),
        program: std::env::current_exe()?,
    })
    .await;
    if json {
        writeln!(out, "{}", doctor::json(&checks, language))?;
    } else {
        write!(out, "{}", doctor::text(&checks, language))?;
    }
    Ok(if doctor::has_failed(&checks) {
        ExitCode::Failed
    } else {
        ExitCode::Ok
    })
}
