//! What the API and the pages show: the state, seen together with what was observed since.
//!
//! Field names are the contract's. Nothing here changes anything, and nothing here reads a file.

use crate::access::Lease;
use crate::core::live::{Activity, Live, Observed, moment};
use crate::domain::department::{Approval, Sandbox};
use crate::domain::doing::{Doing, Moment, Thresholds};
use crate::domain::flow::plan_reviews;
use crate::domain::flow::sessions::has_reported;
use crate::domain::handoff::MAILBOX_ROOT;
use crate::domain::ids::{AssignmentId, ReportId, SessionId, TerminalId};
use crate::domain::plan_review::ReviewedPlan;
use crate::domain::result::TaskResult;
use crate::domain::sentence::say;
use crate::domain::session::{Kind, Outcome, RejectedFile, Session};
use crate::domain::state::State;
use crate::domain::state::recent::NEWEST;
use crate::sessions::agents::Agents;
use chrono::{DateTime, Utc};
use codex_terminal::descriptor::Mode;
use serde::Serialize;
use std::path::{Path, PathBuf};

mod codex;
mod doing;
mod extensions;
mod found;
mod jobs;
mod plan;
mod plan_file;
mod queue;
mod results;
mod rules;
mod suggestion;
mod thread;
mod threads;
mod usage;
pub mod work;

pub use codex::CodexView;
pub use doing::DoingView;
pub use extensions::{ExtensionItem, ExtensionList, ExtensionSaid, ExtensionState};
pub use found::{FoundSession, FoundView};
pub use jobs::{JobItem, JobList};
pub use plan::{ConfirmedView, FindingView, PlanView, ReviewView};
pub use plan_file::PlanFileView;
pub use queue::QueueItemView;
pub use results::{EvidenceView, ResultView};
pub use rules::RuleView;
pub use suggestion::{NewestSuggestion, SuggestionState, SuggestionView};
pub use thread::{SettingsView, ThreadView, WaitingMessage};
pub use threads::{
    ChatView, NO_PROJECT, SHOWN, ThreadGroup, ThreadItem, ThreadList, ThreadOwner, ThreadsWanted,
    models,
};
pub use usage::{
    AllUsage, BudgetView, BudgetsView, DepartmentUsage, MAX_LISTED, ON_PAGE, SessionUsage,
    SpentView, UsageView,
};

/// Gives the address of a terminal.
pub type AddressOf<'a> = Box<dyn Fn(&TerminalId) -> Option<String> + 'a>;

/// What a view needs beside the state.
pub struct ViewContext<'a> {
    /// The journalled state.
    pub state: &'a State,
    /// What was observed.
    pub live: &'a Live,
    /// The repository.
    pub repo: &'a Path,
    /// When a session counts as silent, and when as looping.
    pub thresholds: Thresholds,
    /// Why Codex cannot be asked, if that is so.
    pub codex_down: Option<String>,
    /// Now.
    pub now: Moment,
    /// The address of a terminal that is open, for who asks; `None` for those who may not open any.
    pub address: AddressOf<'a>,
}

