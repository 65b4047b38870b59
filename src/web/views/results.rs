//! Results as the inbox and the pages show them: what a department said, and what the launcher saw.

use crate::domain::conformance::{Acceptance, Conformance};
use crate::domain::evidence::{self, Run, Verdict};
use crate::domain::ids::{ReportId, SessionId};
use crate::domain::plan::Source;
use crate::domain::result::{Findings, TaskResult};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::path::PathBuf;

/// One result, as the inbox shows it.
#[derive(Debug, Clone, Serialize)]
pub struct ResultView {
    /// Its id.
    pub report_id: ReportId,
    /// The planner it goes to.
    pub parent_session_id: SessionId,
    /// Who reported.
    pub department_session_id: SessionId,
    /// Its department.
    pub department: String,
    /// What it says.
    #[serde(flatten)]
    pub findings: Findings,
    /// 1 for its first report.
    pub revision: u32,
    /// Whether the launcher knows that the session itself wrote it.
    pub verified: bool,
    /// The file it came in, by its name in the archive.
    pub mailbox_file: Option<String>,
    /// Its handoff packet, relative to the repository.
    pub handoff_packet: PathBuf,
    /// `mailbox` or `launcher_fallback`: the two words of the specification.
    pub source: &'static str,
    /// Through which door exactly: `tool`, `mailbox` or `launcher_fallback`.
    pub channel: Source,
    /// When it was registered.
    pub reported_at: DateTime<Utc>,
    /// Whether it was read before this answer.
    pub read: bool,
    /// Whether somebody took notice of it by name.
    pub acknowledged: bool,
    /// The report, held against what really changed; `null` before that.
    pub conformance: Option<Conformance>,
    /// Files that its session changed after this report and before it ended.
    pub late: Vec<String>,
    /// Who accepted changes outside of the assignment.
    pub acceptance: Option<Acceptance>,
    /// Whether changes outside of the assignment wait to be accepted.
    pub awaits_acceptance: bool,
    /// Verify commands that the launcher ran itself.
    pub evidence: Vec<EvidenceView>,
}

/// One verify command that the launcher ran, beside what the report says of it.
#[derive(Debug, Clone, Serialize)]
pub struct EvidenceView {
    /// What was seen.
    #[serde(flatten)]
    pub run: Run,
    /// What the report says about it.
    pub claim: Option<String>,
    /// `confirmed`, `refuted`, `holds`, `fails` or `not_run`.
    pub verdict: Verdict,
}

impl EvidenceView {
    /// Shows one run beside what the report says.
    pub fn of(run: &Run, findings: &Findings) -> Self {
        let claim = evidence::claim(&run.command, &findings.verifications_run);
        Self {
            verdict: run.verdict(claim.is_some()),
            claim: claim.map(ToOwned::to_owned),
            run: run.clone(),
        }
    }
}

impl ResultView {
    /// Shows a report.
    pub fn of(report: &TaskResult) -> Self {
        let revision = report.current().clone();
        let runs = report.evidence.iter();
        let evidence = runs
            .map(|run| EvidenceView::of(run, &revision.findings))
            .collect();
        let channel = revision.source;
        let source = match channel {
            Source::LauncherFallback => "launcher_fallback",
            Source::Tool | Source::Mailbox | Source::Api => "mailbox",
        };
        Self {
            report_id: report.report_id.clone(),
            parent_session_id: revision.parent_session_id,
            department_session_id: revision.department_session_id,
            department: revision.department,
            findings: revision.findings,
            revision: revision.revision,
            verified: revision.verified,
            mailbox_file: revision.mailbox_file,
            handoff_packet: revision.handoff_packet,
            source,
            channel,
            reported_at: report.reported_at(),
            read: report.read,
            acknowledged: report.acknowledged,
            conformance: report.conformance.clone(),
            late: report.late.clone(),
            acceptance: report.acceptance.clone(),
            awaits_acceptance: report.awaits_acceptance(),
            evidence,
        }
    }
}
