//! Which confirmed assignments must not run side by side, because they may change the same files.

use crate::domain::assignment::{Assignment, AssignmentState};
use crate::domain::claims::{Budget, Claims, Meeting};
use crate::domain::department::MENXIA;
use crate::domain::ids::AssignmentId;
use crate::domain::plan::PlannedAssignment;
use crate::domain::session::Session;
use crate::domain::state::State;

/// For each line those that it must not run beside: earlier ones of the same confirmation, and whatever is queued or
/// runs already, for any planner, since all share one working tree. Menxia only reads, and is apart from nobody.
///
/// Where there is too much to compare, the answer is the careful one.
pub fn apart(
    state: &State,
    lines: &[PlannedAssignment],
    ids: &[AssignmentId],
) -> Vec<Vec<AssignmentId>> {
    let mut budget = Budget::for_a_plan();
    let mut others: Vec<(AssignmentId, Claims)> = open(state)
        .filter(|it| it.order.department != MENXIA)
        .map(|it| {
            let claims = Claims::of(&it.order.files, &mut budget);
            (it.order.assignment_id.clone(), claims)
        })
        .collect();
    let mut apart = Vec::with_capacity(lines.len());
    for (line, id) in lines.iter().zip(ids) {
        if line.department == MENXIA {
            apart.push(Vec::new());
            continue;
        }
        let own = Claims::of(&line.files, &mut budget);
        let met = others.iter().filter(|(_, other)| {
            let meeting = own.meeting(other, &mut budget);
            !matches!(meeting, Meeting::Never)
        });
        apart.push(met.map(|(id, _)| id.clone()).collect());
        others.push((id.clone(), own));
    }
    apart
}

/// What is queued or at work.
fn open(state: &State) -> impl Iterator<Item = &Assignment> {
    let queued = state.queue.iter();
    let at_work = state.live_sessions();
    let at_work = at_work.filter_map(|it: &Session| it.brief.assignment_id.as_ref());
    let all = queued
        .chain(at_work)
        .filter_map(|id| state.assignments.get(id));
    all.filter(|it| !matches!(it.state, AssignmentState::Cancelled))
}
