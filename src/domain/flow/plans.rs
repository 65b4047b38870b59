//! Plans: a planner reports them, a person confirms or rejects them. Nothing else leads to an assignment.

use super::dependencies::{self, Among};
use super::named::{already_decided, changed, live_planner, no_plan, pending_plan};
use super::{
    Catalog, Decision, check_task, hidden, messages, overlaps, plan_reviews, review_wanted,
};
use crate::domain::assignment::Order;
use crate::domain::event::Event;
use crate::domain::ids::{AssignmentId, SessionId};
use crate::domain::limits::{check_entries, check_list, check_text};
use crate::domain::message::Purpose;
use crate::domain::plan::{Checked, PlanFinding, PlanState, PlannedAssignment, Proposal, Source};
use crate::domain::plan_review::Review;
use crate::domain::prompts;
use crate::domain::refusal::Refusal;
use crate::domain::request::{Made, Request};
use crate::domain::sentence::say;
use crate::domain::session::Session;
use crate::domain::state::State;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// What the reporter of a plan is told.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PlanReceipt {
    /// The plan's version.
    pub version: u32,
    /// Its digest.
    pub plan_sha256: String,
    /// False when the very same plan was pending already.
    pub new: bool,
}

/// A plan as it came in.
#[derive(Debug, Clone)]
pub struct Reported {
    /// What it says, checked.
    pub checked: Checked,
    /// Through which door it came.
    pub source: Source,
    /// When it was written, if it is a file: what waited while a newer plan came in changes nothing any more.
    pub written_at: Option<DateTime<Utc>>,
}

/// Registers a plan. The same plan again, while it is pending, is no new version. Files come in through
/// `plan_files::come_in`, which decides whether they can be the plan.
///
/// # Errors
/// An unknown or ended planner, or a plan that names what does not exist.
pub fn report(
    state: &State,
    catalog: &Catalog,
    session_id: &SessionId,
    plan: Reported,
) -> Decision<PlanReceipt> {
    let planner = live_planner(state, session_id, "session_id")?;
    let Checked { proposal, findings } = plan.checked;
    check_proposal(catalog, &proposal)?;
    let plan_sha256 = proposal.sha256();
    if let Some(last) = planner.plan()
        && last.sha256 == plan_sha256
        && last.state == PlanState::Pending
        // What was vetoed and comes again unchanged is an answer to the veto, and is reviewed as one.
        && !matches!(last.review, Review::Vetoed { .. })
    {
        return Ok((
            Vec::new(),
            PlanReceipt {
                version: last.version,
                plan_sha256,
                new: false,
            },
        ));
    }
    if let (Some(last), Some(written_at)) = (planner.plan(), plan.written_at)
        // Anybody can write a file, so it never stands in the way of the planner's own word.
        && (last.source.is_verified() || !plan.source.is_verified())
        && written_at < last.written_at.unwrap_or(last.reported_at)
    {
        let message = say!("refusal.older_plan", version = last.version);
        return Err(Refusal::conflict("older_plan", message));
    }
    let version = planner.plan().map_or(0, |plan| plan.version) + 1;
    let event = Event::ZhongshuPlanRegistered {
        session_id: planner.id().clone(),
        version,
        plan_sha256: plan_sha256.clone(),
        proposal: Arc::new(proposal),
        findings: Some(findings),
        source: plan.source,
        written_at: plan.written_at,
    };
    let mut events = vec![event];
    events.extend(review_wanted::of_report(
        planner,
        catalog.review,
        version,
        &plan_sha256,
        plan.source,
    ));
    Ok((
        events,
        PlanReceipt {
            version,
            plan_sha256,
            new: true,
        },
    ))
}

/// What a person confirms: exactly these assignments, seen beside exactly this plan.
#[derive(Debug, Clone)]
pub struct Confirmation {
    /// The planner.
    pub parent_session_id: SessionId,
    /// What shall be done, perhaps changed by the person. Those not selected are left out.
    pub assignments: Vec<PlannedAssignment>,
    /// What the checks found in the selected ones; positions are those of `assignments`.
    pub findings: Vec<PlanFinding>,
    /// Digest of the plan that the person had before their eyes.
    pub plan_sha256: Option<String>,
    /// Whether the launcher runs the verify commands itself after each report.
    pub run_verify: bool,
    /// Whether those that may change the same files may run side by side.
    pub allow_overlap: bool,
    /// Why the person goes on without menxia's approval.
    pub override_reason: Option<String>,
    /// Whether this is one piece of work that the person wrote, and no word about a plan.
    pub by_hand: bool,
    /// The request, if it has a key.
    pub request: Option<Request>,
}

