//! `zhongshu keep`: stands between the server and the program of an extension.

use crate::process::kept;
use local_os::tell;
use std::ffi::OsString;
use std::process::ExitCode;

/// The exit code of a shell for a program that cannot be started.
const NOT_STARTED: u8 = 127;

/// Runs the program to its end; its exit code. The server keeps what is said on standard error.
pub fn run(command: &[OsString]) -> ExitCode {
    match kept::keep(command) {
        Ok(code) => code.into(),
        Err(error) => {
            let program = command.first().cloned().unwrap_or_default();
            tell!("{}: {error}", program.display());
            NOT_STARTED.into()
        }
    }
}
