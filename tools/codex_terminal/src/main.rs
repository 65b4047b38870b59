//! `codex-terminal`: one program in a browser terminal.

use std::process::ExitCode;

use clap::Parser;

/// Runs one program, or shows one file, in a browser terminal on 127.0.0.1.
#[derive(Parser)]
#[command(name = "codex-terminal", version)]
struct Command {
    #[command(flatten)]
    arguments: codex_terminal::cli::Arguments,
}

fn main() -> ExitCode {
    codex_terminal::cli::main(Command::parse().arguments)
}
