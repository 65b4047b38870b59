//! Files beside a plan that nobody is known to have written: a person takes one as the plan, or takes it away.

use crate::domain::flow::plan_files;
use crate::domain::flow::plans::PlanReceipt;
use crate::domain::ids::SessionId;
use crate::web::app::App;
use crate::web::body::Body;
use crate::web::caller::RequirePerson;
use crate::web::error::ApiError;
use crate::web::success::{DONE, Done, Success};
use axum::extract::State;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub struct OnePlanFile {
    #[serde(alias = "zhongshu_session_id", alias = "parent_session_id")]
    session_id: SessionId,
    plan_sha256: String,
}

pub async fn take(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<OnePlanFile>,
) -> Result<Success<PlanReceipt>, ApiError> {
    let policy = app.agents.core.policy();
    let decide = app.agents.core.decide(caller.actor(), move |state| {
        plan_files::take(state, &policy.catalog, &wish.session_id, &wish.plan_sha256)
    });
    Ok(Success(decide.await?))
}

pub async fn discard(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<OnePlanFile>,
) -> Result<Done, ApiError> {
    let decide = app.agents.core.decide(caller.actor(), move |state| {
        plan_files::discard(state, &wish.session_id, &wish.plan_sha256)
    });
    decide.await?;
    Ok(DONE)
}
