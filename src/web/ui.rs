//! The dashboard's routes: the inert shell, its assets, and the fragments that a logged-in page fetches.

mod extensions;
mod find;
mod thread;
mod threads;

use super::api::reviews;
use super::app::App;
use super::attention::house;
use super::body::Query;
use super::caller::RequirePerson;
use super::error::ApiError;
use super::pages::{self, Codex, Desk, TerminalItem, Work, chosen_planner};
use super::paging::MAX_PAGE;
use super::table::Table;
use super::views::{AllUsage, CodexView, ON_PAGE, PlanFileView, PlanView, RuleView, ViewContext};
use super::{api, assets};
use crate::core::past::{Beside, Seen};
use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::domain::review::GitId;
use crate::domain::sentence::say;
use crate::domain::state::recent::{OVER, Page};
use crate::gate::review::Wanted;
use crate::git::diff::{OVERVIEW, WHOLE_FILE};
use crate::history::Kind;
use crate::ledger::Health;
use crate::web::api::reports::ReportQuery;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::response::Html;
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Display;

/// Every route of the dashboard.
pub fn table() -> Table<App> {
    Table::new()
        .get("/", shell)
        .get("/assets/{*path}", assets::handler)
        .get("/ui/work", work)
        .get("/ui/report", report)
        .get("/ui/review", review)
        .get("/ui/review/file", review_file)
        .get("/ui/extensions", extensions::page)
        .get("/ui/find", find::page)
        .get("/ui/threads", threads::page)
        .get("/ui/thread", thread::page)
        .get("/ui/thread/item", thread::row)
}

#[derive(Debug, Deserialize)]
struct Wish {
    #[serde(default)]
    lang: Option<String>,
    #[serde(default)]
    session_id: Option<String>,
    /// How many planners are listed that are over.
    #[serde(default)]
    planners: Option<usize>,
}

/// Departments of a planner that was put away which the page shows.
const OF_OLD: usize = 30;

