//! `zhongshu harness …`: an operation of the harness API from the words of a person to an answer that they can read.
//!
//! - `reach`: which server; `profiles`: servers that are not this repository's
//! - `request`: what is sent; `answer`: what comes back, as it is or in words (`rows`: transcripts and lists)
//! - `conformance`: an extension tried without a server; `adding`: one that comes with zhongshu, put where extensions lie
//! - `waiting`: what waits in all sessions; `follow`: a message to the end of its turn; `stream`: what happens

mod adding;
mod answer;
mod conformance;
mod follow;
mod profiles;
mod reach;
mod request;
mod rows;
mod stream;
mod waiting;

use super::error::CommandError;
use crate::cli::harness::{ADD, Operation, SEND, WAIT, command, every_operation};
use crate::cli::{Cli, ExitCode};
use crate::paths::{Environment, Places, find_repository};
use answer::Printer;
use clap::ArgMatches;
use profiles::Profiles;
use reach::Reach;
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Reads the line and does what it says.
///
/// # Errors
/// When the line is wrong, no server is reached, or it says no.
pub async fn run(
    cli: &Cli,
    line: &[OsString],
    cwd: &Path,
    environment: &Environment,
    out: &mut (impl Write + Send),
) -> Result<ExitCode, CommandError> {
    let operations = every_operation();
    let matches = match command(&operations).try_get_matches_from(line) {
        Ok(matches) => matches,
        Err(error) => {
            // Help is an answer, all else a complaint; the library knows which goes where.
            error.print()?;
            return Ok(match error.use_stderr() {
                true => ExitCode::Usage,
                false => ExitCode::Ok,
            });
        }
    };
    let Some((group, under)) = matches.subcommand() else {
        return Ok(ExitCode::Usage);
    };
    let caller = Caller {
        cli,
        cwd,
        environment,
    };
    if group == "profile" {
        return profiles::run(&Profiles::of(environment)?, under, out);
    }
    if group == "conformance" {
        return conformance::run(under, cwd, environment, out).await;
    }
    let is_json = under.get_flag("json");
    let printer = Printer { is_json };
    match group {
        "stream" => stream::run(&caller.reach(under)?, under, out).await,
        "request" => {
            let request = request::raw(under)?;
            let reply = caller.reach(under)?.send(&request).await?;
            printer.raw(&reply, out)
        }
        _ => {
            let (verb, given) = under.subcommand().unwrap_or(("", under));
            if (group, verb) == ADD {
                let repo = caller.places(given)?.repo;
                return adding::run(given, &repo, cwd, out);
            }
            let wanted = operations
                .iter()
                .find(|it| it.group == group && it.verb == verb);
            let wanted = wanted.ok_or_else(|| {
                CommandError::Usage(format!("there is no `harness {group} {verb}`"))
            })?;
            let printer = Printer {
                is_json: given.get_flag("json"),
            };
            perform(&caller.reach(given)?, wanted, given, printer, out).await
        }
    }
}

async fn perform(
    reach: &Reach,
    operation: &Operation,
    given: &ArgMatches,
    printer: Printer,
    out: &mut (impl Write + Send),
) -> Result<ExitCode, CommandError> {
    if operation.is_of_all() && waiting::is_about_all(operation, given) {
        return waiting::run(reach, operation, printer, out).await;
    }
    let request = request::of(operation, given)?;
    let reply = reach.send(&request).await?;
    if operation.id == SEND && given.get_flag(WAIT) {
        return follow::run(reach, &reply, printer, out).await;
    }
    printer.print(operation, &reply, out)
}

/// Who types, and where.
struct Caller<'a> {
    cli: &'a Cli,
    cwd: &'a Path,
    environment: &'a Environment,
}

impl Caller<'_> {
    /// The server that is meant.
    fn reach(&self, given: &ArgMatches) -> Result<Reach, CommandError> {
        if let Some(name) = given.get_one::<String>("profile") {
            return Reach::of(&Profiles::of(self.environment)?.read(name)?);
        }
        Ok(Reach::Here(Box::new(self.places(given)?)))
    }

    /// The repository that is meant, and its folders.
    fn places(&self, given: &ArgMatches) -> Result<Places, CommandError> {
        let global = &self.cli.global;
        let path = |name: &str| given.get_one::<PathBuf>(name);
        let repo = path("repo").or(global.repo.as_ref());
        let state = path("state-dir").or(global.state_dir.as_ref());
        let repo = find_repository(repo.map(PathBuf::as_path), self.cwd)?;
        let state = state.map(PathBuf::as_path);
        Ok(Places::of(&repo, state, self.cwd, self.environment)?)
    }
}
