//! Event streams (`text/event-stream`): the journal's for the dashboard and `zhongshu audit --follow`, and a helper for
//! any other. A stream ends with its caller's credential and with the server, never by itself while it can go on.
//!
//! A reader that is slow holds no memory: the journal's stream is a place in the file, then in the backlog.

use crate::access::Lease;
use crate::domain::sentence::say;
use crate::hub::CatchUpError;
use crate::journal::{Entry, Fold};
use crate::ledger::Ledger;
use crate::web::body::Query;
use crate::web::caller::RequireReader;
use crate::web::error::ApiError;
use crate::web::listen::{MAX_CONNECTIONS, Peer, Seat, TOKEN_SHARE};
use crate::web::table::Table;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use futures_util::stream::{self, Stream, StreamExt as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::fmt::Write as _;
use std::time::Duration;

/// How often a quiet stream says that it lives. Proxies are not expected; this finds browsers that vanished.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// One event of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Where a reader that comes back goes on.
    pub id: Option<u64>,
    /// Name of the event. It must be one word.
    pub event: &'a str,
    /// What it carries; line breaks are kept.
    pub data: &'a str,
}

impl Frame<'_> {
    /// The frame as it goes over the wire.
    pub fn bytes(&self) -> Bytes {
        let mut text = String::with_capacity(self.data.len() + 64);
        if let Some(id) = self.id {
            // Writing to a String cannot fail; so below.
            let _ = writeln!(text, "id: {id}");
        }
        let _ = writeln!(text, "event: {}", self.event);
        for line in self.data.split(['\n', '\r']) {
            let _ = writeln!(text, "data: {line}");
        }
        text.push('\n');
        Bytes::from(text)
    }
}

/// Why a stream ends with its connection.
#[derive(Serialize)]
struct Evicted {
    error: String,
}

/// The reader knows more than there is: everything has to be loaded again.
#[derive(Serialize)]
struct Reset {
    /// The newest record that there is.
    last: u64,
}

/// The stream cannot go on from here; the reader comes back.
#[derive(Serialize)]
struct Lagged {}

/// The frame after which a stream ends.
fn last_frame(event: &str, data: &impl Serialize) -> Bytes {
    let data = &serde_json::to_string(data).expect("plain data");
    Frame {
        id: None,
        event,
        data,
    }
    .bytes()
}

/// How long a stream may go on: until its caller's credential ends, or its connection gives way to a newer one.
#[derive(Debug, Clone)]
pub struct Life {
    lease: Lease,
    seat: Option<Seat>,
}

impl<S: Sync> FromRequestParts<S> for Life {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let seat = parts
            .extensions
            .get::<Peer>()
            .map(|peer| peer.seat().clone());
        let lease = Lease::from_request_parts(parts, state).await?;
        Ok(Self { lease, seat })
    }
}

