//! One version of a plan as lists show it.

use crate::domain::language::Language;
use crate::domain::plan::{
    Plan, PlanCheck, PlanFinding, PlanLevel, PlanState, PlannedAssignment, Source,
};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// What a plan check found, in one language.
#[derive(Debug, Clone, Serialize)]
pub struct FindingView {
    /// The check.
    pub check: PlanCheck,
    /// `info`, `warning` or `error`.
    pub level: PlanLevel,
    /// Positions of the assignments concerned, from 0.
    pub assignments: Vec<usize>,
    /// The path concerned, where there is one.
    pub path: Option<String>,
    /// What is wrong, as a sentence.
    pub message: String,
}

impl FindingView {
    /// Shows findings.
    pub fn all(findings: &[PlanFinding], language: Language) -> Vec<Self> {
        let view = |finding: &PlanFinding| Self {
            check: finding.check,
            level: finding.level,
            assignments: finding.assignments.clone(),
            path: finding.path.clone(),
            message: finding.message.get(language).to_owned(),
        };
        findings.iter().map(view).collect()
    }
}

/// One version of a plan.
#[derive(Debug, Clone, Serialize)]
pub struct PlanView {
    /// 1 for the first.
    pub version: u32,
    /// What a confirmation must name.
    pub plan_sha256: String,
    /// `pending`, `confirmed`, `rejected` or `superseded`.
    pub status: &'static str,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// When it was reported.
    pub reported_at: DateTime<Utc>,
    /// Through which door.
    pub source: Source,
    /// The plan in a few sentences.
    pub summary: String,
    /// What it asks for.
    pub assignments: Vec<PlannedAssignment>,
    /// What the plan checks found when it was reported; null when the launcher of that day stored nothing.
    pub findings: Option<Vec<FindingView>>,
}

impl PlanView {
    /// Shows a plan; findings come in `language`.
    pub fn of(plan: &Plan, language: Language) -> Self {
        let findings = plan.findings.as_deref();
        let reason = match &plan.state {
            PlanState::Rejected { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        Self {
            version: plan.version,
            plan_sha256: plan.sha256.clone(),
            status: plan.state.word(),
            reason,
            reported_at: plan.reported_at,
            source: plan.source,
            summary: plan.proposal.summary.clone(),
            assignments: plan.proposal.assignments.clone(),
            findings: findings.map(|them| FindingView::all(them, language)),
        }
    }
}
