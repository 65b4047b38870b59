//! Finds what a request names: a session, a live planner, the plan that waits. What is not there gets its sentence here.

use crate::domain::ids::SessionId;
use crate::domain::plan::{Plan, PlanState};
use crate::domain::refusal::Refusal;
use crate::domain::sentence::{Sentence, say};
use crate::domain::session::Session;
use crate::domain::state::State;

/// The planner with this id, or the one that took over from it, if it is still there.
pub(super) fn live_planner<'a>(
    state: &'a State,
    id: &'a SessionId,
    field: &str,
) -> Result<&'a Session, Refusal> {
    let session = state
        .session(state.current_planner(id))
        .ok_or_else(|| unknown_session(id))?;
    if !session.is_planner() {
        let message = say!("refusal.not_a_planner", field, id);
        return Err(Refusal::invalid("not_a_planner", message));
    }
    if !session.is_live() {
        let message = say!("refusal.planner_ended", id, how => Sentence::word("status", session.status_word()));
        return Err(Refusal::conflict("planner_ended", message));
    }
    Ok(session)
}

/// The sentence for an id that nobody has.
pub fn unknown_session(id: &SessionId) -> Refusal {
    Refusal::not_found("unknown_session", say!("refusal.unknown_session", id))
}

/// The plan that waits for a person's decision, if it has this digest.
pub(super) fn pending_plan<'a>(planner: &'a Session, digest: &str) -> Result<&'a Plan, Refusal> {
    let plan = planner.plan().ok_or_else(|| no_plan(planner))?;
    if plan.sha256 != digest {
        return Err(changed(plan));
    }
    if plan.state == PlanState::Pending {
        Ok(plan)
    } else {
        Err(already_decided(plan))
    }
}

/// Another one waits by now than the person saw.
pub(super) fn changed(newest: &Plan) -> Refusal {
    let message = say!("refusal.plan_changed", version = newest.version);
    Refusal::conflict("plan_changed", message)
}

pub(super) fn no_plan(planner: &Session) -> Refusal {
    Refusal::conflict("no_plan", say!("refusal.no_plan", id = planner.id()))
}

pub(super) fn already_decided(plan: &Plan) -> Refusal {
    let message = say!("refusal.plan_decided", version = plan.version, state => Sentence::word("plan.status", plan.state.word()));
    Refusal::conflict("plan_decided", message)
}
