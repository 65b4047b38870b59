//! Briefs and prompts: what a session is, and what it is told first.

use crate::core::Core;
use crate::core::past::Beside;
use crate::core::policy::Policy;
use crate::core::workspace;
use crate::domain::assignment::Assignment;
use crate::domain::department::{Approval, MENXIA, Sandbox};
use crate::domain::driver::Driver;
use crate::domain::flow::plan_reviews;
use crate::domain::ids::SessionId;
use crate::domain::plan_review::ReviewedPlan;
use crate::domain::prompts::{self, Setting, Takeover};
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use crate::domain::session::{Brief, Kind, Session};
use crate::domain::state::State;
use crate::domain::words;
use crate::paths::Places;

/// Department key of a planner.
pub const ZHONGSHU: &str = "zhongshu";

/// A new planner.
pub fn planner(
    policy: &Policy,
    place: &Places,
    task: &str,
    model: Option<String>,
    from: Option<&Session>,
) -> Brief {
    let id = SessionId::fresh(ZHONGSHU);
    let role = &policy.planner;
    let (sandbox, approval) = powers(&role.driver, role.sandbox, role.approval);
    Brief {
        session_kind: Kind::Zhongshu,
        department: ZHONGSHU.to_owned(),
        title: words::text(policy.catalog.language, "session.planner").to_owned(),
        task: task.to_owned(),
        files: Vec::new(),
        verify: Vec::new(),
        model: model.or_else(|| role.model.clone()),
        driver: role.driver.clone(),
        sandbox,
        approval,
        parent_session_id: None,
        assignment_id: None,
        review: None,
        resumed_from_session_id: from.map(|session| session.id().clone()),
        prompt_path: place.prompt(&id),
        log_path: place.log(&id),
        id,
    }
}

/// A session for an assignment.
pub fn department(policy: &Policy, place: &Places, assignment: &Assignment) -> Brief {
    let order = &assignment.order;
    let id = SessionId::fresh(&order.department);
    let known = policy.catalog.department(&order.department);
    let title = known.map_or(order.department.as_str(), |department| {
        department.title.get(policy.catalog.language)
    });
    let driver = policy.driver_of(&order.department);
    let (sandbox, approval) = powers(
        driver,
        known
            .and_then(|department| department.sandbox)
            .unwrap_or(Sandbox::WorkspaceWrite),
        known
            .and_then(|department| department.approval)
            .unwrap_or(Approval::OnRequest),
    );
    Brief {
        session_kind: Kind::Department,
        department: order.department.clone(),
        title: title.to_owned(),
        task: order.task.clone(),
        files: order.files.clone(),
        verify: order.verify.clone(),
        model: order
            .model
            .clone()
            .or_else(|| policy.route_of(&order.department).model),
        driver: driver.clone(),
        sandbox,
        approval,
        parent_session_id: Some(order.parent_session_id.clone()),
        assignment_id: Some(order.assignment_id.clone()),
        review: None,
        resumed_from_session_id: None,
        prompt_path: place.prompt(&id),
        log_path: place.log(&id),
        id,
    }
}

/// A menxia session that reviews a plan of this planner. It reads only, unless the department is configured otherwise.
pub fn review(policy: &Policy, place: &Places, planner: &Session, plan: ReviewedPlan) -> Brief {
    let id = SessionId::fresh(MENXIA);
    let language = policy.catalog.language;
    let known = policy.catalog.department(MENXIA);
    let version = plan.plan_version;
    let driver = policy.driver_of(MENXIA);
    let (sandbox, approval) = powers(
        driver,
        known
            .and_then(|department| department.sandbox)
            .unwrap_or(Sandbox::ReadOnly),
        known
            .and_then(|department| department.approval)
            .unwrap_or(Approval::OnRequest),
    );
    Brief {
        session_kind: Kind::Department,
        department: MENXIA.to_owned(),
        title: known
            .map_or(MENXIA, |department| department.title.get(language))
            .to_owned(),
        task: say!("session.review_version_plan", version).text(language),
        files: Vec::new(),
        verify: Vec::new(),
        model: policy.route_of(MENXIA).model,
        driver: driver.clone(),
        sandbox,
        approval,
        parent_session_id: Some(planner.id().clone()),
        assignment_id: None,
        review: Some(plan),
        resumed_from_session_id: None,
        prompt_path: place.prompt(&id),
        log_path: place.log(&id),
        id,
    }
}

/// What holds a session back. The settings are Codex's; any other program runs as the person does, and asks nobody.
fn powers(driver: &Driver, sandbox: Sandbox, approval: Approval) -> (Sandbox, Approval) {
    match driver.has_sandbox() {
        true => (sandbox, approval),
        false => (Sandbox::DangerFullAccess, Approval::Never),
    }
}

/// The prompt of a session that reviews a plan.
fn review_prompt(setting: Setting<'_>, state: &State, brief: &Brief) -> Option<String> {
    let reviewed = brief.review.as_ref()?;
    let (planner, plan) = plan_reviews::subject(state, state.session(&brief.id)?)?;
    Some(prompts::review(setting, brief, reviewed, planner, plan))
}

/// The first prompt of a session. Who takes over from a planner hears of its work, also of what was put away.
///
/// # Errors
/// When that cannot be read now.
pub fn first(core: &Core, policy: &Policy, brief: &Brief) -> Result<String, Refusal> {
    let beside = brief.resumed_from_session_id.as_ref();
    let beside = beside.map_or(Beside::default(), Beside::work_of);
    core.look(&beside, |seen| {
        prompt(policy, &core.place, seen.state, brief)
    })
}

/// The first prompt of a session, from the state alone: a restart renders the same text.
pub fn prompt(policy: &Policy, place: &Places, state: &State, brief: &Brief) -> String {
    let mailbox_of = brief.parent_session_id.as_ref().unwrap_or(&brief.id);
    let incoming = place.incoming(mailbox_of);
    let setting = Setting {
        language: policy.catalog.language,
        project: &policy.project,
        repo: workspace::root(place, brief),
        workflow_doc: &policy.workflow_doc,
        incoming: &incoming,
        departments: &policy.catalog.departments,
        has_tools: brief.driver.has_tools(),
        reviewed: policy.catalog.review.required,
    };
    if let Some(prompt) = review_prompt(setting, state, brief) {
        return prompt;
    }
    match (
        brief.session_kind,
        brief
            .resumed_from_session_id
            .as_ref()
            .and_then(|old| state.session(old)),
    ) {
        (Kind::Department, _) => prompts::department(setting, brief),
        (Kind::Zhongshu, None) => prompts::planner(setting, brief),
        (Kind::Zhongshu, Some(old)) => {
            let reports: Vec<_> = state
                .reports
                .values()
                .filter(|report| {
                    let parent = &report.current().parent_session_id;
                    parent == old.id() || *parent == brief.id
                })
                .collect();
            let running: Vec<_> = state
                .children(&brief.id)
                .filter(|session| session.is_live() && !session.is_review())
                .collect();
            let from = Takeover {
                old,
                plan: old.plan(),
                reports: &reports,
                running: &running,
            };
            prompts::takeover(setting, brief, from)
        }
    }
}
