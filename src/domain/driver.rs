//! What runs a session's agent, and what differs by it. A name stands only in `governance.yaml`, in the journal and in answers.

use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt;

/// Name of the driver that is built in.
pub const CODEX: &str = "codex";

/// What runs a session's agent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Driver {
    /// A thread of Codex's app-server.
    Codex,
    /// The program of this name under `drivers` in `governance.yaml`, in a terminal.
    Command(String),
}

impl Driver {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Codex => CODEX,
            Self::Command(name) => name,
        }
    }

    /// The name of the program that it runs, when that is one of `governance.yaml`.
    pub fn program(&self) -> Option<&str> {
        match self {
            Self::Codex => None,
            Self::Command(name) => Some(name),
        }
    }

    /// Whether its sessions need Codex's app-server.
    pub fn needs_codex(&self) -> bool {
        matches!(self, Self::Codex)
    }

    /// Whether its agents have the tools of the MCP server, and so a way to speak that nobody else has.
    pub fn has_tools(&self) -> bool {
        matches!(self, Self::Codex)
    }

    /// Whether sandbox and approval policy hold its agents. Any other program runs as the person does, and asks nobody.
    pub fn has_sandbox(&self) -> bool {
        matches!(self, Self::Codex)
    }

    /// Whether it tells by itself what its agent is doing, and shows which messages have arrived. Of others the screen is all there is.
    pub fn tells(&self) -> bool {
        matches!(self, Self::Codex)
    }

    /// Whether its agent lives in the session's terminal and ends with it. Otherwise that is a view, which comes and goes.
    pub fn lives_in_terminal(&self) -> bool {
        matches!(self, Self::Command(_))
    }
}

impl From<String> for Driver {
    fn from(name: String) -> Self {
        match name.as_str() {
            CODEX => Self::Codex,
            _ => Self::Command(name),
        }
    }
}

impl From<&str> for Driver {
    fn from(name: &str) -> Self {
        name.to_owned().into()
    }
}

impl From<Driver> for String {
    fn from(driver: Driver) -> Self {
        driver.name().to_owned()
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// By name, as people see them listed.
impl Ord for Driver {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name().cmp(other.name())
    }
}

impl PartialOrd for Driver {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn in_the_journal_a_driver_is_its_name() {
        for (driver, name) in [
            (Driver::Codex, "\"codex\""),
            (Driver::Command("my-agent".to_owned()), "\"my-agent\""),
        ] {
            assert_eq!(serde_json::to_string(&driver).unwrap(), name);
            assert_eq!(serde_json::from_str::<Driver>(name).unwrap(), driver);
        }
        // The built-in one stands among the others where its name belongs.
        assert!(Driver::from("agent") < Driver::Codex && Driver::Codex < Driver::from("x"));
    }
}
