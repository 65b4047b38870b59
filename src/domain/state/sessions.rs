//! What events do to sessions.

use super::State;
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::plan_file::PlanFiles;
use crate::domain::session::Status;
use chrono::{DateTime, Utc};

impl State {
    pub(super) fn apply_to_session(&mut self, at: DateTime<Utc>, event: &Event) {
        match event {
            Event::SessionThreadOpened {
                session_id,
                thread_id,
            } => {
                self.with_session(session_id, |session| {
                    session.thread_id = Some(thread_id.clone());
                    session.prompted = false;
                });
            }
            Event::SessionStarted {
                session_id, pid, ..
            } => self.with_session(session_id, |session| {
                // A program that ends at once is closed before its start is recorded; it must not get its pid back.
                if session.status != Status::Starting {
                    return;
                }
                session.status = Status::Running;
                session.started_at = Some(at);
                session.pid = *pid;
            }),
            Event::SessionPrompted { session_id } => {
                self.with_session(session_id, |session| session.prompted = true);
            }
            Event::SessionBegunAnew { session_id, .. } => {
                self.with_session(session_id, |session| {
                    if session.status == Status::Running {
                        session.status = Status::Starting;
                    }
                })
            }
            Event::SessionResumed { session_id } => {
                // While it was over its planner may have been replaced; only live children moved along then.
                let parent = self
                    .session(session_id)
                    .and_then(|session| session.brief.parent_session_id.as_ref())
                    .map(|parent| self.current_planner(parent).clone());
                self.with_session(session_id, |session| {
                    session.brief.parent_session_id = parent;
                    session.status = Status::Starting;
                    session.reminders = 0;
                    session.reminded_at = None;
                });
                self.review_goes_on(session_id);
            }
            Event::SessionCloseRequested {
                session_id,
                outcome,
            } => self.with_session(session_id, |session| {
                if session.is_live() {
                    session.status = Status::Closing {
                        outcome: outcome.clone(),
                    };
                }
            }),
            Event::SessionClosed {
                session_id,
                outcome,
            } => {
                self.with_session(session_id, |session| {
                    session.status = Status::Closed {
                        outcome: outcome.clone(),
                        at,
                    };
                    session.pid = None;
                });
                self.begin_second_look(session_id);
            }
            Event::ReminderSent {
                session_id, number, ..
            } => self.with_session(session_id, |session| {
                session.reminders = *number;
                session.reminded_at = Some(at);
            }),
            _ => self.apply_to_queue(at, event),
        }
    }

    /// Another planner takes over: plans, files beside them, children, queue and unread results go along.
    pub(super) fn replace_planner(&mut self, old: &SessionId, new: &SessionId) {
        let mut moved = (Vec::new(), PlanFiles::default());
        self.with_session(old, |session| {
            session.replaced_by = Some(new.clone());
            moved = (session.plans.clone(), session.plan_files.clone());
        });
        self.with_session(new, |session| {
            (session.plans, session.plan_files) = moved;
        });
        for session in self.sessions.values_mut() {
            if session.is_live() && session.brief.parent_session_id.as_ref() == Some(old) {
                session.brief.parent_session_id = Some(new.clone());
            }
        }
        for id in &self.queue {
            if let Some(assignment) = self.assignments.get_mut(id)
                && assignment.order.parent_session_id == *old
            {
                assignment.order.parent_session_id = new.clone();
            }
        }
        for report in self
            .reports
            .values_mut()
            .filter(|report| !report.read || report.holds_queue())
        {
            let (_, newest) = report
                .revisions
                .last_mut()
                .expect("a report has at least one revision");
            if newest.parent_session_id == *old {
                newest.parent_session_id = new.clone();
            }
        }
    }
}
