//! Sessions: listed, begun, read, loaded, named, grouped, put away, fetched back and deleted.

use super::App;
use super::error::Problem;
use super::gate::{Drivable, Readable};
use super::input::{Count, Input, Params, Text};
use super::operations::Operations;
use crate::domain::harness::controls::{ApprovalPolicy, FilesystemSandbox, NetworkAccess};
use crate::domain::harness::project::ProjectId;
use crate::domain::harness::row::TranscriptEntry;
use crate::harness::refused::Refused;
use crate::harness::sessions::{Beginning, Tool, Wanted};
use crate::harness::summary::SessionSummary;
use crate::harness::transcript;
use crate::web::error::ApiError;
use crate::web::role::{RequireAdmin, RequireMember};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

/// Tools that one session may have of a client.
const MAX_TOOLS: usize = 128;

type Answer<T> = Result<Json<T>, ApiError>;

/// All operations.
pub(super) fn routes(to: Operations) -> Operations {
    to.routes(routes!(list, begin))
        .routes(routes!(get, delete))
        .routes(routes!(resume))
        .routes(routes!(rename))
        .routes(routes!(assign))
        .routes(routes!(archive))
        .routes(routes!(unarchive))
}

/// What is always said with a yes.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Done {
    /// It is done.
    Ok,
}

/// A body without fields, which may be missing.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Nothing {}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListQuery {
    /// Those that are put away instead of the others.
    #[serde(default)]
    archived: bool,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many.
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 200, default = 100)]
    limit: Count<1, 200, 100>,
    /// Also those that the launcher drives.
    #[serde(default)]
    include_system_owned: bool,
}

/// A page of sessions, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionPage {
    data: Vec<SessionSummary>,
    /// Where the next page goes on; `null` on the last one.
    next_cursor: Option<String>,
    archived: bool,
}

/// Lists sessions, newest first.
#[utoipa::path(get, path = "/sessions", tag = "sessions", operation_id = "sessions_list", params(ListQuery),
    responses((status = 200, body = SessionPage),
        (status = 400, body = Problem, description = "a parameter does not fit, or the cursor is of no such list"),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn list(
    _: RequireMember,
    State(app): State<App>,
    Params(query): Params<ListQuery>,
) -> Answer<SessionPage> {
    let wanted = Wanted {
        archived: query.archived,
        cursor: query.cursor,
        limit: query.limit.0 as usize,
        include_system_owned: query.include_system_owned,
    };
    let (data, next_cursor) = app.list(&wanted).await?;
    Ok(Json(SessionPage {
        data,
        next_cursor,
        archived: wanted.archived,
    }))
}

/// A tool that a client performs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DynamicTool {
    /// What the model calls it by.
    name: Text<1, 128>,
    /// What the model is told of it.
    description: String,
    /// A JSON schema of its arguments.
    #[schema(value_type = Object)]
    input_schema: Map<String, Value>,
}

/// At most [`MAX_TOOLS`].
fn tools<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<DynamicTool>>, D::Error> {
    let tools = Option::<Vec<DynamicTool>>::deserialize(deserializer)?;
    match &tools {
        Some(tools) if tools.len() > MAX_TOOLS => Err(serde::de::Error::custom(format!(
            "at most {MAX_TOOLS} tools are taken"
        ))),
        _ => Ok(tools),
    }
}

/// What a session begins with. What is left out is as for every new one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BeginSession {
    /// Where its commands run; relative to the repository, and inside of it.
    cwd: Option<String>,
    /// One of the models that are on offer.
    model: Option<String>,
    approval_policy: Option<ApprovalPolicy>,
    network_access: Option<NetworkAccess>,
    filesystem_sandbox: Option<FilesystemSandbox>,
    /// Tools that the client performs, at most 128.
    #[serde(default, deserialize_with = "tools")]
    dynamic_tools: Option<Vec<DynamicTool>>,
}

/// A session, and Codex's own object.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionThread {
    session: SessionSummary,
    #[schema(value_type = Object)]
    thread: Value,
}

/// Begins a session.
#[utoipa::path(post, path = "/sessions", tag = "sessions", operation_id = "sessions_create", request_body = BeginSession,
    responses((status = 200, body = SessionThread),
        (status = 400, body = Problem, description = "a field does not fit, or there is no such model or folder"),
        (status = 401, body = Problem), (status = 403, body = Problem, description = "above a ceiling"),
        (status = 409, body = Problem, description = "nobody has allowed Codex to work here"),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 500, body = Problem),
        (status = 503, body = Problem), (status = 507, body = Problem)))]
