//! Whose a credential is, and how long what it opened may stay open.

use std::fmt;
use tokio_util::sync::CancellationToken;

/// Whose a credential is. What stays open longer than one answer is kept under this name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Holder {
    /// Whoever is on the unix socket, which our own user alone can open.
    CommandLine,
    /// One browser that has logged in.
    Browser {
        /// The start of the server that it logged in to; no session outlives that.
        boot: i64,
        /// Which one.
        number: u64,
    },
    /// An extension, while it handles an event.
    Extension {
        /// Who it is.
        agent_id: String,
    },
    /// A named token.
    Token {
        /// Its name.
        name: String,
        /// The beginning of its digest: a later token of the same name is another one.
        print: String,
    },
}

impl Holder {
    /// Whether the credential is good for the next server as well.
    pub fn outlives_the_server(&self) -> bool {
        !matches!(self, Self::Browser { .. } | Self::Extension { .. })
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("cli"),
            Self::Browser { boot, number } => write!(f, "browser:{boot:x}-{number}"),
            Self::Extension { agent_id } => write!(f, "extension:{agent_id}"),
            Self::Token { name, print } => write!(f, "token:{name}:{print}"),
        }
    }
}

/// Ends when the caller's credential ends or the server stops. Whatever stays open longer than one answer (event
/// streams, terminals) must end with it.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Cancelled at the end.
    pub ended: CancellationToken,
    /// Whose it is.
    pub holder: Holder,
}
