//! Where a server is reached: its unix socket, or a port of this machine together with a token.

use super::ClientError;
use hyper::Uri;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// A connection, of whichever kind.
pub(super) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// Why an address is none that a token may go to.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PortError {
    /// No address.
    #[error("{0} is no address of a server; it looks like http://127.0.0.1:6211")]
    NoAddress(String),
    /// TLS.
    #[error(
        "{0}: https is not spoken here. Forward a port, `ssh -L 6211:127.0.0.1:6211 HOST`, and name http://127.0.0.1:6211"
    )]
    Encrypted(String),
    /// Another machine.
    #[error(
        "{0} is not this machine, and whoever is on the way would read the token. Forward a port, `ssh -L 6211:127.0.0.1:6211 HOST`, and \
         name http://127.0.0.1:6211"
    )]
    Elsewhere(String),
}

/// A port of this machine, and what opens it.
#[derive(Clone)]
pub struct Port {
    ip: IpAddr,
    port: u16,
    authority: String,
    token: String,
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Port({})", self.authority)
    }
}

impl Port {
    /// The port of an address. A name is never looked up: those below `localhost` are this machine, any other is refused.
    ///
    /// # Errors
    /// When the address is none, or not of this machine.
    pub fn of(url: &str, token: &str) -> Result<Self, PortError> {
        let bad = || PortError::NoAddress(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let authority = uri.authority().ok_or_else(bad)?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(PortError::Encrypted(url.to_owned())),
            _ => return Err(bad()),
        }
        if authority.as_str().contains('@') || uri.query().is_some() || uri.path() != "/" {
            return Err(bad());
        }
        let host = authority.host();
        let plain = host.trim_start_matches('[').trim_end_matches(']');
        let is_name = host == "localhost" || host.ends_with(".localhost");
        let ip = match plain.parse::<IpAddr>() {
            Ok(ip) if ip.is_loopback() => ip,
            _ if is_name => Ipv4Addr::LOCALHOST.into(),
            _ => return Err(PortError::Elsewhere(host.to_owned())),
        };
        Ok(Self {
            ip,
            port: authority.port_u16().unwrap_or(80),
            authority: authority.to_string(),
            token: token.to_owned(),
        })
    }
}

/// Where a server is reached.
#[derive(Debug, Clone)]
pub(super) enum Door {
    Socket {
        path: PathBuf,
        /// Its process; 0 where that is not known.
        pid: u32,
        repo: PathBuf,
    },
    Port(Port),
}

impl Door {
    pub(super) fn pid(&self) -> u32 {
        match self {
            Self::Socket { pid, .. } => *pid,
            Self::Port(_) => 0,
        }
    }

    /// What a request names as its host.
    pub(super) fn authority(&self) -> &str {
        match self {
            Self::Socket { .. } => "localhost",
            Self::Port(port) => &port.authority,
        }
    }

    /// What a request says of who sends it.
    pub(super) fn bearer(&self) -> Option<String> {
        match self {
            Self::Socket { .. } => None,
            Self::Port(port) => Some(format!("Bearer {}", port.token)),
        }
    }

    pub(super) async fn open(&self) -> Result<Box<dyn Line>, ClientError> {
        let (path, pid, repo) = match self {
            Self::Socket { path, pid, repo } => (path, *pid, repo),
            Self::Port(port) => {
                let opened = TcpStream::connect((port.ip, port.port)).await;
                let stream = opened.map_err(|source| ClientError::NobodyThere {
                    address: port.authority.clone(),
                    source,
                })?;
                return Ok(Box::new(stream));
            }
        };
        let gone = |error: &io::Error| {
            matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            )
        };
        let stream = match UnixStream::connect(path).await {
            Ok(stream) => stream,
            Err(error) if gone(&error) && pid == 0 => {
                return Err(ClientError::NotRunning(repo.clone()));
            }
            Err(source) => {
                return Err(ClientError::NoAnswer {
                    pid,
                    socket: path.clone(),
                    source,
                });
            }
        };
        let own = rustix::process::geteuid().as_raw();
        if !stream.peer_cred().is_ok_and(|peer| peer.uid() == own) {
            return Err(ClientError::ForeignSocket(path.clone()));
        }
        Ok(Box::new(stream))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_token_stays_on_this_machine() {
        for url in [
            "http://127.0.0.1:6211",
            "http://[::1]:6211/",
            "http://localhost:6211",
            "http://zs-1f.localhost:6211",
        ] {
            let port = Port::of(url, "secret").unwrap();
            assert_eq!(port.port, 6211, "{url}");
            assert!(!format!("{port:?}").contains("secret"));
        }
        for url in [
            "http://192.0.2.7:6211",
            "http://example.org",
            "http://localhost.example.org",
        ] {
            assert!(
                matches!(Port::of(url, "t"), Err(PortError::Elsewhere(_))),
                "{url}"
            );
        }
        let https = Port::of("https://example.org", "t");
        assert!(matches!(https, Err(PortError::Encrypted(_))));
        for url in [
            "",
            "127.0.0.1:6211",
            "ftp://127.0.0.1",
            "http://a@127.0.0.1",
            "http://127.0.0.1/x",
        ] {
            assert!(
                matches!(Port::of(url, "t"), Err(PortError::NoAddress(_))),
                "{url}"
            );
        }
    }
}
