//! Arguments in, exit code out. Everything else is in the library.

#![warn(clippy::print_stderr, clippy::print_stdout)]

use clap::Parser;
use local_os::log::Log;
use local_os::platform;
use local_os::tell;
use std::io::Write;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;
use zhongshu::cli::{Cli, Command};
use zhongshu::commands::{self, CommandError};
use zhongshu::paths::Environment;

fn main() -> ExitCode {
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
        Some(Command::Reader) => return commands::reader::run(&cli).into(),
        other => cli.command = other,
    }
    let filter = EnvFilter::try_from_env("ZHONGSHU_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let log = Log::to_stderr(filter);
    platform::close_to_others();
    let environment = Environment::of_process();
    let ended = std::env::current_dir()
        .map_err(CommandError::from)
        .and_then(|cwd| {
            // The launcher waits far more than it computes; a thread per core would only cost memory.
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()?;
            let mut out = std::io::stdout();
            let ended = runtime.block_on(commands::run(&cli, &cwd, &environment, &mut out));
            out.flush()?;
            // What still reads from a closed pipe or a hung disk must not hold up the end.
            runtime.shutdown_timeout(std::time::Duration::from_secs(1));
            ended
        });
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