fn language(app: &App, lang: Option<&str>, headers: &HeaderMap) -> Language {
    let accepted = headers
        .get(ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    let setting = app.agents.core.policy().language_setting;
    let chosen = app.preferences.get().language.or(setting);
    pages::language(lang, chosen, accepted)
}

fn html(rendered: Result<String, impl Display>) -> Result<Html<String>, ApiError> {
    rendered.map(Html).map_err(|error| {
        tracing::error!(%error, "a page could not be rendered");
        ApiError::internal()
    })
}

async fn shell(
    State(app): State<App>,
    headers: HeaderMap,
    Query(wish): Query<Wish>,
) -> Result<Html<String>, ApiError> {
    let language = language(&app, wish.lang.as_deref(), &headers);
    html(pages::render_shell(language, &app.preferences.get()))
}

async fn work(
    State(app): State<App>,
    _: RequirePerson,
    headers: HeaderMap,
    Query(wish): Query<Wish>,
) -> Result<Html<String>, ApiError> {
    let agents = &app.agents;
    let policy = agents.core.policy();
    let language = language(&app, wish.lang.as_deref(), &headers);
    let title = |key: &str| {
        policy.catalog.department(key).map_or_else(
            || key.to_owned(),
            |known| known.title.get(language).to_owned(),
        )
    };
    // One look at one moment: a plan never stands beside the queue of another.
    let limits = agents.queue().limits();
    let house = house(agents, language);
    let mut beside = Beside::default();
    let departments = Page::<SessionId>::newest(OF_OLD);
    if let Some(named) = &wish.session_id
        && !agents
            .core
            .ledger
            .read(|state| state.named(named).is_some())
    {
        beside = Beside::named(named).and(Kind::DepartmentsOf(named), &departments);
    }
    // The newest stand in the state.
    let planners = Page::<SessionId>::newest(wish.planners.unwrap_or(OVER).min(MAX_PAGE));
    if planners.limit > OVER {
        beside = beside.and(Kind::Planners, &planners);
    }
    let seen = agents.core.look(&beside, |Seen { state, seq, .. }| {
        let scene = ViewContext::of(agents, state, None);
        let chosen = chosen_planner(state, wish.session_id.as_deref()).cloned();
        let planner = chosen.as_ref().and_then(|id| state.session(id));
        let waiting = app.attention.look(agents, state, &limits, house, language);
        let desk = Desk::of(state, chosen.as_ref(), planners.limit, &waiting);
        let plans: Vec<PlanView> = planner
            .map(|p| {
                let plans = p.plans.iter().rev();
                plans.map(|plan| PlanView::of(plan, language)).collect()
            })
            .unwrap_or_default();
        let files = planner
            .map(|p| {
                let files = &p.plan_files;
                let all = PlanFileView::all(p, language);
                (all, files.gave_way, files.are_enough())
            })
            .unwrap_or_default();
        (
            seq,
            scene.sessions(&desk.sessions),
            plans,
            files,
            scene.results(desk.unread),
            scene.results(desk.read),
            desk.more,
            scene.queue(&limits, language, title),
            state.queue_paused,
            RuleView::all(state, &policy.allow),
            state.slots_taken(),
            chosen,
            waiting,
            AllUsage::of(agents, state, &limits.bounds, language, ON_PAGE),
        )
    })?;
    let (
        seq,
        sessions,
        plans,
        files,
        unread,
        read,
        more,
        queue,
        queue_paused,
        rules,
        slots_taken,
        chosen,
        waiting,
        usage,
    ) = seen;
    let findings = match plans.first() {
        Some(plan) => api::plans::findings_of(&app, plan, language).await?,
        None => Vec::new(),
    };
    let terminals: Vec<TerminalItem> = agents
        .open_terminals()
        .views(None)
        .into_iter()
        .filter(|terminal| terminal.session_id.is_none())
        .map(|terminal| TerminalItem {
            id: terminal.id,
            title: terminal.title,
            ended: terminal.status == "exited",
        })
        .collect();
    let codex = CodexView::of(agents, language);
    let t = pages::Words::of(language);
    let codex_reason = codex.reason.as_deref().map(|it| t.said(it));
    let powers = agents.core.powers(language);
    let health = agents.core.ledger.status().borrow().health.clone();
    let read_only = matches!(health, Health::ReadOnly { .. });
    let departments = &policy.catalog.departments;
    let attention = html(pages::render_attention(
        &waiting,
        &sessions,
        departments,
        language,
    ))?;
    let rendered = pages::render_work(&Work {
        language,
        seq,
        project_name: &policy.project,
        repo: &agents.core.place.repo.to_string_lossy(),
        codex: Codex {
            state: codex.state,
            reason: codex_reason.as_deref(),
        },
        powers: &powers,
        read_only,
        waiting: &waiting,
        departments: &policy.catalog.departments,
        model_choices: policy.catalog.models.as_deref().unwrap_or_default(),
        sessions: &sessions,
        chosen: chosen.as_ref(),
        plans: &plans,
        plan_files: &files.0,
        plan_files_gone: files.1,
        plan_files_enough: files.2,
        findings: &findings,
        unread: &unread,
        read: &read,
        more,
        queue: &queue,
        queue_paused,
        rules: &rules,
        run_verify: agents.core.policy().run_verify,
        plans_are_reviewed: agents.core.policy().catalog.review.required,
        slots_taken,
        slots: policy.slots,
        usage: &usage,
        terminals: &terminals,
    });
    html(rendered.map(|work| work + &attention.0))
}

#[derive(Debug, Deserialize)]
struct ReportWish {
    #[serde(default)]
    lang: Option<String>,
    #[serde(flatten)]
    report: ReportQuery,
}

async fn report(
    State(app): State<App>,
    _: RequirePerson,
    headers: HeaderMap,
    Query(wish): Query<ReportWish>,
) -> Result<Html<String>, ApiError> {
    let language = language(&app, wish.lang.as_deref(), &headers);
    let report: Value = app.report(wish.report.request(language)?).await?;
    let departments = app.agents.core.policy().catalog.departments.clone();
    html(pages::render_report(&report, &departments, language))
}

async fn review(
    State(app): State<App>,
    _: RequirePerson,
    headers: HeaderMap,
    Query(wish): Query<Wish>,
) -> Result<Html<String>, ApiError> {
    let language = language(&app, wish.lang.as_deref(), &headers);
    let (limits, only) = (OVERVIEW, None);
    let review = app.review(language, Some(Wanted { limits, only })).await?;
    let view = reviews::view(&app, review, language);
    let departments = app.agents.core.policy().catalog.departments.clone();
    html(pages::render_review(&view, &departments, language))
}

#[derive(Debug, Deserialize)]
struct FileWish {
    #[serde(default)]
    lang: Option<String>,
    file: usize,
    tree: GitId,
}

async fn review_file(
    State(app): State<App>,
    _: RequirePerson,
    headers: HeaderMap,
    Query(wish): Query<FileWish>,
) -> Result<Html<String>, ApiError> {
    let language = language(&app, wish.lang.as_deref(), &headers);
    let (limits, only) = (WHOLE_FILE, Some(wish.file));
    let review = app.review(language, Some(Wanted { limits, only })).await?;
    reviews::still(&review, &wish.tree)?;
    let view = reviews::view(&app, review, language);
    let text = pages::render_review_file(&view, wish.file, language).transpose();
    html(text.ok_or_else(|| ApiError::not_found("unknown_file", say!("refusal.unknown_file")))?)
}