/// The work that this very request has confirmed before.
///
/// # Errors
/// A key that stands for another request.
pub fn confirmed_before(
    state: &State,
    request: Option<&Request>,
) -> Result<Option<Vec<Order>>, Refusal> {
    let Some(Made::Assignments(ids)) = state.requests.made(request)? else {
        return Ok(None);
    };
    // Not all are there when the power failed while they were written: nobody was told that they are.
    let orders = ids
        .iter()
        .map(|id| Some(state.assignments.get(id)?.order.clone()));
    Ok(orders.collect())
}

/// Confirms work and puts it into the queue, once for each request with a key.
///
/// # Errors
/// When the plan changed meanwhile, was decided already, or names what does not exist.
pub fn confirm(state: &State, catalog: &Catalog, wish: Confirmation) -> Decision<Vec<Order>> {
    if let Some(orders) = confirmed_before(state, wish.request.as_ref())? {
        return Ok((Vec::new(), orders));
    }
    let planner = live_planner(state, &wish.parent_session_id, "parent_session_id")?;
    let plan = match &wish.plan_sha256 {
        Some(digest) => Some(pending_plan(planner, digest)?),
        None => {
            must_not_pass_a_review(catalog, planner, wish.by_hand)?;
            None
        }
    };
    let overruled = match plan {
        Some(plan) => {
            plan_reviews::overrule(catalog, planner, plan, wish.override_reason.as_deref())?
        }
        None => None,
    };
    check_assignments(catalog, &wish.assignments)?;
    dependencies::check(&wish.assignments, Among::Selected)?;
    let findings = of_selected(wish.findings, &wish.assignments);
    let chosen: Vec<PlannedAssignment> = wish
        .assignments
        .into_iter()
        .filter(|item| item.selected)
        .collect();
    if chosen.is_empty() {
        return Err(Refusal::invalid(
            "nothing_selected",
            say!("refusal.nothing_selected"),
        ));
    }
    let version = plan.map(|plan| plan.version);
    let ids: Vec<AssignmentId> = chosen
        .iter()
        .map(|_| AssignmentId::fresh("assignment"))
        .collect();
    let after = dependencies::resolve(&chosen, &ids);
    let apart = match wish.allow_overlap {
        true => vec![Vec::new(); chosen.len()],
        false => overlaps::apart(state, &chosen, &ids),
    };
    let orders: Vec<Order> = chosen
        .iter()
        .zip(ids)
        .zip(after.into_iter().zip(apart))
        .map(|((item, assignment_id), (after, apart_from))| Order {
            assignment_id,
            parent_session_id: planner.id().clone(),
            department: item.department.clone(),
            task: item.task.clone(),
            model: item.model.clone(),
            files: item.files.clone(),
            verify: item.verify.clone(),
            reason: item.reason.clone(),
            plan_version: version,
            run_verify: wish.run_verify,
            plan_line: item.id.clone(),
            after,
            apart_from,
        })
        .collect();
    let proposed: Vec<&PlannedAssignment> = plan
        .map(|plan| {
            plan.proposal
                .assignments
                .iter()
                .filter(|item| item.selected)
                .collect()
        })
        .unwrap_or_default();
    let mut events = Vec::from_iter(overruled);
    events.push(Event::PlanConfirmed {
        session_id: planner.id().clone(),
        version,
        plan_sha256: wish.plan_sha256,
        edited: plan.is_some() && proposed != chosen.iter().collect::<Vec<_>>(),
        assignments: chosen,
        findings: Some(findings),
        overlap_allowed: wish.allow_overlap,
        assignment_ids: orders.iter().map(|it| it.assignment_id.clone()).collect(),
        request: wish.request,
    });
    events.extend(orders.iter().map(|order| Event::AssignmentQueued {
        order: order.clone(),
    }));
    Ok((events, orders))
}

