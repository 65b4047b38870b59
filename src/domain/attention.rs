//! Everything that waits for a person, as one ordered list that nobody stores: it is computed from what stands, so an item is gone when
//! its cause is. Pages, API, command line and notifications all show this list; none of them decides by itself what waits.
//!
//! - `find`: what waits, from the state, what was observed, and how the house stands
//! - `asks`, `plans`, `work`: the parts of it that are about what Codex asks, plans, and results, commits and queue
//! - `limits`: limits of the provider, and budgets
//! - `list`: the list while it is made
//! - `waiting`: the vocabulary
//! - `words`: what a person reads about it
//! - `actions`: what can be done about it, as requests

mod actions;
mod asks;
mod find;
mod limits;
mod list;
mod plans;
#[cfg(test)]
mod tests;
mod waiting;
mod words;
mod work;

pub use actions::{Action, Need, NeedKind};
pub use find::of;
pub use list::Scene;
pub use waiting::{MAX_CHARS, MAX_FILES, MAX_PLAN_LINES, PlanLine, PlanSeen, Waiting};

use super::doing::Doing;
use super::ids::SessionId;
use super::powers::Line;
use super::review::GateMode;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// How soon a person should look. The order is the list's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// A session that runs cannot go on.
    BlocksSession,
    /// Work that was confirmed, or could be, does not start.
    BlocksQueue,
    /// Nothing stands still.
    MayWait,
}

/// One thing that waits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    /// `<kind>-<subject>`: the same while it waits, and for nothing else.
    pub id: String,
    /// What it is.
    #[serde(flatten)]
    pub waiting: Waiting,
    /// How soon a person should look.
    pub urgency: Urgency,
    /// The session that it is about.
    pub session_id: Option<SessionId>,
    /// The planner behind it.
    pub planner_id: Option<SessionId>,
    /// The department.
    pub department: Option<String>,
    /// What waits, in one line.
    pub title: String,
    /// Why, as a sentence.
    pub why: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What happens if nobody answers.
    pub if_nobody_answers: String,
    /// What can be done, the usual one first.
    pub actions: Vec<Action>,
    /// The page that shows it, from the server's address.
    pub link: String,
    /// The part of the page of work that says more; none when this says all.
    #[serde(skip)]
    pub place: Option<&'static str>,
    /// The thread that asks, where it is no session's.
    #[serde(skip)]
    pub thread_id: Option<String>,
}

/// How the house stands, apart from its sessions: what is neither in the journal nor observed of one session.
#[derive(Debug, Clone, Default)]
pub struct House {
    /// Codex, when it does not run although it should: `down` or `unavailable`, and why.
    pub codex: Option<(&'static str, String)>,
    /// What the installed Codex cannot do, as sentences, each with what names it in every language.
    pub lacks: Vec<(String, String)>,
    /// What to do about a login that is missing.
    pub login: Option<String>,
    /// What a person would allow Codex.
    pub trust: Option<String>,
    /// What `governance.yaml` asks for: its digest, what a yes means, and the lines.
    pub powers: Option<(String, String, Vec<Line>)>,
    /// Why the journal cannot be written.
    pub read_only: Option<String>,
    /// Where the journal is damaged, when it can be written all the same.
    pub damage: Option<String>,
    /// What is wrong with the settings, as sentences, each with what names it in every language.
    pub settings: Vec<(String, String)>,
    /// Parts of zhongshu that failed, each with a sentence.
    pub duties: Vec<(String, String)>,
    /// How strict the gate should be that does not stand.
    pub gate: Option<GateMode>,
}

/// What was observed of one session, as far as it matters here.
#[derive(Debug, Clone, Default)]
pub struct Glimpse {
    /// What it is doing.
    pub doing: Doing,
}

impl Item {
    /// Whether nothing but the session's terminal can answer it.
    pub fn is_for_terminal(&self) -> bool {
        match &self.waiting {
            Waiting::Blocked { .. } => true,
            Waiting::Ask { .. } => self.actions.is_empty(),
            _ => false,
        }
    }

    /// The sentence for `warnings` of `/api/status`, where the cause is something that does not work.
    pub fn warning(&self) -> Option<&str> {
        match &self.waiting {
            Waiting::ReadOnly { .. }
            | Waiting::CodexLacks { .. }
            | Waiting::Login { .. }
            | Waiting::JournalDamaged { .. }
            | Waiting::Settings { .. }
            | Waiting::DutyFailed { .. }
            | Waiting::Fault { .. } => self.why.as_deref(),
            _ => None,
        }
    }
}

/// The most urgent first, and of those the oldest.
pub fn sort(items: &mut [Item]) {
    items.sort_by(|one, other| {
        let key = |item: &Item| (item.urgency, item.since);
        key(one)
            .cmp(&key(other))
            .then_with(|| one.id.cmp(&other.id))
    });
}

/// What others wrote, short enough for a list.
fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
