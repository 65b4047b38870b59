//! Which server a command is for, and the way to it.

use super::profiles::Profile;
use super::request::Request;
use crate::client::{Client, Port, Reply};
use crate::commands::error::CommandError;
use crate::paths::Places;
use crate::web::harness::PREFIX;
use std::time::Duration;

/// Codex has two minutes for an answer, and the server says so itself when they are over.
const PATIENCE: Duration = Duration::from_secs(150);

/// A server.
pub(super) enum Reach {
    /// The one of this repository, by its socket.
    Here(Box<Places>),
    /// One that a profile names.
    There {
        /// Where it listens, with the token for it.
        port: Port,
        /// Where the harness is on it.
        prefix: String,
    },
}

impl Reach {
    /// The server of a profile.
    pub(super) fn of(profile: &Profile) -> Result<Self, CommandError> {
        let port = Port::of(&profile.url, &profile.token);
        let port = port.map_err(|error| CommandError::Usage(error.to_string()))?;
        Ok(Self::There {
            port,
            prefix: profile.prefix.clone(),
        })
    }

    /// A way to it. A server that was started anew has another socket, so it is looked up each time.
    pub(super) fn client(&self) -> Result<Client, CommandError> {
        let client = match self {
            Self::Here(places) => Client::find(places)?,
            Self::There { port, .. } => Client::at_port(port.clone()),
        };
        Ok(client.with_patience(PATIENCE))
    }

    /// The address of a path of the harness.
    pub(super) fn address(&self, path: &str) -> String {
        match self {
            Self::Here(_) => format!("{PREFIX}{path}"),
            Self::There { prefix, .. } => format!("{prefix}{path}"),
        }
    }

    /// Sends a request; the answer, whatever it says.
    pub(super) async fn send(&self, request: &Request) -> Result<Reply, CommandError> {
        let body = request.body.as_ref().map(ToString::to_string);
        let path = self.address(&request.path);
        let client = self.client()?;
        let reply = client.request(&request.method, &path, body.as_deref());
        Ok(reply.await?)
    }

    /// Looks at something, which must be granted.
    pub(super) async fn look(&self, path: &str) -> Result<serde_json::Value, CommandError> {
        let reply = self.send(&Request::look(path)).await?;
        super::answer::granted(&reply)
    }
}
