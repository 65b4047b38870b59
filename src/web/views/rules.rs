//! Rules that answer for the person, as the API and the page show them.

use crate::domain::ask::rule::{Rule, Scope, Standing, WRITTEN};
use crate::domain::state::State;
use serde::Serialize;

/// A rule that holds, and where it stands.
#[derive(Debug, Clone, Serialize)]
pub struct RuleView {
    /// The rule, and how often it was used.
    #[serde(flatten)]
    pub standing: Standing,
    /// `decision`, or `governance.yaml`.
    pub source: &'static str,
}

impl RuleView {
    /// All that hold: those that a person made, oldest first, then those of the file (`written`) in its order.
    pub fn all(state: &State, written: &[Rule]) -> Vec<Self> {
        let view = |source| move |standing| Self { standing, source };
        let made = state.asks.rules().values().cloned();
        let of_file = state.asks.standing(written);
        made.map(view("decision"))
            .chain(of_file.map(view(WRITTEN)))
            .collect()
    }

    /// Whether it is taken away in the file.
    pub fn is_written(&self) -> bool {
        self.source == WRITTEN
    }

    /// The department that it holds for.
    pub fn department(&self) -> Option<&str> {
        match &self.standing.rule.scope {
            Scope::Department { department } => Some(department),
            Scope::Session { .. } | Scope::Repository => None,
        }
    }

    /// The session that it holds for.
    pub fn session(&self) -> Option<&str> {
        match &self.standing.rule.scope {
            Scope::Session { session_id } => Some(session_id.as_str()),
            Scope::Department { .. } | Scope::Repository => None,
        }
    }
}
