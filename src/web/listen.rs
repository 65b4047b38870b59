//! Where the server can be reached: 127.0.0.1 and `[::1]` on one port, and a unix socket of our own user. Owns the
//! listeners, the accept loops, the bound on connections and the orderly end. It never looks at a route.
//!
//! # Who gives way
//!
//! At the bound, the oldest connection that has never shown a credential is closed for the new one. So a flood of
//! connections that dribble their headers costs the flood its own connections, and a person still gets in.

mod bind;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use bind::{SocketFile, bind_loopback, bind_socket};

/// How long a request's head may take, and how long a connection may be quiet between two requests.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections at once, for TCP and for the unix socket each. A browser opens six per page and a page holds one event
/// stream; a tenth would not carry a few tabs, ten times as much would use up the usual limit of 1024 open files.
pub const MAX_CONNECTIONS: usize = 256;

/// Largest request head. Ours are below 2 KiB.
const MAX_HEAD_BYTES: usize = 32 << 10;

/// How long the accept loop rests when the system has no more descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Through which door a request came.
#[derive(Debug, Clone)]
pub enum Peer {
    /// A TCP connection from this machine: it may be anybody's.
    Loopback {
        /// Its other end.
        address: SocketAddr,
        /// To be told when it shows a credential.
        trusted: Trust,
    },
    /// The unix socket; the process at the other end runs as our user.
    Socket {
        /// That process, where the system tells.
        pid: Option<u32>,
    },
}

/// Whether a connection has ever shown a valid credential.
#[derive(Debug, Clone, Default)]
pub struct Trust(Arc<AtomicBool>);

