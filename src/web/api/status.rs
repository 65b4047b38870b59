//! `GET /api/status`: everything at a glance.

use crate::access::Lease;
use crate::core::past::Beside;
use crate::core::powers::Question;
use crate::domain::attention::Item;
use crate::domain::department::Department;
use crate::domain::flow::holds::unreviewed;
use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::domain::state;
use crate::domain::state::recent::Page;
use crate::history::Kind;
use crate::sessions::open_terminals::TerminalView;
use crate::sessions::permission::Trust;
use crate::threads::ModelChoice;
use crate::web::app::App;
use crate::web::body::Query;
use crate::web::caller::{Opener, RequireReader};
use crate::web::error::ApiError;
use crate::web::paging::PageWish;
use crate::web::success::Success;
use crate::web::views::{CodexView, QueueItemView, SessionView, ViewContext};
use axum::extract::State;
use serde::Serialize;
use std::path::PathBuf;

/// Version of the API; the specification's number.
pub const API_VERSION: u32 = 8;

/// A department, for people and forms.
#[derive(Debug, Clone, Serialize)]
pub struct DepartmentView {
    /// Its key.
    pub key: String,
    /// Its name in the language in force.
    pub title: String,
    /// What it is for.
    pub duty: String,
    /// Paths it owns.
    pub files: Vec<String>,
    /// Commands that prove its work.
    pub verify: Vec<String>,
    /// The model its sessions use.
    pub model: Option<String>,
}

/// The whole answer.
#[derive(Debug, Clone, Serialize)]
pub struct StatusView {
    /// [`API_VERSION`].
    pub api_version: u32,
    /// The launcher's version.
    pub version: &'static str,
    /// The repository.
    pub repo: PathBuf,
    /// The project's name.
    pub project_name: String,
    /// The document with the project's rules.
    pub workflow_doc: String,
    /// Language of prompts and sentences.
    pub language: Language,
    /// Every department.
    pub departments: Vec<DepartmentView>,
    /// Terminals that are open.
    pub active_terminals: usize,
    /// Departments that run.
    pub active_department_sessions: usize,
    /// Planners that run.
    pub active_zhongshu_sessions: usize,
    /// Both.
    pub active_sessions_total: usize,
    /// Departments that hold a slot.
    pub slots_taken: usize,
    /// Results that nobody took notice of by name.
    pub unreviewed_results: usize,
    /// How many of them there may be before nothing more starts; null is no bound.
    pub review_limit: Option<usize>,
    /// Interactive terminals that may be open.
    pub max_terminals: usize,
    /// Departments that may work at the same time.
    pub max_department_sessions: usize,
    /// Models that may be chosen.
    pub model_choices: Vec<String>,
    /// What Codex offers, with how long each can think; empty until it was asked.
    pub model_choices_detail: Vec<ModelChoice>,
    /// Planners' model; null leaves it to Codex.
    pub zhongshu_model: Option<String>,
    /// Departments' model; null leaves it to Codex.
    pub department_model: Option<String>,
    /// Open terminals.
    pub browser_terminals: Vec<TerminalView>,
    /// What waits.
    pub queue: Vec<QueueItemView>,
    /// The same.
    pub department_queue: Vec<QueueItemView>,
    /// Whether dispatch is paused.
    pub queue_paused: bool,
    /// Sessions, newest first: what goes on and the newest of what is over, or the page that was asked for.
    pub sessions: Vec<SessionView>,
    /// How many sessions there are besides that are older; `GET /api/sessions?limit=` lists all, page by page.
    pub older_sessions: usize,
    /// Planners.
    pub zhongshu_sessions: Vec<SessionView>,
    /// Departments.
    pub department_sessions: Vec<SessionView>,
    /// Commits that went around the gate and that nobody took notice of.
    pub unapproved_commits: u64,
    /// Codex.
    pub codex: CodexView,
    /// Whether Codex may work here.
    pub trust: Trust,
    /// What `governance.yaml` asks for beyond the safe defaults, and whether a person has to answer.
    pub powers: Question,
    /// Newest event.
    pub seq: u64,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// How many things wait for a person; `GET /api/attention` lists them.
    pub attention_count: usize,
}

