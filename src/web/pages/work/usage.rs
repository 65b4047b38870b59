//! What was taken, as the page draws it: bars, and numbers short enough to read.

use super::Page;
use crate::domain::shown::shown_line;
use crate::domain::usage::limits::{RateLimit, Window};
use crate::domain::usage::shown::tokens;

impl Page<'_> {
    pub(super) fn tokens(&self, number: &u64) -> String {
        tokens(*number)
    }

    /// What the longest bar stands for.
    pub(super) fn most_by_department(&self) -> u64 {
        let all = self.w.usage.departments.iter();
        all.map(|it| it.spent.tokens.total)
            .max()
            .unwrap_or(0)
            .max(1)
    }

    pub(super) fn most_by_session(&self) -> u64 {
        let all = self.w.usage.sessions.iter();
        all.map(|it| it.usage.spent.tokens.total)
            .max()
            .unwrap_or(0)
            .max(1)
    }

    /// The account's windows: what each is called, how much is used, when it begins anew.
    pub(super) fn windows(&self) -> Vec<(String, Window)> {
        let limits = self.w.usage.rate_limits.all();
        let named = |limit: &RateLimit, window: &Window| match limit.title() {
            None => self.t.one("usage.window", length(window)),
            Some(title) => self
                .t
                .two("usage.window_of", length(window), shown_line(title)),
        };
        let windows = limits.flat_map(|limit| {
            let windows = limit.windows();
            windows.map(move |window| (named(limit, &window), window))
        });
        windows.collect()
    }

    /// What is left to be bought from, as the provider writes it.
    pub(super) fn balances(&self) -> Vec<&str> {
        let credits = self.w.usage.rate_limits.all();
        let credits = credits.filter_map(|limit| limit.credits.as_ref());
        let mut balances: Vec<&str> = credits.filter_map(|it| it.balance.as_deref()).collect();
        // Each limit may tell of the same credits.
        balances.dedup();
        balances
    }
}

/// How long a window is.
fn length(window: &Window) -> String {
    match window.minutes {
        Some(minutes @ ..120) => format!("{minutes} min"),
        Some(minutes @ 120..2880) => format!("{} h", minutes / 60),
        Some(minutes) => format!("{} d", minutes / 1440),
        None => String::new(),
    }
}
