//! Transcripts: pages of what was said and done in a thread, a session's or none's, one row of it whole, and what is new.

use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::domain::sentence::say;
use crate::domain::session::Session;
use crate::domain::state::State as AllState;
use crate::domain::transcript::{Row, Turn, export, ours, put_in};
use crate::harness::refused::Refused;
use crate::harness::standing::Standing;
use crate::threads::{Change, MAX_TURNS, NotRead, Threads, TurnPage, Wanted};
use crate::web::app::App;
use crate::web::body::Query;
use crate::web::caller::RequireReader;
use crate::web::error::ApiError;
use crate::web::events::{Frame, Life, respond};
use crate::web::success::Success;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;

/// Turns in a page, when nobody says how many.
const TURNS: u32 = 20;
/// A text that streams changes many times a second; nobody reads faster than this.
const PACE: Duration = Duration::from_millis(100);

/// A thread as far as its transcript names it.
#[derive(Debug, Clone)]
pub struct Of {
    /// The session whose thread, or a copy of whose, it is; none for any other.
    pub session_id: Option<SessionId>,
    /// The thread.
    pub thread_id: String,
    /// Its name for people.
    pub title: String,
    /// Whether anything can have been said in it.
    prompted: bool,
}

impl Of {
    /// The session of this name, or whose thread, or a copy of it, has this name; else the thread of this name that is no session's.
    ///
    /// # Errors
    /// When there is none, or it has no thread.
    pub async fn find(app: &App, id: &str) -> Result<Self, ApiError> {
        let by_name = |state: &AllState| state.session_or_thread(id).cloned();
        let found = app.agents.core.look_for(id, by_name)?;
        match found {
            Some(session) => Self::of_session(&session, id),
            None => Self::of_no_session(app, id).await,
        }
    }

    async fn of_no_session(app: &App, id: &str) -> Result<Self, ApiError> {
        app.harness.knows_all().await;
        match app.harness.standing(id) {
            Standing::User(known) | Standing::System(Some(known)) => Ok(Self {
                session_id: None,
                title: known.title().to_owned(),
                prompted: known.is_materialized(),
                thread_id: known.id,
            }),
            Standing::Deleted(tombstone) => Err(Refused::deleted(id, &tombstone).into()),
            Standing::System(None) | Standing::Unknown => Err(ApiError::not_found(
                "unknown_thread",
                say!("refusal.unknown_thread", id),
            )),
        }
    }

    fn of_session(session: &Session, id: &str) -> Result<Self, ApiError> {
        if session.thread_state.forks.iter().any(|fork| fork == id) {
            return Ok(Self {
                session_id: Some(session.id().clone()),
                thread_id: id.to_owned(),
                title: session.brief.title.clone(),
                prompted: true,
            });
        }
        if let Some(program) = session.brief.driver.program() {
            let path = session.brief.log_path.display();
            let message = say!("refusal.thread.of_program", program, path);
            return Err(ApiError::conflict("no_transcript", message));
        }
        let thread_id = session
            .thread_id
            .clone()
            .ok_or_else(|| ApiError::conflict("no_transcript", say!("refusal.thread.not_begun")))?;
        Ok(Self {
            session_id: Some(session.id().clone()),
            thread_id,
            title: session.brief.title.clone(),
            prompted: session.prompted,
        })
    }
}

impl From<NotRead> for ApiError {
    fn from(error: NotRead) -> Self {
        let sentence = error.sentence();
        match error {
            NotRead::NoCodex(_) | NotRead::Lacking => {
                Self::unavailable("codex_unavailable", sentence)
            }
            NotRead::Nothing => Self::not_found("no_history", sentence),
            NotRead::BadCursor => Self::invalid("invalid_cursor", sentence),
        }
    }
}

/// Reads one page and puts between what we know ourselves.
///
/// # Errors
/// When Codex cannot be asked, or has nothing of it.
pub async fn read(app: &App, of: &Of, wanted: &Wanted) -> Result<TurnPage, ApiError> {
    let page = app.agents.threads.page(&of.thread_id, wanted).await;
    let mut page = match page {
        // It was opened, and nothing was said in it yet.
        Err(NotRead::Nothing) if !of.prompted => TurnPage {
            turns: Vec::new(),
            next: None,
        },
        page => page?,
    };
    let rows = |state: &_| ours::rows_of(state, &of.thread_id);
    put_in(
        &mut page.turns,
        app.agents.core.look_for(&of.thread_id, rows)?,
    );
    Ok(page)
}

/// Which end of a transcript comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    #[default]
    Newest,
    Oldest,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    #[default]
    Json,
    Markdown,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    #[serde(alias = "session_id")]
    id: String,
    cursor: Option<String>,
    limit: Option<u32>,
    #[serde(default)]
    order: Order,
    #[serde(default)]
    format: Form,
    lang: Option<Language>,
}

/// One page of a transcript.
#[derive(Debug, Serialize)]
pub struct ThreadPage {
    /// The session; `null` for a thread that is no session's.
    session_id: Option<SessionId>,
    /// The thread.
    thread_id: String,
    /// Turns, each with its rows in their order.
    turns: Vec<Turn>,
    /// `cursor` for the next page; `null` on the last.
    next_cursor: Option<String>,
}

