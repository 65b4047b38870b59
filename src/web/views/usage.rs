//! What sessions, departments and plans have taken, and how budgets stand.

use crate::core::live::Observed;
use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::domain::session::Session;
use crate::domain::state::State;
use crate::domain::usage::budgets::{Bounds, Defaults, Standing, Subject};
use crate::domain::usage::limits::RateLimits;
use crate::domain::usage::stops::Held;
use crate::domain::usage::{Spent, Tokens, shown};
use crate::domain::words;
use crate::sessions::agents::Agents;
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::BTreeMap;

/// A sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SpentView {
    /// What was taken.
    pub tokens: TokensView,
    /// How long turns ran that are over.
    pub seconds: u64,
    /// How many are over.
    pub turns: u64,
}

/// Tokens, by what they were for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TokensView {
    /// All of them.
    pub total: u64,
    /// Read, from a cache or not.
    pub input: u64,
    /// Read from a cache.
    pub cached: u64,
    /// Written, thoughts included.
    pub output: u64,
    /// Written while thinking.
    pub reasoning: u64,
}

/// What one session has taken, its running turn included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct UsageView {
    /// The sum.
    #[serde(flatten)]
    pub spent: SpentView,
    /// Tokens in the model's window after its last answer.
    pub context_used: Option<u64>,
    /// Tokens that fit; null where Codex does not say.
    pub context_window: Option<u64>,
    /// At what it stands still: `rate_limited` or `budget_reached`.
    pub stopped: Option<&'static str>,
}

/// A budget and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetView {
    /// What it is for, what was used, and what is allowed.
    #[serde(flatten)]
    pub standing: Standing,
}

/// The key under which planners are counted.
const PLANNERS: &str = "zhongshu";
/// Sessions, and planners of plans, that the API lists, the newest first. The sums count all of them.
pub const MAX_LISTED: usize = 500;
/// Those that the page lists.
pub const ON_PAGE: usize = 10;

/// The whole answer.
#[derive(Debug, Default, Serialize)]
pub struct AllUsage {
    /// All of it, turns that run included.
    pub total: SpentView,
    /// By session, newest first.
    pub sessions: Vec<SessionUsage>,
    /// How many more sessions there are.
    pub more_sessions: usize,
    /// By department, the most first.
    pub departments: Vec<DepartmentUsage>,
    /// By plan, newest planner first, as many planners.
    pub plans: Vec<PlanUsage>,
    /// Limits of the account, as far as they were told.
    pub rate_limits: RateLimits,
    /// Whether the provider refuses: since when, until when, when it is tried again.
    pub held: Option<Held>,
    /// What bounds.
    pub budgets: BudgetsView,
}

/// Of one session.
#[derive(Debug, Serialize)]
pub struct SessionUsage {
    /// Which.
    pub session_id: SessionId,
    /// Its department.
    pub department: String,
    /// Its name for people.
    pub title: String,
    /// Its planner.
    pub parent_session_id: Option<SessionId>,
    /// Its model, where it names one.
    pub model: Option<String>,
    /// What it has taken.
    #[serde(flatten)]
    pub usage: UsageView,
}

/// Of one department.
#[derive(Debug, Serialize)]
pub struct DepartmentUsage {
    /// Its key; `zhongshu` for planners.
    pub department: String,
    /// Its name for people.
    pub title: String,
    /// What it has taken.
    #[serde(flatten)]
    pub spent: SpentView,
}

/// Of one plan.
#[derive(Debug, Serialize)]
pub struct PlanUsage {
    /// The planner.
    pub session_id: SessionId,
    /// The version; 0 is what belongs to no plan.
    pub version: u32,
    /// What it has taken.
    #[serde(flatten)]
    pub spent: SpentView,
    /// Its budget.
    pub budget: Option<BudgetView>,
}

/// What bounds.
#[derive(Debug, Default, Serialize)]
pub struct BudgetsView {
    /// What `governance.yaml` says.
    pub defaults: Defaults,
    /// What a person set.
    pub set: Vec<BudgetView>,
}

impl From<Tokens> for TokensView {
    fn from(tokens: Tokens) -> Self {
        Self {
            total: tokens.total(),
            input: tokens.input,
            cached: tokens.cached,
            output: tokens.output,
            reasoning: tokens.reasoning,
        }
    }
}

impl From<Spent> for SpentView {
    fn from(spent: Spent) -> Self {
        Self {
            tokens: spent.tokens.into(),
            seconds: spent.seconds,
            turns: spent.turns,
        }
    }
}

