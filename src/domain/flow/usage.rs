//! Limits and budgets: who stands still, and when it goes on; what a person allows.

use super::messages;
use super::{Decision, named};
use crate::domain::driver::Driver;
use crate::domain::event::Event;
use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::domain::message::{Purpose, Setback};
use crate::domain::prompts;
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use crate::domain::session::{Session, Status};
use crate::domain::state::State;
use crate::domain::usage::budgets::{Bounds, Budget, MOST, Standing, Subject};
use crate::domain::usage::limits::retry_at;
use crate::domain::usage::stops::{Held, Limit, Next};
use chrono::{DateTime, TimeDelta, Utc};

/// Codex tells when a limit ends in whole seconds, at times counted from now: two refusals by one limit name times so far apart.
const GRAIN: TimeDelta = TimeDelta::seconds(2);

/// Whether the launcher gives a session nothing to do for now, apart from a person's own words: the provider refuses, or a budget that
/// stops it is used up.
pub fn stands_still(state: &State, session: &Session, bounds: &Bounds) -> bool {
    let stops = &state.usage.stops;
    (stops.held.is_some() && session.brief.driver.needs_codex())
        || stops.sessions.contains_key(session.id())
        || state.exhausted(session, bounds).is_some()
}

/// Whether the review of a planner's plan does not begin for now: the provider refuses who would review it, or the plan's budget is used up.
pub fn withholds_review(
    state: &State,
    planner: &Session,
    version: u32,
    reviewer: &Driver,
    bounds: &Bounds,
) -> bool {
    let plan = Subject::Plan {
        session_id: planner.id().clone(),
        version,
    };
    (state.usage.stops.held.is_some() && reviewer.needs_codex())
        || state.budget(&plan, bounds).is_some_and(|it| it.reached)
}