impl Trust {
    /// It has.
    pub(super) fn trust(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_trusted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why the server cannot listen. Display is a whole sentence for the person.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else holds the port.
    #[error(
        "port {port} on {host} is in use by another program, perhaps zhongshu for another repository; end it, or choose another port with `--port N` (`--port 0` picks a free one)"
    )]
    PortTaken {
        /// The port.
        port: u16,
        /// `127.0.0.1` or `[::1]`.
        host: &'static str,
    },
    /// Not allowed, or no network at all.
    #[error("listen on {host}:{port}: {source}")]
    Port {
        /// The port.
        port: u16,
        /// `127.0.0.1` or `[::1]`.
        host: &'static str,
        /// Why.
        source: io::Error,
    },
    /// No port was free in both families.
    #[error("no port is free on both 127.0.0.1 and [::1]; name one with `--port N`")]
    NoPort,
    /// A server answers at the socket.
    #[error("a zhongshu answers at {0} already; `zhongshu stop` ends it")]
    SocketLive(PathBuf),
    /// Something else is at the socket's path.
    #[error("{0} is in the way and is no socket; move it away")]
    SocketBlocked(PathBuf),
    /// The socket cannot be made.
    #[error("make the socket {path}: {source}")]
    Socket {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Everything the server listens on.
pub struct Listener {
    v4: TcpListener,
    v6: Option<TcpListener>,
    socket: UnixListener,
    socket_file: SocketFile,
    port: u16,
}

impl Listener {
    /// Takes the port in both families, and the socket. Port 0 means any free one. On a machine without IPv6 the
    /// first family is enough.
    ///
    /// # Errors
    /// When the port is taken in either family, or the socket cannot be made.
    pub async fn bind(port: u16, socket: &Path) -> Result<Self, ListenError> {
        let (v4, v6, port) = bind_loopback(port).await?;
        let (socket, inode, path) = bind_socket(socket).await?;
        Ok(Self {
            v4,
            v6,
            socket,
            socket_file: SocketFile { path, inode },
            port,
        })
    }

    /// The port that was taken.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Serves `app` (what [`guard::protect`](crate::web::guard::protect) made of the routes) until `stop`; then finishes what is
    /// being answered, for at most `grace`, and removes the socket.
    pub async fn serve(self, app: Router, stop: CancellationToken, grace: Duration) {
        let connections = TaskTracker::new();
        let tcp = Arc::new(Floor::new(connections.clone(), stop.clone()));
        let local = Arc::new(Floor::new(connections.clone(), stop.clone()));
        let own_uid = rustix::process::geteuid().as_raw();
        {
            let v4 = accept_tcp(&self.v4, &tcp, &app);
            let v6 = async {
                match &self.v6 {
                    Some(v6) => accept_tcp(v6, &tcp, &app).await,
                    None => std::future::pending().await,
                }
            };
            let unix = accept_unix(&self.socket, &local, &app, own_uid);
            tokio::select! {
                () = stop.cancelled() => {}
                () = v4 => {}
                () = v6 => {}
                () = unix => {}
            }
        }
        drop((self.v4, self.v6, self.socket, self.socket_file));
        connections.close();
        if tokio::time::timeout(grace, connections.wait())
            .await
            .is_err()
        {
            tracing::warn!("connections were cut because they did not end in time");
            tcp.evict_all();
            local.evict_all();
            // Each of them drops its connection at once.
            connections.wait().await;
        }
    }
}

/// The connections of one kind.
struct Floor {
    tracker: TaskTracker,
    stop: CancellationToken,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    all: BTreeMap<u64, (Trust, CancellationToken)>,
}

impl Floor {
    fn new(tracker: TaskTracker, stop: CancellationToken) -> Self {
        Self {
            tracker,
            stop,
            open: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a place; `None` when all of them are taken by connections that are trusted.
    fn enter(&self, trust: Trust) -> Option<(u64, CancellationToken)> {
        let mut open = self.lock();
        if open.all.len() >= MAX_CONNECTIONS && !evict_oldest(&mut open) {
            return None;
        }
        let id = open.next;
        open.next += 1;
        let leave = CancellationToken::new();
        open.all.insert(id, (trust, leave.clone()));
        Some((id, leave))
    }

    fn leave(&self, id: u64) {
        self.lock().all.remove(&id);
    }

    fn evict_one(&self) {
        evict_oldest(&mut self.lock());
    }

    fn evict_all(&self) {
        for (_, leave) in self.lock().all.values() {
            leave.cancel();
        }
    }

    /// Serves one connection in a task of its own.
    fn serve<I>(self: &Arc<Self>, stream: I, peer: Peer, app: &Router)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let trust = match &peer {
            Peer::Loopback { trusted, .. } => trusted.clone(),
            Peer::Socket { .. } => {
                let trust = Trust::default();
                trust.trust();
                trust
            }
        };
        // Without a place the connection is dropped here, which closes it.
        let Some((id, leave)) = self.enter(trust) else {
            tracing::warn!("a connection was refused: all of them are in use");
            return;
        };
        let (floor, app) = (Arc::clone(self), app.clone());
        self.tracker.spawn(async move {
            // However it ends, a panic included, its place is free again.
            let _place = Place { floor: &floor, id };
            let asked = Arc::new(AtomicBool::new(false));
            let has_asked = Arc::clone(&asked);
            let service = service_fn(move |request: Request<Incoming>| {
                has_asked.store(true, Ordering::Relaxed);
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(peer.clone());
                app.clone().oneshot(request)
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .max_buf_size(MAX_HEAD_BYTES)
                .serve_connection(TokioIo::new(stream), service);
            tokio::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = leave.cancelled() => Ok(()),
                () = floor.stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    tokio::select! {
                        ended = connection.as_mut() => ended,
                        () = leave.cancelled() => Ok(()),
                        // hyper would wait for the first request of a connection that never made one.
                        () = std::future::ready(()), if !asked.load(Ordering::Relaxed) => Ok(()),
                    }
                }
            };
            if let Err(error) = ended {
                // The other end went away or spoke no HTTP: nothing to do about it.
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
}

/// A connection's place, until it is dropped.
struct Place<'a> {
    floor: &'a Floor,
    id: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.floor.leave(self.id);
    }
}

fn evict_oldest(open: &mut Open) -> bool {
    let oldest = open
        .all
        .iter()
        .find(|(_, (trust, _))| !trust.is_trusted())
        .map(|(id, _)| *id);
    let Some((_, leave)) = oldest.and_then(|id| open.all.remove(&id)) else {
        return false;
    };
    leave.cancel();
    true
}

async fn accept_tcp(listener: &TcpListener, floor: &Arc<Floor>, app: &Router) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "set TCP_NODELAY");
                }
                let peer = Peer::Loopback {
                    address,
                    trusted: Trust::default(),
                };
                floor.serve(stream, peer, app);
            }
            Err(error) => recover(&error, floor).await,
        }
    }
}

async fn accept_unix(listener: &UnixListener, floor: &Arc<Floor>, app: &Router, own_uid: u32) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => match stream.peer_cred() {
                Ok(credentials) if credentials.uid() == own_uid => {
                    let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok());
                    floor.serve(stream, Peer::Socket { pid }, app);
                }
                Ok(credentials) => tracing::warn!(
                    peer.uid = credentials.uid(),
                    "another user's connection to the socket was closed"
                ),
                Err(error) => {
                    tracing::warn!(%error, "a connection whose user is unknown was closed");
                }
            },
            Err(error) => recover(&error, floor).await,
        }
    }
}

/// An accept that failed must not end the server: the peer has gone, or descriptors have run out.
async fn recover(error: &io::Error, floor: &Floor) {
    let peer_went = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    );
    if peer_went {
        return;
    }
    tracing::warn!(%error, "accepting connections is difficult");
    floor.evict_one();
    tokio::time::sleep(ACCEPT_PAUSE).await;
}
