//! `GET /api/history`: sessions of any age, by what was said in them, by file, department, planner and time.

use crate::access::Lease;
use crate::core::past::Beside;
use crate::domain::ids::SessionId;
use crate::domain::sentence::say;
use crate::domain::session::Session;
use crate::history::{Find, Kind, matches};
use crate::web::app::App;
use crate::web::body::Query;
use crate::web::caller::{Opener, RequireReader};
use crate::web::error::ApiError;
use crate::web::paging::PageWish;
use crate::web::success::Success;
use crate::web::views::{FoundSession, FoundView, ViewContext};
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Deserialize;

/// How many there are on a page when nobody says how many.
const USUAL: usize = 50;
/// The longest text that is looked for, in bytes.
const LONGEST: usize = 200;

/// What is looked for. Everything that is named has to fit.
#[derive(Debug, Deserialize)]
pub struct Wish {
    /// In what was asked, planned or reported.
    #[serde(default)]
    q: Option<String>,
    /// In a path of what it was about.
    #[serde(default)]
    file: Option<String>,
    /// The department.
    #[serde(default)]
    department: Option<String>,
    /// Departments of this planner.
    #[serde(default)]
    pub planner: Option<SessionId>,
    /// Ended at or after.
    #[serde(default)]
    since: Option<DateTime<Utc>>,
    /// Ended before.
    #[serde(default)]
    until: Option<DateTime<Utc>>,
    /// Older than this one.
    #[serde(default)]
    before: Option<SessionId>,
    /// At most so many.
    #[serde(default)]
    limit: Option<usize>,
}

pub async fn find(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Opener(opener): Opener,
    Query(wish): Query<Wish>,
) -> Result<Success<FoundView>, ApiError> {
    look(&app, wish, opener.as_ref()).map(Success)
}

/// Looks among everything, wherever it is kept. `opener` is who may open the terminals of what is found.
///
/// # Errors
/// When the wish is no proper one, or what was put away cannot be read now.
pub fn look(app: &App, wish: Wish, opener: Option<&Lease>) -> Result<FoundView, ApiError> {
    let Wish { before, limit, .. } = wish;
    let page = PageWish { before, limit }.or_newest(USUAL)?;
    let text = checked("q", wish.q)?;
    let file = checked("file", wish.file)?;
    let kind = match &wish.planner {
        Some(planner) => Kind::DepartmentsOf(planner.as_str()),
        None => Kind::All,
    };
    let find = Find {
        department: wish.department.as_deref(),
        text: text.as_deref(),
        file: file.as_deref(),
        since: wish.since.map(|it| it.timestamp_millis()),
        until: wish.until.map(|it| it.timestamp_millis()),
        ..Find::newest(
            kind,
            page.before.as_ref().map(SessionId::as_str),
            page.limit,
        )
    };
    let beside = Beside {
        named: None,
        pages: vec![find],
    };
    let agents = &app.agents;
    let found = agents.core.look(&beside, |seen| {
        let scene = ViewContext::of(agents, seen.state, opener);
        let fits = |session: &&Session| {
            let is_older = page
                .before
                .as_ref()
                .is_none_or(|before| session.id() < before);
            is_older
                && seen
                    .state
                    .past_of(session.id())
                    .is_some_and(|it| matches(&find, &it))
        };
        let mut all = seen.state.sessions.values().rev().filter(fits);
        let sessions = all.by_ref().take(page.limit);
        let sessions = sessions.map(|session| FoundSession::of(&scene, session));
        FoundView {
            sessions: sessions.collect(),
            older_sessions: all.count() + seen.beyond(),
        }
    })?;
    Ok(found)
}

impl Wish {
    /// Whether it is about some, and not about everything that there is.
    pub fn is_narrow(&self) -> bool {
        let texts = [&self.q, &self.file, &self.department];
        texts.into_iter().any(Option::is_some)
            || self.since.is_some()
            || self.until.is_some()
            || self.planner.is_some()
    }
}

/// A text that can be looked for; an empty one is none.
fn checked(field: &'static str, text: Option<String>) -> Result<Option<String>, ApiError> {
    let text = text
        .map(|it| it.trim().to_owned())
        .filter(|it| !it.is_empty());
    if text
        .as_ref()
        .is_some_and(|it| it.len() > LONGEST || it.contains('\0'))
    {
        let message = say!("refusal.history.text", field, max_bytes = LONGEST);
        return Err(ApiError::invalid("invalid_field", message));
    }
    Ok(text)
}
