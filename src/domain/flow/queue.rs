//! The queue: what runs next, and a person's changes to it.

use super::Decision;
use super::holds::{Holds, Limits};
use crate::domain::assignment::{Assignment, AssignmentState};
use crate::domain::event::Event;
use crate::domain::fault::Shared;
use crate::domain::ids::{AssignmentId, SessionId};
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use crate::domain::session::Brief;
use crate::domain::state::State;

/// The first assignment that may run now, if a slot is free.
pub fn next<'a>(state: &'a State, limits: &Limits) -> Option<&'a Assignment> {
    if state.queue_paused || state.queue.is_empty() || state.slots_taken() >= limits.slots {
        return None;
    }
    let holds = Holds::of(state, limits);
    state
        .queue
        .iter()
        .filter_map(|id| state.assignments.get(id))
        .find(|assignment| holds.on(assignment).is_none())
}

/// Whether an assignment stays in the queue for now: it has no session yet, and is not what the next free slot goes to.
pub fn waits(state: &State, limits: &Limits, id: &AssignmentId) -> bool {
    let queued = state
        .assignments
        .get(id)
        .is_some_and(|assignment| assignment.state == AssignmentState::Queued);
    queued && next(state, limits).is_none_or(|first| first.order.assignment_id != *id)
}

/// Gives the next assignment to a new session; `brief` makes that session.
///
/// # Errors
/// Never refuses: when nothing may run, there are no events and the answer is `None`.
pub fn dispatch(
    state: &State,
    limits: &Limits,
    brief: impl FnOnce(&Assignment) -> Brief,
) -> Decision<Option<Brief>> {
    let Some(assignment) = next(state, limits) else {
        return Ok((Vec::new(), None));
    };
    let brief = brief(assignment);
    let events = vec![
        Event::AssignmentDispatched {
            assignment_id: assignment.order.assignment_id.clone(),
            session_id: brief.id.clone(),
        },
        Event::SessionRegistered {
            brief: brief.clone(),
            request: None,
        },
    ];
    Ok((events, Some(brief)))
}

/// Takes an assignment out of the queue.
///
/// # Errors
/// When it is unknown or no longer waits.
pub fn cancel(state: &State, id: &AssignmentId) -> Decision<()> {
    queued(state, id)?;
    Ok((
        vec![Event::AssignmentCancelled {
            assignment_id: id.clone(),
        }],
        (),
    ))
}

/// Lets an assignment start in spite of what it should wait for: results before its own, files in use, the review limit.
/// Its planner's end and an open question still hold it. Saying it twice is fine.
///
/// # Errors
/// When it is unknown or no longer waits.
pub fn force(state: &State, id: &AssignmentId) -> Decision<()> {
    let events = match queued(state, id)?.forced {
        true => Vec::new(),
        false => vec![Event::AssignmentForced {
            assignment_id: id.clone(),
        }],
    };
    Ok((events, ()))
}

/// Moves an assignment before another, or to the end.
///
/// # Errors
/// When one of them is unknown or no longer waits.
pub fn reorder(state: &State, id: &AssignmentId, before: Option<&AssignmentId>) -> Decision<()> {
    queued(state, id)?;
    if let Some(before) = before {
        queued(state, before)?;
        if before == id {
            return Err(Refusal::invalid(
                "same_assignment",
                say!("refusal.before_itself"),
            ));
        }
    }
    Ok((
        vec![Event::AssignmentMoved {
            assignment_id: id.clone(),
            before: before.cloned(),
        }],
        (),
    ))
}

/// Pauses or resumes dispatch; whoever resumes it wants what did not work to be tried again, too. Saying it twice is fine.
///
/// # Errors
/// Never refuses.
pub fn pause(state: &State, paused: bool) -> Decision<()> {
    let mut events = match (state.queue_paused, paused) {
        (false, true) => vec![Event::QueuePaused {}],
        (true, false) => vec![Event::QueueResumed {}],
        _ => Vec::new(),
    };
    if !paused {
        let faults = state.faults.keys().cloned();
        events.extend(faults.map(|shared| Event::DispatchReleased { shared }));
        let held = state.usage.stops.held.as_ref();
        events.extend(held.map(|_| Event::QueueRetried {}));
    }
    Ok((events, ()))
}

/// The provider that refuses is tried again now. A pause stays, and so does what else failed. Saying it twice is fine.
///
/// # Errors
/// Never refuses.
pub fn try_provider(state: &State) -> Decision<()> {
    let held = state.usage.stops.held.as_ref();
    let event = held.map(|_| Event::QueueRetried {});
    Ok((Vec::from_iter(event), ()))
}

/// Notes that something did not work for a department that others need as well. A planner's or a review's own trouble is
/// told at its session.
///
/// # Errors
/// Never refuses: what is held already stays as it is.
pub fn hold(state: &State, shared: Shared, session_id: &SessionId, reason: &str) -> Decision<()> {
    let is_work = state
        .session(session_id)
        .is_some_and(|session| !session.is_planner() && !session.is_review());
    let event = (is_work && !state.faults.contains_key(&shared)).then(|| Event::DispatchHeld {
        shared,
        session_id: session_id.clone(),
        reason: reason.to_owned(),
    });
    Ok((Vec::from_iter(event), ()))
}

fn queued<'a>(state: &'a State, id: &AssignmentId) -> Result<&'a Assignment, Refusal> {
    let unknown =
        || Refusal::not_found("unknown_assignment", say!("refusal.unknown_assignment", id));
    let assignment = state.assignments.get(id).ok_or_else(unknown)?;
    match &assignment.state {
        AssignmentState::Queued => Ok(assignment),
        AssignmentState::Dispatched { session_id } => Err(Refusal::conflict(
            "already_dispatched",
            say!("refusal.already_dispatched", id, session_id),
        )),
        AssignmentState::Cancelled => Err(Refusal::conflict(
            "already_cancelled",
            say!("refusal.already_cancelled", id),
        )),
    }
}
