//! `zhongshu demo-agent PROMPT_FILE`: see `demo::agent`.

use codex_terminal::tell;
use std::path::Path;
use std::process::ExitCode;

/// Plays a scripted agent.
pub fn run(prompt_file: &Path) -> ExitCode {
    match crate::demo::agent::run(prompt_file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell!("zhongshu demo-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}
