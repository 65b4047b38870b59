//! `zhongshu demo-agent [PROMPT_FILE]`: see `demo::agent`, and `demo::checklist` where there is no file.

use crate::cli::ExitCode;
use local_os::tell;
use std::path::Path;

/// Plays a scripted agent, or serves its tools.
pub fn run(prompt_file: Option<&Path>) -> ExitCode {
    let played = match prompt_file {
        Some(file) => super::demo::agent::run(file),
        None => super::demo::checklist::run().map_err(Into::into),
    };
    match played {
        Ok(()) => ExitCode::Ok,
        Err(error) => {
            tell!("zhongshu demo-agent: {error:#}");
            ExitCode::Failed
        }
    }
}
