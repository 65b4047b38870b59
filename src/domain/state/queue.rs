//! What the events of the queue do.

use super::State;
use crate::domain::assignment::{Assignment, AssignmentState};
use crate::domain::event::Event;
use crate::domain::fault::{Fault, Route, Shared};
use crate::domain::ids::{AssignmentId, SessionId};
use crate::domain::plan::Source;
use chrono::{DateTime, Utc};

impl State {
    pub(super) fn apply_to_queue(&mut self, at: DateTime<Utc>, event: &Event) {
        match event {
            Event::AssignmentQueued { order } => {
                let id = &order.assignment_id;
                self.queue.push(id.clone());
                for other in &order.apart_from {
                    if let Some(other) = self.assignments.get_mut(other) {
                        other.apart.push(id.clone());
                    }
                }
                let assignment = Assignment {
                    apart: order.apart_from.clone(),
                    order: order.clone(),
                    queued_at: at,
                    state: AssignmentState::Queued,
                    forced: false,
                };
                self.assignments.insert(id.clone(), assignment);
            }
            Event::AssignmentDispatched {
                assignment_id,
                session_id,
            } => {
                self.leave_queue(
                    assignment_id,
                    AssignmentState::Dispatched {
                        session_id: session_id.clone(),
                    },
                );
            }
            Event::AssignmentCancelled { assignment_id } => {
                self.leave_queue(assignment_id, AssignmentState::Cancelled);
            }
            Event::AssignmentForced { assignment_id } => {
                if let Some(assignment) = self.assignments.get_mut(assignment_id) {
                    assignment.forced = true;
                }
            }
            Event::AssignmentMoved {
                assignment_id,
                before,
            } => {
                let Some(from) = self.queue.iter().position(|id| id == assignment_id) else {
                    return;
                };
                let moved = self.queue.remove(from);
                let to = before
                    .as_ref()
                    .and_then(|before| self.queue.iter().position(|id| id == before))
                    .unwrap_or(self.queue.len());
                self.queue.insert(to, moved);
            }
            Event::QueuePaused {} => self.queue_paused = true,
            Event::QueueResumed {} => self.queue_paused = false,
            Event::DispatchHeld {
                shared,
                session_id,
                reason,
            } => {
                let fault = Fault {
                    reason: reason.clone(),
                    session_id: session_id.clone(),
                    at,
                };
                self.faults.entry(shared.clone()).or_insert(fault);
            }
            Event::DispatchReleased { shared } => {
                self.faults.remove(shared);
            }
            _ => self.apply_check(at, event),
        }
    }

    /// What shows that something works again, or that a person has looked at it.
    pub(super) fn clear_faults(&mut self, event: &Event) {
        if self.faults.is_empty() {
            return;
        }
        match event {
            Event::ServerStarted { .. } => self.faults.clear(),
            Event::SessionStarted { session_id, .. } => {
                if let Some(route) = self.route_of(session_id) {
                    let driver = route.driver;
                    self.faults.remove(&Shared::Driver { driver });
                }
            }
            Event::ResultRegistered { revision, .. } | Event::ResultUpdated { revision, .. }
                if revision.source != Source::LauncherFallback =>
            {
                if let Some(route) = self.route_of(&revision.department_session_id) {
                    self.faults.retain(|shared, _| !route.uses(shared));
                }
            }
            _ => {}
        }
    }

    fn route_of(&self, id: &SessionId) -> Option<Route> {
        self.session(id).map(|session| Route {
            unapproved: false,
            driver: session.brief.driver.clone(),
            model: session.brief.model.clone(),
        })
    }

    fn leave_queue(&mut self, id: &AssignmentId, state: AssignmentState) {
        self.queue.retain(|queued| queued != id);
        if let Some(assignment) = self.assignments.get_mut(id) {
            assignment.state = state;
        }
    }
}
