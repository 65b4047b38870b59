//! Who this is, and how it fares.

use super::App;
use super::document::OfInput;
use super::input::Params;
use crate::codex::Status;
use crate::domain::harness::jobs::Counts;
use crate::web::role::RequireMember;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use utoipa::{IntoParams, ToSchema};

/// The server.
#[derive(Serialize, ToSchema)]
pub(super) struct Name {
    name: &'static str,
    version: &'static str,
}

/// Says who this is.
#[utoipa::path(get, path = "", tag = "system", operation_id = "name",
    responses((status = 200, body = Name)))]
pub(super) async fn name(_: RequireMember) -> Json<Name> {
    Json(Name {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
    })
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HealthQuery {
    /// Answers 503 while Codex cannot be asked.
    #[serde(default)]
    ready: bool,
}

/// How the server fares.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Health {
    /// Always `ok`: whoever can be asked is well.
    status: &'static str,
    /// Always `api`.
    service: &'static str,
    codex: CodexHealth,
    orchestrator_queue: QueueHealth,
    auth: AuthHealth,
    timestamp: DateTime<Utc>,
}

/// How Codex's app-server fares.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CodexHealth {
    running: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    initialized: bool,
    /// Why it does not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_exit: Option<String>,
}

/// How the queue of jobs fares: how many are how far, and in how many projects. While it is off nothing is counted.
#[derive(Default, Serialize, ToSchema)]
struct QueueHealth {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    queued: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    canceled: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    projects: Option<usize>,
}

/// What is known about the login.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AuthHealth {
    has_open_ai_api_key: bool,
    codex_home_auth_file: bool,
    likely_unauthenticated: bool,
}

/// Says how the server and Codex fare. Never fails, but for `ready`.
#[utoipa::path(get, path = "/health", tag = "system", operation_id = "health", params(HealthQuery),
    responses((status = 200, body = Health), (status = 503, body = Health), OfInput))]
pub(super) async fn health(
    _: RequireMember,
    State(app): State<App>,
    Params(query): Params<HealthQuery>,
) -> (StatusCode, Json<Health>) {
    let codex = codex(&app);
    let status = match query.ready && !codex.initialized {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false => StatusCode::OK,
    };
    let environment = app.core.config.environment();
    let home = home(&app);
    let health = Health {
        status: "ok",
        service: "api",
        codex,
        orchestrator_queue: queue(&app),
        auth: AuthHealth {
            has_open_ai_api_key: environment.get("OPENAI_API_KEY").is_some(),
            codex_home_auth_file: home.is_some_and(|home| home.join("auth.json").exists()),
            likely_unauthenticated: app.threads.logged_in() == Some(false),
        },
        timestamp: Utc::now(),
    };
    (status, Json(health))
}

fn queue(app: &App) -> QueueHealth {
    if !app.queue_is_on() {
        return QueueHealth::default();
    }
    let Counts {
        queued,
        running,
        completed,
        failed,
        canceled,
        projects,
    } = app.job_counts();
    QueueHealth {
        enabled: true,
        queued: Some(queued),
        running: Some(running),
        completed: Some(completed),
        failed: Some(failed),
        canceled: Some(canceled),
        projects: Some(projects),
    }
}

fn codex(app: &App) -> CodexHealth {
    let down = |last_exit| CodexHealth {
        running: false,
        pid: None,
        initialized: false,
        last_exit,
    };
    let codex = match &app.threads.codex {
        Ok(codex) => codex,
        Err(reason) => return down(Some(reason.en.clone())),
    };
    match &*codex.status().borrow() {
        Status::Ready { pid, .. } => CodexHealth {
            running: true,
            pid: Some(*pid),
            initialized: true,
            last_exit: None,
        },
        Status::Idle | Status::Starting | Status::Stopped => down(None),
        Status::Down { reason, .. } | Status::Unavailable { reason } => down(Some(reason.clone())),
    }
}

/// Codex's own folder, as it says itself, else as it was configured.
fn home(app: &App) -> Option<PathBuf> {
    if let Ok(codex) = &app.threads.codex
        && let Status::Ready { codex_home, .. } = &*codex.status().borrow()
    {
        return Some(codex_home.clone());
    }
    app.core.config.codex_home()
}
