//! What was asked in threads, and what came of it, as rows of ours: the list of asks forgets what is long over, and Codex never knew it.

use super::super::Harness;
use crate::codex::asks;
use crate::core::LAUNCHER;
use crate::domain::ask::asked::Asked;
use crate::domain::event::Event as Happened;
use crate::domain::harness::asked::rows;
use crate::domain::harness::event::Event;
use crate::domain::harness::row::TranscriptEntry;
use crate::domain::harness::state::State;
use crate::domain::ids::AskId;
use crate::hub::SubscribeError;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two looks at whether Codex has told of its threads.
const A_WHILE: Duration = Duration::from_secs(600);

impl Harness {
    /// Writes down what is asked in threads of users, until the end. What was missed, because the server was not there, is made up for.
    pub async fn write_asks(self: Arc<Self>, end: CancellationToken) {
        tokio::select! {
            () = self.follow_asks() => {}
            () = end.cancelled() => {}
        }
    }

    async fn follow_asks(&self) {
        loop {
            let Ok(mut news) = self.core.ledger.subscribe(None) else {
                return;
            };
            // Whose a thread is, the index says; without Codex nothing is asked.
            while !self.index.filled_within(A_WHILE).await {}
            let all: Vec<AskId> = self.core.ledger.read(|state| {
                let all = state.asks.settled().chain(state.asks.unsettled());
                all.map(|asked| asked.ask.id.clone()).collect()
            });
            for id in all {
                self.write_ask(&id).await;
            }
            loop {
                let happened = match news.recv().await {
                    Ok(happened) => happened,
                    Err(SubscribeError::Closed) => return,
                    // It fell behind: all of it is looked at once more.
                    Err(_) => break,
                };
                let id = match &happened.record.event {
                    Happened::AskRaised { ask } => &ask.id,
                    Happened::AskAnswered { ask_id, .. }
                    | Happened::AskReopened { ask_id, .. }
                    | Happened::AskSettled { ask_id, .. } => ask_id,
                    _ => continue,
                };
                self.write_ask(id).await;
            }
        }
    }

    async fn write_ask(&self, id: &AskId) {
        let find = |state: &crate::domain::state::State| state.asks.find(id).cloned();
        let Some(asked) = self.core.ledger.read(find) else {
            return;
        };
        let session_id = asked.ask.thread_id.clone();
        if self.index.get(&session_id).is_none() || self.is_system_owned(&session_id) {
            return;
        }
        let rows = self.rows_of(&asked);
        let news = |state: &State| rows.iter().any(|row| is_news(state, &session_id, row));
        if !self.ledger.read(news) {
            return;
        }
        let written = self.decide(LAUNCHER, move |state| {
            let mut room = state.room(&session_id);
            let news = rows
                .into_iter()
                .filter(|row| is_news(state, &session_id, row));
            // A transcript that is full hinders nobody: the journal has it.
            let fitting =
                news.filter(|row| room.take(state.row(&session_id, &row.message_id), row));
            let events = fitting.map(|entry| Event::RowUpserted {
                session_id: session_id.clone(),
                entry,
            });
            Ok((events.collect(), ()))
        });
        if let Err(refused) = written.await {
            tracing::warn!(ask.id = %id, error = %refused.message, "what was asked is not in its transcript yet");
        }
    }

    fn rows_of(&self, asked: &Asked) -> Vec<TranscriptEntry> {
        let method = asks::method(&asked.ask.what);
        rows(asked, method, self.asks.params(&asked.ask))
    }
}

/// Whether a row says what is not there yet. How a request is worded is told once: less of it may be known later.
fn is_news(state: &State, session_id: &str, row: &TranscriptEntry) -> bool {
    if state.deleted.contains_key(session_id) {
        return false;
    }
    let known = state.row(session_id, &row.message_id);
    known.is_none_or(|known| known.status < row.status || known.content != row.content)
}
