//! The connections of one door, and who gives way when there are too many. It never looks at a route.
//!
//! # Who gives way
//!
//! There is always room for the next connection. A connection that has shown no credential goes first, the oldest of
//! them: so a flood of connections that dribble their headers costs the flood its own. Each named token has its share;
//! one more of its connections costs it an older one. When every place is taken by those who are known, whoever has the
//! most gives one up: so the person, who has a few, always gets in. Of a holder's connections idle ones go before those
//! that are being answered, then older ones before newer.
//!
//! Who gives way finishes the answer it is in the middle of; an event stream ends with a word about why.
//!
//! What a connection was upgraded to (a WebSocket) keeps its place and counts as being answered. It ends at once with the credential
//! that opened it, when it gives way, and with the server.

use super::line::Line;
use super::{HEADER_TIMEOUT, Peer, carried};
use crate::access::{Holder, Lease};
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response, StatusCode};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections at once, for TCP and for the unix socket each. A browser opens six per page and a page holds one event
/// stream; a tenth would not carry a few tabs, ten times as much would use up the usual limit of 1024 open files.
pub const MAX_CONNECTIONS: usize = 256;

/// Connections of one named token. A tenth would not carry a script with a few workers; ten times as much would be all.
pub const TOKEN_SHARE: usize = 32;

/// Largest request head. Ours are below 2 KiB.
const MAX_HEAD_BYTES: usize = 32 << 10;

/// What a connection that gives way gets to finish its answer; a stream needs a moment for its last word.
const WAY_GRACE: Duration = Duration::from_secs(5);

/// The connections of one door.
pub(super) struct Connections {
    tracker: TaskTracker,
    /// What goes on although its connection is gone.
    errands: TaskTracker,
    stop: CancellationToken,
    /// Cuts all of them, those that are giving way included.
    cut: CancellationToken,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    /// By age.
    all: BTreeMap<u64, Arc<Place>>,
}

struct Place {
    number: u64,
    holder: Mutex<Option<Holder>>,
    /// Requests that are being answered.
    asked: AtomicUsize,
    /// A newer connection needs the place.
    gives_way: CancellationToken,
    /// To be cut at once.
    leave: CancellationToken,
}

impl Place {
    fn holder(&self) -> Option<Holder> {
        self.holder
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A connection's place. Clones are the same place.
#[derive(Clone)]
pub struct Seat {
    place: Arc<Place>,
    connections: Weak<Connections>,
}

impl std::fmt::Debug for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seat({})", self.place.number)
    }
}

impl Seat {
    /// The connection has shown whose it is. A token with more than its share gives up an older one.
    pub(in crate::web) fn belongs_to(&self, holder: &Holder) {
        let Some(connections) = self.connections.upgrade() else {
            return;
        };
        let mut open = connections.lock();
        let before = self
            .place
            .holder
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(holder.clone());
        if before.as_ref() == Some(holder) || !matches!(holder, Holder::Token { .. }) {
            return;
        }
        let own = open.all.values();
        let own = own.filter(|place| place.holder().as_ref() == Some(holder));
        if own.count() > TOKEN_SHARE {
            let this = self.place.number;
            open.give_up(|place| place.number != this && place.holder().as_ref() == Some(holder));
        }
    }

    /// Cancelled when a newer connection needs the place; what goes on for ever should end then, with a word.
    pub(in crate::web) fn gives_way(&self) -> &CancellationToken {
        &self.place.gives_way
    }
}

