//! Jobs. Their queue is switched off, which is said in the shape of the queue's own refusals.

use super::super::input::{Input, Params};
use crate::harness::refused::Refused;
use crate::web::error::ApiError;
use crate::web::harness::document::OfInput;
use crate::web::harness::error::Problem;
use crate::web::role::{RequireAdmin, RequireMember};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// How far a job is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum JobState {
    /// It waits.
    Queued,
    /// It runs.
    Running,
    /// It has its result.
    Completed,
    /// It will have none.
    Failed,
    /// Somebody took it back.
    Canceled,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct JobsQuery {
    /// Only jobs that are this far.
    #[expect(dead_code, reason = "there is no job that it could choose")]
    #[param(inline)]
    state: Option<JobState>,
}

fn off() -> ApiError {
    Refused::queue_is_off().into()
}

/// Lists the jobs of a project.
#[utoipa::path(get, path = "/projects/{projectId}/orchestrator/jobs", tag = "jobs", operation_id = "jobs_list",
    params(JobsQuery, ("projectId" = String, Path, description = "The project.")),
    responses(OfInput, (status = 503, body = Problem, description = "The queue is switched off.")))]
pub(super) async fn list(_: RequireMember, _: Params<JobsQuery>) -> ApiError {
    off()
}

/// Tells of a job.
#[utoipa::path(get, path = "/orchestrator/jobs/{jobId}", tag = "jobs", operation_id = "jobs_read",
    params(("jobId" = String, Path, description = "The job.")),
    responses((status = 503, body = Problem, description = "The queue is switched off.")))]
pub(super) async fn read(_: RequireMember) -> ApiError {
    off()
}

/// Takes a job back.
#[utoipa::path(post, path = "/orchestrator/jobs/{jobId}/cancel", tag = "jobs", operation_id = "jobs_cancel",
    params(("jobId" = String, Path, description = "The job.")),
    responses(OfInput, (status = 503, body = Problem, description = "The queue is switched off.")))]
pub(super) async fn cancel(_: RequireAdmin, _: Input<Value>) -> ApiError {
    off()
}
