//! One version of a plan as lists show it.

use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::domain::plan::{
    Confirmed, Plan, PlanCheck, PlanFinding, PlanLevel, PlanState, PlannedAssignment, Source,
};
use crate::domain::plan_review::{Review, Verdict};
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

    /// Whether it says that lines do not run side by side because they may change the same files.
    pub fn keeps_apart(&self) -> bool {
        // Where one waits for the other anyway it is only worth knowing.
        self.check == PlanCheck::OverlappingFiles && self.level == PlanLevel::Warning
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
    /// Whether the launcher knows who wrote it: the planner's tool or a person.
    pub verified: bool,
    /// Whether it is a file that stood beside until a person took it as the plan.
    pub taken: bool,
    /// The plan in a few sentences.
    pub summary: String,
    /// What it proposes.
    pub assignments: Vec<PlannedAssignment>,
    /// What the plan checks found when it was reported; null when the launcher of that day stored nothing.
    pub findings: Option<Vec<FindingView>>,
    /// What a person confirmed of it.
    pub confirmed: Option<ConfirmedView>,
    /// How its review by menxia stands.
    pub review: ReviewView,
}

/// What a person confirmed of a plan, perhaps with changes.
#[derive(Debug, Clone, Serialize)]
pub struct ConfirmedView {
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it differs from what was proposed.
    pub edited: bool,
    /// Exactly what was confirmed.
    pub assignments: Vec<PlannedAssignment>,
    /// What the plan checks found in that; null when the launcher of that day stored nothing.
    pub findings: Option<Vec<FindingView>>,
    /// Whether those that may change the same files may run side by side.
    pub overlap_allowed: bool,
}

impl ConfirmedView {
    fn of(confirmed: &Confirmed, language: Language) -> Self {
        let findings = confirmed.findings.as_deref();
        Self {
            at: confirmed.at,
            edited: confirmed.edited,
            assignments: confirmed.assignments.clone(),
            findings: findings.map(|them| FindingView::all(them, language)),
            overlap_allowed: confirmed.overlap_allowed,
        }
    }
}

/// How the review of a plan stands.
#[derive(Debug, Clone, Serialize)]
pub struct ReviewView {
    /// `not_required`, `author_unknown`, `waiting`, `approved`, `vetoed`, `ended` or `left_to_person`.
    pub state: &'static str,
    /// Why the launcher left it so, where it did something by itself.
    pub reason: Option<String>,
    /// The session that reviews or reviewed.
    pub session_id: Option<SessionId>,
    /// What menxia said.
    pub verdict: Option<Verdict>,
    /// How the session ended, when it ended without a verdict.
    pub outcome: Option<&'static str>,
    /// Why a person went on without menxia's approval.
    pub override_reason: Option<String>,
}

impl ReviewView {
    fn of(plan: &Plan, language: Language) -> Self {
        let reason = plan.review.reason();
        Self {
            state: plan.review.word(),
            reason: reason.map(|it| it.text(language)),
            session_id: plan.review.session_id().cloned(),
            verdict: plan.review.verdict().cloned(),
            outcome: match &plan.review {
                Review::Ended { outcome, .. } => Some(outcome.word()),
                _ => None,
            },
            override_reason: plan.overruled.clone(),
        }
    }
}

impl PlanView {
    /// Shows a plan; findings and reasons come in `language`.
    pub fn of(plan: &Plan, language: Language) -> Self {
        let findings = plan.findings.as_deref();
        let reason = match &plan.state {
            PlanState::Rejected { reason, .. } => Some(reason.clone()),
            _ => None,
        };
        let confirmed = match &plan.state {
            PlanState::Confirmed(confirmed) => Some(ConfirmedView::of(confirmed, language)),
            _ => None,
        };
        Self {
            version: plan.version,
            plan_sha256: plan.sha256.clone(),
            status: plan.state.word(),
            reason,
            reported_at: plan.reported_at,
            source: plan.source,
            verified: plan.source.is_verified(),
            taken: plan.taken,
            summary: plan.proposal.summary.clone(),
            assignments: plan.proposal.assignments.clone(),
            findings: findings.map(|them| FindingView::all(them, language)),
            confirmed,
            review: ReviewView::of(plan, language),
        }
    }

    /// Who wrote it and how that is known, as a word: `tool`, `api`, `mailbox`, `taken`.
    pub fn author(&self) -> &'static str {
        match self.source {
            _ if self.taken => "taken",
            Source::Tool => "tool",
            Source::Api => "api",
            Source::Mailbox | Source::LauncherFallback => "mailbox",
        }
    }

    /// The lines that count: what was confirmed, else what is proposed.
    pub fn lines(&self) -> &[PlannedAssignment] {
        let confirmed = self.confirmed.as_ref();
        confirmed.map_or(&self.assignments, |it| &it.assignments)
    }

    /// Whether those are others than the planner proposed, or fewer.
    pub fn differs(&self) -> bool {
        let confirmed = self.confirmed.as_ref();
        confirmed.is_some_and(|it| it.edited || it.assignments.len() != self.assignments.len())
    }

    /// What the plan checks found in those lines, where that was stored.
    pub fn findings_of_lines(&self) -> Option<&[FindingView]> {
        match &self.confirmed {
            Some(confirmed) => confirmed.findings.as_deref(),
            None => self.findings.as_deref(),
        }
    }
}
