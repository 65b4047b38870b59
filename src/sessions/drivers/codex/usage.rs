//! What a session's turns take, and what happens when the provider refuses one. One event for each turn that is over; what a turn has
//! taken so far is observed.

use crate::core::LAUNCHER;
use crate::core::live::Activity;
use crate::domain::event::Event;
use crate::domain::flow;
use crate::domain::ids::SessionId;
use crate::domain::session::Session;
use crate::domain::state::State;
use crate::domain::usage::meter::Meter;
use crate::domain::usage::{TurnUsage, Used};
use crate::sessions::agents::Agents;
use crate::threads::wire::{Item, Notification, ThreadId, TokenUsageUpdated, Turn, TurnStatus};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Whether the provider refused this turn, because a limit of the account is reached.
pub fn is_limit(turn: &Turn) -> bool {
    let error = turn.error.as_ref();
    turn.status == TurnStatus::Failed
        && error.is_some_and(|error| error.codex_error_info == "usageLimitExceeded")
}

/// Codex came, or came back: what it knows of the account's limits is asked for, beside everything else.
pub fn connected(agents: &Arc<Agents>) {
    let at_work = Arc::clone(agents);
    agents.core.errand(async move {
        at_work.threads.look_for_limits().await;
    });
}

/// Takes note of what a notification says about usage, before it has any other effect.
pub async fn heard(agents: &Arc<Agents>, notification: &Notification) {
    match notification {
        Notification::RateLimits(told) => agents.threads.limits_told(told.rate_limits.clone()),
        Notification::TurnStarted(change) => {
            if let Some((id, used)) = owner(agents, &change.thread_id) {
                agents.core.live.update(&id, |observed| {
                    let meter = &mut observed.meter;
                    of_thread(meter, &change.thread_id, &used).begun(&change.turn.id.0);
                });
            }
        }
        Notification::TokenUsage(told) => counted(agents, told).await,
        Notification::ItemCompleted(change) if is_of_model(&change.item) => {
            if let Some((id, _)) = owner(agents, &change.thread_id) {
                let observed = agents.core.live.observed(&id);
                if observed.turn.end().is_none() && is_at_work(observed.activity) {
                    answered(agents, &id).await;
                }
            }
        }
        Notification::TurnCompleted(change) => {
            let thread_id = &change.thread_id;
            let owner = agents.core.ledger.read(|state| {
                let session = state.session_of_thread(&thread_id.0)?;
                let used = state.usage.sessions.get(session.id());
                Some((session.clone(), used.cloned().unwrap_or_default()))
            });
            if let Some((session, used)) = owner {
                ended(agents, &session, thread_id, &used, &change.turn).await;
                if is_limit(&change.turn) {
                    refused(agents, session.id()).await;
                }
            }
        }
        _ => {}
    }
}

/// Whether only an answer of the model makes such an item. A command may come to its end long after the turn that the provider refused.
fn is_of_model(item: &Item) -> bool {
    matches!(
        item,
        Item::AgentMessage { .. } | Item::Reasoning { .. } | Item::Plan { .. }
    )
}

fn is_at_work(activity: Activity) -> bool {
    matches!(activity, Activity::Working | Activity::Blocked)
}

/// Whose thread it is, and what it is known to have taken. A copy of the session with its plans is not needed.
fn owner(agents: &Agents, thread_id: &ThreadId) -> Option<(SessionId, Used)> {
    agents.core.ledger.read(|state| {
        let id = state.session_of_thread(&thread_id.0)?.id();
        let used = state.usage.sessions.get(id);
        Some((id.clone(), used.cloned().unwrap_or_default()))
    })
}

fn of_thread<'a>(meter: &'a mut Option<Meter>, thread: &ThreadId, used: &Used) -> &'a mut Meter {
    if meter.as_ref().is_some_and(|it| !it.measures(&thread.0)) {
        *meter = None;
    }
    meter.get_or_insert_with(|| Meter::of(&thread.0, used.thread_total, used.spent.tokens))
}

