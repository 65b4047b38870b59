//! Jobs: queued, listed, taken back, tried again. While their queue is off all of this is refused.

use super::super::App;
use super::super::gate::named;
use super::super::input::{Input, Params, Text};
use crate::domain::harness::job::{Dedupe, Job, JobId, JobState, NewJob, Priority};
use crate::domain::harness::project::ProjectId;
use crate::domain::sentence::say;
use crate::harness::queue::{Enqueued, read_work};
use crate::harness::refused::Refused;
use crate::web::error::ApiError;
use crate::web::harness::document::OfInput;
use crate::web::harness::error::Problem;
use crate::web::harness::sessions::Done;
use crate::web::role::{RequireAdmin, RequireMember};
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

type Answer<T> = Result<Json<T>, ApiError>;

/// The job in the path, while there is a queue that it could be in.
pub(super) struct OfJob(JobId);

impl FromRequestParts<App> for OfJob {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        app.queue_must_be_on()?;
        Ok(Self(JobId(named(parts, "jobId").await?)))
    }
}

/// The project in the path, which may be `session:<id>`.
pub(super) struct OfProject(ProjectId);

impl FromRequestParts<App> for OfProject {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        Ok(Self(ProjectId(named(parts, "projectId").await?)))
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct JobsQuery {
    /// Only jobs that are this far.
    #[param(inline)]
    state: Option<JobState>,
}

/// Jobs.
#[derive(Serialize, ToSchema)]
pub(super) struct Jobs {
    /// The oldest first.
    data: Vec<Job>,
}

/// Lists the jobs of a project.
#[utoipa::path(get, path = "/projects/{projectId}/orchestrator/jobs", tag = "jobs", operation_id = "jobs_list",
    params(JobsQuery, ("projectId" = String, Path, description = "The project; `session:<id>` for a session without one.")),
    responses((status = 200, body = Jobs), OfInput, (status = 503, body = Problem, description = "The queue is switched off.")))]
pub(super) async fn list(
    _: RequireMember,
    State(app): State<App>,
    OfProject(project_id): OfProject,
    Params(query): Params<JobsQuery>,
) -> Answer<Jobs> {
    app.queue_must_be_on()?;
    let data = app.jobs(Some(&project_id), query.state);
    Ok(Json(Jobs { data }))
}

/// A job.
#[derive(Serialize, ToSchema)]
pub(super) struct JobAnswer {
    status: Done,
    job: Job,
}

/// Tells of a job.
#[utoipa::path(get, path = "/orchestrator/jobs/{jobId}", tag = "jobs", operation_id = "jobs_read",
    params(("jobId" = String, Path, description = "The job.")),
    responses((status = 200, body = JobAnswer), (status = 404, body = Problem),
        (status = 503, body = Problem, description = "The queue is switched off.")))]
pub(super) async fn read(
    _: RequireMember,
    State(app): State<App>,
    OfJob(id): OfJob,
) -> Answer<JobAnswer> {
    let job = app.job(&id)?;
    Ok(Json(JobAnswer {
        status: Done::Ok,
        job,
    }))
}

/// Takes a job back: at once while it waits; one that runs is interrupted, and may still say so in the answer.
#[utoipa::path(post, path = "/orchestrator/jobs/{jobId}/cancel", tag = "jobs", operation_id = "jobs_cancel",
    params(("jobId" = String, Path, description = "The job.")),
    responses((status = 200, body = JobAnswer), OfInput, (status = 404, body = Problem),
        (status = 409, body = Problem, description = "It is over; `job` is the job."),
        (status = 503, body = Problem, description = "The queue is switched off."), (status = 507, body = Problem)))]
pub(super) async fn cancel(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    OfJob(id): OfJob,
    _: Input<Value>,
) -> Answer<JobAnswer> {
    let job = app.cancel_job(&acting.actor(), &id).await?;
    Ok(Json(JobAnswer {
        status: Done::Ok,
        job,
    }))
}

