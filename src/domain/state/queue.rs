//! What the events of the queue do.

use super::State;
use crate::domain::assignment::{Assignment, AssignmentState, Order};
use crate::domain::fault::{Fault, Route, Shared};
use crate::domain::ids::{AssignmentId, SessionId};
use crate::domain::plan::Source;
use crate::domain::result::Revision;
use chrono::{DateTime, Utc};

impl State {
    pub(super) fn enqueue(&mut self, at: DateTime<Utc>, order: &Order) {
        self.queue.push(order.assignment_id.clone());
        let assignment = Assignment {
            order: order.clone(),
            queued_at: at,
            state: AssignmentState::Queued,
            forced: false,
        };
        let is_known = |id: &_| self.assignments.contains_key(id);
        self.index.keep_apart(order, is_known);
        self.assignments
            .insert(order.assignment_id.clone(), assignment);
    }

    pub(super) fn dispatched(&mut self, id: &AssignmentId, session: &SessionId) {
        let session_id = session.clone();
        self.leave_queue(id, AssignmentState::Dispatched { session_id });
    }

    pub(super) fn cancelled(&mut self, id: &AssignmentId) {
        self.leave_queue(id, AssignmentState::Cancelled);
    }

    /// `before` is the one it then stands before; with none, or one that does not wait, it goes to the end.
    pub(super) fn move_in_queue(&mut self, id: &AssignmentId, before: Option<&AssignmentId>) {
        let place = |queue: &[AssignmentId], id| queue.iter().position(|queued| queued == id);
        let Some(from) = place(&self.queue, id) else {
            return;
        };
        let moved = self.queue.remove(from);
        let to = before.and_then(|before| place(&self.queue, before));
        self.queue.insert(to.unwrap_or(self.queue.len()), moved);
    }

    pub(super) fn hold_dispatch(
        &mut self,
        at: DateTime<Utc>,
        shared: &Shared,
        session: &SessionId,
        reason: &str,
    ) {
        let fault = Fault {
            reason: reason.to_owned(),
            session_id: session.clone(),
            at,
        };
        self.faults.entry(shared.clone()).or_insert(fault);
    }

    /// A session that starts shows that its driver works again.
    pub(super) fn driver_works(&mut self, id: &SessionId) {
        if self.faults.is_empty() {
            return;
        }
        if let Some(Route { driver, .. }) = self.route_of(id) {
            self.faults.remove(&Shared::Driver { driver });
        }
    }

    /// A result by a session shows that all that it uses works again.
    pub(super) fn works_again(&mut self, revision: &Revision) {
        if self.faults.is_empty() || revision.source == Source::LauncherFallback {
            return;
        }
        if let Some(route) = self.route_of(&revision.department_session_id) {
            self.faults.retain(|shared, _| !route.uses(shared));
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
