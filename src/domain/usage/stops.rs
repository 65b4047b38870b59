//! What stands still at a limit of the provider or at a budget, and in which order it goes on.

use crate::domain::ids::SessionId;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A session that is told to go on has so long to get an answer before the next one is told. Ten times as long would make thirty
/// sessions wait for minutes; a tenth would be no pause at all.
const STAGGER: TimeDelta = TimeDelta::seconds(5);
/// Without an answer to the last one that was told the provider is not believed to serve again for so long: a refusal may take longer
/// than the pause between two, and has to find the count of tries.
const PATIENCE: TimeDelta = TimeDelta::seconds(60);

/// What a session stands still at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The provider refuses.
    RateLimited,
    /// A budget is used up.
    BudgetReached,
}

impl Limit {
    /// The word that the API shows.
    pub fn word(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::BudgetReached => "budget_reached",
        }
    }
}

/// A session that stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// At what.
    pub limit: Limit,
    /// Since when.
    pub at: DateTime<Utc>,
}

/// The provider refuses: nothing new starts, and nobody is reminded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Until when, as the provider says; `None` where it does not.
    pub until: Option<DateTime<Utc>>,
    /// When it is tried again.
    pub retry_at: DateTime<Utc>,
    /// How often it was refused, one try after the other.
    pub tries: u32,
    /// Who was told to go on last, and when.
    pub told: Option<(SessionId, DateTime<Utc>)>,
}

/// What stands still.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stops {
    /// Whether the provider refuses.
    pub held: Option<Held>,
    /// Who stands still.
    pub sessions: BTreeMap<SessionId, Stopped>,
}

/// What comes next after a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing before this moment.
    Wait(DateTime<Utc>),
    /// One goes on.
    Tell(SessionId),
    /// Nobody stands still any more.
    Release,
}

impl Stops {
    /// Who stands still at this, the first first.
    pub fn at(&self, limit: Limit) -> Vec<&SessionId> {
        let stopped = self.sessions.iter();
        let mut stopped: Vec<_> = stopped.filter(|(_, it)| it.limit == limit).collect();
        stopped.sort_by_key(|(id, it)| (it.at, (*id).clone()));
        stopped.into_iter().map(|(id, _)| id).collect()
    }

    /// When it is tried again for a session that stands still because the provider refuses it. That may be past: others are told first.
    pub fn refused_until(&self, session: &SessionId) -> Option<DateTime<Utc>> {
        let stopped = self.sessions.get(session)?;
        let held = self.held.as_ref()?;
        (stopped.limit == Limit::RateLimited).then_some(held.retry_at)
    }

    /// What comes next, if the provider has refused. `answered_at` says when a session last had an answer; `can` whether it can be told.
    pub fn next(
        &self,
        now: DateTime<Utc>,
        answered_at: impl Fn(&SessionId) -> Option<DateTime<Utc>>,
        can: impl Fn(&SessionId) -> bool,
    ) -> Option<Next> {
        let held = self.held.as_ref()?;
        if now < held.retry_at {
            return Some(Next::Wait(held.retry_at));
        }
        // Who was told, and neither has an answer nor is over.
        let tries = held.told.as_ref().filter(|(session, told_at)| {
            answered_at(session).is_none_or(|at| at < *told_at) && can(session)
        });
        let rest_of = |pause: TimeDelta| {
            let until = tries.map(|(_, told_at)| *told_at + pause);
            until.filter(|until| now < *until)
        };
        if let Some(until) = rest_of(STAGGER) {
            return Some(Next::Wait(until));
        }
        let mut waiting = self.at(Limit::RateLimited).into_iter();
        Some(match (waiting.find(|id| can(id)), rest_of(PATIENCE)) {
            (Some(next), _) => Next::Tell(next.clone()),
            (None, Some(until)) => Next::Wait(until),
            (None, None) => Next::Release,
        })
    }

    /// A session stands still.
    pub fn stopped(&mut self, at: DateTime<Utc>, session: &SessionId, limit: Limit) {
        self.sessions.insert(session.clone(), Stopped { limit, at });
    }

    /// It is over, or begins once more.
    pub fn forget(&mut self, session: &SessionId) {
        self.sessions.remove(session);
    }

    /// The provider refuses, or refuses once more.
    pub fn held(
        &mut self,
        at: DateTime<Utc>,
        until: Option<DateTime<Utc>>,
        retry_at: DateTime<Utc>,
        tries: u32,
    ) {
        let since = self.held.as_ref().map_or(at, |held| held.since);
        self.held = Some(Held {
            since,
            until,
            retry_at,
            tries,
            told: None,
        });
    }

    /// A person wants it to be tried now.
    pub fn retried(&mut self, at: DateTime<Utc>) {
        if let Some(held) = &mut self.held {
            held.retry_at = held.retry_at.min(at);
        }
    }

    /// A session goes on.
    pub fn told(&mut self, at: DateTime<Utc>, session: &SessionId) {
        let stopped = self.sessions.remove(session);
        if let (Some(held), Some(Limit::RateLimited)) = (&mut self.held, stopped.map(|it| it.limit))
        {
            held.told = Some((session.clone(), at));
        }
    }
}
