//! What Codex asks: answered by the person, once, or by rules that the person made.

use crate::domain::ask::asked::Asked;
use crate::domain::ask::given::Given;
use crate::domain::flow::asks;
use crate::domain::ids::{AskId, RuleId};
use crate::domain::sentence::say;
use crate::web::app::App;
use crate::web::body::Body;
use crate::web::caller::{RequirePerson, RequireReader};
use crate::web::error::ApiError;
use crate::web::success::{DONE, Done, Success};
use crate::web::views::RuleView;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

/// An ask as it stands now.
#[derive(Debug, Serialize)]
pub struct Answered {
    ask: Asked,
}

pub async fn answer(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Path(id): Path<String>,
    Body(given): Body<Given>,
) -> Result<Success<Answered>, ApiError> {
    // What cannot be an id is nobody's id.
    let id = AskId::parse(&id).map_err(|_| unknown())?;
    let ask = app.agents.asks.answer(caller.actor(), &id, given).await?;
    Ok(Success(Answered { ask }))
}

/// The rules that answer for the person.
#[derive(Debug, Serialize)]
pub struct AllRules {
    rules: Vec<RuleView>,
}

pub async fn rules(
    State(app): State<App>,
    RequireReader(_): RequireReader,
) -> Result<Success<AllRules>, ApiError> {
    let core = &app.agents.core;
    let written = core.policy();
    let rules = core
        .ledger
        .read(|state| RuleView::all(state, &written.allow));
    Ok(Success(AllRules { rules }))
}

/// Names a rule.
#[derive(Debug, Deserialize)]
pub struct OfRule {
    rule_id: RuleId,
}

pub async fn remove_rule(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<OfRule>,
) -> Result<Done, ApiError> {
    let policy = app.agents.core.policy();
    let remove = move |state: &_| asks::remove_rule(state, &policy.allow, &wish.rule_id);
    app.agents.core.decide(caller.actor(), remove).await?;
    Ok(DONE)
}

fn unknown() -> ApiError {
    ApiError::not_found("unknown_ask", say!("refusal.no_such_ask"))
}
