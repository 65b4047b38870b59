//! Command line of `codex-terminal` and of `zhongshu terminal`. Turns arguments into a spec; exit codes are decided here.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use local_os::log::Log;
use local_os::{platform, tell};
use tracing_subscriber::EnvFilter;

use crate::descriptor::State;
use crate::spec::Spec;

/// Runs one program, or shows one file, in a browser terminal.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A JSON file that says everything (written by the launcher)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["title", "file", "command"])]
    pub spec: Option<PathBuf>,
    /// The title shown in the page
    #[arg(long)]
    pub title: Option<String>,
    /// Keep the raw output in this file
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Show this file, read-only, instead of running a program
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    pub file: Option<PathBuf>,
    /// The program and its arguments; default: your shell
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

impl Arguments {
    /// The spec these arguments describe.
    pub fn into_spec(self) -> anyhow::Result<Spec> {
        if let Some(path) = self.spec {
            return Ok(Spec::read(&path)?);
        }
        let mut command = self.command;
        if command.is_empty() {
            command.push(std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".to_owned()));
        }
        let id = format!("by-hand-{}", std::process::id());
        let (title, mut spec) = match self.file {
            Some(path) => (
                path.display().to_string(),
                Spec::file(id, path, State::default()),
            ),
            None => (
                command.join(" "),
                Spec::program(id, command, std::env::current_dir()?),
            ),
        };
        spec.title = self.title.unwrap_or(title);
        spec.log_path = self.log;
        Ok(spec)
    }
}

/// The body of both binaries.
pub fn main(arguments: Arguments) -> ExitCode {
    let filter = EnvFilter::try_from_env("CODEX_TERMINAL_LOG")
        .unwrap_or_else(|_| EnvFilter::new("codex_terminal=info"));
    let log = Log::to_stderr(filter);
    platform::close_to_others();
    let ended = arguments.into_spec().and_then(crate::run);
    // The last line is the one that the launcher shows.
    drop(log);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell!("[codex-terminal] {error:#}");
            ExitCode::FAILURE
        }
    }
}
