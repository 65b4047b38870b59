//! Projects: made, named, emptied and deleted.

use super::App;
use super::error::Problem;
use super::gate::named;
use super::input::{Input, Text};
use super::operations::Operations;
use super::sessions::{Done, Nothing};
use crate::domain::harness::project::Project;
use crate::harness::projects::Destination;
use crate::web::error::ApiError;
use crate::web::role::{RequireAdmin, RequireMember};
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

type Answer<T> = Result<Json<T>, ApiError>;

/// All operations.
pub(super) fn routes(to: Operations) -> Operations {
    to.routes(routes!(list, create))
        .routes(routes!(rename))
        .routes(routes!(delete))
        .routes(routes!(agents))
        .routes(routes!(move_all))
        .routes(routes!(delete_all))
}

/// The project in the path: opaque text.
pub(super) struct InPath(String);

impl FromRequestParts<App> for InPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        Ok(Self(named(parts, "projectId").await?))
    }
}

/// Every project.
#[derive(Serialize, ToSchema)]
pub(super) struct Projects {
    /// By name.
    data: Vec<Project>,
}

/// Lists the projects by name.
#[utoipa::path(get, path = "/projects", tag = "projects", operation_id = "projects_list",
    responses((status = 200, body = Projects), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn list(_: RequireMember, State(app): State<App>) -> Json<Projects> {
    let data = app.projects();
    Json(Projects { data })
}

/// A name, and where new sessions begin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProjectFields {
    /// No other project has it, whatever its case.
    name: Text<1, 120>,
    /// `null`: in the repository. Left out when a project is renamed: as it is.
    #[serde(default, deserialize_with = "perhaps")]
    #[schema(value_type = Option<Text<0, 2000>>)]
    working_directory: Option<Option<Text<0, 2000>>>,
}

/// Tells a field that is `null` from one that is not there.
fn perhaps<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl ProjectFields {
    fn working_directory(self) -> Option<Option<String>> {
        let text = |text: Text<0, 2000>| Some(text.0).filter(|text| !text.is_empty());
        self.working_directory.map(|given| given.and_then(text))
    }
}

/// A project that was made.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatedProject {
    status: Done,
    project: Project,
    /// Always `null`: no session is begun with a project.
    orchestration_session: Option<String>,
}

/// Makes a project.
#[utoipa::path(post, path = "/projects", tag = "projects", operation_id = "projects_create", request_body = ProjectFields,
    responses((status = 200, body = CreatedProject), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 409, body = Problem, description = "another project has the name"),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 507, body = Problem)))]
pub(super) async fn create(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    Input(body): Input<ProjectFields>,
) -> Answer<CreatedProject> {
    let name = body.name.0.clone();
    let place = body.working_directory().flatten();
    let project = app.create_project(acting.actor(), name, place).await?;
    Ok(Json(CreatedProject {
        status: Done::Ok,
        project,
        orchestration_session: None,
    }))
}

/// A project as it is now.
#[derive(Serialize, ToSchema)]
pub(super) struct RenamedProject {
    status: Done,
    project: Project,
}

/// Gives a project another name, and another place where one is given.
#[utoipa::path(post, path = "/projects/{projectId}/rename", tag = "projects", operation_id = "projects_rename",
    params(("projectId" = String, Path)), request_body = ProjectFields,
    responses((status = 200, body = RenamedProject), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "another project has the name"), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 507, body = Problem)))]
pub(super) async fn rename(
    RequireAdmin(acting): RequireAdmin,
    InPath(id): InPath,
    State(app): State<App>,
    Input(body): Input<ProjectFields>,
) -> Answer<RenamedProject> {
    let name = body.name.0.clone();
    let place = body.working_directory();
    let project = app.rename_project(acting.actor(), id, name, place).await?;
    Ok(Json(RenamedProject {
        status: Done::Ok,
        project,
    }))
}

/// A project that is gone.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeletedProject {
    status: Done,
    project_id: String,
    /// Always 0: a project with sessions in it is not deleted.
    unassigned_session_count: u32,
}

/// Deletes a project that nothing is in.
#[utoipa::path(delete, path = "/projects/{projectId}", tag = "projects", operation_id = "projects_delete",
    params(("projectId" = String, Path)),
    responses((status = 200, body = DeletedProject), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem, description = "a session is in it"),
        (status = 507, body = Problem)))]
