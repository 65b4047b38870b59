//! What a person does to a session without its terminal, one route for each act. None of it is for agents.

use crate::access::Lease;
use crate::domain::department::{Approval, Sandbox};
use crate::domain::flow::{codex_reviews, messages};
use crate::domain::ids::{MessageId, SessionId};
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use crate::domain::state::State as AllState;
use crate::domain::steering::{Target, Wish};
use crate::sessions::open_terminals::TerminalView;
use crate::sessions::steering::Done;
use crate::threads::Feature;
use crate::web::app::App;
use crate::web::body::Body;
use crate::web::caller::{RequireAgent, RequirePerson};
use crate::web::error::ApiError;
use crate::web::success::{DONE, Done as Acknowledged, Success};
use crate::web::views::{SessionView, ViewContext};
use axum::extract::State;
use serde::{Deserialize, Serialize};

/// The session after an act.
#[derive(Debug, Serialize)]
pub struct Steered {
    session: SessionView,
    /// The turn that was broken off, or that has begun; null where there is none.
    turn_id: Option<String>,
    /// The copy that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    fork_id: Option<String>,
}

fn steered(
    app: &App,
    id: &SessionId,
    opener: &Lease,
    done: Done,
) -> Result<Success<Steered>, ApiError> {
    let session = app.agents.core.known_session(id)?;
    let session = app
        .agents
        .core
        .ledger
        .read(|state| ViewContext::of(&app.agents, state, Some(opener)).session(&session));
    Ok(Success(Steered {
        session,
        turn_id: done.turn_id,
        fork_id: done.fork_id,
    }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interrupt {
    #[serde(alias = "id")]
    session_id: SessionId,
    #[serde(default)]
    background: bool,
}

pub async fn interrupt(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<Interrupt>,
) -> Result<Success<Steered>, ApiError> {
    let (id, actor) = (&wish.session_id, caller.actor());
    let done = app
        .agents
        .steering()
        .interrupt(&actor, id, wish.background)
        .await?;
    steered(&app, id, &opener, done)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compact {
    #[serde(alias = "id")]
    session_id: SessionId,
    #[serde(default)]
    interrupt: bool,
}

pub async fn compact(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<Compact>,
) -> Result<Success<Steered>, ApiError> {
    let (id, actor) = (&wish.session_id, caller.actor());
    let done = app
        .agents
        .steering()
        .compact(&actor, id, wish.interrupt)
        .await?;
    steered(&app, id, &opener, done)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revert {
    #[serde(alias = "id")]
    session_id: SessionId,
    turn_id: String,
    #[serde(default)]
    interrupt: bool,
}

pub async fn revert(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<Revert>,
) -> Result<Success<Steered>, ApiError> {
    let (id, actor) = (&wish.session_id, caller.actor());
    let done = app
        .agents
        .steering()
        .revert(&actor, id, wish.turn_id, wish.interrupt)
        .await?;
    steered(&app, id, &opener, done)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fork {
    #[serde(alias = "id")]
    session_id: SessionId,
    #[serde(default)]
    title: Option<String>,
}

pub async fn fork(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<Fork>,
) -> Result<Success<Steered>, ApiError> {
    let (id, actor) = (&wish.session_id, caller.actor());
    let done = app.agents.steering().fork(&actor, id, wish.title).await?;
    steered(&app, id, &opener, done)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    #[serde(alias = "id")]
    session_id: SessionId,
    title: String,
}

pub async fn rename(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<Rename>,
) -> Result<Success<Steered>, ApiError> {
    let (id, actor) = (&wish.session_id, caller.actor());
    let done = app.agents.steering().rename(&actor, id, wish.title).await?;
    steered(&app, id, &opener, done)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    #[serde(alias = "id")]
    session_id: SessionId,
}

pub async fn archive(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<Archive>,
) -> Result<Success<Steered>, ApiError> {
    let (id, actor) = (&wish.session_id, caller.actor());
    let done = app.agents.steering().archive(&actor, id).await?;
    steered(&app, id, &opener, done)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    #[serde(alias = "id")]
    session_id: SessionId,
    #[serde(default)]
    fork_id: Option<String>,
}

pub async fn delete(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<Delete>,
) -> Result<Success<Steered>, ApiError> {
    let (id, actor) = (&wish.session_id, caller.actor());
    let done = app
        .agents
        .steering()
        .delete(&actor, id, wish.fork_id)
        .await?;
    steered(&app, id, &opener, done)
}

/// The second word for what allows more than was confirmed.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Confirm {
    Wider,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetSettings {
    #[serde(alias = "id")]
    session_id: SessionId,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    effort: Option<String>,
    #[serde(default)]
    approval: Option<Approval>,
    #[serde(default)]
    sandbox: Option<Sandbox>,
    #[serde(default)]
    confirm: Option<Confirm>,
}

pub async fn set(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<SetSettings>,
) -> Result<Success<Steered>, ApiError> {
    let (id, actor) = (&wish.session_id, caller.actor());
    let settings = Wish {
        model: wish.model,
        effort: wish.effort,
        approval: wish.approval,
        sandbox: wish.sandbox,
    };
    let wider = matches!(wish.confirm, Some(Confirm::Wider));
    let done = app
        .agents
        .steering()
        .set(&actor, id, settings, wider)
        .await?;
    steered(&app, id, &opener, done)
}

#[derive(Debug, Deserialize)]
pub struct Review {
    #[serde(alias = "id")]
    session_id: SessionId,
    #[serde(flatten)]
    target: Target,
    #[serde(default)]
    interrupt: bool,
}

pub async fn review(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<Review>,
) -> Result<Success<Steered>, ApiError> {
    let (id, actor) = (&wish.session_id, caller.actor());
    let done = app
        .agents
        .steering()
        .review(&actor, id, wish.target, wish.interrupt)
        .await?;
    steered(&app, id, &opener, done)
}

/// What menxia asks for by its tool. It begins nothing before the turn of its session is over.
pub async fn review_for_thread(
    State(app): State<App>,
    RequireAgent(thread_id): RequireAgent,
    Body(target): Body<Target>,
) -> Result<Acknowledged, ApiError> {
    let agents = &app.agents;
    let of_thread = |state: &AllState| Some(state.session_of_thread(&thread_id)?.id().clone());
    let id = agents.core.ledger.read(of_thread);
    let id =
        id.ok_or_else(|| ApiError::forbidden("not_menxia", say!("refusal.own_review.not_menxia")))?;
    if !agents.steering().can_review() {
        let loss = Feature::Reviews.loss();
        return Err(Refusal::unavailable("codex_lacks", loss).into());
    }
    let actor = id.to_string();
    let ask = move |state: &_| codex_reviews::ask(state, &id, target);
    agents.core.decide(actor, ask).await?;
    Ok(DONE)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeBack {
    #[serde(alias = "id")]
    session_id: SessionId,
    message_id: MessageId,
}

pub async fn take_back(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<TakeBack>,
) -> Result<Success<Steered>, ApiError> {
    let id = wish.session_id.clone();
    let message_id = wish.message_id;
    let take_back = move |state: &_| messages::take_back(state, &id, &message_id);
    app.agents.core.decide(caller.actor(), take_back).await?;
    steered(&app, &wish.session_id, &opener, Done::default())
}

/// The terminal that shows the session's own thread again, or a copy of it.
#[derive(Debug, Serialize)]
pub struct Shown {
    url: Option<String>,
    terminal: TerminalView,
}

impl From<TerminalView> for Shown {
    fn from(terminal: TerminalView) -> Self {
        Self {
            url: terminal.url.clone(),
            terminal,
        }
    }
}

pub async fn bring_back(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<Archive>,
) -> Result<Success<Shown>, ApiError> {
    let id = &wish.session_id;
    let steering = app.agents.steering();
    let terminal = steering.bring_back(&caller.actor(), id).await?;
    let view = app.agents.open_terminals().one(&terminal, &opener)?;
    Ok(Success(view.into()))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfFork {
    #[serde(alias = "id")]
    session_id: SessionId,
    fork_id: String,
}

pub async fn open_fork(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    opener: Lease,
    Body(wish): Body<OfFork>,
) -> Result<Success<Shown>, ApiError> {
    let (id, fork) = (&wish.session_id, &wish.fork_id);
    let terminals = app.agents.open_terminals();
    let view = terminals
        .open_fork(&caller.actor(), &opener, id, fork)
        .await?;
    Ok(Success(view.into()))
}
