//! The order within a plan: what its lines call each other, and which waits for which. Refuses what could never run.

use super::shown;
use crate::domain::ids::AssignmentId;
use crate::domain::plan::PlannedAssignment;
use crate::domain::refusal::Refusal;
use crate::domain::sentence::{Sentence, say};
use std::collections::{HashMap, HashSet};

/// Longest name of a line, in characters. It stands in sentences and in narrow columns.
pub const MAX_LINE_ID: usize = 40;

/// Which lines count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Every line of a proposal.
    All,
    /// Those that a person confirms.
    Selected,
}

/// The lines that count, with their positions.
fn counted(
    lines: &[PlannedAssignment],
    among: Among,
) -> impl Iterator<Item = (usize, &PlannedAssignment)> {
    let counts =
        move |(_, line): &(usize, &PlannedAssignment)| among == Among::All || line.selected;
    lines.iter().enumerate().filter(counts)
}

/// Checks ids and `after` of these lines.
///
/// # Errors
/// An id that is none or is there twice, an `after` that names nothing, or lines that wait for each other.
pub fn check(lines: &[PlannedAssignment], among: Among) -> Result<(), Refusal> {
    let mut positions: HashMap<&str, usize> = HashMap::new();
    for (index, line) in counted(lines, among) {
        let Some(id) = line.id.as_deref() else {
            continue;
        };
        check_id(id, index)?;
        if let Some(first) = positions.insert(id, index) {
            let message = say!("refusal.duplicate_line_id", index, id, first);
            return Err(Refusal::invalid("duplicate_line_id", message));
        }
    }
    for (index, line) in counted(lines, among) {
        for wanted in &line.after {
            if positions.contains_key(wanted.as_str()) {
                continue;
            }
            let left_out = lines.iter().any(|it| it.id.as_deref() == Some(wanted));
            let wanted = shown(wanted);
            let message = match left_out {
                true => say!("refusal.dependency_not_selected", index, wanted),
                false => say!("refusal.unknown_dependency", index, wanted),
            };
            return Err(Refusal::invalid("unknown_dependency", message));
        }
    }
    match cycle(lines, among) {
        None => Ok(()),
        Some(cycle) => Err(Refusal::invalid(
            "dependency_cycle",
            say!("refusal.dependency_cycle", waits => waits(&cycle)),
        )),
    }
}

/// Whether a text can be the id of a line: one short word.
pub fn is_line_id(id: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=MAX_LINE_ID).contains(&id.chars().count()) && id.chars().all(plain)
}

fn check_id(id: &str, index: usize) -> Result<(), Refusal> {
    match is_line_id(id) {
        true => Ok(()),
        false => Err(Refusal::invalid(
            "invalid_line_id",
            say!(
                "refusal.invalid_line_id",
                index,
                id = shown(id),
                max_line_id = MAX_LINE_ID
            ),
        )),
    }
}

/// A circle of lines that wait for each other: each id waits for the next, the last for the first.
pub fn cycle(lines: &[PlannedAssignment], among: Among) -> Option<Vec<&str>> {
    let named: HashMap<&str, &PlannedAssignment> = counted(lines, among)
        .filter_map(|(_, line)| Some((line.id.as_deref()?, line)))
        .collect();
    let mut finished: HashSet<&str> = HashSet::new();
    for (_, line) in counted(lines, among) {
        let Some(start) = line.id.as_deref() else {
            continue;
        };
        // A stack of our own: the chain may be as long as the plan, and a plan comes from a stranger.
        let mut path = Vec::from_iter((!finished.contains(start)).then_some((start, 0)));
        while let Some((id, next)) = path.last_mut() {
            let Some(wanted) = named[*id].after.get(*next) else {
                finished.insert(id);
                path.pop();
                continue;
            };
            *next += 1;
            if let Some(at) = path.iter().position(|(id, _)| id == wanted) {
                return Some(path[at..].iter().map(|(id, _)| *id).collect());
            }
            if let Some((wanted, _)) = named.get_key_value(wanted.as_str())
                && !finished.contains(wanted)
            {
                path.push((wanted, 0));
            }
        }
    }
    None
}

/// "`a` waits for `b`, `b` waits for `a`".
pub fn waits(cycle: &[&str]) -> Sentence {
    let next = cycle.iter().cycle().skip(1);
    let each = cycle.iter().zip(next).map(|(id, next)| match id == next {
        true => say!("plan_check.waits_for_itself", id),
        false => say!("plan_check.waits_for", id, next),
    });
    Sentence::list(each)
}

/// What each confirmed line waits for, once every line has an assignment of its own. `ids` belong to `lines`, which were
/// checked.
pub fn resolve(lines: &[PlannedAssignment], ids: &[AssignmentId]) -> Vec<Vec<AssignmentId>> {
    let named: HashMap<&str, &AssignmentId> = lines
        .iter()
        .zip(ids)
        .filter_map(|(line, id)| Some((line.id.as_deref()?, id)))
        .collect();
    let after = |line: &PlannedAssignment| {
        let mut after: Vec<AssignmentId> = line
            .after
            .iter()
            .filter_map(|wanted| named.get(wanted.as_str()).map(|id| (*id).clone()))
            .collect();
        after.sort();
        after.dedup();
        after
    };
    lines.iter().map(after).collect()
}
