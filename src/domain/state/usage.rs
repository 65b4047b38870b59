//! What events do to usage, and what the state says about budgets.

use super::State;
use crate::domain::assignment::Assignment;
use crate::domain::ids::SessionId;
use crate::domain::session::Session;
use crate::domain::usage::TurnUsage;
use crate::domain::usage::budgets::{Bounds, Standing, Subject};

impl State {
    pub(super) fn turn_used(&mut self, id: &SessionId, turn_id: &str, turn: &TurnUsage) {
        let Some(session) = self.session(id) else {
            return;
        };
        let (department, plan) = (session.brief.department.clone(), self.plan_of(session));
        self.usage.add(id, &department, plan, turn_id, turn);
    }

    /// The plan that a session works for: its planner, and the version; 0 where there is none. A planner works for its newest plan.
    pub fn plan_of(&self, session: &Session) -> Option<(SessionId, u32)> {
        if session.is_planner() {
            let version = session.plan().map_or(0, |plan| plan.version);
            return Some((session.id().clone(), version));
        }
        let parent = session.brief.parent_session_id.as_ref()?;
        let assigned = session.brief.assignment_id.as_ref();
        let assigned = assigned.and_then(|id| self.assignments.get(id));
        let reviewed = session.brief.review.as_ref().map(|it| it.plan_version);
        let version = reviewed.or(assigned.and_then(|it| it.order.plan_version));
        Some((self.current_planner(parent).clone(), version.unwrap_or(0)))
    }

    /// The plan that a confirmed assignment belongs to.
    pub fn plan_of_work(&self, assignment: &Assignment) -> Subject {
        let order = &assignment.order;
        Subject::Plan {
            session_id: self.current_planner(&order.parent_session_id).clone(),
            version: order.plan_version.unwrap_or(0),
        }
    }

    /// How a budget stands; `None` where there is none.
    pub fn budget(&self, subject: &Subject, bounds: &Bounds) -> Option<Standing> {
        let (budget, by_default) = self.usage.budgets.of(subject, &bounds.defaults)?;
        let used = self.used_of(subject, bounds);
        Some(Standing {
            subject: subject.clone(),
            used,
            reached: used >= budget.tokens,
            budget,
            by_default,
        })
    }

    /// The tokens that count for a budget, those of turns that run included.
    pub fn used_of(&self, subject: &Subject, bounds: &Bounds) -> u64 {
        match subject {
            Subject::Session { session_id } => {
                let heard = bounds.heard.get(session_id).copied();
                self.spent_of(session_id).max(heard.unwrap_or(0))
            }
            Subject::Plan {
                session_id,
                version,
            } => {
                let versions = self.usage.plans.get(session_id);
                let spent = versions.and_then(|versions| versions.get(version));
                let of_it = |id: &&SessionId| {
                    let session = self.session(id);
                    let plan = session.and_then(|session| self.plan_of(session));
                    plan.is_some_and(|(planner, of)| planner == *session_id && of == *version)
                };
                let heard = bounds.heard.iter().filter(|(id, _)| of_it(id));
                let beyond = heard.map(|(id, heard)| heard.saturating_sub(self.spent_of(id)));
                beyond.fold(spent.map_or(0, |it| it.tokens.total()), u64::saturating_add)
            }
        }
    }

    /// Tokens of a session's turns that are over.
    fn spent_of(&self, id: &SessionId) -> u64 {
        let used = self.usage.sessions.get(id);
        used.map_or(0, |used| used.spent.tokens.total())
    }

    /// The budgets that a session draws on.
    pub fn budgets_of(&self, session: &Session, bounds: &Bounds) -> Vec<Standing> {
        if self.usage.budgets.are_none(&bounds.defaults) {
            return Vec::new();
        }
        let own = Subject::Session {
            session_id: session.id().clone(),
        };
        let plan = self.plan_of(session);
        let plan = plan.map(|(session_id, version)| Subject::Plan {
            session_id,
            version,
        });
        let subjects = [Some(own), plan].into_iter().flatten();
        subjects.filter_map(|it| self.budget(&it, bounds)).collect()
    }

    /// Whether a session has to stand still at a budget: its own is used up, or that of its plan, and what runs is interrupted then.
    pub fn exhausted(&self, session: &Session, bounds: &Bounds) -> Option<Standing> {
        let standings = self.budgets_of(session, bounds).into_iter();
        let mut reached = standings.filter(|it| it.reached);
        reached.find(|it| it.budget.interrupt || matches!(it.subject, Subject::Session { .. }))
    }
}
