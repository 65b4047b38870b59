//! Results, commits and queued work that wait for a person.

use super::list::{About, List, digest};
use super::{MAX_FILES, Urgency, Waiting, short};
use crate::domain::assignment::Hold;
use crate::domain::conformance::Conformance;
use crate::domain::flow::holds::Holds;
use crate::domain::ids::SessionId;
use crate::domain::outcome::Outcome;
use crate::domain::result::TaskResult;
use crate::domain::session::Session;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

pub(super) fn results(list: &mut List<'_>) {
    let state = list.scene.state;
    for report in state.open_reports() {
        let Some(author) = state.author(&report.report_id) else {
            continue;
        };
        let said = report.current();
        let planner = state.current_planner(&said.parent_session_id);
        let about = About {
            planner: Some(planner),
            ..About::session(state, author).since(report.reported_at())
        };
        let subject = format!("{}-{}", report.report_id, said.revision);
        if report.holds_queue() {
            let waiting = Waiting::ResultNeedsPerson {
                report_id: report.report_id.clone(),
                revision: said.revision,
                summary: short(&said.findings.summary),
                next_action: said.findings.next_action.as_deref().map(short),
            };
            let urgency = match state.session(planner).is_some_and(Session::is_live) {
                true => Urgency::BlocksQueue,
                false => Urgency::MayWait,
            };
            list.add(urgency, &subject, about, waiting);
        }
        if report.awaits_acceptance() {
            let outside = report.conformance.iter().flat_map(Conformance::outside);
            let files: Vec<String> = outside.map(|file| file.path.clone()).collect();
            let waiting = Waiting::OutsideScope {
                report_id: report.report_id.clone(),
                revision: said.revision,
                omitted: files.len().saturating_sub(MAX_FILES),
                files: files.into_iter().take(MAX_FILES).collect(),
            };
            list.add(Urgency::MayWait, &subject, about, waiting);
        }
    }
}

/// What the launcher wrote in the place of a department.
pub(super) fn fallback(list: &mut List<'_>, report: &TaskResult) {
    let state = list.scene.state;
    let Some(author) = state.author(&report.report_id) else {
        return;
    };
    let how = match author.outcome() {
        // A person said so, or it goes on.
        None | Some(Outcome::Stopped | Outcome::NotNeeded) => return,
        Some(outcome) => outcome.word(),
    };
    let said = report.current();
    let waiting = Waiting::Fallback {
        report_id: report.report_id.clone(),
        revision: said.revision,
        how,
        summary: short(&said.findings.summary),
        task: short(&author.brief.task),
    };
    let subject = format!("{}-{}", report.report_id, said.revision);
    let about = About::session(state, author).since(report.reported_at());
    list.add(Urgency::MayWait, &subject, about, waiting);
}

pub(super) fn commits(list: &mut List<'_>) {
    for (at, seen) in list.scene.state.reviews.unreviewed() {
        let waiting = Waiting::CommitUnapproved {
            commit: seen.commit.to_string(),
            subject: short(&seen.subject),
            branch: seen.branch.clone(),
            count: seen.count(),
        };
        let about = About::default().since(*at);
        list.add(Urgency::MayWait, seen.commit.as_str(), about, waiting);
    }
}

pub(super) fn queue(list: &mut List<'_>) {
    let state = list.scene.state;
    for (shared, fault) in &state.faults {
        let waiting = Waiting::Fault {
            what: shared.word(),
            name: shared.name().to_owned(),
            reason: short(&fault.reason),
            found_by: fault.session_id.clone(),
        };
        let key = serde_json::to_string(shared).unwrap_or_default();
        let about = About::default().since(fault.at);
        list.add(Urgency::BlocksQueue, &digest(&key), about, waiting);
    }
    if state.queue.is_empty() {
        return;
    }
    if state.queue_paused {
        let waiting = Waiting::QueuePaused {
            waiting: state.queue.len(),
        };
        list.add(Urgency::BlocksQueue, "queue", About::default(), waiting);
    }
    let holds = Holds::of(state, list.scene.limits);
    let mut ended: BTreeMap<&SessionId, (usize, DateTime<Utc>)> = BTreeMap::new();
    let mut over = None;
    for assignment in state
        .queue
        .iter()
        .filter_map(|id| state.assignments.get(id))
    {
        let Some(hold) = holds.on(assignment).filter(holds_by_itself) else {
            continue;
        };
        let order = &assignment.order;
        match hold {
            Hold::DependencyFailed { on } => {
                let about = About {
                    planner: Some(&order.parent_session_id),
                    department: Some(&order.department),
                    ..About::default().since(assignment.queued_at)
                };
                let waiting = Waiting::DependencyFailed {
                    assignment_id: order.assignment_id.clone(),
                    task: short(&order.task),
                    on,
                };
                let id = order.assignment_id.as_str();
                list.add(Urgency::BlocksQueue, id, about, waiting);
            }
            Hold::ReviewLimit { waiting, limit } => {
                over = Some(Waiting::ReviewLimit { waiting, limit });
            }
            _ => {
                let planner = &order.parent_session_id;
                let first = ended.entry(planner).or_insert((0, assignment.queued_at));
                first.0 += 1;
            }
        }
    }
    if let Some(over) = over {
        list.add(Urgency::BlocksQueue, "queue", About::default(), over);
    }
    for (planner, (waiting, since)) in ended {
        let about = About {
            session: state.session(planner),
            planner: Some(planner),
            ..About::default().since(since)
        };
        let waiting = Waiting::PlannerEnded { waiting };
        list.add(Urgency::BlocksQueue, planner.as_str(), about, waiting);
    }
}

/// Whether this keeps work in the queue until a person does something about it, where nothing else in the list says so.
fn holds_by_itself(hold: &Hold) -> bool {
    match hold {
        Hold::PlannerEnded | Hold::DependencyFailed { .. } | Hold::ReviewLimit { .. } => true,
        // Others of the list are the cause: a result, powers, a fault or Codex. And these two pass by themselves.
        Hold::WaitsForPerson
        | Hold::PowersRequired { .. }
        | Hold::Broken { .. }
        | Hold::RateLimited { .. }
        | Hold::BudgetReached { .. }
        | Hold::WaitsFor { .. }
        | Hold::FilesInUse { .. } => false,
    }
}
