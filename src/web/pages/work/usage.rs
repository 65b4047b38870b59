//! What was taken, as the page draws it: bars, and numbers short enough to read.

use super::Page;
use crate::domain::usage::limits::Window;
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

    /// The account's windows: how long each is, how much is used, when it begins anew.
    pub(super) fn windows(&self) -> Vec<Window> {
        let limits = &self.w.usage.rate_limits;
        [limits.primary, limits.secondary]
            .into_iter()
            .flatten()
            .collect()
    }

    /// How long a window is.
    pub(super) fn length(&self, window: &Window) -> String {
        match window.minutes {
            Some(minutes @ ..120) => format!("{minutes} min"),
            Some(minutes @ 120..2880) => format!("{} h", minutes / 60),
            Some(minutes) => format!("{} d", minutes / 1440),
            None => String::new(),
        }
    }
}
