//! Finds what a request names: a session, a live planner, the plan that waits. What is not there gets its sentence here.

use crate::domain::ids::SessionId;
use crate::domain::plan::{Plan, PlanState};
use crate::domain::refusal::Refusal;
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
        let message =
            format!("{field}: `{id}` is a department session; name a planner (zhongshu) session");
        return Err(Refusal::invalid("not_a_planner", message));
    }
    if !session.is_live() {
        let message = format!(
            "planner `{id}` has ended ({}); restart or resume it first",
            session.status_word()
        );
        return Err(Refusal::conflict("planner_ended", message));
    }
    Ok(session)
}

/// The sentence for an id that nobody has.
pub fn unknown_session(id: &SessionId) -> Refusal {
    Refusal::not_found(
        "unknown_session",
        format!("there is no session `{id}`; GET /api/status lists them"),
    )
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
    let message = format!(
        "the plan changed: version {} is the current one; look at it and decide again",
        newest.version
    );
    Refusal::conflict("plan_changed", message)
}

pub(super) fn no_plan(planner: &Session) -> Refusal {
    Refusal::conflict(
        "no_plan",
        format!("planner `{}` has not reported a plan yet", planner.id()),
    )
}

pub(super) fn already_decided(plan: &Plan) -> Refusal {
    let message = format!(
        "version {} of the plan is already {}",
        plan.version,
        plan.state.word()
    );
    Refusal::conflict("plan_decided", message)
}
