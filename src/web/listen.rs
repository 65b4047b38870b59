//! Where the server can be reached: 127.0.0.1 and `[::1]` on one port, and a unix socket of our own user. Owns the
//! listeners, the accept loops and the orderly end; `connections` says who gives way. It never looks at a route.

mod bind;
mod carried;
mod connections;
mod line;

use crate::access::Holder;
use axum::Router;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use bind::{SocketFile, bind_loopback, bind_socket};
use connections::Connections;
pub use connections::{MAX_CONNECTIONS, Seat, TOKEN_SHARE};

/// How long a request's head may take, and how long a connection may be quiet between two requests.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the accept loop rests when the system has no more descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Through which door a request came.
#[derive(Debug, Clone)]
pub enum Peer {
    /// A TCP connection from this machine: it may be anybody's.
    Loopback {
        /// Its other end.
        address: SocketAddr,
        /// Its place, to be told whose it is.
        seat: Seat,
    },
    /// The unix socket; the process at the other end runs as our user.
    Socket {
        /// That process, where the system tells.
        pid: Option<u32>,
        /// Its place.
        seat: Seat,
    },
}

impl Peer {
    /// Its place.
    pub fn seat(&self) -> &Seat {
        match self {
            Self::Loopback { seat, .. } | Self::Socket { seat, .. } => seat,
        }
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
    /// being answered or was asked for, for at most `grace`, and removes the socket.
    pub async fn serve(self, app: Router, stop: CancellationToken, grace: Duration) {
        let tasks = TaskTracker::new();
        let errands = TaskTracker::new();
        let connections = || {
            Arc::new(Connections::new(
                tasks.clone(),
                errands.clone(),
                stop.clone(),
            ))
        };
        let (tcp, local) = (connections(), connections());
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
        tasks.close();
        errands.close();
        let all = async {
            tasks.wait().await;
            errands.wait().await;
        };
        if tokio::time::timeout(grace, all).await.is_err() {
            tracing::warn!("connections or what they had asked for did not end in time");
            tcp.evict_all();
            local.evict_all();
            // Each of them drops its connection at once.
            tasks.wait().await;
        }
    }
}

async fn accept_tcp(listener: &TcpListener, connections: &Arc<Connections>, app: &Router) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "set TCP_NODELAY");
                }
                let seat = connections.seat();
                connections.serve(stream, Peer::Loopback { address, seat }, app);
            }
            Err(error) => recover(&error, connections).await,
        }
    }
}

async fn accept_unix(
    listener: &UnixListener,
    connections: &Arc<Connections>,
    app: &Router,
    own_uid: u32,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => match stream.peer_cred() {
                Ok(credentials) if credentials.uid() == own_uid => {
                    let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok());
                    let seat = connections.seat();
                    seat.belongs_to(&Holder::CommandLine);
                    connections.serve(stream, Peer::Socket { pid, seat }, app);
                }
                Ok(credentials) => tracing::warn!(
                    peer.uid = credentials.uid(),
                    "another user's connection to the socket was closed"
                ),
                Err(error) => {
                    tracing::warn!(%error, "a connection whose user is unknown was closed");
                }
            },
            Err(error) => recover(&error, connections).await,
        }
    }
}

/// An accept that failed must not end the server: the peer has gone, or descriptors have run out.
async fn recover(error: &io::Error, connections: &Connections) {
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
    connections.evict_one();
    tokio::time::sleep(ACCEPT_PAUSE).await;
}
