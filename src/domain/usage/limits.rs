//! What the provider says of the account's limits: windows, when they begin anew, credits. Kept in memory alone.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

/// A reset that is further away is shown, and not waited for: it is more likely a mistake than a window of a week.
pub const FARTHEST: TimeDelta = TimeDelta::days(8);
/// The id of the account's own limit.
const OWN: &str = "codex";
/// Limits beside the account's own that are kept. A provider has a handful; more of them would be a mistake, and the one that was told of
/// longest ago is forgotten.
pub const MAX_OTHERS: usize = 16;
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

/// One limit of the account: it is counted by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RateLimit {
    /// Which, in the provider's word; `None` where it does not say, which is the account's own.
    #[serde(rename = "limit_id")]
    pub id: Option<String>,
    /// Its name for people, where it has one.
    #[serde(rename = "limit_name")]
    pub name: Option<String>,
    /// The short window.
    pub primary: Option<Window>,
    /// The long one.
    pub secondary: Option<Window>,
    /// What can be bought from.
    pub credits: Option<Credits>,
    /// The account's plan.
    pub plan: Option<String>,
    /// Why it is reached, in the provider's word.
    pub reached: Option<String>,
    /// When this was told.
    pub at: Option<DateTime<Utc>>,
}

/// Limits of the account, as far as they were told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RateLimits {
    /// The account's own, which most models count for.
    #[serde(flatten)]
    pub own: RateLimit,
    /// Those that are counted beside it, by id; at most [`MAX_OTHERS`].
    pub others: Vec<RateLimit>,
}

impl RateLimit {
    /// Takes what was told now. What it leaves out stands as it was, except why it is reached: that is told with each refusal.
    fn merge(&mut self, told: Self) {
        let window = |new: Option<Window>, old: Option<Window>| match (new, old) {
            (Some(new), Some(old)) => Some(Window {
                used_percent: new.used_percent,
                minutes: new.minutes.or(old.minutes),
                resets_at: new.resets_at.or(old.resets_at),
            }),
            (new, old) => new.or(old),
        };
        self.id = told.id.or_else(|| self.id.take());
        self.name = told.name.or_else(|| self.name.take());
        self.primary = window(told.primary, self.primary);
        self.secondary = window(told.secondary, self.secondary);
        self.credits = told.credits.or_else(|| self.credits.take());
        self.plan = told.plan.or_else(|| self.plan.take());
        self.reached = told.reached;
        self.at = told.at;
    }

    /// What tells it from the account's own: its name, or else its id. `None` for the account's own.
    pub fn title(&self) -> Option<&str> {
        let id = self.id.as_deref().filter(|id| *id != OWN)?;
        Some(self.name.as_deref().unwrap_or(id))
    }

    /// Its windows that are told.
    pub fn windows(&self) -> impl Iterator<Item = Window> {
        [self.primary, self.secondary].into_iter().flatten()
    }

    fn used_up(&self) -> impl Iterator<Item = Window> {
        self.windows().filter(|window| window.used_percent >= 100)
    }

    fn is_reached(&self) -> bool {
        self.reached.is_some() || self.used_up().next().is_some()
    }
}

impl RateLimits {
    /// Takes what was told of one limit now; the others stand as they were.
    pub fn merge(&mut self, told: RateLimit) {
        let Some(id) = told.id.clone().filter(|id| id != OWN) else {
            return self.own.merge(told);
        };
        if let Some(known) = self
            .others
            .iter_mut()
            .find(|it| it.id.as_ref() == Some(&id))
        {
            return known.merge(told);
        }
        if self.others.len() >= MAX_OTHERS {
            let places = 0..self.others.len();
            let oldest = places.min_by_key(|place| self.others[*place].at);
            self.others.remove(oldest.unwrap_or(0));
        }
        self.others.push(told);
        self.others.sort_by(|a, b| a.id.cmp(&b.id));
    }

    /// All of them, the account's own first.
    pub fn all(&self) -> impl Iterator<Item = &RateLimit> {
        std::iter::once(&self.own).chain(&self.others)
    }

    /// Until when the provider refuses, by the windows that are used up; the last of them counts. Codex tells of the limit that is
    /// reached right before it says that a turn was refused, so the one that was told last is meant. `None` where nothing says it, or what
    /// says it is over.
    pub fn refuses_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let reached = self.all().filter(|limit| limit.is_reached());
        let reached = reached.max_by_key(|limit| limit.at)?;
        let until = reached.used_up().filter_map(|window| window.resets_at);
        until.max().filter(|until| *until > now)
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
