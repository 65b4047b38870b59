//! What is to be done next, from the state and what is observed. Pure: the reconciler does it.
//!
//! Because every step follows from the state, a crash forgets nothing: the next launcher looks at the same state and
//! comes to the same steps.

use crate::core::live::{Activity, Observed};
use crate::core::policy::Policy;
use crate::domain::department::MENXIA;
use crate::domain::flow::holds::Limits;
use crate::domain::flow::sessions::{MAX_REMINDERS, has_reported};
use crate::domain::flow::{checks, plan_reviews, queue, usage};
use crate::domain::ids::SessionId;
use crate::domain::message::Message;
use crate::domain::plan::PlanState;
use crate::domain::session::{Session, Status};
use crate::domain::state::State;
use crate::domain::steering::OwnReview;
use crate::domain::usage::budgets::Bounds;
use crate::domain::usage::stops::Next;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::time::Duration;

/// A report by file is read some 150 ms after it was written; a session that ended its turn just now is not asked yet.
const SETTLE: Duration = Duration::from_secs(2);

/// One thing to do. Two equal steps are never done at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// Give the next assignment to a session.
    Dispatch,
    /// Give the plan of a planner to a session that reviews it.
    Review(SessionId),
    /// What a session reviews needs no verdict any more.
    CallOff(SessionId),
    /// Start (or resume) a session's driver and give it its prompt.
    Start(SessionId),
    /// Find a session's driver again.
    Reconnect(SessionId),
    /// Deliver what is owed to it.
    Deliver(SessionId),
    /// Begin the review by Codex that it asked for.
    BeginReview(SessionId),
    /// The review by Codex that it asked for is over.
    EndReview(SessionId),
    /// Ask a silent department.
    Remind(SessionId),
    /// It reported and its turn is over.
    Dismiss(SessionId),
    /// It was asked often enough.
    GiveUp(SessionId),
    /// End its processes and record the end.
    Close(SessionId),
    /// Interrupt its turn: a budget is used up.
    Interrupt(SessionId),
    /// Let the next one go on that stood still at a limit.
    GoOn,
    /// Show it in a terminal.
    OpenTui(SessionId),
    /// Hold reports against the repository.
    Judge,
    /// Run the next verify command.
    Verify,
}

/// What the pure part cannot see.
pub trait Senses {
    /// What is observed of a session.
    fn observed(&self, id: &SessionId) -> Observed;
    /// Whether its driver is at hand.
    fn is_connected(&self, id: &SessionId) -> bool;
    /// When the model last answered it.
    fn answered_at(&self, id: &SessionId) -> Option<DateTime<Utc>>;
    /// Tokens that sessions have taken in all.
    fn heard_tokens(&self) -> BTreeMap<SessionId, u64>;
    /// Whether its TUI may be started now without anybody asking for it.
    fn may_open_tui(&self, id: &SessionId) -> bool;
}

/// All steps that are due, and when to look again although nothing happened.
pub fn due(
    state: &State,
    policy: &Policy,
    senses: &impl Senses,
    now: DateTime<Utc>,
) -> (Vec<Step>, Option<Duration>) {
    let mut steps = Vec::new();
    let mut wake: Option<Duration> = None;
    let limits = Limits {
        bounds: Bounds {
            defaults: policy.budgets,
            heard: match state.usage.budgets.are_none(&policy.budgets) {
                true => BTreeMap::new(),
                false => senses.heard_tokens(),
            },
        },
        ..policy.limits()
    };
    let bounds = &limits.bounds;
    if queue::next(state, &limits).is_some() {
        steps.push(Step::Dispatch);
    }
    if !(state.unjudged.is_empty() && state.unsettled.is_empty()) {
        steps.push(Step::Judge);
    }
    if checks::next_verification(state).is_some() {
        steps.push(Step::Verify);
    }
    match usage::next(state, bounds, now, |id| senses.answered_at(id)) {
        None => {}
        Some(Next::Wait(until)) => wake = Some((until - now).to_std().unwrap_or_default()),
        Some(Next::Tell(_) | Next::Release) => steps.push(Step::GoOn),
    }
    let shown = |session: &&Session| {
        session.is_live() && has_view(session) && session.terminal_id.is_some()
    };
    let mut tuis = state.live_sessions().filter(shown).count();
    for session in state.live_sessions() {
        let id = session.id().clone();
        let reviewer = policy.driver_of(MENXIA);
        if let Some(plan) = plan_reviews::unassigned(state, session)
            && !usage::withholds_review(state, session, plan.version, reviewer, bounds)
        {
            steps.push(Step::Review(id.clone()));
        }
        match &session.status {
            Status::Closed { .. } => {}
            Status::Starting | Status::Running if is_superfluous_review(state, session) => {
                steps.push(Step::CallOff(id));
            }
            Status::Starting => steps.push(Step::Start(id)),
            Status::Closing { .. } => steps.push(Step::Close(id)),
            Status::Running if !senses.is_connected(&id) => steps.push(Step::Reconnect(id)),
            Status::Running => {
                let observed = senses.observed(&id);
                let (step, later) = for_running(state, policy, bounds, session, &observed, now);
                steps.extend(step);
                wake = [wake, later].into_iter().flatten().min();
                let wants_tui = has_view(session) && session.terminal_id.is_none();
                if wants_tui && tuis < policy.tuis && senses.may_open_tui(&id) {
                    tuis += 1;
                    steps.push(Step::OpenTui(id));
                }
            }
        }
    }
    (steps, wake)
}