/// A session, as every list shows it.
#[derive(Debug, Clone, Serialize)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// Key of its department; `zhongshu` for a planner.
    pub department: String,
    /// The same; the first implementation's name for it.
    pub role: String,
    /// Planner or department.
    pub session_kind: Kind,
    /// Name for people.
    pub title: String,
    /// Process id of what runs it, if it has a process of its own.
    pub pid: Option<u32>,
    /// Model override.
    pub model: Option<String>,
    /// `codex` or the name of a command driver.
    pub driver: String,
    /// What its commands may do: `danger-full-access` for every command driver, which no sandbox holds.
    pub sandbox: Sandbox,
    /// When it asks a person.
    pub approval: Approval,
    /// Codex thread.
    pub thread_id: Option<String>,
    /// Its first prompt.
    pub prompt_path: PathBuf,
    /// Its transcript.
    pub log_path: PathBuf,
    /// `starting`, `running`, `closing`, or how it ended.
    pub status: &'static str,
    /// Why it ended, as a sentence, when there is one.
    pub status_reason: Option<String>,
    /// Exit code of its program.
    pub exit_code: Option<i32>,
    /// What it is doing, and why it does not go on.
    pub doing: DoingView,
    /// `working`, `idle`, `blocked` (waits for a person) or `unknown`.
    pub activity: Activity,
    /// When it was registered, or started again.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// What it was asked to do.
    pub task: String,
    /// Paths it may change.
    pub files: Vec<String>,
    /// Commands that prove its work.
    pub verify: Vec<String>,
    /// `active`, `stalled`, `exited` or `unknown`.
    pub heartbeat_status: &'static str,
    /// Seconds since its last sign of life.
    pub idle_seconds: Option<u64>,
    /// Its last sign of life.
    pub last_activity_at: Option<DateTime<Utc>>,
    /// Its terminal.
    pub browser_terminal_id: Option<TerminalId>,
    /// `running`, `exited` or `none`.
    pub browser_terminal_status: &'static str,
    /// Where to watch and type; `null` without a terminal that runs, and for those who may not.
    pub browser_terminal_url: Option<String>,
    /// Title of that terminal.
    pub browser_terminal_title: Option<String>,
    /// Whether that terminal shows another thread than this session's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub browser_terminal_elsewhere: bool,
    /// What is known of its thread.
    #[serde(flatten)]
    pub thread: ThreadView,
    /// Its planner's mailbox.
    pub mailbox: MailboxView,
    /// The planner it reports to.
    pub parent_session_id: Option<SessionId>,
    /// The last lines of its transcript.
    pub transcript_preview: String,
    /// The plan that it reviews, when that is its job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviews_plan: Option<ReviewedPlan>,
    /// Whether ended work can go on with `POST /api/resume_session`.
    pub can_resume: bool,
    /// What it has taken.
    pub usage: UsageView,
    /// What only planners have.
    #[serde(flatten)]
    pub planner: Option<PlannerView>,
    /// What only departments have.
    #[serde(flatten)]
    pub report: Option<ReportStatusView>,
}

/// What a program reads of a session whose terminal shows another thread; pages have it in their own language.
const TERMINAL_ELSEWHERE: &str =
    "its terminal shows another thread; close it and open it again to come back";

impl SessionView {
    /// Why, as far as the page does not say it in words of its own.
    pub fn reason_shown(&self) -> Option<&String> {
        let reason = self.status_reason.as_ref();
        reason.filter(|reason| *reason != TERMINAL_ELSEWHERE)
    }
}

/// Folders of a mailbox, absolute.
#[derive(Debug, Clone, Serialize)]
pub struct MailboxView {
    /// The mailbox.
    pub root: PathBuf,
    /// Where results are dropped.
    pub incoming: PathBuf,
    /// Where they end up.
    pub archive: PathBuf,
}

/// What only planners have.
#[derive(Debug, Clone, Serialize)]
pub struct PlannerView {
    /// Results that nobody read yet.
    pub unread_result_count: usize,
    /// Its departments, oldest first; of those that are over the newest 200.
    pub child_department_ids: Vec<SessionId>,
    /// How many departments it has had.
    pub child_department_count: usize,
    /// `none`, `pending`, `confirmed`, `rejected` or `superseded`.
    pub plan_status: &'static str,
    /// Version of its newest plan.
    pub plan_version: Option<u32>,
    /// When that was reported.
    pub plan_reported_at: Option<DateTime<Utc>>,
    /// How its review stands: `not_required`, `author_unknown`, `waiting`, `approved`, `vetoed`, `ended` or `left_to_person`.
    pub plan_review: &'static str,
    /// Files beside its plan that nobody is known to have written.
    pub plan_file_count: usize,
    /// Vetoes since a person last decided about a plan.
    pub vetoes: usize,
    /// The planner it took over from.
    pub resumed_from_session_id: Option<SessionId>,
    /// The planner that took over from it.
    pub replaced_by_session_id: Option<SessionId>,
    /// The newest files in its mailbox that were not taken, oldest first.
    pub rejected_files: Vec<RejectedFile>,
    /// How many more were not taken, which are only counted.
    pub rejected_files_counted: u64,
    /// How many were deleted again: only the newest are kept.
    pub rejected_files_removed: u64,
}

