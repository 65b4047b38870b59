//! What the events of the queue do.

use super::State;
use crate::domain::assignment::{Assignment, AssignmentState};
use crate::domain::event::Event;
use crate::domain::ids::AssignmentId;
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
            _ => self.apply_check(at, event),
        }
    }

    fn leave_queue(&mut self, id: &AssignmentId, state: AssignmentState) {
        self.queue.retain(|queued| queued != id);
        if let Some(assignment) = self.assignments.get_mut(id) {
            assignment.state = state;
        }
    }
}
