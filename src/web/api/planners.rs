//! Planners: start, list, hand over.

use crate::access::Lease;
use crate::core::past::{Beside, Seen};
use crate::domain::flow::named::unknown_session;
use crate::domain::ids::SessionId;
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use crate::domain::state::recent::{NEWEST, OVER, Page};
use crate::governance::dossier::make as make_dossier;
use crate::history::Kind;
use crate::sessions::agents::Agents;
use crate::web::app::App;
use crate::web::body::{Body, Keyed, Query};
use crate::web::caller::{Opener, RequirePerson, RequireReader};
use crate::web::error::ApiError;
use crate::web::paging::PageWish;
use crate::web::success::Success;
use crate::web::views::{PlanView, ResultView, SessionView, ViewContext};
use axum::extract::State;
use serde::{Deserialize, Serialize};

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

/// A session after something was done to it.
#[derive(Debug, Serialize)]
pub struct OneSession {
    session: SessionView,
}

/// A planner's work as a document.
#[derive(Debug, Serialize)]
pub struct DossierView {
    session_id: SessionId,
    markdown: String,
}

/// Planners, newest first.
#[derive(Debug, Serialize)]
pub struct PlannerList {
    zhongshu_sessions: Vec<PlannerWithWork>,
    /// The same.
    sessions: Vec<PlannerWithWork>,
    /// How many planners there are besides that are over, and older.
    older_sessions: usize,
}

/// A planner with what it planned and who does it.
#[derive(Debug, Clone, Serialize)]
pub struct PlannerWithWork {
    #[serde(flatten)]
    session: SessionView,
    /// Its departments, newest first; of those that are over the newest 200.
    children: Vec<SessionView>,
    /// Its newest plan.
    plan: Option<PlanView>,
}

/// What a planner that takes over has to know.
#[derive(Debug, Serialize)]
pub struct PlannerContext {
    session: SessionView,
    /// What it was asked to plan.
    task: String,
    /// Its newest plan.
    plan: Option<PlanView>,
    /// Its departments' results, newest first, at most 200.
    reports: Vec<ResultView>,
    /// How many there are besides.
    older_reports: usize,
    /// Its departments, newest first; of those that are over the newest 200.
    children: Vec<SessionView>,
    /// How many there are besides.
    older_children: usize,
}

/// What came of one planner's work, read from the journal on disk.
pub async fn dossier(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Query(ById { id }): Query<ById>,
) -> Result<Success<DossierView>, ApiError> {
    let journal = app.agents.core.place.journal();
    let language = app.agents.core.policy().catalog.language;
    let wanted = id.clone();
    let made = tokio::task::spawn_blocking(move || make_dossier(&journal, wanted, language)).await;
    let markdown = made
        .map_err(|_| ApiError::internal())?
        .map_err(|error| ApiError::unavailable("journal_unreadable", say!("reason.failed", error)))?
        .ok_or_else(|| unknown_session(&id))?;
    Ok(Success(DossierView {
        session_id: id,
        markdown,
    }))
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
) -> Result<Success<OneSession>, ApiError> {
    let id = app
        .agents
        .sessions()
        .start_planner(&caller.actor(), &wish.task, chosen(wish.model), request)
        .await?;
    session_view(&app.agents, &id, &opener)
}

pub async fn restart(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<RestartZhongshu>,
) -> Result<Success<OneSession>, ApiError> {
    let id = app
        .agents
        .sessions()
        .restart_planner(&caller.actor(), &wish.session_id, chosen(wish.model))
        .await?;
    session_view(&app.agents, &id, &opener)
}

pub async fn list(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Opener(opener): Opener,
    Query(wish): Query<PageWish<SessionId>>,
) -> Result<Success<PlannerList>, ApiError> {
    let page = wish.page()?;
    let language = app.agents.core.policy().catalog.language;
    let beside = match &page {
        Some(page) => Beside::default().and(Kind::Planners, page),
        None => Beside::default(),
    };
    let seen = app.agents.core.look(&beside, |seen| {
        let state = seen.state;
        let scene = ViewContext::of(&app.agents, state, opener.as_ref());
        // Those that live stand before the first page, and on no other.
        let live = state.live_sessions().filter(|it| it.is_planner());
        let live = match &page {
            None => Vec::from_iter(live),
            Some(_) => Vec::new(),
        };
        let page = page.clone().unwrap_or(Page::newest(OVER));
        let past = state.page_of_past_planners(&page);
        let planners = live.into_iter().rev().chain(past.shown);
        let planners = planners.map(|planner| PlannerWithWork {
            session: scene.session(planner),
            children: scene.children(planner.id(), |_| true).0,
            plan: planner.plan().map(|plan| PlanView::of(plan, language)),
        });
        (Vec::from_iter(planners), past.older + seen.older(&page))
    });
    let (planners, older_sessions) = seen?;
    Ok(Success(PlannerList {
        zhongshu_sessions: planners.clone(),
        sessions: planners,
        older_sessions,
    }))
}

pub async fn context(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Opener(opener): Opener,
    Query(ById { id }): Query<ById>,
) -> Result<Success<PlannerContext>, ApiError> {
    let language = app.agents.core.policy().catalog.language;
    let context = app
        .agents
        .core
        .look(&Beside::work_of(&id), |Seen { state, .. }| {
            let planner = crate::domain::flow::sessions::planner(state, &id)?;
            let scene = ViewContext::of(&app.agents, state, opener.as_ref());
            let (children, older_children) = scene.children(&id, |_| true);
            let reports = state.page_of_reports(&id, &Page::newest(NEWEST), |_| true);
            Ok::<_, Refusal>(PlannerContext {
                session: scene.session(planner),
                task: planner.brief.task.clone(),
                plan: planner.plan().map(|plan| PlanView::of(plan, language)),
                reports: scene.results(reports.shown),
                older_reports: reports.older,
                children,
                older_children,
            })
        })?;
    Ok(Success(context?))
}

/// One session, as the person sees it who asks.
pub fn session_view(
    agents: &Agents,
    id: &SessionId,
    opener: &Lease,
) -> Result<Success<OneSession>, ApiError> {
    let session = agents.core.known_session(id)?;
    let session = agents
        .core
        .ledger
        .read(|state| ViewContext::of(agents, state, Some(opener)).session(&session));
    Ok(Success(OneSession { session }))
}
