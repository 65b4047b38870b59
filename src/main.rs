//! Arguments in, exit code out. Everything else is in the library.

#![warn(clippy::print_stderr, clippy::print_stdout)]

use clap::Parser;
use local_os::log::Log;
use local_os::platform;
use local_os::tell;
use std::ffi::OsString;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;
use zhongshu::cli::{Cli, Command};
use zhongshu::commands;
use zhongshu::paths::Environment;

fn main() -> ExitCode {
    if let Some(command) = kept() {
        return commands::keep::run(&command);
    }
    let mut cli = Cli::parse();
    // These are started by programs, many at a time or before every commit: no more than they need.
    match cli.command.take() {
        Some(Command::Terminal(arguments)) => return codex_terminal::cli::main(arguments),
        Some(Command::Mcp) => {
            platform::close_to_others();
            return commands::mcp::run(&cli).into();
        }
        Some(Command::DemoAgent { prompt_file }) => {
            return commands::demo_agent::run(prompt_file.as_deref()).into();
        }
        Some(Command::Gate(arguments)) => return commands::gate::run(&cli, &arguments).into(),
        Some(Command::Keep { command }) => return commands::keep::run(&command),
        Some(Command::Reader) => return commands::reader::run(&cli).into(),
        other => cli.command = other,
    }
    let filter = EnvFilter::try_from_env("ZHONGSHU_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let log = Log::to_stderr(filter);
    platform::close_to_others();
    let environment = Environment::of_process();
    let ended = commands::run_to_end(&cli, &environment, &mut std::io::stdout());
    // What was logged before stands before.
    drop(log);
    match ended {
        Ok(code) => code.into(),
        Err(error) => {
            if !error.is_silent() {
                tell!("zhongshu: {error}");
            }
            error.exit_code().into()
        }
    }
}

/// What is to be kept. One of these stands before each extension for as long as that runs, so it takes none of the memory in which the other
/// commands are described; written otherwise than the server does, it is read like them.
fn kept() -> Option<Vec<OsString>> {
    let mut arguments = std::env::args_os().skip(1);
    let is_it = arguments.next()? == "keep" && arguments.next()? == "--";
    is_it.then(|| arguments.collect())
}
