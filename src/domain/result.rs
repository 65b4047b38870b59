//! What a department reported, with every revision.

use super::conformance::{Acceptance, Conformance};
use super::evidence::Run;
use super::ids::{ReportId, SessionId};
use super::plan::Source;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// The agent's own words. Data everywhere: never markup, never a path to open, never an instruction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// What was done.
    pub summary: String,
    /// Paths that the department says it changed.
    #[serde(default)]
    pub changed_files: Vec<String>,
    /// Checks that it says it ran.
    #[serde(default)]
    pub verifications_run: Vec<String>,
    /// Checks that it did not run.
    #[serde(default)]
    pub verifications_skipped: Vec<String>,
    /// What may go wrong.
    #[serde(default)]
    pub risks: Vec<String>,
    /// Whether a person must decide something before the work goes on.
    #[serde(default)]
    pub needs_user_confirmation: bool,
    /// What it proposes to do next; an empty text in the journal and the API when it proposes nothing.
    #[serde(default, with = "super::blank")]
    pub next_action: Option<String>,
}

/// When its writer wrote a report. Files may be taken in another order; what was written earlier never replaces what was
/// written later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// When the file got its name, by the clock of the file system.
    pub at: DateTime<Utc>,
    /// The writer's own count, where it keeps one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
}

impl Written {
    /// Whether its writer meant it to come before the other.
    pub fn is_before(&self, other: &Self) -> bool {
        match (self.number, other.number) {
            (Some(own), Some(others)) if own != others => own < others,
            _ => self.at < other.at,
        }
    }
}

/// One report as it arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// 1 for the first.
    pub revision: u32,
    /// The planner it goes to.
    pub parent_session_id: SessionId,
    /// Who reported.
    pub department_session_id: SessionId,
    /// Its department.
    pub department: String,
    /// What it said.
    #[serde(flatten)]
    pub findings: Findings,
    /// Through which door it came.
    pub source: Source,
    /// Whether the launcher knows that the session itself wrote it.
    pub verified: bool,
    /// The file it came in, by the name it has in the archive.
    #[serde(default)]
    pub mailbox_file: Option<String>,
    /// Digest of that file; the same bytes count once.
    #[serde(default)]
    pub sha256: Option<String>,
    /// When it was written, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Written>,
    /// Where its handoff packet is, relative to the repository.
    pub handoff_packet: PathBuf,
}

/// So many revisions of one result come in as files from nobody known until it is acknowledged or its session resumed. Each is an event
/// that holds the whole report, of up to 1 MiB. A program that reports as it goes on needs a few; ten times as many nobody reads.
pub const MAX_BARE: u32 = 20;

/// A department's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskResult {
    /// Its id; revisions share it.
    pub report_id: ReportId,
    /// Every revision with the time it was registered, oldest first; never empty. What was said is held once, however many hold a report.
    pub revisions: Vec<(DateTime<Utc>, Arc<Revision>)>,
    /// Whether the planner (or a person for it) has read the newest revision.
    pub read: bool,
    /// Whether a person or the planner acknowledged it.
    pub acknowledged: bool,
    /// How many revisions came as files from nobody known since it was acknowledged or its session resumed.
    #[serde(default)]
    pub bare: u32,
    /// The newest revision, held against what really changed; `None` before that, and without a recorded tree.
    #[serde(default)]
    pub conformance: Option<Conformance>,
    /// Files that its session changed after this revision and before it ended.
    #[serde(default)]
    pub late: Vec<String>,
    /// Who accepted that changes lie outside of the assignment.
    #[serde(default)]
    pub acceptance: Option<Acceptance>,
    /// Verify commands that the launcher ran for the newest revision, in the assignment's order.
    #[serde(default)]
    pub evidence: Vec<Run>,
}

impl TaskResult {
    /// One that just came.
    pub fn new(report_id: ReportId, at: DateTime<Utc>, first: Arc<Revision>) -> Self {
        Self {
            report_id,
            bare: u32::from(!first.verified),
            revisions: vec![(at, first)],
            read: false,
            acknowledged: false,
            conformance: None,
            late: Vec::new(),
            acceptance: None,
            evidence: Vec::new(),
        }
    }

    /// What was said and seen of the revision before does not hold for the newest.
    pub fn begin_anew(&mut self) {
        (self.read, self.acknowledged) = (false, false);
        (self.conformance, self.acceptance) = (None, None);
        self.late.clear();
        self.evidence.clear();
    }

    /// Whether no further revision from nobody known is taken in.
    pub fn has_enough_bare(&self) -> bool {
        self.bare >= MAX_BARE
    }

    /// The newest revision.
    pub fn current(&self) -> &Revision {
        &self
            .revisions
            .last()
            .expect("a report has at least one revision")
            .1
    }

    /// When the newest revision was registered.
    pub fn reported_at(&self) -> DateTime<Utc> {
        self.revisions
            .last()
            .expect("a report has at least one revision")
            .0
    }

    /// Whether only the launcher spoke so far.
    pub fn is_fallback(&self) -> bool {
        self.current().source == Source::LauncherFallback
    }

    /// Whether the session itself has reported for sure; neither the launcher's word nor a mere file is that.
    pub fn is_from_its_session(&self) -> bool {
        self.current().verified && !self.is_fallback()
    }

    /// Whether changes outside of the assignment wait for somebody to accept them.
    pub fn awaits_acceptance(&self) -> bool {
        let outside = self
            .conformance
            .as_ref()
            .is_some_and(Conformance::needs_acceptance);
        outside && self.acceptance.is_none()
    }

    /// Whether it asks a person something.
    pub fn asks_a_person(&self) -> bool {
        self.holds_queue() || self.awaits_acceptance()
    }

    /// Whether assignments of the same planner wait for a person because of it.
    pub fn holds_queue(&self) -> bool {
        self.current().findings.needs_user_confirmation && !self.acknowledged
    }
}
