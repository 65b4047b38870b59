//! Plans: reported by planners, decided by a person.

use super::planners::{ById, chosen};
use crate::domain::assignment::Order;
use crate::domain::flow::hidden;
use crate::domain::flow::plans::{self, Confirmation, PlanReceipt};
use crate::domain::flow::review_wanted::{self, SeenPlan};
use crate::domain::flow::sessions::planner;
use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::domain::limits::{check_entries, check_list};
use crate::domain::plan::{PlannedAssignment, Proposal};
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use crate::governance::entries::Entry;
use crate::web::app::App;
use crate::web::body::{Body, Keyed, Query};
use crate::web::caller::{RequirePerson, RequireReader};
use crate::web::error::ApiError;
use crate::web::success::{DONE, Done, Success};
use crate::web::views::{FindingView, PlanFileView, PlanView};
use axum::extract::State;
use serde::{Deserialize, Serialize};

/// An assignment as it comes over the API, with the names that older clients use.
#[derive(Debug, Deserialize)]
pub struct AssignmentBody {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    after: Vec<String>,
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
    model_reason: Option<String>,
    #[serde(default = "selected")]
    selected: bool,
}

fn selected() -> bool {
    true
}

impl From<AssignmentBody> for PlannedAssignment {
    fn from(body: AssignmentBody) -> Self {
        Self {
            id: chosen(body.id),
            after: body.after,
            department: body.department,
            task: body.task,
            model: chosen(body.model),
            files: body.files,
            verify: body.verify,
            reason: body.reason.unwrap_or_default(),
            model_reason: body.model_reason.unwrap_or_default(),
            selected: body.selected,
        }
    }
}

#[derive(Debug, Deserialize)]
pub struct ReportPlan {
    #[serde(alias = "zhongshu_session_id", alias = "parent_session_id")]
    session_id: SessionId,
    #[serde(default)]
    plan: Option<PlanBody>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    assignments: Option<Vec<AssignmentBody>>,
}

#[derive(Debug, Deserialize)]
pub struct PlanBody {
    summary: String,
    assignments: Vec<AssignmentBody>,
}

pub async fn report(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<ReportPlan>,
) -> Result<Success<PlanReceipt>, ApiError> {
    let (summary, assignments) = match (wish.plan, wish.summary, wish.assignments) {
        (Some(plan), None, None) => (plan.summary, plan.assignments),
        (None, Some(summary), Some(assignments)) => (summary, assignments),
        _ => {
            let message = say!("refusal.plan_form");
            return Err(ApiError::invalid("invalid_plan", message));
        }
    };
    let proposal = Proposal {
        summary,
        assignments: assignments.into_iter().map(Into::into).collect(),
    };
    let receipt = app
        .agents
        .plans()
        .report(&caller.actor(), &wish.session_id, proposal)
        .await?;
    Ok(Success(receipt))
}

/// A planner's newest plan, as a person decides about it.
#[derive(Debug, Serialize)]
pub struct NewestPlan {
    session_id: SessionId,
    plan: Option<PlanView>,
    /// What the plan checks say about it.
    findings: Vec<FindingView>,
    /// Files beside it that nobody is known to have written.
    plan_files: Vec<PlanFileView>,
}

pub async fn newest(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Query(ById { id }): Query<ById>,
) -> Result<Success<NewestPlan>, ApiError> {
    let language = app.agents.core.policy().catalog.language;
    let (plan, plan_files) = app.agents.core.look_for(id.as_str(), |state| {
        let planner = planner(state, &id)?;
        let plan = planner.plan().map(|plan| PlanView::of(plan, language));
        Ok::<_, Refusal>((plan, PlanFileView::all(planner, language)))
    })??;
    let findings = match &plan {
        Some(plan) => findings_of(&app, plan, language).await?,
        None => Vec::new(),
    };
    Ok(Success(NewestPlan {
        session_id: id,
        plan,
        findings,
        plan_files,
    }))
}

/// What was found in a plan when it was reported, or in what was confirmed of it; a plan of an older launcher is checked now.
pub async fn findings_of(
    app: &App,
    plan: &PlanView,
    language: Language,
) -> Result<Vec<FindingView>, ApiError> {
    if let Some(stored) = plan.findings_of_lines() {
        return Ok(stored.to_vec());
    }
    let now = app.agents.plans().findings(plan.lines().to_vec()).await?;
    Ok(FindingView::all(&now, language))
}

/// Everything that a planner planned, newest first.
#[derive(Debug, Serialize)]
pub struct PlanVersions {
    session_id: SessionId,
    plans: Vec<PlanView>,
}

pub async fn versions(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Query(ById { id }): Query<ById>,
) -> Result<Success<PlanVersions>, ApiError> {
    let language = app.agents.core.policy().catalog.language;
    let plans = app.agents.core.look_for(id.as_str(), |state| {
        let plans = planner(state, &id)?.plans.iter().rev();
        let plans = plans.map(|plan| PlanView::of(plan, language));
        Ok::<_, Refusal>(plans.collect::<Vec<_>>())
    })??;
    Ok(Success(PlanVersions {
        session_id: id,
        plans,
    }))
}

#[derive(Debug, Deserialize)]
pub struct CheckPlan {
    assignments: Vec<AssignmentBody>,
    #[serde(default)]
    language: Option<Language>,
}

#[derive(Debug, Deserialize)]
pub struct ReadFiles {
    files: Vec<String>,
}

/// Each entry with what it covers now.
#[derive(Debug, Serialize)]
pub struct FilesRead {
    files: Vec<Entry>,
}

