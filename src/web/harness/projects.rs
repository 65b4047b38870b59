//! Projects: groups of threads.

use super::App;
use crate::domain::harness::project::Project;
use crate::web::role::RequireMember;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// Every project.
#[derive(Serialize, ToSchema)]
pub(super) struct Projects {
    /// By name.
    data: Vec<Project>,
}

/// Lists the projects by name.
#[utoipa::path(get, path = "/projects", tag = "projects", operation_id = "projects_list",
    responses((status = 200, body = Projects)))]
pub(super) async fn list(_: RequireMember, State(app): State<App>) -> Json<Projects> {
    let all = |state: &crate::domain::harness::state::State| {
        state.projects.values().cloned().collect::<Vec<_>>()
    };
    let mut data = app.ledger.read(all);
    data.sort_by_cached_key(|project| project.name.to_lowercase());
    Json(Projects { data })
}
