//! How much is looked at by somebody before work goes on: plans by menxia, results by the person, tokens. To ask for less of that is a
//! power like any other.

use super::Line;
use crate::domain::usage::budgets::Defaults;
use serde::{Deserialize, Serialize};

/// What has to be looked at before work goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oversight {
    /// Menxia reviews plans, and after so many vetoes in a row the person decides alone; none: it reviews none.
    #[serde(default)]
    pub vetoes: Option<usize>,
    /// While so many results wait for the person, nothing more is started; none is no bound.
    #[serde(default)]
    pub results: Option<usize>,
    /// What plans and sessions may take.
    #[serde(default, skip_serializing_if = "is_unbounded")]
    pub budgets: Defaults,
}

fn is_unbounded(budgets: &Defaults) -> bool {
    *budgets == Defaults::default()
}

/// The smaller of two bounds; none is no bound.
fn smaller(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    [one, other].into_iter().flatten().min()
}

impl Oversight {
    /// Whether nothing has to be looked at.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The stricter of the two in each of its parts.
    pub fn and(self, other: Self) -> Self {
        let results = [self.results, other.results].into_iter().flatten();
        Self {
            vetoes: self.vetoes.max(other.vetoes),
            results: results.min(),
            budgets: Defaults {
                plan_tokens: smaller(self.budgets.plan_tokens, other.budgets.plan_tokens),
                session_tokens: smaller(self.budgets.session_tokens, other.budgets.session_tokens),
                interrupt: self.budgets.interrupt || other.budgets.interrupt,
            },
        }
    }

    /// Whether `wanted` says no less than this.
    pub fn allows(self, wanted: Self) -> bool {
        self.and(wanted) == wanted
    }

    /// What is asked for that says less than `kept`, which holds, under the names of the file.
    pub(super) fn lines(self, kept: Self) -> Vec<Line> {
        let word = |it: Option<usize>| it.map_or("off", |_| "menxia").to_owned();
        let number = |it: Option<usize>| it.map_or_else(|| "none".to_owned(), |it| it.to_string());
        let line = |entry: &str, now: String, before: String| Line {
            entry: entry.to_owned(),
            now: Some(now),
            before: Some(before),
            approved: false,
            unsandboxed: false,
            file: None,
        };
        let mut lines = Vec::new();
        match (self.vetoes, kept.vetoes) {
            (None, Some(_)) => {
                let (now, before) = (word(self.vetoes), word(kept.vetoes));
                lines.push(line("plan_review", now, before));
            }
            (now, before) if now < before => {
                lines.push(line("veto_limit", number(now), number(before)));
            }
            _ => {}
        }
        if self.results != self.and(kept).results {
            let (now, before) = (number(self.results), number(kept.results));
            lines.push(line("review_limit", now, before));
        }
        let (now, before, both) = (self.budgets, kept.budgets, self.and(kept).budgets);
        let tokens = |it: Option<u64>| it.map_or_else(|| "none".to_owned(), |it| it.to_string());
        for (entry, now, before, both) in [
            (
                "budgets.plan_tokens",
                now.plan_tokens,
                before.plan_tokens,
                both.plan_tokens,
            ),
            (
                "budgets.session_tokens",
                now.session_tokens,
                before.session_tokens,
                both.session_tokens,
            ),
        ] {
            if now != both {
                lines.push(line(entry, tokens(now), tokens(before)));
            }
        }
        if now.interrupt != both.interrupt {
            lines.push(line(
                "budgets.interrupt",
                "false".to_owned(),
                "true".to_owned(),
            ));
        }
        lines
    }
}