pub(super) async fn delete(
    RequireAdmin(acting): RequireAdmin,
    InPath(project_id): InPath,
    State(app): State<App>,
) -> Answer<DeletedProject> {
    app.delete_project(acting.actor(), project_id.clone())
        .await?;
    Ok(Json(DeletedProject {
        status: Done::Ok,
        project_id,
        unassigned_session_count: 0,
    }))
}

/// An agent at work.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AgentSession {
    /// What it is there for.
    agent: String,
    session_id: String,
    /// Whether it can only be read.
    system_owned: bool,
}

/// The agents at work for a project.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AgentSessions {
    status: Done,
    project_id: String,
    data: Vec<AgentSession>,
}

/// Lists the agents that work for a project, or for one session that is in none.
#[utoipa::path(get, path = "/projects/{projectId}/agent-sessions", tag = "projects", operation_id = "projects_agent_sessions",
    params(("projectId" = String, Path, description = "a project, or `session:<id>`")),
    responses((status = 200, body = AgentSessions), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn agents(
    _: RequireMember,
    InPath(project_id): InPath,
    State(app): State<App>,
) -> Answer<AgentSessions> {
    let agents = app.agents_of(&project_id).await?;
    let data = agents.into_iter().map(|(agent, id)| AgentSession {
        agent,
        system_owned: app.is_system_owned(&id),
        session_id: id,
    });
    Ok(Json(AgentSessions {
        status: Done::Ok,
        project_id,
        data: data.collect(),
    }))
}

/// Where sessions go.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Whereto {
    /// Into no project.
    Unassigned,
    /// Into no project, and put away.
    Archive,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct MoveSessions {
    destination: Whereto,
}

/// How many went.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MovedSessions {
    status: Done,
    project_id: String,
    destination: Whereto,
    /// Those that are in the project no more.
    moved_session_count: usize,
    /// Of these, those that were put away.
    archived_session_count: usize,
    /// Of these, those that had been put away before.
    already_archived_session_count: usize,
}

/// Moves all sessions out of a project.
#[utoipa::path(post, path = "/projects/{projectId}/chats/move-all", tag = "projects", operation_id = "projects_move_all",
    params(("projectId" = String, Path)), request_body = MoveSessions,
    responses((status = 200, body = MovedSessions), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "nothing was said in some of them yet, and nothing was done"),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 500, body = Problem),
        (status = 503, body = Problem), (status = 507, body = Problem)))]
pub(super) async fn move_all(
    RequireAdmin(acting): RequireAdmin,
    InPath(project_id): InPath,
    State(app): State<App>,
    Input(MoveSessions { destination }): Input<MoveSessions>,
) -> Answer<MovedSessions> {
    let whereto = match destination {
        Whereto::Unassigned => Destination::Unassigned,
        Whereto::Archive => Destination::Archive,
    };
    let moved = app.move_all(acting.actor(), &project_id, whereto).await?;
    Ok(Json(MovedSessions {
        status: Done::Ok,
        project_id,
        destination,
        moved_session_count: moved.moved,
        archived_session_count: moved.archived,
        already_archived_session_count: moved.already_archived,
    }))
}

/// A session that is still there.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SkippedSession {
    session_id: String,
    /// Why, as a sentence.
    reason: String,
}

/// How many are gone.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeletedSessions {
    status: Done,
    project_id: String,
    deleted_session_count: usize,
    skipped_session_count: usize,
    skipped: Vec<SkippedSession>,
}

/// Deletes all sessions of a project, as far as each can be.
#[utoipa::path(post, path = "/projects/{projectId}/chats/delete-all", tag = "projects", operation_id = "projects_delete_all",
    params(("projectId" = String, Path)), request_body = Nothing,
    responses((status = 200, body = DeletedSessions), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn delete_all(
    RequireAdmin(acting): RequireAdmin,
    InPath(project_id): InPath,
    State(app): State<App>,
    Input(Nothing {}): Input<Nothing>,
) -> Answer<DeletedSessions> {
    let emptied = app.delete_all(&acting.actor(), &project_id).await?;
    let skipped = emptied
        .skipped
        .into_iter()
        .map(|(session_id, no)| SkippedSession {
            session_id,
            reason: no.message.to_string(),
        });
    let skipped: Vec<_> = skipped.collect();
    Ok(Json(DeletedSessions {
        status: Done::Ok,
        project_id,
        deleted_session_count: emptied.deleted,
        skipped_session_count: skipped.len(),
        skipped,
    }))
}