pub async fn page(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Query(wish): Query<Wish>,
) -> Result<Response, ApiError> {
    let limit = wish.limit.unwrap_or(TURNS);
    if limit == 0 || limit > MAX_TURNS {
        return Err(ApiError::invalid(
            "invalid_limit",
            say!("refusal.invalid_limit", max_limit = MAX_TURNS),
        ));
    }
    let of = Of::find(&app, &wish.id).await?;
    if wish.format == Form::Markdown {
        let language = wish
            .lang
            .unwrap_or(app.agents.core.policy().catalog.language);
        return markdown(app, of, language).await;
    }
    let wanted = Wanted {
        cursor: wish.cursor,
        limit,
        oldest_first: wish.order == Order::Oldest,
    };
    let page = read(&app, &of, &wanted).await?;
    let page = ThreadPage {
        session_id: of.session_id,
        thread_id: of.thread_id,
        turns: page.turns,
        next_cursor: page.next,
    };
    Ok(Success(page).into_response())
}

/// The whole transcript, page by page: no more than one is in memory.
async fn markdown(app: App, of: Of, language: Language) -> Result<Response, ApiError> {
    let wanted = Wanted {
        cursor: None,
        limit: TURNS,
        oldest_first: true,
    };
    // What cannot be read at all is told by the status.
    let first = read(&app, &of, &wanted).await?;
    let head = export::head(&of.title, &of.thread_id, language);
    let pages = stream::unfold(Some((head, first)), move |at| {
        let (app, of) = (app.clone(), of.clone());
        async move {
            let (mut text, page) = at?;
            for turn in &page.turns {
                text.push_str(&export::turn(turn, language));
            }
            let next = match page.next {
                None => None,
                Some(cursor) => {
                    let wanted = Wanted {
                        cursor: Some(cursor),
                        limit: TURNS,
                        oldest_first: true,
                    };
                    match read(&app, &of, &wanted).await {
                        Ok(page) => Some((String::new(), page)),
                        Err(error) => {
                            let error = error.in_language(language);
                            text.push_str(&export::broken_off(&error.message, language));
                            None
                        }
                    }
                }
            };
            Some((Ok::<_, Infallible>(Bytes::from(text)), next))
        }
    });
    let mut response = Response::new(Body::from_stream(pages));
    *response.status_mut() = StatusCode::OK;
    let kind = HeaderValue::from_static("text/markdown; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneItem {
    #[serde(alias = "session_id")]
    id: String,
    item: String,
}

/// One row with its texts as long as Codex keeps them.
#[derive(Debug, Serialize)]
pub struct WholeRow {
    /// The row.
    row: Row,
}

pub async fn item(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Query(wish): Query<OneItem>,
) -> Result<Success<WholeRow>, ApiError> {
    let row = row(&app, &wish.id, &wish.item).await?;
    Ok(Success(WholeRow { row }))
}

/// One row of a session's thread with its texts whole.
///
/// # Errors
/// When there is no such session or row, or Codex cannot be asked.
pub async fn row(app: &App, id: &str, item: &str) -> Result<Row, ApiError> {
    let of = Of::find(app, id).await?;
    let row = app.agents.threads.row(&of.thread_id, item).await?;
    row.ok_or_else(|| ApiError::not_found("unknown_item", say!("refusal.thread.no_row")))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Follow {
    #[serde(alias = "session_id")]
    id: String,
}

/// The running turn grew.
#[derive(Serialize)]
struct Grown<'a> {
    thread_id: &'a str,
    turn: &'a Turn,
}

/// The history is another one; it has to be read again.
#[derive(Serialize)]
struct Changed<'a> {
    thread_id: &'a str,
    change: Change,
}

/// Streams what is new in one thread: `turn` with the rows that are new or have grown, `history` when it has to be read again.
pub async fn stream(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    life: Life,
    Query(wish): Query<Follow>,
) -> Result<Response, ApiError> {
    let of = Of::find(&app, &wish.id).await?;
    let threads = &app.agents.threads;
    let follower = Follower {
        changes: threads.running().changes(),
        // What happened before the reader came is in the pages that it reads.
        number: 0,
        begun: false,
        app,
        thread_id: of.thread_id,
    };
    let frames = stream::unfold(follower, |mut follower| async move {
        let frame = follower.next().await;
        Some((frame, follower))
    });
    Ok(respond(frames, life))
}

struct Follower {
    app: App,
    changes: watch::Receiver<u64>,
    number: u64,
    begun: bool,
    thread_id: String,
}

impl Follower {
    /// A reader that is slow skips to the newest: nothing waits for it.
    async fn next(&mut self) -> Bytes {
        loop {
            self.changes.mark_unchanged();
            if let Some(frame) = self.look() {
                return frame;
            }
            if self.changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(PACE).await;
        }
    }

    fn look(&mut self) -> Option<Bytes> {
        let threads: &Threads = &self.app.agents.threads;
        let news = threads.running().news(&self.thread_id, self.number);
        self.number = news.number;
        let changed = news.changed.filter(|_| self.begun);
        self.begun = true;
        let thread_id = &self.thread_id;
        let mut frames = String::new();
        if let Some(change) = changed {
            frames.push_str(&frame("history", &Changed { thread_id, change }));
        }
        if let Some(turn) = &news.turn {
            frames.push_str(&frame("turn", &Grown { thread_id, turn }));
        }
        (!frames.is_empty()).then(|| Bytes::from(frames))
    }
}

fn frame(event: &str, data: &impl Serialize) -> String {
    let data = &serde_json::to_string(data).expect("plain data");
    let id = None;
    let bytes = Frame { id, event, data }.bytes();
    String::from_utf8_lossy(&bytes).into_owned()
}
