//! The part of the state that tells what departments said from what is so: trees at dispatch, judgements, verify runs.

use super::State;
use crate::domain::conformance::late::SecondLook;
use crate::domain::conformance::{Acceptance, Conformance};
use crate::domain::evidence::Run;
use crate::domain::ids::{ReportId, SessionId};
use crate::domain::result::{Revision, TaskResult};
use crate::domain::session::Session;
use chrono::{DateTime, Utc};

impl State {
    pub(super) fn judged(&mut self, id: &ReportId, revision: u32, conformance: &Conformance) {
        let judged = |report: &mut TaskResult| report.conformance = Some(conformance.clone());
        if self.with_revision(id, revision, judged) {
            self.unjudged.remove(id);
            if matches!(conformance, Conformance::Unknown { .. }) {
                self.unsettled.remove(id);
            }
        }
    }

    pub(super) fn rejudged(&mut self, id: &ReportId, revision: u32, look: &SecondLook) {
        if self.with_revision(id, revision, |report| look_again(report, look)) {
            self.unsettled.remove(id);
        }
    }

    pub(super) fn accepted(
        &mut self,
        at: DateTime<Utc>,
        (id, revision): (&ReportId, u32),
        by: &str,
        reason: &str,
    ) {
        let acceptance = Acceptance {
            by: by.to_owned(),
            reason: reason.to_owned(),
            at,
        };
        self.with_revision(id, revision, |report| report.acceptance = Some(acceptance));
    }

    pub(super) fn verify_again(&mut self, id: &ReportId) {
        if let Some(report) = self.reports.get_mut(id) {
            report.evidence.clear();
            self.unverified.insert(id.clone());
        }
    }

    pub(super) fn ran(&mut self, id: &ReportId, revision: u32, run: &Run) {
        let mut ran = 0;
        let add = |report: &mut TaskResult| {
            report.evidence.push(run.clone());
            ran = report.evidence.len();
        };
        if !self.with_revision(id, revision, add) {
            return;
        }
        if self.commands_of(id).is_none_or(|list| ran >= list.len()) {
            self.unverified.remove(id);
        }
    }

    /// What a new revision makes necessary.
    pub(super) fn begin_checks(&mut self, id: &ReportId, revision: &Revision) {
        self.unsettled.remove(id);
        let Some(session) = self.session(&revision.department_session_id) else {
            return;
        };
        let judge = session.baseline.is_some();
        let verify = !session.brief.verify.is_empty() && self.wants_verification(session);
        if judge {
            self.unjudged.insert(id.clone());
        }
        if verify {
            self.unverified.insert(id.clone());
        }
    }

    /// What the end of a session makes necessary: it may have gone on after its report. What the launcher said in a
    /// silent session's place is held against the tree after its end anyway.
    pub(super) fn begin_second_look(&mut self, id: &SessionId) {
        let report = self
            .session(id)
            .and_then(|session| self.report_of(session))
            .filter(|report| !report.is_fallback());
        let Some(report) = report else { return };
        let was_judged = matches!(report.conformance, Some(Conformance::Judged { .. }));
        let id = report.report_id.clone();
        if was_judged || self.unjudged.contains(&id) {
            self.unsettled.insert(id);
        }
    }

    /// The department session behind a report.
    pub fn author(&self, report_id: &ReportId) -> Option<&Session> {
        let report = self.reports.get(report_id)?;
        self.session(&report.current().department_session_id)
    }

    /// The verify commands that a person confirmed for a report's work.
    pub fn commands_of(&self, report_id: &ReportId) -> Option<&[String]> {
        self.author(report_id)
            .map(|session| session.brief.verify.as_slice())
    }

    fn wants_verification(&self, session: &Session) -> bool {
        let assignment = session.brief.assignment_id.as_ref();
        assignment
            .and_then(|id| self.assignments.get(id))
            .is_some_and(|assignment| assignment.order.run_verify)
    }

    /// Changes a report, if this is still its newest revision; says whether it is.
    fn with_revision(
        &mut self,
        id: &ReportId,
        revision: u32,
        change: impl FnOnce(&mut TaskResult),
    ) -> bool {
        let report = self.reports.get(id);
        let is_newest = report.is_some_and(|report| report.current().revision == revision);
        if is_newest {
            self.with_report(id, change);
        }
        is_newest
    }
}

/// What a second look changes: what was accepted was what had been seen.
fn look_again(report: &mut TaskResult, look: &SecondLook) {
    let SecondLook::Changed { files, conformance } = look else {
        return;
    };
    if conformance.outside().any(|file| files.contains(&file.path)) {
        report.acceptance = None;
    }
    report.late.clone_from(files);
    report.conformance = Some(conformance.clone());
}
