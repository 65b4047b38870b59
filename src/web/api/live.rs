//! `GET /api/session_stream`: sessions as they change, by the journal or by what is observed.

use crate::access::Lease;
use crate::domain::ids::SessionId;
use crate::sessions::office::Office;
use crate::web::app::App;
use crate::web::body::Query;
use crate::web::caller::{Opener, RequireReader};
use crate::web::error::ApiError;
use crate::web::events::{Frame, Life, respond};
use crate::web::views::Scene;
use axum::extract::State;
use axum::response::Response;
use futures_util::stream;
use serde::Deserialize;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A working agent changes many times a second; nobody reads faster than this.
const QUIET: Duration = Duration::from_millis(200);
/// Looks again even when nothing was heard, so that seconds without a sign of life turn into `stalled`.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

#[derive(Debug, Deserialize)]
pub struct Of {
    #[serde(default, alias = "session_id")]
    id: Option<SessionId>,
}

/// Streams one session, or all of them without `id`.
pub async fn session_stream(
    State(app): State<App>,
    RequireReader(_): RequireReader,
    Opener(opener): Opener,
    life: Life,
    Query(Of { id }): Query<Of>,
) -> Result<Response, ApiError> {
    if let Some(id) = &id {
        app.office.known_session(id)?;
    }
    let watcher = Watcher {
        changes: app.office.live.changes(),
        office: app.office,
        only: id,
        opener,
        shown: HashMap::new(),
        pending: VecDeque::new(),
    };
    let frames = stream::unfold(watcher, |mut watcher| async move {
        let frame = watcher.next().await;
        Some((frame, watcher))
    });
    Ok(respond(frames, life))
}

struct Watcher {
    office: Arc<Office>,
    changes: watch::Receiver<u64>,
    only: Option<SessionId>,
    opener: Option<Lease>,
    /// What the reader has; the clock's part of it does not count as a change.
    shown: HashMap<SessionId, String>,
    pending: VecDeque<Frame>,
}

impl Watcher {
    async fn next(&mut self) -> Frame {
        let mut seq = None;
        loop {
            if let Some(frame) = self.pending.pop_front() {
                return frame;
            }
            if seq.is_some() {
                // The journal and the observations change together; the hub only has to wake us.
                let heard = async {
                    match self.office.ledger.subscribe(seq) {
                        Ok(mut subscription) => drop(subscription.recv().await),
                        Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
                    }
                };
                tokio::select! {
                    _ = self.changes.changed() => {}
                    () = heard => {}
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                }
                tokio::time::sleep(QUIET).await;
            }
            self.changes.borrow_and_update();
            seq = Some(self.look());
        }
    }

    fn look(&mut self) -> u64 {
        let (views, seq) = self.office.ledger.read_at(|state, seq| {
            let scene = Scene::of(&self.office, state, self.opener.as_ref());
            let wanted = state
                .sessions
                .values()
                .filter(|session| self.only.as_ref().is_none_or(|id| id == session.id()));
            (
                wanted
                    .map(|session| scene.session(session))
                    .collect::<Vec<_>>(),
                seq,
            )
        });
        for view in views {
            let mut timeless = view.clone();
            timeless.idle_seconds = None;
            timeless.last_activity_at = None;
            let print = serde_json::to_string(&timeless).expect("a view is plain data");
            if self.shown.get(&view.id) != Some(&print) {
                self.shown.insert(view.id.clone(), print);
                let data = serde_json::to_string(&view).expect("a view is plain data");
                self.pending.push_back(Frame {
                    id: None,
                    event: "session",
                    data,
                });
            }
        }
        seq
    }
}
