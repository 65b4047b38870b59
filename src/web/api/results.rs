//! Results: the inbox, acknowledging, handoff packets.

use crate::access::Lease;
use crate::core::past::Beside;
use crate::domain::flow::sessions::planner;
use crate::domain::flow::{checks, inbox};
use crate::domain::handoff::Packet;
use crate::domain::ids::{ReportId, SessionId};
use crate::domain::refusal::Refusal;
use crate::domain::result::TaskResult;
use crate::domain::sentence::say;
use crate::domain::state::recent::{NEWEST, Page};
use crate::history::Kind;
use crate::web::app::App;
use crate::web::body::{Body, Query};
use crate::web::caller::{Opener, RequireAgent, RequirePerson, RequireReader};
use crate::web::error::ApiError;
use crate::web::paging::PageWish;
use crate::web::success::{DONE, Done, Shown, Success};
use crate::web::views::{QueueItemView, ResultView, SessionView, ViewContext};
use axum::extract::State;
use axum::http::Method;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Debug, Deserialize)]
pub struct Inbox {
    #[serde(alias = "session_id")]
    id: SessionId,
    #[serde(default)]
    peek: Option<String>,
    #[serde(default)]
    before: Option<ReportId>,
    #[serde(default)]
    limit: Option<usize>,
}

/// A planner's results and who works for it.
#[derive(Debug, Serialize)]
pub struct InboxView {
    session: SessionView,
    /// Results that nobody has read after this answer.
    unread_count: usize,
    /// What was unread until this answer, newest first, at most 200.
    unread_results: Vec<ResultView>,
    /// What was read before, newest first: a page of it.
    read_results: Vec<ResultView>,
    /// How many results are older than that page.
    older_results: usize,
    /// Newest first, like the next; sessions that review a plan are in neither.
    running_departments: Vec<SessionView>,
    /// The newest 200.
    completed_departments: Vec<SessionView>,
    /// How many more departments there have been.
    older_departments: usize,
    /// What waits, next first.
    queued_departments: Vec<QueueItemView>,
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
) -> Result<Success<InboxView>, ApiError> {
    let marks = method == Method::GET && caller.reads_by_looking();
    let peek = !marks || peeks(wish.peek.as_deref());
    let actor = caller.actor();
    let Inbox {
        id, before, limit, ..
    } = wish;
    let page = PageWish { before, limit }.or_newest(NEWEST)?;
    let inbox = open_inbox(&app, &actor, &id, peek, &page, opener.as_ref());
    inbox.await.map(Success)
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
) -> Result<Success<InboxView>, ApiError> {
    let actor = caller.actor();
    let (id, page) = (&wish.session_id, Page::newest(NEWEST));
    let inbox = open_inbox(&app, &actor, id, false, &page, opener.as_ref());
    inbox.await.map(Success)
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
) -> Result<Success<Shown<InboxView>>, ApiError> {
    let id = planner_of_thread(&app, &thread_id)?;
    let peek = method != Method::GET || peeks(wish.peek.as_deref());
    let page = Page::newest(NEWEST);
    let inbox = open_inbox(&app, id.as_str(), &id, peek, &page, None).await?;
    Ok(Success(Shown(inbox)))
}

fn planner_of_thread(app: &App, thread_id: &str) -> Result<SessionId, ApiError> {
    let id = app.agents.core.ledger.read(|state| {
        let session = state
            .session_of_thread(thread_id)
            .filter(|session| session.is_planner());
        session.map(|session| session.id().clone())
    });
    id.ok_or_else(|| ApiError::forbidden("not_a_planner", say!("refusal.no_inbox")))
}

