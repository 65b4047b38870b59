//! The fragment that follows the journal: header, notices, planners, plan, departments, queue and inbox.
//!
//! One answer for all of them, so that the page never shows a plan of one moment beside a queue of another, and so that
//! `seq` says exactly from where the event stream has to go on.

mod desk;
mod next;
mod usage;

pub use desk::{Desk, More, chosen_planner};

use super::Words;
use super::checks::{Checks, Reviewed, open_question};
use super::quoted::{Piece, pieces};
use crate::core::powers::Question;
use crate::domain::attention::Item;
use crate::domain::department::Department;
use crate::domain::ids::{SessionId, TerminalId};
use crate::domain::language::Language;
use crate::domain::plan::{PlanLevel, PlannedAssignment, Source};
use crate::domain::session::Kind;
use crate::domain::shown::without_hidden;
use crate::domain::usage::budgets::Subject;
use crate::domain::words;
use crate::web::paging::MAX_PAGE;
use crate::web::views::{
    AllUsage, DoingView, FindingView, PlanFileView, PlanView, PlannerView, QueueItemView,
    ResultView, RuleView, SessionView,
};
use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};

/// Up to so many characters a planner's task is shown unfolded.
const SHORT_TASK: usize = 280;

/// What the app-server is doing.
#[derive(Debug, Clone, Copy)]
pub struct Codex<'a> {
    /// `ready`, `starting`, `down`, `unavailable`, `untrusted`, `idle` (not needed yet) or `unused` (no driver is Codex).
    pub state: &'a str,
    /// Why it is not ready, as a sentence.
    pub reason: Option<&'a str>,
}

/// An open terminal that belongs to no session.
#[derive(Debug, Clone)]
pub struct TerminalItem {
    /// Its id.
    pub id: TerminalId,
    /// Its title.
    pub title: String,
    /// Whether only its last screen is left.
    pub ended: bool,
}

/// Everything that `GET /ui/work` shows, taken under one lock.
#[derive(Debug, Clone, Copy)]
pub struct Work<'a> {
    /// Language of the words around the data.
    pub language: Language,
    /// The newest event that is in here.
    pub seq: u64,
    /// Name of the project.
    pub project_name: &'a str,
    /// Path of the repository.
    pub repo: &'a str,
    /// The app-server.
    pub codex: Codex<'a>,
    /// What `governance.yaml` asks for beyond the safe defaults.
    pub powers: &'a Question,
    /// Whether nothing can be written.
    pub read_only: bool,
    /// What waits for the person, the most urgent first.
    pub waiting: &'a [Item],
    /// Departments that can be started.
    pub departments: &'a [Department],
    /// Models that can be asked for.
    pub model_choices: &'a [String],
    /// What lies on the desk, newest first (`Desk::sessions`).
    pub sessions: &'a [SessionView],
    /// The planner to show; see [`chosen_planner`].
    pub chosen: Option<&'a SessionId>,
    /// Its plans, newest first.
    pub plans: &'a [PlanView],
    /// Files beside them that nobody is known to have written, newest first.
    pub plan_files: &'a [PlanFileView],
    /// How many such files gave way to newer ones.
    pub plan_files_gone: u32,
    /// Whether so many plans came as files that further ones are rejected until a person acts.
    pub plan_files_enough: bool,
    /// What the plan checks say about its newest plan.
    pub findings: &'a [FindingView],
    /// Its newest unread results, newest first.
    pub unread: &'a [ResultView],
    /// Its newest read results, and those that ask a person something, newest first.
    pub read: &'a [ResultView],
    /// How much there is that is not shown.
    pub more: More,
    /// The queue, next first (`ViewContext::queue`).
    pub queue: &'a [QueueItemView],
    /// Whether the verify commands of confirmed work are run when the person does not say otherwise.
    pub run_verify: bool,
    /// Whether plans are reviewed before a person confirms them.
    pub plans_are_reviewed: bool,
    /// Whether dispatch is paused.
    pub queue_paused: bool,
    /// Rules that answer what Codex asks.
    pub rules: &'a [RuleView],
    /// Department slots that are taken.
    pub slots_taken: usize,
    /// Department slots that there are.
    pub slots: usize,
    /// What was taken, and what bounds it.
    pub usage: &'a AllUsage,
    /// Open terminals that belong to no session.
    pub terminals: &'a [TerminalItem],
}

/// One line of the editable plan.
struct Row {
    key: String,
    item: PlannedAssignment,
}

