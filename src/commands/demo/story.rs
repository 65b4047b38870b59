//! What the demo tells of its course, a line for each step.

use crate::commands::error::CommandError;
use std::io::Write;

/// Says what happened.
///
/// # Errors
/// When it cannot be written.
pub fn step(out: &mut impl Write, sentence: &str) -> Result<(), CommandError> {
    writeln!(out, "✓ {sentence}")?;
    Ok(out.flush()?)
}
