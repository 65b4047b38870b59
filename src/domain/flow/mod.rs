//! Decisions: from the state and a wish to the events that grant it, or to a refusal.
//!
//! Every function here is pure. It runs inside `Ledger::transact`, against the newest state, so a check and the change
//! that depends on it are one step. Nothing here starts anything: the effects follow from the events.

pub mod asks;
pub mod checks;
pub mod codex_reviews;
pub mod dependencies;
pub mod hidden;
pub mod holds;
pub mod inbox;
pub mod messages;
pub mod named;
mod overlaps;
pub mod plan_files;
pub mod plan_reviews;
pub mod plans;
pub mod queue;
pub mod results;
pub mod review_wanted;
pub mod reviews;
pub mod sessions;
pub mod steering;
pub mod usage;

use super::department::Department;
use super::event::Event;
use super::language::Language;
use super::limits;
use super::plan::{Checked, PlanChecker, PlanFinding, PlannedAssignment, Proposal};
use super::plan_review::ReviewRule;
use super::refusal::Refusal;
use super::shown::is_hidden;
use crate::domain::sentence::say;
use std::sync::Arc;

/// What a decision yields: events, and an answer for the caller.
pub type Decision<T> = Result<(Vec<Event>, T), Refusal>;

/// What may be asked for at the moment of a decision: a snapshot of the configuration.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// Every department that can be planned and launched.
    pub departments: Vec<Department>,
    /// Models that may be asked for; `None` while nobody knows (no list configured and Codex not asked yet).
    pub models: Option<Vec<String>>,
    /// Language of what agents and people read.
    pub language: Language,
    /// Looks at plans.
    pub checker: Arc<dyn PlanChecker>,
    /// Whether menxia reviews plans before a person decides.
    pub review: ReviewRule,
}

impl Catalog {
    /// Looks at a proposal before it is registered. May take a while: not for the journal's thread.
    pub fn look_at(&self, proposal: Proposal) -> Checked {
        let findings = self.found_in(&proposal);
        Checked { proposal, findings }
    }

    /// What the checks say about a proposal. May take a while.
    pub fn found_in(&self, proposal: &Proposal) -> Vec<PlanFinding> {
        let mut findings = self.findings(&proposal.assignments);
        findings.extend(hidden::in_summary(&proposal.summary));
        findings
    }

    /// What the checks say about these lines. May take a while.
    pub fn findings(&self, lines: &[PlannedAssignment]) -> Vec<PlanFinding> {
        let mut findings = self.checker.check(lines, self.models.as_deref());
        findings.extend(hidden::in_lines(lines));
        findings
    }

    /// The department with this key.
    pub fn department(&self, key: &str) -> Option<&Department> {
        self.departments
            .iter()
            .find(|department| department.key == key)
    }

    /// Refuses a department that does not exist; `field` names where it stood.
    pub fn check_department(&self, key: &str, field: &str) -> Result<&Department, Refusal> {
        self.department(key).ok_or_else(|| {
            let known = self
                .departments
                .iter()
                .map(|d| d.key.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            Refusal::invalid(
                "unknown_department",
                say!("refusal.unknown_department", field, key = shown(key), known),
            )
        })
    }

    /// Refuses a model that nobody offers; `field` names where it stood.
    pub fn check_model(&self, model: Option<&str>, field: &str) -> Result<(), Refusal> {
        let Some(model) = model else { return Ok(()) };
        let unlikely = |c: char| c.is_whitespace() || is_hidden(c);
        let plausible = !model.starts_with('-') && model.len() <= 128 && !model.contains(unlikely);
        let offered = self
            .models
            .as_ref()
            .is_none_or(|models| models.iter().any(|known| known == model));
        if plausible && offered {
            return Ok(());
        }
        let known = match self.models.as_deref() {
            None | Some([]) => say!("refusal.models.none"),
            Some(models) => say!("refusal.models.known", models = models.join(", ")),
        };
        Err(Refusal::invalid(
            "unknown_model",
            say!("refusal.unknown_model", field, model = shown(model), known => known),
        ))
    }
}

/// Refuses an empty or oversized task.
pub fn check_task(task: &str, field: &str) -> Result<(), Refusal> {
    if task.trim().is_empty() {
        return Err(Refusal::invalid(
            "empty_task",
            say!("refusal.empty_task", field),
        ));
    }
    limits::check_text(task, field)
}

pub use super::shown::short as shown;
