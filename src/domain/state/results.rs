//! What events do to results.

use super::State;
use super::index::ReportKeys;
use crate::domain::ids::ReportId;
use crate::domain::result::{Revision, TaskResult};
use chrono::{DateTime, Utc};
use std::sync::Arc;

impl State {
    /// The one way to change a result.
    pub(super) fn with_report(&mut self, id: &ReportId, change: impl FnOnce(&mut TaskResult)) {
        if let Some(report) = self.reports.get_mut(id) {
            let before = ReportKeys::of(report);
            change(report);
            self.index.report(report, before);
        }
    }

    pub(super) fn add_revision(
        &mut self,
        at: DateTime<Utc>,
        id: &ReportId,
        revision: &Arc<Revision>,
    ) {
        if let Some(digest) = &revision.sha256 {
            self.take_file(&revision.department_session_id, digest);
        }
        self.with_session(&revision.department_session_id, |session| {
            session.report_id = Some(id.clone());
        });
        if self.reports.contains_key(id) {
            self.with_report(id, |report| {
                report.revisions.push((at, Arc::clone(revision)));
                report.begin_anew();
                if !revision.verified {
                    report.bare = report.bare.saturating_add(1);
                }
            });
        } else {
            let report = TaskResult::new(id.clone(), at, Arc::clone(revision));
            self.index.report(&report, ReportKeys::default());
            self.reports.insert(id.clone(), report);
        }
        self.begin_checks(id, revision);
    }
}
