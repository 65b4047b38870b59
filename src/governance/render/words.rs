//! The words around a report's values, in both languages. Numbers stand where each language wants them.

use super::escape::printable;
use crate::domain::language::Language;
use crate::domain::report::{
    ChangeStatus, ChangedFile, Finding, PortabilityScan, Report, ReportMode, SkippedFile,
};
use crate::domain::rules::RiskLevel;
use crate::domain::sentence::say;
use crate::domain::words;

/// The words of one language.
#[derive(Clone, Copy)]
pub(super) struct Words(pub Language);

impl Words {
    fn get(self, key: &'static str) -> &'static str {
        words::text(self.0, key)
    }

    pub(super) fn title(self) -> &'static str {
        self.get("governance.governance_report")
    }
    pub(super) fn compared(self) -> &'static str {
        self.get("governance.compared")
    }
    pub(super) fn rules(self) -> &'static str {
        self.get("governance.rules")
    }
    pub(super) fn branch(self) -> &'static str {
        self.get("governance.branch")
    }
    pub(super) fn decision(self) -> &'static str {
        self.get("governance.decision")
    }
    pub(super) fn changes(self) -> &'static str {
        self.get("governance.changes")
    }
    pub(super) fn notice(self) -> &'static str {
        self.get("governance.notice")
    }
    pub(super) fn no_changes(self) -> &'static str {
        self.get("governance.nothing_changed")
    }
    pub(super) fn departments(self) -> &'static str {
        self.get("governance.departments")
    }
    pub(super) fn owners(self) -> &'static str {
        self.get("governance.owners_codeowners")
    }
    pub(super) fn owners_notices(self) -> &'static str {
        self.get("governance.lines_codeowners_do_not")
    }
    pub(super) fn uncategorised(self) -> &'static str {
        self.get("governance.no_department_owns")
    }
    pub(super) fn risks(self) -> &'static str {
        self.get("governance.findings")
    }
    pub(super) fn silenced(self) -> &'static str {
        self.get("governance.exempt_by_allow_pattern")
    }
    pub(super) fn skipped(self) -> &'static str {
        self.get("governance.content_not_looked_at")
    }
    pub(super) fn verify(self) -> &'static str {
        self.get("governance.verify_with")
    }
    pub(super) fn preflight(self) -> &'static str {
        self.get("governance.references_only_hold_on")
    }
    pub(super) fn tree(self) -> &'static str {
        self.get("governance.staged_tree")
    }
    pub(super) fn digest(self) -> &'static str {
        self.get("governance.digest")
    }
    pub(super) fn table(self) -> &'static str {
        self.get("governance.table_head")
    }
    /// What stands between a name and its value.
    pub(super) fn colon(self) -> &'static str {
        self.get("governance.colon")
    }

    pub(super) fn files(self, count: usize) -> String {
        match count {
            1 => self.get("governance.one_file").to_owned(),
            _ => say!("governance.files", count).text(self.0),
        }
    }

    pub(super) fn files_read(self, count: usize) -> String {
        say!("governance.files_read", files = self.files(count)).text(self.0)
    }

    /// The outcome of the scan for references, with its numbers.
    pub(super) fn scanned(self, scan: &PortabilityScan) -> String {
        let decision = scan.decision.name();
        let read = self.files_read(scan.scanned_files.len());
        let said = match scan.exceptions.len() {
            0 => say!("governance.scanned", decision, read),
            1 => say!("governance.scanned_one_exception", decision, read),
            count => say!("governance.scanned_exceptions", decision, read, count),
        };
        said.text(self.0)
    }

    /// How many findings are not listed.
    pub(super) fn left_out(self, count: usize) -> String {
        match count {
            1 => self.get("governance.one_left_out").to_owned(),
            _ => say!("governance.left_out", count).text(self.0),
        }
    }

    pub(super) fn level(self, level: RiskLevel) -> &'static str {
        match level {
            RiskLevel::High => self.get("governance.high"),
            RiskLevel::Medium => self.get("governance.medium"),
            RiskLevel::Low => self.get("governance.low"),
        }
    }

    pub(super) fn status(self, status: ChangeStatus) -> &'static str {
        words::word(self.0, "change", status.name())
    }

    pub(super) fn reason(self, skipped: &SkippedFile) -> &str {
        match &*skipped.reason {
            "too_large" => self.get("governance.too_large"),
            "unreadable" => self.get("governance.unreadable"),
            other => other,
        }
    }

    pub(super) fn what_was_compared(self, report: &Report) -> String {
        let base = printable(report.base.as_deref().unwrap_or_default());
        match report.mode {
            ReportMode::Worktree => self.get("governance.compared.worktree").to_owned(),
            ReportMode::Staged => self.get("governance.compared.staged").to_owned(),
            ReportMode::Base => say!("governance.compared.base", base).text(self.0),
        }
    }

    pub(super) fn where_head_is(self, report: &Report) -> String {
        let detached = self.get("governance.detached_head");
        let mut text = printable(report.branch.as_deref().unwrap_or(detached));
        match &report.head {
            Some(head) => text.push_str(&format!(" @ {}", head.get(..12).unwrap_or(head))),
            None => text.push_str(self.get("governance.no_commit_yet")),
        }
        if let (Some(ahead), Some(behind)) = (report.ahead, report.behind) {
            text.push_str(&say!("governance.ahead_behind", ahead, behind).text(self.0));
        }
        text
    }

    /// The decision with its reasons.
    pub(super) fn decided(self, report: &Report) -> String {
        let name = report.decision.name();
        if report.decision_reasons.is_empty() {
            return name.to_owned();
        }
        let reasons = report.decision_reasons.join(self.get("governance.comma"));
        say!("governance.decided", name, reasons).text(self.0)
    }

    /// Files and lines in one phrase.
    pub(super) fn size(self, report: &Report) -> String {
        let counts = &report.counts;
        let comma = self.get("governance.comma");
        format!(
            "{}{comma}+{} -{}",
            self.files(counts.files),
            counts.additions,
            counts.deletions
        )
    }

    pub(super) fn lines_of(self, file: &ChangedFile) -> String {
        match (file.additions, file.deletions) {
            (Some(additions), Some(deletions)) => format!("+{additions} -{deletions}"),
            _ if file.binary => self.get("governance.binary").to_owned(),
            _ => String::new(),
        }
    }
}

/// A path, with its former name in front of it where it has one.
pub(super) fn path_of(file: &ChangedFile) -> String {
    match &file.old_path {
        Some(old) => format!("{old} -> {}", file.path),
        None => file.path.clone(),
    }
}

/// Where a finding is.
pub(super) fn place_of(finding: &Finding) -> String {
    match finding.line {
        Some(line) => format!("{}:{line}", finding.path),
        None => finding.path.clone(),
    }
}