/// Puts a job that failed or was taken back into the queue again, as if it were new.
#[utoipa::path(post, path = "/orchestrator/jobs/{jobId}/retry", tag = "jobs", operation_id = "jobs_retry",
    params(("jobId" = String, Path, description = "The job.")),
    responses((status = 200, body = JobAnswer), OfInput, (status = 404, body = Problem),
        (status = 409, body = Problem, description = "It waits, runs or has its result, or another one is the same; `job` is that one."),
        (status = 410, body = Problem, description = "Its session was deleted."),
        (status = 429, body = Problem, description = "The queue is full."),
        (status = 503, body = Problem, description = "The queue is switched off."), (status = 507, body = Problem)))]
pub(super) async fn retry(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    OfJob(id): OfJob,
    _: Input<Value>,
) -> Answer<JobAnswer> {
    let job = app.retry_job(&acting.actor(), &id).await?;
    Ok(Json(JobAnswer {
        status: Done::Ok,
        job,
    }))
}

/// What is to be done.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobWish {
    /// `suggest_request` or `agent_instruction`.
    #[serde(rename = "type")]
    #[schema(example = "suggest_request")]
    kind: String,
    /// The project of its session, which may be left out.
    #[serde(default)]
    #[schema(example = "session:01900000-0000-7000-8000-000000000001")]
    project_id: Option<String>,
    /// What its type asks for; it names the session.
    #[schema(value_type = Object, example = json!({
        "sessionId": "01900000-0000-7000-8000-000000000001", "requestKey": "next"
    }))]
    payload: Value,
    /// When another job takes its place.
    #[serde(default = "single_flight")]
    dedupe: Dedupe,
    /// What makes another job the same one; left out: what its type says.
    #[serde(default)]
    dedupe_key: Option<Text<1, 800>>,
    /// Whether somebody waits for it.
    #[serde(default)]
    priority: Priority,
}

const fn single_flight() -> Dedupe {
    Dedupe::SingleFlight
}

/// Whether a job is a new one.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Deduped {
    /// It came into the queue.
    Enqueued,
    /// Another one takes its place.
    AlreadyQueued,
}

/// A job that will be done, or was.
#[derive(Serialize, ToSchema)]
pub(super) struct JobQueued {
    /// Always `queued`.
    #[schema(example = "queued")]
    status: &'static str,
    dedupe: Deduped,
    job: Job,
}

/// Puts a job into the queue.
#[utoipa::path(post, path = "/orchestrator/jobs", tag = "jobs", operation_id = "jobs_create", request_body = JobWish,
    responses((status = 202, body = JobQueued), OfInput,
        (status = 404, body = Problem, description = "There is no such session or project."),
        (status = 409, body = Problem, description = "No job is of this type, or its payload does not fit."),
        (status = 410, body = Problem, description = "Its session was deleted."),
        (status = 429, body = Problem, description = "The queue is full."),
        (status = 503, body = Problem, description = "The queue is switched off."), (status = 507, body = Problem)))]
pub(super) async fn create(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    Input(wish): Input<JobWish>,
) -> Result<(StatusCode, Json<JobQueued>), ApiError> {
    app.queue_must_be_on()?;
    let work = read_work(&wish.kind, wish.payload)?;
    let session_id = work.session_id().to_owned();
    app.knows_all().await;
    app.drivable(&session_id)?;
    let project_id = app.project_of(&session_id);
    let named = [wish.project_id.as_deref(), work.project_id()];
    if named.into_iter().flatten().any(|it| it != project_id.0) {
        let message = say!("refusal.harness.job_project", project_id = project_id.0);
        return Err(Refused::invalid_payload("projectId", message)
            .of_session(&session_id)
            .into());
    }
    let new = NewJob {
        project_id,
        source_session_id: Some(session_id),
        work,
        dedupe: wish.dedupe,
        dedupe_key: wish.dedupe_key.map(|it| it.0),
        priority: wish.priority,
    };
    let (dedupe, job) = match app.enqueue(&acting.actor(), new).await? {
        Enqueued::New(job) => (Deduped::Enqueued, job),
        Enqueued::Already(job) => (Deduped::AlreadyQueued, job),
    };
    let queued = JobQueued {
        status: "queued",
        dedupe,
        job,
    };
    Ok((StatusCode::ACCEPTED, Json(queued)))
}