impl UsageView {
    /// Of a session.
    pub fn of(state: &State, session: &Session, observed: &Observed) -> Self {
        let used = state.usage.sessions.get(session.id());
        let mut spent = used.map(|used| used.spent).unwrap_or_default();
        let meter = observed.meter.as_ref();
        if let Some(meter) = meter {
            spent.tokens += meter.beyond(spent.tokens);
        }
        let context = meter.and_then(|meter| meter.context);
        let context = context.or(used.and_then(|used| used.context));
        let stopped = state.usage.stops.sessions.get(session.id());
        Self {
            spent: spent.into(),
            context_used: context.map(|context| context.used),
            context_window: context.and_then(|context| context.window),
            stopped: stopped.map(|stopped| stopped.limit.word()),
        }
    }

    /// How full the window is, from 0 to 100.
    pub fn context_percent(&self) -> Option<u64> {
        let window = self.context_window.filter(|window| *window > 0)?;
        Some((self.context_used?.saturating_mul(100) / window).min(100))
    }

    /// All tokens, for people.
    pub fn tokens(&self) -> String {
        shown::tokens(self.spent.tokens.total)
    }
}

impl AllUsage {
    /// At this moment, with the newest `most` sessions and planners; departments are named in this language.
    pub fn of(
        agents: &Agents,
        state: &State,
        bounds: &Bounds,
        language: Language,
        most: usize,
    ) -> Self {
        let policy = agents.core.policy();
        let title = |key: &str| match policy.catalog.department(key) {
            Some(known) => known.title.get(language).to_owned(),
            None if key == PLANNERS => words::text(language, "planner.title").to_owned(),
            None => key.to_owned(),
        };
        let usage = &state.usage;
        let (mut total, mut departments) = (usage.total, usage.departments.clone());
        let newest = usage.plans.iter().rev().take(most);
        let mut plans: BTreeMap<SessionId, BTreeMap<u32, Spent>> =
            newest.map(|(id, of)| (id.clone(), of.clone())).collect();
        // What turns have taken that run, to everything that it belongs to.
        for session in state.live_sessions() {
            let meter = agents.core.live.observed(session.id()).meter;
            let used = usage.sessions.get(session.id());
            let spent = used.map(|used| used.spent.tokens).unwrap_or_default();
            let tokens = meter.map(|meter| meter.beyond(spent)).unwrap_or_default();
            if tokens.total() == 0 {
                continue;
            }
            let spent = Spent {
                tokens,
                ..Spent::default()
            };
            total += spent;
            let department = session.brief.department.clone();
            *departments.entry(department).or_default() += spent;
            if let Some((planner, version)) = state.plan_of(session) {
                let known = usage.plans.get(&planner);
                let versions = plans.entry(planner);
                let versions = versions.or_insert_with(|| known.cloned().unwrap_or_default());
                *versions.entry(version).or_default() += spent;
            }
        }
        let took = |session: &&Session| {
            let observed = agents.core.live.observed(session.id());
            usage.sessions.contains_key(session.id()) || observed.meter.is_some()
        };
        let of_session = |session: &Session| {
            let observed = agents.core.live.observed(session.id());
            SessionUsage {
                session_id: session.id().clone(),
                department: session.brief.department.clone(),
                title: session.brief.title.clone(),
                parent_session_id: session.brief.parent_session_id.clone(),
                model: session.brief.model.clone(),
                usage: UsageView::of(state, session, &observed),
            }
        };
        let took = state.sessions.values().rev().filter(took);
        let sessions = Vec::from_iter(took.take(most).map(of_session));
        let mut departments: Vec<DepartmentUsage> = departments
            .into_iter()
            .map(|(department, spent)| DepartmentUsage {
                title: title(&department),
                department,
                spent: spent.into(),
            })
            .collect();
        departments.sort_by_key(|it| std::cmp::Reverse(it.spent.tokens.total));
        let plans = plans.into_iter().rev().flat_map(|(planner, versions)| {
            let of_version =
                move |(version, spent): (u32, Spent)| (planner.clone(), version, spent);
            versions.into_iter().rev().map(of_version)
        });
        let plans = plans.map(|(session_id, version, spent)| {
            let subject = Subject::Plan {
                session_id: session_id.clone(),
                version,
            };
            let standing = state.budget(&subject, bounds);
            PlanUsage {
                session_id,
                version,
                spent: spent.into(),
                budget: standing.map(|standing| BudgetView { standing }),
            }
        });
        let set = usage.budgets.subjects().into_iter();
        let set = set.filter_map(|subject| state.budget(&subject, bounds));
        AllUsage {
            total: total.into(),
            more_sessions: usage.sessions.len().saturating_sub(sessions.len()),
            sessions,
            departments,
            plans: plans.collect(),
            rate_limits: agents.threads.rate_limits(),
            held: usage.stops.held.clone(),
            budgets: BudgetsView {
                defaults: bounds.defaults,
                set: set.map(|standing| BudgetView { standing }).collect(),
            },
        }
    }
}

/// A number of tokens, for people.
pub fn short(tokens: u64) -> String {
    shown::tokens(tokens)
}

/// A moment, for people.
pub fn clock(at: &DateTime<Utc>) -> String {
    shown::moment(*at)
}
