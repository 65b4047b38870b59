//! Limits of the provider, and budgets: one item for each, however much stands still at it.

use super::list::{About, List, Scene};
use super::words::{Said, who};
use super::{Action, Need, NeedKind, Urgency, Waiting};
use crate::domain::flow::plan_reviews::unassigned;
use crate::domain::flow::usage::stands_still;
use crate::domain::language::Language;
use crate::domain::sentence::{Sentence, say};
use crate::domain::usage::budgets::{Standing, Subject};
use crate::domain::usage::shown;
use crate::domain::usage::stops::Limit;
use serde_json::json;
use std::collections::BTreeSet;

pub(super) fn of(list: &mut List<'_>) {
    let state = list.scene.state;
    let stops = &state.usage.stops;
    if let Some(held) = &stops.held {
        let sessions = stops.at(Limit::RateLimited).len();
        let waiting = Waiting::RateLimited {
            until: held.until,
            retry_at: held.retry_at,
            sessions,
            waiting: state.queue.len(),
        };
        let about = About::default().since(held.since);
        let urgency = match sessions {
            0 => Urgency::BlocksQueue,
            _ => Urgency::BlocksSession,
        };
        list.add(urgency, "provider", about, waiting);
    }
    budgets(list);
}

/// Those that something stands still at, or waits for.
fn budgets(list: &mut List<'_>) {
    let (state, bounds) = (list.scene.state, &list.scene.limits.bounds);
    if state.usage.budgets.are_none(&bounds.defaults) {
        return;
    }
    let queued = state.queue.iter();
    let queued = queued
        .filter_map(|id| state.assignments.get(id))
        .map(|assignment| state.plan_of_work(assignment));
    // A plan whose review does not begin waits as well.
    let unreviewed = state.live_sessions().filter_map(|planner| {
        let plan = unassigned(state, planner)?;
        Some(Subject::Plan {
            session_id: planner.id().clone(),
            version: plan.version,
        })
    });
    let queued: Vec<Subject> = queued.chain(unreviewed).collect();
    let mut reached: BTreeSet<Subject> = queued.iter().cloned().collect();
    for session in state.live_sessions() {
        let standings = state.budgets_of(session, bounds).into_iter();
        let own = |it: &Standing| matches!(it.subject, Subject::Session { .. });
        let holds = standings.filter(|it| own(it) || stands_still(state, session, bounds));
        reached.extend(holds.filter(|it| it.reached).map(|it| it.subject));
    }
    for subject in reached {
        let Some(standing) = state.budget(&subject, bounds).filter(|it| it.reached) else {
            continue;
        };
        let about = state.session(subject.session_id());
        let about = about.map_or_else(About::default, |it| About::session(state, it));
        let key = match &subject {
            Subject::Session { session_id } => session_id.to_string(),
            Subject::Plan {
                session_id,
                version,
            } => format!("{session_id}-v{version}"),
        };
        let still = state.live_sessions().filter(|session| {
            let draws = |it: &Standing| it.subject == subject;
            let budgets = state.budgets_of(session, bounds);
            budgets.iter().any(draws) && stands_still(state, session, bounds)
        });
        let sessions = still.count();
        let waiting = queued.iter().filter(|it| **it == subject).count();
        let urgency = match sessions {
            0 => Urgency::BlocksQueue,
            _ => Urgency::BlocksSession,
        };
        let waiting = Waiting::BudgetReached {
            standing,
            waiting,
            sessions,
        };
        list.add(urgency, &key, about, waiting);
    }
}

impl Waiting {
    pub(super) fn limit_words(&self, scene: &Scene<'_>, about: &About<'_>) -> Said {
        let (title, why, then) = match self {
            Self::RateLimited {
                until,
                retry_at,
                sessions,
                waiting,
            } => {
                let retry_at = shown::moment(*retry_at);
                let why = match until.map(shown::moment) {
                    Some(until) => {
                        say!(
                            "attention.rate_limited.until",
                            until,
                            retry_at,
                            sessions,
                            waiting
                        )
                    }
                    None => say!(
                        "attention.rate_limited.unknown",
                        retry_at,
                        sessions,
                        waiting
                    ),
                };
                (
                    say!("attention.rate_limited.title"),
                    why,
                    say!("attention.rate_limited.then"),
                )
            }
            Self::BudgetReached {
                standing,
                waiting,
                sessions,
            } => {
                let used = shown::tokens(standing.used);
                let limit = shown::tokens(standing.budget.tokens);
                let title = match &standing.subject {
                    Subject::Session { .. } => {
                        let who = who(scene, about);
                        say!("attention.budget_reached.session", who => who)
                    }
                    Subject::Plan { version, .. } => say!("attention.budget_reached.plan", version),
                };
                (
                    title,
                    say!(
                        "attention.budget_reached.why",
                        used,
                        limit,
                        sessions,
                        waiting
                    ),
                    say!("attention.budget_reached.then"),
                )
            }
            _ => unreachable!("only limits come here"),
        };
        Said {
            title,
            why: Some(why),
            if_nobody_answers: then,
        }
    }

    pub(super) fn limit_actions(&self, language: Language) -> Vec<Action> {
        let text = |it: Sentence| it.text(language);
        match self {
            Self::RateLimited { .. } => vec![Action {
                id: "try_now",
                label: text(say!("attention.rate_limited.try_now")),
                effect: text(say!("attention.rate_limited.try_now.effect")),
                needs: Vec::new(),
                method: "POST",
                path: "/api/queue/resume".to_owned(),
                body: json!({"only": "provider"}),
            }],
            Self::BudgetReached { standing, .. } => {
                let interrupt = standing.budget.interrupt;
                let body = match &standing.subject {
                    Subject::Session { session_id } => {
                        json!({"session": session_id, "interrupt": interrupt})
                    }
                    Subject::Plan {
                        session_id,
                        version,
                    } => {
                        json!({"plan": session_id, "version": version, "interrupt": interrupt})
                    }
                };
                vec![Action {
                    id: "raise",
                    label: text(say!("attention.budget_reached.raise")),
                    effect: text(say!("attention.budget_reached.raise.effect")),
                    needs: vec![Need {
                        field: "tokens",
                        kind: NeedKind::Words,
                        label: text(say!("attention.budget_reached.tokens")),
                        required: true,
                    }],
                    method: "POST",
                    path: "/api/budgets".to_owned(),
                    body,
                }]
            }
            _ => Vec::new(),
        }
    }
}