pub(super) async fn begin(
    RequireAdmin(acting): RequireAdmin,
    State(app): State<App>,
    Input(body): Input<BeginSession>,
) -> Answer<SessionThread> {
    let tools = body.dynamic_tools.unwrap_or_default().into_iter();
    let tools = tools.map(|tool| Tool {
        name: tool.name.0,
        description: tool.description,
        input_schema: tool.input_schema,
    });
    let beginning = Beginning {
        cwd: body.cwd,
        model: body.model,
        approval_policy: body.approval_policy,
        network_access: body.network_access,
        filesystem_sandbox: body.filesystem_sandbox,
        dynamic_tools: tools.collect(),
    };
    let (known, thread) = app.begin(&acting.into(), beginning).await?;
    let session = app.summary_now(&known);
    Ok(Json(SessionThread { session, thread }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TurnsQuery {
    /// How many of its newest turns.
    #[serde(default)]
    #[param(value_type = u32, minimum = 1, maximum = 500, default = 200)]
    turns: Count<1, 500, 200>,
}

/// A session with its newest turns.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WholeSession {
    session: SessionSummary,
    /// Codex's own object, with turns, oldest first.
    #[schema(value_type = Object)]
    thread: Value,
    /// What was said and done in these turns, oldest first.
    transcript: Vec<TranscriptEntry>,
    /// There when the session has older turns.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Reads a session with its newest turns.
#[utoipa::path(get, path = "/sessions/{sessionId}", tag = "sessions", operation_id = "sessions_get",
    params(("sessionId" = String, Path), TurnsQuery),
    responses((status = 200, body = WholeSession), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 410, body = Problem, description = "it was deleted here"), (status = 500, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn get(
    _: RequireMember,
    Readable(known): Readable,
    State(app): State<App>,
    Params(query): Params<TurnsQuery>,
) -> Answer<WholeSession> {
    let (thread, transcript, next_cursor) = transcript::of(&app, &known, query.turns.0).await?;
    Ok(Json(WholeSession {
        session: app.summary_now(&known),
        thread,
        transcript,
        next_cursor,
    }))
}

/// What a session is loaded with: nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResumeSession {
    /// Refused: Codex takes tools at the start of a session only.
    #[schema(value_type = Option<Vec<DynamicTool>>)]
    dynamic_tools: Option<Value>,
}

/// Loads a session into Codex's memory.
#[utoipa::path(post, path = "/sessions/{sessionId}/resume", tag = "sessions", operation_id = "sessions_resume",
    params(("sessionId" = String, Path)), request_body = ResumeSession,
    responses((status = 200, body = SessionThread), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "it is put away"), (status = 410, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 500, body = Problem),
        (status = 501, body = Problem, description = "tools were given"), (status = 503, body = Problem)))]
pub(super) async fn resume(
    _: RequireAdmin,
    Drivable(known): Drivable,
    State(app): State<App>,
    Input(body): Input<ResumeSession>,
) -> Answer<SessionThread> {
    if body.dynamic_tools.is_some() {
        return Err(Refused::tools_at_start().of_session(&known.id).into());
    }
    let thread = app.resume(&known).await?;
    let session = app.summary_now(&known);
    Ok(Json(SessionThread { session, thread }))
}

/// A session's name.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct RenameSession {
    title: Text<1, 200>,
}

/// A session as it is now.
#[derive(Serialize, ToSchema)]
pub(super) struct RenamedSession {
    status: Done,
    session: SessionSummary,
}

/// Names a session.
#[utoipa::path(post, path = "/sessions/{sessionId}/rename", tag = "sessions", operation_id = "sessions_rename",
    params(("sessionId" = String, Path)), request_body = RenameSession,
    responses((status = 200, body = RenamedSession), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "it is put away"), (status = 410, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 500, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn rename(
    _: RequireAdmin,
    Drivable(known): Drivable,
    State(app): State<App>,
    Input(body): Input<RenameSession>,
) -> Answer<RenamedSession> {
    app.rename(&known, body.title.0).await?;
    Ok(Json(RenamedSession {
        status: Done::Ok,
        session: app.summary_now(&known),
    }))
}

/// Where a session belongs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssignSession {
    /// The project; `null` for none.
    #[serde(deserialize_with = "given")]
    #[schema(required = true)]
    project_id: Option<ProjectId>,
}

