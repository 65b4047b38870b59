//! Owns the WebSocket over the app-server's unix socket: path limits, connecting, who listens there, and the size limits of messages. It knows no
//! frames.

use std::{
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::net::UnixStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{self, protocol::WebSocketConfig},
};

/// The largest message in either direction. It is the app-server's own limit; a tenth would cut long command outputs off, ten times would let one
/// message take 160 MiB of memory.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// `sun_path` holds 108 bytes on Linux and 104 elsewhere, one of which is the closing zero.
pub const MAX_SOCKET_PATH_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// A local handshake takes under a millisecond; a server that needs longer hangs.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The path does not fit into a socket address. A whole sentence, since people see it as it is.
    #[error(
        "The socket path {path} has {length} bytes, and this system allows {MAX_SOCKET_PATH_BYTES}: choose a shorter runtime folder (for example with XDG_RUNTIME_DIR)."
    )]
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// Its length.
        length: usize,
    },
    /// Nobody listens, or nobody may connect.
    #[error("connect to {path}: {source}")]
    Connect {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What listens there does not speak WebSocket.
    #[error("open a WebSocket on {path}: {source}")]
    Handshake {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<tungstenite::Error>,
    },
    /// What listens there does not answer.
    #[error("open a WebSocket on {0}: no answer in 10 s")]
    Silent(PathBuf),
}

/// Whether a socket can have this path.
pub fn check_socket_path(path: &Path) -> Result<(), TransportError> {
    let length = path.as_os_str().as_bytes().len();
    if length <= MAX_SOCKET_PATH_BYTES {
        Ok(())
    } else {
        Err(TransportError::PathTooLong {
            path: path.to_path_buf(),
            length,
        })
    }
}

/// A connection and the process at its other end, where the system tells.
pub(super) struct Connection {
    pub(super) socket: WebSocketStream<UnixStream>,
    pub(super) peer_pid: Option<u32>,
}

/// Connects.
pub(super) async fn connect(path: &Path) -> Result<Connection, TransportError> {
    let (stream, peer_pid) = open(path).await?;
    let handshake = client_async_with_config("ws://localhost/rpc", stream, Some(config()));
    match tokio::time::timeout(HANDSHAKE_LIMIT, handshake).await {
        Ok(Ok((socket, _))) => Ok(Connection { socket, peer_pid }),
        Ok(Err(source)) => Err(TransportError::Handshake {
            path: path.to_path_buf(),
            source: Box::new(source),
        }),
        Err(_) => Err(TransportError::Silent(path.to_path_buf())),
    }
}

pub(super) fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        // Eagerly allocated per connection; the default of 128 KiB is more than all that is usually under way.
        .read_buffer_size(32 * 1024)
        // Each message goes out at once.
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_MESSAGE_BYTES + 64 * 1024)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES))
}

/// The process that listens on a socket, if any does.
pub(super) async fn listener(path: &Path) -> Option<u32> {
    open(path).await.ok()?.1
}

async fn open(path: &Path) -> Result<(UnixStream, Option<u32>), TransportError> {
    check_socket_path(path)?;
    let stream = UnixStream::connect(path)
        .await
        .map_err(|source| TransportError::Connect {
            path: path.to_path_buf(),
            source,
        })?;
    let peer_pid = stream
        .peer_cred()
        .ok()
        .and_then(|peer| peer.pid())
        .and_then(|pid| u32::try_from(pid).ok());
    Ok((stream, peer_pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_does_not_fit_is_refused_with_its_length() {
        let fits = PathBuf::from(format!("/{}", "a".repeat(MAX_SOCKET_PATH_BYTES - 1)));
        assert!(check_socket_path(&fits).is_ok());
        let long = PathBuf::from(format!("/{}", "二".repeat(70)));
        let text = check_socket_path(&long).map_err(|error| error.to_string());
        assert!(text.is_err_and(
            |text| text.contains("has 211 bytes") && text.contains("shorter runtime folder")
        ));
    }
}
