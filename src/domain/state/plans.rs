//! What events do to a plan and to its review.

use super::State;
use crate::domain::ids::SessionId;
use crate::domain::plan::{Plan, PlanState};
use crate::domain::plan_review::{Review, Verdict};

impl State {
    /// A new version takes the place of the one that waits.
    pub(super) fn register_plan(&mut self, planner: &SessionId, plan: Plan) {
        self.with_session(planner, |session| {
            session.plan_files.remove(&plan.sha256);
            if !plan.source.is_verified() {
                session.plan_files.came_as_plan();
            }
            if let Some(last) = session.plans.last_mut()
                && last.state == PlanState::Pending
            {
                last.state = PlanState::Superseded;
            }
            session.plans.push(plan);
        });
    }

    pub(super) fn decide_plan(&mut self, id: &SessionId, version: u32, state: PlanState) {
        self.with_plan(id, version, |plan| plan.state = state);
        self.with_session(id, |session| session.plan_files.person_acted());
    }

    pub(super) fn with_plan(
        &mut self,
        id: &SessionId,
        version: u32,
        change: impl FnOnce(&mut Plan),
    ) {
        self.with_session(id, |session| {
            let mut plans = session.plans.iter_mut();
            if let Some(plan) = plans.find(|plan| plan.version == version) {
                change(plan);
            }
        });
    }

    /// A plan goes to be reviewed; one from nobody known by a person's word alone.
    pub(super) fn review_requested(&mut self, planner: &SessionId, version: u32) {
        self.with_session(planner, |session| {
            let newest = session.plans.last();
            if newest.is_some_and(|plan| plan.review == Review::AuthorUnknown) {
                session.plan_files.person_acted();
            }
        });
        self.set_review(planner, version, Review::Waiting { session_id: None });
    }

    pub(super) fn set_review(&mut self, planner: &SessionId, version: u32, review: Review) {
        self.with_plan(planner, version, |plan| plan.review = review);
    }

    /// The same bytes count once, also after a crash.
    pub(super) fn note_verdict_file(&mut self, verdict: &Verdict) {
        if let Some(digest) = &verdict.sha256 {
            self.take_file(&verdict.department_session_id, digest);
        }
    }

    /// A session that reviews a plan begins, or goes on: the plan waits for it.
    pub(super) fn review_goes_on(&mut self, id: &SessionId) {
        let Some(brief) = self.session(id).map(|session| &session.brief) else {
            return;
        };
        let (Some(reviewed), Some(parent)) = (&brief.review, &brief.parent_session_id) else {
            return;
        };
        let (planner, version) = (self.current_planner(parent).clone(), reviewed.plan_version);
        let waiting = Review::Waiting {
            session_id: Some(id.clone()),
        };
        self.set_review(&planner, version, waiting);
    }
}