/// A field that must be there, if only as `null`.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// Where a session belongs now, and did before.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssignedSession {
    status: Done,
    session_id: String,
    project_id: Option<ProjectId>,
    previous_project_id: Option<ProjectId>,
}

/// Puts a session into a project, or takes it out of its own.
#[utoipa::path(post, path = "/sessions/{sessionId}/project", tag = "sessions", operation_id = "sessions_project",
    params(("sessionId" = String, Path)), request_body = AssignSession,
    responses((status = 200, body = AssignedSession), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem),
        (status = 404, body = Problem, description = "there is no such session, or no such project"),
        (status = 410, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
        (status = 503, body = Problem), (status = 507, body = Problem)))]
pub(super) async fn assign(
    RequireAdmin(acting): RequireAdmin,
    Drivable(known): Drivable,
    State(app): State<App>,
    Input(body): Input<AssignSession>,
) -> Answer<AssignedSession> {
    let project_id = body.project_id.clone();
    let previous_project_id = app.assign(acting.actor(), &known, body.project_id).await?;
    Ok(Json(AssignedSession {
        status: Done::Ok,
        session_id: known.id,
        project_id,
        previous_project_id,
    }))
}

/// A session that something was done to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ArchivedSession {
    status: Done,
    session_id: String,
}

/// Puts a session away. A turn that runs is broken off.
#[utoipa::path(post, path = "/sessions/{sessionId}/archive", tag = "sessions", operation_id = "sessions_archive",
    params(("sessionId" = String, Path)), request_body = Nothing,
    responses((status = 200, body = ArchivedSession), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "nothing was said in it yet"), (status = 410, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 500, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn archive(
    _: RequireAdmin,
    Drivable(known): Drivable,
    State(app): State<App>,
    Input(Nothing {}): Input<Nothing>,
) -> Answer<ArchivedSession> {
    app.archive(&known).await?;
    Ok(Json(ArchivedSession {
        status: Done::Ok,
        session_id: known.id,
    }))
}

/// A session that is back.
#[derive(Serialize, ToSchema)]
pub(super) struct UnarchivedSession {
    status: Done,
    session: SessionSummary,
    #[schema(value_type = Object)]
    thread: Value,
}

/// Fetches a session back.
#[utoipa::path(post, path = "/sessions/{sessionId}/unarchive", tag = "sessions", operation_id = "sessions_unarchive",
    params(("sessionId" = String, Path)), request_body = Nothing,
    responses((status = 200, body = UnarchivedSession), (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 410, body = Problem),
        (status = 413, body = Problem), (status = 415, body = Problem), (status = 500, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn unarchive(
    _: RequireAdmin,
    Drivable(known): Drivable,
    State(app): State<App>,
    Input(Nothing {}): Input<Nothing>,
) -> Answer<UnarchivedSession> {
    app.unarchive(&known).await?;
    let thread = app.thread_as_it_is(&known).await?;
    Ok(Json(UnarchivedSession {
        status: Done::Ok,
        session: app.summary_now(&known),
        thread,
    }))
}

/// A session that is gone.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeletedSession {
    status: Done,
    session_id: String,
    title: String,
    /// Files that are gone; 0 while copies of the session need them.
    deleted_file_count: usize,
}

/// Deletes a session for good. A turn that runs is broken off.
#[utoipa::path(delete, path = "/sessions/{sessionId}", tag = "sessions", operation_id = "sessions_delete",
    params(("sessionId" = String, Path)),
    responses((status = 200, body = DeletedSession), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 410, body = Problem, description = "it was deleted before"),
        (status = 503, body = Problem), (status = 507, body = Problem)))]
pub(super) async fn delete(
    RequireAdmin(acting): RequireAdmin,
    Drivable(known): Drivable,
    State(app): State<App>,
) -> Answer<DeletedSession> {
    let deleted = app.delete(acting.actor(), &known).await?;
    Ok(Json(DeletedSession {
        status: Done::Ok,
        session_id: known.id,
        title: deleted.title,
        deleted_file_count: deleted.files,
    }))
}