async fn open_inbox(
    app: &App,
    actor: &str,
    id: &SessionId,
    peek: bool,
    page: &Page<ReportId>,
    opener: Option<&Lease>,
) -> Result<InboxView, ApiError> {
    let agents = &app.agents;
    agents
        .core
        .look_for(id.as_str(), |state| planner(state, id).map(drop))??;
    let fresh: Vec<ReportId> = match peek {
        true => Vec::new(),
        false => {
            agents.core.take_out(id.as_str()).await?;
            let id = id.clone();
            let read = agents
                .core
                .decide(actor, move |state| inbox::read(state, &id));
            read.await?
        }
    };
    let unread = |report: &TaskResult| !report.read || fresh.contains(&report.report_id);
    let language = agents.core.policy().catalog.language;
    let limits = agents.queue().limits();
    let name = id.as_str();
    let beside = Beside::named(name).and(Kind::ReportsTo(name), page);
    let departments = Page::<SessionId>::newest(NEWEST);
    let beside = beside.and(Kind::DepartmentsOf(name), &departments);
    let inbox = agents.core.look(&beside, |seen| {
        let state = seen.state;
        let scene = ViewContext::of(agents, state, opener);
        let planner = planner(state, id)?;
        let queued_departments = scene
            .queue(&limits, language, |department| department.to_owned())
            .into_iter()
            .filter(|item| item.assignment.order.parent_session_id == *id)
            .collect();
        let read = state.page_of_reports(id, page, |report| !unread(report));
        let unread = match peek {
            true => Vec::from_iter(state.unread(id).take(NEWEST)),
            false => fresh
                .iter()
                .filter_map(|id| state.reports.get(id))
                .collect(),
        };
        let (departments, older_departments) = scene.children(id, |child| !child.is_review());
        let (running_departments, completed_departments) = departments
            .into_iter()
            .partition(|child| child.ended_at.is_none());
        Ok::<_, Refusal>(InboxView {
            session: scene.session(planner),
            unread_count: state.unread_count(id),
            unread_results: scene.results(unread),
            read_results: scene.results(read.shown),
            older_results: read.older + seen.older(page),
            running_departments,
            completed_departments,
            older_departments,
            queued_departments,
        })
    });
    Ok(inbox??)
}

#[derive(Debug, Deserialize)]
pub struct Acknowledge {
    report_id: ReportId,
    /// The revision that was seen; a newer one is another answer.
    #[serde(default)]
    revision: Option<u32>,
}

pub async fn acknowledge(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<Acknowledge>,
) -> Result<Done, ApiError> {
    app.agents
        .core
        .decide(caller.actor(), move |state| {
            checks::seen(state, &wish.report_id, wish.revision)?;
            inbox::acknowledge(state, &wish.report_id)
        })
        .await?;
    Ok(DONE)
}

#[derive(Debug, Deserialize)]
pub struct AcceptChanges {
    report_id: ReportId,
    reason: String,
    /// The revision that was seen; with a newer one it may be other changes.
    #[serde(default)]
    revision: Option<u32>,
}

pub async fn accept(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<AcceptChanges>,
) -> Result<Done, ApiError> {
    let by = caller.actor();
    let accept = {
        let by = by.clone();
        move |state: &_| {
            checks::seen(state, &wish.report_id, wish.revision)?;
            checks::accept(state, &wish.report_id, &by, &wish.reason, None)
        }
    };
    app.agents.core.decide(by, accept).await?;
    Ok(DONE)
}

/// A planner answers for its department's changes through its tool server.
pub async fn accept_for_thread(
    State(app): State<App>,
    RequireAgent(thread_id): RequireAgent,
    Body(wish): Body<AcceptChanges>,
) -> Result<Done, ApiError> {
    let planner = planner_of_thread(&app, &thread_id)?;
    let actor = planner.to_string();
    let by = actor.clone();
    let accept = move |state: &_| {
        checks::seen(state, &wish.report_id, wish.revision)?;
        checks::accept(state, &wish.report_id, &by, &wish.reason, Some(&planner))
    };
    app.agents.core.decide(actor, accept).await?;
    Ok(DONE)
}

#[derive(Debug, Deserialize)]
pub struct VerifyResult {
    report_id: ReportId,
}

pub async fn verify(
    State(app): State<App>,
    RequirePerson(caller): RequirePerson,
    Body(wish): Body<VerifyResult>,
) -> Result<Done, ApiError> {
    let verify = move |state: &_| checks::request_verification(state, &wish.report_id);
    app.agents.core.decide(caller.actor(), verify).await?;
    Ok(DONE)
}

#[derive(Debug, Deserialize)]
pub struct ByReport {
    id: ReportId,
}

/// A handoff packet.
#[derive(Debug, Serialize)]
pub struct HandoffView {
    report_id: ReportId,
    /// Its copy, from the repository's root.
    path: PathBuf,
    markdown: String,
}

/// The packet is rendered from the journal: the file in the repository is a copy that agents could have changed.
pub async fn handoff(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Query(ByReport { id }): Query<ByReport>,
) -> Result<Success<HandoffView>, ApiError> {
    let core = &app.agents.core;
    let packet = core.look_for(id.as_str(), |state| Packet::of(state, &id))?;
    let unknown = || ApiError::not_found("unknown_report", say!("refusal.unknown_report", id));
    let packet = packet.ok_or_else(unknown)?;
    Ok(Success(HandoffView {
        path: packet.path().to_path_buf(),
        markdown: packet.render(),
        report_id: id,
    }))
}
