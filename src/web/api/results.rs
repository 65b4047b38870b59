//! Results: the inbox, acknowledging, handoff packets.

use super::status::scene;
use super::{done, ok};
use crate::access::Lease;
use crate::domain::flow::sessions::planner;
use crate::domain::handoff::Packet;
use crate::domain::ids::{ReportId, SessionId};
use crate::domain::refusal::Refusal;
use crate::domain::result::Report;
use crate::domain::shown::shown_value;
use crate::web::app::App;
use crate::web::body::{Body, Query};
use crate::web::caller::{Opener, RequireAgent, RequirePerson, RequireReader};
use crate::web::error::ApiError;
use axum::Json;
use axum::extract::State;
use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
pub struct Inbox {
    #[serde(alias = "session_id")]
    id: SessionId,
    #[serde(default)]
    peek: Option<String>,
}

fn peeks(peek: Option<&str>) -> bool {
    matches!(peek, Some("1" | "true" | "yes"))
}

/// Looks. The one GET that changes something, for scripts alone: the page has its POST, and a HEAD is nobody's look.
pub async fn inbox(
    State(app): State<App>,
    method: Method,
    RequireReader(caller): RequireReader,
    Opener(opener): Opener,
    Query(wish): Query<Inbox>,
) -> Result<Json<Value>, ApiError> {
    let marks = method == Method::GET && caller.reads_by_looking();
    let peek = !marks || peeks(wish.peek.as_deref());
    open_inbox(&app, &caller.actor(), &wish.id, peek, opener.as_ref()).await
}

#[derive(Debug, Deserialize)]
pub struct ReadInbox {
    #[serde(alias = "zhongshu_session_id")]
    session_id: SessionId,
}

/// Marks what is unread as read, and answers with it.
pub async fn read_inbox(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Opener(opener): Opener,
    Body(wish): Body<ReadInbox>,
) -> Result<Json<Value>, ApiError> {
    let actor = caller.actor();
    open_inbox(&app, &actor, &wish.session_id, false, opener.as_ref()).await
}

#[derive(Debug, Deserialize)]
pub struct InboxOfThread {
    #[serde(default)]
    peek: Option<String>,
}

/// A planner reads its own inbox through its tool server, which names the thread that asks.
pub async fn inbox_of_thread(
    State(app): State<App>,
    method: Method,
    RequireAgent(thread_id): RequireAgent,
    Query(wish): Query<InboxOfThread>,
) -> Result<Json<Value>, ApiError> {
    let id = planner_of_thread(&app, &thread_id)?;
    let peek = method != Method::GET || peeks(wish.peek.as_deref());
    let Json(inbox) = open_inbox(&app, id.as_str(), &id, peek, None).await?;
    // An agent reads what other agents wrote, as a person would.
    Ok(Json(shown_value(inbox)))
}

fn planner_of_thread(app: &App, thread_id: &str) -> Result<SessionId, ApiError> {
    let id = app.office.ledger.read(|state| {
        let session = state
            .session_of_thread(thread_id)
            .filter(|session| session.is_planner());
        session.map(|session| session.id().clone())
    });
    id.ok_or_else(|| ApiError::forbidden("not_a_planner", "only a planner has an inbox"))
}

async fn open_inbox(
    app: &App,
    actor: &str,
    id: &SessionId,
    peek: bool,
    opener: Option<&Lease>,
) -> Result<Json<Value>, ApiError> {
    let office = &app.office;
    office.ledger.read(|state| planner(state, id).map(drop))?;
    let fresh: Vec<ReportId> = match peek {
        true => Vec::new(),
        false => office.read_inbox(actor, id).await?,
    };
    let unread = |report: &Report| !report.read || fresh.contains(&report.report_id);
    let language = office.policy().catalog.language;
    let answer = office.ledger.read(|state| {
        let scene = scene(office, state, opener);
        let planner = planner(state, id)?;
        let unread_results = scene.results(id, unread);
        let queued: Vec<_> = scene
            .queue(language, |department| department.to_owned())
            .into_iter()
            .filter(|item| item.assignment.order.parent_session_id == *id)
            .collect();
        Ok::<_, Refusal>(json!({
            "session": scene.session(planner),
            "unread_count": scene.results(id, |report| !report.read).len(),
            "unread_results": unread_results,
            "read_results": scene.results(id, |report| !unread(report)),
            "running_departments": scene.children(id, |child| !child.is_review() && child.is_live()),
            "completed_departments": scene.children(id, |child| !child.is_review() && !child.is_live()),
            "queued_departments": queued,
        }))
    })?;
    Ok(ok(answer))
}

#[derive(Debug, Deserialize)]
pub struct Acknowledge {
    report_id: ReportId,
}

pub async fn acknowledge(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<Acknowledge>,
) -> Result<Json<Value>, ApiError> {
    app.office
        .acknowledge(&caller.actor(), wish.report_id)
        .await?;
    Ok(done())
}

#[derive(Debug, Deserialize)]
pub struct AcceptChanges {
    report_id: ReportId,
    reason: String,
}

pub async fn accept(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<AcceptChanges>,
) -> Result<Json<Value>, ApiError> {
    app.office
        .accept_changes(&caller.actor(), wish.report_id, wish.reason, None)
        .await?;
    Ok(done())
}

/// A planner answers for its department's changes through its tool server.
pub async fn accept_for_thread(
    State(app): State<App>,
    RequireAgent(thread_id): RequireAgent,
    Body(wish): Body<AcceptChanges>,
) -> Result<Json<Value>, ApiError> {
    let planner = planner_of_thread(&app, &thread_id)?;
    let actor = planner.to_string();
    app.office
        .accept_changes(&actor, wish.report_id, wish.reason, Some(planner))
        .await?;
    Ok(done())
}

#[derive(Debug, Deserialize)]
pub struct VerifyResult {
    report_id: ReportId,
}

pub async fn verify(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<VerifyResult>,
) -> Result<Json<Value>, ApiError> {
    app.office.verify(&caller.actor(), wish.report_id).await?;
    Ok(done())
}

#[derive(Debug, Deserialize)]
pub struct ByReport {
    id: ReportId,
}

/// The packet is rendered from the journal: the file in the repository is a copy that agents could have changed.
pub async fn handoff(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Query(ByReport { id }): Query<ByReport>,
) -> Result<Json<Value>, ApiError> {
    let packet = app.office.ledger.read(|state| Packet::of(state, &id));
    let unknown = || ApiError::not_found("unknown_report", format!("there is no result `{id}`"));
    let packet = packet.ok_or_else(unknown)?;
    Ok(ok(
        json!({ "report_id": id, "path": packet.path(), "markdown": packet.render() }),
    ))
}
