//! `GET /api/status`: everything at a glance.

use crate::access::Lease;
use crate::codex::features::{Feature, Lack};
use crate::core::powers::Question;
use crate::domain::department::Department;
use crate::domain::fault::{Fault, Shared};
use crate::domain::flow::holds::unreviewed;
use crate::domain::language::Language;
use crate::ledger::Health;
use crate::sessions::agents::Agents;
use crate::sessions::open_terminals::TerminalView;
use crate::sessions::permission::Trust;
use crate::threads::{Abilities, NOT_LOGGED_IN};
use crate::web::app::App;
use crate::web::caller::{Opener, RequireReader};
use crate::web::success::Success;
use crate::web::views::{QueueItemView, SessionView, ViewContext};
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

/// Codex, as a person needs to know it.
#[derive(Debug, Clone, Serialize)]
pub struct CodexView {
    /// `untrusted`, `starting`, `ready`, `down`, `unavailable`, `stopped` or `unused`.
    pub state: &'static str,
    /// Why, and what to do.
    pub reason: Option<String>,
    /// What it says it is.
    pub user_agent: Option<String>,
    /// What this version of it cannot do, and is switched off for that reason; null while that is not known.
    pub lacks: Option<Vec<LackView>>,
}

/// Something that the installed Codex cannot do.
#[derive(Debug, Clone, Serialize)]
pub struct LackView {
    /// Which.
    pub feature: Feature,
    /// The methods that it does not have.
    pub methods: Vec<&'static str>,
    /// What that means.
    pub loss: String,
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
    /// Every session, newest first.
    pub sessions: Vec<SessionView>,
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
}

/// Answers `/api/status`.
pub async fn status(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Opener(opener): Opener,
) -> Success<StatusView> {
    Success(view(&app, opener.as_ref()))
}

/// Looks at everything once, at one moment.
pub fn view(app: &App, opener: Option<&Lease>) -> StatusView {
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
    let (sessions, queue, queue_paused, slots_taken, unreviewed_results, unapproved_commits, seq) =
        agents.core.ledger.read(|state| {
            let scene = ViewContext::of(agents, state, opener);
            (
                scene.sessions(),
                scene.queue(&limits, policy.catalog.language, title),
                state.queue_paused,
                state.slots_taken(),
                unreviewed(state),
                state.reviews.unreviewed_count(),
                state.seq,
            )
        });
    let is_planner = |session: &&SessionView| session.planner.is_some();
    let zhongshu_sessions: Vec<_> = sessions.iter().filter(is_planner).cloned().collect();
    let department_sessions: Vec<_> = sessions
        .iter()
        .filter(|session| !is_planner(session))
        .cloned()
        .collect();
    let active = |list: &[SessionView]| {
        list.iter()
            .filter(|session| session.ended_at.is_none())
            .count()
    };
    let browser_terminals = agents.open_terminals().views(opener);
    StatusView {
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
        active_department_sessions: active(&department_sessions),
        active_zhongshu_sessions: active(&zhongshu_sessions),
        active_sessions_total: active(&sessions),
        slots_taken,
        unreviewed_results,
        review_limit: policy.review_limit,
        max_terminals: policy.max_terminals,
        max_department_sessions: policy.slots,
        model_choices: policy.catalog.models.clone().unwrap_or_default(),
        zhongshu_model: policy.planner.model.clone(),
        department_model: policy.department_model.clone(),
        browser_terminals,
        department_queue: queue.clone(),
        queue,
        queue_paused,
        sessions,
        zhongshu_sessions,
        department_sessions,
        unapproved_commits,
        codex: codex(agents, policy.catalog.language),
        trust: agents.permission().question(policy.catalog.language),
        powers: agents.core.powers(policy.catalog.language),
        seq,
        warnings: warnings(agents),
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

/// Codex, as a person needs to know it.
pub fn codex(agents: &Agents, language: Language) -> CodexView {
    use crate::codex::Status;
    let (state, reason, user_agent) = match &agents.threads.codex {
        // Nobody asked for it: no fault, and nothing to mend.
        Err(_) if !agents.core.policy().uses_codex() => ("unused", None, None),
        Err(reason) => ("unavailable", Some(reason.get(language).to_owned()), None),
        Ok(codex) => match &*codex.status().borrow() {
            Status::Idle if agents.permission().is_given() => ("starting", None, None),
            Status::Idle => ("untrusted", Some(not_started(agents, language)), None),
            Status::Starting => ("starting", None, None),
            Status::Ready { user_agent, .. } => ("ready", None, Some(user_agent.clone())),
            Status::Down { reason, .. } => ("down", Some(reason.clone()), None),
            Status::Unavailable { reason } => ("unavailable", Some(reason.clone()), None),
            Status::Stopped => ("stopped", None, None),
        },
    };
    CodexView {
        state,
        reason,
        user_agent,
        lacks: lacks(&agents.threads.abilities(), language),
    }
}

fn lacks(abilities: &Abilities, language: Language) -> Option<Vec<LackView>> {
    let Abilities::AllBut(lacks) = abilities else {
        return None;
    };
    let view = |lack: &Lack| LackView {
        feature: lack.feature,
        methods: lack.methods.clone(),
        loss: lack.feature.loss().get(language).to_owned(),
    };
    Some(lacks.iter().map(view).collect())
}

/// What is known of Codex before it may run, and what is not.
fn not_started(agents: &Agents, language: Language) -> String {
    let program = agents.threads.program.display();
    match language {
        Language::En => format!(
            "{program} is there and starts when you allow Codex to work here; its login and its models are known only then (`zhongshu doctor` \
             looks at the login)"
        ),
        Language::Zh => format!(
            "{program} 已找到，在您允许 Codex 在此工作后启动；登录状态和可用模型要到那时才知道（`zhongshu doctor` 可检查登录）"
        ),
    }
}

fn warnings(agents: &Agents) -> Vec<String> {
    let policy = agents.core.policy();
    let mut warnings = policy.warnings();
    warnings.extend(agents.core.troubles.warnings(policy.catalog.language));
    if let Health::ReadOnly { reason, .. } = &agents.core.ledger.status().borrow().health {
        warnings.push(reason.clone());
    }
    match agents.threads.abilities() {
        Abilities::AllBut(lacks) => warnings.extend(lacks.iter().map(|lack| {
            let (loss, methods) = (lack.feature.loss(), lack.methods.join("`, `"));
            let loss = loss.get(policy.catalog.language);
            format!("{loss} (it lacks `{methods}`)")
        })),
        Abilities::Untold(reason) => warnings.push(format!(
            "it is not known what this Codex can do, so everything is tried: {reason}"
        )),
        Abilities::Unknown => {}
    }
    if agents.threads.logged_in() == Some(false) {
        warnings.push(format!("{NOT_LOGGED_IN}, then start or resume a session"));
    }
    let held = |(shared, fault): (&Shared, &Fault)| {
        format!(
            "work for {} waits, because session {} failed with it: {}; `POST /api/queue/resume` tries again",
            shared.name(),
            fault.session_id,
            fault.reason
        )
    };
    warnings.extend(
        agents
            .core
            .ledger
            .read(|state| state.faults.iter().map(held).collect::<Vec<_>>()),
    );
    warnings
}
