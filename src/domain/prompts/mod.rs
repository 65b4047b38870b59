//! What agents are told, in Chinese or English.
//!
//! A prompt asks; it never enforces. Whatever an agent does or forgets, the launcher's own code decides what follows.
//! Text that came from another agent is quoted as JSON between random marks and called data; what keeps it harmless is
//! that the reader has no power to start or confirm anything.

mod department;
mod notices;
mod planner;
mod review;
pub mod suggestion;
mod work;
pub mod worker;

pub use department::department;
pub use notices::{
    evidence_notice, fallback_findings, go_on, late_notice, rejection, reminder, result_notice,
    reviewed, veto,
};
pub use planner::{Takeover, planner, takeover};
pub use review::review;
pub use work::review_work;

use super::department::Department;
use super::language::Language;
use super::shown::shown_line;
use std::path::Path;

/// What every prompt needs to know about the place.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Language of the prompt.
    pub language: Language,
    /// Name of the project.
    pub project: &'a str,
    /// The repository.
    pub repo: &'a Path,
    /// The document with the project's working rules.
    pub workflow_doc: &'a str,
    /// The folder that results and plans are dropped into.
    pub incoming: &'a Path,
    /// Every department, for the planner.
    pub departments: &'a [Department],
    /// Whether the session has the `zhongshu` tools (Codex) or only the mailbox.
    pub has_tools: bool,
    /// Whether plans are reviewed by menxia first.
    pub reviewed: bool,
}

/// A bulleted list, or a word for nothing.
fn bullets(items: &[String], nothing: &str) -> String {
    if items.is_empty() {
        return format!("- {nothing}\n");
    }
    let items = items.iter().map(|item| shown_line(item));
    items.map(|item| format!("- {item}\n")).collect()
}
