//! Taking the port in both families, and the unix socket with its file.

use super::ListenError;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// How often `--port 0` tries to find a port that is free in both families.
const PORT_ATTEMPTS: usize = 64;

/// The socket's file, which goes with the listener, whether that ever served or not.
pub(super) struct SocketFile {
    pub(super) path: PathBuf,
    pub(super) inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Only our own: a successor may have put its socket there already.
        if std::fs::symlink_metadata(&self.path).is_ok_and(|it| it.ino() == self.inode)
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(%error, "the socket could not be removed");
        }
    }
}

pub(super) async fn bind_loopback(
    wanted: u16,
) -> Result<(TcpListener, Option<TcpListener>, u16), ListenError> {
    const V4: &str = "127.0.0.1";
    const V6: &str = "[::1]";
    let attempts = if wanted == 0 { PORT_ATTEMPTS } else { 1 };
    for _ in 0..attempts {
        let failed = |host| {
            move |source: io::Error| match source.kind() {
                io::ErrorKind::AddrInUse => ListenError::PortTaken { port: wanted, host },
                _ => ListenError::Port {
                    port: wanted,
                    host,
                    source,
                },
            }
        };
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted))
            .await
            .map_err(failed(V4))?;
        let port = v4.local_addr().map_err(failed(V4))?.port();
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
            Ok(v6) => return Ok((v4, Some(v6), port)),
            Err(error) if lacks_ipv6(&error) => return Ok((v4, None, port)),
            Err(error) if wanted == 0 && error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(failed(V6)(error)),
        }
    }
    Err(ListenError::NoPort)
}

fn lacks_ipv6(error: &io::Error) -> bool {
    use rustix::io::Errno;
    error.raw_os_error().is_some_and(|code| {
        [
            Errno::ADDRNOTAVAIL,
            Errno::AFNOSUPPORT,
            Errno::PROTONOSUPPORT,
        ]
        .iter()
        .any(|errno| errno.raw_os_error() == code)
    })
}

pub(super) async fn bind_socket(path: &Path) -> Result<(UnixListener, u64, PathBuf), ListenError> {
    let failed = |source| ListenError::Socket {
        path: path.to_owned(),
        source,
    };
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(ListenError::SocketBlocked(path.to_owned()));
        }
        Ok(_) => {
            if UnixStream::connect(path).await.is_ok() {
                return Err(ListenError::SocketLive(path.to_owned()));
            }
            // Nobody listens: a server that was killed left it.
            std::fs::remove_file(path).map_err(failed)?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    // The folder is 0700 already, so nobody got in between.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    let inode = std::fs::symlink_metadata(path).map_err(failed)?.ino();
    Ok((listener, inode, path.to_owned()))
}
