//! What the provider says of the account's limits: windows, when they begin anew, credits. Kept in memory alone.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

/// A reset that is further away is shown, and not waited for: it is more likely a mistake than a window of a week.
pub const FARTHEST: TimeDelta = TimeDelta::days(8);
/// Pauses before it is tried again where nobody knows when the limit ends, in seconds. The last one goes on.
const PAUSES: [i64; 4] = [60, 120, 300, 600];

/// One window of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Window {
    /// How much of it is used; the provider may say more than 100.
    pub used_percent: i64,
    /// How long it is.
    pub minutes: Option<i64>,
    /// When it begins anew.
    pub resets_at: Option<DateTime<Utc>>,
}

/// What can be bought from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Credits {
    /// Whether there are any.
    pub has_credits: bool,
    /// Whether they have no end.
    pub unlimited: bool,
    /// What is left, as the provider writes it.
    pub balance: Option<String>,
}

/// Limits of the account, as far as they were told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RateLimits {
    /// The short window.
    pub primary: Option<Window>,
    /// The long one.
    pub secondary: Option<Window>,
    /// What can be bought from.
    pub credits: Option<Credits>,
    /// The account's plan.
    pub plan: Option<String>,
    /// Which limit is reached, in the provider's word.
    pub reached: Option<String>,
    /// When this was told.
    pub at: Option<DateTime<Utc>>,
}

impl RateLimits {
    /// Takes what was told now. What it leaves out stands as it was, except which limit is reached: that is told with each refusal.
    pub fn merge(&mut self, told: Self) {
        let window = |new: Option<Window>, old: Option<Window>| match (new, old) {
            (Some(new), Some(old)) => Some(Window {
                used_percent: new.used_percent,
                minutes: new.minutes.or(old.minutes),
                resets_at: new.resets_at.or(old.resets_at),
            }),
            (new, old) => new.or(old),
        };
        self.primary = window(told.primary, self.primary);
        self.secondary = window(told.secondary, self.secondary);
        self.credits = told.credits.or_else(|| self.credits.take());
        self.plan = told.plan.or_else(|| self.plan.take());
        self.reached = told.reached;
        self.at = told.at;
    }

    /// Until when the provider refuses, by the windows that are used up; the last of them counts. `None` where nothing says it, or
    /// what says it is over.
    pub fn refuses_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let windows = [self.primary, self.secondary].into_iter().flatten();
        let full = windows.filter(|window| window.used_percent >= 100);
        let until = full.filter_map(|window| window.resets_at).max();
        until.filter(|until| *until > now)
    }
}

/// When it is tried again: at the time that was told, unless that is absurdly far, else after a pause that grows with `tries`, from 1.
pub fn retry_at(until: Option<DateTime<Utc>>, tries: u32, now: DateTime<Utc>) -> DateTime<Utc> {
    match until.filter(|until| *until > now) {
        Some(until) => until.min(now + FARTHEST),
        None => {
            let number = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
            let pause = PAUSES[number.min(PAUSES.len() - 1)];
            now + TimeDelta::seconds(pause)
        }
    }
}
