//! `GET /api/session_stream`: sessions as they change, by the journal or by what is observed.

use crate::access::Lease;
use crate::domain::ids::SessionId;
use crate::hub::SubscribeError;
use crate::web::app::App;
use crate::web::body::Query;
use crate::web::caller::{Opener, RequireReader};
use crate::web::error::ApiError;
use crate::web::events::{Frame, Life, respond};
use crate::web::session_frames::LOOK_AGAIN;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use tokio::sync::watch;

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
        app.agents.core.known_session(id)?;
    }
    let watcher = Watcher {
        changes: app.agents.core.live.changes(),
        app,
        only: id,
        opener,
        number: 0,
        attention: 0,
        threads: None,
        pending: VecDeque::new(),
    };
    let frames = stream::unfold(watcher, |mut watcher| async move {
        let frame = watcher.next().await;
        Some((frame, watcher))
    });
    Ok(respond(frames, life))
}

struct Watcher {
    app: App,
    changes: watch::Receiver<u64>,
    only: Option<SessionId>,
    opener: Option<Lease>,
    /// What the reader has.
    number: u64,
    /// What the reader has of the list of what waits; only who follows all sessions is told of it.
    attention: u64,
    /// The number of the threads that are no sessions', as the reader knows it; of these as well only who follows all.
    threads: Option<u64>,
    pending: VecDeque<Bytes>,
}

/// A list of threads that was shown is older now.
#[derive(Serialize)]
struct ThreadsChanged {
    number: u64,
}

impl Watcher {
    async fn next(&mut self) -> Bytes {
        loop {
            if let Some(frame) = self.pending.pop_front() {
                return frame;
            }
            // Marked as seen before looking, so that what changes after the look wakes us.
            self.changes.mark_unchanged();
            let agents = &self.app.agents;
            let news = self
                .app
                .sessions
                .after(self.number, agents, self.only.as_ref());
            self.number = news.number;
            let frames = news.frames.iter();
            let frames = frames.map(|frame| frame.for_reader(agents, self.opener.as_ref()));
            self.pending.extend(frames);
            let mut again = news.again;
            if self.only.is_none() {
                let news = self.app.attention.after(self.attention, agents);
                self.attention = news.number;
                self.pending.extend(news.event);
                again = again.into_iter().chain(news.again).min();
                self.tell_of_threads();
            }
            match again {
                _ if !self.pending.is_empty() => {}
                Some(again) => tokio::time::sleep_until(again).await,
                None => self.hears_of_more(news.seq).await,
            }
        }
    }

    fn tell_of_threads(&mut self) {
        let number = self.app.harness.number();
        if self.threads.replace(number) != Some(number) {
            let (id, event) = (None, "threads");
            let data = serde_json::to_string(&ThreadsChanged { number }).expect("plain data");
            let data = &data;
            self.pending.push_back(Frame { id, event, data }.bytes());
        }
    }

    /// Waits until the journal or the observations say more, or it is time to look in any case.
    async fn hears_of_more(&mut self, seq: u64) {
        let journal = async {
            match self.app.agents.core.ledger.subscribe(Some(seq)) {
                Ok(mut subscription) => drop(subscription.recv().await),
                Err(SubscribeError::Closed) => std::future::pending().await,
                // What was missed is in the state.
                Err(SubscribeError::Lagged { .. } | SubscribeError::Ahead { .. }) => {}
            }
        };
        let threads = async {
            match self.threads {
                Some(number) => self.app.harness.changed_after(number).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.changes.changed() => {}
            () = journal => {}
            () = threads => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}