/// Answers `/api/status`.
pub async fn status(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Opener(opener): Opener,
    Query(wish): Query<PageWish<SessionId>>,
) -> Result<Success<StatusView>, ApiError> {
    let page = wish.page()?;
    view(&app, opener.as_ref(), page.as_ref()).map(Success)
}

/// Looks at everything once, at one moment.
fn view(
    app: &App,
    opener: Option<&Lease>,
    page: Option<&Page<SessionId>>,
) -> Result<StatusView, ApiError> {
    let agents = &app.agents;
    let policy = agents.core.policy();
    let title = |key: &str| {
        let known = policy.catalog.department(key);
        known.map_or_else(
            || key.to_owned(),
            |department| department.title.get(policy.catalog.language).to_owned(),
        )
    };
    let limits = agents.queue().limits();
    let beside = match page {
        Some(page) => Beside::default().and(Kind::All, page),
        None => Beside::default(),
    };
    let (
        (sessions, older_sessions, active),
        queue,
        queue_paused,
        slots_taken,
        unreviewed_results,
        unapproved_commits,
        seq,
    ) = agents.core.look(&beside, |seen| {
        let state = seen.state;
        let scene = ViewContext::of(agents, state, opener);
        let (recent, beyond) = match page {
            Some(page) => (state.page_of_sessions(page), seen.older(page)),
            None => (state.recent_sessions(), 0),
        };
        (
            (
                scene.sessions(&recent.shown),
                recent.older + beyond,
                Active::of(state),
            ),
            scene.queue(&limits, policy.catalog.language, title),
            state.queue_paused,
            state.slots_taken(),
            unreviewed(state),
            state.reviews.unreviewed_count(),
            state.seq,
        )
    })?;
    let is_planner = |session: &&SessionView| session.planner.is_some();
    let zhongshu_sessions: Vec<_> = sessions.iter().filter(is_planner).cloned().collect();
    let department_sessions: Vec<_> = sessions
        .iter()
        .filter(|session| !is_planner(session))
        .cloned()
        .collect();
    let waiting = app.attention.items(agents, policy.catalog.language);
    let warnings = waiting.iter().filter_map(Item::warning);
    let browser_terminals = agents.open_terminals().views(opener);
    Ok(StatusView {
        api_version: API_VERSION,
        version: env!("CARGO_PKG_VERSION"),
        repo: agents.core.place.repo.clone(),
        project_name: policy.project.clone(),
        workflow_doc: policy.workflow_doc.clone(),
        language: policy.catalog.language,
        departments: policy
            .catalog
            .departments
            .iter()
            .map(|d| department(d, policy.catalog.language))
            .collect(),
        active_terminals: browser_terminals
            .iter()
            .filter(|terminal| terminal.status == "running")
            .count(),
        active_department_sessions: active.all - active.planners,
        active_zhongshu_sessions: active.planners,
        active_sessions_total: active.all,
        slots_taken,
        unreviewed_results,
        review_limit: policy.review_limit,
        max_terminals: policy.max_terminals,
        max_department_sessions: policy.slots,
        model_choices: policy.catalog.models.clone().unwrap_or_default(),
        model_choices_detail: app.agents.threads.models(),
        zhongshu_model: policy.planner.model.clone(),
        department_model: policy.department_model.clone(),
        browser_terminals,
        department_queue: queue.clone(),
        queue,
        queue_paused,
        sessions,
        older_sessions,
        zhongshu_sessions,
        department_sessions,
        unapproved_commits,
        codex: CodexView::of(agents, policy.catalog.language),
        trust: agents.permission().question(policy.catalog.language),
        powers: agents.core.powers(policy.catalog.language),
        seq,
        warnings: warnings.map(ToOwned::to_owned).collect(),
        attention_count: waiting.len(),
    })
}

/// How many sessions live.
struct Active {
    all: usize,
    planners: usize,
}

impl Active {
    fn of(state: &state::State) -> Self {
        let live = state.live_sessions();
        let (mut all, mut planners) = (0, 0);
        for session in live {
            all += 1;
            planners += usize::from(session.is_planner());
        }
        Self { all, planners }
    }
}

fn department(department: &Department, language: Language) -> DepartmentView {
    DepartmentView {
        key: department.key.clone(),
        title: department.title.get(language).to_owned(),
        duty: department.duty.get(language).to_owned(),
        files: department.globs.clone(),
        verify: department.verify.clone(),
        model: department.model.clone(),
    }
}