/// The provider refused a session's turn. `until` is what it says; where that is past or absent, it is tried again after a pause that
/// grows with each refusal.
///
/// # Errors
/// Never refuses: a session that is over is not held.
pub fn refused(
    state: &State,
    id: &SessionId,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Decision<()> {
    if !state.session(id).is_some_and(Session::is_live) {
        return Ok((Vec::new(), ()));
    }
    let until = until.filter(|until| *until > now);
    let mut events = Vec::new();
    let held = state.usage.stops.held.as_ref();
    let tries = held.map_or(0, |held| held.tries);
    let refused_again = held.is_none_or(|held| held.retry_at <= now);
    let later = |held: &Held| {
        until.is_some_and(|until| held.until.is_none_or(|known| until > known + GRAIN))
    };
    if refused_again || held.is_some_and(later) {
        let tries = tries + u32::from(refused_again);
        events.push(Event::QueueHeld {
            reason: Limit::RateLimited,
            until,
            retry_at: retry_at(until, tries, now),
            tries,
        });
    }
    if !state.usage.stops.sessions.contains_key(id) {
        events.push(Event::SessionLimited {
            session_id: id.clone(),
            limit: Limit::RateLimited,
            until,
        });
    }
    Ok((events, ()))
}

/// A session that stood still at the provider's limit had an answer, because a person spoke to it: it needs no word of ours, and
/// others need not wait longer.
///
/// # Errors
/// Never refuses.
pub fn answered(state: &State, id: &SessionId, now: DateTime<Utc>) -> Decision<()> {
    let stops = &state.usage.stops;
    let stopped = stops.sessions.get(id);
    if stopped.is_none_or(|it| it.limit != Limit::RateLimited) {
        return Ok((Vec::new(), ()));
    }
    let session_id = id.clone();
    let mut events = vec![Event::SessionReleased { session_id }];
    let waits = stops.held.as_ref().is_some_and(|held| held.retry_at > now);
    events.extend(waits.then_some(Event::QueueRetried {}));
    Ok((events, ()))
}

/// A session's turn is interrupted, because a budget is used up.
///
/// # Errors
/// Never refuses: a session that stands still already does so.
pub fn exhausted(state: &State, id: &SessionId) -> Decision<()> {
    let is_known = state.usage.stops.sessions.contains_key(id);
    let event = (!is_known).then(|| Event::SessionLimited {
        session_id: id.clone(),
        limit: Limit::BudgetReached,
        until: None,
    });
    Ok((Vec::from_iter(event), ()))
}

/// Who goes on now, or when to look again. `answered_at` says when a session last had an answer of the model.
pub fn next(
    state: &State,
    bounds: &Bounds,
    now: DateTime<Utc>,
    answered_at: impl Fn(&SessionId) -> Option<DateTime<Utc>>,
) -> Option<Next> {
    let stops = &state.usage.stops;
    let runs = |id: &SessionId| {
        let session = state.session(id);
        session.filter(|session| session.status == Status::Running)
    };
    let within = |id: &&SessionId| {
        let session = runs(id);
        session.is_some_and(|session| state.exhausted(session, bounds).is_none())
    };
    let mut waiting = stops.at(Limit::BudgetReached).into_iter();
    if stops.held.is_none()
        && let Some(id) = waiting.find(within)
    {
        return Some(Next::Tell(id.clone()));
    }
    stops.next(now, answered_at, |id| runs(id).is_some())
}

/// The next one goes on, and is told what had happened; or nobody stands still any more.
///
/// # Errors
/// Never refuses: when it is not the time, there are no events.
pub fn go_on(
    state: &State,
    bounds: &Bounds,
    language: Language,
    now: DateTime<Utc>,
    answered_at: impl Fn(&SessionId) -> Option<DateTime<Utc>>,
) -> Decision<()> {
    let events = match next(state, bounds, now, answered_at) {
        None | Some(Next::Wait(_)) => Vec::new(),
        Some(Next::Release) => vec![Event::QueueReleased {}],
        Some(Next::Tell(id)) => {
            let stopped = state.usage.stops.sessions.get(&id);
            let setback = match stopped.map(|it| it.limit) {
                Some(Limit::BudgetReached) => Setback::BudgetReached,
                _ => Setback::RateLimited,
            };
            let text = prompts::go_on(language, setback);
            vec![
                Event::SessionReleased {
                    session_id: id.clone(),
                },
                messages::queued(&id, Purpose::GoOn, None, text),
            ]
        }
    };
    Ok((events, ()))
}

/// Sets a budget, or with `None` lets the configured one hold again. Answers how it stands then; `None` where nothing bounds any more.
///
/// # Errors
/// When there is no such session or plan, or the number is none.
pub fn set_budget(
    state: &State,
    subject: &Subject,
    budget: Option<Budget>,
    bounds: &Bounds,
) -> Decision<Option<Standing>> {
    let id = subject.session_id();
    let session = state
        .session(id)
        .ok_or_else(|| named::unknown_session(id))?;
    if let Subject::Plan { version, .. } = subject {
        if !session.is_planner() {
            let message = say!("refusal.not_a_planner_session", id);
            return Err(Refusal::invalid("not_a_planner", message));
        }
        if !session.plans.iter().any(|plan| plan.version == *version) {
            let message = say!("refusal.unknown_plan_version", id, version);
            return Err(Refusal::not_found("unknown_plan", message));
        }
    }
    if budget.is_some_and(|budget| budget.tokens == 0 || budget.tokens > MOST) {
        let message = say!("refusal.invalid_budget", most = MOST);
        return Err(Refusal::invalid("invalid_budget", message));
    }
    let mut then = state.usage.budgets.clone();
    then.set(subject, budget);
    let standing = then
        .of(subject, &bounds.defaults)
        .map(|(budget, by_default)| {
            let used = state.used_of(subject, bounds);
            Standing {
                subject: subject.clone(),
                used,
                budget,
                reached: used >= budget.tokens,
                by_default,
            }
        });
    let event = Event::BudgetSet {
        subject: subject.clone(),
        budget,
    };
    Ok((vec![event], standing))
}