/// What only departments have.
#[derive(Debug, Clone, Serialize)]
pub struct ReportStatusView {
    /// `pending` or `reported`.
    pub report_status: &'static str,
    /// When it reported.
    pub reported_at: Option<DateTime<Utc>>,
    /// Its report.
    pub last_report_id: Option<ReportId>,
    /// Reminders it was sent.
    pub reminders: u32,
    /// Whether the launcher ended it.
    pub auto_closed: bool,
    /// Why.
    pub auto_close_reason: Option<&'static str>,
    /// The assignment it does.
    pub assignment_id: Option<AssignmentId>,
}

impl<'a> ViewContext<'a> {
    /// The state as it is at this moment, with addresses of terminals for `opener`.
    pub fn of(agents: &'a Agents, state: &'a State, opener: Option<&'a Lease>) -> Self {
        Self {
            state,
            live: &agents.core.live,
            repo: &agents.core.place.repo,
            thresholds: agents.core.policy().thresholds,
            codex_down: agents.codex_down(),
            now: moment(),
            address: Box::new(move |id| agents.terminals.url(id, Mode::Write, opener?)),
        }
    }
}

impl ViewContext<'_> {
    /// Sessions as they stand in this list.
    pub fn sessions(&self, list: &[&Session]) -> Vec<SessionView> {
        list.iter().map(|session| self.session(session)).collect()
    }

    /// Departments of a planner, newest first: those that live, and the newest of the others; `is_wanted` picks which. And how many
    /// there are besides.
    pub fn children(
        &self,
        of: &SessionId,
        is_wanted: impl Fn(&Session) -> bool,
    ) -> (Vec<SessionView>, usize) {
        let recent = self.state.recent_children(of, NEWEST, is_wanted);
        (self.sessions(&recent.shown), recent.older)
    }

    /// One session.
    pub fn session(&self, session: &Session) -> SessionView {
        let observed = self.live.observed(session.id());
        let doing = self.doing(session, &observed);
        let brief = &session.brief;
        let mailbox_owner = brief.parent_session_id.as_ref().unwrap_or(&brief.id);
        let root = self.repo.join(MAILBOX_ROOT).join(mailbox_owner.as_str());
        let last_activity_at = observed.last_activity_at.or(session.started_at);
        let idle_seconds = last_activity_at
            .filter(|_| session.is_live())
            .map(|at| (self.now.at - at).num_seconds().max(0).unsigned_abs());
        let usage = UsageView::of(self.state, session, &observed);
        SessionView {
            id: brief.id.clone(),
            department: brief.department.clone(),
            role: brief.department.clone(),
            session_kind: brief.session_kind,
            title: brief.title.clone(),
            pid: session.pid,
            model: brief.model.clone(),
            driver: brief.driver.to_string(),
            sandbox: brief.sandbox,
            approval: brief.approval,
            thread_id: session.thread_id.clone(),
            prompt_path: brief.prompt_path.clone(),
            log_path: brief.log_path.clone(),
            status: session.status_word(),
            // While it lives, what is wrong now counts; afterwards, how it ended.
            status_reason: match session.is_live() {
                true => observed.notice.clone().or_else(|| {
                    let elsewhere = session.terminal_elsewhere;
                    elsewhere.then(|| TERMINAL_ELSEWHERE.to_owned())
                }),
                false => reason(session).or_else(|| observed.notice.clone()),
            },
            exit_code: exit_code(session),
            doing: DoingView::of(&doing),
            activity: match session.is_live() {
                true => doing.activity(),
                false => Activity::Unknown,
            },
            started_at: session.started_at.unwrap_or(session.registered_at),
            ended_at: session.ended_at(),
            task: brief.task.clone(),
            files: brief.files.clone(),
            verify: brief.verify.clone(),
            heartbeat_status: heartbeat(session, &doing, idle_seconds),
            idle_seconds,
            last_activity_at,
            browser_terminal_id: session.terminal_id.clone(),
            browser_terminal_status: match (&session.terminal_id, observed.shown) {
                (None, _) => "none",
                (Some(_), true) => "running",
                (Some(_), false) => "exited",
            },
            browser_terminal_url: session
                .terminal_id
                .as_ref()
                .filter(|_| observed.shown)
                .and_then(|id| (self.address)(id)),
            browser_terminal_elsewhere: session.is_live() && session.terminal_elsewhere,
            browser_terminal_title: session.terminal_id.as_ref().map(|_| brief.title.clone()),
            thread: self.thread(session, &observed),
            mailbox: MailboxView {
                incoming: root.join("incoming"),
                archive: root.join("archive"),
                root,
            },
            parent_session_id: brief.parent_session_id.clone(),
            transcript_preview: observed.preview,
            reviews_plan: brief.review.clone(),
            can_resume: self.can_resume(session),
            usage,
            planner: session.is_planner().then(|| self.planner(session)),
            report: (!session.is_planner()).then(|| self.report_status(session)),
        }
    }

    fn can_resume(&self, session: &Session) -> bool {
        let report = self.state.report_of(session);
        !session.is_live()
            && session.replaced_by.is_none()
            && match session.is_review() {
                true => plan_reviews::can_go_on(self.state, session),
                false => report.is_none_or(TaskResult::is_fallback),
            }
    }

    /// What a session is doing.
    pub fn doing(&self, session: &Session, observed: &Observed) -> Doing {
        let down = self.codex_down.as_deref();
        observed.doing(self.state, session, &self.thresholds, down, self.now)
    }

    fn planner(&self, session: &Session) -> PlannerView {
        let id = session.id();
        let plan = session.plan();
        let children = self.state.recent_children(id, NEWEST, |_| true);
        PlannerView {
            unread_result_count: self.state.unread_count(id),
            child_department_count: children.shown.len() + children.older,
            child_department_ids: children
                .shown
                .into_iter()
                .rev()
                .map(|child| child.id().clone())
                .collect(),
            plan_status: plan.map_or("none", |plan| plan.state.word()),
            plan_version: plan.map(|plan| plan.version),
            plan_reported_at: plan.map(|plan| plan.reported_at),
            plan_review: plan.map_or("not_required", |plan| plan.review.word()),
            plan_file_count: session.plan_files.beside.len(),
            vetoes: plan_reviews::since_person(session).0,
            resumed_from_session_id: session.brief.resumed_from_session_id.clone(),
            replaced_by_session_id: session.replaced_by.clone(),
            rejected_files: session.rejected_files.clone(),
            rejected_files_counted: session.rejected_unnamed,
            rejected_files_removed: session.rejected_removed,
        }
    }

    fn report_status(&self, session: &Session) -> ReportStatusView {
        let report = self.state.report_of(session);
        let auto_close_reason = match session.outcome() {
            Some(Outcome::Reported) => Some("reported"),
            Some(Outcome::Silent) => Some("silent"),
            _ => None,
        };
        ReportStatusView {
            report_status: match has_reported(self.state, session) {
                true => "reported",
                false => "pending",
            },
            reported_at: report.map(TaskResult::reported_at),
            last_report_id: report.map(|report| report.report_id.clone()),
            reminders: session.reminders,
            auto_closed: auto_close_reason.is_some(),
            auto_close_reason,
            assignment_id: session.brief.assignment_id.clone(),
        }
    }

    /// Results, newest first.
    pub fn results<'a>(&self, list: impl IntoIterator<Item = &'a TaskResult>) -> Vec<ResultView> {
        let mut list: Vec<ResultView> = list.into_iter().map(ResultView::of).collect();
        list.sort_by_key(|result| std::cmp::Reverse(result.reported_at));
        list
    }
}

fn heartbeat(session: &Session, doing: &Doing, idle: Option<u64>) -> &'static str {
    match (session.is_live(), idle) {
        (false, _) => "exited",
        (true, None) => "unknown",
        (true, Some(_)) if doing.is_silent() => "stalled",
        (true, Some(_)) => "active",
    }
}

fn reason(session: &Session) -> Option<String> {
    match session.outcome()? {
        Outcome::Failed { reason } | Outcome::Lost { reason } => Some(reason.clone()),
        Outcome::Exited {
            signal: Some(signal),
            ..
        } => Some(say!("reason.signal", signal).to_string()),
        Outcome::Replaced { by } => Some(say!("reason.replaced_by", by).to_string()),
        _ => None,
    }
}

fn exit_code(session: &Session) -> Option<i32> {
    match session.outcome()? {
        Outcome::Exited { code, .. } => *code,
        _ => None,
    }
}