impl Life {
    /// The last frames, once the end has come: none with the credential, a word when the connection gives way.
    fn last_words(self) -> impl Stream<Item = Bytes> {
        stream::once(async move {
            let evicted = async {
                match &self.seat {
                    Some(seat) => seat.gives_way().cancelled().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.lease.ended.cancelled() => Bytes::new(),
                () = evicted => last_frame("evicted", &Evicted { error: format!(
                    "this connection gave way to a newer one: a token has {TOKEN_SHARE} connections, and everybody \
                     together {MAX_CONNECTIONS}; close some before you come back"
                ) }),
            }
        })
    }
}

/// An answer that sends `frames` (see [`Frame::bytes`]) until they end, its life ends, or the reader goes.
pub fn respond(frames: impl Stream<Item = Bytes> + Send + 'static, life: Life) -> Response {
    // A first comment, so that the reader has its headers and knows that it is connected.
    let hello = stream::once(std::future::ready(Bytes::from_static(b": connected\n\n")));
    let alive = stream::unfold(Box::pin(frames), |mut frames| async move {
        match tokio::time::timeout(KEEP_ALIVE, frames.next()).await {
            Ok(next) => next.map(|bytes| (bytes, frames)),
            Err(_) => Some((Bytes::from_static(b": alive\n\n"), frames)),
        }
    });
    // Whichever is first: what there is to say, or the end. The end of either is the end of the stream.
    let whole = stream::select(
        hello
            .chain(alive)
            .map(Some)
            .chain(stream::once(std::future::ready(None))),
        life.last_words()
            .map(Some)
            .chain(stream::once(std::future::ready(None))),
    )
    .take_while(|bytes| std::future::ready(bytes.is_some()))
    .filter_map(|bytes| std::future::ready(bytes.filter(|bytes| !bytes.is_empty())))
    .map(Ok::<_, Infallible>);
    let mut response = Response::new(Body::from_stream(whole));
    let kind = HeaderValue::from_static("text/event-stream; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Adds `GET /api/events` to what the server serves.
pub fn routes<S>(ledger: Ledger<S>) -> Router
where
    S: Fold,
    S::Event: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    table().serve(ledger)
}

/// The same, before it knows the journal.
pub fn table<S>() -> Table<Ledger<S>>
where
    S: Fold,
    S::Event: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    Table::new().get("/api/events", events::<S>)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct After {
    after: Option<u64>,
}

async fn events<S>(
    _: RequireReader,
    life: Life,
    State(ledger): State<Ledger<S>>,
    Query(After { after }): Query<After>,
    headers: HeaderMap,
) -> Result<Response, ApiError>
where
    S: Fold,
    S::Event: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    // What a reader that comes back says itself is newer than the address it was given first.
    let after = match headers.get("last-event-id") {
        Some(id) => Some(
            id.to_str()
                .ok()
                .and_then(|id| id.trim().parse().ok())
                .ok_or_else(|| ApiError::invalid("last_event_id", say!("refusal.last_event_id")))?,
        ),
        None => after,
    };
    let after = after.unwrap_or_else(|| ledger.snapshot_seq());
    match ledger.catch_up(after) {
        Ok(records) => {
            let frames = stream::unfold(Some(records), |records| async move {
                let mut records = records?;
                match records.next().await {
                    Ok(Some(entry)) => Some((entry_bytes(&entry), Some(records))),
                    Ok(None) => None,
                    Err(error) => Some((lost(&error), None)),
                }
            });
            Ok(respond(frames, life))
        }
        Err(error @ CatchUpError::Ahead { .. }) => {
            let frame = lost(&error);
            Ok(respond(stream::once(std::future::ready(frame)), life))
        }
        Err(error) => {
            tracing::error!(%error, "the journal cannot be followed");
            Err(ApiError::internal())
        }
    }
}

/// The journal's line as it is: it holds no secret, and its hash can be checked by whoever reads it.
fn entry_bytes<E: Serialize>(entry: &Entry<E>) -> Bytes {
    Frame {
        id: Some(entry.seq()),
        event: event_name(&entry.line),
        data: entry.line.trim_end(),
    }
    .bytes()
}

/// The name in `…,"event":"name",…`, which stands before all fields that others have written.
fn event_name(line: &str) -> &str {
    line.split_once("\"event\":\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("record", |(name, _)| name)
}

/// The last frame of a stream that cannot go on: load everything again (`reset`), or come back (`lagged`).
fn lost(error: &CatchUpError) -> Bytes {
    match error {
        CatchUpError::Ahead { last, .. } => last_frame("reset", &Reset { last: *last }),
        other => {
            tracing::error!(error = %other, "an event stream cannot go on");
            last_frame("lagged", &Lagged {})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_forge_a_field() {
        let frame = Frame {
            id: Some(7),
            event: "session",
            data: "a\nid: 9\r\n\nevent: x",
        };
        let text =
            "id: 7\nevent: session\ndata: a\ndata: id: 9\ndata: \ndata: \ndata: event: x\n\n";
        assert_eq!(frame.bytes(), text);
    }

    #[test]
    fn the_name_is_taken_from_the_record_not_from_its_fields() {
        let line = r#"{"seq":1,"ts":"t","actor":"person","event":"plan_rejected","reason":"\"event\":\"x\""}"#;
        assert_eq!(event_name(line), "plan_rejected");
    }
}