/// Whether its terminal is a view that may be opened and closed.
fn has_view(session: &Session) -> bool {
    !session.brief.driver.lives_in_terminal()
}

/// Whether it reviews a plan that nobody waits with any more: decided or replaced meanwhile, or left to the person.
///
/// Who has spoken ends with its turn, like any department, unless its plan is history: the next one must not wait for it.
fn is_superfluous_review(state: &State, session: &Session) -> bool {
    let is_open = plan_reviews::subject(state, session)
        .is_some_and(|(_, plan)| plan.state == PlanState::Pending);
    session.is_review()
        && !plan_reviews::is_wanted(state, session)
        && !(is_open && plan_reviews::has_spoken(state, session))
}

fn for_running(
    state: &State,
    policy: &Policy,
    bounds: &Bounds,
    session: &Session,
    observed: &Observed,
    now: DateTime<Utc>,
) -> (Option<Step>, Option<Duration>) {
    let id = || session.id().clone();
    let idle = observed.activity == Activity::Idle;
    // A plain program that says nothing about itself takes what is typed whenever it reads.
    let listens = idle || (!session.brief.driver.tells() && observed.activity == Activity::Unknown);
    let may_have_no_task =
        session.brief.driver.tells() && !session.prompted && !has_reported(state, session);
    if idle && may_have_no_task {
        // A turn that was broken off as it began takes its prompt with it; what there is is looked up.
        let since = observed.activity_since.unwrap_or(now);
        return due_after(now, since, SETTLE, Step::Reconnect(id()));
    }
    let mut owed = state.owed_to(session.id());
    let stands_still = usage::stands_still(state, session, bounds);
    if stands_still {
        let works = matches!(observed.activity, Activity::Working | Activity::Blocked);
        let is_exhausted = || state.exhausted(session, bounds);
        if works && is_exhausted().is_some_and(|it| it.budget.interrupt) {
            return (Some(Step::Interrupt(id())), None);
        }
        owed.retain(|message| message.purpose.passes_limits());
    }
    if !owed.is_empty() {
        let is_handed = |message: &&&Message| observed.handed.contains(&message.message_id);
        let mut others = owed.iter().filter(|message| !is_handed(message));
        if others.any(|message| listens || message.purpose.interrupts()) {
            return (Some(Step::Deliver(id())), None);
        }
        // An interrupted turn takes what it held with it.
        return match (idle, observed.activity_since) {
            (true, Some(since)) => due_after(now, since, SETTLE, Step::Deliver(id())),
            _ => (None, None),
        };
    }
    if session.is_planner() {
        return (None, None);
    }
    if has_reported(state, session) {
        return (idle.then(|| Step::Dismiss(id())), None);
    }
    if stands_still {
        return (None, None);
    }
    if observed.activity == Activity::Blocked {
        // It waits for a person, who may take their time.
        return (None, None);
    }
    if let Some(review) = &session.own_reviews.open {
        let step = match review {
            OwnReview::Waits(_) => Step::BeginReview(id()),
            OwnReview::Begun => Step::EndReview(id()),
        };
        return match (idle, observed.activity_since) {
            (true, Some(since)) => due_after(now, since, SETTLE, step),
            _ => (None, None),
        };
    }
    if session.reminders >= MAX_REMINDERS {
        let sign = observed
            .last_activity_at
            .max(session.reminded_at)
            .unwrap_or(now);
        return due_after(now, sign, policy.reminder_grace, Step::GiveUp(id()));
    }
    match (idle, observed.activity_since) {
        (true, Some(since)) => due_after(now, since, SETTLE, Step::Remind(id())),
        _ => (None, None),
    }
}

fn due_after(
    now: DateTime<Utc>,
    since: DateTime<Utc>,
    wait: Duration,
    step: Step,
) -> (Option<Step>, Option<Duration>) {
    let passed = (now - since).to_std().unwrap_or_default();
    match wait.checked_sub(passed) {
        None | Some(Duration::ZERO) => (Some(step), None),
        Some(rest) => (None, Some(rest)),
    }
}