impl Connections {
    pub(super) fn new(tracker: TaskTracker, errands: TaskTracker, stop: CancellationToken) -> Self {
        Self {
            tracker,
            errands,
            stop,
            cut: CancellationToken::new(),
            open: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a new connection.
    pub(super) fn seat(self: &Arc<Self>) -> Seat {
        let mut open = self.lock();
        if open.all.len() >= MAX_CONNECTIONS {
            open.make_room();
        }
        let number = open.next;
        open.next += 1;
        let place = Arc::new(Place {
            number,
            holder: Mutex::default(),
            asked: AtomicUsize::new(0),
            gives_way: CancellationToken::new(),
            leave: self.cut.child_token(),
        });
        open.all.insert(number, Arc::clone(&place));
        Seat {
            place,
            connections: Arc::downgrade(self),
        }
    }

    /// The system has no more descriptors: one must go.
    pub(super) fn evict_one(&self) {
        self.lock().make_room();
    }

    pub(super) fn evict_all(&self) {
        self.cut.cancel();
    }

    /// Serves one connection in a task of its own.
    pub(super) fn serve<I>(self: &Arc<Self>, stream: I, peer: Peer, app: &Router)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let place = Arc::clone(&peer.seat().place);
        let (connections, app) = (Arc::clone(self), app.clone());
        self.tracker.spawn(async move {
            // However it ends, a panic included, its place is free again.
            let _leaving = Leaving {
                connections: &connections,
                number: place.number,
            };
            let asked = Arc::new(AtomicBool::new(false));
            let has_asked = Arc::clone(&asked);
            let asking = Arc::clone(&place);
            let upgraded = Arc::new(OnceLock::new());
            let is_upgraded = Arc::clone(&upgraded);
            let errands = connections.errands.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                has_asked.store(true, Ordering::Relaxed);
                let answered = Answering::new(&asking);
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(peer.clone());
                let (app, errands) = (app.clone(), errands.clone());
                let is_upgraded = Arc::clone(&is_upgraded);
                async move {
                    let answer = carried::answer(&errands, app, request).await;
                    answer.map(|answer| match upgraded_by(&answer) {
                        Some(lease) => {
                            is_upgraded.get_or_init(|| (lease, answered));
                            answer
                        }
                        // With the body, which may go on for long.
                        None => answer.map(|body| {
                            Body::new(Answer {
                                body,
                                _answered: answered,
                            })
                        }),
                    })
                }
            });
            let (cut, gone) = (CancellationToken::new(), CancellationToken::new());
            let line = Line::new(stream, cut.clone(), gone.clone());
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .max_buf_size(MAX_HEAD_BYTES)
                .serve_connection(TokioIo::new(line), service)
                .with_upgrades();
            tokio::pin!(connection);
            let ends = async {
                tokio::select! {
                    () = place.gives_way.cancelled() => Some(WAY_GRACE),
                    () = connections.stop.cancelled() => None,
                }
            };
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = place.leave.cancelled() => Ok(()),
                grace = ends => {
                    connection.as_mut().graceful_shutdown();
                    let late = async {
                        match grace {
                            Some(grace) => tokio::time::sleep(grace).await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        ended = connection.as_mut() => ended,
                        () = place.leave.cancelled() => Ok(()),
                        () = late => Ok(()),
                        // hyper would wait for the first request of a connection that never made one.
                        () = std::future::ready(()), if !asked.load(Ordering::Relaxed) => Ok(()),
                    }
                }
            };
            if let Err(error) = ended {
                // The other end went away or spoke no HTTP: nothing to do about it.
                tracing::debug!(%error, "a connection ended early");
            }
            if let Some((lease, _answered)) = upgraded.get() {
                tokio::select! {
                    () = gone.cancelled() => {}
                    () = lease.ended.cancelled() => {}
                    () = place.gives_way.cancelled() => {}
                    () = place.leave.cancelled() => {}
                    () = connections.stop.cancelled() => {}
                }
            }
            cut.cancel();
        });
    }
}

/// The credential of an answer that is the last word of HTTP. The guard says it; without one nothing is upgraded.
fn upgraded_by(answer: &Response<Body>) -> Option<Lease> {
    let lease = answer.extensions().get().cloned();
    lease.filter(|_| answer.status() == StatusCode::SWITCHING_PROTOCOLS)
}

/// Frees a connection's place when it is dropped.
struct Leaving<'a> {
    connections: &'a Connections,
    number: u64,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.connections.lock().all.remove(&self.number);
    }
}

impl Open {
    /// Frees a place for somebody new.
    fn make_room(&mut self) {
        if self.give_up(|place| place.holder().is_none()) {
            return;
        }
        let mut counts: HashMap<Holder, usize> = HashMap::new();
        for holder in self.all.values().filter_map(|place| place.holder()) {
            *counts.entry(holder).or_default() += 1;
        }
        let greediest = counts.into_iter().max_by_key(|(_, count)| *count);
        if let Some((greediest, _)) = greediest {
            self.give_up(|place| place.holder().as_ref() == Some(&greediest));
        }
    }

    /// Takes a place away from one of these: an idle one if there is, the oldest of them. False when there is none.
    fn give_up(&mut self, of: impl Fn(&Place) -> bool) -> bool {
        let busy = |place: &Place| place.asked.load(Ordering::Relaxed) > 0;
        let of_these = self.all.values().filter(|place| of(place));
        let chosen = of_these.min_by_key(|place| (busy(place), place.number));
        let Some(number) = chosen.map(|place| place.number) else {
            return false;
        };
        if let Some(place) = self.all.remove(&number) {
            // A stranger gets no time for a last word: it would keep its descriptor meanwhile.
            match place.holder() {
                Some(_) => place.gives_way.cancel(),
                None => place.leave.cancel(),
            }
        }
        true
    }
}

/// A request that is being answered.
struct Answering(Arc<Place>);

impl Answering {
    fn new(place: &Arc<Place>) -> Self {
        place.asked.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(place))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.asked.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer's body. Its request counts as being answered until it is dropped.
struct Answer {
    body: Body,
    _answered: Answering,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