#[derive(Template)]
#[template(path = "work.html")]
struct Page<'a> {
    t: Words,
    w: &'a Work<'a>,
    planners: Vec<&'a SessionView>,
    live_planners: Vec<&'a SessionView>,
    ended_planners: Vec<&'a SessionView>,
    planner: Option<&'a SessionView>,
    children: Vec<&'a SessionView>,
    decide: Vec<&'a ResultView>,
    unread: Vec<&'a ResultView>,
    unread_rest: Vec<&'a ResultView>,
    read_rest: Vec<&'a ResultView>,
    fallback: Source,
}

pub(super) fn render(w: &Work<'_>) -> Result<String, askama::Error> {
    let planners: Vec<_> = w
        .sessions
        .iter()
        .filter(|s| s.session_kind == Kind::Zhongshu)
        .collect();
    let planner = planners.iter().copied().find(|s| Some(&s.id) == w.chosen);
    let (live_planners, ended_planners) = planners.iter().partition(|s| s.ended_at.is_none());
    let mut children: Vec<_> = w
        .sessions
        .iter()
        .filter(|s| s.parent_session_id.is_some() && s.parent_session_id.as_ref() == w.chosen)
        .collect();
    // Live ones first; the sort is stable, so each half stays newest first.
    children.sort_by_key(|s| s.ended_at.is_some());
    let is_open = |r: &&ResultView| open_question(r);
    let everything = w.unread.iter().chain(w.read);
    let page = Page {
        t: Words::of(w.language),
        w,
        live_planners,
        ended_planners,
        planners,
        planner,
        children,
        decide: everything.filter(is_open).collect(),
        unread: w.unread.iter().collect(),
        unread_rest: w.unread.iter().filter(|r| !open_question(r)).collect(),
        read_rest: w.read.iter().filter(|r| !open_question(r)).collect(),
        fallback: Source::LauncherFallback,
    };
    page.render()
}

