//! `zhongshu demo-agent PROMPT_FILE`: see `demo::agent`.

use crate::cli::ExitCode;
use local_os::tell;
use std::path::Path;

/// Plays a scripted agent.
pub fn run(prompt_file: &Path) -> ExitCode {
    match super::demo::agent::run(prompt_file) {
        Ok(()) => ExitCode::Ok,
        Err(error) => {
            tell!("zhongshu demo-agent: {error:#}");
            ExitCode::Failed
        }
    }
}
