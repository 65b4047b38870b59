//! Files beside a planner's plan that nobody is known to have written, as lists show them.

use super::FindingView;
use crate::domain::language::Language;
use crate::domain::plan::PlannedAssignment;
use crate::domain::plan_file::Beside;
use crate::domain::session::Session;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// One such file.
#[derive(Debug, Clone, Serialize)]
pub struct PlanFileView {
    /// What names it when a person takes it as the plan, or takes it away.
    pub plan_sha256: String,
    /// Its name in the archive.
    pub file: String,
    /// When it was found.
    pub found_at: DateTime<Utc>,
    /// When it was written, by the clock of the file system.
    pub written_at: DateTime<Utc>,
    /// `planner_has_tool` or `verified_plan_waits`.
    pub why: &'static str,
    /// The same as a sentence.
    pub reason: String,
    /// The plan in a few sentences, in the words of whoever wrote the file.
    pub summary: String,
    /// What it proposes.
    pub assignments: Vec<PlannedAssignment>,
    /// What the plan checks found in it.
    pub findings: Vec<FindingView>,
}

impl PlanFileView {
    /// Those beside a planner's plan, newest first.
    pub fn all(planner: &Session, language: Language) -> Vec<Self> {
        let beside = planner.plan_files.beside.iter().rev();
        beside.map(|one| Self::of(one, language)).collect()
    }

    fn of(one: &Beside, language: Language) -> Self {
        let file = &one.file;
        Self {
            plan_sha256: file.plan_sha256.clone(),
            file: file.file.clone(),
            found_at: one.found_at,
            written_at: file.written_at,
            why: file.why.word(),
            reason: file.why.sentence().text(language),
            summary: file.proposal.summary.clone(),
            assignments: file.proposal.assignments.clone(),
            findings: FindingView::all(&file.findings, language),
        }
    }
}
