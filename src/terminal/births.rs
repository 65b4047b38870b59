//! What a sidecar leaves in files as it begins: its descriptor, or its last words.

use super::{READY_POLL, TerminalError};
use crate::paths::TerminalFiles;
use codex_terminal::descriptor::Descriptor;
use std::time::Duration;

/// What a sidecar that was started just before its launcher was killed gets to show itself. Longer would only delay the
/// news that it never started.
const BIRTH_LIMIT: Duration = Duration::from_secs(2);
/// The descriptor of a terminal that an earlier launcher started, perhaps so lately that the sidecar has not written it.
pub(super) async fn announced(files: &TerminalFiles) -> Result<Descriptor, TerminalError> {
    let being_born = || {
        let asked = std::fs::metadata(&files.spec).and_then(|spec| spec.modified());
        asked.is_ok_and(|at| at.elapsed().is_ok_and(|age| age < BIRTH_LIMIT))
    };
    loop {
        match Descriptor::read(&files.descriptor) {
            Err(_) if being_born() => tokio::time::sleep(READY_POLL).await,
            found => return Ok(found?),
        }
    }
}

/// The end of what a sidecar wrote before it died.
pub(super) fn last_words(files: &TerminalFiles) -> Option<String> {
    let text = std::fs::read_to_string(&files.output).ok()?;
    let line = text.lines().rev().find(|line| !line.trim().is_empty())?;
    let said = line.strip_prefix("[codex-terminal] ").unwrap_or(line);
    Some(said.chars().take(400).collect())
}
