//! `GET /api/usage`: what was taken, by whom, and what bounds it. `POST /api/budgets`: what a person allows.

use crate::domain::ids::SessionId;
use crate::domain::refusal::Refusal;
use crate::domain::sentence::say;
use crate::domain::session::Session;
use crate::domain::usage::budgets::{Bounds, Budget, MOST, Subject};
use crate::domain::usage::shown;
use crate::domain::{self, flow};
use crate::web::app::App;
use crate::web::body::Body;
use crate::web::caller::{RequirePerson, RequireReader};
use crate::web::error::ApiError;
use crate::web::success::Success;
use crate::web::views::{AllUsage, BudgetView, MAX_LISTED};
use axum::extract::State;
use serde::{Deserialize, Deserializer, Serialize};

pub async fn usage(State(app): State<App>, RequireReader(_): RequireReader) -> Success<AllUsage> {
    let agents = &app.agents;
    let limits = agents.queue().limits();
    let language = agents.core.policy().catalog.language;
    let all = |state: &domain::state::State| {
        AllUsage::of(agents, state, &limits.bounds, language, MAX_LISTED)
    };
    Success(agents.core.ledger.read(all))
}

/// A number, or as people write it: `2M`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(u64),
    Written(String),
}

/// What a person allows. Of `session` and `plan` there is exactly one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    #[serde(default)]
    session: Option<SessionId>,
    #[serde(default)]
    plan: Option<SessionId>,
    /// The newest by default.
    #[serde(default)]
    version: Option<u32>,
    /// Null lets the configured budget hold again; absent it was forgotten, and must not take a budget away.
    #[serde(default, deserialize_with = "told")]
    tokens: Option<Option<Number>>,
    #[serde(default)]
    interrupt: bool,
}

fn told<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Number>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// How it stands then.
#[derive(Debug, Serialize)]
pub struct BudgetSet {
    /// Null where nothing bounds any more.
    budget: Option<BudgetView>,
}

pub async fn set_budget(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<Wish>,
) -> Result<Success<BudgetSet>, ApiError> {
    let invalid = || {
        let message = say!("refusal.invalid_budget", most = MOST);
        Refusal::invalid("invalid_budget", message)
    };
    let tokens = match wish.tokens.ok_or_else(invalid)? {
        None => None,
        Some(Number::Plain(tokens)) => Some(tokens),
        Some(Number::Written(text)) => Some(shown::read(&text).ok_or_else(invalid)?),
    };
    let interrupt = wish.interrupt;
    let budget = tokens.map(|tokens| Budget { tokens, interrupt });
    let core = &app.agents.core;
    let bounds = Bounds {
        defaults: core.policy().budgets,
        heard: core.live.heard_tokens(),
    };
    let (session, plan, version) = (wish.session, wish.plan, wish.version);
    let standing = core
        .decide(caller.actor(), move |state| {
            let subject = match (session, plan, version) {
                (Some(session_id), None, None) => Subject::Session { session_id },
                (None, Some(planner), version) => {
                    let session_id = state.current_planner(&planner).clone();
                    let newest = state.session(&session_id).and_then(Session::plan);
                    let version = version.or(newest.map(|plan| plan.version)).unwrap_or(0);
                    Subject::Plan {
                        session_id,
                        version,
                    }
                }
                _ => {
                    let message = say!("refusal.session_or_plan");
                    return Err(Refusal::invalid("invalid_budget_subject", message));
                }
            };
            flow::usage::set_budget(state, &subject, budget, &bounds)
        })
        .await?;
    core.ring();
    Ok(Success(BudgetSet {
        budget: standing.map(|standing| BudgetView { standing }),
    }))
}
