//! Owns what Codex says about tokens and limits of the account, on the wire and as our own values. Numbers come from the provider as they
//! are: a negative one counts as 0, a time that no clock has as none.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::collections::BTreeMap;

use super::wire::{ThreadId, TurnId};
use crate::domain::usage::limits::{Credits, RateLimit, Window};
use crate::domain::usage::{Context, Tokens};

/// Longest id and name of a limit that is kept, in characters.
const NAME_CHARS: usize = 120;

/// What a thread has taken; told after each answer of the model, and once to whoever resumes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenUsageUpdated {
    /// The thread.
    pub thread_id: ThreadId,
    /// The turn.
    pub turn_id: TurnId,
    /// How much.
    pub token_usage: TokenUsage,
}

/// How much a thread has taken.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenUsage {
    /// In its life.
    pub total: Breakdown,
    /// For the last answer.
    pub last: Breakdown,
    /// What fits into the model's window.
    #[serde(default)]
    pub model_context_window: Option<i64>,
}

/// Tokens, by what they were for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Breakdown {
    /// Read.
    pub input_tokens: i64,
    /// Read from a cache.
    pub cached_input_tokens: i64,
    /// Written.
    pub output_tokens: i64,
    /// Written while thinking.
    pub reasoning_output_tokens: i64,
    /// All of them.
    pub total_tokens: i64,
}

/// One limit of the account, or a part of what is known of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimitsTold {
    /// What was told.
    pub rate_limits: Snapshot,
}

/// All limits of the account.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimitsFound {
    /// The one that older clients know.
    pub rate_limits: Snapshot,
    /// Each of them, where the provider counts more than one.
    #[serde(default)]
    pub rate_limits_by_limit_id: Option<BTreeMap<String, Snapshot>>,
}

impl RateLimitsFound {
    /// Each of them once.
    pub fn all(self) -> Vec<Snapshot> {
        let by_id = self.rate_limits_by_limit_id.unwrap_or_default();
        match by_id.is_empty() {
            true => vec![self.rate_limits],
            false => by_id
                .into_iter()
                .map(|(id, snapshot)| Snapshot {
                    limit_id: Some(id),
                    ..snapshot
                })
                .collect(),
        }
    }
}

/// One limit of the account; what is null is not told.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Snapshot {
    /// Which limit; `codex`, or null, is the account's own.
    pub limit_id: Option<String>,
    /// Its name for people.
    pub limit_name: Option<String>,
    /// The short window.
    pub primary: Option<LimitWindow>,
    /// The long one.
    pub secondary: Option<LimitWindow>,
    /// What can be bought from.
    pub credits: Option<LimitCredits>,
    /// The account's plan.
    pub plan_type: Option<String>,
    /// Why it is reached.
    pub rate_limit_reached_type: Option<String>,
}

/// One window of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitWindow {
    /// How much of it is used.
    pub used_percent: i64,
    /// How long it is.
    #[serde(default)]
    pub window_duration_mins: Option<i64>,
    /// When it begins anew, in seconds since 1970.
    #[serde(default)]
    pub resets_at: Option<i64>,
}

/// What can be bought from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitCredits {
    /// Whether there are any.
    pub has_credits: bool,
    /// Whether they have no end.
    pub unlimited: bool,
    /// What is left.
    #[serde(default)]
    pub balance: Option<String>,
}

impl Breakdown {
    /// As we count.
    pub fn tokens(self) -> Tokens {
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Tokens {
            input: count(self.input_tokens),
            cached: count(self.cached_input_tokens),
            output: count(self.output_tokens),
            reasoning: count(self.reasoning_output_tokens),
        }
    }
}

impl TokenUsage {
    /// How full the window is: what the last answer was made from, and the answer.
    pub fn context(&self) -> Context {
        let window = self.model_context_window;
        Context {
            used: u64::try_from(self.last.total_tokens).unwrap_or(0),
            window: window.and_then(|it| u64::try_from(it).ok()),
        }
    }
}

impl Snapshot {
    /// As we keep it.
    pub fn limit(self, at: DateTime<Utc>) -> RateLimit {
        let window = |window: LimitWindow| Window {
            used_percent: window.used_percent.clamp(0, 1_000),
            minutes: window.window_duration_mins,
            resets_at: window
                .resets_at
                .and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        };
        let short = |text: String| text.chars().take(NAME_CHARS).collect::<String>();
        RateLimit {
            id: self.limit_id.map(short),
            name: self.limit_name.map(short),
            primary: self.primary.map(window),
            secondary: self.secondary.map(window),
            credits: self.credits.map(|credits| Credits {
                has_credits: credits.has_credits,
                unlimited: credits.unlimited,
                balance: credits.balance,
            }),
            plan: self.plan_type,
            reached: self.rate_limit_reached_type,
            at: Some(at),
        }
    }
}
