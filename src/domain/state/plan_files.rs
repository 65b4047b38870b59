//! What events do to the files that stand beside a plan.

use super::{State, file_key};
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use chrono::{DateTime, Utc};

impl State {
    pub(super) fn apply_to_plan_files(&mut self, at: DateTime<Utc>, event: &Event) {
        match event {
            Event::PlanFileFound {
                session_id,
                found,
                gave_way,
                ..
            } => {
                let key = file_key(session_id, &found.sha256);
                self.taken_files.insert(key);
                let gone = gave_way.as_deref();
                self.with_session(session_id, |session| {
                    session.plan_files.add(at, found.clone(), gone);
                });
            }
            Event::PlanFileTaken {
                session_id,
                version,
                plan_sha256,
                ..
            } => {
                self.answer_file(session_id, plan_sha256);
                self.with_plan(session_id, *version, |plan| plan.taken = true);
            }
            Event::PlanFileDiscarded {
                session_id,
                plan_sha256,
                ..
            } => self.answer_file(session_id, plan_sha256),
            _ => {}
        }
    }

    /// A person took one as the plan, or took it away.
    fn answer_file(&mut self, planner: &SessionId, plan_sha256: &str) {
        self.with_session(planner, |session| {
            session.plan_files.remove(plan_sha256);
            session.plan_files.person_acted();
        });
    }
}