impl Page<'_> {
    fn checks<'s>(&self, r: &'s ResultView) -> Checks<'s> {
        Checks {
            t: self.t,
            language: self.w.language,
            r,
        }
    }

    fn reviewed<'s>(&'s self, plan: &'s PlanView) -> Reviewed<'s> {
        Reviewed {
            plan,
            departments: self.w.departments,
            language: self.w.language,
            required: self.w.plans_are_reviewed,
        }
    }

    fn pieces<'s>(&self, sentence: &'s str) -> Vec<Piece<'s>> {
        pieces(sentence)
    }

    fn needs_person(&self, result: &ResultView) -> bool {
        open_question(result)
    }

    /// Whether the person can have this result's checks run.
    fn can_verify(&self, result: &ResultView) -> bool {
        let mut sessions = self.w.sessions.iter();
        let author = sessions.find(|s| s.id == result.department_session_id);
        author.is_some_and(|session| !session.verify.is_empty()) && result.channel != self.fallback
    }

    /// The commands that would be run, as they were confirmed.
    fn verify_of(&self, result: &ResultView) -> String {
        let mut sessions = self.w.sessions.iter();
        let author = sessions.find(|s| s.id == result.department_session_id);
        author.map_or_else(String::new, |session| session.verify.join("\n"))
    }

    /// Whether something changes that no stream tells of, so that the page should look again soon.
    fn unsettled(&self) -> bool {
        matches!(self.w.codex.state, "starting" | "down")
    }

    fn codex_class(&self) -> &'static str {
        match self.w.codex.state {
            "ready" => "ok",
            "starting" | "idle" | "untrusted" | "unused" => "wait",
            _ => "bad",
        }
    }

    fn department<'s>(&'s self, key: &'s str) -> &'s str {
        let known = self.w.departments.iter().find(|d| d.key == key);
        known.map_or(key, |d| self.title(d))
    }

    fn known_department(&self, key: &str) -> bool {
        // The blank row has no department; its list starts with the first one.
        key.is_empty() || self.w.departments.iter().any(|d| d.key == key)
    }

    /// Whose sessions run without a sandbox.
    fn unsandboxed(&self) -> Option<String> {
        let names = &self.w.powers.unsandboxed;
        (!names.is_empty()).then(|| names.join(words::text(self.w.language, "list.comma")))
    }

    fn title<'s>(&self, department: &'s Department) -> &'s str {
        department.title.get(self.w.language)
    }

    fn duty<'s>(&self, department: &'s Department) -> &'s str {
        department.duty.get(self.w.language)
    }

    fn stamp(&self, at: &DateTime<Utc>) -> String {
        at.to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    /// The end of an id: the start is the same for everything of one day.
    fn short(&self, id: &SessionId) -> String {
        let id = id.as_str();
        id.get(id.len().saturating_sub(6)..)
            .unwrap_or(id)
            .to_owned()
    }

    /// Whether older planners can be listed; of very many the rest is found by words.
    fn may_list_more_planners(&self) -> bool {
        self.w.more.planners > 0 && self.ended_planners.len() < MAX_PAGE
    }

    fn is_chosen(&self, session: &SessionView) -> bool {
        Some(&session.id) == self.w.chosen
    }

    fn was_replaced(&self, session: &SessionView) -> bool {
        let planner = session.planner.as_ref();
        planner.is_some_and(|p| p.replaced_by_session_id.is_some())
    }

    fn short_task(&self, session: &SessionView) -> bool {
        session.task.chars().count() <= SHORT_TASK
    }

    /// Whether the last file in a planner's mailbox was not taken: after a better one it is no more than history.
    fn refused_last(&self, planner: &PlannerView) -> bool {
        let results = self.w.unread.iter().chain(self.w.read);
        let taken = results.map(|result| result.reported_at);
        let taken = taken.chain(planner.plan_reported_at).max();
        let refused = planner.rejected_files.last().map(|file| file.at);
        refused > taken
    }

    fn doing<'s>(&self, session: &'s SessionView) -> &'s DoingView {
        &session.doing
    }

    fn source(&self, source: &Source) -> &'static str {
        match source {
            Source::Tool => "tool",
            Source::Mailbox => "mailbox",
            Source::Api => "api",
            Source::LauncherFallback => "launcher_fallback",
        }
    }

    fn level(&self, level: &PlanLevel) -> &'static str {
        match level {
            PlanLevel::Info => "info",
            PlanLevel::Warning => "warning",
            PlanLevel::Error => "error",
        }
    }

    /// "1, 3": the lines that a finding is about, as the table numbers them.
    fn line_numbers(&self, positions: &[usize]) -> String {
        let numbers: Vec<String> = positions.iter().map(|at| (at + 1).to_string()).collect();
        numbers.join(words::text(self.w.language, "list.comma"))
    }

    /// Whether work waits for something that failed.
    fn tries_again(&self) -> bool {
        let failed = |word: &str| matches!(word, "driver_failed" | "model_failed");
        self.w
            .queue
            .iter()
            .any(|item| item.hold.is_some_and(failed))
    }

    /// Whether the person can allow lines of the plan to overlap.
    fn may_overlap(&self) -> bool {
        self.w.findings.iter().any(FindingView::keeps_apart)
    }

    fn newest_plan(&self) -> Option<&PlanView> {
        self.w.plans.first()
    }

    fn rows(&self, plan: &PlanView) -> Vec<Row> {
        plan.assignments
            .iter()
            .enumerate()
            .map(|(index, item)| Row {
                key: format!("row-{index}"),
                item: item.clone(),
            })
            .collect()
    }

    fn blank_row(&self) -> Vec<Row> {
        vec![Row {
            key: "row-new".to_owned(),
            item: PlannedAssignment::new("", ""),
        }]
    }

    /// A text for a form: what a person sees is what is sent, so it holds nothing that nobody sees. The findings say what was
    /// left out.
    fn seen(&self, text: impl AsRef<str>) -> String {
        without_hidden(text.as_ref())
    }

    fn lines(&self, list: &[String]) -> String {
        list.join("\n")
    }

    fn is_foreign(&self, item: &QueueItemView) -> bool {
        Some(&item.assignment.order.parent_session_id) != self.w.chosen
    }

    /// The assignment before which this one stands after a step up.
    fn before_up(&self, index: &usize) -> String {
        self.queued(index.checked_sub(1))
    }

    /// The assignment before which this one stands after a step down; empty is the end.
    fn before_down(&self, index: &usize) -> String {
        self.queued(index.checked_add(2))
    }

    fn queued(&self, index: Option<usize>) -> String {
        index
            .and_then(|index| self.w.queue.get(index))
            .map(|item| item.assignment.order.assignment_id.to_string())
            .unwrap_or_default()
    }

    /// What an agent proposes, if that says something.
    fn proposal<'r>(&self, result: &'r ResultView) -> Option<&'r str> {
        let text = result.findings.next_action.as_deref()?;
        let word = text.trim().trim_end_matches('.').to_lowercase();
        let says_nothing = matches!(
            word.as_str(),
            "" | "none" | "nothing" | "n/a" | "-" | "无" | "没有"
        );
        (!says_nothing).then_some(text)
    }
}
