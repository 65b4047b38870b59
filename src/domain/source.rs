//! Through which door words came in, and whether that tells who spoke.

use serde::{Deserialize, Serialize};

/// Through which door something came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The tool that Codex offers to its agents; the thread proves who spoke.
    Tool,
    /// A file that somebody wrote into the mailbox.
    Mailbox,
    /// The JSON API.
    Api,
    /// The launcher itself, in place of a session that said nothing.
    LauncherFallback,
}

impl Source {
    /// Whether the launcher knows who spoke: the session through its tool, a person, or the launcher itself. A file could be
    /// anybody's.
    pub fn is_verified(self) -> bool {
        match self {
            Self::Tool | Self::Api | Self::LauncherFallback => true,
            Self::Mailbox => false,
        }
    }
}
