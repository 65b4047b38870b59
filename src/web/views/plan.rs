//! One version of a plan as lists show it.

use crate::domain::plan::{Plan, PlanState, PlannedAssignment, Source};
use chrono::{DateTime, Utc};
use serde::Serialize;

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
}

impl PlanView {
    /// Shows a plan.
    pub fn of(plan: &Plan) -> Self {
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
        }
    }
}
