//! Planners: start, list, hand over.

use super::ok;
use super::status::scene;
use crate::access::Lease;
use crate::domain::flow::named::unknown_session;
use crate::domain::ids::SessionId;
use crate::domain::refusal::Refusal;
use crate::governance::dossier::make as make_dossier;
use crate::sessions::office::Office;
use crate::web::app::App;
use crate::web::body::{Body, Keyed, Query};
use crate::web::caller::{Opener, RequirePerson, RequireReader};
use crate::web::error::ApiError;
use crate::web::views::{PlanView, ResultView, SessionView};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
pub struct StartZhongshu {
    task: String,
    #[serde(default)]
    model: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct RestartZhongshu {
    #[serde(alias = "zhongshu_session_id")]
    session_id: SessionId,
    #[serde(default)]
    model: Option<String>,
}

/// `?id=` of a session.
#[derive(Debug, Deserialize)]
pub struct ById {
    /// The session.
    #[serde(alias = "session_id")]
    pub id: SessionId,
}

/// Everything about one planner's work, read from the journal on disk.
pub async fn dossier(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Query(ById { id }): Query<ById>,
) -> Result<Json<Value>, ApiError> {
    let journal = app.office.place.journal();
    let language = app.office.policy().catalog.language;
    let wanted = id.clone();
    let made = tokio::task::spawn_blocking(move || make_dossier(&journal, wanted, language)).await;
    let markdown = made
        .map_err(|_| ApiError::internal())?
        .map_err(|error| ApiError::unavailable("journal_unreadable", format!("failed to {error}")))?
        .ok_or_else(|| unknown_session(&id))?;
    Ok(ok(json!({ "session_id": id, "markdown": markdown })))
}

/// An empty string in a form means "no choice".
pub fn chosen(model: Option<String>) -> Option<String> {
    model.filter(|model| !model.trim().is_empty())
}

pub async fn start(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Keyed(wish, request): Keyed<StartZhongshu>,
) -> Result<Json<Value>, ApiError> {
    let id = app
        .office
        .start_planner(&caller.actor(), &wish.task, chosen(wish.model), request)
        .await?;
    Ok(ok(
        json!({ "session": session_view(&app.office, &id, &opener)? }),
    ))
}

pub async fn restart(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<RestartZhongshu>,
) -> Result<Json<Value>, ApiError> {
    let id = app
        .office
        .restart_planner(&caller.actor(), &wish.session_id, chosen(wish.model))
        .await?;
    Ok(ok(
        json!({ "session": session_view(&app.office, &id, &opener)? }),
    ))
}

pub async fn list(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Opener(opener): Opener,
) -> Json<Value> {
    let language = app.office.policy().catalog.language;
    let planners: Vec<Value> = app.office.ledger.read(|state| {
        let scene = scene(&app.office, state, opener.as_ref());
        let planners = state
            .sessions
            .values()
            .rev()
            .filter(|session| session.is_planner());
        planners
            .map(|planner| {
                let mut view =
                    serde_json::to_value(scene.session(planner)).expect("a view is plain data");
                let children = scene.children(planner.id(), |_| true);
                view["children"] = json!(children);
                view["plan"] = json!(planner.plan().map(|plan| PlanView::of(plan, language)));
                view
            })
            .collect()
    });
    ok(json!({ "zhongshu_sessions": planners, "sessions": planners }))
}

pub async fn context(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Opener(opener): Opener,
    Query(ById { id }): Query<ById>,
) -> Result<Json<Value>, ApiError> {
    let language = app.office.policy().catalog.language;
    let context = app.office.ledger.read(|state| {
        let planner = crate::domain::flow::sessions::planner(state, &id)?;
        let scene = scene(&app.office, state, opener.as_ref());
        let reports: Vec<ResultView> = scene.results(&id, |_| true);
        Ok::<_, Refusal>(json!({
            "session": scene.session(planner),
            "task": planner.brief.task,
            "plan": planner.plan().map(|plan| PlanView::of(plan, language)),
            "reports": reports,
            "children": scene.children(&id, |_| true),
        }))
    });
    Ok(ok(context?))
}

/// One session, as the person sees it who asks.
pub fn session_view(
    office: &Office,
    id: &SessionId,
    opener: &Lease,
) -> Result<SessionView, ApiError> {
    let session = office.known_session(id)?;
    Ok(office
        .ledger
        .read(|state| scene(office, state, Some(opener)).session(&session)))
}
