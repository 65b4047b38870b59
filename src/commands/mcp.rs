//! `zhongshu mcp --state-dir DIR`: the tool server; Codex starts one for each thread.

use crate::cli::{Cli, ExitCode};
use local_os::tell;

/// Serves the tools on stdin and stdout.
pub fn run(cli: &Cli) -> ExitCode {
    let Some(state_dir) = &cli.global.state_dir else {
        tell!(
            "zhongshu mcp: --state-dir is missing; zhongshu gives it to Codex by itself, so there is no need to start this by hand"
        );
        return ExitCode::Usage;
    };
    match crate::mcp::run(state_dir) {
        Ok(()) => ExitCode::Ok,
        Err(error) => {
            tell!("zhongshu mcp: failed to {error}");
            ExitCode::Failed
        }
    }
}
