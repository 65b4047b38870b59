//! What a person gives instead of typing it: a file or standard input.

use super::error::CommandError;
use std::io::Read as _;

/// More than the server takes; it says so itself.
const MAX_INPUT_BYTES: u64 = 4 << 20;

/// `-` is standard input and `@FILE` a file; anything else is itself. No JSON begins so.
///
/// # Errors
/// When it cannot be read.
pub(super) fn read(flag: &str, given: &str) -> Result<String, CommandError> {
    if given == "-" {
        return standard_input();
    }
    let Some(path) = given.strip_prefix('@') else {
        return Ok(given.to_owned());
    };
    let read = std::fs::read_to_string(path);
    read.map_err(|error| CommandError::Usage(format!("{flag} {given}: {error}")))
}

/// All of standard input.
///
/// # Errors
/// When it cannot be read.
pub(super) fn standard_input() -> Result<String, CommandError> {
    let mut text = String::new();
    std::io::stdin()
        .take(MAX_INPUT_BYTES)
        .read_to_string(&mut text)?;
    Ok(text)
}
