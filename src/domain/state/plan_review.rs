//! What the events of a review do to a plan.

use super::{State, file_key};
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::plan_review::{Review, Verdict};

impl State {
    pub(super) fn apply_to_review(&mut self, event: &Event) {
        match event {
            Event::PlanReviewRequested {
                session_id,
                version,
                ..
            } => self.set_review(session_id, *version, Review::Waiting { session_id: None }),
            Event::PlanReviewWithheld {
                session_id,
                version,
                ..
            } => self.set_review(session_id, *version, Review::AuthorUnknown),
            Event::PlanLeftToPerson {
                session_id,
                version,
                vetoes,
            } => self.set_review(
                session_id,
                *version,
                Review::LeftToPerson { vetoes: *vetoes },
            ),
            Event::PlanApproved {
                session_id,
                version,
                verdict,
                ..
            } => {
                self.note_file(verdict);
                let verdict = verdict.clone();
                self.set_review(session_id, *version, Review::Approved { verdict });
            }
            Event::PlanVetoed {
                session_id,
                version,
                verdict,
                ..
            } => {
                self.note_file(verdict);
                let verdict = verdict.clone();
                self.set_review(session_id, *version, Review::Vetoed { verdict });
            }
            Event::PlanReviewEnded {
                session_id,
                version,
                department_session_id,
                outcome,
            } => {
                let ended = Review::Ended {
                    session_id: department_session_id.clone(),
                    outcome: outcome.clone(),
                };
                self.set_review(session_id, *version, ended);
            }
            Event::PlanReviewOverruled {
                session_id,
                version,
                reason,
                ..
            } => {
                let reason = reason.clone();
                self.with_plan(session_id, *version, |plan| plan.overruled = Some(reason));
            }
            _ => {}
        }
    }

    fn set_review(&mut self, planner: &SessionId, version: u32, review: Review) {
        self.with_plan(planner, version, |plan| plan.review = review);
    }

    /// The same bytes count once, also after a crash.
    fn note_file(&mut self, verdict: &Verdict) {
        if let Some(digest) = &verdict.sha256 {
            let key = file_key(&verdict.department_session_id, digest);
            self.taken_files.insert(key);
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
