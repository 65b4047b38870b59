//! `zhongshu dossier`: one document about a planner's work. Needs no server.

use super::error::CommandError;
use crate::cli::ExitCode;
use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::governance::dossier::make;
use std::io::Write;
use std::path::Path;

/// Writes the document.
///
/// # Errors
/// When the journal cannot be read, or knows no such planner.
pub fn run(
    journal: &Path,
    id: &str,
    language: Language,
    out: &mut impl Write,
) -> Result<ExitCode, CommandError> {
    let id = SessionId::parse(id).map_err(|error| CommandError::Usage(error.to_string()))?;
    let page = make(journal, id.clone(), language)
        .map_err(|error| CommandError::Failed(format!("failed to {error}")))?;
    let page = page.ok_or_else(|| {
        CommandError::Failed(format!(
            "the journal knows no planner `{id}`; `zhongshu audit` shows what it knows"
        ))
    })?;
    out.write_all(page.as_bytes())?;
    Ok(ExitCode::Ok)
}