async fn counted(agents: &Arc<Agents>, told: &TokenUsageUpdated) {
    let Some((id, known)) = owner(agents, &told.thread_id) else {
        return;
    };
    let usage = &told.token_usage;
    let (mut activity, mut has_grown) = (Activity::Unknown, false);
    agents.core.live.update(&id, |observed| {
        let meter = of_thread(&mut observed.meter, &told.thread_id, &known);
        let (total, last) = (usage.total.tokens(), usage.last.tokens());
        has_grown = meter.heard(&told.turn_id.0, total, last, usage.context());
        activity = observed.activity;
    });
    match activity {
        Activity::Working | Activity::Blocked => {}
        // Told to whoever resumes a thread, or late: no turn will end for it.
        Activity::Idle => {
            if let Some(session) = agents.core.session(&id) {
                missed(agents, &session).await;
            }
            return;
        }
        // Told to whoever resumes a thread, before it is known whether a turn runs: that it was resumed comes next.
        Activity::Unknown => return,
    }
    // Whoever resumes a thread in the middle of its turn hears the old count once more.
    if has_grown {
        answered(agents, &id).await;
    }
    let defaults = agents.core.policy().budgets;
    let is_none = |state: &State| state.usage.budgets.are_none(&defaults);
    let is_bounded = !agents.core.ledger.read(is_none);
    if is_bounded {
        agents.core.ring();
    }
}

/// The model answered, so the provider does not refuse this session.
async fn answered(agents: &Agents, id: &SessionId) {
    let now = Utc::now();
    let (stands_still, is_told) = agents.core.ledger.read(|state| {
        let stops = &state.usage.stops;
        (stops.sessions.contains_key(id), stops.held.is_some())
    });
    if stands_still {
        let key = id.clone();
        let decided = agents.core.decide(LAUNCHER, move |state| {
            flow::usage::answered(state, &key, now)
        });
        if let Err(error) = decided.await {
            tracing::warn!(?error, "it could not be recorded that a session goes on");
        }
    }
    // Later than the record: that it goes on is no wish for another answer.
    let heard_at = Utc::now();
    agents
        .core
        .live
        .update(id, |observed| observed.answered_at = Some(heard_at));
    if is_told {
        agents.core.ring();
    }
}

/// A turn is over. Its record is written before anything else is heard of the thread: the records of two turns stay in their order.
async fn ended(
    agents: &Agents,
    session: &Session,
    thread_id: &ThreadId,
    known: &Used,
    turn: &Turn,
) {
    let mut used = None;
    agents.core.live.update(session.id(), |observed| {
        let meter = of_thread(&mut observed.meter, thread_id, known);
        used = Some((meter.ended(), meter.context));
    });
    let Some((ended, context)) = used else { return };
    let seconds = |from: Option<i64>, to: Option<i64>| {
        let seconds = from.zip(to).map(|(from, to)| to.saturating_sub(from));
        u64::try_from(seconds.unwrap_or(0)).unwrap_or(0)
    };
    let event = Event::TurnUsed {
        session_id: session.id().clone(),
        turn_id: turn.id.0.clone(),
        used: TurnUsage {
            tokens: ended.tokens,
            started_at: turn
                .started_at
                .and_then(|at| DateTime::from_timestamp(at, 0)),
            seconds: turn.duration_ms.map_or_else(
                || seconds(turn.started_at, turn.completed_at),
                |ms| (ms + 500) / 1000,
            ),
            model: session.brief.model.clone(),
            thread_total: ended.total,
            context,
        },
    };
    agents.core.record(vec![event]).await;
    // What waits for a budget, or for others that stood still, is looked at once more.
    agents.core.ring();
}

/// A session's thread is at hand again. What is known of a turn that ended while nobody listened is recorded; what is not known yet comes with
/// the thread's total at its next answer.
pub async fn resumed(agents: &Agents, session: &Session, runs: bool) {
    if !runs {
        missed(agents, session).await;
    }
}

/// Records what is counted of turns whose end nobody heard.
pub async fn missed(agents: &Agents, session: &Session) {
    let mut used = None;
    agents.core.live.update(session.id(), |observed| {
        if let Some(meter) = &mut observed.meter
            && meter.has_pending()
        {
            used = Some((meter.ended(), meter.context));
        }
    });
    let Some((ended, context)) = used else { return };
    let event = Event::TurnUsed {
        session_id: session.id().clone(),
        turn_id: ended.turn,
        used: TurnUsage {
            tokens: ended.tokens,
            started_at: None,
            seconds: 0,
            model: session.brief.model.clone(),
            thread_total: ended.total,
            context,
        },
    };
    agents.core.record(vec![event]).await;
}

/// The provider refused a session's turn: it stands still, and so does what would start.
async fn refused(agents: &Agents, id: &SessionId) {
    let now = Utc::now();
    let until = agents.threads.rate_limits().refuses_until(now);
    let key = id.clone();
    let decided = agents.core.decide(LAUNCHER, move |state| {
        flow::usage::refused(state, &key, until, now)
    });
    if let Err(error) = decided.await {
        tracing::warn!(
            ?error,
            "it could not be recorded that a session stands still"
        );
    }
}
