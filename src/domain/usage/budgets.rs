//! What a person allows: tokens for a plan, tokens for a session. At the line nothing new starts, and, if the person wants it, what
//! runs is interrupted.

use crate::domain::ids::SessionId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The largest budget, in tokens; beyond it a number is a slip of the hand.
pub const MOST: u64 = 1_000_000_000_000;

/// What is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// So many tokens, read and written.
    pub tokens: u64,
    /// Whether turns that run are interrupted at the line.
    #[serde(default)]
    pub interrupt: bool,
}

/// For what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Subject {
    /// One session.
    Session {
        /// Which.
        session_id: SessionId,
    },
    /// One version of a planner's plan, with what the planner itself takes for it.
    Plan {
        /// The planner.
        session_id: SessionId,
        /// The version.
        version: u32,
    },
}

impl Subject {
    /// The session, or the planner.
    pub fn session_id(&self) -> &SessionId {
        match self {
            Self::Session { session_id } | Self::Plan { session_id, .. } => session_id,
        }
    }
}

/// What holds where a person set nothing for one session or plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Defaults {
    /// For each plan; none is no bound.
    pub plan_tokens: Option<u64>,
    /// For each session; none is no bound.
    pub session_tokens: Option<u64>,
    /// Whether turns that run are interrupted at the line.
    pub interrupt: bool,
}

/// What bounds at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Where a person set nothing else.
    pub defaults: Defaults,
    /// Tokens that sessions have taken in all, as far as somebody listens: the journal has them when a turn is over.
    pub heard: BTreeMap<SessionId, u64>,
}

/// A budget with what was used of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// For what.
    #[serde(flatten)]
    pub subject: Subject,
    /// Used so far, the turns that run included.
    pub used: u64,
    /// Allowed.
    #[serde(flatten)]
    pub budget: Budget,
    /// Whether it is used up.
    pub reached: bool,
    /// Whether it is the one of `governance.yaml`.
    pub by_default: bool,
}

/// What a person set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budgets {
    sessions: BTreeMap<SessionId, Budget>,
    plans: BTreeMap<SessionId, BTreeMap<u32, Budget>>,
}

impl Budgets {
    /// Sets one, or takes it away.
    pub fn set(&mut self, subject: &Subject, budget: Option<Budget>) {
        match (subject, budget) {
            (Subject::Session { session_id }, Some(budget)) => {
                self.sessions.insert(session_id.clone(), budget);
            }
            (Subject::Session { session_id }, None) => {
                self.sessions.remove(session_id);
            }
            (
                Subject::Plan {
                    session_id,
                    version,
                },
                budget,
            ) => {
                let versions = self.plans.entry(session_id.clone()).or_default();
                match budget {
                    Some(budget) => versions.insert(*version, budget),
                    None => versions.remove(version),
                };
            }
        }
    }

    /// What holds for this, and whether that is the default.
    pub fn of(&self, subject: &Subject, defaults: &Defaults) -> Option<(Budget, bool)> {
        let (set, default) = match subject {
            Subject::Session { session_id } => {
                (self.sessions.get(session_id), defaults.session_tokens)
            }
            Subject::Plan { version: 0, .. } => (None, None),
            Subject::Plan {
                session_id,
                version,
            } => {
                let versions = self.plans.get(session_id);
                let set = versions.and_then(|versions| versions.get(version));
                (set, defaults.plan_tokens)
            }
        };
        let interrupt = defaults.interrupt;
        let default = default.map(|tokens| (Budget { tokens, interrupt }, true));
        set.map(|set| (*set, false)).or(default)
    }

    /// Whether nothing is bounded.
    pub fn are_none(&self, defaults: &Defaults) -> bool {
        self.sessions.is_empty()
            && self.plans.values().all(BTreeMap::is_empty)
            && defaults.plan_tokens.is_none()
            && defaults.session_tokens.is_none()
    }

    /// Everything that a person set something for.
    pub fn subjects(&self) -> Vec<Subject> {
        let sessions = self.sessions.keys().map(|id| Subject::Session {
            session_id: id.clone(),
        });
        let plans = self.plans.iter().flat_map(|(id, versions)| {
            versions.keys().map(|version| Subject::Plan {
                session_id: id.clone(),
                version: *version,
            })
        });
        sessions.chain(plans).collect()
    }

    /// What a person set for a session.
    pub fn of_session(&self, id: &SessionId) -> Option<Budget> {
        self.sessions.get(id).copied()
    }

    /// What a person set for the plans of a planner, by version.
    pub fn of_plans(&self, planner: &SessionId) -> BTreeMap<u32, Budget> {
        self.plans.get(planner).cloned().unwrap_or_default()
    }

    /// A session leaves with what was set for it and its plans.
    pub fn forget(&mut self, id: &SessionId) {
        self.sessions.remove(id);
        self.plans.remove(id);
    }

    /// A session comes back with what was set for it.
    pub fn put_back(&mut self, id: &SessionId, own: Option<Budget>, plans: BTreeMap<u32, Budget>) {
        if let Some(own) = own {
            self.sessions.insert(id.clone(), own);
        }
        if !plans.is_empty() {
            self.plans.insert(id.clone(), plans);
        }
    }

    /// Another planner has taken over the plans of this one.
    pub fn planner_replaced(&mut self, old: &SessionId, new: &SessionId) {
        if let Some(versions) = self.plans.remove(old) {
            self.plans.entry(new.clone()).or_default().extend(versions);
        }
    }
}
