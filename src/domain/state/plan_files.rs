//! What events do to the files that stand beside a plan.

use super::State;
use crate::domain::ids::SessionId;
use crate::domain::plan_file::PlanFile;
use chrono::{DateTime, Utc};

impl State {
    pub(super) fn plan_file_found(
        &mut self,
        at: DateTime<Utc>,
        planner: &SessionId,
        found: &PlanFile,
        gave_way: Option<&str>,
    ) {
        self.take_file(planner, &found.sha256);
        self.with_session(planner, |session| {
            session.plan_files.add(at, found.clone(), gave_way);
        });
    }

    /// A person took one as the plan, or took it away.
    pub(super) fn answer_file(&mut self, planner: &SessionId, plan_sha256: &str) {
        self.with_session(planner, |session| {
            session.plan_files.remove(plan_sha256);
            session.plan_files.person_acted();
        });
    }
}