/// What entries of an assignment's files stand for now.
pub async fn read_files(
    State(app): State<App>,
    RequirePerson(_): RequirePerson,
    Body(wish): Body<ReadFiles>,
) -> Result<Success<FilesRead>, ApiError> {
    check_list(&wish.files, "files")?;
    hidden::refuse(&wish.files, "files")?;
    let files = app.entries(wish.files).await?;
    Ok(Success(FilesRead { files }))
}

/// What the plan checks say.
#[derive(Debug, Serialize)]
pub struct PlanChecked {
    findings: Vec<FindingView>,
}

/// What the plan checks would say about lines that a person is editing.
pub async fn check(
    State(app): State<App>,
    RequirePerson(_): RequirePerson,
    Body(wish): Body<CheckPlan>,
) -> Result<Success<PlanChecked>, ApiError> {
    check_entries(wish.assignments.len(), "assignments")?;
    let language = wish
        .language
        .unwrap_or(app.agents.core.policy().catalog.language);
    let lines = wish.assignments.into_iter().map(Into::into).collect();
    let findings = app.agents.plans().findings(lines).await?;
    Ok(Success(PlanChecked {
        findings: FindingView::all(&findings, language),
    }))
}

#[derive(Debug, Deserialize)]
pub struct StartAssignments {
    #[serde(alias = "zhongshu_session_id", alias = "session_id")]
    parent_session_id: SessionId,
    /// Left out: those that the plan proposes to start, as it proposes them.
    #[serde(default)]
    assignments: Option<Vec<AssignmentBody>>,
    #[serde(default)]
    plan_sha256: Option<String>,
    #[serde(default)]
    run_verify: Option<bool>,
    #[serde(default)]
    allow_overlap: bool,
    #[serde(default)]
    override_reason: Option<String>,
}

/// Work that was confirmed.
#[derive(Debug, Serialize)]
pub struct Confirmed {
    queued_count: usize,
    /// In the order in which they wait.
    assignments: Vec<Order>,
}

pub async fn confirm(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Keyed(wish, request): Keyed<StartAssignments>,
) -> Result<Success<Confirmed>, ApiError> {
    let assignments = match wish.assignments {
        Some(lines) => lines.into_iter().map(Into::into).collect(),
        None => proposed(&app, &wish.parent_session_id, wish.plan_sha256.as_deref())?,
    };
    let confirmation = Confirmation {
        parent_session_id: wish.parent_session_id,
        assignments,
        findings: Vec::new(),
        plan_sha256: wish.plan_sha256,
        run_verify: wish
            .run_verify
            .unwrap_or(app.agents.core.policy().run_verify),
        allow_overlap: wish.allow_overlap,
        override_reason: chosen(wish.override_reason),
        by_hand: false,
        request,
    };
    let orders = app
        .agents
        .plans()
        .confirm(&caller.actor(), confirmation)
        .await?;
    Ok(Success(Confirmed {
        queued_count: orders.len(),
        assignments: orders,
    }))
}

/// What the plan with this digest proposes, for who confirms it as it is. Whether it still waits is for the flow to say.
fn proposed(
    app: &App,
    id: &SessionId,
    sha256: Option<&str>,
) -> Result<Vec<PlannedAssignment>, ApiError> {
    let Some(sha256) = sha256 else {
        let message = say!("refusal.confirm_without_lines");
        return Err(ApiError::invalid("invalid_field", message));
    };
    let lines = app.agents.core.ledger.read(|state| {
        let mut plans = planner(state, id)?.plans.iter().rev();
        let plan = plans.find(|plan| plan.sha256 == sha256);
        Ok::<_, Refusal>(plan.map(|plan| plan.proposal.assignments.clone()))
    })?;
    lines.ok_or_else(|| ApiError::not_found("unknown_plan", say!("refusal.unknown_plan")))
}

#[derive(Debug, Deserialize)]
pub struct RejectPlan {
    #[serde(alias = "zhongshu_session_id", alias = "parent_session_id")]
    session_id: SessionId,
    reason: String,
    /// The plan that was seen; a newer one is another question.
    #[serde(default)]
    plan_sha256: Option<String>,
}

/// The plan that was rejected.
#[derive(Debug, Serialize)]
pub struct PlanRejected {
    version: u32,
}

pub async fn reject(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<RejectPlan>,
) -> Result<Success<PlanRejected>, ApiError> {
    let policy = app.agents.core.policy();
    let reject = move |state: &_| {
        plans::seen(state, &wish.session_id, wish.plan_sha256.as_deref())?;
        plans::reject(state, &policy.catalog, &wish.session_id, &wish.reason)
    };
    let version = app.agents.core.decide(caller.actor(), reject).await?;
    Ok(Success(PlanRejected { version }))
}

#[derive(Debug, Deserialize)]
pub struct ReviewPlan {
    #[serde(alias = "zhongshu_session_id", alias = "parent_session_id")]
    session_id: SessionId,
    version: u32,
    plan_sha256: String,
}

pub async fn have_reviewed(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<ReviewPlan>,
) -> Result<Done, ApiError> {
    let seen = SeenPlan {
        session_id: wish.session_id,
        version: wish.version,
        plan_sha256: wish.plan_sha256,
    };
    let rule = app.agents.core.policy().catalog.review;
    let ask = move |state: &_| review_wanted::ask(state, rule, &seen);
    app.agents.core.decide(caller.actor(), ask).await?;
    Ok(DONE)
}
