//! Work without a plan: assignments that follow from what has changed, and a department that a person starts by hand.

use super::planners::chosen;
use crate::domain::assignment::Order;
use crate::domain::flow::plans::Confirmation;
use crate::domain::flow::queue;
use crate::domain::ids::SessionId;
use crate::domain::plan::PlannedAssignment;
use crate::domain::report::{Report, ReportMode};
use crate::domain::sentence::say;
use crate::governance::assignments::{
    ProposalRequest, ProposedAssignment, propose as propose_assignments,
};
use crate::governance::report::ReportRequest;
use crate::web::app::App;
use crate::web::body::{Body, Keyed};
use crate::web::caller::RequirePerson;
use crate::web::error::ApiError;
use crate::web::success::Success;
use axum::extract::State;
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
pub struct ProposeAssignments {
    task: String,
}

/// Assignments that would follow from what has changed.
#[derive(Debug, Serialize)]
pub struct Proposed {
    assignments: Vec<ProposedAssignment>,
    /// The report that they follow from.
    report_id: String,
}

pub async fn propose(
    State(app): State<App>,
    RequirePerson(_): RequirePerson,
    Body(wish): Body<ProposeAssignments>,
) -> Result<Success<Proposed>, ApiError> {
    crate::domain::flow::check_task(&wish.task, "task")?;
    let policy = app.agents.core.policy();
    let language = policy.catalog.language;
    let request = ReportRequest {
        mode: ReportMode::Worktree,
        language,
        ..ReportRequest::default()
    };
    let report: Report = app.report(request).await?;
    let request = ProposalRequest {
        task: &wish.task,
        department_model: policy.department_model.as_deref(),
        language,
    };
    Ok(Success(Proposed {
        assignments: propose_assignments(&report, &policy.governance, request),
        report_id: report.id,
    }))
}

/// An assignment's fields, spelled out: a flattened struct would lose the names of wrong fields.
#[derive(Debug, Deserialize)]
pub struct StartDepartment {
    department: String,
    task: String,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default, alias = "verify_commands")]
    verify: Vec<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    run_verify: Option<bool>,
    #[serde(default, alias = "zhongshu_session_id", alias = "session_id")]
    parent_session_id: Option<SessionId>,
}

/// One department's work, started by hand.
#[derive(Debug, Serialize)]
pub struct DepartmentStarted {
    assignment: Order,
    /// Whether it waits; otherwise a slot was free and it begins.
    queued: bool,
}

pub async fn start_department(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Keyed(wish, request): Keyed<StartDepartment>,
) -> Result<Success<DepartmentStarted>, ApiError> {
    let parent_session_id = match wish.parent_session_id {
        Some(parent) => parent,
        None => app.agents.sessions().only_planner()?,
    };
    let assignments = vec![PlannedAssignment {
        model: chosen(wish.model),
        files: wish.files,
        verify: wish.verify,
        reason: wish.reason.unwrap_or_default(),
        ..PlannedAssignment::new(wish.department, wish.task)
    }];
    let confirmation = Confirmation {
        parent_session_id,
        assignments,
        findings: Vec::new(),
        plan_sha256: None,
        run_verify: wish
            .run_verify
            .unwrap_or(app.agents.core.policy().run_verify),
        allow_overlap: false,
        override_reason: None,
        by_hand: true,
        request,
    };
    let orders = app
        .agents
        .plans()
        .confirm(&caller.actor(), confirmation)
        .await?;
    let order = orders.into_iter().next().ok_or_else(ApiError::internal)?;
    // Dispatch follows at once when a slot is free; whoever asks wants to know which of the two it is.
    let limits = app.agents.queue().limits();
    let queued = app
        .agents
        .core
        .ledger
        .read(|state| queue::waits(state, &limits, &order.assignment_id));
    Ok(Success(DepartmentStarted {
        assignment: order,
        queued,
    }))
}

pub async fn start_department_for_zhongshu(
    state: State<App>,
    caller: RequirePerson,
    Keyed(wish, request): Keyed<StartDepartment>,
) -> Result<Success<DepartmentStarted>, ApiError> {
    if wish.parent_session_id.is_none() {
        let message = say!("refusal.missing_parent");
        return Err(ApiError::invalid("missing_parent", message));
    }
    start_department(state, caller, Keyed(wish, request)).await
}