/// Assignments without a plan's digest must not become a way around a review that stands in the way: they may well be
/// the lines of that very plan.
fn must_not_pass_a_review(
    catalog: &Catalog,
    planner: &Session,
    by_hand: bool,
) -> Result<(), Refusal> {
    let required = catalog.review.required;
    match planner.plan() {
        Some(plan)
            if !by_hand && plan.state == PlanState::Pending && !plan.review.lets_pass(required) =>
        {
            Err(plan_reviews::not_approved(plan))
        }
        _ => Ok(()),
    }
}

/// The same findings, with positions among the selected lines, which alone are recorded.
fn of_selected(mut findings: Vec<PlanFinding>, lines: &[PlannedAssignment]) -> Vec<PlanFinding> {
    let selected = |at: &usize| lines.get(*at).is_some_and(|line| line.selected);
    for finding in &mut findings {
        finding.assignments.retain(selected);
        for at in &mut finding.assignments {
            *at = lines[..*at].iter().filter(|line| line.selected).count();
        }
    }
    findings
}

/// Rejects the pending plan and tells the planner why.
///
/// # Errors
/// When there is no pending plan, or no reason.
pub fn reject(
    state: &State,
    catalog: &Catalog,
    session_id: &SessionId,
    reason: &str,
) -> Decision<u32> {
    let planner = live_planner(state, session_id, "session_id")?;
    check_text(reason, "reason")?;
    if reason.trim().is_empty() {
        return Err(Refusal::invalid(
            "invalid_reason",
            say!("refusal.reject_reason"),
        ));
    }
    let plan = planner.plan().ok_or_else(|| no_plan(planner))?;
    if plan.state != PlanState::Pending {
        return Err(already_decided(plan));
    }
    let message = messages::queued(
        planner.id(),
        Purpose::Rejection,
        None,
        prompts::rejection(catalog.language, plan.version, reason),
    );
    let rejected = Event::PlanRejected {
        session_id: planner.id().clone(),
        version: plan.version,
        reason: reason.to_owned(),
    };
    Ok((vec![rejected, message], plan.version))
}

/// Refuses a decision about another plan than the newest, where it says which one was seen.
///
/// # Errors
/// When the planner is gone, or has another plan by now.
pub fn seen(state: &State, session_id: &SessionId, sha256: Option<&str>) -> Result<(), Refusal> {
    let Some(sha256) = sha256 else { return Ok(()) };
    let planner = live_planner(state, session_id, "session_id")?;
    match planner.plan() {
        Some(plan) if plan.sha256 != sha256 => Err(changed(plan)),
        _ => Ok(()),
    }
}

/// Refuses what can be no plan here.
pub(super) fn check_proposal(catalog: &Catalog, proposal: &Proposal) -> Result<(), Refusal> {
    check_text(&proposal.summary, "summary")?;
    if proposal.summary.trim().is_empty() {
        return Err(Refusal::invalid(
            "empty_summary",
            say!("refusal.no_summary"),
        ));
    }
    check_assignments(catalog, &proposal.assignments)?;
    dependencies::check(&proposal.assignments, Among::All)
}

fn check_assignments(catalog: &Catalog, assignments: &[PlannedAssignment]) -> Result<(), Refusal> {
    if assignments.is_empty() {
        return Err(Refusal::invalid(
            "no_assignments",
            say!("refusal.no_assignments"),
        ));
    }
    check_entries(assignments.len(), "assignments")?;
    for (index, item) in assignments.iter().enumerate() {
        let at = |field: &str| format!("assignments[{index}].{field}");
        catalog.check_department(&item.department, &at("department"))?;
        check_task(&item.task, &at("task"))?;
        catalog.check_model(item.model.as_deref(), &at("model"))?;
        check_list(&item.files, &at("files"))?;
        hidden::refuse(&item.files, &at("files"))?;
        check_list(&item.verify, &at("verify"))?;
        hidden::refuse(&item.verify, &at("verify"))?;
        check_list(&item.after, &at("after"))?;
        check_text(&item.reason, &at("reason"))?;
        check_text(&item.model_reason, &at("model_reason"))?;
    }
    Ok(())
}
