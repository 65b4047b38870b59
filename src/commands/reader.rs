//! `zhongshu reader`: the limited child that reads the repository for the gate and the server.

use crate::cli::{Cli, ExitCode};
use crate::reader;

/// Answers until nobody asks any more. Whoever started it reads the answers; there is nobody to print a sentence for.
pub fn run(cli: &Cli) -> ExitCode {
    let answered = cli.global.repo.as_deref().map(reader::serve);
    match answered {
        Some(Ok(())) => ExitCode::Ok,
        Some(Err(_)) | None => ExitCode::Failed,
    }
}
