//! What work costs: tokens and time of each turn, and their sums. Follows from the journal; nothing here knows the state.
//!
//! - `tokens`: what is counted
//! - `meter`: a thread's own count, as it is heard, made into what a turn took
//! - `shown`: numbers for people
//! - `limits`: what the provider says of the account's limits
//! - `stops`: what stands still at a limit or a budget, and when it goes on
//! - `budgets`: what a person allows

pub mod budgets;
pub mod limits;
pub mod meter;
pub mod shown;
pub mod stops;
mod tokens;

use super::ids::SessionId;
use budgets::Budgets;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use stops::Stops;
pub use tokens::{Context, Spent, Tokens};

/// What one turn took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnUsage {
    /// Tokens.
    pub tokens: Tokens,
    /// When it began; `None` where Codex did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// How long it ran; 0 for what was missed while nobody listened.
    pub seconds: u64,
    /// The model, where the session names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What Codex counts for the whole thread: what comes above it later was missed.
    pub thread_total: Tokens,
    /// How full its window is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
}

/// What is known of one session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Its turns that are over.
    pub spent: Spent,
    /// What Codex counted for its thread at the end of the last one.
    pub thread_total: Tokens,
    /// How full its window was.
    pub context: Option<Context>,
    /// The last turn, so that what is told of it in two pieces is one turn.
    pub last_turn: String,
}

/// Everything that was used, and what a person or the provider allows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// By session.
    pub sessions: BTreeMap<SessionId, Used>,
    /// By department; a planner's is `zhongshu`.
    pub departments: BTreeMap<String, Spent>,
    /// By planner and version of its plan; 0 is what belongs to no plan.
    pub plans: BTreeMap<SessionId, BTreeMap<u32, Spent>>,
    /// All of it.
    pub total: Spent,
    /// What a person allows.
    pub budgets: Budgets,
    /// What stands still.
    pub stops: Stops,
}

impl Usage {
    /// A turn is over. `plan` is what it belongs to.
    pub fn add(
        &mut self,
        session: &SessionId,
        department: &str,
        plan: Option<(SessionId, u32)>,
        turn_id: &str,
        turn: &TurnUsage,
    ) {
        let used = self.sessions.entry(session.clone()).or_default();
        let spent = Spent {
            tokens: turn.tokens,
            seconds: turn.seconds,
            turns: u64::from(used.last_turn != turn_id),
        };
        turn_id.clone_into(&mut used.last_turn);
        used.spent += spent;
        used.thread_total = turn.thread_total;
        used.context = turn.context.or(used.context);
        self.total += spent;
        *self.departments.entry(department.to_owned()).or_default() += spent;
        if let Some((planner, version)) = plan {
            let versions = self.plans.entry(planner).or_default();
            *versions.entry(version).or_default() += spent;
        }
    }

    /// A session has another thread, which counts from 0.
    pub fn thread_opened(&mut self, session: &SessionId) {
        if let Some(used) = self.sessions.get_mut(session) {
            used.thread_total = Tokens::default();
            used.context = None;
        }
    }

    /// Another planner has taken over the plans of this one.
    pub fn planner_replaced(&mut self, old: &SessionId, new: &SessionId) {
        for (version, spent) in self.plans.remove(old).unwrap_or_default() {
            let versions = self.plans.entry(new.clone()).or_default();
            *versions.entry(version).or_default() += spent;
        }
        self.budgets.planner_replaced(old, new);
    }
}

#[cfg(test)]
mod tests;
